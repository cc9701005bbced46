//! Async stores whose host functions wait for real I/O: many at once, dropped half-way, and ended by their deadline.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use host_component::{call_async, find};
use host_core::{Fault, FaultKind, Outcome, Profile, guard_async};
use host_limits::{Exceeded, HasMeter, Limits, Meter, Ticker, arm_async};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use wasmtime::component::{Component, Instance, Linker, Val};
use wasmtime::{Engine, Store, StoreContextMut};

/// `twice(n)` asks the host twice, and gives the sum of the answers; `spin` computes for ever.
const ASKS: &str = r#"
(component
    (import "ask" (func $ask (param "number" u32) (result u32)))
    (core func $ask' (canon lower (func $ask)))
    (core module $m
        (import "host" "ask" (func $ask (param i32) (result i32)))
        (func (export "twice") (param i32) (result i32)
            (i32.add (call $ask (local.get 0)) (call $ask (local.get 0))))
        (func (export "spin") (loop (br 0))))
    (core instance $i (instantiate $m (with "host" (instance (export "ask" (func $ask'))))))
    (func (export "twice") (param "number" u32) (result u32) (canon lift (core func $i "twice")))
    (func (export "spin") (canon lift (core func $i "spin"))))
"#;

struct Data {
    meter: Meter,
    server: SocketAddr,
    /// Host functions that are waiting now, of all stores.
    waiting: Arc<AtomicUsize>,
}

impl HasMeter for Data {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

/// Counts a host function as waiting until it is done or dropped.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn new(count: &Arc<AtomicUsize>) -> Waiting {
        count.fetch_add(1, Ordering::SeqCst);
        Waiting(Arc::clone(count))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The host function: sends the number to a server, and gives what comes back.
async fn ask(server: SocketAddr, number: u32, count: Arc<AtomicUsize>) -> wasmtime::Result<u32> {
    let _waiting = Waiting::new(&count);
    let mut stream = TcpStream::connect(server).await?;
    stream.write_u32(number).await?;
    Ok(stream.read_u32().await?)
}

struct Host {
    limits: Limits,
    engine: Engine,
    ticker: Ticker,
    linker: Linker<Data>,
    component: Component,
    waiting: Arc<AtomicUsize>,
}

impl Host {
    fn new(deadline: Duration) -> Host {
        let limits = Limits { deadline, fuel: None, ..Limits::untrusted() };
        let mut config = Profile::Untrusted.config();
        let engine = Engine::new(limits.configure(config.concurrency_support(false))).unwrap();
        let ticker = Ticker::start(&engine).unwrap();
        let mut linker = Linker::<Data>::new(&engine);
        linker
            .root()
            .func_wrap_async("ask", |store: StoreContextMut<'_, Data>, (number,): (u32,)| {
                let (server, count) = (store.data().server, Arc::clone(&store.data().waiting));
                Box::new(async move { Ok((ask(server, number, count).await?,)) })
            })
            .unwrap();
        let component = Component::new(&engine, ASKS).unwrap();
        Host { limits, engine, ticker, linker, component, waiting: Arc::default() }
    }

    fn store(&self, server: SocketAddr) -> Store<Data> {
        let waiting = Arc::clone(&self.waiting);
        let data = Data { meter: Meter::new(self.limits.clone()), server, waiting };
        let mut store = Store::new(&self.engine, data);
        arm_async(&mut store, &self.ticker).unwrap();
        store
    }

    async fn instance(&self, store: &mut Store<Data>) -> Instance {
        self.linker.instantiate_async(store, &self.component).await.unwrap()
    }

    async fn twice(&self, server: SocketAddr, number: u32) -> Result<Outcome<u32>, Fault> {
        let mut store = self.store(server);
        guard_async(&mut store, async |store| {
            let instance = self.linker.instantiate_async(&mut *store, &self.component).await?;
            let twice = instance.get_typed_func::<(u32,), (u32,)>(&mut *store, "twice")?;
            Ok(twice.call_async(store, (number,)).await?.0)
        })
        .await
    }

    /// Waits until so many host functions wait.
    async fn until_waiting(&self, count: usize) {
        while self.waiting.load(Ordering::SeqCst) != count {
            tokio::task::yield_now().await;
        }
    }
}

/// A server that answers a number with the next one. With a barrier it answers nobody before so many have asked.
async fn server(barrier: Option<Arc<Barrier>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let barrier = barrier.clone();
            tokio::spawn(async move {
                let number = stream.read_u32().await?;
                if let Some(barrier) = barrier {
                    barrier.wait().await;
                }
                stream.write_u32(number + 1).await
            });
        }
    });
    address
}

/// A server that takes connections and never answers.
async fn silent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            kept.push(stream);
        }
    });
    address
}

