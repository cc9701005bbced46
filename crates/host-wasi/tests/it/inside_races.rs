//! While a guest opens a path in a loop, somebody else swaps what lies on it: the guest never gets out.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use host_wasi::Access;

use crate::calls;
use crate::command::BOTH;
use crate::inside::Folder;

/// Runs the guest while a thread swaps `swapped`, a directory, and a symlink to the directory outside; gives back what
/// the guest was answered, and how often they were swapped.
fn race(form: crate::command::Form, calls: &[&str]) -> (Folder, Vec<String>, u64) {
    let folder = Folder::with_ways_out();
    let inside = folder.inside();
    let at = |name: &str| inside.join(name);
    fs::create_dir(at("swapped")).unwrap();
    fs::write(at("swapped/secret"), "public").unwrap();
    symlink("../others", at("link")).unwrap();

    let done = AtomicBool::new(false);
    let (answers, swaps) = thread::scope(|scope| {
        let swapping = scope.spawn(|| {
            let mut swaps = 0;
            while !done.load(Ordering::Relaxed) {
                // One after the other takes the name, and each time the other one is kept beside it.
                for (from, to) in
                    [("swapped", "kept"), ("link", "swapped"), ("swapped", "link"), ("kept", "swapped")]
                {
                    fs::rename(at(from), at(to)).unwrap();
                }
                swaps += 1;
            }
            swaps
        });
        let answers = calls::answers(form, folder.grants(Access::ReadWrite), calls);
        done.store(true, Ordering::Relaxed);
        (answers, swapping.join().unwrap())
    });
    (folder, answers, swaps)
}

#[test]
fn a_directory_that_becomes_a_link_lets_nothing_out() {
    for form in BOTH {
        let calls = [
            "again:600:cat:3/swapped/secret",
            "again:600:cat:3/swapped/../swapped/secret",
            "again:600:stat:3/swapped/secret",
            "again:300:touch:3/swapped/planted",
            "again:300:mkdir:3/swapped/planted-directory",
            "again:300:symlink:x:3/swapped/planted-link",
            "again:300:link:3/file:3/swapped/planted-name",
            "again:300:rename:3/swapped/secret:3/swapped/secret",
            "again:300:set-times-at:3/swapped/secret",
        ];
        let (folder, answers, swaps) = race(form, &calls);
        assert!(swaps > 0, "{form:?}: nothing was swapped");
        for (call, answer) in calls.iter().zip(&answers) {
            assert!(!answer.split(' ').any(|word| word == "secret"), "{form:?}: {call}: {answer}");
        }
        // Both were met: the directory, and the link, which was refused.
        assert!(answers[0].contains("public"), "{form:?}: {}", answers[0]);
        let others: Vec<_> = fs::read_dir(folder.whole.path().join("others"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(others.len(), 3, "{form:?}: {others:?}");
        let secret = folder.whole.path().join("others/secret");
        assert_eq!(fs::read(&secret).unwrap(), b"secret", "{form:?}");
        assert!(
            fs::metadata(&secret).unwrap().modified().unwrap().elapsed().unwrap().as_secs() < 86_400,
            "{form:?}"
        );
    }
}
