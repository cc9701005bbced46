//! A directory that is made from a map of files.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::GrantError;

/// The longest name of one file or directory that file systems take, in bytes.
const LONGEST_NAME: usize = 255;

/// A directory that a guest may read, and in which lies what the grants themselves say.
///
/// Each [`Wasi`](crate::Wasi) writes the files into a folder of its own for temporary files, and removes them when it
/// is dropped; what is large, or shared by many guests, is better a [`Directory`](crate::Directory).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Files {
    /// The path under which the guest sees it, such as `config`.
    pub guest: String,
    /// What is in each file, by its path in the directory, such as `app/settings.toml`. The directories on the way
    /// are made. Default: no files.
    #[serde(default)]
    pub contents: BTreeMap<String, Contents>,
}

/// What is in one file. In the written form, text is a string, and bytes are `{ bytes = [0, 255] }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Contents {
    /// Text, as UTF-8.
    Text(String),
    /// Bytes that need not be text.
    Bytes {
        /// The bytes.
        bytes: Vec<u8>,
    },
}

impl From<&str> for Contents {
    fn from(text: &str) -> Self {
        Contents::Text(text.to_owned())
    }
}

impl From<Vec<u8>> for Contents {
    fn from(bytes: Vec<u8>) -> Self {
        Contents::Bytes { bytes }
    }
}

impl AsRef<[u8]> for Contents {
    fn as_ref(&self) -> &[u8] {
        match self {
            Contents::Text(text) => text.as_bytes(),
            Contents::Bytes { bytes } => bytes,
        }
    }
}

/// By hand, because a derived untagged enum says of a mistake only that no form fits.
impl<'de> Deserialize<'de> for Contents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            bytes: Vec<u8>,
        }

        impl<'de> Visitor<'de> for Either {
            type Value = Contents;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text, or `{ bytes = [..] }`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Contents, E> {
                Ok(text.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Contents, A::Error> {
                let Table { bytes } = Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Contents::Bytes { bytes })
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// Checks the names: each stays in its directory, and no file is also a directory of another.
pub(crate) fn check(files: &[Files]) -> Result<(), GrantError> {
    for (index, files) in files.iter().enumerate() {
        for name in files.contents.keys() {
            if let Some(problem) = problem(name, &files.contents) {
                return Err(GrantError::FileName { index, name: name.clone(), problem });
            }
        }
    }
    Ok(())
}

fn problem(name: &str, all: &BTreeMap<String, Contents>) -> Option<&'static str> {
    if name.starts_with('/') {
        return Some("must not be absolute");
    }
    if name.contains('\0') {
        return Some("must not contain a NUL character");
    }
    if name.contains('\\') || (cfg!(windows) && name.contains(':')) {
        return Some("must not contain `\\`; write `/` between a directory and what is in it");
    }
    for part in name.split('/') {
        match part {
            "" => return Some("has an empty part; write `directory/file`"),
            "." | ".." => return Some("must not contain `.` or `..` as a part"),
            part if part.len() > LONGEST_NAME => return Some("has a part longer than 255 bytes"),
            _ => {}
        }
    }
    let mut directories = name.match_indices('/').map(|(end, _)| &name[..end]);
    directories.any(|directory| all.contains_key(directory)).then_some("lies in what is a file itself")
}

/// Writes all files into the empty directory `root`.
pub(crate) fn write(contents: &BTreeMap<String, Contents>, root: &Path) -> io::Result<()> {
    for (name, contents) in contents {
        let path = root.join(name);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(path, contents)?;
    }
    Ok(())
}
