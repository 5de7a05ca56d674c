//! What provisioning costs: `cargo bench -p peerage-tests --bench cost`.
//!
//! - calls from nothing to an active and furnished peering, by operation and side, each with the
//!   reason for it;
//! - calls of a look at networks that are as asked, however many peerings share a place, and while
//!   nothing is due;
//! - 1,000 networks with one peering each on a simulated cloud without any delay: peerings per
//!   second, processor time per peering;
//! - with `-- --moto`: the same against one emulator process, beside the same calls made without an
//!   engine.
//!
//! `-- --part calls`, `throughput` or `moto` measures one part only. The log is a real one, in a
//! node on the disk, a process of its own. `-- --json` adds the figures as JSON on one line, `--
//! --quick` takes a tenth of the networks: it shows that the benchmark works, not what anything
//! costs. Targets are printed, not asserted.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on should stop and say why"
)]

mod calls;
mod counted;
mod emulated;
mod node;
mod report;
mod scene;
mod story;
mod throughput;

use report::Report;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    if let [node, data] = &arguments[..]
        && node == node::ARGUMENT
    {
        return runtime.block_on(node::serve(data));
    }
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let (networks, pairs) = if has("--quick") {
        (100, 5)
    } else {
        (1_000, 50)
    };
    let after = |flag: &str| {
        arguments
            .iter()
            .skip_while(|argument| *argument != flag)
            .nth(1)
            .map(String::as_str)
    };
    let part = after("--part");
    let wants = |named: &str| part.is_none_or(|part| part == named);
    let mut report = Report::default();
    runtime.block_on(async {
        if wants("calls") {
            calls::to_active(&mut report).await;
            calls::steady(&mut report).await;
        }
        if wants("throughput") {
            throughput::measure(networks, &mut report).await;
        }
        if has("--moto") || part == Some("moto") {
            emulated::measure(pairs, &mut report).await;
        }
    });
    report.print();
    if has("--json") {
        println!("\n{}", report.json());
    }
}
