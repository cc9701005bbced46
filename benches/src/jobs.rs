//! What is measured: each job is one table.

mod bytes;
mod computing;
mod host_calls;
mod json;
mod live;
mod load;
mod processes;
mod start;
mod stopping;
mod strings;
mod throughput;

use std::borrow::Borrow;
use std::hint::black_box;
use std::rc::Rc;

pub(crate) use live::{INSTANCES, PLUGINS, instances, plugins};
pub(crate) use start::{WHAT as START, answer as start};

use crate::compare::Comparison;

/// One job, which is measured if its name is asked for.
pub(crate) struct Job {
    pub(crate) name: String,
    /// What is done, in a sentence or two.
    pub(crate) does: String,
    /// How much of the time it gets: most get 1.
    pub(crate) share: f64,
    /// It takes so long that a quick run leaves it out.
    pub(crate) long: bool,
    prepare: Box<dyn Fn() -> Comparison>,
}

impl Job {
    fn new(
        name: impl Into<String>,
        does: impl Into<String>,
        prepare: impl Fn() -> Comparison + 'static,
    ) -> Job {
        let (name, does, prepare) = (name.into(), does.into(), Box::new(prepare));
        Job { name, does, share: 1.0, long: false, prepare }
    }

    fn share(self, share: f64) -> Job {
        Job { share, ..self }
    }

    fn long(self, long: bool) -> Job {
        Job { long, ..self }
    }

    /// Compiles and links, and looks whether each way gives the right answer.
    pub(crate) fn prepare(&self) -> Comparison {
        (self.prepare)()
    }
}

/// All jobs, in the order of the report.
pub(crate) fn all() -> Vec<Job> {
    let jobs = [
        start::jobs(),
        strings::jobs(),
        bytes::jobs(),
        json::jobs(),
        host_calls::jobs(),
        computing::jobs(),
        throughput::jobs(),
        stopping::jobs(),
        live::jobs(),
        load::jobs(),
        processes::jobs(),
    ];
    jobs.into_iter().flatten().collect()
}

const NATIVE: &str = "native Rust: a copy";

/// What is tried, and how many letters or bytes that is.
const SIZES: [(&str, usize); 3] = [("16 B", 16), ("4 KiB", 4 << 10), ("1 MiB", 1 << 20)];

/// Adds a way to give back what it is given. Its answers are looked at first: of two, for the second is a warm one if any is.
fn add_echo<T: ?Sized + PartialEq + 'static, R: Borrow<T>>(
    comparison: &mut Comparison,
    name: &'static str,
    given: &Rc<T>,
    mut way: impl FnMut(&T) -> R + 'static,
) {
    for _ in 0..2 {
        assert!(way(given).borrow() == &**given, "{name}: a wrong answer");
    }
    let given = Rc::clone(given);
    comparison.run(name, move || drop(black_box(way(black_box(&given)))));
}

/// Of this thread alone.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime of this thread")
}
