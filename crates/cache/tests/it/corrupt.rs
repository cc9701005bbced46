//! Whatever happens to an entry, it is a miss, the answer is right, and the next call heals it.

use std::fs;

use host_cache::{Lookup, MissReason, Put};

use crate::support::{Fixture, key, overwrite};

const ARTEFACT: &[u8] = &[0xa5; 10_000];

/// The entry of `ARTEFACT`, put anew, is damaged; the damage must be seen, and be gone afterwards.
fn check(fixture: &Fixture, what: &str, damage: impl FnOnce(&mut Vec<u8>)) -> MissReason {
    fixture.cache.put(&key("a"), ARTEFACT).unwrap();
    let mut bytes = fs::read(fixture.file()).unwrap();
    damage(&mut bytes);
    overwrite(&fixture.file(), &bytes);

    let reason = fixture.cache.get(&key("a")).miss().unwrap_or_else(|| panic!("served: {what}"));
    assert_eq!(fixture.cache.get(&key("a")), Lookup::Miss(MissReason::Absent), "not taken away: {what}");
    assert_eq!(fixture.cache.put(&key("a"), ARTEFACT).unwrap(), Put::Written, "{what}");
    assert_eq!(fixture.cache.get(&key("a")).hit().unwrap().bytes(), ARTEFACT, "not healed: {what}");
    reason
}

/// As `check`, but nobody reads before the next put.
fn check_put(fixture: &Fixture, damage: impl FnOnce(&mut Vec<u8>)) {
    fixture.cache.put(&key("a"), ARTEFACT).unwrap();
    let mut bytes = fs::read(fixture.file()).unwrap();
    damage(&mut bytes);
    overwrite(&fixture.file(), &bytes);
    assert_eq!(fixture.cache.put(&key("a"), ARTEFACT).unwrap(), Put::Replaced);
    assert_eq!(fixture.cache.get(&key("a")).hit().unwrap().bytes(), ARTEFACT);
}

#[test]
fn a_flipped_bit_in_any_byte_of_the_trailer() {
    let fixture = Fixture::new();
    fixture.cache.put(&key("a"), ARTEFACT).unwrap();
    let length = fs::metadata(fixture.file()).unwrap().len() as usize;
    for at in ARTEFACT.len()..length {
        check(&fixture, &format!("byte {at}"), |bytes| bytes[at] ^= 1 << (at % 8));
    }
}

#[test]
fn a_flipped_bit_anywhere_in_the_artefact() {
    let fixture = Fixture::new();
    for at in (0..ARTEFACT.len()).step_by(331).chain([ARTEFACT.len() - 1]) {
        let reason = check(&fixture, &format!("byte {at}"), |bytes| bytes[at] ^= 1 << (at % 8));
        assert_eq!(reason, MissReason::BadDigest);
    }
}

#[test]
fn a_lost_page() {
    let fixture = Fixture::new();
    for page in 0..2 {
        let reason = check(&fixture, "zeroed page", |bytes| bytes[page * 4096..][..4096].fill(0));
        assert_eq!(reason, MissReason::BadDigest);
    }
    assert_eq!(check(&fixture, "zeroed last page", |bytes| bytes[8192..].fill(0)), MissReason::Truncated);
}

#[test]
fn truncation_to_any_length() {
    let fixture = Fixture::new();
    fixture.cache.put(&key("a"), ARTEFACT).unwrap();
    let length = fs::metadata(fixture.file()).unwrap().len() as usize;
    for to in (0..length).step_by(512).chain([1, 47, 48, 49, ARTEFACT.len(), length - 48, length - 1]) {
        let reason = check(&fixture, &format!("length {to}"), |bytes| bytes.truncate(to));
        assert_eq!(reason, MissReason::Truncated, "length {to}");
    }
}

