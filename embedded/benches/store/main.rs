//! How fast the store is, each figure beside what bounds it, measured in the same run: `cargo bench
//! -p embedded`.
//!
//! - one append in flight, beside one flushed write of the same bytes to the same disk;
//! - 128 appends in flight over as many streams, beside the same without flushing;
//! - catch-up through the official client, beside what that client reads from a stub that replays
//!   encoded messages;
//! - opening a large store, and what it holds in memory;
//! - an append to a small and to a large log;
//! - 32 and 90 appends in flight, beside the same client against a stub that only acknowledges, and
//!   the processor time of both ends;
//! - an append beside a backup that is read over and over, and beside one that nobody reads;
//! - a real server's figures beside ours.
//!
//! Prints a table, then the same as JSON on one line. `-- --quick` takes a hundredth of the events
//! and a fifth of the time: it shows that the benchmark works, not how fast the store is. `-- --dir
//! DIR` puts the data on another disk, `-- --part writing` measures one part only: `writing`,
//! `several`, `backup` or `large`.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on should stop and say why"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "a program of its own reads its arguments and makes ids"
)]

mod backup;
mod load;
mod node;
/// The node's own, so that the client finds the stub as willing as the node.
#[path = "../../src/net/quick_ack.rs"]
mod quick_ack;
mod real;
mod report;
mod stub;
mod write;

use load::{Load, Pace};
use node::NodeProcess;
use peerage_embedded::Durability;
use report::Report;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// So often is looked at what an append costs; the best counts, as others may have use for the
/// processor too.
const ROUNDS: usize = 3;

/// What may be said on the command line.
struct Options {
    folder: PathBuf,
    pace: Pace,
    part: Option<String>,
}

impl Options {
    fn wants(&self, part: &str) -> bool {
        self.part.as_deref().is_none_or(|wanted| wanted == part)
    }
}

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
    match &arguments[..] {
        [node, data, durability] if node == node::NODE => {
            return runtime.block_on(node::serve(data, durability));
        }
        [stub, events] if stub == node::STUB => return runtime.block_on(node::serve_stub(events)),
        _ => {}
    }
    let after = |flag: &str| arguments.iter().position(|argument| argument == flag);
    let folder = after("--dir")
        .and_then(|at| arguments.get(at + 1))
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let pace = if after("--quick").is_some() {
        Pace::quick()
    } else {
        Pace::full()
    };
    let part = after("--part")
        .and_then(|at| arguments.get(at + 1))
        .cloned();
    runtime
        .block_on(run(&Options { folder, pace, part }))
        .print();
}

async fn run(options: &Options) -> Report {
    let mut report = Report::default();
    if options.wants("writing") {
        alone_and_together(options, &mut report).await;
    }
    if options.wants("several") {
        several_and_large(options, &mut report).await;
    }
    if options.wants("backup") {
        backing_up(options, &mut report).await;
    }
    if options.wants("large") {
        let large = tempfile::tempdir_in(&options.folder).unwrap();
        growing(large.path(), options.pace, &mut report).await;
        reading(large.path(), options.pace, &mut report).await;
    }
    report
}

