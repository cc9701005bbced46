//! Functions that run side by side in one instance, and streams and futures between host and guest.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use host_component::bindings::streams::Streams;
use host_component::bindings::streams::my_org::streams::backend;
use host_component::{call_async, find};
use host_core::{FaultKind, Profile, guard_async};
use host_limits::{Exceeded, HasMeter, Limits, Meter, Ticker, arm_async};
use tokio::sync::{Barrier, mpsc, oneshot};
use wasmtime::component::{
    Accessor, Component, Destination, FutureConsumer, FutureReader, HasSelf, Linker, ResourceTable, Source,
    StreamConsumer, StreamProducer, StreamReader, StreamResult, Val, VecBuffer,
};
use wasmtime::{Engine, Store, StoreContextMut};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// When the backend answers.
#[derive(Clone)]
enum Backend {
    /// When so many have asked.
    Together(Arc<Barrier>),
    Never,
}

struct Data {
    meter: Meter,
    backend: Backend,
    asked: Arc<AtomicUsize>,
    wasi: WasiCtx,
    table: ResourceTable,
}

impl HasMeter for Data {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

impl WasiView for Data {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl backend::Host for Data {}

/// The store is free for others while the answer is awaited: it is only had for as long as `with` runs.
impl backend::HostWithStore<Data> for HasSelf<Data> {
    async fn ask(accessor: &Accessor<Data, Self>, question: String) -> String {
        let backend = accessor.with(|mut access| {
            let data = access.get();
            data.asked.fetch_add(1, Ordering::SeqCst);
            data.backend.clone()
        });
        match backend {
            Backend::Together(barrier) => {
                barrier.wait().await;
            }
            Backend::Never => pending().await,
        }
        format!("{question}? yes!")
    }
}

struct Host {
    limits: Limits,
    engine: Engine,
    ticker: Ticker,
    linker: Linker<Data>,
    component: Component,
}

impl Host {
    fn new(deadline: Duration) -> Host {
        let limits = Limits { deadline, fuel: None, ..Limits::untrusted() };
        let mut config = Profile::Untrusted.config();
        config.concurrency_support(true).wasm_component_model_async(true);
        let engine = Engine::new(limits.configure(&mut config)).unwrap();
        let ticker = Ticker::start(&engine).unwrap();
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
        Streams::add_to_linker::<_, HasSelf<Data>>(&mut linker, |data| data).unwrap();
        let component = Component::from_file(&engine, fixtures::path("streams")).unwrap();
        Host { limits, engine, ticker, linker, component }
    }

    fn store(&self, backend: Backend) -> Store<Data> {
        let data = Data {
            meter: Meter::new(self.limits.clone()),
            backend,
            asked: Arc::default(),
            wasi: WasiCtxBuilder::new().build(),
            table: ResourceTable::new(),
        };
        let mut store = Store::new(&self.engine, data);
        arm_async(&mut store, &self.ticker).unwrap();
        store
    }

    /// A store whose backend answers when so many have asked, and an instance in it.
    async fn instance(&self, together: usize) -> (Store<Data>, Streams) {
        let mut store = self.store(Backend::Together(Arc::new(Barrier::new(together))));
        let streams = Streams::instantiate_async(&mut store, &self.component, &self.linker).await.unwrap();
        (store, streams)
    }
}

fn host() -> Host {
    Host::new(Duration::from_secs(60))
}

/// Sends on what comes, and stops reading after `most` bytes.
struct Collect {
    most: usize,
    to: mpsc::UnboundedSender<Vec<u8>>,
}

impl<D> StreamConsumer<D> for Collect {
    type Item = u8;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut store: StoreContextMut<'_, D>,
        mut source: Source<'_, u8>,
        _: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let mut bytes = Vec::with_capacity(source.remaining(&mut store).min(self.most));
        source.read(&mut store, &mut bytes)?;
        self.most -= bytes.len();
        // Whoever asked for the bytes is there until the last one.
        let _ = self.to.send(bytes);
        Poll::Ready(Ok(if self.most == 0 { StreamResult::Dropped } else { StreamResult::Completed }))
    }
}

/// Sends on the value that comes.
struct Once(Option<oneshot::Sender<u32>>);

impl<D> FutureConsumer<D> for Once {
    type Item = u32;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        store: StoreContextMut<'_, D>,
        mut source: Source<'_, u32>,
        _: bool,
    ) -> Poll<wasmtime::Result<()>> {
        let mut value = None;
        source.read(store, &mut value)?;
        if let (Some(value), Some(to)) = (value, self.0.take()) {
            let _ = to.send(value);
        }
        Poll::Ready(Ok(()))
    }
}

/// A stream of what comes through a channel, until nobody can send any more.
struct Feed(mpsc::Receiver<Vec<u8>>);

impl<D> StreamProducer<D> for Feed {
    type Item = u8;
    type Buffer = VecBuffer<u8>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        _: StoreContextMut<'a, D>,
        mut destination: Destination<'a, u8, VecBuffer<u8>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        match self.0.poll_recv(context) {
            Poll::Ready(Some(bytes)) => {
                destination.set_buffer(bytes.into());
                Poll::Ready(Ok(StreamResult::Completed))
            }
            Poll::Ready(None) => Poll::Ready(Ok(StreamResult::Dropped)),
            Poll::Pending if finish => Poll::Ready(Ok(StreamResult::Cancelled)),
            Poll::Pending => Poll::Pending,
        }
    }
}

async fn all(mut bytes: mpsc::UnboundedReceiver<Vec<u8>>) -> Vec<u8> {
    let mut collected = Vec::new();
    while let Some(bytes) = bytes.recv().await {
        collected.extend(bytes);
    }
    collected
}

