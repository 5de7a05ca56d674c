//! Damage to each kind of file is found and the file named; what a crash leaves is none.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use proptest::prelude::*;
use tempfile::TempDir;
use uuid::Uuid;

use super::{journal, *};
use crate::{
    Durability,
    chance::for_any,
    log::{Direction, DiskLog, Group, IndexEntry, Log, OpenError, extent, folder},
    model::{NewEvent, Position, StreamName, Ticks, encode_event},
};

/// A closed store with tables, and events that are in its journal only. The folder goes with the
/// value.
fn closed_store() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let log = DiskLog::open(directory.path(), Durability::Unsynced).unwrap();
    (0..20).for_each(|number| write(&log, number));
    log.write_tables();
    (20..40).for_each(|number| write(&log, number));
    log.close();
    directory
}

fn write(log: &DiskLog, number: u64) {
    let (stream, position) = (StreamName::new("s"), Position::new(64 + number * 1_000));
    let event = NewEvent {
        id: Uuid::from_u128(u128::from(number) + 1),
        event_type: "Tested".into(),
        is_json: false,
        data: Bytes::from(vec![b'a'; 500]),
        metadata: Bytes::new(),
    };
    let entry = IndexEntry {
        number,
        position,
        id: event.id,
        created: Ticks(1),
    };
    let record = encode_event(&stream, number, Ticks(1), &event);
    log.commit(Group {
        records: vec![(position, record)],
        entries: vec![(stream, entry)],
        removed: Vec::new(),
    })
    .unwrap();
}

fn surveyed(directory: &Path, depth: Depth) -> Survey {
    survey(
        &folder::store(directory),
        depth,
        Order::Flushed,
        &mut |_| {},
    )
    .unwrap()
}

/// The files that count: not the lock, which is empty, nor versions of a tree that another has
/// replaced.
fn files_with(directory: &Path, is_wanted: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let found = folder::files_of(directory)
        .unwrap()
        .into_iter()
        .filter(|found| found.bytes > 0)
        .map(|found| found.file);
    found
        .filter(|file| !is_replaced(file) && is_wanted(file))
        .collect()
}

fn is_replaced(file: &Path) -> bool {
    let current = fs::read(file.with_file_name("current"));
    let named = current
        .ok()
        .and_then(|current| Some(u64::from_le_bytes(*current.first_chunk()?)));
    is_version(file) && named.is_some_and(|number| !file.ends_with(format!("v{number}")))
}

fn the_journal(directory: &Path) -> PathBuf {
    files_with(directory, |file| {
        file.extension().is_some_and(|extension| extension == "jnl")
    })
    .pop()
    .unwrap()
}

fn is_table(file: &Path) -> bool {
    file.parent()
        .is_some_and(|folder| folder.ends_with("tables"))
}

fn is_version(file: &Path) -> bool {
    file.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with('v'))
}

#[test]
fn a_store_as_it_was_written_has_no_faults() {
    let store = closed_store();
    let survey = surveyed(store.path(), Depth::Whole);
    assert_eq!(survey.faults, []);
    assert!(survey.files > 8, "{survey:?}");
    DiskLog::open(store.path(), Durability::Synced).unwrap();
    assert_eq!(surveyed(store.path(), Depth::Whole).faults, []);
}

#[test]
fn a_flipped_bit_in_any_file_is_found_and_the_file_named() {
    let files = files_with(closed_store().path(), |_| true).len();
    for place in 0..files {
        let store = closed_store();
        let file = files_with(store.path(), |_| true).remove(place);
        let mut content = fs::read(&file).unwrap();
        // Zeros that were set aside hold nothing.
        let written = content.iter().rposition(|byte| *byte != 0).unwrap();
        let at = written / 3;
        content[at] ^= 4;
        fs::write(&file, &content).unwrap();
        let is_ours = file.parent() == Some(store.path());
        let faults = surveyed(store.path(), Depth::Whole).faults;
        // What a tree's `current` says about its version file cannot be told from what the version
        // file is.
        let names_it = |fault: &Fault| {
            fault.file == file || (file.ends_with("current") && is_version(&fault.file))
        };
        assert!(
            is_ours || faults.iter().all(names_it) && faults.len() == 1,
            "{}: {faults:?}",
            file.display()
        );
        // An extent that says less than is there only guards less.
        if !is_table(&file) && !file.ends_with("extent") {
            let opened = DiskLog::open(store.path(), Durability::Synced);
            let error = opened.expect_err(&file.display().to_string());
            let text = StartErrorText::of(error);
            let named = text.0.contains(&file.display().to_string()) || file.ends_with("current");
            assert!(named, "{}: {}", file.display(), text.0);
        }
    }
}

/// What a user would read.
struct StartErrorText(String);

impl StartErrorText {
    fn of(error: OpenError) -> Self {
        let error = crate::StartError::from(error);
        let source = std::error::Error::source(&error)
            .map(ToString::to_string)
            .unwrap_or_default();
        Self(format!("{error}: {source}"))
    }
}

#[test]
fn a_missing_file_is_named_and_nothing_is_deleted() {
    for missing in [
        is_table as fn(&Path) -> bool,
        is_version,
        |file| file.ends_with("current"),
        |file| file.extension().is_some(),
    ] {
        let store = closed_store();
        for file in files_with(store.path(), missing) {
            let content = fs::read(&file).unwrap();
            fs::remove_file(&file).unwrap();
            let before = folder::files_of(store.path()).unwrap();
            let opened = DiskLog::open(store.path(), Durability::Synced);
            let error = opened.expect_err(&file.display().to_string());
            let OpenError::Damaged(fault) = &error else {
                panic!("{}: {error:?}", file.display())
            };
            assert_eq!((&fault.file, &fault.problem), (&file, &Problem::Missing));
            assert_eq!(folder::files_of(store.path()).unwrap(), before);
            fs::write(&file, content).unwrap();
        }
        DiskLog::open(store.path(), Durability::Synced).unwrap();
    }
}