#[tokio::test]
async fn a_hundred_stores_wait_for_the_network_at_the_same_time() {
    const STORES: u32 = 100;
    let host = Arc::new(Host::new(Duration::from_secs(60)));
    // Nobody is answered before all have asked: one after the other they would never be done.
    let server = server(Some(Arc::new(Barrier::new(STORES as usize)))).await;
    let calls: Vec<_> = (0..STORES)
        .map(|number| {
            let host = Arc::clone(&host);
            tokio::spawn(async move { host.twice(server, number).await.map(|outcome| outcome.value) })
        })
        .collect();
    for (number, call) in (0..).zip(calls) {
        assert_eq!(call.await.unwrap().unwrap(), 2 * (number + 1));
    }
    assert_eq!(host.waiting.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_deadline_reaches_a_host_function_that_waits_for_the_network() {
    let deadline = Duration::from_millis(100);
    let host = Host::new(deadline);
    let fault = host.twice(silent().await, 1).await.unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Deadline { allowed: deadline }));
    assert_eq!(host.waiting.load(Ordering::SeqCst), 0, "what the host function held is let go");
}

#[tokio::test]
async fn a_neighbour_of_a_store_that_is_stopped_goes_on() {
    let (slow, quick) = (Host::new(Duration::from_millis(100)), Host::new(Duration::from_secs(60)));
    let (silent, server) = (silent().await, server(None).await);
    let stopped = async { (slow.twice(silent, 1).await, slow.twice(silent, 1).await) };
    let neighbour = async {
        let mut answers = Vec::new();
        for number in 0..20 {
            answers.push(quick.twice(server, number).await.map(|outcome| outcome.value).unwrap());
        }
        answers
    };
    let ((first, second), answers) = tokio::join!(stopped, neighbour);
    for fault in [first.unwrap_err(), second.unwrap_err()] {
        assert!(matches!(fault.kind(), FaultKind::Budget(Exceeded::Deadline { .. })));
    }
    assert_eq!(answers, (0..20).map(|number| 2 * (number + 1)).collect::<Vec<u32>>());
}

#[tokio::test]
async fn a_store_that_computes_and_one_that_waits_share_an_engine() {
    let host = Host::new(Duration::from_secs(2));
    let server = server(None).await;
    let mut store = host.store(server);
    let spinning = guard_async(&mut store, async |store| {
        let instance = host.linker.instantiate_async(&mut *store, &host.component).await?;
        instance.get_typed_func::<(), ()>(&mut *store, "spin")?.call_async(store, ()).await
    });
    // On one thread: the one that waits gets its turns because the other one yields.
    let waiting = async { host.twice(server, 20).await.map(|outcome| outcome.value) };
    tokio::pin!(spinning);
    tokio::select! {
        biased;
        result = &mut spinning => panic!("ended before its neighbour: {result:?}"),
        answer = waiting => assert_eq!(answer.unwrap(), 42),
    }
    let fault = spinning.await.unwrap_err();
    assert!(matches!(fault.kind(), FaultKind::Budget(Exceeded::Deadline { .. })));
}

#[tokio::test]
async fn a_call_that_is_dropped_lets_go_and_retires_its_store_only() {
    let host = Host::new(Duration::from_secs(60));
    let silent = silent().await;
    let function = find(&host.component, "twice").unwrap();
    let mut store = host.store(silent);
    let instance = host.instance(&mut store).await;
    {
        let arguments = [Val::U32(1)];
        let dropped = call_async(&mut store, &instance, &function, &arguments);
        tokio::select! {
            biased;
            result = dropped => panic!("nobody answers: {result:?}"),
            () = host.until_waiting(1) => {}
        }
    }
    assert_eq!(host.waiting.load(Ordering::SeqCst), 0, "the connection is closed with the call");

    // Half-way through a call, the instance cannot be entered again; a fresh store can.
    let fault = guard_async(&mut store, async |store| {
        let twice = instance.get_typed_func::<(u32,), (u32,)>(&mut *store, "twice")?;
        twice.call_async(store, (1,)).await
    })
    .await
    .unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Poisoned);
    assert_eq!(host.twice(server(None).await, 20).await.unwrap().value, 42);
}

#[tokio::test]
async fn a_call_that_is_cancelled_from_elsewhere_says_so() {
    let host = Host::new(Duration::from_secs(60));
    let mut store = host.store(silent().await);
    let cancel = store.data().meter.deadline().unwrap().cancel_handle();
    let call = guard_async(&mut store, async |store| {
        let instance = host.linker.instantiate_async(&mut *store, &host.component).await?;
        let twice = instance.get_typed_func::<(u32,), (u32,)>(&mut *store, "twice")?;
        twice.call_async(store, (1,)).await
    });
    let (result, ()) = tokio::join!(call, async {
        host.until_waiting(1).await;
        cancel.cancel();
    });
    assert_eq!(*result.unwrap_err().kind(), FaultKind::Budget(Exceeded::Cancelled));
    assert_eq!(host.waiting.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_error_of_the_network_is_the_hosts_and_keeps_its_type() {
    let host = Host::new(Duration::from_secs(60));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let fault = host.twice(nobody, 1).await.unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Host);
    let error = fault.error().downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}
