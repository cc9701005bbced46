//! The tools of the languages: which version of each, from which registry, and whether it can be had here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::cargo::{self, cargo};
use crate::package::digest;

/// The version of the generator of C bindings: that of the Rust guests' `wit-bindgen`.
const WIT_BINDGEN: &str = "0.61.1";

/// A tool that is here, or why it is not, which is no fault of it.
pub(super) type Had<T> = Result<T, String>;

/// Finds the tools, and downloads those that are not here yet: by the clients of their registries, in versions that are
/// written down with their digests.
pub(super) struct Tools {
    pub(super) root: PathBuf,
    folder: PathBuf,
    offline: bool,
}

impl Tools {
    /// Tools that are kept in `folder`. If `offline`, none is downloaded.
    pub(super) fn new(root: &Path, folder: &Path, offline: bool) -> Tools {
        Tools { root: root.to_owned(), folder: folder.to_owned(), offline }
    }

    /// The folder of sources, one of a language each.
    pub(super) fn sources(&self) -> PathBuf {
        self.root.join("guests").join("languages")
    }

    /// A tool of npm, such as `jco`; all are installed together, as `package-lock.json` says.
    pub(super) fn npm(&self, name: &str) -> Result<Had<Command>> {
        let folder = self.folder.join("npm");
        let lock = self.sources().join("package-lock.json");
        let wanted = digest(&fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?);
        let had = self.have(&folder, &wanted, &["npm", "node"], || {
            for file in ["package.json", "package-lock.json"] {
                fs::copy(self.sources().join(file), folder.join(file))?;
            }
            let mut install = Command::new("npm");
            install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
            Ok(cargo::run(&mut install)?)
        })?;
        Ok(had.map(|()| Command::new(folder.join("node_modules").join(".bin").join(name))))
    }

    /// The wheels that `requirements.txt` of `language` names: a Python that has them.
    pub(super) fn wheels(&self, language: &str) -> Result<Had<Command>> {
        let folder = self.folder.join(format!("{language}-wheels"));
        if (std::env::consts::OS, std::env::consts::ARCH) != ("linux", "x86_64") {
            return Ok(Err("its wheels are known for x86-64 Linux alone".to_owned()));
        }
        let file = self.sources().join(language).join("requirements.txt");
        let wanted = digest(&fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?);
        let had = self.have(&folder, &wanted, &["python3"], || {
            let mut install = Command::new("python3");
            install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
            // Wheels, so that no code of a package runs while it is installed.
            install.args(["--only-binary", ":all:", "--require-hashes", "--upgrade", "--target"]);
            install.arg(&folder).arg("--requirement").arg(&file);
            Ok(cargo::run(&mut install)?)
        })?;
        Ok(had.map(|()| {
            let mut python = Command::new("python3");
            python.env("PYTHONPATH", &folder).env_remove("VIRTUAL_ENV");
            for variable in ["ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"] {
                python.env(variable, self.folder.join("zig-cache"));
            }
            python
        }))
    }

    /// The generator of bindings.
    pub(super) fn wit_bindgen(&self) -> Result<Had<Command>> {
        let folder = self.folder.join("wit-bindgen");
        let had = self.have(&folder, WIT_BINDGEN, &["cargo"], || {
            let mut install = cargo(["install", "wit-bindgen-cli", "--version", WIT_BINDGEN, "--locked"]);
            install.args(["--no-default-features", "--features", "c", "--no-track", "--force", "--root"]);
            install.arg(&folder).env("CARGO_TARGET_DIR", self.folder.join("build"));
            Ok(cargo::run(&mut install)?)
        })?;
        Ok(had.map(|()| Command::new(folder.join("bin").join("wit-bindgen"))))
    }

    /// Sees to it that `folder` holds what `wanted` stands for, by `install` if it holds something else.
    fn have(
        &self,
        folder: &Path,
        wanted: &str,
        clients: &[&str],
        install: impl FnOnce() -> Result<()>,
    ) -> Result<Had<()>> {
        if let Some(client) = clients.iter().find(|client| !works(client)) {
            return Ok(Err(format!("{client} is not here")));
        }
        let mark = folder.join("installed");
        if fs::read_to_string(&mark).is_ok_and(|found| found == wanted) {
            return Ok(Ok(()));
        }
        if self.offline {
            return Ok(Err("its tools are not downloaded".to_owned()));
        }
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        install()?;
        fs::write(mark, wanted)?;
        Ok(Ok(()))
    }
}

fn works(client: &str) -> bool {
    let mut probe = Command::new(client);
    probe.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_installed_once_and_again_when_another_is_wanted() {
        let folder = std::env::temp_dir().join(format!("xtask-tools-{}", std::process::id()));
        let have = |offline: bool, wanted: &str, client: &str| {
            let mut installed = false;
            let had =
                Tools::new(Path::new("root"), &folder, offline).have(&folder, wanted, &[client], || {
                    installed = true;
                    Ok(())
                });
            (had.unwrap(), installed)
        };
        assert_eq!(have(false, "1", "no-such-client"), (Err("no-such-client is not here".to_owned()), false));
        assert_eq!(have(true, "1", "cargo"), (Err("its tools are not downloaded".to_owned()), false));
        assert_eq!(have(false, "1", "cargo"), (Ok(()), true));
        assert_eq!(have(true, "1", "cargo"), (Ok(()), false));
        assert_eq!(have(false, "2", "cargo"), (Ok(()), true));
        fs::remove_dir_all(folder).unwrap();
    }
}
