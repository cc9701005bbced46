//! The sections of a core module.

use std::ops::Range;

use wasmparser::{
    CompositeInnerType, DataKind, DataSectionReader, ElementItems, ElementKind, ElementSectionReader,
    FunctionSectionReader, GlobalSectionReader, ImportSectionReader, MemorySectionReader, MemoryType,
    Payload, RefType, TableInit, TableSectionReader, TagSectionReader, TypeRef, TypeSectionReader,
};

use super::code::{read_body, read_constant};
use super::cost::Cost;
use super::counter::Counter;
use super::types::{of_global, of_group, of_memory, of_table};
use super::{Proposal, Proposals, Rejected, StaticLimit};

/// Wasmtime accepts no more of them in one module.
const MOST_MEMORIES: u64 = 100;

/// What is remembered of a module while it is read.
#[derive(Default)]
pub(crate) struct Module {
    memories: u64,
    tables: u64,
    /// What one instance of it takes, but for itself.
    defined: Cost,
    /// How many parameters each of its types has. A function has no more than a thousand.
    parameters: Vec<u16>,
    /// For each memory that has active segments: where they are known to lie.
    images: Vec<Option<Range<u64>>>,
}

impl Module {
    /// What one instance of it takes.
    pub(crate) fn cost(&self) -> Cost {
        Cost { instances: 1, ..self.defined }
    }

    /// Reads one section, or one function.
    pub(crate) fn read(&mut self, payload: Payload<'_>, counter: &mut Counter<'_>) -> Result<(), Rejected> {
        match payload {
            Payload::TypeSection(types) => self.read_types(types, counter),
            Payload::ImportSection(imports) => self.read_imports(imports, counter),
            Payload::FunctionSection(functions) => self.read_functions(functions, counter),
            Payload::TableSection(tables) => self.read_tables(tables, counter),
            Payload::MemorySection(memories) => self.read_memories(memories, counter),
            Payload::TagSection(tags) => read_tags(tags, counter),
            Payload::GlobalSection(globals) => read_globals(globals, counter),
            Payload::ExportSection(exports) => {
                counter.add(StaticLimit::Exports, exports.count().into(), exports.range().start)
            }
            Payload::ElementSection(elements) => read_elements(elements, counter),
            Payload::DataCountSection { range, .. } => counter.uses(Proposal::BulkMemory.into(), range.start),
            Payload::DataSection(data) => self.read_data(data, counter),
            Payload::CodeSectionEntry(body) => read_body(&body, counter),
            _ => Ok(()),
        }
    }

    fn read_types(
        &mut self,
        types: TypeSectionReader<'_>,
        counter: &mut Counter<'_>,
    ) -> Result<(), Rejected> {
        for group in types.into_iter_with_offsets() {
            let (offset, group) = group?;
            let (count, found) = of_group(&group);
            counter.add(StaticLimit::Types, count, offset)?;
            counter.uses(found, offset)?;
            self.parameters.extend(group.types().map(|ty| match &ty.composite_type.inner {
                CompositeInnerType::Func(function) => {
                    u16::try_from(function.params().len()).unwrap_or(u16::MAX)
                }
                _ => 0,
            }));
        }
        Ok(())
    }

    fn read_functions(
        &mut self,
        functions: FunctionSectionReader<'_>,
        counter: &mut Counter<'_>,
    ) -> Result<(), Rejected> {
        counter.add(StaticLimit::Functions, functions.count().into(), functions.range().start)?;
        for function in functions.into_iter_with_offsets() {
            let (offset, ty) = function?;
            let parameters = self.parameters.get(ty as usize).copied().unwrap_or(0);
            counter.add(StaticLimit::TotalLocals, parameters.into(), offset)?;
        }
        Ok(())
    }

    fn read_imports(
        &mut self,
        imports: ImportSectionReader<'_>,
        counter: &mut Counter<'_>,
    ) -> Result<(), Rejected> {
        counter.add(StaticLimit::Imports, imports.count().into(), imports.range().start)?;
        for import in imports.into_iter_with_offsets() {
            let (offset, group) = import?;
            // Of the items of a group, the first was counted.
            let mut items = 0;
            for item in group {
                let (_, item) = item?;
                items += 1;
                match item.ty {
                    TypeRef::Func(_) => {}
                    TypeRef::FuncExact(_) => counter.uses(Proposal::CustomDescriptors.into(), offset)?,
                    TypeRef::Table(ty) => self.table(counter, of_table(&ty), offset)?,
                    TypeRef::Memory(ty) => self.memory(counter, &ty, offset)?,
                    TypeRef::Global(ty) => counter.uses(of_global(ty), offset)?,
                    TypeRef::Tag(_) => counter.uses(Proposal::Exceptions.into(), offset)?,
                }
            }
            if items != 1 {
                counter.uses(Proposal::CompactImports.into(), offset)?;
                counter.add(StaticLimit::Imports, u64::saturating_sub(items, 1), offset)?;
            }
        }
        Ok(())
    }

    fn table(&mut self, counter: &mut Counter<'_>, found: Proposals, offset: usize) -> Result<(), Rejected> {
        self.tables += 1;
        let several = if self.tables > 1 { Proposal::ReferenceTypes.into() } else { Proposals::none() };
        counter.uses(found.join(several), offset)
    }

