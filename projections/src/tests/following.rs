//! Following: signals in, rows out, through outages, cancellations and changed logs.

use super::*;
use crate::{
    RunError, TimelineQuery,
    run::{Signals, Source},
};
use journal::{FollowError, JournalError, Signal};
use parking_lot::Mutex;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A store that has this log, and answers followers as a store does.
#[derive(Clone)]
pub(super) struct Store {
    log: Arc<Mutex<Vec<Recorded>>>,
    asked: Arc<Mutex<Vec<Option<Position>>>>,
    /// Who follows from the start, and is told nothing yet.
    pub(super) held_back: Arc<Mutex<Option<Vec<mpsc::UnboundedSender<Said>>>>>,
    pub(super) open: Arc<Mutex<Vec<mpsc::UnboundedSender<Said>>>>,
    beyond_the_end: Beyond,
    /// Where other streams' events end, if that is behind the networks'.
    pub(super) others_end: Arc<Mutex<Position>>,
}

impl Source for Store {
    type Signals = Following;

    fn follow(&self, from: Option<Position>) -> Following {
        Store::follow(self, from)
    }

    async fn end(&self) -> Result<Option<Position>, JournalError> {
        let last = self.log.lock().last().map(|it| it.position);
        Ok(last.max(Some(*self.others_end.lock())))
    }
}

/// What a store does about a position that it has not reached: both are seen.
#[derive(Clone, Copy, PartialEq)]
enum Beyond {
    Refused,
    WaitedFor,
}

pub(super) struct Following(mpsc::UnboundedReceiver<Said>);

pub(super) type Said = Result<Signal, FollowError>;

impl Signals for Following {
    async fn next(&mut self) -> Result<Signal, FollowError> {
        self.0.recv().await.expect("a store never ends")
    }
}

impl Store {
    pub(super) fn of(log: &Log) -> Self {
        Self {
            log: Arc::new(Mutex::new(log.events.clone())),
            asked: Arc::default(),
            held_back: Arc::default(),
            open: Arc::default(),
            beyond_the_end: Beyond::Refused,
            others_end: Arc::new(Mutex::new(Position::START)),
        }
    }

    /// The same of a store that waits for a position that it has not reached.
    pub(super) fn waiting_beyond_the_end(&self) -> Self {
        Self {
            beyond_the_end: Beyond::WaitedFor,
            ..self.clone()
        }
    }

    fn follow(&self, from: Option<Position>) -> Following {
        self.asked.lock().push(from);
        let (sender, receiver) = mpsc::unbounded_channel();
        match &mut *self.held_back.lock() {
            Some(held_back) if from.is_none() => held_back.push(sender),
            _ => self.tell(from, sender),
        }
        Following(receiver)
    }

    /// Those that follow from the start are told what there is, and so is whoever comes later.
    pub(super) fn gives_it_from_the_start(&self) {
        for sender in self.held_back.lock().take().into_iter().flatten() {
            self.tell(None, sender);
        }
    }

    fn tell(&self, from: Option<Position>, sender: mpsc::UnboundedSender<Said>) {
        let log = self.log.lock();
        let end = log.last().map_or(Position::START, |it| it.position);
        if self.beyond_the_end == Beyond::Refused && from.is_some_and(|from| from > end) {
            let source = std::io::Error::other("no such position").into();
            let refused = FollowError::PositionRefused {
                followed: "all networks".to_owned(),
                from,
                source,
            };
            let _ = sender.send(Err(refused));
        }
        for event in log
            .iter()
            .filter(|event| from.is_none_or(|from| event.position > from))
        {
            let _ = sender.send(Ok(Signal::Event(event.clone())));
        }
        let _ = sender.send(Ok(Signal::CaughtUp));
        self.open.lock().push(sender);
    }

    /// Appends events while being followed.
    pub(super) fn append(&self, events: &[Recorded]) {
        self.log.lock().extend_from_slice(events);
        events
            .iter()
            .for_each(|event| self.say(|| Ok(Signal::Event(event.clone()))));
    }

    /// Holds another log from now on.
    pub(super) fn becomes(&self, other: &Log) {
        *self.log.lock() = other.events.clone();
    }

    pub(super) fn say(&self, signal: impl Fn() -> Result<Signal, FollowError>) {
        self.open
            .lock()
            .retain(|follower| follower.send(signal()).is_ok());
    }

    fn asked(&self) -> Vec<Option<Position>> {
        std::mem::take(&mut *self.asked.lock())
    }

