//! How is an export called with resources that may be gone? After a look at each of them.

use wasmtime::AsContextMut;
use wasmtime::component::types::ComponentFunc;
use wasmtime::component::{Instance, ResourceAny, Val};

use super::Handles;
use super::arguments::Uses;
use crate::call::{CallError, Entry};
use crate::check::ArgumentError;
use crate::exports::ExportedFunction;
use crate::names;

impl Handles {
    /// [`call`](crate::call()), after a check that every resource among `arguments` is kept here and used as it may be.
    ///
    /// Those that the function takes as `own` are forgotten when the guest is entered. A call that is refused before changes
    /// nothing. The resources among the results are the caller's: keep them with [`insert`](Handles::insert),
    /// [`json::results_with`](crate::json::results_with) or [`wave::results_with`](crate::wave::results_with), or drop them.
    ///
    /// # Errors
    ///
    /// As [`call`](crate::call()), and [`ArgumentError::NotKept`] and [`ArgumentError::GivenAway`].
    ///
    /// # Panics
    ///
    /// When `instance` is not one of `store`'s.
    pub fn call(
        &mut self,
        mut store: impl AsContextMut,
        instance: &Instance,
        function: &ExportedFunction,
        arguments: &[Val],
    ) -> Result<Vec<Val>, CallError> {
        let entry = Entry::prepare(&mut store, instance, function, arguments)?;
        let given = self.give(function, &entry.ty, arguments)?;
        let result = entry.call(store, function, arguments);
        if matches!(result, Err(CallError::NeedsAsync { .. })) {
            self.kept.extend(given);
        }
        result
    }

    /// [`Handles::call`] for stores whose host functions may wait.
    ///
    /// Dropping the future before it is done leaves the guest half-way through its call: the store must not be used for another.
    ///
    /// # Errors
    ///
    /// As [`Handles::call`].
    ///
    /// # Panics
    ///
    /// As [`Handles::call`].
    pub async fn call_async(
        &mut self,
        mut store: impl AsContextMut<Data: Send>,
        instance: &Instance,
        function: &ExportedFunction,
        arguments: &[Val],
    ) -> Result<Vec<Val>, CallError> {
        let entry = Entry::prepare(&mut store, instance, function, arguments)?;
        self.give(function, &entry.ty, arguments)?;
        entry.call_async(store, function, arguments).await
    }

    /// Checks the resources among `arguments`, and forgets and hands out those that are given away.
    fn give(
        &mut self,
        function: &ExportedFunction,
        ty: &ComponentFunc,
        arguments: &[Val],
    ) -> Result<Vec<(u32, ResourceAny)>, ArgumentError> {
        let mut uses = Uses::default();
        for ((name, ty), val) in ty.params().zip(arguments) {
            uses.note(self, &ty, val).map_err(|(path, wrong)| {
                let function = names::printable(&function.full_name());
                ArgumentError::resource(function, name, path, wrong)
            })?;
        }
        Ok(uses.given.iter().filter_map(|handle| self.kept.remove_entry(handle)).collect())
    }
}
