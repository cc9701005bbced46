//! The asynchronous linkers, under Tokio: a guest that waits does not hold the thread, and can be given up.

use std::time::{Duration, Instant};

use host_wasi::{Grants, Output, Wasi, p1, p2};
use tokio::time::timeout;
use wasmtime::component::Linker as ComponentLinker;
use wasmtime::{Linker, Result};
use wasmtime_wasi::p2::bindings::Command;

use crate::command::{BOTH, ENGINE, Form, component, module, store};

/// Runs the command in the same way as its synchronous sibling, and gives back what it printed.
async fn run(form: Form, args: &[&str]) -> Result<String> {
    let grants = Grants::default().args(["command"]).args(args.iter().copied()).stdout(Output::Capture(1000));
    let mut store = store(Wasi::new(&grants)?);
    store.fuel_async_yield_interval(Some(100_000))?;
    match form {
        Form::P1 => {
            let mut linker = Linker::new(&ENGINE);
            p1::add_to_linker_async(&mut linker)?;
            let instance = linker.instantiate_async(&mut store, module()).await?;
            let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
            start.call_async(&mut store, ()).await?;
        }
        Form::P2 => {
            let mut linker = ComponentLinker::new(&ENGINE);
            p2::add_to_linker_async(&mut linker)?;
            let command = Command::instantiate_async(&mut store, component(), &linker).await?;
            command.wasi_cli_run().call_run(&mut store).await?.unwrap();
        }
    }
    Ok(String::from_utf8(store.data().stdout()).unwrap())
}

#[tokio::test]
async fn guests_run_under_tokio() {
    for form in BOTH {
        assert_eq!(run(form, &["--sleep=1"]).await.unwrap(), "arg 0 command\narg 1 --sleep=1\n", "{form:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guests_run_on_many_threads() {
    let running: Vec<_> = (0..8).map(|index| tokio::spawn(run(BOTH[index % 2], &["--sleep=20"]))).collect();
    for guest in running {
        guest.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_guest_that_sleeps_for_an_hour_can_be_given_up() {
    for form in BOTH {
        let begun = Instant::now();
        assert!(
            timeout(Duration::from_millis(100), run(form, &["--sleep=3600000"])).await.is_err(),
            "{form:?}"
        );
        assert!(begun.elapsed() < Duration::from_secs(60), "{form:?}");
    }
}
