//! Worlds from WIT text: what the text means is what a component of that world would import and export.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use wasmparser::Parser;
use wasmtime::Engine;
use wasmtime::component::Component;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, PackageId, Resolve, WorldId};

use super::World;
use crate::names::{self, list};

impl World {
    /// Reads a world from WIT text, all of whose packages are in `text`. `world` names one, by its own name (`plugin`) or in
    /// full (`my-org:my-plugin/plugin`); it may be left out where the text has only one.
    ///
    /// ```
    /// use host_component::World;
    ///
    /// let text = "package a:b@1.0.0; world w { import log: func(msg: string); export run: func() -> u32; }";
    /// let world = World::parse(&wasmtime::Engine::default(), text, None).unwrap();
    /// assert_eq!(world.name(), "a:b/w@1.0.0");
    /// assert!(world.describe().to_string().contains("export run: func() -> u32;"));
    /// ```
    ///
    /// # Errors
    ///
    /// [`WorldError`]: the text is wrong, does not have the world, or has several.
    pub fn parse(engine: &Engine, text: &str, world: Option<&str>) -> Result<World, WorldError> {
        let mut resolve = Resolve::new();
        let package = resolve.push_str("world.wit", text).map_err(|error| WorldError::Text {
            reason: names::printable_text(&resolve.render_error(&error)),
        })?;
        build(engine, &resolve, package, world)
    }

    /// Reads a world from `path`: a folder of WIT files with its `deps`, a single WIT file with all it needs, a WIT package in
    /// binary form, or a component, whose world is taken and `world` left aside.
    ///
    /// # Errors
    ///
    /// [`WorldError`]: it cannot be read, is wrong, does not have the world, or has several.
    pub fn read(engine: &Engine, path: impl AsRef<Path>, world: Option<&str>) -> Result<World, WorldError> {
        let path = path.as_ref();
        let unreadable = |source| WorldError::Read { path: path.to_owned(), source };
        let is_file = fs::metadata(path).map_err(unreadable)?.is_file();
        if is_file {
            let bytes = fs::read(path).map_err(unreadable)?;
            if Parser::is_core_wasm(&bytes) {
                return Err(WorldError::CoreModule { path: path.to_owned() });
            }
            if Parser::is_component(&bytes) && !is_package(&bytes) {
                let component = Component::from_binary(engine, &bytes)
                    .map_err(|source| WorldError::Compile { world: path.display().to_string(), source })?;
                return Ok(World { name: path.display().to_string(), component });
            }
        }
        let mut resolve = Resolve::new();
        let (package, _) = resolve.push_path(path).map_err(|error| WorldError::Text {
            reason: names::printable_text(&resolve.render_error(&error)),
        })?;
        build(engine, &resolve, package, world)
    }
}

/// Whether a component only holds WIT.
fn is_package(bytes: &[u8]) -> bool {
    matches!(wit_component::decode(bytes), Ok(wit_component::DecodedWasm::WitPackage(..)))
}

fn build(
    engine: &Engine,
    resolve: &Resolve,
    package: PackageId,
    asked: Option<&str>,
) -> Result<World, WorldError> {
    let world = choose(resolve, package, asked)?;
    let name = resolve.id_of_name(package_of(resolve, world, package), &resolve.worlds[world].name);
    let unusable = |error: &dyn std::fmt::Display| WorldError::Unusable {
        world: name.clone(),
        reason: names::printable_words(&error.to_string()),
    };
    // The functions of a component that does nothing have the types that the world says: that is all that is needed.
    let mut module = dummy_module(resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    let encoded = embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8)
        .and_then(|()| ComponentEncoder::default().module(&module)?.encode())
        .map_err(|error| unusable(&format!("{error:#}")))?;
    let component = Component::from_binary(engine, &encoded)
        .map_err(|source| WorldError::Compile { world: name.clone(), source })?;
    Ok(World { name, component })
}

fn package_of(resolve: &Resolve, world: WorldId, main: PackageId) -> PackageId {
    resolve.worlds[world].package.unwrap_or(main)
}

fn choose(resolve: &Resolve, package: PackageId, asked: Option<&str>) -> Result<WorldId, WorldError> {
    let worlds = &resolve.packages[package].worlds;
    let offered = || -> Vec<String> { worlds.keys().cloned().collect() };
    match asked {
        None => match worlds.values().copied().collect::<Vec<_>>()[..] {
            [world] => Ok(world),
            [] => Err(WorldError::NoWorld { package: resolve.packages[package].name.to_string() }),
            _ => Err(WorldError::SeveralWorlds { offered: offered() }),
        },
        Some(asked) => resolve.select_world(&[package], Some(asked)).map_err(|_| {
            let (offered, short) = (offered(), asked.rsplit('/').next().unwrap_or(asked));
            let short = short.split('@').next().unwrap_or(short);
            let near = names::near(short, offered.iter().map(String::as_str));
            WorldError::UnknownWorld { asked: names::printable(asked), near, offered }
        }),
    }
}

/// Why there is no [`World`].
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WorldError {
    /// The file or folder cannot be read.
    #[error("cannot read `{}`", .path.display())]
    Read {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is a core module, which has no world.
    #[error("`{}` is a core module, which has no world; name a component, a WIT file or a folder of WIT files", .path.display())]
    CoreModule {
        /// Where it is.
        path: PathBuf,
    },
    /// The text is not WIT, or uses what is not there.
    #[error("the WIT text is wrong: {reason}")]
    Text {
        /// What is wrong, with file, line and column.
        reason: String,
    },
    /// The package has no world, only interfaces.
    #[error("the package `{package}` has no world; write one that imports or exports its interfaces")]
    NoWorld {
        /// The package's name.
        package: String,
    },
    /// The package has several worlds, and none was named.
    #[error("there are several worlds, and one must be named: {}", list(.offered))]
    SeveralWorlds {
        /// Names of the worlds.
        offered: Vec<String>,
    },
    /// The package has no world of that name.
    #[error("there is no world `{asked}`; {}", hint(.near, .offered))]
    UnknownWorld {
        /// The name that was asked for.
        asked: String,
        /// Names that may have been meant.
        near: Vec<String>,
        /// Names of the worlds that there are.
        offered: Vec<String>,
    },
    /// No component can be of this world.
    #[error("no component can be of the world `{world}`: {reason}")]
    Unusable {
        /// The world's name.
        world: String,
        /// Why not.
        reason: String,
    },
    /// The engine does not take a component of this world, for example because it uses a proposal that is switched off.
    #[error("the engine takes no component of the world `{world}`")]
    Compile {
        /// The world's name.
        world: String,
        /// Wasmtime's reason.
        source: wasmtime::Error,
    },
}

fn hint(near: &[String], offered: &[String]) -> String {
    if near.is_empty() {
        format!("there is {}", list(offered))
    } else {
        format!("did you mean {}?", list(near))
    }
}
