//! What of an engine goes into a key: every setting that changes compiled code, and the exact version of Wasmtime.

use std::hash::{Hash, Hasher};

use sha2::{Digest as _, Sha256};
use thiserror::Error;
use wasmtime::{Engine, ModuleVersionStrategy};

use crate::{Digest, Key, Kind};

/// Why the code of an engine cannot be kept in a cache.
#[derive(Debug, Error, PartialEq, Eq, Clone, Copy)]
#[non_exhaustive]
pub enum UnsupportedEngine {
    /// The engine was configured to hide its version, so that code of another version, perhaps one with a known
    /// miscompilation, would be taken for its own.
    #[error(
        "the engine's compatibility hash leaves out the version of wasmtime: \
         remove the call of `Config::module_version`, or pass it `ModuleVersionStrategy::WasmtimeVersion`"
    )]
    VersionLeftOut,
    /// This version of Wasmtime does not say which one it is, as far as this crate can tell.
    #[error(
        "cannot read the version of wasmtime from its compatibility hash: use a version of host-cache made for it"
    )]
    VersionUnknown,
}

/// Two engines of the same identity compile the same bytes to the same code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EngineIdentity {
    /// Digest of everything that [`Engine::precompile_compatibility_hash`] covers: target triple, code generator flags,
    /// tunables, WebAssembly features.
    pub(crate) compatibility: Digest,
    /// The exact version of Wasmtime, such as `48.0.8`.
    pub(crate) version: String,
    /// The triple of the platform that the code is for; empty for an engine that has no compiler.
    pub(crate) target: String,
}

impl EngineIdentity {
    pub(crate) fn of(engine: &Engine) -> Result<Self, UnsupportedEngine> {
        let version = Writes::of(&ModuleVersionStrategy::WasmtimeVersion);
        let writes = Writes::of(&engine.precompile_compatibility_hash());
        // There is no getter for the strategy, but what it writes stands at the end of what the engine writes. If a later
        // Wasmtime puts it elsewhere, every engine is refused, which a test here will tell.
        if !writes.0.ends_with(&version.0) {
            return Err(UnsupportedEngine::VersionLeftOut);
        }
        let version = version.version().ok_or(UnsupportedEngine::VersionUnknown)?;
        let target = engine.get_target().unwrap_or_default();
        Ok(Self { compatibility: writes.digest(), version, target })
    }

    /// The key of what `engine` makes of an input. `generation` is a word of the user's.
    pub(crate) fn key(&self, kind: Kind, input: &Digest, generation: &str) -> Key {
        Key::of_code()
            .field("kind", kind.name())
            .field("input", input)
            .field("compatibility", self.compatibility)
            .field("wasmtime", &self.version)
            .field("target", &self.target)
            .field("generation", generation)
            .finish()
    }
}

/// A hasher that keeps what is written, number by number, in the same form on every platform.
///
/// `std`'s own hashers have 64 bits and are free to change with each release.
#[derive(Default)]
struct Writes(Vec<Vec<u8>>);

impl Writes {
    fn of(value: &impl Hash) -> Self {
        let mut writes = Self::default();
        value.hash(&mut writes);
        writes
    }

    /// Of all writes, each with its length, so that they cannot run together.
    fn digest(&self) -> Digest {
        let mut sha = Sha256::new();
        for write in &self.0 {
            sha.update((write.len() as u64).to_le_bytes());
            sha.update(write);
        }
        Digest::from_bytes(sha.finalize().into())
    }

    /// The write that is a version number, such as `48.0.8`, if just one is.
    fn version(&self) -> Option<String> {
        let is_version = |text: &&str| {
            let mut parts = text.splitn(3, '.');
            let number = |part: Option<&str>| {
                part.is_some_and(|part| part.starts_with(|first: char| first.is_ascii_digit()))
            };
            number(parts.next()) && number(parts.next()) && number(parts.next())
        };
        let mut versions =
            self.0.iter().filter_map(|write| std::str::from_utf8(write).ok()).filter(is_version);
        let version = versions.next()?;
        versions.next().is_none().then(|| version.to_owned())
    }
}

impl Hasher for Writes {
    fn finish(&self) -> u64 {
        // Nothing that is hashed here asks for it.
        let digest = self.digest();
        u64::from_le_bytes(*digest.as_bytes().first_chunk().expect("a digest has 32 bytes"))
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.push(bytes.to_vec());
    }

    fn write_u16(&mut self, number: u16) {
        self.write(&number.to_le_bytes());
    }

    fn write_u32(&mut self, number: u32) {
        self.write(&number.to_le_bytes());
    }

    fn write_u64(&mut self, number: u64) {
        self.write(&number.to_le_bytes());
    }

    fn write_u128(&mut self, number: u128) {
        self.write(&number.to_le_bytes());
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    // The signed ones come here too: their default is to write the unsigned number of the same bits.
}

#[cfg(test)]
mod tests {
    use wasmtime::Config;

    use super::*;

    fn identity(compatibility: &str, version: &str) -> EngineIdentity {
        let target = "x86_64-unknown-linux-gnu".to_owned();
        EngineIdentity { compatibility: Digest::of(compatibility), version: version.into(), target }
    }

