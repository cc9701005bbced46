//! How is an array read? Item by item; those after the first that does not fit are only counted.

use serde::de::SeqAccess;
use serde_json::Value;
use wasmtime::component::{Type, Val};

use super::read::OfType;
use super::scalar::mismatch;
use super::visit::{As, Fit, Form};
use super::{JsonProblem, Misfit};
use crate::handles::Handles;

/// The items that were read so far.
pub(super) struct Items<T> {
    read: Vec<T>,
    wrong: Option<Misfit>,
    count: usize,
}

/// Reads an array of as many items as there are.
pub(super) fn any_number<'de, F: Form, A: SeqAccess<'de>>(
    mut array: A,
    form: F,
) -> Result<Fit<Vec<F::Out>>, A::Error> {
    let mut items = Items::new(array.size_hint().unwrap_or(0).min(MOST_EXPECTED));
    while items.next(&mut array, form)? {}
    Ok(items.wrong.map_or(Ok(items.read), Err))
}

/// Reads an array of one item for each type.
pub(super) fn one_of_each<'de, A: SeqAccess<'de>>(
    mut array: A,
    handles: Option<&Handles>,
    types: impl ExactSizeIterator<Item = Type>,
) -> Result<Fit<Vec<Val>>, A::Error> {
    let length = types.len();
    let mut items = Items::new(length.min(MOST_EXPECTED));
    for ty in types {
        if !items.next(&mut array, OfType { handles, ty: &ty })? {
            break;
        }
    }
    items.end(array, length, move || format!("an array of {length}"))
}

/// Reads an array of so many items.
pub(super) fn exactly<'de, F: Form, A: SeqAccess<'de>>(
    mut array: A,
    form: F,
    length: u32,
) -> Result<Fit<Vec<F::Out>>, A::Error> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut items = Items::new(length.min(MOST_EXPECTED));
    while items.count < length && items.next(&mut array, form)? {}
    items.end(array, length, move || format!("an array of {length}"))
}

/// Room for no more is made before they come.
const MOST_EXPECTED: usize = 1024;

impl<T> Items<T> {
    fn new(capacity: usize) -> Items<T> {
        Items { read: Vec::with_capacity(capacity), wrong: None, count: 0 }
    }

    /// Reads one more, if there is one.
    fn next<'de, F: Form<Out = T>, A: SeqAccess<'de>>(
        &mut self,
        array: &mut A,
        form: F,
    ) -> Result<bool, A::Error> {
        let there = if self.wrong.is_some() {
            array.next_element::<Value>()?.is_some()
        } else {
            match array.next_element_seed(As(form))? {
                None => false,
                Some(Ok(item)) => {
                    self.read.push(item);
                    true
                }
                Some(Err(misfit)) => {
                    self.wrong = Some(misfit.at(self.count));
                    true
                }
            }
        };
        self.count += usize::from(there);
        Ok(there)
    }

    /// All of them, of which there should be so many.
    fn end<'de, A: SeqAccess<'de>>(
        mut self,
        mut array: A,
        length: usize,
        expected: impl FnOnce() -> String + 'static,
    ) -> Result<Fit<Vec<T>>, A::Error> {
        while array.next_element::<Value>()?.is_some() {
            self.count += 1;
        }
        Ok(match self.wrong {
            _ if self.count != length => {
                let found = format!("an array of {}", self.count);
                Err(Misfit::later(|| JsonProblem::Mismatch { expected: expected(), found }))
            }
            Some(misfit) => Err(misfit),
            None => Ok(self.read),
        })
    }
}

/// A key and a value, in an array of their own.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) key: OfType<'a>,
    pub(super) value: OfType<'a>,
}

impl Form for Pair<'_> {
    type Out = (Val, Val);

    fn value(self, json: Value) -> Fit<(Val, Val)> {
        Err(mismatch(PAIR, &json))
    }

    fn array<'de, A: SeqAccess<'de>>(self, mut array: A) -> Result<Fit<(Val, Val)>, A::Error> {
        let mut items = Items::new(2);
        let _both = items.next(&mut array, self.key)? && items.next(&mut array, self.value)?;
        Ok(items.end(array, 2, || PAIR.to_owned())?.and_then(|both| {
            let both = <[Val; 2]>::try_from(both).map(<(Val, Val)>::from);
            both.map_err(|_| mismatch(PAIR, &Value::Null))
        }))
    }
}

const PAIR: &str = "an array of a key and a value";
