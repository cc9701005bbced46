//! Which resources do these arguments hold, and may each be used as the function wants it?

use std::collections::BTreeSet;

use wasmtime::component::{ResourceAny, Type, Val};

use super::Handles;
use crate::path::Path;

/// What is wrong with a resource among the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It is not among the handles.
    NotKept,
    /// The same call gives it away.
    GivenAway,
}

/// What one call does with resources.
#[derive(Default)]
pub(super) struct Uses {
    /// Those that become the guest's.
    pub(super) given: BTreeSet<u32>,
    lent: BTreeSet<u32>,
}

impl Uses {
    /// Notes the resources in `val`, an argument of the type `ty`; the two are known to fit.
    pub(super) fn note(&mut self, handles: &Handles, ty: &Type, val: &Val) -> Result<(), (Path, Wrong)> {
        let each = |uses: &mut Uses, ty: &Type, items: &[Val]| {
            if is_plain(ty) {
                return Ok(());
            }
            let note =
                |(index, item)| uses.note(handles, ty, item).map_err(|(path, wrong)| (path.at(index), wrong));
            items.iter().enumerate().try_for_each(note)
        };
        match (ty, val) {
            (Type::Own(_), Val::Resource(resource)) => self.give(handles, resource).map_err(here),
            (Type::Borrow(_), Val::Resource(resource)) => self.lend(handles, resource).map_err(here),
            (Type::List(list), Val::List(items)) => each(self, &list.ty(), items),
            (Type::FixedLengthList(list), Val::FixedLengthList(items)) => each(self, &list.ty(), items),
            (Type::Map(map), Val::Map(entries)) => {
                // Keys are plain: the component model has no others.
                let value_type = map.value();
                entries.iter().enumerate().try_for_each(|(index, (_, val))| {
                    self.note(handles, &value_type, val).map_err(|(path, wrong)| (path.at(index), wrong))
                })
            }
            (Type::Record(record), Val::Record(fields)) => {
                record.fields().zip(fields).try_for_each(|(field, (name, val))| {
                    self.note(handles, &field.ty, val).map_err(|(path, wrong)| (path.under(name), wrong))
                })
            }
            (Type::Tuple(tuple), Val::Tuple(items)) => {
                tuple.types().zip(items).enumerate().try_for_each(|(index, (ty, val))| {
                    self.note(handles, &ty, val).map_err(|(path, wrong)| (path.at(index), wrong))
                })
            }
            (Type::Variant(variant), Val::Variant(name, Some(val))) => {
                let case = variant.cases().find(|case| case.name == name);
                self.payload(handles, name, case.and_then(|case| case.ty).as_ref(), val)
            }
            (Type::Option(option), Val::Option(Some(val))) => {
                self.payload(handles, "some", Some(&option.ty()), val)
            }
            (Type::Result(result), Val::Result(Ok(Some(val)))) => {
                self.payload(handles, "ok", result.ok().as_ref(), val)
            }
            (Type::Result(result), Val::Result(Err(Some(val)))) => {
                self.payload(handles, "err", result.err().as_ref(), val)
            }
            _ => Ok(()),
        }
    }

    fn payload(
        &mut self,
        handles: &Handles,
        case: &str,
        ty: Option<&Type>,
        val: &Val,
    ) -> Result<(), (Path, Wrong)> {
        ty.map_or(Ok(()), |ty| self.note(handles, ty, val)).map_err(|(path, wrong)| (path.under(case), wrong))
    }

    fn give(&mut self, handles: &Handles, resource: &ResourceAny) -> Result<(), Wrong> {
        let handle = handles.number_of(resource).ok_or(Wrong::NotKept)?;
        if self.lent.contains(&handle) || !self.given.insert(handle) {
            return Err(Wrong::GivenAway);
        }
        Ok(())
    }

    fn lend(&mut self, handles: &Handles, resource: &ResourceAny) -> Result<(), Wrong> {
        let handle = handles.number_of(resource).ok_or(Wrong::NotKept)?;
        if self.given.contains(&handle) {
            return Err(Wrong::GivenAway);
        }
        self.lent.insert(handle);
        Ok(())
    }
}

fn here(wrong: Wrong) -> (Path, Wrong) {
    (Path::default(), wrong)
}

/// Whether there can be no resource in a value of this type; a list of a million bytes need not be looked through.
fn is_plain(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Bool
            | Type::S8
            | Type::U8
            | Type::S16
            | Type::U16
            | Type::S32
            | Type::U32
            | Type::S64
            | Type::U64
            | Type::Float32
            | Type::Float64
            | Type::Char
            | Type::String
            | Type::Enum(_)
            | Type::Flags(_)
    )
}
