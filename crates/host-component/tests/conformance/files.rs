//! Which scripts are there, and what does each need switched on?

use std::path::{Path, PathBuf};
use std::{env, fs};

use wasmtime::Config;

/// The folders of the checkouts, written as `PATH` is; `cargo xtask suite component` sets it.
const VARIABLE: &str = "COMPONENT_TESTSUITE";

/// One script.
pub(super) struct File {
    /// The checkout it is from.
    pub(super) suite: &'static str,
    /// `suite/folder/name.wast`.
    pub(super) name: String,
    pub(super) text: String,
    /// Names of what it needs switched on or off.
    options: Vec<(String, bool)>,
}

/// Where scripts are in a checkout.
struct Suite {
    name: &'static str,
    folders: &'static [&'static str],
    /// What all its files need; none if each says so itself.
    options: &'static [&'static str],
}

/// The component model's own, and those that Wasmtime adds.
const SUITES: &[Suite] = &[
    Suite {
        name: "component-model",
        folders: &["test"],
        // As Wasmtime runs them.
        options: &[
            "component_model_implements",
            "component_model_async",
            "component_model_more_async_builtins",
            "component_model_async_stackful",
            "component_model_threading",
            "component_model_map",
            "component_model_fixed_length_lists",
        ],
    },
    Suite {
        name: "wasmtime",
        folders: &["tests/misc_testsuite/component-model", "tests/misc_testsuite/component-model-threading"],
        options: &[],
    },
];

/// Every file of the checkouts, the longest first.
pub(super) fn all() -> Vec<File> {
    let roots = env::var_os(VARIABLE).filter(|roots| !roots.is_empty()).unwrap_or_else(|| {
        panic!("{VARIABLE} is not set; run `cargo xtask suite component --suite PATH`");
    });
    let mut files = Vec::new();
    for root in env::split_paths(&roots) {
        let suite = SUITES.iter().rev().find(|suite| root.join(suite.folders[0]).is_dir());
        let suite = suite.unwrap_or_else(|| panic!("{} is no checkout with scripts", root.display()));
        let before = files.len();
        for folder in suite.folders {
            let base = Path::new(folder).parent().unwrap();
            for path in scripts(&root.join(folder)) {
                let text = fs::read_to_string(&path).unwrap();
                // `test` is in every name; what is above the folders of Wasmtime's says nothing more.
                let base = if suite.folders.len() == 1 { root.join(folder) } else { root.join(base) };
                let name = path.strip_prefix(base).unwrap().display().to_string().replace('\\', "/");
                let mut options: Vec<(String, bool)> =
                    suite.options.iter().map(|name| ((*name).to_owned(), true)).collect();
                // Switched on, it lets pass what the other scripts want refused.
                if name.ends_with("/memory64.wast") {
                    options.push(("component_model_memory64".to_owned(), true));
                }
                options.extend(options_of(&text));
                files.push(File { suite: suite.name, name: format!("{}/{name}", suite.name), text, options });
            }
        }
        assert!(files.len() > before, "{} has no scripts", root.display());
    }
    files.sort_by(|a, b| b.text.len().cmp(&a.text.len()).then_with(|| a.name.cmp(&b.name)));
    files
}

impl File {
    /// A script of a test here.
    pub(super) fn of_text(text: String) -> File {
        File { suite: "here", name: "here/script.wast".to_owned(), text, options: Vec::new() }
    }

    /// The folder that it is in.
    pub(super) fn folder(&self) -> &str {
        self.name.rsplit_once('/').map_or(&self.name, |(folder, _)| folder)
    }

    /// An engine's settings in which the script is to run; an error names what is not known.
    pub(super) fn config(&self) -> Result<Config, String> {
        let mut config = Config::new();
        for (name, on) in &self.options {
            let on = *on;
            match name.as_str() {
                "component_model_async" => config.wasm_component_model_async(on),
                "component_model_more_async_builtins" => config.wasm_component_model_more_async_builtins(on),
                "component_model_async_stackful" => config.wasm_component_model_async_stackful(on),
                "component_model_threading" => config.wasm_component_model_threading(on),
                "component_model_error_context" => config.wasm_component_model_error_context(on),
                "component_model_gc" => config.wasm_component_model_gc(on),
                "component_model_map" => config.wasm_component_model_map(on),
                "component_model_memory64" => config.wasm_component_model_memory64(on),
                "component_model_fixed_length_lists" => config.wasm_component_model_fixed_length_lists(on),
                "component_model_implements" => config.wasm_component_model_implements(on),
                "memory64" => config.wasm_memory64(on),
                "multi_memory" => config.wasm_multi_memory(on),
                "bulk_memory" => config.wasm_bulk_memory(on),
                // On by default where this build of Wasmtime has them at all; the last is about tests in a pool.
                "reference_types"
                | "function_references"
                | "gc"
                | "gc_types"
                | "exceptions"
                | "hogs_memory" => &mut config,
                other => return Err(format!("the script asks for `{other}`, which is not known here")),
            };
        }
        Ok(config)
    }
}

/// The options that a file of Wasmtime's asks for in its first lines: `;;! component_model_async = true`.
fn options_of(text: &str) -> impl Iterator<Item = (String, bool)> {
    let lines = text.lines().map_while(|line| line.strip_prefix(";;!"));
    lines.filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        Some((name.trim().to_owned(), value.trim() == "true"))
    })
}

fn scripts(folder: &Path) -> Vec<PathBuf> {
    let mut scripts = Vec::new();
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scripts.extend(self::scripts(&path));
        } else if path.extension().is_some_and(|extension| extension == "wast") {
            scripts.push(path);
        }
    }
    scripts
}
