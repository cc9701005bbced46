//! Greets by name and adds numbers up: JSON comes and goes as bytes.

use extism_pdk::{FnResult, Json, plugin_fn};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Order {
    name: String,
    values: Vec<u32>,
}

#[derive(Serialize)]
struct Answer {
    greeting: String,
    sum: u64,
}

#[plugin_fn]
pub fn run(Json(order): Json<Order>) -> FnResult<Json<Answer>> {
    Ok(Json(Answer {
        greeting: format!("Hello, {}!", order.name),
        sum: order.values.iter().map(|value| u64::from(*value)).sum(),
    }))
}
