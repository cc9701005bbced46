//! What the bytes say, as text: a line for each part, and for everything nested, with its size in bytes.

use std::fmt;

use super::{Binary, NestedKind, Parts, Producer};

impl fmt::Display for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.name)?;
        if !self.version.is_empty() {
            write!(f, " {}", self.version)?;
        }
        Ok(())
    }
}

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { code, data, custom, component, other } = self.parts;
        writeln!(f, "size: {} bytes", self.bytes)?;
        for (part, bytes) in [
            ("code", code),
            ("data", data),
            ("custom sections", custom),
            ("component", component),
            ("other", other),
        ] {
            writeln!(f, "  {bytes:>10}  {part}")?;
        }
        if !self.nested.is_empty() {
            writeln!(f, "inside:")?;
        }
        for nested in &self.nested {
            let kind = match nested.kind {
                NestedKind::Module => "core module",
                NestedKind::Component => "component",
            };
            // Depth is bounded by the size alone.
            let indent = "  ".repeat(nested.depth.min(20) - 1);
            let name = nested.name.as_deref().map(|name| format!(" `{name}`")).unwrap_or_default();
            writeln!(f, "  {:>10}  {indent}{kind}{name}", nested.bytes)?;
        }
        if !self.custom_sections.is_empty() {
            writeln!(f, "custom sections:")?;
        }
        for section in &self.custom_sections {
            writeln!(f, "  {:>10}  {}", section.bytes, section.name)?;
        }
        if !self.producers.is_empty() {
            writeln!(f, "producers:")?;
        }
        for producer in &self.producers {
            writeln!(f, "  {producer}")?;
        }
        if self.cut {
            writeln!(f, "… and more")?;
        }
        Ok(())
    }
}