/// One append in flight, and many.
async fn alone_and_together(options: &Options, report: &mut Report) {
    let pace = options.pace;
    let folder = tempfile::tempdir_in(&options.folder).unwrap();
    let node = NodeProcess::start(folder.path(), Durability::Synced);
    let load = Load::connect(&node.connection_string);
    load.warm_up().await;
    let flushes = write::flushed(&folder.path().join("baseline"), pace.singles);
    let alone = load.alone("alone", pace.singles).await;
    let flushes = flushes.with(write::flushed(
        &folder.path().join("baseline"),
        pace.singles,
    ));
    let bound = flushes.at(50) * 3 / 2 + Duration::from_micros(300);
    report.time(
        "one flushed write of the same bytes, p50",
        flushes.at(50),
        None,
    );
    report.time(
        "one append in flight, p50",
        alone.at(50),
        Some(("at most 1.5 × that + 0.3 ms", alone.at(50) <= bound)),
    );
    report.time("one append in flight, p99", alone.at(99), None);
    report.rate("one append in flight", alone.per_second(), None);
    report.beside(
        "one append in flight",
        alone.per_second(),
        real::ONE_IN_FLIGHT,
    );
    let flushed = load.together(pace.in_flight, pace.span).await.per_second();
    node.stop().await;
    let folder = tempfile::tempdir_in(&options.folder).unwrap();
    let node = NodeProcess::start(folder.path(), Durability::Unsynced);
    let load = Load::connect(&node.connection_string);
    load.warm_up().await;
    let unflushed = load.together(pace.in_flight, pace.span).await.per_second();
    node.stop().await;
    report.rate("128 in flight, not flushed", unflushed, None);
    report.rate(
        "128 in flight, flushed",
        flushed,
        Some(("at least 5,000", flushed >= 5_000.0)),
    );
    report.ratio(
        "  flushed / not flushed",
        flushed / unflushed,
        Some(("at least 0.6", flushed >= 0.6 * unflushed)),
    );
}

/// What was measured of a real server and not above: 32 and 90 in flight, and appends of many
/// events.
async fn several_and_large(options: &Options, report: &mut Report) {
    let pace = options.pace;
    let stub = NodeProcess::stub(0);
    let limits = [
        several(&stub, 32, pace, "stub", report).await,
        several(&stub, 90, pace, "stub", report).await,
    ];
    stub.stop().await;
    let folder = tempfile::tempdir_in(&options.folder).unwrap();
    let node = NodeProcess::start(folder.path(), Durability::Synced);
    let rates = [
        several(&node, 32, pace, "node", report).await,
        several(&node, 90, pace, "node", report).await,
    ];
    report.ratio("  node / stub, 32 in flight", rates[0] / limits[0], None);
    report.ratio("  node / stub, 90 in flight", rates[1] / limits[1], None);
    report.beside_client("32 in flight", rates[0], real::IN_FLIGHT_32, limits[0]);
    report.beside_client("90 in flight", rates[1], real::IN_FLIGHT_90, limits[1]);
    let load = Load::connect(&node.connection_string);
    report.beside(
        "appends of 1,000 events, events",
        load.fill(pace.sizes[1]).await,
        real::LARGE_APPENDS,
    );
    report.beside(
        "catch-up of what these wrote, events",
        load.catch_up(pace.sizes[1]).await,
        real::CATCH_UP,
    );
    report.megabytes("most memory of the node under all that", node.peak(), None);
    report.memory_beside("memory after all that", node.resident(), real::MEMORY);
    node.stop().await;
}

/// An append alone, beside a backup that is read over and over, and beside one that is not read.
async fn backing_up(options: &Options, report: &mut Report) {
    let pace = options.pace;
    let folder = tempfile::tempdir_in(&options.folder).unwrap();
    let node = NodeProcess::start(folder.path(), Durability::Synced);
    let load = Load::connect(&node.connection_string);
    load.warm_up().await;
    load.fill(pace.sizes[1]).await;
    node.settled().await;
    let alone = load.alone("alone", pace.singles).await;
    report.time("one append, no backup, p50", alone.at(50), None);
    report.time("one append, no backup, p99", alone.at(99), None);
    let (reading, begun) = (
        backup::Reading::start(&node.connection_string),
        std::time::Instant::now(),
    );
    let beside = load.alone("beside", pace.singles).await;
    let rate = reading.megabytes() / begun.elapsed().as_secs_f64();
    drop(reading);
    report.time("one append, beside a backup, p50", beside.at(50), None);
    report.time("one append, beside a backup, p99", beside.at(99), None);
    for at in [50, 99] {
        let ratio = beside.at(at).as_secs_f64() / alone.at(at).as_secs_f64();
        report.ratio(&format!("  of that without a backup, p{at}"), ratio, None);
    }
    report.megabytes("  read of the backup in a second", rate, None);
    let unread = backup::unread(&node.connection_string).await;
    let beside = load.alone("unread", pace.singles).await;
    report.time(
        "one append, beside a backup that nobody reads, p50",
        beside.at(50),
        None,
    );
    drop(unread);
    report.megabytes("  most memory of the node", node.peak(), None);
    node.stop().await;
}

