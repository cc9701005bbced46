//! Types as a component has them, from WAT.

use std::sync::LazyLock;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Type};
use wasmtime::{Config, Engine};

/// An engine that knows all types.
pub(crate) static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut config = Config::new();
    config.wasm_component_model_map(true).wasm_component_model_fixed_length_lists(true);
    Engine::new(&config).unwrap()
});

/// The types of the functions `f0`, `f1`, … of an imported instance with this body.
pub(crate) fn types(body: &str) -> Vec<Type> {
    let engine = &*ENGINE;
    let component = Component::new(engine, format!("(component (import \"i\" (instance {body})))")).unwrap();
    let ty = component.component_type();
    let Some(ComponentItem::ComponentInstance(instance)) = ty.get_import(engine, "i").map(|item| item.ty)
    else {
        panic!("the import is an instance");
    };
    let functions = instance.exports(engine).filter_map(|(_, item)| match item.ty {
        ComponentItem::ComponentFunc(function) => function.params().next().map(|(_, ty)| ty),
        _ => None,
    });
    functions.collect()
}

/// The type written as this.
pub(crate) fn ty(text: &str) -> Type {
    types(&format!("(export \"f\" (func (param \"x\" {text})))")).remove(0)
}

/// The type defined as this: a record, a variant, an enum, or flags.
pub(crate) fn named(definition: &str) -> Type {
    types(&format!(
        r#"(type $t' {definition}) (export "t" (type $t (eq $t'))) (export "f" (func (param "x" $t)))"#
    ))
    .remove(0)
}
