//! Built anew beside what serves: compared, told, switched to; given up, gone on with, refused.

use super::{
    following::{Store, reached, whole},
    *,
};
use crate::{Comparison, Differs, NotCancelled, Rebuild, Stage, UnderWay};
use journal::{FollowError, Signal};
use rusqlite::Connection;
use std::path::PathBuf;
use tempfile::TempDir;

/// Read models of the whole story, in a file that hands may reach.
struct Place {
    folder: TempDir,
    path: PathBuf,
    log: Log,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (path, log) = (folder.path().join("read.db"), story());
        write(&Projections::open(&path).unwrap(), &log.events).await;
        Self { folder, path, log }
    }

    fn next(&self) -> PathBuf {
        self.folder.path().join("read.db.next")
    }

    fn by_hand(&self, statements: &str) {
        let file = Connection::open(&self.path).unwrap();
        file.execute_batch(statements).unwrap();
    }

    /// What stands half built after so many events, as a process leaves it that died.
    async fn half(&self, events: usize) {
        let projections = Projections::open(&self.path).unwrap();
        let beside = Arc::new(projections.store.beside(Some(start())).unwrap());
        let events = self.log.events[..events].to_vec();
        let written = beside.write(0, move |rows| {
            fold::apply(rows, &events, None, Known::WhatIsThere)
        });
        written.await.unwrap().unwrap();
    }

    /// Has new ones built, and gives what became of it.
    async fn rebuilt(&self, store: &Store) -> (Projections, Rebuild) {
        let projections = Projections::open(&self.path).unwrap();
        let ended = async || {
            whole(&projections).await;
            projections.rebuild(start()).unwrap();
            ended(&projections).await;
        };
        store.followed(&projections, ended).await;
        let last = projections.last_rebuild().unwrap();
        (projections, last)
    }

    async fn assert_is_what_the_log_makes(&self, projections: &Projections) {
        let log = dump(&written(&self.log).await).await;
        assert_eq!(dump(projections).await, log);
        assert!(!self.next().exists());
    }
}

async fn ended(projections: &Projections) {
    until(projections, |it| !it.stage.is_under_way()).await;
}

async fn until(projections: &Projections, is: impl Fn(&Rebuild) -> bool) {
    while !projections.last_rebuild().is_some_and(|it| is(&it)) {
        tokio::task::yield_now().await;
    }
}

/// A follower from the start hears nothing of this log, as of one that is very long.
fn held_back(log: &Log) -> Store {
    let store = Store::of(log);
    *store.held_back.lock() = Some(Vec::new());
    store
}

#[tokio::test]
async fn what_was_built_is_the_same_row_for_row_and_takes_over() {
    let place = Place::new().await;
    let (projections, last) = place.rebuilt(&Store::of(&place.log)).await;
    assert_eq!(last.stage, Stage::Switched);
    let Comparison {
        position,
        rows,
        differences,
        ..
    } = last.comparison.unwrap();
    assert_eq!((position, differences), (place.log.end(), 0));
    // Of each event one row at least, and of what it is about.
    assert!(rows as usize > place.log.events.len(), "{rows}");
    assert_eq!(last.events as usize, place.log.events.len());
    assert_eq!((last.asked_at, last.is_resumed), (Some(start()), false));
    assert_eq!(projections.store.generation(), 1, "another file serves");
    place.assert_is_what_the_log_makes(&projections).await;
}

#[tokio::test]
async fn rows_that_were_changed_added_or_taken_by_hand_are_named_and_put_right() {
    let place = Place::new().await;
    let peering = peering_id(1);
    place.by_hand(&format!(
        "UPDATE peerings SET account = '999999999999' WHERE peering_id = '{peering}';
         DELETE FROM timeline WHERE revision = 3 AND network_id = '{}';
         INSERT INTO timeline_ranges_named VALUES (1, 2, 3);
         UPDATE networks SET state = replace(state, 'eu-west-1', 'eu-west-2') WHERE network_id = '{}'",
        network_id(1),
        network_id(2),
    ));
    let (projections, last) = place.rebuilt(&Store::of(&place.log)).await;
    assert_eq!(last.stage, Stage::Switched);
    let comparison = last.comparison.unwrap();
    assert_eq!(comparison.differences, 4);
    let of = |table: &str| {
        let mut found = comparison.first.iter().filter(|it| it.table == table);
        let one = found.next().unwrap();
        assert!(found.next().is_none(), "{comparison:?}");
        one
    };
    let account = of("peerings");
    let key = format!("peering_id={peering}, network_id={}", network_id(1));
    assert_eq!(account.key, key);
    let Differs::In(columns) = &account.differs else {
        panic!("{account:?}");
    };
    let told = columns
        .iter()
        .map(|it| [&*it.column, &*it.served, &*it.built]);
    let told: Vec<_> = told.collect();
    assert_eq!(told, [["account", "999999999999", "444455556666"]]);
    assert_eq!(of("timeline").differs, Differs::Missing);
    assert_eq!(of("timeline_ranges_named").differs, Differs::Extra);
    let Differs::In(columns) = &of("networks").differs else {
        panic!("{comparison:?}");
    };
    assert!(columns[0].served.contains("eu-west-2"), "{columns:?}");
    assert!(columns[0].built.contains("eu-west-1"), "{columns:?}");
    assert_eq!(projections.rebuild_counts().differences, 4);
    place.assert_is_what_the_log_makes(&projections).await;
}

