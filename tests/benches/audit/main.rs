//! What the audit costs over a long log: read models built anew, a network at an earlier place, the
//! first page of events, a proof, an export; and what memory that takes.
//!
//! A log is filled with many networks of some events each, and one of very many. What a figure is
//! held against is measured in the same run: the bare read of the same events by the same client.
//! Each is measured several times and the best counts, since what disturbs only ever slows down; of
//! answers that must be quick, the slowest place or filter is told. The numbers are networks,
//! events of each, and events of the one.
//!
//! ```sh
//! cargo bench -p peerage-tests --bench audit
//! cargo bench -p peerage-tests --bench audit -- 200 50 20000
//! ```

#[path = "../history/fill.rs"]
#[allow(dead_code, reason = "the other benchmark uses more of it")]
mod fill;
mod pages;

use audit::Until;
use chrono::Utc;
use domain::NetworkId;
use embedded::EmbeddedNode;
use fill::{Script, client, network};
use futures::stream::{self, StreamExt as _};
use journal::{Followed, Journal, JournalSettings, Position, Recorded, Signal};
use peerage::api::v1::{ReadLogRequest, audit_service_client::AuditServiceClient};
use peerage_tests::{
    engine::{Launch, run},
    wait,
};
use projections::{AuditTree, FoldedStates, Projections, Stage};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// The scale that is wanted: networks, events of each, events of the one.
const SCALE: [u64; 3] = [10_000, 100, 1_000_000];

/// How many networks are filled at once.
const WRITERS: usize = 16;

/// How often each rate is measured.
const TIMES: usize = 3;

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// How near to a network's end its last state is.
const NEAR: u64 = 2_048;

/// What building and exporting may cost: of the bare read's rate so much is left.
const HALF: f64 = 0.5;

/// What an answer about the past and a first page may take, and what a proof.
const ANSWER: Duration = Duration::from_millis(50);
const PROOF: Duration = Duration::from_millis(10);

/// What all of it may take beside the store.
const MEMORY: u64 = 300 << 20;

/// Figures that were not what is wanted.
#[derive(Default)]
struct Missed(Vec<String>);

impl Missed {
    fn rate(&mut self, what: &str, rate: f64, bare: f64) {
        let quotient = rate / bare;
        println!("{what:<44} {rate:>10.0}/s of {bare:>10.0}/s: {quotient:.2} (wanted: {HALF})");
        if quotient < HALF {
            self.0.push(what.to_owned());
        }
    }

    fn answer(&mut self, what: &str, took: Duration, wanted: Duration) {
        println!("{what:<44} {took:>10.1?} (wanted: {wanted:?})");
        if took > wanted {
            self.0.push(what.to_owned());
        }
    }
}

/// What is measured, and where.
struct Stand {
    node: EmbeddedNode,
    journal: Journal,
    folder: TempDir,
    networks: u64,
}

#[tokio::main]
async fn main() {
    let arguments = std::env::args().skip(1).filter(|it| !it.starts_with("--"));
    let given: Vec<u64> = arguments.filter_map(|it| it.parse().ok()).collect();
    let [networks, events, long] = <[u64; 3]>::try_from(given).unwrap_or(SCALE);
    println!("{networks} networks of {events} events, and one of {long}");
    let stand = Stand::filled(networks, events, long).await;
    let before = memory("VmRSS");
    let mut missed = Missed::default();
    stand.read_models(&mut missed).await;
    stand.past(&mut missed).await;
    stand.proof(&mut missed).await;
    let most = memory("VmHWM").saturating_sub(before);
    println!(
        "{:<44} {:>10} MB (wanted: {} MB)",
        "memory at most, beside the store",
        most >> 20,
        MEMORY >> 20
    );
    if most > MEMORY {
        missed.0.push("memory".to_owned());
    }
    stand.export(&mut missed).await;
    stand.node.shutdown().await;
    assert!(
        missed.0.is_empty(),
        "not as wanted: {}",
        missed.0.join(", ")
    );
}

