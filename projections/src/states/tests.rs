//! With states that are kept, questions have the answers that they have without.

use super::{FoldedStates, Histories, StatesError};
use crate::{
    Projections,
    tests::{Log, network_id, story, write},
};
use audit::{Comparison, Told, Until};
use chrono::Duration;
use domain::{EventId, NetworkId, network::NetworkEvent};
use journal::{Body, JournalError, Position, Recorded};
use parking_lot::Mutex;
use std::{path::Path, sync::Arc};
use uuid::Uuid;

/// A log, and how many events were read of it.
#[derive(Clone, Default)]
struct Read {
    events: Arc<Mutex<Vec<Recorded>>>,
    many: Arc<Mutex<u64>>,
}

impl Read {
    fn of(log: &Log) -> Self {
        let read = Self::default();
        *read.events.lock() = log.events.clone();
        read
    }

    fn stream(&self, stream: &str) -> Vec<Recorded> {
        let all = self.events.lock();
        all.iter()
            .filter(|it| it.stream == stream)
            .cloned()
            .collect()
    }

    fn many(&self) -> u64 {
        std::mem::take(&mut *self.many.lock())
    }
}

impl Histories for Read {
    async fn part(
        &self,
        stream: &str,
        after: Option<u64>,
        most: usize,
    ) -> Result<Vec<Recorded>, JournalError> {
        let mut behind = self.stream(stream);
        behind.retain(|it| after.is_none_or(|after| it.revision > after));
        behind.truncate(most);
        *self.many.lock() += behind.len() as u64;
        Ok(behind)
    }

    async fn event(
        &self,
        stream: &str,
        revision: u64,
    ) -> Result<Option<(EventId, Position)>, JournalError> {
        let all = self.stream(stream);
        let found = all.iter().find(|it| it.revision == revision);
        Ok(found.map(|it| (it.event_id, it.position)))
    }
}

fn every(many: u64) -> FoldedStates {
    FoldedStates {
        every: many,
        worth: u64::MAX,
        part: 7,
        ..FoldedStates::in_memory().unwrap()
    }
}

async fn filled(many: u64, log: &Read) -> FoldedStates {
    let states = every(many);
    for network in [network_id(1), network_id(2)] {
        states.fill(log, network).await.unwrap();
    }
    log.many();
    states
}

/// The places of a history that one may ask about: at each event, right before and right behind.
fn places(events: &[Recorded]) -> Vec<Until> {
    let at = |event: &Recorded| {
        let Position { commit, prepare } = event.position;
        let positions = [-1_i64, 0, 1].map(|by| {
            Until::Position(Position {
                commit: commit.saturating_add_signed(by),
                prepare,
            })
        });
        let times = [-1, 0, 1].map(|by| Until::Time(event.time() + Duration::milliseconds(by)));
        [positions, times].concat()
    };
    let all = events.iter().flat_map(at);
    all.chain([Until::End]).collect()
}

async fn without(log: &Read, network: NetworkId, until: Until) -> Told {
    let mut told = Told::default();
    let events = log.stream(&network.stream());
    let _ = events.iter().try_for_each(|it| told.take(it, until));
    told
}

/// Times as servers whose clocks differ write them.
fn skewed(mut log: Log) -> Log {
    for (index, event) in log.events.iter_mut().enumerate() {
        let by = Duration::seconds(7 * (index as i64 * 13 % 5));
        if let Some(metadata) = &mut event.metadata {
            metadata.time = metadata.time.map(|it| it - by);
        }
    }
    log
}

#[tokio::test]
async fn at_every_place_of_a_history_what_is_kept_changes_no_answer() {
    for log in [story(), skewed(story())] {
        let read = Read::of(&log);
        for many in [1, 2, 5, 1_000] {
            let states = filled(many, &read).await;
            for network in [network_id(1), network_id(2), network_id(9)] {
                for until in places(&read.stream(&network.stream())) {
                    let with = states.at_of(&read, network, until).await.unwrap();
                    let without = without(&read, network, until).await;
                    assert_eq!(with, without, "{until:?}, every {many}");
                }
            }
        }
    }
}

