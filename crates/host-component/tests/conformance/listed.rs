//! The files that do not pass, each with its reason.

use crate::judge::Listed;

pub(super) const LISTED: &[Listed] = &[
    listed("component-model/async/during-sync-call-may-block-if-other-ready-threads.wast", 1, BLOCKING),
    listed("component-model/async/during-sync-call-no-exclusive-resume.wast", 2, BLOCKING),
    listed("component-model/async/during-sync-call-no-sibling-resume.wast", 2, BLOCKING),
    listed(
        "component-model/validation/max-value-size.wast",
        7,
        "newer than Wasmtime 48, which has no limit for the size of a value yet; the suite's own list of what nobody has \
         implemented, `nyi.txt`, names it",
    ),
];

const BLOCKING: &str = "newer than Wasmtime 48, in which a task that is not async may not block even while another \
                        thread of its instance can run; the suite's own list of what nobody has implemented, `nyi.txt`, \
                        names it";

const fn listed(file: &'static str, failing: usize, because: &'static str) -> Listed {
    Listed { file, failing, because }
}
