//! Backups that end at every step, and backups that are damaged in every way.
#![allow(clippy::wildcard_enum_match_arm)]

use crate::{
    Archive, BackupError, Disk, Files, Folder, Frame, Kind, Output, Written,
    wire::{Begun, ReadRequest},
};
use chrono::{DateTime, Utc};
use std::{
    fs, io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tempfile::TempDir;

/// A log: position, time, kind and bytes of each record.
type Log = Vec<(u64, i64, Kind, Vec<u8>)>;

fn log(records: usize) -> Log {
    let mut position = 64;
    let mut log = Log::new();
    for n in 0..records {
        let length = 10 + n * 7 % 40;
        let kind = if n % 5 == 3 {
            Kind::Marker
        } else {
            Kind::Event
        };
        log.push((position, 1_000 + n as i64, kind, vec![n as u8; length]));
        position += length as u64;
    }
    log
}

fn end(log: &Log) -> u64 {
    log.last().map_or(64, |(position, _, _, record)| {
        position + record.len() as u64
    })
}

fn frames<'a>(log: impl IntoIterator<Item = &'a (u64, i64, Kind, Vec<u8>)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (position, created, kind, record) in log {
        let (position, created, kind) = (*position, *created, *kind);
        Frame {
            position,
            created,
            kind,
            record,
        }
        .encode(&mut bytes);
    }
    bytes
}

fn begun(log: &Log, asked: &ReadRequest) -> Begun {
    Begun {
        end: end(log),
        log_format: 1,
        anchors: frames(log.iter().filter(|it| asked.anchors.contains(&it.0))),
    }
}

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

/// Small, so that there are several files.
const SEGMENT: u64 = 300;

/// What a run of the command does: pages of a few records.
fn run(path: &Path, log: &Log, files: Arc<dyn Files>) -> Result<Written, BackupError> {
    let mut folder = Folder::open(path, files)?.with_segment_bytes(SEGMENT);
    let asked = folder.wanted();
    folder.recognise(&begun(log, &asked))?;
    let wanted: Vec<_> = log.iter().filter(|it| it.0 >= asked.from).collect();
    for page in wanted.chunks(3) {
        folder.append(&frames(page.iter().copied()))?;
    }
    folder.finish(end(log), noon())
}

fn backed_up(path: &Path, log: &Log) -> Written {
    run(path, log, Arc::new(Disk)).unwrap()
}

fn held(path: &Path) -> Log {
    let archive = Archive::open(path).unwrap();
    archive.verify(&mut |_| {}).unwrap();
    let mut log = Log::new();
    let read = archive.for_each(|frame| {
        log.push((
            frame.position,
            frame.created,
            frame.kind,
            frame.record.to_vec(),
        ));
        Ok::<_, BackupError>(ControlFlow::Continue(()))
    });
    read.unwrap();
    log
}

fn folder() -> (TempDir, PathBuf) {
    let place = TempDir::new().unwrap();
    let path = place.path().join("backup");
    (place, path)
}

#[test]
fn a_backup_holds_the_log_and_the_next_run_adds_what_is_new() {
    let (_place, path) = folder();
    let (first, whole) = (log(40), log(61));
    let written = backed_up(&path, &first);
    assert_eq!(
        (written.records, written.records_before, written.end),
        (40, 0, end(&first))
    );
    assert_eq!(held(&path), first);
    let before = contents(&path);
    let written = backed_up(&path, &whole);
    assert_eq!((written.records, written.records_before), (21, 40));
    assert_eq!(held(&path), whole);
    let after = contents(&path);
    for (name, bytes) in before
        .iter()
        .filter(|(name, _)| name.starts_with("segment-"))
    {
        let same = after.iter().find(|(other, _)| other == name);
        assert_eq!(same.map(|it| &it.1), Some(bytes), "{name} never changes");
    }
    assert_eq!(backed_up(&path, &whole).records, 0, "nothing is new");
    assert_eq!(held(&path), whole);
}

#[test]
fn a_log_without_records_has_a_backup_too() {
    let (_place, path) = folder();
    assert_eq!(backed_up(&path, &Log::new()).records, 0);
    assert_eq!(held(&path), Log::new());
    backed_up(&path, &log(3));
    assert_eq!(held(&path), log(3));
}