    /// Follows until `until` holds of the read models, and then stops.
    pub(super) async fn followed(&self, projections: &Projections, until: impl AsyncFn()) {
        let cancel = CancellationToken::new();
        let mut running = tokio::spawn({
            let (store, projections, cancel) = (self.clone(), projections.clone(), cancel.clone());
            async move { projections.run_over(&store, cancel).await }
        });
        tokio::select! {
            it_came = tokio::time::timeout(BOUND, until()) => it_came.expect("what is waited for comes"),
            ended = &mut running => panic!("following has ended: {ended:?}"),
        }
        cancel.cancel();
        tokio::time::timeout(BOUND, running)
            .await
            .expect("stops when cancelled")
            .unwrap()
            .unwrap();
    }
}

const BOUND: Duration = Duration::from_secs(30);

pub(super) async fn reached(projections: &Projections, position: Position) {
    assert!(
        projections.wait_for(position, BOUND).await,
        "at {}",
        *projections.position().borrow()
    );
}

async fn assert_reads_as(projections: &Projections, log: &Log) {
    assert_eq!(dump(projections).await, dump(&written(log).await).await);
}

#[tokio::test]
async fn the_log_is_followed_to_its_end_and_further_as_it_grows() {
    let log = story();
    let store = Store::of(&Log {
        events: log.events[..10].to_vec(),
        ..Log::default()
    });
    let projections = Projections::in_memory().unwrap();
    let grows = async || {
        reached(&projections, log.events[9].position).await;
        projections.caught_up().wait_for(|it| *it).await.unwrap();
        store.append(&log.events[10..]);
        reached(&projections, log.end()).await;
    };
    store.followed(&projections, grows).await;
    assert_reads_as(&projections, &log).await;
}

#[tokio::test]
async fn the_end_has_been_reached_whatever_comes_right_behind_it() {
    let log = story();
    let first = Log {
        events: log.events[..10].to_vec(),
        ..Log::default()
    };
    let store = Store::of(&first);
    *store.held_back.lock() = Some(Vec::new());
    let projections = Projections::in_memory().unwrap();
    let all_at_once = async || {
        while store.asked.lock().is_empty() {
            tokio::task::yield_now().await;
        }
        store.gives_it_from_the_start();
        store.append(&log.events[10..]);
        whole(&projections).await;
    };
    store.followed(&projections, all_at_once).await;
    assert_reads_as(&projections, &log).await;
}

#[tokio::test]
async fn following_goes_on_from_where_the_rows_are() {
    let log = story();
    let store = Store::of(&log);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read.db");
    write(&Projections::open(&path).unwrap(), &log.events[..10]).await;
    let projections = Projections::open(&path).unwrap();
    store
        .followed(&projections, async || {
            reached(&projections, log.end()).await
        })
        .await;
    assert_eq!(
        store.asked(),
        [Some(log.events[8].position), Some(log.events[9].position)],
        "first whether it is the same log"
    );
    assert_reads_as(&projections, &log).await;
}

#[tokio::test]
async fn a_checkpoint_alone_moves_the_position_and_wakes_who_waits() {
    let store = Store::of(&Log::default());
    let projections = Projections::in_memory().unwrap();
    let quiet = Position {
        commit: 77_000,
        prepare: 77_000,
    };
    let checkpoint = async || {
        projections.caught_up().wait_for(|it| *it).await.unwrap();
        assert!(!projections.wait_for(quiet, Duration::ZERO).await);
        *store.others_end.lock() = quiet;
        store.say(|| Ok(Signal::Checkpoint(quiet)));
        reached(&projections, quiet).await;
    };
    store.followed(&projections, checkpoint).await;
}

#[tokio::test]
async fn read_models_of_another_log_are_built_again() {
    let ours = story();
    let mut theirs = Log::default();
    for n in 1..=60 {
        theirs.append(network_id(n.into()), 500 + u128::from(n), [registered(n)]);
    }
    let projections = written(&ours).await;
    let store = Store::of(&theirs);
    let rebuilt = async || {
        projections
            .position()
            .wait_for(|at| *at == theirs.end())
            .await
            .unwrap();
    };
    store.followed(&projections, rebuilt).await;
    assert_reads_as(&projections, &theirs).await;
}