#[test]
fn bytes_too_many() {
    let fixture = Fixture::new();
    for more in [vec![0], vec![0; 4096], b"garbage".to_vec()] {
        assert_eq!(check(&fixture, "appended", |bytes| bytes.extend(&more)), MissReason::Truncated);
        assert_eq!(check(&fixture, "inserted", |bytes| drop(bytes.splice(..0, more))), MissReason::Truncated);
    }
    let twice = check(&fixture, "a second trailer", |bytes| bytes.extend_from_within(ARTEFACT.len()..));
    assert_eq!(twice, MissReason::Truncated);
    let shorter = check(&fixture, "cut out of the middle", |bytes| drop(bytes.drain(100..200)));
    assert_eq!(shorter, MissReason::Truncated);
}

#[test]
fn the_next_put_heals_without_a_get() {
    let fixture = Fixture::new();
    check_put(&fixture, |bytes| bytes[0] ^= 1);
    check_put(&fixture, |bytes| bytes.clear());
    check_put(&fixture, |bytes| *bytes = vec![0; 100_000]);
}

#[test]
fn a_whole_entry_under_the_name_of_another() {
    let fixture = Fixture::new();
    fixture.cache.put(&key("b"), b"theirs").unwrap();
    let theirs = fs::read(fixture.file()).unwrap();
    fixture.cache.remove(&key("b")).unwrap();
    assert_eq!(check(&fixture, "swapped", |bytes| *bytes = theirs), MissReason::KeyMismatch);
}