#[tokio::test]
async fn both_are_compared_at_the_same_position_while_the_log_grows() {
    let (folder, log) = (tempfile::tempdir().unwrap(), story());
    let path = folder.path().join("read.db");
    let begun = log.events.len() / 3;
    let first = Log {
        events: log.events[..begun].to_vec(),
        ..Log::default()
    };
    write(&Projections::open(&path).unwrap(), &first.events).await;
    let store = Store::of(&first);
    let projections = Projections::open(&path).unwrap();
    let while_it_grows = async || {
        whole(&projections).await;
        let mut events = log.events[begun..].iter();
        let mut rebuilds = 0;
        while events.len() > 0 {
            if projections.rebuild(start()).is_ok() {
                rebuilds += 1;
            }
            let event = events.next().unwrap();
            store.append(std::slice::from_ref(event));
            reached(&projections, event.position).await;
            let last = projections.last_rebuild().unwrap();
            let comparison = last.comparison.unwrap_or_default();
            assert_eq!(comparison.first, [], "at {}", event.position);
            if events.len() % 10 == 0 {
                // However slow the machine is, there is another one.
                ended(&projections).await;
            }
        }
        ended(&projections).await;
        assert!(rebuilds > 1, "it was built anew while the log grew");
        assert_eq!(projections.rebuild_counts().differences, 0);
        reached(&projections, log.end()).await;
    };
    store.followed(&projections, while_it_grows).await;
    assert_eq!(dump(&projections).await, dump(&written(&log).await).await);
}

#[tokio::test]
async fn read_models_in_memory_are_compared_and_switched_too() {
    let (log, projections) = (story(), Projections::in_memory().unwrap());
    let store = Store::of(&log);
    let found_and_mended = async || {
        whole(&projections).await;
        let by_hand = "UPDATE peerings SET life = 'of old' WHERE life = 'failed'";
        projections
            .store
            .with(|rows| rows.execute_batch(by_hand))
            .unwrap();
        projections.rebuild(start()).unwrap();
        ended(&projections).await;
        let last = projections.last_rebuild().unwrap();
        assert_eq!(last.stage, Stage::Switched);
        let comparison = last.comparison.unwrap();
        assert_eq!(comparison.differences, 1, "{comparison:?}");
        assert_eq!(comparison.first[0].table, "peerings");
    };
    store.followed(&projections, found_and_mended).await;
    assert_eq!(dump(&projections).await, dump(&written(&log).await).await);
}

#[tokio::test]
async fn there_is_one_at_a_time_and_it_can_be_given_up() {
    let place = Place::new().await;
    let (store, projections) = (
        held_back(&place.log),
        Projections::open(&place.path).unwrap(),
    );
    assert_eq!(projections.cancel_rebuild(), Err(NotCancelled::None));
    let begun_then_given_up = async || {
        whole(&projections).await;
        projections.rebuild(start()).unwrap();
        until(&projections, |it| it.stage == Stage::Building).await;
        assert!(place.next().exists());
        assert_eq!(projections.rebuild(start()), Err(UnderWay));
        projections.cancel_rebuild().unwrap();
        ended(&projections).await;
        let last = projections.last_rebuild().unwrap();
        assert_eq!((last.stage, &*last.cause), (Stage::Cancelled, ""));
        assert!(!place.next().exists(), "its room is free again");
        assert_eq!(projections.cancel_rebuild(), Err(NotCancelled::None));
        // Nothing of it is left that would be in the way of the next.
        store.gives_it_from_the_start();
        projections.rebuild(start()).unwrap();
        ended(&projections).await;
        let last = projections.last_rebuild().unwrap();
        assert_eq!((last.stage, last.is_resumed), (Stage::Switched, false));
    };
    store.followed(&projections, begun_then_given_up).await;
    let counts = projections.rebuild_counts();
    assert_eq!((counts.cancelled, counts.switched), (1, 1));
    place.assert_is_what_the_log_makes(&projections).await;
}

