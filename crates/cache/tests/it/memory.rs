//! Code that is still in memory, inputs whose digest is known, and loading without blocking.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use host_cache::{CompileError, Digest, Input, ModuleCache, SharedInput, Source};
use wasmtime::Engine;

use crate::support::Fixture;
use crate::support::guest::{ask_component, ask_module, component, module, modules};

#[test]
fn what_was_loaded_is_not_loaded_again() {
    let fixture = Fixture::new();
    let engine = Engine::default();
    let modules = modules(&fixture, &engine).with_memory(1 << 20);
    let source = |cache: &ModuleCache| {
        let loaded = cache.module(&module(7)).unwrap();
        assert_eq!(ask_module(&engine, &loaded), 7);
        loaded.outcome.source
    };
    assert_eq!(source(&modules), Source::Compiled);
    assert_eq!([source(&modules), source(&modules.clone())], [Source::Memory; 2]);
    assert_eq!(ask_component(&engine, &modules.component(&component(8)).unwrap()), 8);
    assert_eq!(modules.component(&component(8)).unwrap().outcome.source, Source::Memory);
    assert_eq!(modules.cache().stats().memory_hits, 3);

    // From disk it comes to memory, too; another generation, and nothing to keep it in, are other caches.
    let again = self::modules(&fixture, &engine).with_memory(1 << 20);
    assert_eq!([source(&again), source(&again)], [Source::Disk, Source::Memory]);
    let newer = again.clone().with_generation("2");
    assert_eq!(
        [source(&newer), source(&newer), source(&again)],
        [Source::Compiled, Source::Memory, Source::Memory]
    );
    let without = self::modules(&fixture, &engine);
    assert_eq!([source(&without), source(&without)], [Source::Disk; 2]);
    let narrow = self::modules(&fixture, &engine).with_memory(10);
    assert_eq!([source(&narrow), source(&narrow)], [Source::Disk; 2]);
}

#[test]
fn a_digest_that_is_known_is_not_computed_but_checked_before_compiling() {
    let fixture = Fixture::new();
    let engine = Engine::default();
    let modules = modules(&fixture, &engine);
    let (wasm, other) = (module(7), module(8));
    let wrong = modules.module(Input::with_digest(&other, Digest::of(&wasm))).unwrap_err();
    assert!(matches!(wrong, CompileError::WrongDigest { .. }), "{wrong}");
    assert!(fixture.files().is_empty());
    modules.module(&wasm).unwrap();
    let loaded = modules.module(Input::with_digest(&wasm, Digest::of(&wasm))).unwrap();
    assert_eq!(loaded.outcome.source, Source::Disk);
}

/// Waits for a future on this thread, as a small async runtime would.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn async_calls_give_the_same() {
    let fixture = Fixture::new();
    let engine = Engine::default();
    let modules = modules(&fixture, &engine);
    assert_eq!(ask_module(&engine, &block_on(modules.module_async(module(7))).unwrap()), 7);
    assert_eq!(modules.module(&module(7)).unwrap().outcome.source, Source::Disk);
    assert_eq!(ask_component(&engine, &block_on(modules.component_async(component(8))).unwrap()), 8);
    let (wasm, digest) = (Arc::<[u8]>::from(module(7)), Digest::of(module(7)));
    let known = SharedInput::with_digest(Arc::clone(&wasm), digest);
    assert_eq!(block_on(modules.module_async(known.clone())).unwrap().outcome.source, Source::Disk);
    let wrong =
        block_on(modules.component_async(SharedInput::with_digest(component(9), digest))).unwrap_err();
    assert!(matches!(wrong, CompileError::WrongDigest { .. }), "{wrong}");
    let (module_file, component_file) = (fixture.beside("m.wasm"), fixture.beside("c.wasm"));
    std::fs::write(&module_file, &wasm).unwrap();
    std::fs::write(&component_file, component(8)).unwrap();
    assert_eq!(ask_module(&engine, &block_on(modules.module_file_async(module_file)).unwrap()), 7);
    assert_eq!(ask_component(&engine, &block_on(modules.component_file_async(&component_file)).unwrap()), 8);
    let error = block_on(modules.module_file_async(component_file)).unwrap_err();
    assert!(matches!(error, CompileError::WrongKind { .. }));
    let error = block_on(modules.module_async(component(8))).unwrap_err();
    assert!(matches!(error, CompileError::WrongKind { .. }));
    // Dropped in the middle, the work goes on, and the next call waits for it or finds it.
    let mut dropped = Box::pin(modules.module_async(module(9)));
    let _ = dropped.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    drop(dropped);
    assert_eq!(ask_module(&engine, &modules.module(&module(9)).unwrap()), 9);
}

#[test]
fn prewarming_says_of_each_how_it_went() {
    let fixture = Fixture::new();
    let modules = modules(&fixture, &Engine::default());
    let inputs = [module(7), component(8), b"garbage".to_vec(), module(7)];
    let mut seen = Vec::new();
    modules.prewarm(inputs.iter().map(Vec::as_slice), |number, outcome| {
        seen.push((number, outcome.map(|outcome| outcome.source).map_err(|error| error.to_string())));
    });
    assert_eq!(seen[0], (0, Ok(Source::Compiled)));
    assert_eq!(seen[1], (1, Ok(Source::Compiled)));
    assert!(seen[2].1.as_ref().unwrap_err().contains("not a WebAssembly binary"));
    assert_eq!(seen[3], (3, Ok(Source::Disk)));
}

/// Where a file's times can be relied on, it is hashed until it has settled, and then once.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_did_not_change_is_not_read_again() {
    use std::fs;
    use std::time::Duration;

    let fixture = Fixture::new();
    let engine = Engine::default();
    let file = fixture.beside("guest.wasm");
    let load = |answer| {
        let modules = modules(&fixture, &engine);
        let loaded = modules.module_file(&file).unwrap();
        assert_eq!(ask_module(&engine, &loaded), answer);
        (loaded.outcome.source, modules.cache().stats().input_bytes_hashed)
    };
    fs::write(&file, module(7)).unwrap();
    let length = module(7).len() as u64;
    assert_eq!(load(7), (Source::Compiled, length));
    assert_eq!(load(7), (Source::Disk, length));
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!([load(7), load(7), load(7)], [(Source::Disk, length), (Source::Disk, 0), (Source::Disk, 0)]);

    // Other contents of the same length and time, and another file of its name.
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, module(8)).unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(before).unwrap();
    assert_eq!(module(8).len() as u64, length);
    assert_eq!(load(8), (Source::Compiled, length));
    fs::remove_file(&file).unwrap();
    fs::write(&file, module(7)).unwrap();
    assert_eq!(load(7), (Source::Disk, length));

    // A memo that nobody of ours wrote is none.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!((load(7).1, load(7).1), (length, 0));
    let format = fs::read_dir(fixture.cache.root()).unwrap().next().unwrap().unwrap().path();
    for memo in fs::read_dir(format.join("inputs")).unwrap() {
        let path = memo.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        bytes[0] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    assert_eq!(load(7).1, length);

    // Known, but gone from the cache: it is read and compiled.
    assert_eq!(load(7).1, 0);
    fixture.reopened().clear().unwrap();
    assert_eq!(load(7), (Source::Compiled, length));
    let error = modules(&fixture, &engine).module_file(fixture.beside("nothing.wasm")).unwrap_err();
    assert!(matches!(error, CompileError::Read { .. }), "{error}");
    let error = modules(&fixture, &engine).component_file(&file).unwrap_err();
    assert!(matches!(error, CompileError::WrongKind { .. }), "{error}");
}
