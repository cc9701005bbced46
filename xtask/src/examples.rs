//! The examples of the workspace: which there are, how they are built, and how one is run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::cargo::{CommandError, WORKSPACE, cargo, line, metadata, root, run};
use crate::guests;

/// One example of one package.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Example {
    pub(crate) package: String,
    pub(crate) name: String,
    source: PathBuf,
    /// Where cargo puts the examples of all packages.
    folder: PathBuf,
}

impl Example {
    /// A command that runs the built example at the root of the repository.
    pub(crate) fn command(&self) -> Result<Command> {
        let mut command = Command::new(self.binary()?);
        command.current_dir(root());
        Ok(command)
    }

    /// The newest binary that was built from this source.
    ///
    /// Two packages may have an example of one name, and `NAME` itself is then that of either. `NAME-HASH` is there for each,
    /// and the file `NAME-HASH.d` beside it names the source.
    fn binary(&self) -> Result<PathBuf> {
        let not_built = || format!("the example {} of {} is not built", self.name, self.package);
        let prefix = format!("{}-", self.name.replace('-', "_"));
        let mut newest: Option<(SystemTime, PathBuf)> = None;
        for entry in fs::read_dir(&self.folder).with_context(not_built)? {
            let path = entry?.path();
            let named =
                path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(&prefix));
            if !named || path.extension().is_none_or(|extension| extension != "d") {
                continue;
            }
            let binary = path.with_extension(std::env::consts::EXE_EXTENSION);
            let Ok(built) = fs::metadata(&binary).and_then(|binary| binary.modified()) else { continue };
            if is_of(&fs::read_to_string(&path)?, &self.source)
                && newest.as_ref().is_none_or(|(time, _)| built > *time)
            {
                newest = Some((built, binary));
            }
        }
        newest.map(|(_, binary)| binary).with_context(not_built)
    }
}

/// Whether a list of what a binary depends on names `source`, absolute or from the root of the repository.
fn is_of(dependencies: &str, source: &Path) -> bool {
    // A file that nothing has to be done for: `path:`.
    let files = dependencies.lines().filter_map(|line| line.strip_suffix(':'));
    files.map(|file| root().join(file.replace("\\ ", " "))).any(|file| file == source)
}

/// Every example of the workspace, by package and name.
pub(crate) fn all() -> Result<Vec<Example>> {
    list(&metadata()?)
}

/// The example `name` of `package`.
pub(crate) fn find(package: &str, name: &str) -> Result<Example> {
    let found = all()?.into_iter().find(|example| example.package == package && example.name == name);
    found.with_context(|| format!("{package} has no example named `{name}`"))
}

/// Builds the guests and the examples, runs one with `arguments`, and passes its exit status on.
pub(crate) fn run_alone(package: &str, name: &str, arguments: &[&str]) -> Result<ExitCode> {
    guests::build()?;
    let example = find(package, name)?;
    build()?;
    let mut command = example.command()?;
    let status = command
        .args(arguments)
        .status()
        .map_err(|source| CommandError::NotStarted { line: line(&command), source })?;
    // A status without a code is a death by signal; one that does not fit is a failure all the same.
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Builds every example in one go.
pub(crate) fn build() -> Result<()> {
    Ok(run(cargo(["build"]).args(WORKSPACE).args(["--examples", "--locked"]))?)
}

fn list(metadata: &Value) -> Result<Vec<Example>> {
    let target =
        metadata["target_directory"].as_str().context("`cargo metadata` names no target directory")?;
    let folder = PathBuf::from(target).join("debug").join("examples");
    let mut examples = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        for target in package["targets"].as_array().into_iter().flatten() {
            let kinds = target["kind"].as_array();
            if !kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "example")) {
                continue;
            }
            let (Some(package), Some(name), Some(source)) =
                (package["name"].as_str(), target["name"].as_str(), target["src_path"].as_str())
            else {
                bail!("`cargo metadata` lists an example without a name or a source");
            };
            examples.push(Example {
                package: package.to_owned(),
                name: name.to_owned(),
                source: source.into(),
                folder: folder.clone(),
            });
        }
    }
    examples.sort_by(|a, b| (&a.package, &a.name).cmp(&(&b.package, &b.name)));
    Ok(examples)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn examples_are_found_and_sorted_by_package() {
        let example = |name| json!({ "name": name, "kind": ["example"], "src_path": format!("/{name}.rs") });
        let metadata = json!({ "target_directory": "target", "packages": [
            { "name": "b", "targets": [example("twin"), { "name": "b", "kind": ["lib"] }] },
            { "name": "a", "targets": [example("twin"), example("first"), { "name": "it", "kind": ["test"] }] },
        ]});
        let found = list(&metadata).unwrap();
        let names: Vec<_> =
            found.iter().map(|example| format!("{}/{}", example.package, example.name)).collect();
        assert_eq!(names, ["a/first", "a/twin", "b/twin"]);
        assert!(found[0].folder.starts_with("target/debug/examples"), "{found:?}");
    }

    #[test]
    fn each_of_two_twins_finds_its_own_newest_binary() {
        let folder = std::env::temp_dir().join(format!("xtask-examples-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, source: &str| {
            let binary = folder.join(name).with_extension(std::env::consts::EXE_EXTENSION);
            fs::write(&binary, name).unwrap();
            let list = format!("target/{name}.d: {source}\n\ntarget/{name}: {source}\n\n{source}:\n");
            fs::write(folder.join(format!("{name}.d")), list).unwrap();
            binary
        };
        let example = |package: &str, source: &str| Example {
            package: package.to_owned(),
            name: "twin".to_owned(),
            source: root().join(source),
            folder: folder.clone(),
        };
        let old = write("twin-1", "a/examples/twin.rs");
        let time = SystemTime::now() - std::time::Duration::from_secs(60);
        fs::File::options().write(true).open(old).unwrap().set_modified(time).unwrap();
        let new = write("twin-2", "a/examples/twin.rs");
        let other = write("twin-3", "b/examples/twin.rs");
        write("twins-4", "a/examples/twin.rs");
        // Checked only, and never built.
        fs::remove_file(write("twin-5", "a/examples/twin.rs")).unwrap();

        assert_eq!(example("a", "a/examples/twin.rs").binary().unwrap(), new);
        assert_eq!(example("b", "b/examples/twin.rs").binary().unwrap(), other);
        let error = example("c", "c/examples/twin.rs").binary().unwrap_err().to_string();
        assert_eq!(error, "the example twin of c is not built");
        fs::remove_dir_all(folder).unwrap();
    }
}
