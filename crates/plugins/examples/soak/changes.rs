//! The changes: new versions by way of the watched directory and by calls, broken ones, and the way back.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use host_plugins::{LoadError, PluginHost};

use crate::plugins::{PLUGINS, Plugin};
use crate::random::Random;
use crate::work::Tally;

/// What was changed.
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) written: u64,
    pub(crate) reloaded: u64,
    pub(crate) rolled_back: u64,
    pub(crate) refused: u64,
    /// What must not have happened.
    pub(crate) wrong: Vec<String>,
}

/// Changes one of the good plugins after the other.
pub(crate) fn change_until_the_end(
    host: &PluginHost,
    folder: &Path,
    tally: &Tally,
    mut random: Random,
) -> Changes {
    let good: Vec<_> = PLUGINS.iter().filter(|plugin| !plugin.is_hostile()).collect();
    let mut changes = Changes::default();
    let mut number = 0_u64;
    while !tally.is_over() {
        thread::sleep(Duration::from_millis(30));
        let plugin = *random.of(&good);
        number += 1;
        if let Err(error) = changes.change(host, folder, plugin, &mut random, number) {
            changes.wrong.push(format!("{}: {error:#}", plugin.name));
        }
    }
    changes
}

impl Changes {
    fn change(
        &mut self,
        host: &PluginHost,
        folder: &Path,
        plugin: &Plugin,
        random: &mut Random,
        number: u64,
    ) -> Result<()> {
        match random.below(4) {
            0 => {
                put(folder, plugin.name, &another(plugin, number)?)?;
                self.written += 1;
            }
            1 => {
                put(folder, plugin.name, &another(plugin, number)?)?;
                host.reload(plugin.name)?;
                self.reloaded += 1;
            }
            2 => match host.roll_back(plugin.name) {
                Ok(_) => self.rolled_back += 1,
                Err(LoadError::NoVersionBefore { .. }) => {}
                Err(error) => return Err(error.into()),
            },
            _ => {
                let broken = b"\0asm\x01\0\0\0 and nothing that makes sense";
                let before = host.get(plugin.name).map(|plugin| plugin.digest);
                match host.reload_bytes(plugin.name, broken) {
                    Ok(_) => anyhow::bail!("a broken version was taken"),
                    Err(LoadError::Invalid { .. }) => self.refused += 1,
                    Err(error) => return Err(error.into()),
                }
                anyhow::ensure!(before.is_some(), "it is not loaded any more");
            }
        }
        Ok(())
    }
}

/// The same code with a custom section of its own, which makes it another file.
fn another(plugin: &Plugin, number: u64) -> Result<Vec<u8>> {
    let mut wasm = plugin.wasm()?;
    // The name `n`, and the number; nothing of it is longer than a byte can say.
    let mut section = vec![1, b'n'];
    section.extend(number.to_le_bytes());
    wasm.extend([0, section.len() as u8]);
    wasm.extend(section);
    Ok(wasm)
}

/// Whole or not at all.
fn put(folder: &Path, name: &str, wasm: &[u8]) -> Result<()> {
    let temporary = folder.join(format!("{name}.tmp"));
    fs::write(&temporary, wasm)?;
    fs::rename(temporary, folder.join(format!("{name}.wasm")))?;
    Ok(())
}
