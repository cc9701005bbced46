//! Instructions: the bodies of functions, and the expressions that give a constant.

use wasmparser::{ConstExpr, FunctionBody, Operator};

use super::counter::Counter;
use super::operators::Collect;
use super::types::of_value_type;
use super::{Proposal, Proposals, Rejected, StaticLimit};

/// Reads a constant expression, and gives its value if it is one number.
pub(crate) fn read_constant(
    value: &ConstExpr<'_>,
    counter: &mut Counter<'_>,
) -> Result<Option<u64>, Rejected> {
    let mut operators = value.get_operators_reader();
    // A second reader for the numbers: to clone the first would copy all the blocks that it stands in.
    let mut numbers = value.get_operators_reader();
    let (mut number, mut length) = (None, 0_u32);
    let mut found = Collect(Proposals::none());
    while !operators.eof() {
        let offset = operators.original_position();
        match numbers.read()? {
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

pub(crate) fn read_body(body: &FunctionBody<'_>, counter: &mut Counter<'_>) -> Result<(), Rejected> {
    let start = body.range().start;
    counter.largest(StaticLimit::FunctionSize, body.range().len() as u64, start)?;
    let mut locals = body.get_locals_reader()?;
    let mut count = 0_u64;
    for _ in 0..locals.get_count() {
        let offset = locals.original_position();
        let (more, ty) = locals.read()?;
        count = count.saturating_add(more.into());
        counter.largest(StaticLimit::Locals, count, offset)?;
        counter.add(StaticLimit::TotalLocals, more.into(), offset)?;
        counter.uses(of_value_type(ty), offset)?;
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