#[cfg(unix)]
#[test]
fn something_else_where_an_entry_belongs() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    type Place = fn(&std::path::Path, &[u8]);
    let cases: [(&str, Place); 4] = [
        ("a directory", |path, _| fs::create_dir(path).unwrap()),
        ("a link to a whole entry", |path, entry| {
            let elsewhere = path.with_extension("elsewhere");
            fs::write(&elsewhere, entry).unwrap();
            symlink(&elsewhere, path).unwrap();
        }),
        ("a socket", |path, _| {
            // The path of a socket has to be short when it is made.
            let short = tempfile::tempdir().unwrap();
            drop(std::os::unix::net::UnixListener::bind(short.path().join("s")).unwrap());
            fs::rename(short.path().join("s"), path).unwrap();
        }),
        ("a whole entry that others may write", |path, entry| {
            fs::write(path, entry).unwrap();
            fs::set_permissions(path, PermissionsExt::from_mode(0o666)).unwrap();
        }),
    ];
    for (what, place) in cases {
        let fixture = Fixture::new();
        fixture.cache.put(&key("a"), ARTEFACT).unwrap();
        let path = fixture.file();
        let entry = fs::read(&path).unwrap();
        for get_first in [true, false] {
            fs::remove_file(&path).unwrap();
            place(&path, &entry);
            if get_first {
                assert_eq!(fixture.cache.get(&key("a")), Lookup::Miss(MissReason::NotPrivate), "{what}");
            }
            fixture.cache.put(&key("a"), ARTEFACT).unwrap();
            assert_eq!(fixture.cache.get(&key("a")).hit().unwrap().bytes(), ARTEFACT, "{what}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_whole_entry_of_another_user() {
    let fixture = Fixture::new();
    fixture.cache.put(&key("a"), ARTEFACT).unwrap();
    // Only the administrator can give files away; for anybody else the case cannot arise in their own directory.
    if std::os::unix::fs::chown(fixture.file(), Some(12_345), None).is_ok() {
        assert_eq!(fixture.cache.get(&key("a")), Lookup::Miss(MissReason::NotPrivate));
        assert_eq!(fixture.cache.put(&key("a"), ARTEFACT).unwrap(), Put::Written);
        assert_eq!(fixture.cache.get(&key("a")).hit().unwrap().bytes(), ARTEFACT);
    }
}

#[test]
fn reasons_are_counted() {
    let fixture = Fixture::new();
    check(&fixture, "flip", |bytes| bytes[0] ^= 1);
    check(&fixture, "cut", |bytes| bytes.truncate(3));
    let misses = fixture.cache.stats().misses;
    assert_eq!((misses.bad_digest, misses.truncated, misses.absent, misses.unhealthy()), (1, 1, 2, 2));
}

#[cfg(feature = "wasmtime")]
mod code {
    use super::*;
    use crate::support::guest::{ask_component, ask_module, component, module, modules};
    use host_cache::Source;
    use wasmtime::Engine;

    /// The entry of a module is damaged; the next call gives the right answer and says why, and the one after it finds it healed.
    fn check_code(
        fixture: &Fixture,
        engine: &Engine,
        what: &str,
        damage: impl FnOnce(&mut Vec<u8>),
    ) -> MissReason {
        let modules = modules(fixture, engine);
        modules.module(&module(42)).unwrap();
        let mut bytes = fs::read(fixture.file()).unwrap();
        damage(&mut bytes);
        overwrite(&fixture.file(), &bytes);

        let loaded = modules.module(&module(42)).unwrap();
        assert_eq!(loaded.outcome.source, Source::Compiled, "served: {what}");
        assert!(loaded.outcome.publish_failure.is_none(), "{what}");
        assert_eq!(ask_module(engine, &loaded), 42, "{what}");
        let healed = modules.module(&module(42)).unwrap();
        assert_eq!(healed.outcome.source, Source::Disk, "not healed: {what}");
        assert_eq!(ask_module(engine, &healed), 42, "{what}");
        loaded.outcome.miss.unwrap()
    }

    #[test]
    fn a_flipped_bit_in_code_or_trailer() {
        let (fixture, engine) = (Fixture::new(), Engine::default());
        modules(&fixture, &engine).module(&module(42)).unwrap();
        let length = fs::metadata(fixture.file()).unwrap().len() as usize;
        let trailer = length - 200..length;
        for at in (0..trailer.start).step_by(trailer.start / 60).chain(trailer.step_by(7)) {
            check_code(&fixture, &engine, &format!("byte {at}"), |bytes| bytes[at] ^= 1 << (at % 8));
        }
    }

    #[test]
    fn torn_code() {
        let (fixture, engine) = (Fixture::new(), Engine::default());
        let reason = check_code(&fixture, &engine, "half", |bytes| bytes.truncate(bytes.len() / 2));
        assert_eq!(reason, MissReason::Truncated);
        let reason = check_code(&fixture, &engine, "empty", |bytes| bytes.clear());
        assert_eq!(reason, MissReason::Truncated);
        let reason = check_code(&fixture, &engine, "page", |bytes| bytes[4096..8192].fill(0));
        assert_eq!(reason, MissReason::BadDigest);
    }

    #[test]
    fn the_code_of_another_module() {
        let (fixture, engine) = (Fixture::new(), Engine::default());
        modules(&fixture, &engine).module(&module(666)).unwrap();
        let other = fs::read(fixture.file()).unwrap();
        fs::remove_file(fixture.file()).unwrap();
        let reason = check_code(&fixture, &engine, "swapped", |bytes| *bytes = other);
        assert_eq!(reason, MissReason::KeyMismatch);
    }

    #[test]
    fn a_component_under_the_name_of_a_module_and_back() {
        let (fixture, engine) = (Fixture::new(), Engine::default());
        let modules = modules(&fixture, &engine);
        modules.component(&component(7)).unwrap();
        let other = fs::read(fixture.file()).unwrap();
        fs::remove_file(fixture.file()).unwrap();
        check_code(&fixture, &engine, "a component", |bytes| *bytes = other);

        let other = fs::read(fixture.file()).unwrap();
        fs::remove_file(fixture.file()).unwrap();
        modules.component(&component(7)).unwrap();
        overwrite(&fixture.file(), &other);
        let loaded = modules.component(&component(7)).unwrap();
        assert_eq!(loaded.outcome.miss, Some(MissReason::KeyMismatch));
        assert_eq!(ask_component(&engine, &loaded), 7);
    }

    /// The user's bytes are whole and have the right digest, and still must not run.
    #[test]
    fn bytes_of_the_user_are_never_loaded_as_code() {
        let (fixture, engine) = (Fixture::new(), Engine::default());
        let code = engine.precompile_module(&module(666)).unwrap();
        fixture.cache.put(&key("a"), &code).unwrap();
        let theirs = fs::read(fixture.file()).unwrap();
        fs::remove_file(fixture.file()).unwrap();
        let reason = check_code(&fixture, &engine, "put by the user", |bytes| *bytes = theirs);
        assert_eq!(reason, MissReason::KeyMismatch);
    }
}
