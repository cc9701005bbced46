"""Greets by name, and tells the host's log whom: what `plugins/examples/greeter.rs` does."""

import wit_world
from componentize_py_types import Err
from wit_world import exports


class PluginApi(exports.PluginApi):
    def process(self, input: str) -> str:
        if not input:
            # The error of the function's result.
            raise Err("nobody to greet")
        wit_world.log(f"greeting {input}")
        return f"Hello, {input}!"

    def get_version(self) -> str:
        return "0.1.0"
