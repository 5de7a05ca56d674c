//! Files that were damaged while no node used them. A torn tail, as a crash leaves it, is repaired
//! when the store is opened; any other damage is refused then, and the file named, or the reads
//! that meet it fail. Never does a read give what was not written, or hide what was.

use crate::chance::{Chance, length};
use crate::node_process::NodeProcess;
use bytes::Bytes;
use embedded::EmbeddedNode;
use kurrentdb::{
    AppendToStreamOptions, Client, EventData, ReadAllOptions, ReadStreamOptions, StreamState,
};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use uuid::Uuid;

/// What a store holds, in the order of its log.
type Log = Vec<(String, u64, Uuid, Bytes)>;

/// How long an open or a read of everything may take.
const BOUND: Duration = Duration::from_secs(60);

/// What a node answers when it meets damage.
const SAYS_SO: &str = "the event store cannot read its log";

/// What was done to a file.
#[derive(Debug, Clone)]
enum Damage {
    /// The newest journal ends earlier: what a crash in the middle of a write leaves.
    TornTail { bytes: u64 },
    /// The newest journal ends with what was never written.
    NoiseAtTheEnd { bytes: usize },
    /// Bits are not what they were, in any file.
    Flipped { file: PathBuf, at: u64 },
    /// Any file ends earlier.
    Cut { file: PathBuf, at: u64 },
    /// Any file is gone.
    Gone { file: PathBuf },
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_store_is_repaired_or_refused_and_never_gives_what_was_not_written() {
    let mut chance = Chance::for_test("damage");
    let (closed, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = fill(closed.path(), crashed.path(), &mut chance).await;
    for undamaged in [&closed, &crashed] {
        let copy = tempfile::tempdir().unwrap();
        copy_folder(undamaged.path(), copy.path());
        let outcome = outcome(copy.path(), &log).await;
        assert!(
            matches!(outcome, Outcome::Whole),
            "before any damage: {outcome}"
        );
    }
    for case in 0..length("PEERAGE_TEST_CASES", 30) {
        let copy = tempfile::tempdir().unwrap();
        let is_closed = case % 2 == 0;
        copy_folder(
            if is_closed {
                closed.path()
            } else {
                crashed.path()
            },
            copy.path(),
        );
        let damage = damage(copy.path(), &mut chance);
        let outcome = outcome(copy.path(), &log).await;
        println!(
            "{case}: {} store: {damage:?}: {outcome}",
            if is_closed { "closed" } else { "crashed" }
        );
        let is_allowed = match outcome {
            Outcome::Whole | Outcome::FailingReads(_) => true,
            // What a crash leaves is repaired.
            Outcome::Refused(_)
                if !is_closed
                    && matches!(
                        damage,
                        Damage::TornTail { .. } | Damage::NoiseAtTheEnd { .. }
                    ) =>
            {
                false
            }
            Outcome::Refused(ref why) => damage.is_named_by(why, copy.path()),
            Outcome::Prefix(_) => damage.is_at_the_tail(),
            Outcome::Wrong(_) => false,
        };
        assert!(is_allowed, "{damage:?} led to: {outcome}");
    }
}

impl Damage {
    /// Whether it is what a crash could have left: the newest journal, shorter or longer than it
    /// was.
    fn is_at_the_tail(&self) -> bool {
        match self {
            Self::TornTail { .. } | Self::NoiseAtTheEnd { .. } => true,
            Self::Cut { file, .. } => file.extension().is_some_and(|extension| extension == "jnl"),
            Self::Flipped { .. } | Self::Gone { .. } => false,
        }
    }
}

impl Damage {
    /// Whether a refusal names the damaged file, or the one that shows what is missing in it.
    fn is_named_by(&self, why: &str, folder: &Path) -> bool {
        let extent = folder.join("extent").display().to_string();
        match self {
            Self::TornTail { .. } | Self::NoiseAtTheEnd { .. } => why.contains(&extent),
            Self::Flipped { file, .. } | Self::Cut { file, .. } | Self::Gone { file } => {
                // The file that says which version of a tree counts, and that version's, know each
                // other's checksum.
                let beside = file
                    .parent()
                    .map(|folder| folder.join("v").display().to_string());
                why.contains(&file.display().to_string())
                    || (file.ends_with("current")
                        && beside.is_some_and(|beside| why.contains(&beside)))
                    || (file.extension().is_some_and(|extension| extension == "jnl")
                        && why.contains(&extent))
            }
        }
    }
}

/// What opening and reading a damaged store came to.
enum Outcome {
    /// Everything is there.
    Whole,
    /// Everything up to some append is there.
    Prefix(usize),
    /// It was not opened.
    Refused(String),
    /// It was opened, and the reads that met the damage failed.
    FailingReads(String),
    /// It gave what was not written, or hid something in the middle, or panicked, or hung.
    Wrong(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => to.write_str("whole"),
            Self::Prefix(count) => write!(to, "the first {count} events"),
            Self::Refused(why) => write!(to, "refused: {why}"),
            Self::FailingReads(why) => write!(to, "failing reads: {why}"),
            Self::Wrong(what) => write!(to, "WRONG: {what}"),
        }
    }
}

async fn outcome(folder: &Path, log: &Log) -> Outcome {
    let folder = folder.to_owned();
    let opened =
        tokio::spawn(async move { EmbeddedNode::builder().data_dir(folder).start().await });
    let node = match tokio::time::timeout(BOUND, opened).await {
        Ok(Ok(Ok(node))) => node,
        Ok(Ok(Err(refusal))) => return Outcome::Refused(domain::error_chain(&refusal)),
        Ok(Err(panicked)) => return Outcome::Wrong(format!("opening it: {panicked}")),
        Err(_) => return Outcome::Wrong("opening it takes for ever".to_owned()),
    };
    let client = Client::new(node.connection_string().parse().unwrap()).unwrap();
    let read = tokio::time::timeout(BOUND, read(&client)).await;
    let outcome = match read {
        Err(_) => Outcome::Wrong("reading it takes for ever".to_owned()),
        Ok(Err((failure, found))) if log.starts_with(&found) => Outcome::FailingReads(failure),
        Ok(Err((failure, found))) => {
            Outcome::Wrong(format!("{} other events, then {failure}", found.len()))
        }
        Ok(Ok(found)) if log.starts_with(&found) => match goes_on(&client, &found).await {
            Ok(()) if found.len() == log.len() => Outcome::Whole,
            Ok(()) => Outcome::Prefix(found.len()),
            // A log that is whole may have an index that is not.
            Err(failure) if failure.contains(SAYS_SO) => Outcome::FailingReads(failure),
            Err(wrong) => Outcome::Wrong(format!("of {} events: {wrong}", found.len())),
        },
        Ok(Ok(found)) => {
            let same = found
                .iter()
                .zip(log)
                .take_while(|(one, other)| one == other)
                .count();
            Outcome::Wrong(format!(
                "{} events of {}, the first {same} as they were",
                found.len(),
                log.len()
            ))
        }
    };
    tokio::time::timeout(BOUND, node.shutdown())
        .await
        .expect("a shutdown");
    outcome
}

async fn read(client: &Client) -> Result<Log, (String, Log)> {
    let mut log = Log::new();
    let mut read = match client.read_all(&ReadAllOptions::default()).await {
        Ok(read) => read,
        Err(error) => return Err((error.to_string(), log)),
    };
    loop {
        match read.next().await {
            Ok(Some(event)) => {
                let event = event.event.unwrap();
                log.push((
                    event.stream_id().to_owned(),
                    event.revision,
                    event.id,
                    event.data,
                ));
            }
            Ok(None) => return Ok(log),
            Err(error) => return Err((error.to_string(), log)),
        }
    }
}

/// Each stream holds what the log holds of it, and takes an append after its last event.
async fn goes_on(client: &Client, log: &Log) -> Result<(), String> {
    let mut streams: BTreeMap<&str, Vec<(u64, Uuid)>> = BTreeMap::new();
    for (stream, number, id, _) in log {
        streams.entry(stream).or_default().push((*number, *id));
    }
    for (stream, wanted) in streams {
        let mut read = client
            .read_stream(stream, &ReadStreamOptions::default())
            .await
            .map_err(|error| error.to_string())?;
        let mut found = Vec::new();
        while let Some(event) = read.next().await.map_err(|error| error.to_string())? {
            let event = event.event.unwrap();
            found.push((event.revision, event.id));
        }
        if found != wanted {
            return Err(format!(
                "{stream} has {} events, and {} in the log",
                found.len(),
                wanted.len()
            ));
        }
        let options = AppendToStreamOptions::default()
            .stream_state(StreamState::StreamRevision(wanted.len() as u64 - 1));
        let new = EventData::binary("After", "repair".into());
        client
            .append_to_stream(stream, &options, new)
            .await
            .map_err(|error| format!("{stream}: {error}"))?;
    }
    Ok(())
}

/// Writes enough that the store has files of every kind, leaves a copy of what a crash left, and
/// stops the node.
async fn fill(folder: &Path, crashed: &Path, chance: &mut Chance) -> Log {
    for _ in 0..2 {
        let node = EmbeddedNode::builder()
            .data_dir(folder)
            .start()
            .await
            .unwrap();
        write(&node.connection_string(), chance).await;
        node.shutdown().await;
    }
    // Only a process can be killed. The files of a running node, copied one after the other, are no
    // picture of any moment.
    let mut node = NodeProcess::start(folder).await;
    write(&node.connection_string, chance).await;
    node.kill();
    copy_folder(folder, crashed);
    let node = EmbeddedNode::builder()
        .data_dir(folder)
        .start()
        .await
        .unwrap();
    let log = read(&Client::new(node.connection_string().parse().unwrap()).unwrap())
        .await
        .unwrap();
    node.shutdown().await;
    log
}

async fn write(connection_string: &str, chance: &mut Chance) {
    let client = Client::new(connection_string.parse().unwrap()).unwrap();
    for n in 0..40 {
        let count = 1 + chance.below(6);
        let events = (0..count).map(|_| {
            let noise: Vec<u8> = (0..chance.below(150_000))
                .map(|_| chance.next() as u8)
                .collect();
            EventData::binary("Filled", noise.into())
                .id(Uuid::from_u64_pair(chance.next(), chance.next()))
        });
        let options = AppendToStreamOptions::default().stream_state(StreamState::Any);
        client
            .append_to_stream(
                format!("stream-{}", n % 7),
                &options,
                events.collect::<Vec<_>>(),
            )
            .await
            .unwrap();
    }
}

fn damage(folder: &Path, chance: &mut Chance) -> Damage {
    let journal = newest_journal(folder);
    let files: Vec<PathBuf> = files(folder)
        .into_iter()
        .filter(|file| fs::metadata(file).unwrap().len() > 0)
        .collect();
    let file = files[chance.below(files.len())].clone();
    let at = chance.next() % fs::metadata(&file).unwrap().len();
    let damage = match chance.below(10) {
        0..=2 => Damage::TornTail {
            bytes: 1 + chance.below(100_000) as u64,
        },
        3 => Damage::NoiseAtTheEnd {
            bytes: 1 + chance.below(300),
        },
        4..=7 => Damage::Flipped { file, at },
        8 => Damage::Cut { file, at },
        _ => Damage::Gone { file },
    };
    match &damage {
        Damage::TornTail { bytes } => {
            let length = fs::metadata(&journal).unwrap().len();
            set_length(&journal, length.saturating_sub(*bytes));
        }
        Damage::NoiseAtTheEnd { bytes } => {
            let mut content = fs::read(&journal).unwrap();
            content.extend((0..*bytes).map(|_| chance.next() as u8));
            fs::write(&journal, content).unwrap();
        }
        Damage::Flipped { file, at } => {
            let mut content = fs::read(file).unwrap();
            content[usize::try_from(*at).unwrap()] ^= 1 << chance.below(8);
            fs::write(file, content).unwrap();
        }
        Damage::Cut { file, at } => set_length(file, *at),
        Damage::Gone { file } => fs::remove_file(file).unwrap(),
    }
    damage
}

fn set_length(file: &Path, length: u64) {
    fs::OpenOptions::new()
        .write(true)
        .open(file)
        .unwrap()
        .set_len(length)
        .unwrap();
}

/// The file that the storage library writes to first: it ends in `.jnl`, and the newest has the
/// highest number.
fn newest_journal(folder: &Path) -> PathBuf {
    let journals = files(folder)
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "jnl"));
    let number = |file: &PathBuf| {
        file.file_stem()
            .and_then(|stem| stem.to_str()?.parse::<u64>().ok())
    };
    journals.max_by_key(number).expect("a journal")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all.sort();
    all
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else if path.is_file() {
            fs::copy(&path, &target).unwrap();
        }
    }
}