    fn memory(&mut self, counter: &mut Counter<'_>, ty: &MemoryType, offset: usize) -> Result<(), Rejected> {
        self.memories += 1;
        // Each takes more than in the file as soon as the last one has an image.
        if self.memories > MOST_MEMORIES {
            return Err(Rejected::IndexSpace {
                of: "memories",
                allowed: MOST_MEMORIES,
                offset: offset as u64,
            });
        }
        let several = if self.memories > 1 { Proposal::MultiMemory.into() } else { Proposals::none() };
        counter.uses(of_memory(ty).join(several), offset)
    }

    fn read_tables(
        &mut self,
        tables: TableSectionReader<'_>,
        counter: &mut Counter<'_>,
    ) -> Result<(), Rejected> {
        for table in tables.into_iter_with_offsets() {
            let (offset, table) = table?;
            self.defined.tables += 1;
            self.defined.table_elements = self.defined.table_elements.saturating_add(table.ty.initial);
            self.table(counter, of_table(&table.ty), offset)?;
            counter.add(StaticLimit::TableElements, table.ty.initial, offset)?;
            if let TableInit::Expr(value) = table.init {
                counter.uses(Proposal::FunctionReferences.into(), offset)?;
                read_constant(&value, counter)?;
            }
        }
        Ok(())
    }

    fn read_memories(
        &mut self,
        memories: MemorySectionReader<'_>,
        counter: &mut Counter<'_>,
    ) -> Result<(), Rejected> {
        for memory in memories.into_iter_with_offsets() {
            let (offset, ty) = memory?;
            self.memory(counter, &ty, offset)?;
            let page = 1_u64.checked_shl(ty.page_size_log2.unwrap_or(16)).unwrap_or(u64::MAX);
            let bytes = ty.initial.saturating_mul(page);
            self.defined.memories += 1;
            self.defined.memory = self.defined.memory.saturating_add(bytes);
            counter.add(StaticLimit::Memory, bytes, offset)?;
        }
        Ok(())
    }

    fn read_data(&mut self, data: DataSectionReader<'_>, counter: &mut Counter<'_>) -> Result<(), Rejected> {
        counter.add(StaticLimit::DataSegments, data.count().into(), data.range().start)?;
        for segment in data.into_iter_with_offsets() {
            let (offset, segment) = segment?;
            let length = segment.data.len() as u64;
            match segment.kind {
                DataKind::Passive => counter.uses(Proposal::BulkMemory.into(), offset)?,
                DataKind::Active { memory_index, offset_expr } => {
                    match read_constant(&offset_expr, counter)? {
                        Some(start) => {
                            let more = self.image(memory_index, start, length, offset)?;
                            counter.add(StaticLimit::Image, more, offset)?;
                        }
                        None => counter.add(StaticLimit::Image, length, offset)?,
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds a segment to the image of a memory, and gives by how much it grows.
    fn image(&mut self, memory: u32, start: u64, length: u64, offset: usize) -> Result<u64, Rejected> {
        let memory = usize::try_from(memory).ok().filter(|memory| (*memory as u64) < self.memories);
        let Some(memory) = memory else {
            return Err(Rejected::Malformed {
                message: "a data segment is for a memory that is not there".to_owned(),
                offset: offset as u64,
            });
        };
        if length == 0 {
            return Ok(0);
        }
        if self.images.len() <= memory {
            self.images.resize(memory + 1, None);
        }
        let end = start.saturating_add(length);
        let before = self.images[memory].take();
        let now = match &before {
            Some(before) => before.start.min(start)..before.end.max(end),
            None => start..end,
        };
        let size = |range: &Range<u64>| range.end - range.start;
        let more = size(&now) - before.as_ref().map_or(0, size);
        self.images[memory] = Some(now);
        Ok(more)
    }
}

fn read_tags(tags: TagSectionReader<'_>, counter: &mut Counter<'_>) -> Result<(), Rejected> {
    for tag in tags.into_iter_with_offsets() {
        let (offset, _) = tag?;
        counter.uses(Proposal::Exceptions.into(), offset)?;
    }
    Ok(())
}

fn read_globals(globals: GlobalSectionReader<'_>, counter: &mut Counter<'_>) -> Result<(), Rejected> {
    counter.add(StaticLimit::Globals, globals.count().into(), globals.range().start)?;
    for global in globals.into_iter_with_offsets() {
        let (offset, global) = global?;
        counter.uses(of_global(global.ty), offset)?;
        read_constant(&global.init_expr, counter)?;
    }
    Ok(())
}

fn read_elements(elements: ElementSectionReader<'_>, counter: &mut Counter<'_>) -> Result<(), Rejected> {
    counter.add(StaticLimit::ElementSegments, elements.count().into(), elements.range().start)?;
    for element in elements.into_iter_with_offsets() {
        let (offset, element) = element?;
        match element.kind {
            ElementKind::Passive => counter.uses(Proposal::BulkMemory.into(), offset)?,
            ElementKind::Declared => counter.uses(Proposal::ReferenceTypes.into(), offset)?,
            ElementKind::Active { offset_expr, .. } => _ = read_constant(&offset_expr, counter)?,
        }
        if let ElementItems::Expressions(ty, values) = element.items {
            if ty != RefType::FUNCREF {
                counter.uses(super::types::of_ref_type(ty), offset)?;
            }
            for value in values {
                read_constant(&value?, counter)?;
            }
        }
    }
    Ok(())
}