#[tokio::test(start_paused = true)]
async fn read_models_that_are_ahead_of_the_log_are_built_again() {
    let log = story();
    for beyond_the_end in [Beyond::Refused, Beyond::WaitedFor] {
        for events in [log.events[..4].to_vec(), Vec::new()] {
            let projections = written(&log).await;
            projections.progress.caught_up.send_replace(false);
            let shorter = Log {
                events,
                ..Log::default()
            };
            let store = Store {
                beyond_the_end,
                ..Store::of(&shorter)
            };
            let rebuilt = async || {
                projections
                    .position()
                    .wait_for(|at| *at == shorter.end())
                    .await
                    .unwrap();
                projections.caught_up().wait_for(|it| *it).await.unwrap();
            };
            store.followed(&projections, rebuilt).await;
            assert_reads_as(&projections, &shorter).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_lost_what_was_no_networks_is_another_one_all_the_same() {
    let log = story();
    let store = Store {
        beyond_the_end: Beyond::WaitedFor,
        ..Store::of(&log)
    };
    let projections = written(&log).await;
    let behind = Position {
        commit: log.end().commit + 500,
        prepare: log.end().prepare + 500,
    };
    *store.others_end.lock() = behind;
    let checkpoint = async || {
        reached(&projections, log.end()).await;
        store.say(|| Ok(Signal::Checkpoint(behind)));
        reached(&projections, behind).await;
    };
    store.followed(&projections, checkpoint).await;
    // Restored from a copy that was made before the others' last events.
    *store.others_end.lock() = Position::START;
    let rebuilt = async || {
        let mut position = projections.position();
        position.wait_for(|at| *at == log.end()).await.unwrap();
    };
    store.followed(&projections, rebuilt).await;
    assert_reads_as(&projections, &log).await;
}

#[tokio::test]
async fn a_file_that_is_damaged_while_in_use_is_built_again() {
    let log = story();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read.db");
    write(&Projections::open(&path).unwrap(), &log.events).await;
    let projections = Projections::open(&path).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4_096..].fill(0x5a);
    std::fs::write(&path, bytes).unwrap();
    let store = Store::of(&log);
    let rebuilt = async || {
        projections
            .caught_up()
            .wait_for(|it| *it)
            .await
            .map(drop)
            .unwrap()
    };
    store.followed(&projections, rebuilt).await;
    assert_reads_as(&projections, &log).await;
}

#[tokio::test]
async fn damage_that_only_a_question_meets_is_healed_too() {
    let log = story();
    let store = Store::of(&log);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read.db");
    let projections = Projections::open(&path).unwrap();
    let damaged_then_healed = async || {
        projections.caught_up().wait_for(|it| *it).await.unwrap();
        // From the write-ahead log into the file, where the damage is done.
        let beside = rusqlite::Connection::open(&path).unwrap();
        beside
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[4_096..].fill(0x5a);
        std::fs::write(&path, bytes).unwrap();
        drop(beside);
        assert!(
            projections
                .list_networks(&Default::default(), &Default::default())
                .await
                .is_err()
        );
        let healed = async || matches!(projections.list_networks(&Default::default(), &Default::default()).await, Ok(page) if page.as_of == log.end());
        while !healed().await {
            tokio::task::yield_now().await;
        }
    };
    store.followed(&projections, damaged_then_healed).await;
    assert_reads_as(&projections, &log).await;
}

#[tokio::test]
async fn a_full_disk_is_waited_for_and_nothing_is_lost() {
    let log = story();
    let folder = tempfile::tempdir().unwrap();
    let projections = Projections::open(&folder.path().join("read.db")).unwrap();
    let room = |pages: u32| {
        let store = Arc::clone(&projections.store);
        async move {
            store
                .write(0, move |rows| {
                    rows.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
                })
                .await
        }
    };
    room(1).await.unwrap().unwrap();
    let mut grown = Log {
        events: log.events.clone(),
        revisions: log.revisions.clone(),
    };
    grown.append(network_id(2), 8, (0..200).map(|_| registered(2)));
    let store = Store::of(&grown);
    let full_then_room = async || {
        let asked = async {
            while store.asked.lock().is_empty() {
                tokio::task::yield_now().await
            }
        };
        tokio::time::timeout(BOUND, asked).await.expect("following");
        assert!(
            !projections
                .wait_for(grown.end(), Duration::from_millis(300))
                .await
        );
        room(1_000_000).await.unwrap().unwrap();
        reached(&projections, grown.end()).await;
    };
    store.followed(&projections, full_then_room).await;
    assert_reads_as(&projections, &grown).await;
}

#[tokio::test]
async fn what_never_heals_ends_the_run_after_what_came_before_is_written() {
    let log = story();
    let store = Store::of(&log);
    let projections = Projections::in_memory().unwrap();
    let run = tokio::spawn({
        let (store, projections) = (store.clone(), projections.clone());
        async move { projections.run_over(&store, CancellationToken::new()).await }
    });
    tokio::time::timeout(BOUND, projections.caught_up().wait_for(|it| *it))
        .await
        .expect("caught up")
        .unwrap();
    store.say(|| {
        Err(FollowError::AccessDenied {
            followed: "all networks".to_owned(),
        })
    });
    let error = tokio::time::timeout(BOUND, run)
        .await
        .unwrap()
        .unwrap()
        .expect_err("access denied");
    assert!(matches!(
        error,
        RunError::Follow(FollowError::AccessDenied { .. })
    ));
    assert_reads_as(&projections, &log).await;
}

/// An odd store.
struct RefusesTheStart;

impl Source for RefusesTheStart {
    type Signals = Following;

    fn follow(&self, from: Option<Position>) -> Following {
        let (sender, receiver) = mpsc::unbounded_channel();
        let source = std::io::Error::other("odd").into();
        let followed = "all networks".to_owned();
        let refused = FollowError::PositionRefused {
            followed,
            from,
            source,
        };
        sender.send(Err(refused)).unwrap();
        Following(receiver)
    }

    async fn end(&self) -> Result<Option<Position>, JournalError> {
        Ok(None)
    }
}

#[tokio::test]
async fn an_empty_log_that_refuses_the_start_is_not_built_again_for_ever() {
    let projections = Projections::in_memory().unwrap();
    let run = projections.run_over(&RefusesTheStart, CancellationToken::new());
    assert!(matches!(
        tokio::time::timeout(BOUND, run).await.unwrap(),
        Err(RunError::Follow(_))
    ));
}

#[tokio::test]
async fn many_events_are_written_many_at_a_time() {
    let mut log = Log::default();
    log.append(network_id(1), 1, [registered(1)]);
    for n in 0..3_000 {
        log.append(
            network_id(1),
            10 + n,
            [ProvisioningUnblocked {
                peering_id: peering_id(1),
            }
            .into()],
        );
    }
    let store = Store::of(&log);
    let projections = Projections::in_memory().unwrap();
    let mut positions = projections.position();
    let changes = Arc::new(Mutex::new(0));
    let counting = tokio::spawn({
        let changes = Arc::clone(&changes);
        async move {
            while positions.changed().await.is_ok() {
                *changes.lock() += 1;
            }
        }
    });
    store
        .followed(&projections, async || {
            reached(&projections, log.end()).await
        })
        .await;
    counting.abort();
    assert!(*changes.lock() <= 10, "{} transactions", changes.lock());
    let newest = TimelineQuery::default();
    assert_eq!(
        projections
            .timeline(
                &newest,
                &crate::PageRequest {
                    size: 1,
                    ..Default::default()
                }
            )
            .await
            .unwrap()
            .as_of,
        log.end()
    );
}

pub(super) async fn whole(projections: &Projections) {
    projections
        .caught_up()
        .wait_for(|it| *it)
        .await
        .map(drop)
        .unwrap();
}

/// What befalls the file while it is in use, and is noticed by the next question.
#[tokio::test]
async fn a_file_that_is_deleted_cut_or_robbed_of_a_table_is_made_anew_while_following_goes_on() {
    let log = story();
    type Deed = fn(&std::path::Path);
    let deeds: [(&str, Deed); 4] = [
        ("deleted", |path| {
            for suffix in ["", "-wal", "-shm"] {
                let file = format!("{}{suffix}", path.display());
                let _ = std::fs::remove_file(file);
            }
        }),
        ("cut", |path| {
            let file = std::fs::File::options().write(true).open(path).unwrap();
            file.set_len(0).unwrap();
        }),
        ("robbed of a table", |path| {
            let beside = rusqlite::Connection::open(path).unwrap();
            beside.execute_batch("DROP TABLE networks").unwrap();
        }),
        ("robbed of its place", |path| {
            let beside = rusqlite::Connection::open(path).unwrap();
            beside.execute_batch("DELETE FROM checkpoint").unwrap();
        }),
    ];
    for (name, deed) in deeds {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("read.db");
        write(&Projections::open(&path).unwrap(), &log.events).await;
        let projections = Projections::open(&path).unwrap();
        let store = Store::of(&log);
        let befallen_then_healed = async || {
            whole(&projections).await;
            deed(&path);
            let healed = async || {
                let page = projections
                    .list_networks(&Default::default(), &Default::default())
                    .await;
                matches!(page, Ok(page) if page.as_of == log.end() && page.items.len() == 2)
                    && path.exists()
            };
            while !healed().await {
                tokio::task::yield_now().await;
            }
        };
        store.followed(&projections, befallen_then_healed).await;
        assert_eq!(
            dump(&projections).await,
            dump(&written(&log).await).await,
            "{name}"
        );
        assert_eq!(*projections.other_logs().borrow(), 0, "{name}");
    }
}

#[tokio::test]
async fn another_log_is_recognised_after_a_break_too() {
    let ours = story();
    let mut theirs = Log::default();
    theirs.append(network_id(7), 700, [registered(7)]);
    let store = Store::of(&ours);
    let projections = Projections::in_memory().unwrap();
    let replaced = async || {
        whole(&projections).await;
        *store.log.lock() = theirs.events.clone();
        // What a follower says that comes back and finds nothing beyond its place.
        store.say(|| Ok(Signal::Resumed));
        store.say(|| Ok(Signal::CaughtUp));
        projections
            .position()
            .wait_for(|at| *at == theirs.end())
            .await
            .unwrap();
        whole(&projections).await;
    };
    store.followed(&projections, replaced).await;
    assert_reads_as(&projections, &theirs).await;
    assert_eq!(*projections.other_logs().borrow(), 1);
}

#[tokio::test]
async fn an_event_that_does_not_follow_what_is_known_of_its_stream_shows_another_log() {
    let ours = story();
    let mut theirs = story();
    // Longer, with the same events up to the end of ours, and one more of a stream between.
    let (mut other, mut known) = (Log::default(), Vec::new());
    other.append(network_id(7), 700, [registered(7)]);
    other.append(network_id(7), 701, request(1));
    known.append(&mut other.events);
    let shift = theirs.end().commit + 1;
    for (event, place) in known.iter_mut().zip(shift..) {
        event.position = Position {
            commit: place,
            prepare: place,
        };
    }
    theirs.events.extend(known.clone());
    let store = Store::of(&ours);
    let projections = Projections::in_memory().unwrap();
    let replaced = async || {
        whole(&projections).await;
        *store.log.lock() = theirs.events.clone();
        // The first of the stream's events was never seen.
        store.say(|| Ok(Signal::Event(known[1].clone())));
        reached(&projections, theirs.end()).await;
        whole(&projections).await;
    };
    store.followed(&projections, replaced).await;
    assert_reads_as(&projections, &theirs).await;
}

#[tokio::test]
async fn new_read_models_are_built_beside_those_that_serve_and_take_over() {
    let log = story();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read.db");
    write(&Projections::open(&path).unwrap(), &log.events).await;
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("PRAGMA user_version = 7; UPDATE peerings SET life = 'of old'")
        .unwrap();
    let projections = Projections::open(&path).unwrap();
    projections.progress.caught_up.send_replace(true);
    let store = Store::of(&log);
    let taken_over = async || {
        let lives = async || {
            let filter = crate::PeeringFilter {
                lives: vec![crate::LifeName::Active],
                ..Default::default()
            };
            let page = projections
                .list_peerings(&filter, &Default::default())
                .await;
            page.unwrap().items.len()
        };
        while lives().await == 0 {
            tokio::task::yield_now().await;
        }
    };
    store.followed(&projections, taken_over).await;
    assert!(*projections.caught_up().borrow(), "whole all the time");
    assert_reads_as(&projections, &log).await;
    assert!(!folder.path().join("read.db.next").exists());
    assert!(!projections.store.is_stale());
}

#[tokio::test]
async fn a_renewal_that_is_asked_for_changes_nothing_that_is_read() {
    let log = story();
    let store = Store::of(&log);
    let projections = Projections::in_memory().unwrap();
    let renewed = async || {
        whole(&projections).await;
        let before = projections.store.generation();
        projections.rebuild(start()).unwrap();
        while projections.store.generation() == before {
            tokio::task::yield_now().await;
        }
        reached(&projections, log.end()).await;
    };
    store.followed(&projections, renewed).await;
    assert_reads_as(&projections, &log).await;
}
