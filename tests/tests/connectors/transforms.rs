//! Transforms, in children of the real program: what they change, and what becomes of those that
//! hang, break, take too much, or are killed.

use crate::support::{Process, Receiver, Store, in_order_and_once, settings};
use connectors::{Outcome, ParkedRecords};
use domain::{
    connector::{ConnectorCommand, Failure, FailureCode, ReconfigureConnector, Settings, State},
    text::ConnectorId,
};
use peerage_tests::{
    binary,
    wait::{SOON, holds, until},
};
use serde_json::{Value, json};
use std::{fs, path::PathBuf, process::Command, time::Duration};
use tempfile::TempDir;

fn with(function: &str, other: &Value) -> Settings {
    let mut all = other.clone();
    all["transformer"] = json!({ "function": format!("function transform(r) {{ {function} }}") });
    settings(&all)
}

fn only(function: &str) -> Settings {
    with(function, &json!({}))
}

async fn reconfigured(store: &Store, id: &ConnectorId, settings: Settings) {
    let reconfigure = ReconfigureConnector { settings };
    store
        .command(id, ConnectorCommand::ReconfigureConnector(reconfigure))
        .await;
}

async fn causes(store: &Store, id: &ConnectorId, many: usize) -> Vec<(u64, String)> {
    until(&format!("{many} are parked"), SOON, async || {
        let parked = ParkedRecords::of(&store.journal, id).await.unwrap();
        let records = parked.records.values().map(|it| &it.record);
        let mut all: Vec<_> = records.map(|it| (it.revision, it.cause.clone())).collect();
        all.sort_unstable();
        (all.len() == many).then_some(all)
    })
    .await
}

async fn failure(store: &Store, id: &ConnectorId) -> Failure {
    match store.is(id, "failed").await.state {
        State::Failed(failure) => failure,
        other @ (State::Stopped
        | State::Activating
        | State::Running { .. }
        | State::Deactivating) => panic!("{other:?}"),
    }
}

/// A store with one network of so many events, and a process.
async fn begun(events: usize, receiver: &Receiver) -> (Store, Process) {
    let store = Store::new().await;
    let network = store.network(1).await;
    for _ in 1..events {
        store.happens(network).await;
    }
    let process = store.with_transforms(receiver, binary::peerage());
    (store, process)
}

/// The same, with a program whose children can be told apart.
async fn begun_with(events: usize, receiver: &Receiver) -> (Store, Process, Program) {
    let (store, process) = begun(events, receiver).await;
    process.stop().await;
    let program = Program::new();
    let process = store.with_transforms(receiver, program.path());
    (store, process, program)
}

/// The program under a name of this test's own.
struct Program(TempDir);

