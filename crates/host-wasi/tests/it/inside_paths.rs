//! Paths and symlinks that stay inside lead where they would without a sandbox.

use crate::inside::{Difference, Folder, like_unsandboxed};

/// Paths by which something, or nothing, is found, all inside.
const PATHS: &[&str] = &[
    "",
    ".",
    "./",
    "file",
    "./file",
    "directory",
    "directory/.",
    "directory/..",
    "directory/../file",
    "directory/deep/../../file",
    "directory/./inner",
    "directory//inner",
    "directory/deep/../inner",
    "to-directory/..",
    "to-directory/../file",
    "to-directory/deep/../inner",
    "missing",
    "missing/..",
    "missing/../file",
    "file/..",
    "file/../file",
    "file/x",
    "to-file",
    "to-file/x",
    "to-directory",
    "to-directory/inner",
    "to-directory/deep/deepest",
    "down-and-up",
    "directory/up",
    "directory/deep/around",
    "directory/deep/around/deep/around/inner",
    "chain-1",
    "chain-2",
    "chain-3",
    "dangling",
    "dangling/x",
    "loop-1",
    "loop-1/x",
    "self",
    "here",
    "here/here/here/file",
    "to-file-with-slash",
];

#[test]
fn what_is_found_is_found() {
    let mut calls = Vec::new();
    for path in PATHS {
        for call in ["cat", "stat", "lstat", "readlink", "open:r", "open:rn", "open:rd", "open:rdn"] {
            calls.push(format!("{call}:3/{path}"));
        }
    }
    let differences = [
        // A directory's descriptor is none that can be read from.
        Difference { form: None, call: "cat:", free: "error isdir", guest: "error badf" },
        // Neither a directory nor to be followed: both are true of a symlink.
        Difference { form: None, call: "open:rdn:", free: "error notdir", guest: "error loop" },
    ];
    like_unsandboxed(Folder::new, &calls, &differences);
}

#[test]
fn what_is_made_is_made_in_the_same_place() {
    let calls = [
        "open:cw:3/new",
        "write-at:0:text",
        "set-size:2",
        "close",
        "open:cw:3/dangling",
        "write-at:3:through a dangling link",
        "close",
        "open:cxw:3/dangling",
        "open:cxw:3/self",
        "open:cw:3/self",
        "open:cw:3/directory/up",
        "write-at:0:through a link that goes up",
        "close",
        "open:cw:3/to-directory/made",
        "close",
        "open:cw:3/to-directory/../made",
        "close",
        "open:tw:3/chain-1",
        "close",
        "mkdir:3/to-directory/deep/made",
        "mkdir:3/directory/../made-too",
        "mkdir:3/dangling-too/x",
        "mkdir:3/to-file",
        "symlink:../file:3/directory/made-link",
        "cat:3/to-directory/made-link",
        "symlink:made-link:3/directory/deep/../made-link-2",
        "cat:3/directory/made-link-2",
        "rename:3/directory/deep/deepest:3/to-directory/../deepest",
        "rename:3/deepest:3/to-file",
        "rename:3/to-directory:3/to-elsewhere",
        "cat:3/to-elsewhere/inner",
        "rename:3/directory:3/directory/deep/itself",
        "rename:3/file:3/directory",
        "rename:3/empty:3/directory",
        "rename:3/directory:3/empty",
        "cat:3/empty/inner",
        "link:3/file:3/empty/linked",
        "link:3/chain-1:3/linked-link",
        "link:3/empty:3/linked-directory",
        "open:w:3/empty/linked",
        "write-at:0:THIS",
        "close",
        "cat:3/file",
        "unlink:3/loop-1",
        "unlink:3/empty",
        "unlink:3/empty/../file",
        "rmdir:3/empty",
        "rmdir:3/here",
        "rmdir:3/file",
        "rmdir:3/.",
        "rmdir:3/empty/..",
        "unlink:3/..",
    ];
    let differences = [
        // To remove a directory by a path that ends in `..` is refused before anything is looked at.
        Difference { form: None, call: "rmdir:3/empty/..", free: "error notempty", guest: "error inval" },
        Difference { form: None, call: "unlink:3/..", free: "error isdir", guest: "error perm" },
    ];
    like_unsandboxed(Folder::new, &calls, &differences);
}
