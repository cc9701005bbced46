//! Commands of WASI 0.3, on an engine that supports concurrency: what ends other guests ends them, too.

use std::time::Duration;

use host_plugins::host_core::{FaultKind, Profile, guard_async};
use host_plugins::host_limits::{Exceeded, HasMeter, Limits, Proposal, StaticLimits};
use host_plugins::host_wasi::{Grants, Output};
use host_plugins::{CommandError, LoadError, Outcome, Runtime, needs_concurrency};
use wasmtime::Trap;

use crate::limits;

/// A runtime that is made for commands of WASI 0.3.
fn runtime(limits: &Limits) -> Runtime {
    let mut settings = Profile::Untrusted.settings();
    settings.proposals.insert(Proposal::ComponentModelAsync);
    let static_limits = StaticLimits { proposals: settings.proposals, ..StaticLimits::default() };
    Runtime::new(settings, limits, None).unwrap().with_static_limits(static_limits)
}

async fn run(what: &str, limits: &Limits, grants: Grants) -> Result<Outcome<i32>, CommandError> {
    let runtime = runtime(limits);
    let program = runtime.prepare(&fixtures::bytes("p3-command")).unwrap();
    runtime.run_command(&program, limits, &grants.args(["me", what])).await
}

async fn fault(what: &str, limits: &Limits) -> (FaultKind, String) {
    let result = run(what, limits, Grants::default().stdout(Output::Capture(1 << 16))).await;
    let Err(CommandError::Fault(stopped)) = result else { panic!("{what}: {result:?}") };
    (stopped.fault.kind().clone(), stopped.fault.to_string())
}

#[tokio::test]
async fn a_command_reads_prints_and_ends() {
    let outcome = run("print", &limits(), Grants::default().stdout(Output::Capture(100))).await.unwrap();
    assert_eq!((outcome.value, outcome.captured.stdout), (0, b"a line of WASI 0.3\n".to_vec()));
    for (what, code) in [("", 0), ("return", 1), ("exit", 7)] {
        assert_eq!(run(what, &limits(), Grants::default()).await.unwrap().value, code, "{what}");
    }
}

#[tokio::test]
async fn a_deadline_ends_computing_and_waiting() {
    let deadline = Duration::from_millis(100);
    let limits = Limits { deadline, fuel: None, ..limits() };
    for what in ["loop", "sleep"] {
        let (kind, _) = fault(what, &limits).await;
        assert_eq!(kind, FaultKind::Budget(Exceeded::Deadline { allowed: deadline }), "{what}");
    }
}

#[tokio::test]
async fn a_cancelled_call_ends_while_it_computes_and_while_it_waits() {
    let limits = Limits { deadline: Duration::from_secs(600), fuel: None, ..limits() };
    let runtime = runtime(&limits);
    let program = runtime.prepare(&fixtures::bytes("p3-command")).unwrap();
    let component = program.component().unwrap();
    for what in ["loop", "sleep"] {
        let grants = Grants::default().args(["me", what]);
        let mut store = runtime.store(&limits, &grants).unwrap();
        let cancel = store.data_mut().meter().deadline().unwrap().cancel_handle();
        let mut linker = wasmtime::component::Linker::new(runtime.engine());
        host_plugins::host_wasi::p3::add_to_linker(&mut linker).unwrap();
        let command = guard_async(&mut store, async |store| {
            let instance = linker.instantiate_async(&mut *store, component).await?;
            let interface = instance.get_export_index(&mut *store, None, "wasi:cli/run@0.3.0").unwrap();
            let run = instance.get_export_index(&mut *store, Some(&interface), "run").unwrap();
            let run = instance.get_typed_func::<(), (Result<(), ()>,)>(&mut *store, &run)?;
            store.run_concurrent(async |accessor| run.call_concurrent(accessor, ()).await).await?
        });
        let (result, ()) = tokio::join!(command, async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            cancel.cancel();
        });
        assert_eq!(*result.unwrap_err().kind(), FaultKind::Budget(Exceeded::Cancelled), "{what}");
    }
}

#[tokio::test]
async fn fuel_output_and_streams_are_bounded() {
    let small = Limits { fuel: Some(100_000), ..limits() };
    let (kind, _) = fault("loop", &small).await;
    assert_eq!(kind, FaultKind::Budget(Exceeded::Fuel { allowed: 100_000 }));
    let (kind, _) = fault("flood", &limits()).await;
    assert!(matches!(kind, FaultKind::Budget(Exceeded::Output { .. })), "{kind:?}");
    let few = Limits { resources: 50, ..limits() };
    let (kind, text) = fault("hoard", &few).await;
    assert!(matches!(kind, FaultKind::Budget(Exceeded::Resources { .. })), "{kind:?}: {text}");
}

#[tokio::test]
async fn a_guest_that_waits_for_itself_is_told_so_at_once() {
    let (kind, text) = fault("wait", &limits()).await;
    assert_eq!(kind, FaultKind::Trap(Trap::AsyncDeadlock), "{text}");
}

#[tokio::test]
async fn what_needs_concurrency_is_told_from_its_bytes() {
    assert!(needs_concurrency(&fixtures::bytes("p3-command")));
    for other in ["p1-command", "p2-command", "add", "plugins/greeter"] {
        assert!(!needs_concurrency(&fixtures::bytes(other)), "{other}");
    }
    assert!(!needs_concurrency(b"no code"));
    // And no profile runs it.
    let error = Runtime::new(Profile::Untrusted, &limits(), None)
        .unwrap()
        .prepare(&fixtures::bytes("p3-command"))
        .err()
        .expect("it uses what is off");
    assert!(
        matches!(&error, LoadError::Invalid { reason } if reason.contains("component-model-async")),
        "{error:?}"
    );
}

#[tokio::test]
async fn commands_of_0_2_run_beside_it() {
    let runtime = runtime(&limits());
    let program = runtime.prepare(&fixtures::bytes("p2-command")).unwrap();
    let grants = Grants::default().args(["me"]).stdout(Output::Capture(1000));
    let outcome = runtime.run_command(&program, &limits(), &grants).await.unwrap();
    assert_eq!((outcome.value, outcome.captured.stdout), (0, b"arg 0 me\n".to_vec()));
}