#[tokio::test]
async fn between_any_two_places_what_is_kept_changes_no_difference() {
    let read = Read::of(&skewed(story()));
    let (network, states) = (network_id(1), filled(4, &read).await);
    let events = read.stream(&network.stream());
    let all = places(&events);
    for from in all.iter().step_by(5) {
        for to in all.iter().step_by(7) {
            let with = states.diff_of(&read, network, *from, *to).await.unwrap();
            let mut without = Comparison::new(*from, *to);
            let _ = events.iter().try_for_each(|it| without.take(it));
            let without = without.finish().unwrap();
            assert_eq!(
                format!("{with:?}"),
                format!("{without:?}"),
                "{from:?} {to:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_question_about_any_place_reads_no_more_than_lies_between_two_states() {
    let read = Read::of(&story());
    let (network, states) = (network_id(1), filled(5, &read).await);
    let events = read.stream(&network.stream());
    assert!(events.len() > 30);
    for event in &events {
        let until = Until::Position(event.position);
        states.at_of(&read, network, until).await.unwrap();
        let many = read.many();
        assert!(many <= 6, "{many} at {}", event.revision);
    }
}

#[tokio::test]
async fn a_history_that_has_grown_is_read_on_and_not_from_its_start() {
    let log = story();
    let read = Read::of(&log);
    let states = filled(5, &read).await;
    let events = read.stream(&network_id(1).stream()).len() as u64;
    states.fill(&read, network_id(1)).await.unwrap();
    assert!(read.many() < 5, "nothing has grown");
    let up_to = states.kept(network_id(1)).unwrap();
    assert!(events - up_to <= 5, "{up_to} of {events}");
    assert!(!states.is_due(network_id(1), up_to + 5, None));
    assert!(states.is_due(network_id(1), up_to + 6, None));
    // What leaves no state is read again once there is as much of it again.
    let read = up_to + 40;
    assert!(!states.is_due(network_id(1), read + 40, Some(read)));
    assert!(states.is_due(network_id(1), read + 41, Some(read)));
}

#[tokio::test]
async fn what_was_kept_of_another_log_is_thrown_away() {
    let log = story();
    let states = filled(3, &Read::of(&log)).await;
    let mut other = story();
    for event in &mut other.events {
        event.position.commit += 7;
        event.event_id = EventId(Uuid::from_u128(event.revision.into()));
    }
    let read = Read::of(&other);
    for network in [network_id(1), network_id(2)] {
        let told = states.at_of(&read, network, Until::End).await.unwrap();
        assert_eq!(told, without(&read, network, Until::End).await);
        assert_eq!(states.kept(network), None);
        // It is kept anew.
        states.fill(&read, network).await.unwrap();
        let told = states.at_of(&read, network, Until::End).await.unwrap();
        assert_eq!(told, without(&read, network, Until::End).await);
    }
}

async fn on_disk(path: &Path, read: &Read) -> FoldedStates {
    let states = FoldedStates {
        every: 3,
        worth: u64::MAX,
        part: 7,
        ..FoldedStates::open(path).unwrap()
    };
    states.fill(read, network_id(1)).await.unwrap();
    states
}

#[tokio::test]
async fn states_are_there_again_after_a_start_unless_they_are_of_another_version_or_damaged() {
    let (folder, read) = (tempfile::tempdir().unwrap(), Read::of(&story()));
    let path = folder.path().join("states.sqlite");
    drop(on_disk(&path, &read).await);
    let up_to = |states: &FoldedStates| states.kept(network_id(1));
    assert!(up_to(&FoldedStates::open(&path).unwrap()).is_some());
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch("PRAGMA user_version = 7").unwrap();
    drop(file);
    assert_eq!(up_to(&FoldedStates::open(&path).unwrap()), None);
    drop(on_disk(&path, &read).await);
    std::fs::write(&path, vec![b'x'; 9_000]).unwrap();
    assert_eq!(up_to(&FoldedStates::open(&path).unwrap()), None);
    drop(on_disk(&path, &read).await);
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch("PRAGMA application_id = 7").unwrap();
    let foreign = FoldedStates::open(&path);
    assert!(matches!(foreign, Err(StatesError::Foreign { .. })));
}

#[tokio::test]
async fn a_state_that_cannot_be_read_or_a_table_that_is_gone_costs_time_and_no_answer() {
    let deeds = ["UPDATE states SET state = x'00'", "DROP TABLE states"];
    for deed in deeds {
        let (folder, read) = (tempfile::tempdir().unwrap(), Read::of(&story()));
        let path = folder.path().join("states.sqlite");
        let states = on_disk(&path, &read).await;
        let file = rusqlite::Connection::open(&path).unwrap();
        file.execute_batch(deed).unwrap();
        drop(file);
        for _ in 0..2 {
            let told = states.at_of(&read, network_id(1), Until::End).await;
            let without = without(&read, network_id(1), Until::End).await;
            assert_eq!(told.unwrap(), without, "{deed}");
        }
        states.fill(&read, network_id(1)).await.unwrap();
        let told = states.at_of(&read, network_id(1), Until::End).await;
        assert_eq!(
            told.unwrap(),
            without(&read, network_id(1), Until::End).await
        );
    }
}

#[tokio::test]
async fn when_there_is_no_room_states_are_thinned_and_the_newest_stays() {
    let read = Read::of(&story());
    let states = filled(1, &read).await;
    let count = || {
        let rows = states.rows.lock();
        [network_id(1), network_id(2)].map(|it| rows.count(it))
    };
    let [before, _] = count();
    assert!(before > 20);
    let bytes = states.rows.lock().bytes();
    states.rows.lock().at_most(bytes / 4);
    // The next state that is kept finds no room.
    let mut log = story();
    let again = log.events.iter().find_map(|it| match &it.body {
        Body::Event(event @ NetworkEvent::RouteAccepted(_)) => Some(event.clone()),
        Body::Event(_) | Body::Undecodable { .. } => None,
    });
    log.append(network_id(1), 9_000, again);
    *read.events.lock() = log.events.clone();
    states.fill(&read, network_id(1)).await.unwrap();
    assert!(states.rows.lock().bytes() <= bytes / 4);
    let [after, _] = count();
    assert!(after >= 2 && after < before / 2, "{after} of {before}");
    let last = read.stream(&network_id(1).stream()).len() as u64 - 1;
    assert_eq!(states.kept(network_id(1)), Some(last));
    for network in [network_id(1), network_id(2)] {
        for until in places(&read.stream(&network.stream())) {
            let with = states.at_of(&read, network, until).await.unwrap();
            assert_eq!(with, without(&read, network, until).await, "{until:?}");
        }
    }
}

#[tokio::test]
async fn networks_that_have_grown_are_known_from_the_read_models() {
    let log = story();
    let projections = Projections::in_memory().unwrap();
    write(&projections, &log.events).await;
    let last = |n| {
        let of = log
            .events
            .iter()
            .filter(|it| it.network_id == Some(network_id(n)));
        of.map(|it| it.revision).max().unwrap()
    };
    let longer = projections.longer_than(last(2)).await.unwrap();
    assert_eq!(longer, [(network_id(1), last(1)), (network_id(2), last(2))]);
    let longer = projections.longer_than(last(1)).await.unwrap();
    assert_eq!(longer, [(network_id(1), last(1))]);
    assert!(last(1) > last(2));
}

#[tokio::test(start_paused = true)]
async fn states_are_kept_as_the_log_grows_without_a_question() {
    let log = story();
    let (read, states) = (Read::of(&log), every(5));
    let projections = Projections::in_memory().unwrap();
    let mut often = tokio::time::interval(std::time::Duration::from_millis(100));
    let grows = async {
        let half = log.events.len() / 2;
        for events in [&log.events[..half], &log.events[half..]] {
            let position = write(&projections, events).await;
            projections.progress.position.send_replace(position);
            let of = |n: u128| {
                let own = events
                    .iter()
                    .filter(|it| it.network_id == Some(network_id(n)));
                own.map(|it| it.revision).max().unwrap()
            };
            while states.is_due(network_id(1), of(1), None)
                || states.is_due(network_id(2), of(2), None)
            {
                often.tick().await;
            }
        }
    };
    tokio::select! {
        () = states.follow(&read, &projections) => panic!("it goes on for ever"),
        () = grows => {}
    }
}

#[tokio::test]
async fn a_large_state_is_kept_less_often_than_a_small_one() {
    let read = Read::of(&story());
    let count = async |worth| {
        let states = FoldedStates { worth, ..every(2) };
        states.fill(&read, network_id(1)).await.unwrap();
        let rows = states.rows.lock();
        rows.count(network_id(1))
    };
    let (many, few) = (count(u64::MAX).await, count(400).await);
    assert!(few > 0 && few * 2 < many, "{few} of {many}");
}
