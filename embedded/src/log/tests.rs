//! Both logs answer alike.

use std::{ops::ControlFlow, path::Path};

use super::*;
use crate::model::{NewEvent, encode_event, encode_marker};

fn on_disk(directory: &Path) -> DiskLog {
    DiskLog::open(directory, Durability::Unsynced).unwrap()
}

fn both(test: impl Fn(&dyn Log)) {
    test(&MemoryLog::default());
    let directory = tempfile::tempdir().unwrap();
    test(&on_disk(directory.path()));
}

/// One event per (stream, number), each in a group of its own, at positions 64, 65 and so on.
fn fill(log: &dyn Log, events: &[(&str, u64)]) {
    for (position, (stream, number)) in (64..).map(Position::new).zip(events) {
        let stream = StreamName::new(stream);
        let event = NewEvent {
            id: Uuid::from_u128(u128::from(position.get())),
            event_type: "Tested".into(),
            is_json: true,
            data: format!("{stream} {number}").into(),
            metadata: Bytes::new(),
        };
        log.commit(Group {
            records: vec![(position, encode_event(&stream, *number, Ticks(5), &event))],
            removed: Vec::new(),
            entries: vec![(
                stream,
                IndexEntry {
                    number: *number,
                    position,
                    id: event.id,
                    created: Ticks(5),
                },
            )],
        })
        .unwrap();
    }
}

fn scanned(log: &dyn Log, from: u64, to: u64, direction: Direction, limit: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    log.scan(
        Position::new(from),
        Position::new(to),
        direction,
        &mut |record| {
            seen.push(record.position.get());
            if seen.len() == limit {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        },
    )
    .unwrap();
    seen
}

#[test]
fn a_scan_visits_a_half_open_range_until_it_is_ended() {
    both(|log| {
        fill(log, &[("a", 0), ("b", 0), ("a", 1), ("b", 1)]);
        assert_eq!(
            scanned(log, 0, u64::MAX, Direction::Forwards, 9),
            [64, 65, 66, 67]
        );
        assert_eq!(scanned(log, 65, 67, Direction::Forwards, 9), [65, 66]);
        assert_eq!(scanned(log, 0, 67, Direction::Backwards, 2), [66, 65]);
        assert_eq!(scanned(log, 67, 65, Direction::Forwards, 9), [0; 0]);
    });
}

#[test]
fn streams_whose_names_begin_alike_are_kept_apart() {
    both(|log| {
        fill(log, &[("a", 0), ("ab", 0), ("a", 1), ("ab", 1), ("a", 2)]);
        let numbers = |stream, numbers, direction, limit| -> Vec<u64> {
            let entries = log.entries(&StreamName::new(stream), numbers, direction, limit);
            entries.unwrap().iter().map(|entry| entry.number).collect()
        };
        assert_eq!(
            numbers("a", 0..=u64::MAX, Direction::Forwards, 9),
            [0, 1, 2]
        );
        assert_eq!(numbers("a", 1..=2, Direction::Backwards, 1), [2]);
        assert_eq!(numbers("ab", 0..=u64::MAX, Direction::Backwards, 9), [1, 0]);
        assert_eq!(numbers("b", 0..=u64::MAX, Direction::Forwards, 9), [0; 0]);
        assert_eq!(
            log.last_of(&StreamName::new("a"), 1)
                .unwrap()
                .unwrap()
                .number,
            1
        );
        let entry = log.entry(&StreamName::new("ab"), 1).unwrap().unwrap();
        assert_eq!(entry.position, Position::new(67));
        assert_eq!(entry.id, Uuid::from_u128(67));
        assert_eq!(log.entry(&StreamName::new("ab"), 2).unwrap(), None);
    });
}

#[test]
fn the_end_is_after_the_last_record_markers_included() {
    both(|log| {
        assert_eq!(log.end().unwrap(), Position::FIRST);
        let marker = encode_marker(Ticks(1));
        let len = marker.len();
        log.commit(Group {
            records: vec![(Position::new(100), marker)],
            entries: Vec::new(),
            ..Group::default()
        })
        .unwrap();
        assert_eq!(log.end().unwrap(), Position::new(100).after(len));
        assert!(log.record(Position::new(100)).unwrap().unwrap().is_marker());
        assert_eq!(log.record(Position::new(101)).unwrap(), None);
    });
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let log = on_disk(directory.path());
    fill(&log, &[("a", 0), ("a", 1)]);
    drop(log);
    let log = on_disk(directory.path());
    let record = log.record(Position::new(65)).unwrap().unwrap();
    assert_eq!(record.data(), "a 1");
}

#[test]
fn while_a_scan_is_under_way_the_log_is_not_let_go_and_others_go_on_reading_it() {
    let directory = tempfile::tempdir().unwrap();
    let log = on_disk(directory.path());
    fill(&log, &[("a", 0), ("a", 1)]);
    let mut visited = 0;
    log.scan(
        Position::START,
        Position::END,
        Direction::Forwards,
        &mut |_| {
            let error = log.recover().unwrap_err();
            assert!(matches!(error, LogError::Reopen(_)), "{error:?}");
            assert_eq!(
                log.record(Position::new(65)).unwrap().unwrap().data(),
                "a 1"
            );
            visited += 1;
            ControlFlow::Continue(())
        },
    )
    .unwrap();
    assert_eq!(visited, 2);
    log.recover().unwrap();
    assert_eq!(
        log.record(Position::new(65)).unwrap().unwrap().data(),
        "a 1"
    );
}

#[test]
fn while_the_disk_takes_nothing_readers_go_on_from_the_old_handle() {
    let directory = tempfile::tempdir().unwrap();
    let log = on_disk(directory.path());
    fill(&log, &[("a", 0), ("a", 1)]);
    // Where a small file would be written, none can be.
    let in_the_way = directory.path().join("extent.new");
    std::fs::create_dir(&in_the_way).unwrap();
    for _ in 0..3 {
        let error = log.recover().unwrap_err();
        assert!(matches!(error, LogError::Reopen(_)), "{error:?}");
        assert_eq!(
            log.record(Position::new(65)).unwrap().unwrap().data(),
            "a 1"
        );
    }
    std::fs::remove_dir(&in_the_way).unwrap();
    log.recover().unwrap();
    assert_eq!(
        log.record(Position::new(65)).unwrap().unwrap().data(),
        "a 1"
    );
}

#[test]
fn a_log_that_has_lost_what_was_acknowledged_is_not_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let log = on_disk(directory.path());
    fill(&log, &[("a", 0)]);
    log.write_tables();
    fill(&log, &[("a", 0), ("a", 1)]);
    for entry in std::fs::read_dir(folder::store(directory.path())).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|it| it == "jnl") {
            std::fs::remove_file(file).unwrap();
        }
    }
    for _ in 0..2 {
        let error = log.recover().unwrap_err();
        assert!(matches!(error, LogError::Reopen(_)), "{error:?}");
        let closed = log.record(Position::new(64)).unwrap_err();
        assert!(matches!(closed, LogError::Closed), "{closed:?}");
    }
}