    /// Computed by hand from the transcript. If this test fails, all code compiled before is out of reach: raise the number
    /// in the name of the space, and do so on purpose.
    #[test]
    fn golden_vectors() {
        let identity = identity("engine", "48.0.8");
        let module = identity.key(Kind::Module, &Digest::of(b"wasm"), "");
        assert_eq!(module.to_string(), "80f719d40ccafdef515467996c964dc0143152c012f7a55251f24824664ebd88");
        let component = identity.key(Kind::Component, &Digest::of(b"wasm"), "2");
        assert_eq!(component.to_string(), "591bc6605b607d90699b287aad8ad5725d0ac2e0d094e595e63d2f2feeb48005");
    }

    #[test]
    fn each_field_that_changes_gives_another_key() {
        let (input, other) = (Digest::of(b"wasm"), Digest::of(b"other wasm"));
        let keys = [
            identity("engine", "48.0.8").key(Kind::Module, &input, ""),
            identity("engine", "48.0.8").key(Kind::Component, &input, ""),
            identity("engine", "48.0.8").key(Kind::Module, &other, ""),
            identity("engine", "48.0.9").key(Kind::Module, &input, ""),
            identity("another", "48.0.8").key(Kind::Module, &input, ""),
            identity("engine", "48.0.8").key(Kind::Module, &input, "2"),
            EngineIdentity { target: "aarch64-apple-darwin".into(), ..identity("engine", "48.0.8") }.key(
                Kind::Module,
                &input,
                "",
            ),
            // The same fields, in the space of the user.
            Key::builder("host-cache/code/1").field("kind", "module").field("input", input).finish(),
        ];
        for (i, key) in keys.iter().enumerate() {
            assert!(keys[..i].iter().all(|other| other != key), "{i}");
        }
    }

    /// The rule that the version stands last is Wasmtime's, and not written down anywhere: this is where it is watched.
    #[test]
    fn the_exact_version_is_the_last_thing_that_an_engine_writes() {
        let identity = EngineIdentity::of(&Engine::default()).unwrap();
        let parts: Vec<u64> = identity.version.split('.').map(|part| part.parse().unwrap()).collect();
        assert_eq!(parts.len(), 3, "{}", identity.version);

        let mut config = Config::new();
        config.module_version(ModuleVersionStrategy::None).unwrap();
        let hidden = Writes::of(&Engine::new(&config).unwrap().precompile_compatibility_hash());
        let default = Writes::of(&Engine::default().precompile_compatibility_hash());
        let version = Writes::of(&ModuleVersionStrategy::WasmtimeVersion);
        assert_eq!(default.0, [hidden.0, version.0].concat());
    }

    #[test]
    fn engines_of_one_configuration_have_one_identity() {
        let of = |fuel| EngineIdentity::of(&Engine::new(Config::new().consume_fuel(fuel)).unwrap()).unwrap();
        assert_eq!(of(false), of(false));
        assert_ne!(of(false), of(true));
    }

    /// The triple stands in a key twice: by itself, and in the hash.
    #[test]
    fn engines_for_other_targets_have_other_identities() {
        let of = |target: &str| {
            let mut config = Config::new();
            config.target(target).unwrap();
            // Without the code generator of that processor there is no engine.
            Engine::new(&config).ok().map(|engine| EngineIdentity::of(&engine).unwrap())
        };
        let processor = std::env::consts::ARCH;
        let targets =
            ["unknown-linux-gnu", "unknown-linux-musl", "apple-darwin", "pc-windows-msvc", "unknown-freebsd"];
        let same = targets.map(|system| of(&format!("{processor}-{system}")));
        let others = ["aarch64", "riscv64gc", "s390x"].map(|other| of(&format!("{other}-unknown-linux-gnu")));
        let known: Vec<_> = same.into_iter().chain(others).flatten().collect();
        assert!(known.len() >= targets.len());
        for (i, identity) in known.iter().enumerate() {
            for other in &known[..i] {
                // Only the triple differs between systems of one processor.
                assert_ne!(identity.compatibility, other.compatibility);
                assert_ne!(identity.target, other.target);
                let key = |of: &EngineIdentity| of.key(Kind::Module, &Digest::of(b"wasm"), "");
                assert_ne!(key(identity), key(other));
            }
        }
    }

    /// The same digest on every platform, whatever its byte order and the size of its pointers.
    #[test]
    fn numbers_are_written_in_one_form() {
        let mut writes = Writes::default();
        writes.write_u8(1);
        writes.write_u16(0x0102);
        writes.write_u32(0x0102_0304);
        writes.write_u64(1);
        writes.write_u128(1);
        writes.write_usize(2);
        writes.write_i16(-2);
        writes.write_i32(-2);
        writes.write_isize(3);
        let expected: [&[u8]; 9] = [
            &[1],
            &[2, 1],
            &[4, 3, 2, 1],
            &[1, 0, 0, 0, 0, 0, 0, 0],
            &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[2, 0, 0, 0, 0, 0, 0, 0],
            &[0xfe, 0xff],
            &[0xfe, 0xff, 0xff, 0xff],
            &[3, 0, 0, 0, 0, 0, 0, 0],
        ];
        assert_eq!(writes.0, expected);
    }

    #[test]
    fn only_one_write_may_be_the_version() {
        let version =
            |writes: &[&str]| Writes(writes.iter().map(|text| text.as_bytes().to_vec()).collect()).version();
        assert_eq!(version(&["48.0.8", "\u{7f}"]).as_deref(), Some("48.0.8"));
        assert_eq!(version(&["48.0.8-rc.1+build"]).as_deref(), Some("48.0.8-rc.1+build"));
        for unclear in [&["48"][..], &["48.0"], &[""], &[], &["48.0.8", "48.0.9"], &["..."]] {
            assert_eq!(version(unclear), None, "{unclear:?}");
        }
    }
}
