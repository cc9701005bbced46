//! How long calls took, counted by length: exact to a sixteenth, whatever their number.

use std::time::Duration;

const STEPS: usize = 16;

#[derive(Clone)]
pub(crate) struct Latencies {
    counts: Vec<u64>,
}

impl Default for Latencies {
    fn default() -> Latencies {
        Latencies { counts: vec![0; STEPS * 64] }
    }
}

impl Latencies {
    pub(crate) fn add(&mut self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(STEPS as u64);
        self.counts[bucket(nanoseconds)] += 1;
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The time within which so large a part of the calls ended; 0 if there were none.
    pub(crate) fn at(&self, part: f64) -> Duration {
        let wanted = (self.count() as f64 * part).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if *count > 0 && seen >= wanted {
                return Duration::from_nanos(end_of(bucket));
            }
        }
        Duration::ZERO
    }
}

fn bucket(nanoseconds: u64) -> usize {
    let power = nanoseconds.ilog2() as usize;
    let step = (nanoseconds >> (power - 4)) as usize - STEPS;
    power * STEPS + step
}

fn end_of(bucket: usize) -> u64 {
    let (power, step) = (bucket / STEPS, bucket % STEPS);
    ((STEPS + step + 1) as u64) << power.saturating_sub(4)
}
