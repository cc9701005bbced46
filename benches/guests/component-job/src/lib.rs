//! Greets by name and adds numbers up: values come and go as the component model's.

use exports::bench::job::job::{Answer, Guest, Order};

wit_bindgen::generate!({ world: "worker", path: "../wit" });

struct Worker;

impl Guest for Worker {
    fn run(order: Order) -> Answer {
        Answer {
            greeting: format!("Hello, {}!", order.name),
            sum: order.values.iter().map(|value| u64::from(*value)).sum(),
        }
    }
}

export!(Worker);
