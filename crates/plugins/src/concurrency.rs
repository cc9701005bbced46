//! Does a guest need an engine with support for concurrency? Told from its bytes, before there is an engine.

use host_core::InputKind;
use host_limits::{Proposal, Proposals, StaticLimits};

/// Whether `wasm` is a component that uses what WASI 0.3 is made of: async functions, streams and futures.
///
/// It can only run where [`EngineSettings::proposals`](host_core::EngineSettings::proposals) has
/// [`Proposal::ComponentModelAsync`], which no profile has: it makes the calls of all components on the engine slower, and
/// is experimental. A program that runs guests of its user's choosing can turn it on for those that need it.
///
/// Reads the bytes once. `false` also for what is not valid, or beyond [`StaticLimits::trusted`].
pub fn needs_concurrency(wasm: &[u8]) -> bool {
    let limits = StaticLimits { proposals: Proposals::all(), ..StaticLimits::trusted() };
    InputKind::of(wasm) == Ok(InputKind::Component)
        && limits.check(wasm).is_ok_and(|shape| shape.proposals.contains(Proposal::ComponentModelAsync))
}
