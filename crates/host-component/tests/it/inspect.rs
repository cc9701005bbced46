//! What a component is, as text and as data.

use host_component::inspect::{Item, describe};
use host_component::{exports, find};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::guests::plugin;

fn text(wat: &str) -> String {
    describe(&Component::new(&Engine::default(), wat).unwrap()).to_string()
}

#[test]
fn the_text_reads_like_a_world() {
    let wat = r#"(component
        (import "log" (func (param "msg" string)))
        (import "my:io/files@0.2.6" (instance
            (type $mode' (enum "read" "write"))
            (export "mode" (type $mode (eq $mode')))
            (type $entry' (record (field "name" string) (field "mode" $mode)))
            (export "entry" (type $entry (eq $entry')))
            (type $error' (variant (case "absent") (case "denied" string)))
            (export "error" (type $error (eq $error')))
            (type $names' (list string))
            (export "names" (type $names (eq $names')))
            (export "file" (type $file (sub resource)))
            (export "open" (func (param "entry" $entry) (result (result (own $file) (error $error)))))
            (export "[method]file.size" (func (param "self" (borrow $file)) (result u64)))
            (export "list" (func (result (list (tuple $entry (option u8))))))))
        (import "m" (core module (import "env" "memory" (memory 1)) (export "run" (func))))
        (core module $c (memory 3) (table 7 funcref) (func (export "f")))
        (core instance $i (instantiate $c))
        (func (export "run") (canon lift (core func $i "f"))))"#;
    assert_eq!(
        text(wat),
        "\
world {
  import log: func(msg: string);
  import my:io/files@0.2.6 {
    enum mode { read, write };
    record entry { name: string, mode: mode };
    variant error { absent, denied(string) };
    type names = list<string>;
    resource file;
    open: func(entry: entry) -> result<file, error>;
    [method]file.size: func(self: borrow<file>) -> u64;
    list: func() -> list<tuple<entry, option<u8>>>;
  }
  import core module m {
    import env.memory;
    export run;
  }

  export run: func();
}
// an instance starts with 1 memory (the largest of 3 pages) and 1 table (the largest of 7 elements)
"
    );
}

#[test]
fn a_real_plugin_is_described() {
    let description = describe(&plugin(&Engine::default(), "greeter"));
    assert_eq!(description.exported_interfaces().collect::<Vec<_>>(), ["my-org:my-plugin/plugin-api@0.1.0"]);
    assert!(description.imported_interfaces().any(|name| name.starts_with("wasi:cli/")));
    let text = description.to_string();
    assert!(text.contains("import log: func(msg: string);"), "{text}");
    assert!(text.contains("    process: func(input: string) -> result<string, string>;"), "{text}");
    assert!(description.resources.unwrap().memories == 1);
}

#[test]
fn the_data_says_the_same() {
    let description = describe(&plugin(&Engine::default(), "greeter"));
    let json = serde_json::to_value(&description).unwrap();
    let api = json["exports"].as_array().unwrap().iter().find(|item| item["kind"] == "interface").unwrap();
    assert_eq!(api["package"], "my-org:my-plugin");
    assert_eq!(api["version"], "0.1.0");
    let process = api["items"].as_array().unwrap().iter().find(|item| item["name"] == "process").unwrap();
    assert_eq!(process["kind"], "function");
    assert_eq!(process["params"][0]["type"], "string");
    assert_eq!(process["result"], "result<string, string>");
}

#[test]
fn a_huge_type_is_cut_and_not_spelled_out() {
    // Each name stands for two of the one before: two to the power of thirteen in the end.
    let mut wat = String::from("(component (import \"i\" (instance (type $t0 (tuple u8 u8))\n");
    for level in 1..13 {
        wat.push_str(&format!("(type $t{level} (tuple $t{0} $t{0}))\n", level - 1));
    }
    for function in 0..10 {
        wat.push_str(&format!("(export \"f{function}\" (func (param \"x\" $t12)))\n"));
    }
    wat.push_str(")))");
    let text = text(&wat);
    assert!(text.contains('…') && text.len() < 2_000_000, "{} bytes", text.len());
}

#[test]
fn names_of_modules_cannot_drive_the_terminal() {
    let wat = "(component (import \"m\" (core module (export \"\\1b[2J\" (func)))))";
    assert!(text(wat).contains("export \\u{1b}[2J;"));
    let description = describe(&Component::new(&Engine::default(), wat).unwrap());
    assert!(matches!(&description.imports[0], Item::Module { exports, .. } if exports == &["\\u{1b}[2J"]));
}

/// A component that exports one function 5,000 times, whose parameters have names of `length` bytes.
fn many_exports(length: usize) -> Component {
    let name = "n".repeat(length);
    let params: String = (0..15).map(|n| format!("(param \"p{n}{name}\" u32)")).collect();
    let exports: String = (0..5_000).map(|n| format!("(export \"f{n}\" (func $f))")).collect();
    let text = format!(
        r#"(component
            (core module $m (func (export "f") {}))
            (core instance $i (instantiate $m))
            (func $f {params} (canon lift (core func $i "f")))
            {exports})"#,
        "(param i32)".repeat(15)
    );
    Component::new(&Engine::default(), text).unwrap()
}

#[test]
fn a_small_component_does_not_make_a_huge_description() {
    let description = describe(&many_exports(4_000));
    assert!(description.cut);
    assert!(description.to_string().len() < 4 << 20);
    let bytes = serde_json::to_string(&description).unwrap().len();
    assert!(bytes < 8 << 20, "{bytes}");
}

#[test]
fn names_of_exports_are_listed_up_to_a_limit() {
    let long = "n".repeat(90_000);
    let functions: String = (0..1_000).map(|n| format!("(export \"f{n}\" (func $f))")).collect();
    let text = format!(
        r#"(component
            (core module $m (func (export "f")))
            (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i "f")))
            (instance $many {functions})
            (export "{long}" (instance $many)))"#
    );
    let component = Component::new(&Engine::default(), text).unwrap();
    let listed: usize = exports(&component).iter().map(|function| function.full_name().len()).sum();
    assert!((4 << 20..5 << 20).contains(&listed), "{listed}");
    assert_eq!(find(&component, &format!("{long}#f999")).unwrap().name, "f999");
}
