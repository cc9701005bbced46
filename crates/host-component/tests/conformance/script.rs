//! One script, directive by directive: what it says must happen, and whether it does.

use std::collections::HashMap;
use std::time::Duration;

use host_component::doctor::Doctor;
use host_component::{CallError, call_async, find};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Instance, Linker, Val};
use wasmtime::{Engine, Error, Store};
use wast::lexer::Lexer;
use wast::parser::{ParseBuffer, parse};
use wast::token::Id;
use wast::{QuoteWat, Wast, WastDirective, WastExecute, WastInvoke};

use super::files::File;
use super::{host, values};

/// After this a script is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of one script.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Directives that assert something.
    pub(super) assertions: usize,
    /// Those of them that hold.
    pub(super) passed: usize,
    /// Calls that returned.
    pub(super) calls: usize,
    /// Directives that do not do what the script says: the line of each, and why.
    pub(super) failures: Vec<String>,
}

/// Runs the script to its end, however much of it fails.
pub(super) fn run(file: &File) -> Report {
    let mut report = Report::default();
    if let Err(error) = run_directives(file, &mut report) {
        report.failures.push(error);
    }
    report
}

fn run_directives(file: &File, report: &mut Report) -> Result<(), String> {
    let mut lexer = Lexer::new(&file.text);
    lexer.allow_confusing_unicode(true);
    let parsing = |mut error: wast::Error| {
        error.set_text(&file.text);
        format!("the script cannot be read: {error}")
    };
    let buffer = ParseBuffer::new_with_lexer(lexer).map_err(parsing)?;
    let Wast { directives } = parse(&buffer).map_err(parsing)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(text)?;
    runtime.block_on(async {
        let mut script = Script::new(&Engine::new(&file.config()?).map_err(full)?).map_err(full)?;
        for directive in directives {
            let (span, asserts) = (directive.span(), asserts(&directive));
            let done = tokio::time::timeout(PATIENCE, script.run(directive)).await;
            let done = done.unwrap_or_else(|_| Err("does not end".to_owned()));
            report.assertions += usize::from(asserts);
            report.passed += usize::from(asserts && done.is_ok());
            if let Err(why) = done {
                report.failures.push(format!("line {}: {why}", span.linecol_in(&file.text).0 + 1));
            }
        }
        report.calls = script.calls;
        Ok(())
    })
}

fn asserts(directive: &WastDirective<'_>) -> bool {
    use WastDirective as D;
    !matches!(
        directive,
        D::Module(_) | D::ModuleDefinition(_) | D::ModuleInstance { .. } | D::Register { .. } | D::Invoke(_)
    )
}

/// A script that runs. Each component has a store of its own.
struct Script {
    engine: Engine,
    /// What the host has, and what the script has given names to.
    linker: Linker<()>,
    definitions: HashMap<String, Component>,
    latest_definition: Option<Component>,
    current: Option<Live>,
    calls: usize,
}

/// An instance, its store, and what it is an instance of.
struct Live {
    component: Component,
    store: Store<()>,
    instance: Instance,
}

/// What guest code gave, or the error it ended with; the outer error is a script that cannot be followed.
type Ended<R> = Result<Result<R, Error>, String>;

impl Script {
    fn new(engine: &Engine) -> wasmtime::Result<Script> {
        let mut linker = Linker::new(engine);
        // Scripts use one name after another again.
        linker.allow_shadowing(true);
        host::add_to_linker(&mut linker)?;
        Ok(Script {
            engine: engine.clone(),
            linker,
            definitions: HashMap::new(),
            latest_definition: None,
            current: None,
            calls: 0,
        })
    }

    async fn run(&mut self, directive: WastDirective<'_>) -> Result<(), String> {
        use WastDirective as D;
        match directive {
            D::Module(mut component) => {
                self.current = None;
                let compiled = self.compile(&mut component)?;
                self.start(component.name(), compiled).await
            }
            D::ModuleDefinition(mut component) => {
                let compiled = self.compile(&mut component)?;
                if let Some(name) = component.name() {
                    self.definitions.insert(name.name().to_owned(), compiled.clone());
                }
                self.latest_definition = Some(compiled);
                Ok(())
            }
            D::ModuleInstance { instance, module, .. } => {
                self.current = None;
                let component = match module {
                    Some(name) => self.definitions.get(name.name()),
                    None => self.latest_definition.as_ref(),
                };
                let component = component.ok_or("there is no such component definition")?.clone();
                self.start(instance, component).await
            }
            D::Invoke(invoke) => self.invoke(&invoke).await?.map(drop).map_err(full),
            D::AssertReturn { exec, results, .. } => {
                let wanted: Vec<Val> = results.iter().map(values::result).collect::<Result<_, _>>()?;
                match self.execute(exec).await? {
                    Ok(given) if given == wanted => Ok(()),
                    Ok(given) => Err(format!("gave {given:?} instead of {wanted:?}")),
                    Err(error) => Err(full(error)),
                }
            }
            D::AssertTrap { exec, message, .. } => expect(self.execute(exec).await?, message),
            D::AssertExhaustion { call, message, .. } => expect(self.invoke(&call).await?, message),
            D::AssertUnlinkable { module, message, .. } => {
                let component = self.compile(&mut QuoteWat::Wat(module))?;
                expect(self.instantiate(&component).await?, message)
            }
            D::AssertInvalid { mut module, message, .. } | D::AssertMalformed { mut module, message, .. } => {
                match self.compile(&mut module) {
                    Ok(_) => Err(format!("was accepted, and is: {message}")),
                    Err(_) => Ok(()),
                }
            }
            other => Err(format!("no such directive is known here: {other:?}")),
        }
    }