#[tokio::test]
async fn what_a_process_left_half_built_is_gone_on_with_and_not_begun_anew() {
    // Of one event alone, what shows that it is the same log is the log from its start.
    for events in [2, 10, story().events.len()] {
        let place = Place::new().await;
        place.half(events).await;
        // Nobody hears anything of the log from its start.
        let (store, projections) = (
            held_back(&place.log),
            Projections::open(&place.path).unwrap(),
        );
        let resumed = async || {
            ended(&projections).await;
            reached(&projections, place.log.end()).await;
        };
        store.followed(&projections, resumed).await;
        let last = projections.last_rebuild().unwrap();
        assert_eq!((last.stage, last.is_resumed), (Stage::Switched, true));
        assert_eq!(last.asked_at, Some(start()), "as it was asked for then");
        assert_eq!(last.events as usize, place.log.events.len());
        assert_eq!(last.comparison.unwrap().differences, 0);
        place.assert_is_what_the_log_makes(&projections).await;
    }
}

#[tokio::test]
async fn what_stands_half_built_of_another_log_or_form_is_begun_anew() {
    let of_another_log = "UPDATE timeline SET event_id = '00000000-0000-0000-0000-00000000000f'";
    let damaged = "UPDATE networks SET state = '{'";
    for by_hand in [of_another_log, damaged, "PRAGMA user_version = 7"] {
        let place = Place::new().await;
        place.half(10).await;
        let next = Connection::open(place.next()).unwrap();
        next.execute_batch(by_hand).unwrap();
        drop(next);
        let (store, projections) = (
            Store::of(&place.log),
            Projections::open(&place.path).unwrap(),
        );
        let built = async || {
            whole(&projections).await;
            // What is of another form is not wanted any more.
            let _ = projections.rebuild(start());
            ended(&projections).await;
        };
        store.followed(&projections, built).await;
        let last = projections.last_rebuild().unwrap();
        assert_eq!(last.stage, Stage::Switched, "{by_hand}");
        assert_eq!(last.comparison.unwrap().differences, 0, "{by_hand}");
        place.assert_is_what_the_log_makes(&projections).await;
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_those_that_serve_go_on() {
    let place = Place::new().await;
    let known = place.log.events.len() - 5;
    let store = Store::of(&Log {
        events: place.log.events[..known].to_vec(),
        ..Log::default()
    });
    std::fs::remove_file(&place.path).unwrap();
    let projections = Projections::open(&place.path).unwrap();
    // Those that an empty file has.
    *projections.store.pages_beside.lock() = Some(1);
    let hindered_then_done = async || {
        whole(&projections).await;
        projections.rebuild(start()).unwrap();
        until(&projections, |it| it.cause.contains("full")).await;
        store.append(&place.log.events[known..]);
        reached(&projections, place.log.end()).await;
        let last = projections.last_rebuild().unwrap();
        assert!(last.stage.is_under_way(), "{last:?}");
        *projections.store.pages_beside.lock() = None;
        ended(&projections).await;
        let last = projections.last_rebuild().unwrap();
        assert_eq!((last.stage, &*last.cause), (Stage::Switched, ""));
    };
    store.followed(&projections, hindered_then_done).await;
    place.assert_is_what_the_log_makes(&projections).await;
}

#[tokio::test]
async fn a_log_that_becomes_another_one_meanwhile_ends_it() {
    let place = Place::new().await;
    let mut theirs = Log::default();
    theirs.append(network_id(7), 700, [registered(7)]);
    let (store, projections) = (
        held_back(&place.log),
        Projections::open(&place.path).unwrap(),
    );
    let replaced = async || {
        whole(&projections).await;
        projections.rebuild(start()).unwrap();
        until(&projections, |it| it.stage == Stage::Building).await;
        store.becomes(&theirs);
        store.gives_it_from_the_start();
        store.say(|| Ok(Signal::Resumed));
        store.say(|| Ok(Signal::CaughtUp));
        let mut position = projections.position();
        let theirs = position.wait_for(|at| *at == theirs.end());
        theirs.await.map(drop).unwrap();
        whole(&projections).await;
    };
    store.followed(&projections, replaced).await;
    let last = projections.last_rebuild().unwrap();
    assert!(!last.stage.is_under_way(), "{last:?}");
    assert_eq!(
        dump(&projections).await,
        dump(&written(&theirs).await).await
    );
    assert!(!place.next().exists());
}

#[tokio::test]
async fn nobody_cancels_what_a_new_form_needs() {
    let place = Place::new().await;
    place.by_hand("PRAGMA user_version = 7");
    let projections = Projections::open(&place.path).unwrap();
    let last = projections.last_rebuild().unwrap();
    assert_eq!((last.asked_at, last.stage), (None, Stage::Asked));
    assert_eq!(projections.cancel_rebuild(), Err(NotCancelled::NewForm));
    assert_eq!(projections.rebuild(start()), Err(UnderWay));
    let store = Store::of(&place.log);
    let built = async || ended(&projections).await;
    store.followed(&projections, built).await;
    let last = projections.last_rebuild().unwrap();
    assert_eq!(last.stage, Stage::Switched);
    assert_eq!(last.comparison, None, "other forms have other rows");
    place.assert_is_what_the_log_makes(&projections).await;
}

#[tokio::test(start_paused = true)]
async fn how_fast_it_goes_and_how_long_it_takes_follow_from_what_is_done() {
    let rebuilds = crate::rebuild::Rebuilds::new();
    let at = |commit| Position {
        commit,
        prepare: commit,
    };
    rebuilds.ask(Some(start())).unwrap();
    rebuilds.begun(at(1_000), 10, Some(at(9_000)));
    tokio::time::advance(std::time::Duration::from_secs(4)).await;
    rebuilds.at(at(3_000), 200, at(500));
    let last = rebuilds.last().unwrap();
    assert_eq!((last.events, last.events_per_second), (210, 50.0));
    assert_eq!(last.left, Some(std::time::Duration::from_secs(12)));
    assert!(last.is_resumed);
    // The log goes on.
    rebuilds.at(at(3_000), 0, at(11_000));
    let last = rebuilds.last().unwrap();
    assert_eq!(last.left, Some(std::time::Duration::from_secs(16)));
    rebuilds.hindered("no room".to_owned());
    let last = rebuilds.last().unwrap();
    assert_eq!((last.left, &*last.cause), (None, "no room"));
}

#[tokio::test]
async fn what_another_version_left_half_built_is_begun_anew_in_this_form() {
    let place = Place::new().await;
    place.half(10).await;
    // Both are of forms of others: one serves, the other was to.
    for (file, form) in [(&place.path, 7), (&place.next(), 8)] {
        let file = Connection::open(file).unwrap();
        file.pragma_update(None, "user_version", form).unwrap();
    }
    let projections = Projections::open(&place.path).unwrap();
    let store = Store::of(&place.log);
    let built = async || ended(&projections).await;
    store.followed(&projections, built).await;
    assert!(!projections.store.is_stale());
    let last = projections.last_rebuild().unwrap();
    assert_eq!((last.stage, last.is_resumed), (Stage::Switched, false));
    place.assert_is_what_the_log_makes(&projections).await;
}

#[tokio::test]
async fn what_is_asked_for_is_known_after_a_crash_whatever_lay_in_its_place_before() {
    let place = Place::new().await;
    let projections = Projections::open(&place.path).unwrap();
    write(
        &Projections::open(&place.next()).unwrap(),
        &place.log.events[..3],
    )
    .await;
    drop(projections.store.beside(Some(start())).unwrap());
    drop(projections);
    let projections = Projections::open(&place.path).unwrap();
    let last = projections.last_rebuild().unwrap();
    assert_eq!((last.asked_at, last.stage), (Some(start()), Stage::Asked));
}

#[tokio::test]
async fn what_is_no_networks_and_rows_of_before_do_not_know_makes_it_no_other_log() {
    let (mut log, projections) = (story(), Projections::in_memory().unwrap());
    // An older version followed networks alone.
    write(&projections, &log.events).await;
    let mut other = log.events.last().unwrap().clone();
    (other.position.commit, other.position.prepare) =
        (other.position.commit - 50, other.position.prepare - 50);
    (other.stream, other.network_id) = ("access-policy".to_owned(), None);
    other.event_id = domain::EventId(Uuid::from_u128(7));
    let before_the_last = log.events.len() - 1;
    log.events.insert(before_the_last, other);
    projections.rest();
    let followed = async || whole(&projections).await;
    Store::of(&log).followed(&projections, followed).await;
    assert_eq!(projections.store.generation(), 0, "they were not made anew");
}

#[tokio::test]
async fn what_breaks_the_following_of_what_is_built_is_told_and_it_begins_anew() {
    let place = Place::new().await;
    let (store, projections) = (
        held_back(&place.log),
        Projections::open(&place.path).unwrap(),
    );
    let broken_then_built = async || {
        whole(&projections).await;
        projections.rebuild(start()).unwrap();
        until(&projections, |it| it.stage == Stage::Building).await;
        let builds = || store.held_back.lock().as_ref().unwrap().first().cloned();
        while builds().is_none() {
            tokio::task::yield_now().await;
        }
        let refused = FollowError::PositionRefused {
            followed: "all networks".to_owned(),
            from: Some(place.log.events[3].position),
            source: std::io::Error::other("no such position").into(),
        };
        builds().unwrap().send(Err(refused)).unwrap();
        let is_told = |it: &Rebuild| it.cause.contains("no place in this log");
        until(&projections, is_told).await;
        store.gives_it_from_the_start();
        ended(&projections).await;
    };
    store.followed(&projections, broken_then_built).await;
    let last = projections.last_rebuild().unwrap();
    assert_eq!((last.stage, &*last.cause), (Stage::Switched, ""));
    assert_eq!(last.comparison.unwrap().differences, 0);
    place.assert_is_what_the_log_makes(&projections).await;
}

#[tokio::test]
async fn an_event_that_the_log_has_no_more_is_not_waited_for_and_told() {
    let place = Place::new().await;
    let beyond = place.log.end().commit + 50;
    place.by_hand(&format!(
        "INSERT INTO timeline (commit_position, prepare_position, stream, revision, event_id,
             event_type, data, created, time, part)
         SELECT {beyond}, {beyond}, 'access-policy', 0, 'e', 'AccessPolicyEnforced', '{{}}',
             created, time, 'access' FROM timeline LIMIT 1;
         UPDATE checkpoint SET commit_position = {beyond}, prepare_position = {beyond};"
    ));
    let store = Store::of(&place.log);
    *store.others_end.lock() = Position {
        commit: beyond,
        prepare: beyond,
    };
    let (projections, last) = place.rebuilt(&store.waiting_beyond_the_end()).await;
    assert_eq!(last.stage, Stage::Switched);
    let comparison = last.comparison.unwrap();
    assert_eq!(comparison.differences, 1, "{comparison:?}");
    assert_eq!(comparison.first[0].table, "timeline");
    assert_eq!(comparison.first[0].differs, Differs::Extra);
    assert_eq!(*projections.position().borrow(), *store.others_end.lock());
}

#[test]
fn what_has_ended_or_is_given_up_is_changed_by_nothing_that_comes_late() {
    let rebuilds = crate::rebuild::Rebuilds::new();
    let at = |commit| Position {
        commit,
        prepare: commit,
    };
    rebuilds.ask(Some(start())).unwrap();
    rebuilds.begun(Position::START, 0, Some(at(9_000)));
    rebuilds.at(at(3_000), 200, at(500));
    // Begun once more after a hindrance, by the same process.
    rebuilds.hindered("no room".to_owned());
    rebuilds.at(at(3_000), 0, at(500));
    let last = rebuilds.last().unwrap();
    assert_eq!(last.left, None, "nothing is known of how fast it goes");
    assert_eq!(last.cause, "", "and nothing is in its way any more");
    rebuilds.begun(at(3_000), 200, Some(at(9_000)));
    rebuilds.at(at(3_500), 5, at(500));
    let last = rebuilds.last().unwrap();
    assert!(!last.is_resumed && last.left.is_some(), "{last:?}");
    rebuilds.comparing();
    rebuilds.compared(Comparison::default());
    assert_eq!(rebuilds.last().unwrap().stage, Stage::Building);
    rebuilds.cancel().unwrap();
    rebuilds.comparing();
    rebuilds.at(at(4_000), 1, at(500));
    let last = rebuilds.last().unwrap();
    assert_eq!((last.stage, last.position), (Stage::Cancelling, at(3_500)));
    for _ in 0..2 {
        rebuilds.ended(Stage::Cancelled, String::new());
    }
    rebuilds.ended(Stage::Failed, "too late".to_owned());
    let (last, counts) = (rebuilds.last().unwrap(), rebuilds.counts());
    assert_eq!((last.stage, &*last.cause), (Stage::Cancelled, ""));
    assert_eq!(last.left, None);
    assert_eq!((counts.cancelled, counts.failed), (1, 0));
}