#[tokio::test]
async fn ten_calls_wait_in_one_instance_at_the_same_time() {
    // None is answered before all ten have asked: one after the other they would never be done.
    let (mut store, streams) = host().instance(10).await;
    let pipes = streams.my_org_streams_pipes();
    let answers = store
        .run_concurrent(async |accessor| {
            let ask = |n: u32| pipes.call_relay(accessor, n.to_string());
            let (a, b, c, d, e) = tokio::join!(ask(0), ask(1), ask(2), ask(3), async {
                tokio::join!(ask(4), ask(5), ask(6), ask(7), ask(8), ask(9))
            });
            let (e, f, g, h, i, j) = e;
            [a, b, c, d, e, f, g, h, i, j].map(Result::unwrap)
        })
        .await
        .unwrap();
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(*answer, format!("{n}? yes!"));
    }
    assert_eq!(store.data().asked.load(Ordering::SeqCst), 10);
}

#[tokio::test]
async fn bytes_go_in_and_come_out_while_both_sides_are_at_it() {
    let (mut store, streams) = host().instance(1).await;
    let pipes = streams.my_org_streams_pipes();
    let (feed, fed) = mpsc::channel(1);
    let (to, mut shouted) = mpsc::unbounded_channel();
    store
        .run_concurrent(async |accessor| {
            let input = accessor.with(|access| StreamReader::new(access, Feed(fed))).unwrap();
            let output = pipes.call_shout(accessor, input).await.unwrap();
            let most = usize::MAX;
            accessor.with(|access| output.pipe(access, Collect { most, to })).unwrap();
            // The answer to each piece comes before the next one is sent.
            for (piece, expected) in [("one ", "ONE "), ("Zwölf ", "ZWöLF "), ("three", "THREE")] {
                feed.send(piece.as_bytes().to_vec()).await.unwrap();
                let mut answer = Vec::new();
                while answer.len() < expected.len() {
                    answer.extend(shouted.recv().await.unwrap());
                }
                assert_eq!(answer, expected.as_bytes());
            }
            drop(feed);
            assert!(all(shouted).await.is_empty(), "the end of the input is the end of the output");
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_long_stream_arrives_whole() {
    let (mut store, streams) = host().instance(1).await;
    let pipes = streams.my_org_streams_pipes();
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    let expected: u64 = bytes.iter().copied().map(u64::from).sum();
    let sum = store
        .run_concurrent(async |accessor| {
            let input = accessor.with(|access| StreamReader::new(access, bytes)).unwrap();
            pipes.call_sum(accessor, input).await.unwrap()
        })
        .await
        .unwrap();
    assert_eq!(sum, expected);
}

#[tokio::test]
async fn a_future_is_awaited_by_the_guest_and_one_by_the_host() {
    let (mut store, streams) = host().instance(1).await;
    let pipes = streams.my_org_streams_pipes();
    let (send, number) = oneshot::channel::<u32>();
    let (to, double) = oneshot::channel();
    let double = store
        .run_concurrent(async |accessor| {
            let input = accessor.with(|access| FutureReader::new(access, number)).unwrap();
            // It is back with a future before there is a number.
            let output = pipes.call_double(accessor, input).await.unwrap();
            accessor.with(|access| output.pipe(access, Once(Some(to)))).unwrap();
            send.send(21).unwrap();
            double.await.unwrap()
        })
        .await
        .unwrap();
    assert_eq!(double, 42);
}

#[tokio::test]
async fn a_reader_that_goes_away_stops_an_endless_stream() {
    let (mut store, streams) = host().instance(1).await;
    let pipes = streams.my_org_streams_pipes();
    let (to, bytes) = mpsc::unbounded_channel();
    store
        .run_concurrent(async |accessor| {
            let output = pipes.call_endless(accessor).await.unwrap();
            accessor.with(|access| output.pipe(access, Collect { most: 5_000, to })).unwrap();
            assert_eq!(all(bytes).await, [7; 5_000]);
            assert_eq!(pipes.call_taken(accessor).await.unwrap(), 5_000);

            // Nobody ever reads this one.
            let mut output = pipes.call_endless(accessor).await.unwrap();
            accessor.with(|access| output.close(access)).unwrap();
            assert_eq!(pipes.call_taken(accessor).await.unwrap(), 0);
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn an_async_export_is_called_by_name_too() {
    let host = host();
    let mut store = host.store(Backend::Together(Arc::new(Barrier::new(1))));
    let instance = host.linker.instantiate_async(&mut store, &host.component).await.unwrap();
    let relay = find(&host.component, "relay").unwrap();
    for _ in 0..2 {
        let arguments = [Val::String("well".to_owned())];
        let results = call_async(&mut store, &instance, &relay, &arguments).await.unwrap();
        assert_eq!(results, [Val::String("well? yes!".to_owned())]);
    }
}

#[tokio::test]
async fn the_deadline_reaches_calls_that_wait_together() {
    let deadline = Duration::from_millis(200);
    let host = Host::new(deadline);
    let mut store = host.store(Backend::Never);
    let asked = Arc::clone(&store.data().asked);
    let fault = guard_async(&mut store, async |store| {
        let streams = Streams::instantiate_async(&mut *store, &host.component, &host.linker).await?;
        let pipes = streams.my_org_streams_pipes();
        store
            .run_concurrent(async |accessor| {
                let ask = || pipes.call_relay(accessor, "well".to_owned());
                let (a, b) = tokio::join!(ask(), ask());
                wasmtime::Result::Ok((a?, b?))
            })
            .await?
    })
    .await
    .unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Deadline { allowed: deadline }));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}