impl Stand {
    async fn filled(networks: u64, events: u64, long: u64) -> Self {
        let folder = TempDir::new().expect("a folder");
        let node = EmbeddedNode::builder()
            .data_dir(folder.path().join("log"))
            .start()
            .await;
        let node = node.expect("a node");
        let (client, many, one) = (client(&node), Script::of(events), Script::of(long));
        let begun = Instant::now();
        stream::iter(1..=networks)
            .map(|number| many.play(&client, network(number), number))
            .buffer_unordered(WRITERS)
            .collect::<()>()
            .await;
        one.play(&client, network(0), 0).await;
        println!("filled in {:?}", begun.elapsed());
        let journal = Journal::open(JournalSettings::new(node.connection_string()));
        Self {
            journal: journal.expect("a journal"),
            node,
            folder,
            networks,
        }
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Follows the log to its end and does nothing with it.
    async fn read(&self) -> (Duration, u64) {
        let (begun, mut events) = (Instant::now(), 0);
        let mut follower = self.journal.follow(None, Followed::Networks);
        loop {
            match follower.next().await.expect("the log") {
                Signal::Event(_) => events += 1,
                Signal::CaughtUp => return (begun.elapsed(), events),
                Signal::Checkpoint(_) | Signal::Resumed => {}
            }
        }
    }

    /// Builds read models, and builds them anew beside themselves; then asks them for first pages.
    async fn read_models(&self, missed: &mut Missed) {
        let (mut bare, mut events) = (Duration::MAX, 0);
        for _ in 0..TIMES {
            let (took, seen) = self.read().await;
            (bare, events) = (bare.min(took), seen);
        }
        let bare = rate(events, bare);
        let projections = Projections::open(&self.file("read-models")).expect("read models");
        let stop = CancellationToken::new();
        let running = tokio::spawn({
            let (projections, journal, stop) =
                (projections.clone(), self.journal.clone(), stop.clone());
            async move { projections.run(&journal, stop).await }
        });
        let begun = Instant::now();
        let whole = projections.caught_up().wait_for(|it| *it).await.map(drop);
        whole.expect("it follows");
        missed.rate("read models built", rate(events, begun.elapsed()), bare);
        let mut built = Duration::MAX;
        for _ in 0..TIMES {
            let begun = Instant::now();
            projections.rebuild(Utc::now()).expect("none is under way");
            let ended = wait::until("they serve", PATIENCE, || async {
                projections
                    .last_rebuild()
                    .filter(|it| !it.stage.is_under_way())
            });
            let ended = ended.await;
            assert_eq!(ended.stage, Stage::Switched, "{ended:?}");
            let comparison = ended.comparison.expect("a comparison");
            assert_eq!(comparison.differences, 0, "{comparison:?}");
            built = built.min(begun.elapsed());
        }
        missed.rate(
            "read models built anew and compared",
            rate(events, built),
            bare,
        );
        let (what, took) = pages::slowest(&projections).await;
        missed.answer(&format!("first page of events, {what}"), took, ANSWER);
        stop.cancel();
        running.await.expect("no panic").expect("it stops");
    }

    /// Asks what a network of very many events was, and what all networks were.
    async fn past(&self, missed: &mut Missed) {
        let states = FoldedStates::open(&self.file("states")).expect("states");
        let projections = Projections::open(&self.file("read-models")).expect("read models");
        let (id, stop) = (network(0), CancellationToken::new());
        let events = self.history(id).await;
        let begun = Instant::now();
        let running = tokio::spawn({
            let (states, projections) = (states.clone(), projections.clone());
            let (journal, stop) = (self.journal.clone(), stop.clone());
            async move { states.run(&journal, &projections, stop).await }
        });
        let place = |part: f64| {
            let index = (events.len() - 1) as f64 * part;
            Until::Position(events[index as usize])
        };
        let last = events.len() as u64 - 1;
        wait::until("states are kept up to the end", PATIENCE, || async {
            let kept = states.kept(id);
            (last < NEAR || kept.is_some_and(|it| it + NEAR >= last)).then_some(())
        })
        .await;
        println!(
            "states of the one network kept within {:?}",
            begun.elapsed()
        );
        for part in [0.1, 0.5, 0.9] {
            let mut best = Duration::MAX;
            for _ in 0..TIMES {
                let begun = Instant::now();
                self.at(&states, id, place(part)).await;
                best = best.min(begun.elapsed());
            }
            let what = format!("the one network at {:.0} %", part * 100.0);
            missed.answer(&what, best, ANSWER);
        }
        let none = FoldedStates::in_memory().expect("memory");
        let begun = Instant::now();
        self.at(&none, id, place(0.5)).await;
        println!(
            "{:<44} {:>10.1?}",
            "the same at 50 %, without kept states",
            begun.elapsed()
        );
        let (mut bare, mut folded) = (Duration::MAX, Duration::MAX);
        for _ in 0..TIMES {
            let begun = Instant::now();
            for number in 1..=self.networks {
                self.history(network(number)).await;
            }
            bare = bare.min(begun.elapsed());
            let begun = Instant::now();
            for number in 1..=self.networks {
                self.at(&states, network(number), Until::End).await;
            }
            folded = folded.min(begun.elapsed());
        }
        let rates = [folded, bare].map(|it| rate(self.networks, it));
        missed.rate(
            "all networks at a place, read one by one",
            rates[0],
            rates[1],
        );
        stop.cancel();
        running.await.expect("no panic");
    }

    async fn at(&self, states: &FoldedStates, id: NetworkId, until: Until) {
        let told = states.at(&self.journal, id, until).await;
        assert!(told.expect("the log").past.registered().is_some());
    }

    /// Reads a network's stream, and gives where its events are.
    async fn history(&self, id: NetworkId) -> Vec<Position> {
        let (mut places, mut after) = (Vec::new(), None);
        loop {
            let part = self.journal.read_part(&id.stream(), after).await;
            let (events, more): (Vec<Recorded>, _) = part.expect("the log");
            places.extend(events.iter().map(|it| it.position));
            after = events.last().map(|it| it.revision);
            if !more {
                return places;
            }
        }
    }

    /// Proves events all over the log.
    async fn proof(&self, missed: &mut Missed) {
        let tree = AuditTree::open(&self.file("tree")).expect("a tree");
        let (stop, clock) = (CancellationToken::new(), std::sync::Arc::new(Utc::now));
        let running = tokio::spawn({
            let (tree, journal, stop) = (tree.clone(), self.journal.clone(), stop.clone());
            async move { tree.run(&journal, clock, stop).await }
        });
        let whole = tree.caught_up().wait_for(|it| *it).await.map(drop);
        whole.expect("it follows");
        let head = tree.head().await.expect("a head");
        let mut slowest = Duration::ZERO;
        for part in 0..50 {
            let index = (head.size - 1) * part / 49;
            let place = tree.places(index, 1).await.expect("a place").remove(0);
            let begun = Instant::now();
            let found = tree.find(place.event_id).await.expect("the event");
            let proof = tree
                .inclusion(found[0].index, head.size)
                .await
                .expect("a proof");
            slowest = slowest.max(begun.elapsed());
            assert_eq!(proof.root, head.root);
        }
        missed.answer("the proof of one event", slowest, PROOF);
        stop.cancel();
        running.await.expect("no panic").expect("it stops");
    }

    /// Has the command line write the log to a file, and reads the same of the same server.
    async fn export(&self, missed: &mut Missed) {
        let folder = self.file("engine");
        let engine = Launch::new(&folder).store(&self.node.connection_string());
        let engine = engine.start().await;
        let (mut bare, mut exported, mut events) = (Duration::MAX, Duration::MAX, 0);
        for time in 0..TIMES {
            let begun = Instant::now();
            events = read_log(&engine.server()).await;
            bare = bare.min(begun.elapsed());
            let begun = Instant::now();
            let out = self.file(&format!("export-{time}"));
            let (out, server) = (text(&out), engine.server());
            let export = ["audit", "export", "--out", out, "--server", &server];
            let _ = run(&export).await.done();
            exported = exported.min(begun.elapsed());
        }
        missed.rate("exported", rate(events, exported), rate(events, bare));
        engine.stop().await;
    }
}

/// Reads the whole log over the API and does nothing with it.
async fn read_log(server: &str) -> u64 {
    let client = AuditServiceClient::connect(server.to_owned()).await;
    let mut client = client
        .expect("a server")
        .max_decoding_message_size(16 << 20);
    let (mut events, mut after_position) = (0, String::new());
    loop {
        let request = ReadLogRequest {
            after_position,
            ..Default::default()
        };
        let part = client
            .read_log(request)
            .await
            .expect("the log")
            .into_inner();
        events += part.records.len() as u64;
        if part.is_end {
            return events;
        }
        after_position = part.position;
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

fn rate(many: u64, took: Duration) -> f64 {
    many as f64 / took.as_secs_f64()
}

/// How much memory this process has, or had at most, as Linux tells it; 0 elsewhere.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let told = status
        .lines()
        .find_map(|it| it.strip_prefix(line)?.strip_prefix(':'));
    let kilobytes = told.and_then(|it| it.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or_default() << 10
}
