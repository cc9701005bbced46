//! `scan`: the one pass over a file.

use wasmparser::{Encoding, Parser, Payload};

use super::component::Component;
use super::cost::Cost;
use super::counter::Counter;
use super::module::Module;
use super::{Proposal, Rejected, Shape, StaticLimit, StaticLimits};

pub(crate) fn scan(limits: &StaticLimits, wasm: &[u8]) -> Result<Shape, Rejected> {
    let mut counter = Counter::new(limits);
    counter.add(StaticLimit::Size, wasm.len() as u64, 0)?;
    let mut scan = Scan { wasm, counter, components: Vec::new(), module: None, largest: Cost::default() };
    for payload in Parser::new(0).parse_all(wasm) {
        scan.read(payload?)?;
    }
    Ok(scan.counter.into_shape())
}

struct Scan<'a> {
    wasm: &'a [u8],
    counter: Counter<'a>,
    /// The components that are being read, the innermost last.
    components: Vec<Component>,
    /// The module that is being read.
    module: Option<Module>,
    /// The most that a module of this file takes.
    largest: Cost,
}

impl Scan<'_> {
    fn read(&mut self, payload: Payload<'_>) -> Result<(), Rejected> {
        match payload {
            Payload::Version { encoding: Encoding::Module, range, .. } => {
                if !self.components.is_empty() {
                    self.counter.add(StaticLimit::Modules, 1, range.start)?;
                }
                self.module = Some(Module::default());
                Ok(())
            }
            Payload::Version { encoding: Encoding::Component, range, .. } => {
                self.counter.uses(Proposal::ComponentModel.into(), range.start)?;
                self.components.push(Component::new());
                self.counter.largest(StaticLimit::Nesting, self.components.len() as u64, range.start)
            }
            Payload::CustomSection(section) if matches!(section.name(), "name" | "component-name") => {
                self.counter.add(StaticLimit::Names, section.data().len() as u64, section.data_offset())
            }
            Payload::UnknownSection { id, range, .. } => Err(Rejected::Malformed {
                message: format!("there is no section {id}"),
                offset: range.start as u64,
            }),
            Payload::End(offset) => self.end(offset),
            payload => match (&mut self.module, self.components.split_last_mut()) {
                (Some(module), _) => module.read(payload, &mut self.counter),
                (None, Some((component, outer))) => {
                    component.read(payload, outer, self.wasm, &mut self.counter)
                }
                (None, None) => Ok(()),
            },
        }
    }

    /// Ends a module or a component.
    fn end(&mut self, offset: usize) -> Result<(), Rejected> {
        let cost = match self.module.take() {
            Some(module) => {
                let cost = module.cost();
                self.largest.max(cost);
                if let Some(component) = self.components.last_mut() {
                    return component.push_module(cost, offset);
                }
                cost
            }
            None => {
                let Some(component) = self.components.pop() else { return Ok(()) };
                let cost = component.cost();
                if let Some(around) = self.components.last_mut() {
                    return around.push_component(cost, offset);
                }
                cost
            }
        };
        let cost = cost.with_unknown(self.largest);
        self.counter.add(StaticLimit::Instances, cost.instances, offset)?;
        self.counter.add(StaticLimit::Memories, cost.memories, offset)?;
        self.counter.add(StaticLimit::Tables, cost.tables, offset)?;
        // What the modules declare was counted as it was read, and may be more: not all of them are instantiated.
        self.counter.largest(StaticLimit::Memory, cost.memory, offset)?;
        self.counter.largest(StaticLimit::TableElements, cost.table_elements, offset)
    }
}