    /// A component's text or bytes, compiled.
    fn compile(&self, component: &mut QuoteWat<'_>) -> Result<Component, String> {
        let binary = component.encode().map_err(text)?;
        Component::from_binary(&self.engine, &binary).map_err(full)
    }

    /// Instantiates a component that must be fine, makes it the current one, and gives its modules and resources to
    /// those that import them by its name.
    async fn start(&mut self, name: Option<Id<'_>>, component: Component) -> Result<(), String> {
        let mut live = self.instantiate(&component).await?.map_err(full)?;
        if let Some(name) = name {
            self.offer(name.name(), &mut live).map_err(full)?;
        }
        self.current = Some(live);
        Ok(())
    }

    fn offer(&mut self, name: &str, live: &mut Live) -> wasmtime::Result<()> {
        let ty = live.component.component_type();
        let mut offered = self.linker.instance(name)?;
        for (name, item) in ty.exports(&self.engine) {
            match item.ty {
                ComponentItem::Module(_) => {
                    if let Some(module) = live.instance.get_module(&mut live.store, name) {
                        offered.module(name, &module)?;
                    }
                }
                ComponentItem::Resource(_) => {
                    if let Some(resource) = live.instance.get_resource(&mut live.store, name) {
                        offered.resource(name, resource, |_, _| Ok(()))?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Links and instantiates. The doctor must find something exactly if Wasmtime refuses the imports.
    async fn instantiate(&self, component: &Component) -> Ended<Live> {
        let linked = self.linker.instantiate_pre(component);
        let found = Doctor::new().check(component, &self.linker);
        let pre = match (linked, found) {
            (Ok(pre), Ok(())) => pre,
            (Err(error), Err(report)) => return Ok(Err(error.context(report.to_string()))),
            (Ok(_), Err(report)) => return Err(format!("links, but the doctor says: {report}")),
            (Err(error), Ok(())) => return Err(format!("the doctor finds nothing, but: {error:#}")),
        };
        let mut store = Store::new(&self.engine, ());
        let instance = pre.instantiate_async(&mut store).await;
        Ok(instance.map(|instance| Live { component: component.clone(), store, instance }))
    }

    async fn execute(&mut self, execute: WastExecute<'_>) -> Ended<Vec<Val>> {
        match execute {
            WastExecute::Invoke(invoke) => self.invoke(&invoke).await,
            WastExecute::Wat(component) => {
                let component = self.compile(&mut QuoteWat::Wat(component))?;
                Ok(self.instantiate(&component).await?.map(|_| Vec::new()))
            }
            WastExecute::Get { .. } => Err("a component has no globals".to_owned()),
        }
    }

    async fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Ended<Vec<Val>> {
        let Live { component, store, instance } = self.current.as_mut().ok_or("there is no instance")?;
        let function = find(component, invoke.name).map_err(text)?;
        if function.full_name() != invoke.name {
            return Err(format!("`{}` is found as `{}`", invoke.name, function.full_name()));
        }
        let arguments: Vec<Val> = invoke.args.iter().map(values::argument).collect::<Result<_, _>>()?;
        match call_async(store, instance, &function, &arguments).await {
            Ok(results) => {
                self.calls += 1;
                values::survive_json(&function, &results)?;
                Ok(Ok(results))
            }
            Err(CallError::Failed { source, .. }) => Ok(Err(source)),
            Err(other) => Err(text(other)),
        }
    }
}

/// Whether guest code ended, or was refused, with what the script calls `wanted`.
fn expect<R>(ended: Result<R, Error>, wanted: &str) -> Result<(), String> {
    match ended {
        Ok(_) => Err(format!("wanted {wanted}, but nothing was wrong")),
        Err(error) if is_called(&full(&error), wanted) => Ok(()),
        Err(error) => Err(format!("wanted {wanted}, but: {}", full(error))),
    }
}

/// Whether Wasmtime's `words` are those of the script, or say the same in a way that Wasmtime's own runner accepts too.
fn is_called(words: &str, wanted: &str) -> bool {
    let both = |part: &str| words.contains(part) && wanted.contains(part);
    words.contains(wanted) || both("cannot write") || both("cannot read")
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// An error with all its causes.
fn full(error: impl std::borrow::Borrow<Error>) -> String {
    format!("{:#}", error.borrow())
}
