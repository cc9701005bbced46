//! The changes: new versions by way of the watched directory and by calls, broken ones, and the way back.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use host_plugins::host_cache::Digest;
use host_plugins::{LoadError, PluginHost, PluginSource};

use crate::listener::Listener;
use crate::plugins::{PLUGINS, Plugin};
use crate::random::Random;

/// The longest that a change of the watched directory may take on a busy machine to be noticed, compiled and told.
const LONGEST: Duration = Duration::from_secs(30);
/// How many files of the same behaviour there are of each plugin: so few that some are in the cache when they come again.
const FILES: u64 = 40;

/// How often what was changed.
#[derive(Default)]
pub(crate) struct Changes {
    numbers: [u64; CHANGES.len()],
    /// How long the watched directory took at most, at the end.
    pub(crate) followed_within: Duration,
    /// What must not have happened.
    pub(crate) wrong: Vec<String>,
}

/// The ways to change a plugin.
const CHANGES: [&str; 6] = [
    "written to the watched directory",
    "written, and reloaded by a call",
    "given as bytes, and rolled back",
    "rolled back",
    "broken, given as bytes, and refused",
    "broken, written to the watched directory, and refused",
];

impl Changes {
    /// What was changed, and how often.
    pub(crate) fn rows(&self) -> Vec<(&'static str, u64)> {
        CHANGES.into_iter().zip(self.numbers).collect()
    }

    /// What was never done.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &'static str> {
        self.rows().into_iter().filter(|(_, number)| *number == 0).map(|(what, _)| what)
    }
}

/// Changes plugins.
pub(crate) struct Changer<'a> {
    pub(crate) host: &'a PluginHost,
    pub(crate) folder: &'a Path,
    pub(crate) listener: &'a Listener,
    pub(crate) random: Random,
}

impl Changer<'_> {
    /// Changes one of the good plugins after the other, and sees in the end that the host follows the directory still.
    pub(crate) fn change_until(mut self, end: Instant) -> Changes {
        let good: Vec<_> = PLUGINS.iter().filter(|plugin| !plugin.is_hostile()).collect();
        let mut changes = Changes::default();
        while Instant::now() < end {
            thread::sleep(Duration::from_millis(30));
            let plugin = *self.random.of(&good);
            // Each in its turn, so that none is left out.
            let way = changes.numbers.iter().sum::<u64>() as usize % CHANGES.len();
            if let Err(error) = self.change(plugin, way) {
                changes.wrong.push(format!("{}, {}: {error:#}", plugin.name, CHANGES[way]));
            }
            changes.numbers[way] += 1;
        }
        match self.follow(&good) {
            Ok(time) => changes.followed_within = time,
            Err(error) => changes.wrong.push(format!("{error:#}")),
        }
        changes
    }

    /// Changes a plugin in one of the [ways](CHANGES).
    fn change(&mut self, plugin: &Plugin, way: usize) -> Result<()> {
        let good = another(plugin, self.random.below(FILES))?;
        match way {
            0 => self.put(plugin, &good)?,
            1 => {
                self.put(plugin, &good)?;
                self.host.reload(plugin.name)?;
            }
            2 => {
                self.host.reload_bytes(plugin.name, &good)?;
                self.back_to_files(plugin)?;
            }
            3 => match self.back_to_files(plugin) {
                Ok(()) | Err(LoadError::NoVersionBefore { .. }) => {}
                Err(error) => return Err(error.into()),
            },
            4 => self.refused(plugin)?,
            _ => {
                let before = self.listener.refused(plugin.name);
                let broken = broken(plugin, plugin.is_checked(), &mut self.random)?;
                self.put(plugin, &broken)?;
                wait("a broken file is not told", || self.listener.refused(plugin.name) > before)?;
                self.put(plugin, &good)?;
            }
        }
        Ok(())
    }

    /// Rolls back, once more if the version before went by no file: the host would not follow the directory for it.
    fn back_to_files(&self, plugin: &Plugin) -> Result<(), LoadError> {
        if self.host.roll_back(plugin.name)?.source == PluginSource::Bytes {
            self.host.roll_back(plugin.name)?;
        }
        Ok(())
    }

    /// Tries a broken version.
    fn refused(&mut self, plugin: &Plugin) -> Result<()> {
        // Bytes have no manifest, and so no health check.
        let broken = broken(plugin, false, &mut self.random)?;
        let error = self.host.reload_bytes(plugin.name, &broken).err();
        ensure!(
            matches!(error, Some(LoadError::Invalid { .. })),
            "a broken version was not refused as it should: {error:?}"
        );
        let now = self.host.get(plugin.name).map(|plugin| plugin.digest);
        ensure!(now.is_some_and(|now| now != Digest::of(&broken)), "the old version did not stay");
        Ok(())
    }

    /// Writes one more version of each plugin, and waits until all are loaded.
    fn follow(&self, good: &[&Plugin]) -> Result<Duration> {
        let begun = Instant::now();
        let mut wanted = Vec::new();
        for plugin in good {
            let wasm = another(plugin, FILES)?;
            self.put(plugin, &wasm)?;
            wanted.push((plugin.name, Digest::of(&wasm)));
        }
        let followed = wait("the watched directory is not followed", || {
            wanted.retain(|(name, digest)| self.host.get(name).is_none_or(|now| now.digest != *digest));
            wanted.is_empty()
        });
        let why = |(name, _): &(&str, _)| {
            let source = self.host.get(name).map(|plugin| plugin.source);
            format!("{name} is of {source:?}, and was refused last: {:?}", self.listener.last_refusal(name))
        };
        followed.with_context(|| wanted.iter().map(why).collect::<Vec<_>>().join("; "))?;
        Ok(begun.elapsed())
    }

    /// Whole or not at all.
    fn put(&self, plugin: &Plugin, wasm: &[u8]) -> Result<()> {
        let temporary = self.folder.join(format!("{}.tmp", plugin.name));
        fs::write(&temporary, wasm)?;
        fs::rename(temporary, self.folder.join(format!("{}.wasm", plugin.name)))?;
        Ok(())
    }
}

fn wait(what: &str, mut done: impl FnMut() -> bool) -> Result<()> {
    let until = Instant::now() + LONGEST;
    while !done() {
        if Instant::now() > until {
            bail!("{what} within {LONGEST:?}");
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The same code with a custom section of its own, which makes it another file.
fn another(plugin: &Plugin, number: u64) -> Result<Vec<u8>> {
    Ok(with_section(plugin.wasm()?, number))
}

fn with_section(mut wasm: Vec<u8>, number: u64) -> Vec<u8> {
    // The name `n`, and the number; nothing of it is longer than a byte can say.
    let mut section = vec![1, b'n'];
    section.extend(number.to_le_bytes());
    wasm.extend([0, section.len() as u8]);
    wasm.extend(section);
    wasm
}

/// What cannot be loaded: no WebAssembly, half a file, or what does not pass the health check, where there is one. Never the
/// same twice.
fn broken(plugin: &Plugin, is_checked: bool, random: &mut Random) -> Result<Vec<u8>> {
    let unique = random.next();
    let mut wasm = match random.below(if is_checked { 3 } else { 2 }) {
        0 => b"\0asm\x01\0\0\0 and nothing that makes sense".to_vec(),
        1 => {
            let whole = plugin.wasm()?;
            whole[..whole.len() * 2 / 3].to_vec()
        }
        _ => return Ok(with_section(fixtures::bytes("plugins/endless-start"), unique)),
    };
    wasm.extend(unique.to_le_bytes());
    Ok(wasm)
}
