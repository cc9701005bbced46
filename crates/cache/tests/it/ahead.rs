//! Files compiled ahead of time: loaded as they were written, or refused with the reason.

use std::fs;
use std::path::PathBuf;

use host_cache::{
    AheadError, AheadFile, CompileError, Kind, MissReason, UnsupportedEngine, compile_ahead,
    load_precompiled_component, load_precompiled_module,
};
use wasmtime::{Config, Engine, ModuleVersionStrategy};

use crate::support::guest::{ask_component, ask_module, component, module};
use crate::support::{Fixture, key};

/// A file with `bytes` that only this user may write.
fn file(fixture: &Fixture, bytes: &[u8]) -> PathBuf {
    let path = fixture.beside("file.cwasm");
    let _ = fs::remove_file(&path);
    fs::write(&path, bytes).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    path
}

#[test]
fn a_module_and_a_component_come_back() {
    let (fixture, engine) = (Fixture::new(), Engine::default());

    let ahead =
        AheadFile::open_vouched(file(&fixture, &compile_ahead(&engine, &module(42)).unwrap())).unwrap();
    assert_eq!(ahead.kind(), Kind::Module);
    assert_eq!(ask_module(&engine, &ahead.module(&engine).unwrap()), 42);
    let error = ahead.component(&engine).map(|_| ()).unwrap_err();
    assert!(matches!(error, AheadError::WrongKind { expected: Kind::Component, found: Kind::Module }));

    let ahead =
        AheadFile::open_vouched(file(&fixture, &compile_ahead(&engine, &component(43)).unwrap())).unwrap();
    assert_eq!(ahead.kind(), Kind::Component);
    assert_eq!(ask_component(&engine, &ahead.component(&engine).unwrap()), 43);
    let error = ahead.module(&engine).map(|_| ()).unwrap_err();
    assert!(matches!(error, AheadError::WrongKind { expected: Kind::Module, found: Kind::Component }));
}

#[test]
fn the_same_input_gives_the_same_file() {
    let engine = Engine::default();
    assert_eq!(
        compile_ahead(&engine, &component(1)).unwrap(),
        compile_ahead(&Engine::default(), &component(1)).unwrap()
    );
}

#[test]
fn trusted_bytes_and_mapped_files_are_loaded() {
    let (fixture, engine) = (Fixture::new(), Engine::default());
    let bytes = compile_ahead(&engine, &module(42)).unwrap();
    // SAFETY: the bytes come straight from `compile_ahead`.
    let ahead = unsafe { AheadFile::from_trusted_bytes(&bytes) }.unwrap();
    assert_eq!(ask_module(&engine, &ahead.module(&engine).unwrap()), 42);

    let path = file(&fixture, &bytes);
    // SAFETY: so does the file, and nobody changes it.
    let mapped = unsafe { load_precompiled_module(&engine, &path) }.unwrap();
    assert_eq!(ask_module(&engine, &mapped), 42);
    // SAFETY: as before; that it is of another kind, Wasmtime sees.
    assert!(unsafe { load_precompiled_component(&engine, &path) }.is_err());

    let path = file(&fixture, &compile_ahead(&engine, &component(43)).unwrap());
    // SAFETY: as before.
    let mapped = unsafe { load_precompiled_component(&engine, &path) }.unwrap();
    assert_eq!(ask_component(&engine, &mapped), 43);
}

#[test]
fn a_damaged_file_is_refused() {
    let (fixture, engine) = (Fixture::new(), Engine::default());
    let whole = compile_ahead(&engine, &module(42)).unwrap();
    let check = |bytes: &[u8], reason: MissReason| {
        let error = AheadFile::open_vouched(file(&fixture, bytes)).unwrap_err();
        assert!(matches!(error, AheadError::Damaged(found) if found == reason), "{error:?}");
    };
    for at in (0..whole.len() - 200).step_by(whole.len() / 40) {
        let mut flipped = whole.clone();
        flipped[at] ^= 4;
        check(&flipped, MissReason::BadDigest);
    }
    check(&whole[..whole.len() / 2], MissReason::Truncated);
    check(b"", MissReason::Truncated);
    check(&module(42), MissReason::Truncated);
    // What Wasmtime's own command writes has no trailer.
    check(&engine.precompile_module(&module(42)).unwrap(), MissReason::Truncated);
}

#[test]
fn an_entry_with_the_users_bytes_is_no_code() {
    let (fixture, engine) = (Fixture::new(), Engine::default());
    fixture.cache.put(&key("a"), &engine.precompile_module(&module(1)).unwrap()).unwrap();
    let error = AheadFile::open_vouched(fixture.file()).unwrap_err();
    assert!(matches!(error, AheadError::Damaged(MissReason::WrongKind)), "{error:?}");
}

#[test]
fn an_engine_of_another_configuration_is_refused() {
    let bytes = compile_ahead(&Engine::default(), &module(42)).unwrap();
    let ahead = AheadFile::open_vouched(file(&Fixture::new(), &bytes)).unwrap();
    let engine = Engine::new(Config::new().consume_fuel(true)).unwrap();
    let error = ahead.module(&engine).map(|_| ()).unwrap_err();
    assert!(matches!(error, AheadError::Incompatible { .. }), "{error:?}");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("fuel"));
}

#[test]
fn an_engine_without_a_version_and_an_input_that_is_none_are_refused() {
    let mut config = Config::new();
    config.module_version(ModuleVersionStrategy::None).unwrap();
    let hidden = Engine::new(&config).unwrap();
    let error = compile_ahead(&hidden, &module(1)).unwrap_err();
    assert!(matches!(error, AheadError::Engine(UnsupportedEngine::VersionLeftOut)));
    let error = compile_ahead(&Engine::default(), b"(module)").unwrap_err();
    assert!(matches!(error, AheadError::Compile(CompileError::NotWasm { .. })));
}

#[cfg(unix)]
#[test]
fn a_file_that_somebody_else_may_have_written_is_refused() {
    use std::os::unix::fs::{PermissionsExt, chown};

    let (fixture, engine) = (Fixture::new(), Engine::default());
    let path = file(&fixture, &compile_ahead(&engine, &module(42)).unwrap());
    for (mode, fine) in [(0o666, false), (0o664, false), (0o602, false), (0o644, true), (0o400, true)] {
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        match AheadFile::open_vouched(&path) {
            Ok(_) => assert!(fine, "{mode:o}"),
            Err(AheadError::NotPrivate { .. }) => assert!(!fine, "{mode:o}"),
            Err(error) => panic!("{mode:o}: {error:?}"),
        }
    }
    // Only the administrator can give files away.
    if chown(&path, Some(12_345), None).is_ok() {
        assert!(matches!(AheadFile::open_vouched(&path), Err(AheadError::NotPrivate { .. })));
    }
    assert!(matches!(AheadFile::open_vouched(fixture.cache.root()), Err(AheadError::NotPrivate { .. })));
    assert!(matches!(AheadFile::open_vouched("/nowhere/at/all"), Err(AheadError::Read { .. })));
}
