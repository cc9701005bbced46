//! The queue: whose turn it is, and that no place is ever lost.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{advance, sleep};

use super::*;

fn queue(concurrency: u32, waiting: u32, wait: Duration) -> FairQueue {
    let concurrency = NonZero::new(concurrency).unwrap();
    FairQueue::new(&QueueSettings { concurrency, waiting, wait })
}

const MINUTE: Duration = Duration::from_secs(60);

/// Has a place for so long, and says then who it was.
fn stay(
    lane: &Arc<Lane>,
    time: Duration,
    told: &Arc<Mutex<Vec<u32>>>,
    who: u32,
) -> JoinHandle<Result<(), Refusal>> {
    let (lane, told) = (Arc::clone(lane), Arc::clone(told));
    tokio::spawn(async move {
        let _permit = lane.admit().await?;
        told.lock().unwrap().push(who);
        sleep(time).await;
        Ok(())
    })
}

/// Lets all tasks go as far as they get.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn in_one_lane_who_came_first_is_first() {
    let queue = queue(1, 100, MINUTE);
    let (lane, told) = (Arc::new(queue.lane(1, 10)), Arc::default());
    let mut tasks = Vec::new();
    for who in 0..10 {
        tasks.push(stay(&lane, Duration::from_millis(5), &told, who));
        settle().await;
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(*told.lock().unwrap(), (0..10).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn lanes_have_time_as_their_weights() {
    let queue = queue(2, 1000, 100 * MINUTE);
    let (heavy, light) = (Arc::new(queue.lane(3, 10)), Arc::new(queue.lane(1, 10)));
    let told = Arc::default();
    for _ in 0..400 {
        stay(&light, Duration::from_millis(10), &told, 1);
        stay(&heavy, Duration::from_millis(10), &told, 3);
    }
    sleep(Duration::from_millis(1000)).await;
    let told = told.lock().unwrap();
    let heavy = told.iter().filter(|who| **who == 3).count();
    let share = heavy as f64 / (told.len() - heavy) as f64;
    assert!(told.len() > 190 && (2.7..3.3).contains(&share), "{heavy} of {}", told.len());
}

#[tokio::test(start_paused = true)]
async fn what_counts_is_time_and_not_how_many() {
    let queue = queue(1, 1000, 100 * MINUTE);
    let (long, short) = (Arc::new(queue.lane(1, 10)), Arc::new(queue.lane(1, 10)));
    let told = Arc::default();
    for _ in 0..200 {
        stay(&long, Duration::from_millis(50), &told, 50);
        stay(&short, Duration::from_millis(10), &told, 10);
    }
    sleep(Duration::from_millis(2000)).await;
    let told = told.lock().unwrap();
    let long = told.iter().filter(|who| **who == 50).count();
    assert!((18..=23).contains(&long) && told.len() - long >= 90, "{long} of {}", told.len());
}

#[tokio::test(start_paused = true)]
async fn nobody_saves_up_time_that_it_did_not_ask_for() {
    let queue = queue(8, 1000, 100 * MINUTE);
    let (greedy, steady) = (Arc::new(queue.lane(1, 100)), Arc::new(queue.lane(1, 100)));
    let told = Arc::default();
    // Nobody waits: one lane has six places all the time, the other one or two, but always one.
    for round in 0..1000 {
        for _ in 0..6 {
            stay(&greedy, Duration::from_millis(10), &told, 0);
        }
        stay(&steady, Duration::from_millis(if round % 2 == 0 { 15 } else { 25 }), &told, 0);
        advance(Duration::from_millis(10)).await;
        settle().await;
    }
    sleep(MINUTE).await;
    let _still = steady.admit().await.unwrap();
    told.lock().unwrap().clear();
    // Now all want everything, and a third comes.
    let third = Arc::new(queue.lane(1, 100));
    for _ in 0..300 {
        stay(&steady, Duration::from_millis(10), &told, 1);
        stay(&greedy, Duration::from_millis(10), &told, 2);
        stay(&third, Duration::from_millis(10), &told, 3);
    }
    sleep(Duration::from_millis(300)).await;
    let told = told.lock().unwrap();
    for who in 1..=3 {
        let share = told.iter().filter(|it| **it == who).count();
        assert!(share * 6 > told.len(), "{who} has {share} of {}", told.len());
    }
}

#[tokio::test(start_paused = true)]
async fn a_lane_has_no_more_places_than_it_may() {
    let queue = queue(4, 100, MINUTE);
    let (narrow, wide) = (Arc::new(queue.lane(1, 1)), Arc::new(queue.lane(1, 10)));
    let told = Arc::default();
    let tasks: Vec<_> = (0..3).map(|who| stay(&narrow, Duration::from_secs(1), &told, who)).collect();
    settle().await;
    assert_eq!(narrow.usage(), QueueUse { running: 1, waiting: 2 });
    // Whoever waits for that stands in nobody's way.
    let permits = [wide.admit().await.unwrap(), wide.admit().await.unwrap(), wide.admit().await.unwrap()];
    assert_eq!(queue.usage(), QueueUse { running: 4, waiting: 2 });
    drop(permits);
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(queue.usage(), QueueUse::default());
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_or_in_too_long_a_line_is_refused() {
    let queue = queue(1, 1, Duration::from_secs(1));
    let lane = Arc::new(queue.lane(1, 10));
    let permit = lane.admit().await.unwrap();
    let told = Arc::default();
    let waiting = stay(&lane, Duration::ZERO, &told, 1);
    settle().await;
    assert_eq!(lane.admit().await.err(), Some(Refusal::QueueFull));
    let waited = waiting.await.unwrap().unwrap_err();
    assert!(matches!(waited, Refusal::Waited(time) if time >= Duration::from_secs(1)), "{waited:?}");
    assert_eq!(lane.usage(), QueueUse { running: 1, waiting: 0 });
    drop(permit);
    drop(lane.admit().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn who_is_cancelled_gives_its_turn_to_the_next() {
    let queue = queue(1, 100, MINUTE);
    let lane = Arc::new(queue.lane(1, 10));
    let told = Arc::default();
    let permit = lane.admit().await.unwrap();
    let tasks: Vec<_> = (0..50).map(|who| stay(&lane, Duration::ZERO, &told, who)).collect();
    settle().await;
    for task in &tasks[..49] {
        task.abort();
    }
    drop(permit);
    settle().await;
    assert_eq!(*told.lock().unwrap(), [49]);
    assert_eq!(queue.usage(), QueueUse::default());
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_closed_sends_all_away() {
    let queue = queue(1, 100, MINUTE);
    let lane = Arc::new(queue.lane(1, 10));
    let permit = lane.admit().await.unwrap();
    let told = Arc::default();
    let waiting = stay(&lane, Duration::ZERO, &told, 1);
    settle().await;
    queue.close();
    assert_eq!(waiting.await.unwrap(), Err(Refusal::Closed));
    drop(permit);
    assert_eq!(lane.admit().await.err(), Some(Refusal::Closed));
    assert_eq!(queue.usage(), QueueUse::default());
}

/// Calls of lanes that come and go, some of which are given up at any moment.
#[tokio::test(start_paused = true)]
async fn no_place_is_lost_whatever_happens() {
    for seed in 1..=30_u64 {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut below = move |most: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % most
        };
        let queue = queue(3, 20, Duration::from_millis(40));
        let mut lanes: Vec<_> = (1..4).map(|weight| Arc::new(queue.lane(weight, 2))).collect();
        let told = Arc::default();
        let mut tasks = Vec::new();
        for _ in 0..500 {
            match below(10) {
                0..=5 => {
                    let at = below(lanes.len() as u64) as usize;
                    tasks.push(stay(&lanes[at], Duration::from_millis(below(20)), &told, 0));
                }
                6 | 7 if !tasks.is_empty() => {
                    let at = below(tasks.len() as u64) as usize;
                    tasks.swap_remove(at).abort();
                }
                8 => {
                    let at = below(lanes.len() as u64) as usize;
                    lanes[at] = Arc::new(queue.lane(below(5) as u32, 1 + below(4) as u32));
                }
                _ => advance(Duration::from_millis(below(15))).await,
            }
            if below(2) == 0 {
                tokio::task::yield_now().await;
            }
            assert!(queue.usage().running <= 3, "seed {seed}");
        }
        for task in tasks {
            let _ = task.await;
        }
        settle().await;
        assert_eq!(queue.usage(), QueueUse::default(), "seed {seed}");
        // All are free, and the lanes that are gone are forgotten.
        let wide = queue.lane(1, 3);
        let all = [wide.admit().await.unwrap(), wide.admit().await.unwrap(), wide.admit().await.unwrap()];
        assert_eq!(queue.usage().running, 3, "seed {seed}");
        drop(all);
        assert_eq!(queue.shared.lock().lanes(), lanes.len() + 1, "seed {seed}");
    }
}
