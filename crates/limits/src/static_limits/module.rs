//! The sections of a core module.

use std::ops::Range;

use wasmparser::{
    ConstExpr, DataKind, DataSectionReader, ElementItems, ElementKind, ElementSectionReader, FunctionBody,
    GlobalSectionReader, ImportSectionReader, MemorySectionReader, MemoryType, Operator, Payload, RefType,
    TableInit, TableSectionReader, TagSectionReader, TypeRef, TypeSectionReader,
};

use super::component::Cost;
use super::counter::Counter;
use super::operators::Collect;
use super::types::{of_global, of_group, of_memory, of_table};
use super::{Proposal, Proposals, Rejected, StaticLimit};

/// What is remembered of a module while it is read.
#[derive(Default)]
pub(crate) struct Module {
    memories: u64,
    tables: u64,
    defined_memories: u64,
    defined_tables: u64,
    /// For each memory that has active segments: where they are known to lie.
    images: Vec<Option<Range<u64>>>,
}

impl Module {
    /// What one instance of it takes.
    pub(crate) fn cost(&self) -> Cost {
        Cost { memories: self.defined_memories, tables: self.defined_tables, ..Cost::INSTANCE }
    }

    /// Reads one section, or one function.
    pub(crate) fn read(&mut self, payload: Payload<'_>, counter: &mut Counter<'_>) -> Result<(), Rejected> {
        match payload {
            Payload::TypeSection(types) => read_types(types, counter),
            Payload::ImportSection(imports) => self.read_imports(imports, counter),
            Payload::FunctionSection(functions) => {
                counter.add(StaticLimit::Functions, functions.count().into(), functions.range().start)
            }
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
            self.defined_tables += 1;
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
            self.defined_memories += 1;
            self.memory(counter, &ty, offset)?;
            let page = 1_u64.checked_shl(ty.page_size_log2.unwrap_or(16)).unwrap_or(u64::MAX);
            counter.add(StaticLimit::Memory, ty.initial.saturating_mul(page), offset)?;
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

pub(crate) fn read_types(types: TypeSectionReader<'_>, counter: &mut Counter<'_>) -> Result<(), Rejected> {
    for group in types.into_iter_with_offsets() {
        let (offset, group) = group?;
        let (count, found) = of_group(&group);
        counter.add(StaticLimit::Types, count, offset)?;
        counter.uses(found, offset)?;
    }
    Ok(())
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

/// Reads a constant expression, and gives its value if it is one number.
fn read_constant(value: &ConstExpr<'_>, counter: &mut Counter<'_>) -> Result<Option<u64>, Rejected> {
    let mut operators = value.get_operators_reader();
    let (mut number, mut length) = (None, 0_u32);
    let mut found = Collect(Proposals::none());
    while !operators.eof() {
        let offset = operators.original_position();
        match operators.clone().read()? {
            Operator::I32Const { value } => number = Some(u64::from(value as u32)),
            Operator::I64Const { value } => number = Some(value as u64),
            Operator::I32Add
            | Operator::I32Sub
            | Operator::I32Mul
            | Operator::I64Add
            | Operator::I64Sub
            | Operator::I64Mul => counter.uses(Proposal::ExtendedConst.into(), offset)?,
            _ => {}
        }
        length += 1;
        operators.visit_operator(&mut found)?;
        counter.uses(found.0, offset)?;
    }
    // The number and the end.
    Ok(number.filter(|_| length == 2))
}

fn read_body(body: &FunctionBody<'_>, counter: &mut Counter<'_>) -> Result<(), Rejected> {
    let start = body.range().start;
    counter.largest(StaticLimit::FunctionSize, body.range().len() as u64, start)?;
    let mut locals = body.get_locals_reader()?;
    let mut count = 0_u64;
    for _ in 0..locals.get_count() {
        let offset = locals.original_position();
        let (more, ty) = locals.read()?;
        count = count.saturating_add(more.into());
        counter.largest(StaticLimit::Locals, count, offset)?;
        counter.uses(super::types::of_value_type(ty), offset)?;
    }
    let mut operators = body.get_operators_reader()?;
    let mut found = Collect(Proposals::none());
    let mut known = found.0;
    while !operators.eof() {
        let offset = operators.original_position();
        operators.visit_operator(&mut found)?;
        // Most instructions bring nothing new.
        if found.0 != known {
            counter.uses(found.0, offset)?;
            known = found.0;
        }
    }
    Ok(())
}
