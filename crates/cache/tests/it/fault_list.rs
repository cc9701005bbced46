//! The list of faults in `tests/FAULTS.md` names tests that are there.

use std::fs;
use std::path::Path;

#[test]
fn the_tests_in_the_list_are_there() {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = fs::read_to_string(crate_root.join("tests/FAULTS.md")).unwrap();
    let rows: Vec<_> =
        list.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| |")).collect();
    for (number, row) in (1..).zip(&rows) {
        assert!(row.starts_with(&format!("| {number} | ")), "{row}");
    }
    assert_eq!(rows.len(), 69);
    let mut missing = Vec::new();
    for name in rows.iter().flat_map(|row| row.split('`').skip(1).step_by(2)) {
        let Some((module, test)) = name.split_once("::") else { continue };
        let declares = |folder: &str| {
            let source = fs::read_to_string(crate_root.join(folder).join(format!("{module}.rs")));
            source.is_ok_and(|source| source.contains(&format!("fn {test}()")))
        };
        if !declares("tests/it") && !declares("src") {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
