//! Core dumps: what a guest's memories, globals and stack held when it stopped, for a debugger.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use host_limits::Bytes;
use wasmtime::{AsContext, AsContextMut, WasmCoreDump};

use crate::fault::Fault;
use crate::guard::panic_message;
use crate::text::one_line;

/// Why there is no core dump.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoreDumpError {
    /// Wasmtime took none.
    #[error(
        "no core dump was taken: either no code of the guest was running, or the engine was built without \
         `core_dumps` in its settings, which is `Config::coredump_on_trap(true)`"
    )]
    NotTaken,
    /// It would hold more of the guest's memory than was allowed.
    #[error("the core dump would hold more than {at_most} of the guest's memory; allow more")]
    TooLarge {
        /// What was allowed.
        at_most: Bytes,
    },
    /// Wasmtime cannot write this one: the guest has something that the format, or Wasmtime, does not know, such as a
    /// global that holds an exception; or the store is another one than the fault's.
    #[error("the core dump cannot be encoded: {}", one_line(message))]
    Encode {
        /// What Wasmtime said.
        message: String,
    },
    /// The file cannot be written.
    #[error("cannot write the core dump {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Fault {
    /// What the guest's memories, globals and stack held, as a file in the [format of the WebAssembly tool
    /// conventions](https://github.com/WebAssembly/tool-conventions/blob/main/Coredump.md): a module with custom sections, which
    /// `wasm-tools dump` and `wasm-tools print` show, and `wasmgdb` debugs. Locals are not in it.
    ///
    /// Wasmtime takes a core dump only if the engine was built with [`core_dumps`](crate::EngineSettings::core_dumps). It reads
    /// the memories only now: `store` must be the one of the fault, and nothing may have run in it since. `name` is what the dump calls the
    /// program. A guest's memory may be of 4 GiB and more, and the dump is built in the host's: `at_most` bounds how much is
    /// copied, in blocks of 4 KiB that are not all zero. Whatever secrets the guest held are in it.
    ///
    /// ```
    /// use host_core::{EngineSettings, Profile, guard};
    /// use host_limits::{Bytes, Limits, Meter, Ticker, arm};
    /// use wasmtime::{Instance, Module, Store};
    ///
    /// let limits = Limits::untrusted();
    /// let settings = EngineSettings { core_dumps: true, ..Profile::Development.settings() };
    /// let engine = settings.engine(&limits)?;
    /// let ticker = Ticker::start(&engine)?;
    /// let module = Module::new(&engine, "(module (func $main unreachable) (start $main))")?;
    /// let mut store = Store::new(&engine, Meter::new(limits));
    /// arm(&mut store, &ticker)?;
    /// let fault = guard(&mut store, |store| Instance::new(store, &module, &[])).unwrap_err();
    /// let dump = fault.core_dump(&mut store, "main.wasm", Bytes::mebi(16))?;
    /// assert!(dump.starts_with(b"\0asm"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CoreDumpError`], but for `Write`.
    pub fn core_dump(
        &self,
        mut store: impl AsContextMut,
        name: &str,
        at_most: Bytes,
    ) -> Result<Vec<u8>, CoreDumpError> {
        let dump = self.cause().downcast_ref::<WasmCoreDump>().ok_or(CoreDumpError::NotTaken)?;
        // Wasmtime panics at what it cannot encode, and a guest can choose that.
        let encode = AssertUnwindSafe(|| {
            if !fits(dump, &store, at_most) {
                return Err(CoreDumpError::TooLarge { at_most });
            }
            Ok(dump.serialize(&mut store, name))
        });
        catch_unwind(encode)
            .unwrap_or_else(|panic| Err(CoreDumpError::Encode { message: panic_message(panic) }))
    }

    /// Writes the [core dump](Fault::core_dump) to a file, in place of what was there. Gives its size.
    ///
    /// # Errors
    ///
    /// [`CoreDumpError`].
    pub fn write_core_dump(
        &self,
        store: impl AsContextMut,
        name: &str,
        at_most: Bytes,
        path: impl AsRef<Path>,
    ) -> Result<Bytes, CoreDumpError> {
        let dump = self.core_dump(store, name, at_most)?;
        let path = path.as_ref();
        fs::write(path, &dump).map_err(|source| CoreDumpError::Write { path: path.to_owned(), source })?;
        Ok(Bytes::new(dump.len() as u64))
    }
}

/// Whether no more than `at_most` would be copied out of the memories. Wasmtime leaves out the blocks that are zero.
fn fits(dump: &WasmCoreDump, store: impl AsContext, at_most: Bytes) -> bool {
    const BLOCK: usize = 4096;
    let used = dump
        .memories()
        .iter()
        .flat_map(|memory| memory.data(&store).chunks(BLOCK))
        .filter(|block| block.iter().any(|byte| *byte != 0))
        .map(|block| block.len() as u64);
    let mut left = at_most.get();
    for length in used {
        match left.checked_sub(length) {
            Some(less) => left = less,
            None => return false,
        }
    }
    true
}