fn contents(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        found.push((name, fs::read(entry.path()).unwrap()));
    }
    found.sort();
    found
}

/// Everything works until the fuse burns down; then nothing does any more, and the write that it
/// ended with was done by half: what a kill, or a full disk, leaves.
#[derive(Debug, Clone)]
struct Fused {
    left: Arc<AtomicUsize>,
}

impl Fused {
    fn new(steps: usize) -> Self {
        Self {
            left: Arc::new(AtomicUsize::new(steps)),
        }
    }

    fn burn(&self) -> io::Result<()> {
        let burn = |left: usize| left.checked_sub(1);
        let burnt = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, burn);
        burnt.map(drop).map_err(|_| io::Error::other("the end"))
    }
}

#[derive(Debug)]
struct FusedOutput(Fused, Box<dyn Output>);

impl Output for FusedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.0.burn() {
            Ok(()) => self.1.write(bytes),
            Err(error) => {
                self.1.write(&bytes[..bytes.len() / 2])?;
                Err(error)
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.burn().and_then(|()| self.1.sync())
    }
}

impl Files for Fused {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.burn().and_then(|()| Disk.make_folder(path))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        self.burn()?;
        Ok(Box::new(FusedOutput(self.clone(), Disk.append(path)?)))
    }

    fn cut(&self, path: &Path, length: u64) -> io::Result<()> {
        self.burn().and_then(|()| Disk.cut(path, length))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.burn().and_then(|()| Disk.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.burn().and_then(|()| Disk.remove(path))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.burn().and_then(|()| Disk.sync_folder(path))
    }
}

/// Lets a run end at each of its steps, on a copy of what is there before. What is left must be as
/// good as nothing, or hold `before`; and the next run, which may end at any step too, finishes it.
fn at_every_step(before: Option<&Log>, wanted: &Log) {
    for step in 0.. {
        let (_place, path) = folder();
        if let Some(before) = before {
            backed_up(&path, before);
        }
        let is_over = run(&path, wanted, Arc::new(Fused::new(step))).is_ok();
        match (before, Archive::open(&path)) {
            (Some(before), opened) => {
                let end = opened.expect("it was whole before").end();
                let held = held(&path);
                assert!(held == *before || held == *wanted, "step {step}, end {end}");
            }
            (None, Ok(_)) => assert_eq!(held(&path), *wanted, "step {step}"),
            (None, Err(BackupError::NoBackup(_) | BackupError::Unfinished(_))) => {}
            (None, Err(error)) => panic!("step {step}: {error}"),
        }
        // A second kill, soon after the first.
        let _ = run(&path, wanted, Arc::new(Fused::new(step % 7)));
        backed_up(&path, wanted);
        assert_eq!(held(&path), *wanted, "step {step}");
        if is_over {
            assert!(step > 20, "{step} steps are too few to mean anything");
            return;
        }
    }
}

#[test]
fn a_first_backup_that_ends_at_any_step_is_nothing_yet_and_is_gone_on_with() {
    at_every_step(None, &log(50));
}

#[test]
fn a_later_backup_that_ends_at_any_step_leaves_the_earlier_one_and_is_gone_on_with() {
    at_every_step(Some(&log(20)), &log(60));
}

#[test]
fn what_was_not_finished_may_be_cut_at_any_length_and_is_gone_on_with() {
    let (_place, path) = folder();
    let (before, whole) = (log(20), log(30));
    backed_up(&path, &before);
    let mut open = Folder::open(&path, Arc::new(Disk)).unwrap();
    let asked = open.wanted();
    open.recognise(&begun(&whole, &asked)).unwrap();
    open.append(&frames(whole.iter().filter(|it| it.0 >= asked.from)))
        .unwrap();
    drop(open);
    let unfinished = path.join("unfinished.records");
    let full = fs::read(&unfinished).unwrap();
    for length in 0..=full.len() {
        let (_place, copy) = folder();
        copy_of(&path, &copy);
        fs::write(copy.join("unfinished.records"), &full[..length]).unwrap();
        assert_eq!(held(&copy), before, "{length}");
        let written = backed_up(&copy, &whole);
        assert!(written.records <= 10, "{written:?}");
        assert_eq!(held(&copy), whole, "{length}");
    }
    let (_place, copy) = folder();
    copy_of(&path, &copy);
    assert_eq!(
        backed_up(&copy, &whole).records,
        0,
        "what came is not asked for again"
    );
    // What is damaged in it is asked for again.
    for at in (0..full.len()).step_by(5) {
        let (_place, copy) = folder();
        copy_of(&path, &copy);
        let mut damaged = full.clone();
        damaged[at] ^= 4;
        fs::write(copy.join("unfinished.records"), damaged).unwrap();
        backed_up(&copy, &whole);
        assert_eq!(held(&copy), whole, "byte {at}");
    }
}

