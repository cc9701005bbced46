//! The same rules for files hold in stores called with `call_async`.

use host_wasi::{Access, Grants, Output, Quota, QuotaRefused, Wasi, WasiOptions, p1, p2};
use wasmtime::component::{Component, Linker as ComponentLinker};
use wasmtime::{Linker, Module, Result};
use wasmtime_wasi::p2::bindings::Command;

use crate::command::{BOTH, ENGINE, Form, store};

async fn run(form: Form, grants: &Grants, args: &[&str]) -> (Result<()>, Wasi) {
    let grants = grants.clone().args(["files"]).args(args.iter().copied()).stdout(Output::Capture(10_000));
    let mut store = store(WasiOptions::new().max_listing(5).open(&grants).unwrap());
    let result = async {
        match form {
            Form::P1 => {
                let mut linker = Linker::new(&ENGINE);
                p1::add_to_linker_async(&mut linker)?;
                let module = Module::new(&ENGINE, fixtures::bytes("p1-files"))?;
                let instance = linker.instantiate_async(&mut store, &module).await?;
                let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
                start.call_async(&mut store, ()).await
            }
            Form::P2 => {
                let mut linker = ComponentLinker::new(&ENGINE);
                p2::add_to_linker_async(&mut linker)?;
                let component = Component::new(&ENGINE, fixtures::bytes("p2-files"))?;
                let command = Command::instantiate_async(&mut store, &component, &linker).await?;
                command.wasi_cli_run().call_run(&mut store).await.map(|said| said.unwrap())
            }
        }
    };
    (result.await, store.into_data())
}

#[tokio::test]
async fn quotas_denials_and_listings() {
    let folder = tempfile::tempdir().unwrap();
    let grants = Grants::default().scratch("tmp", Quota { bytes: 1_000, files: 10 }).directory(
        folder.path(),
        "d",
        Access::ReadOnly,
    );
    let args = [
        "--write=tmp/a:1000",
        "--resize=tmp/a:1001",
        "--list=tmp",
        "--create=d/a",
        "--many=tmp:5",
        "--list=tmp",
    ];
    for form in BOTH {
        let (result, wasi) = run(form, &grants, &args).await;
        result.unwrap();
        let said = String::from_utf8(wasi.stdout()).unwrap();
        let expect =
            "--write ok\n--resize 51\nentries 1\n--list ok\n--create 63\nmade 5\n--many ok\n--list 48\n";
        assert_eq!(said, expect, "{form:?}");
        assert_eq!(wasi.quota_refused().unwrap().refusals, 1, "{form:?}");
        assert_eq!(wasi.denials()[0].asked, "to write `d/a`", "{form:?}");
    }
}

#[tokio::test]
async fn a_guest_that_does_not_look_at_refusals_is_stopped() {
    for form in BOTH {
        let grants = Grants::default().scratch("tmp", Quota { bytes: 1_000, files: 10 });
        let error = run(form, &grants, &["--stubborn=tmp/a"]).await.0.unwrap_err();
        assert!(error.downcast_ref::<QuotaRefused>().is_some(), "{form:?}: {error:?}");
    }
}

/// Linkers that are not of this crate are not to show these.
#[test]
fn directories_with_a_quota_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let quota = Quota { bytes: 1, files: 1 };
    let text: [(&str, &str); 0] = [];
    let grants = Grants::default()
        .files("a", text)
        .scratch("b", quota)
        .directory(".", "c", Access::ReadOnly)
        .directory_with_quota(folder.path(), "d", quota);
    let wasi = Wasi::new(&grants).unwrap();
    assert_eq!(wasi.directories_with_quota().collect::<Vec<_>>(), [1, 2]);
}