#[test]
fn a_directory_in_use_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let _open = on_disk(directory.path());
    let error = DiskLog::open(directory.path(), Durability::Synced).unwrap_err();
    assert!(
        matches!(&error, OpenError::InUse(path) if path == directory.path()),
        "{error:?}"
    );
}

#[test]
fn a_newer_and_an_older_format_are_recognised_and_others_are_unknown() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("format");
    let opened = |text: &str| {
        std::fs::write(&file, text).unwrap();
        DiskLog::open(directory.path(), Durability::Synced).map(|_| ())
    };
    for (text, number) in [
        ("peerage event store 2\n", 2),
        ("peerage event store 0", 0),
        ("peerage event store 4000000000", 4_000_000_000),
    ] {
        let error = opened(text).unwrap_err();
        assert!(
            matches!(&error, OpenError::OtherFormat { file: named, found, known: 1 } if *named == file && *found == number),
            "{text:?}: {error:?}"
        );
    }
    for text in [
        "",
        "something else 1",
        "peerage event store one",
        "peerage event store 99999999999",
        "\u{fffd}",
    ] {
        let error = opened(text).unwrap_err();
        assert!(
            matches!(&error, OpenError::UnknownFormat { file: named, .. } if *named == file),
            "{text:?}: {error:?}"
        );
    }
    opened("peerage event store 1\n").unwrap();
}

#[test]
fn a_store_whose_format_file_is_gone_is_not_taken_for_an_empty_directory() {
    let directory = tempfile::tempdir().unwrap();
    fill(&on_disk(directory.path()), &[("a", 0)]);
    let file = directory.path().join("format");
    std::fs::remove_file(&file).unwrap();
    let error = DiskLog::open(directory.path(), Durability::Synced).unwrap_err();
    assert!(
        matches!(&error, OpenError::Io { path, .. } if *path == file),
        "{error:?}"
    );
}

#[test]
fn the_whole_index_is_visited_by_stream_and_number() {
    let directory = tempfile::tempdir().unwrap();
    let log = on_disk(directory.path());
    fill(&log, &[("b", 0), ("a", 0), ("long", 0), ("b", 1)]);
    let mut seen = Vec::new();
    log.visit_index(&mut |stream, entry| {
        seen.push(format!(
            "{}@{stream} {}",
            entry.number,
            entry.position.get()
        ));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(seen, ["0@a 65", "0@b 64", "1@b 67", "0@long 66"]);
}

/// The library's own settings let it keep 64 MB of each tree in memory.
#[test]
fn what_is_not_in_tables_yet_is_bounded_however_the_store_was_made() {
    let directory = tempfile::tempdir().unwrap();
    folder::claim(directory.path()).unwrap();
    let made = fjall::Database::builder(folder::store(directory.path()))
        .open()
        .unwrap();
    ["records", "index"].iter().for_each(|tree| {
        drop(
            made.keyspace(tree, fjall::KeyspaceCreateOptions::default)
                .unwrap(),
        )
    });
    drop(made);
    let log = on_disk(directory.path());
    for number in 0..60 {
        let (stream, position) = (StreamName::new("s"), Position::new(64 + (number << 20)));
        let id = Uuid::from_u128(u128::from(number) + 1);
        let event = NewEvent {
            id,
            event_type: "Tested".into(),
            is_json: false,
            data: Bytes::from(vec![b'a'; 1 << 19]),
            metadata: Bytes::new(),
        };
        let record = encode_event(&stream, number, Ticks(1), &event);
        let entry = IndexEntry {
            number,
            position,
            id,
            created: Ticks(1),
        };
        log.commit(Group {
            records: vec![(position, record)],
            entries: vec![(stream, entry)],
            removed: Vec::new(),
        })
        .unwrap();
    }
    assert!(
        log.not_in_tables() < 15 << 20,
        "{} bytes of 30 MB are not in tables",
        log.not_in_tables()
    );
    assert_eq!(
        scanned(&log, 0, u64::MAX, Direction::Forwards, 99).len(),
        60
    );
}
