//! What the components of the chain share: nothing. Each file in `examples/` is one, with bindings of its own world.