fn copy_of(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for (name, bytes) in contents(from) {
        fs::write(to.join(name), bytes).unwrap();
    }
}

#[track_caller]
fn is_refused(path: &Path, file: &str) {
    let refused = Archive::open(path).and_then(|it| it.verify(&mut |_| {}));
    match refused {
        Err(BackupError::Damaged { file: named, .. }) if named.ends_with(file) => {}
        other => panic!("{file}: {other:?}"),
    }
}

#[test]
fn every_bit_that_is_flipped_in_a_file_that_counts_is_refused_and_the_file_named() {
    let (_place, path) = folder();
    backed_up(&path, &log(30));
    let files = contents(&path);
    assert!(files.len() > 5, "several files");
    for (name, bytes) in files.iter().filter(|(name, _)| name != "lock") {
        for bit in (0..bytes.len() * 8).step_by(19) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(path.join(name), flipped).unwrap();
            let opened = Archive::open(&path).and_then(|it| it.verify(&mut |_| {}));
            match opened {
                Err(BackupError::Damaged { file, .. }) => assert!(file.ends_with(name), "{file:?}"),
                // The digit that says which form it has.
                Err(BackupError::OtherFormat { file, .. }) => assert!(file.ends_with(name)),
                other => panic!("bit {bit} of {name}: {other:?}"),
            }
        }
        fs::write(path.join(name), bytes).unwrap();
    }
    assert_eq!(held(&path), log(30), "all is as it was");
}

#[test]
fn a_file_that_is_missing_swapped_or_cut_is_refused_by_reading_and_by_going_on() {
    let (_place, path) = folder();
    backed_up(&path, &log(30));
    let files = contents(&path);
    let segments: Vec<_> = files
        .iter()
        .filter(|(name, _)| name.starts_with("segment-"))
        .collect();
    for (name, bytes) in &segments {
        let file = path.join(name);
        for length in [0, 1, 16, bytes.len() / 2, bytes.len() - 1] {
            fs::write(&file, &bytes[..length]).unwrap();
            is_refused(&path, name);
            goes_not_on(&path, name);
        }
        fs::write(&file, [&bytes[..], b"more"].concat()).unwrap();
        is_refused(&path, name);
        fs::remove_file(&file).unwrap();
        is_refused(&path, name);
        goes_not_on(&path, name);
        fs::write(&file, bytes).unwrap();
    }
    let (one, other) = (segments[0], segments[2]);
    fs::write(path.join(&one.0), &other.1).unwrap();
    fs::write(path.join(&other.0), &one.1).unwrap();
    is_refused(&path, &one.0);
    fs::write(path.join(&one.0), &one.1).unwrap();
    is_refused(&path, &other.0);
    fs::write(path.join(&other.0), &other.1).unwrap();
    assert_eq!(held(&path), log(30));
    // An older list, of a backup that has gone on, has lost nothing: the files are there.
    fs::remove_file(path.join("manifest.json")).unwrap();
    assert!(matches!(
        Archive::open(&path),
        Err(BackupError::NoBackup(_))
    ));
    let refused = Folder::open(&path, Arc::new(Disk)).unwrap_err();
    assert!(
        matches!(refused, BackupError::NotABackup { .. }),
        "{refused}"
    );
}