/// So many appends in flight, and what each costs either end; gives the appends per second.
async fn several(
    server: &NodeProcess,
    writers: usize,
    pace: Pace,
    name: &str,
    report: &mut Report,
) -> f64 {
    let load = Load::connect(&server.connection_string);
    load.warm_up().await;
    let before = [node::own_cpu(), server.cpu()];
    let acknowledged = load.together(writers, pace.span / 2).await;
    let [client, served] = [node::own_cpu() - before[0], server.cpu() - before[1]]
        .map(|time| time / acknowledged.appends);
    let what = match name {
        "stub" => {
            format!("{writers} in flight, the same client against a stub that only acknowledges")
        }
        _ => format!("{writers} in flight"),
    };
    report.rate(&what, acknowledged.per_second(), None);
    report.time("  processor time of the client for each", client, None);
    report.time(
        &format!("  processor time of the {name} for each"),
        served,
        None,
    );
    acknowledged.per_second()
}

/// Fills a store, and looks on the way at what an append costs, once the store has put in order
/// what the fill left.
async fn growing(folder: &Path, pace: Pace, report: &mut Report) {
    let node = NodeProcess::start(folder, Durability::Unsynced);
    let load = Load::connect(&node.connection_string);
    load.warm_up().await;
    let mut costs = Vec::new();
    for (place, events) in pace.sizes.into_iter().enumerate() {
        load.fill(events).await;
        node.settled().await;
        let mut best = (Duration::MAX, Duration::MAX);
        for round in 0..ROUNDS {
            let cpu = node.cpu();
            let times = load
                .alone(&format!("growing-{place}-{round}"), pace.singles)
                .await;
            best = best.min((
                times.at(50),
                (node.cpu() - cpu) / u32::try_from(pace.singles).unwrap(),
            ));
        }
        report.time(
            &format!("one append, {events} events in the log, not flushed, p50"),
            best.0,
            None,
        );
        report.time("  processor time of the node", best.1, None);
        costs.push(best.0.as_secs_f64());
    }
    let growth = costs.iter().copied().fold(0.0, f64::max) / costs[0];
    report.ratio(
        "  most / with the smallest log",
        growth,
        Some(("at most 1.3", growth <= 1.3)),
    );
    node.stop().await;
}

/// Opens the large store, and reads all of it.
async fn reading(folder: &Path, pace: Pace, report: &mut Report) {
    let events = pace.sizes[2];
    let node = NodeProcess::start(folder, Durability::Synced);
    let opened = node.opened_in;
    report.time(
        &format!("opening {events} events"),
        opened,
        Some(("under 2 s", opened < Duration::from_secs(2))),
    );
    let idle = node.resident_when_idle().await;
    report.megabytes(
        "memory of an idle node after that",
        idle,
        Some(("under 150 MB", idle < 150.0)),
    );
    let load = Load::connect(&node.connection_string);
    let (rate, most) = tokio::join!(load.catch_up(events), node.most_resident(pace.span));
    let again = load.catch_up(events).await;
    let rate = rate.max(again);
    report.rate("catch-up of a filtered $all, events", rate, None);
    report.megabytes("  most memory of the node meanwhile", most, None);
    node.stop().await;
    let stub = NodeProcess::stub(events);
    let load = Load::connect(&stub.connection_string);
    let bound = load.catch_up(events).await.max(load.catch_up(events).await);
    stub.stop().await;
    report.rate("the same client from a stub, events", bound, None);
    report.ratio(
        "  node / stub",
        rate / bound,
        Some(("at least 0.7", rate >= 0.7 * bound)),
    );
}
