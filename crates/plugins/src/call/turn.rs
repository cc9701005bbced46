//! How much of its task's turn does a call use up? As much as it took time, so that a task that calls in a loop keeps its thread
//! from all others for about a millisecond, and not for a hundred calls.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::task::coop::{has_budget_remaining, poll_proceed};

/// How long a call takes for each unit of the task's budget: of tokio's 128, which are one turn.
const UNIT: Duration = Duration::from_micros(10);
/// More than this no turn has; where there is no bound at all, counting would take long.
const MOST: u128 = 128;

/// Uses up what a call that took so long is worth. Never waits: whatever the task does next lets the others have their turn.
pub(super) async fn use_up(took: Duration) {
    let mut units = (took.as_nanos() / UNIT.as_nanos()).min(MOST);
    if units == 0 {
        return;
    }
    poll_fn(|context| {
        while units > 0 && has_budget_remaining() {
            if let Poll::Ready(unit) = poll_proceed(context) {
                unit.made_progress();
            }
            units -= 1;
        }
        Poll::Ready(())
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_is_as_long_as_its_calls() {
        for _ in 0..10 {
            use_up(UNIT * 10).await;
        }
        assert!(has_budget_remaining(), "a millisecond is within a turn");
        for _ in 0..3 {
            use_up(UNIT * 10).await;
        }
        assert!(!has_budget_remaining());
        tokio::task::consume_budget().await;
        assert!(has_budget_remaining(), "the next turn");
        use_up(Duration::MAX).await;
        assert!(!has_budget_remaining());
    }

    #[tokio::test]
    async fn short_calls_cost_nothing_of_it() {
        for _ in 0..1_000 {
            use_up(UNIT / 2).await;
        }
        assert!(has_budget_remaining());
    }
}