#[track_caller]
fn goes_not_on(path: &Path, name: &str) {
    match run(path, &log(40), Arc::new(Disk)) {
        Err(BackupError::Damaged { file, .. }) => assert!(file.ends_with(name), "{file:?}"),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn is_another(path: &Path, log: &Log, word: &str) {
    let before = contents(path);
    match run(path, log, Arc::new(Disk)) {
        Err(error @ BackupError::AnotherLog { .. }) => {
            assert!(error.to_string().contains(word), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(contents(path), before, "nothing was changed");
}

#[test]
fn another_log_and_one_that_went_back_are_refused_and_a_scavenged_one_is_not() {
    let (_place, path) = folder();
    let whole = log(40);
    backed_up(&path, &whole);
    is_another(&path, &log(30), "restored to an older state");
    let mut went_another_way = log(60);
    for record in went_another_way.iter_mut().skip(39) {
        record.1 += 1;
    }
    is_another(&path, &went_another_way, "is another one");
    let mut others = log(60);
    others[39].3 = vec![9; others[39].3.len()];
    others[39].2 = Kind::Event;
    is_another(&path, &others, "is another one");
    // A marker, but of another time than what was backed up.
    let mut marked = log(60);
    marked[39] = (marked[39].0, marked[39].1 + 1, Kind::Marker, vec![2; 4]);
    is_another(&path, &marked, "is another one");
    let mut begins_otherwise = log(60);
    begins_otherwise[0].1 = 5;
    is_another(&path, &begins_otherwise, "is another one");
    let mut shifted = log(60);
    shifted.remove(39);
    is_another(&path, &shifted, "no record stands");

    // What a scavenge leaves: markers of the same time.
    let mut scavenged = log(60);
    for record in scavenged
        .iter_mut()
        .take(58)
        .filter(|it| it.2 == Kind::Event)
    {
        (record.2, record.3) = (Kind::Marker, vec![2; 4]);
    }
    assert_eq!(backed_up(&path, &scavenged).records, 20);
    let expected: Log = whole.iter().chain(&scavenged[40..]).cloned().collect();
    assert_eq!(held(&path), expected);
}

#[test]
fn what_no_log_has_is_not_written_down() {
    let (_place, path) = folder();
    let whole = log(10);
    let mut folder = Folder::open(&path, Arc::new(Disk)).unwrap();
    let early = folder.append(&frames(&whole)).unwrap_err();
    assert!(
        matches!(early, BackupError::Sent(_)),
        "before it is recognised"
    );
    folder.recognise(&begun(&whole, &folder.wanted())).unwrap();
    folder.append(&frames(&whole[..5])).unwrap();
    for wrong in [&whole[..5], &whole[4..6], &whole[2..3]] {
        let refused = folder.append(&frames(wrong)).unwrap_err();
        assert!(matches!(refused, BackupError::Sent(_)), "{refused}");
    }
    let mut torn = frames(&whole[5..7]);
    torn.pop();
    assert!(folder.append(&torn).is_err());
    let short = folder.finish(end(&whole), noon()).unwrap_err();
    assert!(short.to_string().contains("not up to"), "{short}");
    backed_up(&path, &whole);
    assert_eq!(held(&path), whole);
}

#[test]
fn a_folder_of_something_else_is_left_alone_and_one_that_is_written_to_is_taken() {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("thesis.txt"), "precious").unwrap();
    let refused = Folder::open(place.path(), Arc::new(Disk)).unwrap_err();
    assert!(refused.to_string().contains("thesis.txt"), "{refused}");
    assert_eq!(contents(place.path()).len(), 1, "nothing was made there");
    let (_place, path) = folder();
    let held = Folder::open(&path, Arc::new(Disk)).unwrap();
    let second = Folder::open(&path, Arc::new(Disk)).unwrap_err();
    assert!(matches!(second, BackupError::InUse(_)), "{second}");
    drop(held);
    assert!(matches!(
        Archive::open(&path),
        Err(BackupError::Unfinished(_))
    ));
    Folder::open(&path, Arc::new(Disk)).unwrap();
}

#[test]
fn a_backup_of_a_later_form_is_refused_by_its_number() {
    let (_place, path) = folder();
    backed_up(&path, &log(3));
    let file = path.join("manifest.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        text.replacen("\"format\": 1", "\"format\": 2, \"new\": true", 1),
    )
    .unwrap();
    let refused = Archive::open(&path).unwrap_err();
    assert!(
        matches!(refused, BackupError::OtherFormat { found: 2, .. }),
        "{refused}"
    );
}
