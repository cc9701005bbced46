//! What the greeter of every language does, whatever it is written in.

use std::fmt::Write as _;
use std::path::Path;

use host_component::bindings::sync::{MyPlugin, MyPluginPre};
use host_component::doctor::Doctor;
use host_component::{HasLog as _, call, exports, find, json, log};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

use crate::host::{Host, compile, wasi_alone};

/// A module of tests for the guest of one language.
macro_rules! guest {
    ($language:ident, $file:expr) => {
        mod $language {
            use std::sync::LazyLock;

            use crate::greeter::Greeter;

            static GREETER: LazyLock<Greeter> = LazyLock::new(|| Greeter::new(&$file));

            #[test]
            fn greets_and_refuses() {
                GREETER.greets_and_refuses();
            }

            #[test]
            fn text_arrives_as_it_was() {
                GREETER.text_arrives_as_it_was();
            }

            #[test]
            fn a_megabyte_goes_in_and_out() {
                GREETER.a_megabyte_goes_in_and_out();
            }

            #[test]
            fn many_calls_leave_no_memory_behind() {
                GREETER.many_calls_leave_no_memory_behind();
            }

            #[test]
            fn is_called_without_bindings() {
                GREETER.is_called_without_bindings();
            }

            #[test]
            fn the_doctor_finds_the_one_thing_that_is_missing() {
                GREETER.the_doctor_finds_the_one_thing_that_is_missing();
            }
        }
    };
}
pub(crate) use guest;

/// The greeter of one language, compiled once for all tests.
pub(crate) struct Greeter {
    component: Component,
    linker: Linker<Host>,
    pre: MyPluginPre<Host>,
}

impl Greeter {
    pub(crate) fn new(file: &Path) -> Greeter {
        let engine = Engine::default();
        let component = compile(&engine, file);
        let mut linker = wasi_alone(&engine);
        log::add_to_linker(&mut linker).unwrap();
        let pre = MyPluginPre::new(linker.instantiate_pre(&component).unwrap()).unwrap();
        Greeter { component, linker, pre }
    }

    fn start(&self) -> Running {
        let mut store = Store::new(self.component.engine(), Host::new());
        let plugin = self.pre.instantiate(&mut store).unwrap();
        Running { store, plugin }
    }

    pub(crate) fn greets_and_refuses(&self) {
        let mut running = self.start();
        assert_eq!(running.process("Ada").as_deref(), Ok("Hello, Ada!"));
        assert_eq!(running.process("").unwrap_err(), "nobody to greet");
        assert_eq!(running.process("Grace Hopper").as_deref(), Ok("Hello, Grace Hopper!"));
        assert_eq!(running.version(), "0.1.0");
        assert_eq!(running.store.data_mut().log().lines(), ["greeting Ada", "greeting Grace Hopper"]);
    }

    pub(crate) fn text_arrives_as_it_was(&self) {
        let mut running = self.start();
        for name in [
            "naïve Zoë",
            "日本語",
            "💧",
            // One accent as its own character, and one man of several.
            "e\u{301} 👨\u{200d}🚀",
            "\u{10ffff}\u{0}\u{feff}\u{ffff}",
            " \t\r\n",
            "\"'\\`${name}{}%s",
        ] {
            assert_eq!(running.process(name), Ok(format!("Hello, {name}!")));
        }
    }

    pub(crate) fn a_megabyte_goes_in_and_out(&self) {
        let mut running = self.start();
        let mut name = String::new();
        while name.len() < 1 << 20 {
            write!(name, "{} ü💧 ", name.len()).unwrap();
        }
        assert_eq!(running.process(&name), Ok(format!("Hello, {name}!")));
        // The line arrives too, and is more than the log keeps.
        assert_eq!(running.store.data_mut().log().dropped().lines, 1);
        // And it goes on.
        assert_eq!(running.process("Ada").as_deref(), Ok("Hello, Ada!"));
    }

    /// More passes in, and out again, than the guest's memory can keep: JavaScript's is at 128 to 256 MiB before it looks
    /// for what it can free.
    pub(crate) fn many_calls_leave_no_memory_behind(&self) {
        let mut running = self.start();
        running.store.limiter(|host| &mut host.limits);
        let name = "n".repeat(1 << 20);
        for _ in 0..280 {
            assert_eq!(running.process(&name).unwrap().len(), name.len() + "Hello, !".len());
        }
    }

    pub(crate) fn is_called_without_bindings(&self) {
        let mut store = Store::new(self.component.engine(), Host::new());
        let instance = self.linker.instantiate(&mut store, &self.component).unwrap();
        let process = find(&self.component, "my-org:my-plugin/plugin-api@0.1.0#process").unwrap();
        assert_eq!(process.signature(), "func(input: string) -> result<string, string>");
        let mut answer = |argument: &str| {
            let arguments = json::arguments(&process, &serde_json::json!([argument])).unwrap();
            let results = call(&mut store, &instance, &process, &arguments).unwrap();
            json::results(&results).unwrap()
        };
        assert_eq!(answer("Ada"), serde_json::json!({ "ok": "Hello, Ada!" }));
        assert_eq!(answer(""), serde_json::json!({ "err": "nobody to greet" }));
        let offered: Vec<String> = exports(&self.component).iter().map(|export| export.full_name()).collect();
        for name in ["process", "get-version"] {
            let name = format!("my-org:my-plugin/plugin-api@0.1.0#{name}");
            assert!(offered.contains(&name), "{offered:?}");
        }
    }

    pub(crate) fn the_doctor_finds_the_one_thing_that_is_missing(&self) {
        let doctor = Doctor::new().expects(["my-org:my-plugin/plugin-api@0.1.0"]);
        assert_eq!(doctor.check(&self.component, &self.linker), Ok(()));
        let report = doctor.check(&self.component, &wasi_alone::<Host>(self.component.engine())).unwrap_err();
        assert_eq!(report.problems.len(), 1, "{report}");
        assert!(report.to_string().contains("`log` is missing"), "{report}");
    }
}

/// An instance in a store of its own.
struct Running {
    store: Store<Host>,
    plugin: MyPlugin,
}

impl Running {
    fn process(&mut self, name: &str) -> Result<String, String> {
        self.plugin.my_org_my_plugin_plugin_api().call_process(&mut self.store, name).unwrap()
    }

    fn version(&mut self) -> String {
        self.plugin.my_org_my_plugin_plugin_api().call_get_version(&mut self.store).unwrap()
    }
}
