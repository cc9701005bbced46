//! A comparison: what does the same with and without limits, each measured by criterion, and all in turn for the ratios.
//!
//! What criterion measures one after another are seconds apart, in which a machine that others use has changed its pace.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use criterion::Criterion;

/// Things to be measured, of which the first is the baseline.
pub(crate) struct Comparison<'a> {
    name: String,
    rivals: Vec<Rival<'a>>,
}

struct Rival<'a> {
    name: &'static str,
    run: Box<dyn FnMut() + 'a>,
}

impl<'a> Comparison<'a> {
    /// In turn, so often.
    const ROUNDS: usize = 200;
    /// And each for so long.
    const TURN: Duration = Duration::from_millis(1);

    pub(crate) fn new(name: impl Into<String>) -> Comparison<'a> {
        Comparison { name: name.into(), rivals: Vec::new() }
    }

    pub(crate) fn add(&mut self, name: &'static str, run: impl FnMut() + 'a) {
        self.rivals.push(Rival { name, run: Box::new(run) });
    }

    /// Measures, and writes what came out into the table.
    pub(crate) fn measure(mut self, criterion: &mut Criterion, table: &mut String) {
        let mut wanted = false;
        let mut group = criterion.benchmark_group(&self.name);
        for rival in &mut self.rivals {
            group.bench_function(rival.name, |bencher| {
                wanted = true;
                bencher.iter(|| (rival.run)());
            });
        }
        group.finish();
        if wanted {
            self.tabulate(table);
        }
    }

    fn tabulate(&mut self, table: &mut String) {
        let counts: Vec<u32> = self.rivals.iter_mut().map(Rival::runs_in_a_turn).collect();
        let mut rounds: Vec<Vec<f64>> = vec![Vec::new(); counts.len()];
        for _ in 0..Self::ROUNDS {
            for ((rival, count), times) in self.rivals.iter_mut().zip(&counts).zip(&mut rounds) {
                times.push(rival.time(*count).as_secs_f64() / f64::from(*count));
            }
        }
        let base = &rounds[0];
        let mut line = |text: &str| _ = writeln!(table, "{text}");
        line(&format!("{:<42} {:>9} {:>7} {:>10}", self.name, "time", "ratio", "more"));
        for (rival, times) in self.rivals.iter().zip(&rounds) {
            let time = Duration::from_secs_f64(median(times.iter().copied()));
            let ratio = median(times.iter().zip(base).map(|(time, base)| time / base));
            let more = median(times.iter().zip(base).map(|(time, base)| time - base)) * 1e9;
            line(&format!("  {:<40} {time:>9.1?} {ratio:>7.2} {more:>+7.0} ns", rival.name));
        }
    }
}

impl Rival<'_> {
    fn time(&mut self, runs: u32) -> Duration {
        let start = Instant::now();
        for _ in 0..runs {
            (self.run)();
        }
        start.elapsed()
    }

    fn runs_in_a_turn(&mut self) -> u32 {
        let mut runs = 1;
        while self.time(runs) < Comparison::TURN {
            runs *= 2;
        }
        runs
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
