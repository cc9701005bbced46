//! A comparison: ways to do one job, measured in turn, so that what else the machine does meets all of them alike.
//!
//! What is measured one after another is seconds apart, in which a machine that others use has changed its pace. So ratios are
//! of samples that stand beside each other, and the median is taken last.

use std::time::{Duration, Instant};

use crate::report::{Aim, Line, Table, Unit};

/// More rounds tell nothing more.
const MOST_ROUNDS: usize = 200;
/// So long is a sample of something short, of which many are one sample.
const SAMPLE: Duration = Duration::from_millis(2);
/// And no more, if it takes no time at all.
const MOST_RUNS: u32 = 1 << 24;

/// Ways to do one job, of which the first is what the others are compared with.
pub(crate) struct Comparison {
    unit: Unit,
    rivals: Vec<Rival>,
    most_rounds: usize,
}

struct Rival {
    name: &'static str,
    sample: Box<dyn FnMut() -> f64>,
    aims: Vec<Aim>,
}

impl Comparison {
    /// Of times: less is better.
    pub(crate) fn of_times() -> Comparison {
        Comparison::of(Unit::Seconds)
    }

    pub(crate) fn of(unit: Unit) -> Comparison {
        Comparison { unit, rivals: Vec::new(), most_rounds: MOST_ROUNDS }
    }

    /// For samples that hardly differ, or that take long.
    pub(crate) fn at_most(mut self, rounds: usize) -> Comparison {
        self.most_rounds = rounds;
        self
    }

    /// Something short: it is done so often that the clock does not matter.
    pub(crate) fn run(&mut self, name: &'static str, mut run: impl FnMut() + 'static) -> &mut Self {
        let mut time = move |runs: u32| {
            let begun = Instant::now();
            for _ in 0..runs {
                run();
            }
            begun.elapsed()
        };
        let mut runs = 0;
        self.sample(name, move || {
            if runs == 0 {
                runs = 1;
                while runs < MOST_RUNS && time(runs) < SAMPLE {
                    runs *= 2;
                }
            }
            time(runs).as_secs_f64() / f64::from(runs)
        })
    }

    /// Something that gives what it has measured, in the comparison's unit.
    pub(crate) fn sample(&mut self, name: &'static str, sample: impl FnMut() -> f64 + 'static) -> &mut Self {
        self.rivals.push(Rival { name, sample: Box::new(sample), aims: Vec::new() });
        self
    }

    /// What the last one should come to.
    pub(crate) fn aim(&mut self, aim: Aim) -> &mut Self {
        self.rivals.last_mut().expect("an aim is of what was added before").aims.push(aim);
        self
    }

    /// Takes samples in turn for about so long, and at least in so many rounds; `told` hears before each which part is done.
    pub(crate) fn measure(
        mut self,
        job: (&str, &str),
        time: Duration,
        fewest: usize,
        told: &dyn Fn(f64),
    ) -> Table {
        // What is done for the first time takes longer, and no later time will be like it.
        for rival in &mut self.rivals {
            (rival.sample)();
        }
        let begun = Instant::now();
        let mut samples: Vec<Vec<f64>> = vec![Vec::new(); self.rivals.len()];
        for round in 0..self.most_rounds {
            let part = begun.elapsed().as_secs_f64() / time.as_secs_f64();
            if part >= 1.0 && round >= fewest {
                break;
            }
            told(part.max(round as f64 / self.most_rounds as f64).min(1.0));
            // Each comes after another one in each round: what one leaves in the caches is not always the same one's to pay.
            for turn in 0..self.rivals.len() {
                let which = (turn + round) % self.rivals.len();
                samples[which].push((self.rivals[which].sample)());
            }
        }
        self.tabulate(job, &samples)
    }

    fn tabulate(self, (name, does): (&str, &str), samples: &[Vec<f64>]) -> Table {
        let of = |aim: &Aim| match aim.of {
            None => &samples[0],
            Some(name) => {
                let place = self.rivals.iter().position(|rival| rival.name == name);
                &samples[place.unwrap_or_else(|| panic!("`{name}` is not in this comparison"))]
            }
        };
        let lines = self.rivals.iter().zip(samples).map(|(rival, own)| Line {
            name: rival.name.to_owned(),
            value: Quartiles::of(own.iter().copied()),
            ratio: ratios(own, &samples[0]),
            aims: rival.aims.iter().map(|aim| aim.judge(ratios(own, of(aim)).median)).collect(),
        });
        Table {
            name: name.to_owned(),
            does: does.to_owned(),
            unit: self.unit,
            rounds: samples[0].len(),
            lines: lines.collect(),
        }
    }
}

fn ratios(own: &[f64], others: &[f64]) -> Quartiles {
    Quartiles::of(own.iter().zip(others).map(|(own, other)| own / other))
}

/// The middle of some values, and between which two the middle half of them lies.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub(crate) struct Quartiles {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

impl Quartiles {
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Quartiles {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |part: f64| values[((values.len() - 1) as f64 * part).round() as usize];
        Quartiles { low: at(0.25), median: at(0.5), high: at(0.75) }
    }

    /// How far the middle half of the values lies from the middle, as a part of it.
    pub(crate) fn spread(self) -> f64 {
        if self.median == 0.0 { 0.0 } else { (self.high - self.low) / 2.0 / self.median }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_samples_that_stand_beside_each_other() {
        let mut comparison = Comparison::of_times().at_most(8);
        // A machine that becomes slower and slower: only the ratios say which of them is.
        let pace = std::rc::Rc::new(std::cell::Cell::new(1.0));
        let at = |times: f64| {
            let pace = std::rc::Rc::clone(&pace);
            move || {
                pace.set(pace.get() * 1.0001);
                pace.get() * times
            }
        };
        comparison.sample("floor", at(1.0));
        comparison.sample("ours", at(1.5)).aim(Aim::at_most(1.4)).aim(Aim::as_fast_as(0.5, "floor"));
        let table = comparison.measure(("a job", "does it"), Duration::from_secs(60), 1, &|_| ());
        assert_eq!(table.rounds, 8);
        let ours = &table.lines[1];
        assert!((ours.ratio.median - 1.5).abs() < 0.01, "{ours:?}");
        assert_eq!(ours.aims.iter().map(|aim| aim.met).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn what_is_short_is_done_often() {
        let mut comparison = Comparison::of_times().at_most(5);
        comparison.run("nothing", || ());
        comparison.run("next to nothing", || _ = std::hint::black_box(1));
        let table = comparison.measure(("a job", "does it"), Duration::ZERO, 1, &|_| ());
        assert!(table.lines.iter().all(|line| line.value.median < 1e-6), "{table:?}");
    }

    #[test]
    fn quartiles_are_values_that_were_there() {
        let quartiles = Quartiles::of([5.0, 1.0, 4.0, 2.0, 3.0].into_iter());
        assert_eq!(quartiles, Quartiles { low: 2.0, median: 3.0, high: 4.0 });
        assert!((quartiles.spread() - 1.0 / 3.0).abs() < 1e-9);
    }
}
