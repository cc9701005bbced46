//! Are the types of a function the same to the one who imports it and the one who exports it?

use wasmtime::component::Type;
use wasmtime::component::types::{Case, ComponentFunc};

use super::fit::{Misfit, NodeTypes};
use crate::names::quoted;
use crate::path::Path;
use crate::wit::Scope;

/// Two components whose types are compared.
pub(super) struct Sides<'s> {
    pub(super) importer: &'s NodeTypes,
    pub(super) provider: &'s NodeTypes,
    /// Writes types for errors.
    pub(super) texts: Scope<'s>,
    /// How many steps are left for all comparisons of the graph.
    pub(super) steps: &'s mut usize,
}

/// A difference, with the place where it is.
struct Difference {
    path: Path,
    what: What,
}

enum What {
    Differs(String),
    Unsupported(&'static str),
}

impl Difference {
    fn new(what: What) -> Difference {
        Difference { path: Path::default(), what }
    }

    fn under(self, name: &str) -> Difference {
        Difference { path: self.path.under(name), ..self }
    }
}

type Compared = Result<bool, Difference>;

impl Sides<'_> {
    /// Whether resources are among the values, if the types are the same.
    pub(super) fn function(
        &mut self,
        wanted: &ComponentFunc,
        offered: &ComponentFunc,
    ) -> Result<bool, Misfit> {
        if wanted.async_() || offered.async_() {
            return Err(Misfit::Unsupported("an async function"));
        }
        let (params, results) = (wanted.params(), wanted.results());
        if params.len() != offered.params().len() || results.len() != offered.results().len() {
            let [wanted, offered] = [wanted, offered].map(|ty| quoted(&self.texts.function_text(ty)));
            return Err(Misfit::Differs(format!("imported as {wanted} and exported as {offered}")));
        }
        let params = params.zip(offered.params()).map(|((name, a), (_, b))| (name.to_owned(), a, b));
        let results = results.zip(offered.results()).map(|(a, b)| ("result".to_owned(), a, b));
        let mut has_resources = false;
        for (name, wanted, offered) in params.chain(results) {
            let compared = self.value(&wanted, &offered).map_err(|difference| difference.under(&name));
            has_resources |= compared.map_err(|Difference { path, what }| match what {
                What::Differs(both) => Misfit::Differs(format!("at `{path}`, {both}")),
                What::Unsupported(what) => Misfit::Unsupported(what),
            })?;
        }
        Ok(has_resources)
    }

    fn value(&mut self, wanted: &Type, offered: &Type) -> Compared {
        *self.steps = self.steps.saturating_sub(1);
        if *self.steps == 0 {
            return Err(Difference::new(What::Unsupported("a value of a type this large")));
        }
        let texts = &self.texts;
        let differs = || {
            let [wanted, offered] = [wanted, offered].map(|ty| quoted(&texts.type_text(ty)));
            Err(Difference::new(What::Differs(format!("imported as {wanted} and exported as {offered}"))))
        };
        match (wanted, offered) {
            (Type::Bool, Type::Bool)
            | (Type::S8, Type::S8)
            | (Type::U8, Type::U8)
            | (Type::S16, Type::S16)
            | (Type::U16, Type::U16)
            | (Type::S32, Type::S32)
            | (Type::U32, Type::U32)
            | (Type::S64, Type::S64)
            | (Type::U64, Type::U64)
            | (Type::Float32, Type::Float32)
            | (Type::Float64, Type::Float64)
            | (Type::Char, Type::Char)
            | (Type::String, Type::String) => Ok(false),
            (Type::List(a), Type::List(b)) => {
                self.value(&a.ty(), &b.ty()).map_err(|found| found.under("item"))
            }
            (Type::FixedLengthList(a), Type::FixedLengthList(b)) if a.len() == b.len() => {
                self.value(&a.ty(), &b.ty()).map_err(|found| found.under("item"))
            }
            (Type::Map(a), Type::Map(b)) => {
                let key = self.value(&a.key(), &b.key()).map_err(|found| found.under("key"))?;
                let value = self.value(&a.value(), &b.value()).map_err(|found| found.under("value"))?;
                Ok(key | value)
            }
            (Type::Option(a), Type::Option(b)) => {
                self.value(&a.ty(), &b.ty()).map_err(|found| found.under("some"))
            }
            (Type::Tuple(a), Type::Tuple(b)) if a.types().len() == b.types().len() => {
                let pairs = a.types().zip(b.types()).enumerate();
                self.all(pairs.map(|(index, (a, b))| (index.to_string(), a, b)))
            }
            (Type::Record(a), Type::Record(b)) if a.fields().len() == b.fields().len() => {
                if !a.fields().zip(b.fields()).all(|(a, b)| a.name == b.name) {
                    return differs();
                }
                self.all(a.fields().zip(b.fields()).map(|(a, b)| (a.name.to_owned(), a.ty, b.ty)))
            }
            (Type::Variant(a), Type::Variant(b)) if a.cases().len() == b.cases().len() => {
                let same =
                    |(a, b): (Case<'_>, Case<'_>)| a.name == b.name && a.ty.is_some() == b.ty.is_some();
                if !a.cases().zip(b.cases()).all(same) {
                    return differs();
                }
                self.all(
                    a.cases().zip(b.cases()).filter_map(|(a, b)| Some((a.name.to_owned(), a.ty?, b.ty?))),
                )
            }
            (Type::Result(a), Type::Result(b)) => {
                if a.ok().is_some() != b.ok().is_some() || a.err().is_some() != b.err().is_some() {
                    return differs();
                }
                let ok = a.ok().zip(b.ok()).map(|(a, b)| ("ok".to_owned(), a, b));
                let err = a.err().zip(b.err()).map(|(a, b)| ("err".to_owned(), a, b));
                self.all(ok.into_iter().chain(err))
            }
            (Type::Enum(a), Type::Enum(b)) if a.names().eq(b.names()) => Ok(false),
            (Type::Flags(a), Type::Flags(b)) if a.names().eq(b.names()) => Ok(false),
            (Type::Own(a), Type::Own(b)) | (Type::Borrow(a), Type::Borrow(b)) => {
                match (self.importer.origin(a), self.provider.origin(b)) {
                    (Some(a), Some(b)) if a == b => Ok(true),
                    _ => {
                        Err(Difference::new(What::Differs("it is a resource from another place".to_owned())))
                    }
                }
            }
            (Type::Future(_), Type::Future(_)) => Err(Difference::new(What::Unsupported("a future"))),
            (Type::Stream(_), Type::Stream(_)) => Err(Difference::new(What::Unsupported("a stream"))),
            (Type::ErrorContext, Type::ErrorContext) => {
                Err(Difference::new(What::Unsupported("an error context")))
            }
            _ => differs(),
        }
    }

    fn all(&mut self, pairs: impl Iterator<Item = (String, Type, Type)>) -> Compared {
        let mut has_resources = false;
        for (name, wanted, offered) in pairs {
            has_resources |= self.value(&wanted, &offered).map_err(|found| found.under(&name))?;
        }
        Ok(has_resources)
    }
}
