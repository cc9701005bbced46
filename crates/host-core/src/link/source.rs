//! Where each import of linked modules comes from, for reports.

use std::fmt;

use wasmtime::ImportType;

use crate::text::one_line;
use crate::type_text::type_text;

/// An import of one of the [`Linked`](crate::Linked) modules, and where it comes from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImportSource<'a> {
    /// The name of the module that imports it.
    pub importer: &'a str,
    /// What it imports: module, name and type.
    pub import: ImportType<'a>,
    /// Where it comes from.
    pub source: Source<'a>,
}

/// Where an import comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source<'a> {
    /// From the host: the linker holds it.
    Host,
    /// From the module of this name.
    Module(&'a str),
    /// From nobody: it is a function that stops the guest if it is called; see
    /// [`Modules::stub_missing`](crate::Modules::stub_missing).
    Stub,
}

impl fmt::Display for ImportSource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (module, name) = (one_line(self.import.module()), one_line(self.import.name()));
        let (importer, ty) = (one_line(self.importer), type_text(&self.import.ty()));
        write!(f, "`{importer}` imports `{module}.{name}`, {ty}, ")?;
        match self.source {
            Source::Host => f.write_str("from the host"),
            Source::Module(module) => write!(f, "from module `{}`", one_line(module)),
            Source::Stub => f.write_str("from nobody: it is stubbed"),
        }
    }
}
