//! How does a host work with a WIT world of its own? `wit/world.wit` is the contract, `guest.wat` a component that keeps it.
#![forbid(unsafe_code)]

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, Result, Store};
use world::{Heating, acme::heating::sensors, exports::acme::heating::control::Action};

mod world {
    wasmtime::component::bindgen!({ world: "heating", path: "wit" });
}

/// The data of a store: whatever the host's functions need.
struct House;

/// A trait for each interface that the world imports, with a method for each of its functions.
impl sensors::Host for House {
    fn temperature(&mut self, room: String) -> Option<f32> {
        (room == "kitchen").then_some(18.5)
    }
}

fn main() -> Result<()> {
    let engine = Engine::default();
    let component = Component::from_file(&engine, concat!(env!("CARGO_MANIFEST_DIR"), "/guest.wat"))?;
    let mut linker = Linker::new(&engine);
    Heating::add_to_linker::<_, HasSelf<House>>(&mut linker, |house| house)?;

    let mut store = Store::new(&engine, House);
    let heating = Heating::instantiate(&mut store, &component, &linker)?;
    let control = heating.acme_heating_control();
    assert_eq!(control.call_decide(&mut store, "kitchen", 21.0)?, Ok(Action::Heat));
    assert_eq!(control.call_decide(&mut store, "kitchen", 18.0)?, Ok(Action::Wait));
    assert_eq!(control.call_decide(&mut store, "attic", 21.0)?, Err("no thermometer".to_owned()));
    Ok(())
}