#[test]
fn a_journal_cut_anywhere_is_a_torn_tail_if_it_is_the_newest_and_damage_if_it_is_not() {
    let store = closed_store();
    let path = the_journal(store.path());
    let whole = fs::read(&path).unwrap();
    let end = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let later = path.with_file_name("1.jnl");
    for cut in (0..end).step_by(97) {
        fs::write(&path, &whole[..cut]).unwrap();
        let survey = surveyed(store.path(), Depth::AtOpen);
        assert_eq!(survey.faults, [], "cut at {cut}");
        fs::write(&later, [0; 10]).unwrap();
        let faults = surveyed(store.path(), Depth::AtOpen).faults;
        let wanted = if survey.torn == 0 {
            vec![]
        } else {
            vec![path.clone()]
        };
        assert_eq!(
            faults
                .iter()
                .map(|fault| fault.file.clone())
                .collect::<Vec<_>>(),
            wanted,
            "cut at {cut}"
        );
        fs::remove_file(&later).unwrap();
    }
}

#[test]
fn a_hole_in_a_journal_is_damage_unless_groups_were_never_flushed() {
    let store = closed_store();
    let path = the_journal(store.path());
    let mut content = fs::read(&path).unwrap();
    content[100..140].fill(0);
    fs::write(&path, &content).unwrap();
    let faults = surveyed(store.path(), Depth::AtOpen).faults;
    assert!(
        matches!(&faults[..], [Fault { file, problem: Problem::InTheMiddle { at: 0 } }] if *file == path),
        "{faults:?}"
    );
    let unknown = || {
        survey(
            &folder::store(store.path()),
            Depth::AtOpen,
            Order::Unknown,
            &mut |_| {},
        )
        .unwrap()
        .faults
    };
    // The library cuts off what it cannot follow, and refuses what it can and that has another
    // checksum.
    assert!(
        matches!(&unknown()[..], [Fault { file, problem: Problem::Group { at: 0 } }] if *file == path),
        "{faults:?}"
    );
    content[13..40].fill(0);
    fs::write(&path, &content).unwrap();
    assert_eq!(unknown(), []);
}

#[test]
fn a_last_group_that_is_whole_but_not_what_it_was_is_damage_and_no_torn_tail() {
    let store = closed_store();
    let path = the_journal(store.path());
    let mut content = fs::read(&path).unwrap();
    // Behind the last value of the last group stand a tag, a checksum and the magic.
    let last = content.iter().rposition(|byte| *byte != 0).unwrap() - (8 + 4) - 1;
    content[last] ^= 1;
    fs::write(&path, &content).unwrap();
    let faults = surveyed(store.path(), Depth::AtOpen).faults;
    assert!(
        matches!(&faults[..], [Fault { file, problem: Problem::Group { at: 1.. } }] if *file == path),
        "{faults:?}"
    );
    assert!(
        matches!(DiskLog::open(store.path(), Durability::Synced), Err(OpenError::Damaged(fault)) if fault.file == path)
    );
}

#[test]
fn a_log_that_lost_its_end_is_refused_by_the_file_that_knows_better() {
    let store = closed_store();
    let path = the_journal(store.path());
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(0)
        .unwrap();
    let error = DiskLog::open(store.path(), Durability::Synced).unwrap_err();
    assert!(
        matches!(&error, OpenError::Shorter { file, .. } if *file == store.path().join("extent")),
        "{error:?}"
    );
    extent::note(store.path(), Position::START).unwrap();
    DiskLog::open(store.path(), Durability::Synced).unwrap();
}

#[test]
fn an_index_that_has_less_than_the_log_is_made_again_to_its_end() {
    let store = tempfile::tempdir().unwrap();
    let log = DiskLog::open(store.path(), Durability::Synced).unwrap();
    (0..10).for_each(|number| write(&log, number));
    let journal = the_journal(store.path());
    let kept = journal::whole(&fs::read(&journal).unwrap());
    (10..20).for_each(|number| write(&log, number));
    log.write_record_tables();
    drop(log);
    fs::OpenOptions::new()
        .write(true)
        .open(&journal)
        .unwrap()
        .set_len(kept as u64)
        .unwrap();
    let log = DiskLog::open(store.path(), Durability::Synced).unwrap();
    let entries = log
        .entries(
            &StreamName::new("s"),
            0..=u64::MAX,
            Direction::Forwards,
            100,
        )
        .unwrap();
    let events: Vec<_> = entries
        .iter()
        .map(|it| {
            (
                it.number,
                log.record(it.position).unwrap().unwrap().id == it.id,
            )
        })
        .collect();
    assert_eq!(
        events,
        (0..20).map(|number| (number, true)).collect::<Vec<_>>()
    );
}

#[test]
fn any_bytes_are_read_as_a_journal_without_a_panic() {
    let bytes = prop::collection::vec(prop_oneof![0_u8..5, any::<u8>()], 0..400);
    for_any("bytes as a journal", 2_000, &bytes, |bytes| {
        assert!(journal::whole(&bytes) <= bytes.len());
        let _ = journal::holds_a_group(&bytes);
    });
}
