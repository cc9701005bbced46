//! The versions that are built have the mends of what once let guests out of their directories.

use std::fs;
use std::path::Path;

/// Crates, the first version that is good, and which advisories it mends.
///
/// wasmtime-wasi 48 has the code of cap-primitives in itself; another crate may still use the crate.
const MENDED: [(&str, [u64; 3], &str); 2] = [
    (
        "cap-primitives",
        [4, 0, 3],
        "RUSTSEC-2024-0445 (devices of Windows), GHSA-vqjp-4c8c-hfgg (slashes at the end)",
    ),
    (
        "wasmtime-wasi",
        [48, 0, 1],
        "GHSA-vqjp-4c8c-hfgg (slashes at the end), GHSA-x84v-gj2h-g759 (streams of WASI 0.3)",
    ),
];

#[test]
fn every_crate_that_opens_files_is_mended() {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    let lock: toml::Table = fs::read_to_string(lock).unwrap().parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    for (name, first_good, advisories) in MENDED {
        let versions: Vec<_> = packages
            .iter()
            .filter(|package| package["name"].as_str() == Some(name))
            .map(|package| package["version"].as_str().unwrap())
            .collect();
        assert!(!versions.is_empty(), "{name} is not in the lock file");
        for version in versions {
            let numbers: Vec<u64> = version.split('.').map(|number| number.parse().unwrap()).collect();
            assert!(numbers.as_slice() >= first_good.as_slice(), "{name} {version} has {advisories}");
        }
    }
}
