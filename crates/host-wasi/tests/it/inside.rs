//! What the tests of files share: a folder to stay in, ways to lead out of it, and how two folders are compared.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use host_wasi::{Access, Grants};
use tempfile::TempDir;

use crate::command::{BOTH, Form};
use crate::{calls, snapshot, unsandboxed};

/// A folder that a guest is granted, `inside`, and what lies beside it and is not granted.
pub(crate) struct Folder {
    /// Also what is outside.
    pub(crate) whole: TempDir,
}

impl Folder {
    /// Files, directories and symlinks, none of which leads out.
    pub(crate) fn new() -> Self {
        let whole = tempfile::tempdir().unwrap();
        let inside = whole.path().join("inside");
        for directory in ["directory/deep", "empty"] {
            fs::create_dir_all(inside.join(directory)).unwrap();
        }
        for file in ["file", "directory/inner", "directory/deep/deepest"] {
            fs::write(inside.join(file), format!("this is {file}")).unwrap();
        }
        let links = [
            ("file", "to-file"),
            ("directory", "to-directory"),
            ("directory/../file", "down-and-up"),
            ("../file", "directory/up"),
            ("../../to-directory/../directory", "directory/deep/around"),
            ("chain-2", "chain-1"),
            ("./chain-3", "chain-2"),
            ("to-directory/inner", "chain-3"),
            ("missing", "dangling"),
            ("loop-2", "loop-1"),
            ("loop-1", "loop-2"),
            ("self", "self"),
            ("file/", "to-file-with-slash"),
            (".", "here"),
        ];
        for (text, link) in links {
            symlink(text, inside.join(link)).unwrap();
        }
        Self { whole }
    }

    /// The same, with `secret` and `others` outside, and with symlinks that the host has planted: each leads out.
    pub(crate) fn with_ways_out() -> Self {
        let folder = Self::new();
        let (outside, inside) = (folder.whole.path(), folder.inside());
        fs::write(outside.join("secret"), "secret").unwrap();
        fs::create_dir_all(outside.join("others/empty")).unwrap();
        fs::write(outside.join("others/secret"), "secret").unwrap();
        symlink("secret", outside.join("others/link")).unwrap();
        let links = [
            ("../secret", "out"),
            ("../others", "out-directory"),
            ("..", "parent"),
            ("directory/out-of-two", "out-by-chain"),
            ("../../secret", "directory/out-of-two"),
            ("to-directory/../../secret", "out-by-detour"),
            ("../planted", "out-dangling"),
            ("../inside/file", "out-and-in"),
        ];
        for (text, link) in links {
            symlink(text, inside.join(link)).unwrap();
        }
        let absolute = [
            (outside.join("secret"), "absolute"),
            (outside.join("others"), "absolute-directory"),
            (outside.join("planted"), "absolute-dangling"),
            (inside.join("file"), "absolute-and-in"),
        ];
        for (target, link) in absolute {
            symlink(target, inside.join(link)).unwrap();
        }
        folder
    }

    pub(crate) fn inside(&self) -> PathBuf {
        self.whole.path().join("inside")
    }

    pub(crate) fn grants(&self, access: Access) -> Grants {
        Grants::default().directory(self.inside(), "inside", access)
    }

    /// What the calls answer, with a look at everything before and after: whether anything changed, also outside.
    pub(crate) fn answers(
        &self,
        form: Form,
        access: Access,
        calls: &[impl AsRef<str>],
    ) -> (Vec<String>, bool) {
        let before = snapshot::everything(self.whole.path());
        let answers = calls::answers(form, self.grants(access), calls);
        (answers, snapshot::everything(self.whole.path()) != before)
    }
}

/// Where a guest is told another error than a program without a sandbox: harmless, and known.
pub(crate) struct Difference {
    /// `None` for both.
    pub(crate) form: Option<Form>,
    /// How the call begins.
    pub(crate) call: &'static str,
    /// What is answered without a sandbox.
    pub(crate) free: &'static str,
    /// What the guest is answered.
    pub(crate) guest: &'static str,
}

/// Makes the same calls with and without a sandbox, each time in a folder made by `make`, and finds that they answer
/// the same but for `differences`, all of which occur, and that the folders are the same afterwards.
pub(crate) fn like_unsandboxed(
    make: impl Fn() -> Folder,
    calls: &[impl AsRef<str>],
    differences: &[Difference],
) {
    for form in BOTH {
        let (sandboxed, free) = (make(), make());
        let answers = calls::answers(form, sandboxed.grants(Access::ReadWrite), calls);
        let expected = unsandboxed::answers(&[free.inside()], calls);
        let here: Vec<_> =
            differences.iter().filter(|known| known.form.is_none_or(|only| only == form)).collect();
        let mut seen = vec![false; here.len()];
        let mut problems = Vec::new();
        for ((call, answer), expected) in calls.iter().map(AsRef::as_ref).zip(&answers).zip(&expected) {
            let known = |known: &&Difference| {
                call.starts_with(known.call) && known.free == expected && known.guest == answer
            };
            match here.iter().position(known) {
                _ if answer == expected => {}
                Some(place) => seen[place] = true,
                None => problems.push(format!("{call}: {answer}; without a sandbox {expected}")),
            }
        }
        for (known, _) in here.iter().zip(&seen).filter(|(_, seen)| !**seen) {
            problems.push(format!("{}: no longer {} for {}", known.call, known.guest, known.free));
        }
        assert!(problems.is_empty(), "{form:?}:\n{}", problems.join("\n"));
        assert_eq!(snapshot::contents(&sandboxed.inside()), snapshot::contents(&free.inside()), "{form:?}");
        assert_eq!(outside(&sandboxed), outside(&free), "{form:?}");
    }
}

fn outside(folder: &Folder) -> snapshot::Snapshot {
    let mut seen = snapshot::contents(folder.whole.path());
    seen.retain(|path, _| !path.starts_with(Path::new("inside")));
    seen
}
