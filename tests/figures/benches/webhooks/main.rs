//! What webhooks cost, in ratios of one run: `cargo bench --workspace --bench webhooks`, with
//! `-- deliveries`, `-- latency` or `-- thousand` for one of them.
//!
//! The program plays all parts itself: it is started again as the event store, as the receiver, as
//! the engine's connectors, as a bare client, and as the process that runs transforms.
#![allow(clippy::unwrap_used)]

mod deliveries;
mod latency;
mod support;
mod thousand;

use connectors::transform;
use mimalloc::MiMalloc;
use peerage_figures::{bare, engine, node, receiver};
use std::{path::Path, process::ExitCode};
use tokio::runtime;

/// The program's own, for all of them.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let given: Vec<_> = std::env::args().skip(1).collect();
    let given: Vec<_> = given.iter().map(String::as_str).collect();
    if given.first() == Some(&transform::ARGUMENT) {
        return transform::run();
    }
    match given.as_slice() {
        [node::ROLE] => threads().block_on(node::serve()),
        [receiver::ROLE] => one_thread().block_on(receiver::serve()),
        [engine::ROLE, store, folder] => threads().block_on(engine::run(store, Path::new(folder))),
        [bare::ROLE, url, at_a_time] => {
            threads().block_on(bare::run(url, at_a_time.parse().unwrap()));
        }
        wanted => threads().block_on(measure(wanted)),
    }
    ExitCode::SUCCESS
}

async fn measure(wanted: &[&str]) {
    let wanted: Vec<_> = wanted.iter().filter(|it| !it.starts_with("--")).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|it| **it == name);
    if is_wanted("deliveries") {
        deliveries::measure().await;
    }
    if is_wanted("latency") {
        latency::measure().await;
    }
    if is_wanted("thousand") {
        thousand::measure().await;
    }
}

fn threads() -> runtime::Runtime {
    let mut builder = runtime::Builder::new_multi_thread();
    builder.enable_all().build().unwrap()
}

fn one_thread() -> runtime::Runtime {
    let mut builder = runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}
