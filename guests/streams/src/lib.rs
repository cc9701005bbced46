//! Relays questions, shouts what it is sent, sums, doubles, and sends without end, all at the same time if asked to.

use std::sync::atomic::{AtomicU64, Ordering};

use wit_bindgen::{FutureReader, StreamReader, StreamResult};

wit_bindgen::generate!({
    path: "../../wit/streams",
    world: "streams",
});

/// Bytes of `endless` that were taken; the highest bit is set when nobody reads them any more.
static TAKEN: AtomicU64 = AtomicU64::new(0);
const OVER: u64 = 1 << 63;

struct Pipes;

impl exports::my_org::streams::pipes::Guest for Pipes {
    async fn relay(question: String) -> String {
        my_org::streams::backend::ask(question).await
    }

    async fn shout(mut input: StreamReader<u8>) -> StreamReader<u8> {
        let (mut output, reader) = wit_stream::new();
        wit_bindgen::spawn_local(async move {
            loop {
                let (result, mut bytes) = input.read(Vec::with_capacity(1024)).await;
                bytes.make_ascii_uppercase();
                // What is left over was not taken, since nobody reads any more.
                if !output.write_all(bytes).await.is_empty() || matches!(result, StreamResult::Dropped) {
                    break;
                }
            }
        });
        reader
    }

    async fn sum(mut input: StreamReader<u8>) -> u64 {
        let mut sum = 0;
        loop {
            let (result, bytes) = input.read(Vec::with_capacity(1024)).await;
            sum += bytes.iter().copied().map(u64::from).sum::<u64>();
            if matches!(result, StreamResult::Dropped) {
                return sum;
            }
        }
    }

    async fn double(number: FutureReader<u32>) -> FutureReader<u32> {
        let (output, reader) = wit_future::new(|| 0);
        wit_bindgen::spawn_local(async move {
            // If nobody wants to know it any more, so be it.
            let _ = output.write(number.await * 2).await;
        });
        reader
    }

    async fn endless() -> StreamReader<u8> {
        let (mut output, reader) = wit_stream::new();
        TAKEN.store(0, Ordering::Relaxed);
        wit_bindgen::spawn_local(async move {
            loop {
                let left = output.write_all(vec![7; 1024]).await.len() as u64;
                TAKEN.fetch_add(1024 - left, Ordering::Relaxed);
                if left > 0 {
                    break;
                }
            }
            TAKEN.fetch_or(OVER, Ordering::Relaxed);
        });
        reader
    }

    async fn taken() -> u64 {
        loop {
            let taken = TAKEN.load(Ordering::Relaxed);
            if taken & OVER != 0 {
                return taken & !OVER;
            }
            wit_bindgen::yield_async().await;
        }
    }
}

export!(Pipes);
