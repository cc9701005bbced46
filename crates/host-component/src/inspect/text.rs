//! A description as text, in the manner of a WIT world.

use std::fmt::{self, Formatter};

use super::{Description, Item, Resources};

impl fmt::Display for Description {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "world {{")?;
        for item in &self.imports {
            write_item(f, item, Some("import"), 1)?;
        }
        if !self.imports.is_empty() && !self.exports.is_empty() {
            writeln!(f)?;
        }
        for item in &self.exports {
            write_item(f, item, Some("export"), 1)?;
        }
        if self.cut {
            writeln!(f, "  // … and more")?;
        }
        writeln!(f, "}}")?;
        match &self.resources {
            Some(resources) => writeln!(f, "// an instance starts with {resources}"),
            None => writeln!(f, "// what an instance starts with depends on the modules it imports"),
        }
    }
}

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        count(f, self.memories, "memory", "memories")?;
        if let Some(pages) = self.largest_memory_pages {
            write!(f, " (the largest of {pages} pages)")?;
        }
        f.write_str(" and ")?;
        count(f, self.tables, "table", "tables")?;
        if let Some(elements) = self.largest_table_elements {
            write!(f, " (the largest of {elements} elements)")?;
        }
        Ok(())
    }
}

fn count(f: &mut Formatter<'_>, number: u32, one: &str, several: &str) -> fmt::Result {
    write!(f, "{number} {}", if number == 1 { one } else { several })
}

fn write_item(f: &mut Formatter<'_>, item: &Item, word: Option<&str>, depth: usize) -> fmt::Result {
    let indent = "  ".repeat(depth);
    f.write_str(&indent)?;
    if let Some(word) = word {
        write!(f, "{word} ")?;
    }
    let inside = |f: &mut Formatter<'_>, items: &[Item], word| {
        items.iter().try_for_each(|item| write_item(f, item, word, depth + 1))
    };
    match item {
        Item::Function { name, signature, .. } => writeln!(f, "{name}: {signature};"),
        Item::Type { definition, .. } => writeln!(f, "{definition};"),
        Item::Resource { name } => writeln!(f, "resource {name};"),
        Item::Interface { name, items, .. } if items.is_empty() => writeln!(f, "{name};"),
        Item::Interface { name, items, .. } => {
            writeln!(f, "{name} {{")?;
            inside(f, items, None)?;
            writeln!(f, "{indent}}}")
        }
        Item::Component { name, imports, exports } => {
            writeln!(f, "component {name} {{")?;
            inside(f, imports, Some("import"))?;
            inside(f, exports, Some("export"))?;
            writeln!(f, "{indent}}}")
        }
        Item::Module { name, imports, exports } => {
            writeln!(f, "core module {name} {{")?;
            for import in imports {
                writeln!(f, "{indent}  import {import};")?;
            }
            for export in exports {
                writeln!(f, "{indent}  export {export};")?;
            }
            writeln!(f, "{indent}}}")
        }
    }
}