impl Program {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        std::os::unix::fs::symlink(binary::peerage(), folder.path().join("peerage")).unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("peerage")
    }

    /// Its processes.
    fn children(&self) -> Vec<u32> {
        let all = fs::read_dir("/proc").unwrap().flatten();
        let pids = all.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
        let called = self.path().display().to_string();
        let is_child = |pid: &u32| {
            let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.starts_with(&called)
        };
        pids.filter(is_child).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transform_changes_what_is_sent_and_leaves_out_what_it_drops() {
    let receiver = Receiver::new();
    let (store, process) = begun(6, &receiver).await;
    let function = "if (r.position.streamRevision % 2) drop();
        r.value = { at: r.position.streamRevision, was: r.schemaInfo.subject };
        r.schemaInfo.subject = 'Seen';
        r.headers.team = 'network'; r.headers['command-id'] = 'mine'";
    let id = store.started("webhook", only(function)).await;
    let taken = receiver.has_taken(3).await;
    let seen = taken.iter().map(|it| {
        let changed = it.item.changed.as_ref().unwrap();
        (
            it.sequence,
            changed.value["at"].clone(),
            changed.subject.clone(),
        )
    });
    let expected = [1_u64, 3, 5].map(|n| (n, json!(n - 1), "Seen".to_owned()));
    assert_eq!(seen.collect::<Vec<_>>(), expected);
    assert_eq!(
        taken[0].item.changed.as_ref().unwrap().value["was"],
        "NetworkRegistered"
    );
    holds("what was dropped counts as left out", || {
        let live = process.runtime.statuses().get(&id);
        live.is_some_and(|it| it.counts.filtered >= 3 && it.in_hand == 0)
    })
    .await;

    // What was dropped is dealt with: nothing of it comes again.
    process.stop().await;
    let process = store.with_transforms(&receiver, binary::peerage());
    reconfigured(&store, &id, only("")).await;
    store
        .happens(taken[0].item.recorded.network_id.unwrap())
        .await;
    let taken = receiver.has_taken(4).await;
    assert_eq!((taken.len(), taken[3].revision), (4, 6));
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_at_which_a_transform_throws_is_parked_and_can_be_replayed_under_another() {
    let receiver = Receiver::new();
    let (store, process) = begun(4, &receiver).await;
    let throws = only("if (r.position.streamRevision === 2) r.value.no.such = 1");
    let id = store.started("webhook", throws).await;
    receiver.has_taken(3).await;
    let parked = causes(&store, &id, 1).await;
    assert_eq!(parked[0].0, 2);
    assert!(parked[0].1.contains("undefined"), "{parked:?}");
    assert_eq!(receiver.arrived.lock().len(), 3, "it was sent nowhere");

    reconfigured(&store, &id, only("r.value = 'mended'")).await;
    let all = connectors::Which::All;
    let (caller, now) = (crate::support::caller(), chrono::Utc::now());
    let streams = connectors::ParkedStreams::new(store.journal.clone());
    let replay = streams.replay(&id, &all, &caller, now);
    assert_eq!(replay.await.unwrap(), 1);
    let taken = receiver.has_taken(4).await;
    let last = taken.last().unwrap();
    assert!(last.is_replay);
    assert_eq!(last.item.changed.as_ref().unwrap().value, "mended");
    causes(&store, &id, 0).await;
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transform_that_cancels_stops_the_connector_at_that_record_and_nothing_is_repeated() {
    let receiver = Receiver::new();
    let (store, process) = begun(6, &receiver).await;
    let cancels = only("if (r.position.streamRevision === 3) cancel('no such peer')");
    let id = store.started("webhook", cancels).await;
    let failed = failure(&store, &id).await;
    assert_eq!(failed.code, FailureCode::Transform);
    assert!(failed.message.contains("no such peer"), "{failed:?}");
    assert_eq!(receiver.taken().len(), 3);
    reconfigured(&store, &id, only("")).await;
    store.start(&id, None).await;
    let taken = receiver.has_taken(6).await;
    in_order_and_once(&taken);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_batch_each_record_is_by_itself_as_soon_as_a_transform_refuses_one() {
    let receiver = Receiver::in_batches(10, Duration::from_millis(200));
    let (store, process) = begun(5, &receiver).await;
    let throws = only("if (r.position.streamRevision === 1) throw 'no'");
    let id = store.started("webhook", throws).await;
    let taken = receiver.has_taken(4).await;
    let revisions: Vec<_> = taken.iter().map(|it| it.revision).collect();
    assert_eq!(revisions, [0, 2, 3, 4]);
    assert_eq!(causes(&store, &id, 1).await[0].0, 1);

    let cancels = "if (r.position.streamRevision === 7) cancel()";
    reconfigured(&store, &id, only(cancels)).await;
    let network = taken[0].item.recorded.network_id.unwrap();
    for _ in 0..4 {
        store.happens(network).await;
    }
    assert_eq!(failure(&store, &id).await.code, FailureCode::Transform);
    let revisions: Vec<_> = receiver.taken().iter().map(|it| it.revision).collect();
    assert_eq!(revisions, [0, 2, 3, 4, 5, 6], "those before it were sent");
    reconfigured(&store, &id, only("")).await;
    store.start(&id, None).await;
    let taken = receiver.has_taken(8).await;
    let revisions: Vec<_> = taken.iter().map(|it| it.revision).collect();
    assert_eq!(revisions, [0, 2, 3, 4, 5, 6, 7, 8]);
    process.stop().await;
}

/// A search that never asks whether it is over.
const ENDLESS: &str = "'a'.repeat(4e6).indexOf('a'.repeat(2e6) + 'b')";

#[tokio::test(flavor = "multi_thread")]
async fn a_transform_that_cannot_be_interrupted_is_killed_and_holds_up_its_own_lane_alone() {
    let receiver = Receiver::new();
    let (store, process) = begun(3, &receiver).await;
    let other = store.network(2).await;
    let function = format!("if (r.position.streamRevision === 1) {{ {ENDLESS} }}");
    let id = store.started("webhook", only(&function)).await;
    // Neither another lane nor another connector waits for it.
    receiver.has_taken(2).await;
    let quick = store.started("another", only("")).await;
    until("the other connector delivers", SOON, async || {
        let taken = receiver.taken();
        (taken.iter().filter(|it| it.connector == quick).count() == 4).then_some(())
    })
    .await;
    let parked = causes(&store, &id, 1).await;
    assert_eq!(parked[0].0, 1);
    assert!(parked[0].1.contains("killed"), "{parked:?}");
    until("its lane goes on", SOON, async || {
        let taken = receiver.taken();
        let mine = taken.iter().filter(|it| it.connector == id);
        (mine.count() == 3).then_some(())
    })
    .await;
    let seen = receiver.taken();
    assert!(
        seen.iter()
            .any(|it| it.connector == id && it.item.recorded.network_id == Some(other))
    );

    // One that does so at every record is not tried for ever.
    reconfigured(&store, &id, only(ENDLESS)).await;
    for n in 10..13 {
        store.network(n).await;
    }
    let failed = failure(&store, &id).await;
    assert_eq!(failed.code, FailureCode::Transform);
    assert!(failed.message.contains("in a row"), "{failed:?}");
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transform_that_takes_all_time_or_memory_refuses_its_record_and_no_other() {
    let receiver = Receiver::new();
    let (store, process, program) = begun_with(4, &receiver).await;
    let function = "switch (r.position.streamRevision) {
        case 1: while (true) {}
        case 2: for (const a = [];;) a.push(new ArrayBuffer(1 << 20));
    }";
    let id = store.started("webhook", only(function)).await;
    let taken = receiver.has_taken(2).await;
    assert_eq!(taken[1].revision, 3);
    let parked = causes(&store, &id, 2).await;
    assert!(
        parked[0].1.contains("50 ms") && parked[1].1.contains("memory"),
        "{parked:?}"
    );
    assert!(!program.children().is_empty());
    for pid in program.children() {
        let status = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let bounded = status
            .lines()
            .find(|it| it.starts_with("Max address space"));
        assert!(!bounded.unwrap().contains("unlimited"), "{status}");
        let files = status.lines().find(|it| it.starts_with("Max file size"));
        assert!(files.unwrap().contains(" 0 "), "{status}");
    }
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn children_that_are_killed_in_the_middle_cost_no_record() {
    const KILLS: usize = 6;
    const EACH: usize = 10;
    const EVENTS: usize = KILLS * EACH;
    let receiver = Receiver::new();
    let (store, process, program) = begun_with(EACH, &receiver).await;
    let network = store.network(1).await;
    let works = "for (const t = Date.now(); Date.now() - t < 5;); r.value = 'done'";
    let id = store.started("webhook", only(works)).await;
    for round in 0..KILLS {
        receiver.has_taken(round * EACH + EACH / 2).await;
        let ours = until("a child is there", SOON, async || {
            Some(program.children()).filter(|it| !it.is_empty())
        });
        for pid in ours.await {
            // One that ended meanwhile is no longer there to be killed.
            let _ = Command::new("kill")
                .args(["-KILL", &pid.to_string()])
                .status();
        }
        if round + 1 < KILLS {
            for _ in 0..EACH {
                store.happens(network).await;
            }
        }
    }
    let taken = receiver.has_taken(EVENTS).await;
    in_order_and_once(&taken);
    let changed = taken.iter().map(|it| it.item.changed.as_ref().unwrap());
    assert!(changed.into_iter().all(|it| it.value == "done"));
    assert_eq!(causes(&store, &id, 0).await, []);
    process.stop().await;
    holds("the children end with it", || program.children().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_child_can_be_started_nothing_is_parked_and_where_none_may_be_it_is_said() {
    let receiver = Receiver::new();
    let store = Store::new().await;
    store.network(1).await;
    let id = store.started("webhook", only("")).await;
    let process = store.with_transforms(&receiver, PathBuf::from("/nowhere/peerage"));
    holds("it says why it waits", || {
        let live = process.runtime.statuses().get(&id);
        live.is_some_and(|it| {
            let cause = it.last_error.map(|(_, cause)| cause).unwrap_or_default();
            it.retrying == 1 && cause.contains("can be started")
        })
    })
    .await;
    process.stop().await;
    assert_eq!(causes(&store, &id, 0).await, []);

    let process = store.process(&receiver);
    let failed = failure(&store, &id).await;
    assert_eq!(failed.code, FailureCode::Settings);
    assert!(failed.message.contains("runs no transforms"), "{failed:?}");
    assert_eq!(receiver.arrived.lock().len(), 0);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_set_to_stop_fails_at_a_record_that_its_transform_refuses() {
    let receiver = Receiver::new();
    let (store, process) = begun(3, &receiver).await;
    let stops = json!({ "on_exhaustion": "stop" });
    let throws = with("if (r.position.streamRevision === 1) throw 'no'", &stops);
    let id = store.started("webhook", throws).await;
    let failed = failure(&store, &id).await;
    assert_eq!(failed.code, FailureCode::Transform);
    assert!(failed.message.ends_with("no"), "{failed:?}");
    assert_eq!(receiver.taken().len(), 1);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_delivered_before_a_connector_failed_is_not_repeated_when_it_is_started() {
    let receiver = Receiver::new();
    let (store, process) = begun(5, &receiver).await;
    let other = store.network(2).await;
    receiver.answer(|item, _| match item.recorded.revision {
        3 => Outcome::Gone,
        _ => Outcome::Delivered,
    });
    let id = store.started("webhook", settings(&json!({}))).await;
    failure(&store, &id).await;
    receiver.answer(|_, _| Outcome::Delivered);
    store.happens(other).await;
    store.start(&id, None).await;
    let taken = receiver.has_taken(7).await;
    in_order_and_once(&taken);
    process.stop().await;
}
