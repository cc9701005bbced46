//! How much of its task's turn does a call use up? As much as it took time, so that a task that calls in a loop keeps its thread
//! from all others for about a millisecond, and not for a hundred calls.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::coop::{has_budget_remaining, poll_proceed};

/// How long a call takes for each unit of the task's budget: of tokio's 128, which are one turn.
const UNIT: Duration = Duration::from_micros(10);
/// More than this no turn has; where there is no bound at all, counting would take long.
const MOST: u128 = 128;

/// Uses up what a call that took so long is worth. Never waits: whatever the task does next lets the others have their turn.
pub(super) fn use_up(took: Duration) {
    let mut units = (took.as_nanos() / UNIT.as_nanos()).min(MOST);
    // Nobody is woken, for nothing is asked for that is not there.
    let mut context = Context::from_waker(Waker::noop());
    while units > 0 && has_budget_remaining() {
        if let Poll::Ready(unit) = poll_proceed(&mut context) {
            unit.made_progress();
        }
        units -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_is_as_long_as_its_calls() {
        for _ in 0..10 {
            use_up(UNIT * 10);
        }
        assert!(has_budget_remaining(), "a millisecond is within a turn");
        for _ in 0..3 {
            use_up(UNIT * 10);
        }
        assert!(!has_budget_remaining());
        tokio::task::consume_budget().await;
        assert!(has_budget_remaining(), "the next turn");
        use_up(Duration::MAX);
        assert!(!has_budget_remaining());
    }

    #[tokio::test]
    async fn short_calls_cost_nothing_of_it() {
        for _ in 0..1_000 {
            use_up(UNIT / 2);
        }
        assert!(has_budget_remaining());
    }
}
