//! The journals: groups of writes, each with a checksum behind it.
//!
//! ```text
//! start 1 · count u32 · sequence u64
//! item  2 · kind u8 · compression u8 · tree u64 · key length u16 · length u32 · length on disk u32 · key · value
//! end   3 · checksum u64 of all items · magic 4
//! clear 4 · tree u64
//! ```
//!
//! Numbers are little endian. A crash leaves the newest journal with part of a group at its end, or
//! with zeros that were set aside; nothing whole can follow there, because a group is flushed
//! before the next is written.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::xxh3_64;

use super::{FORMAT as MAGIC, Order, Problem, Survey};

const EXTENSION: &str = "jnl";
const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const START_BYTES: usize = 1 + 4 + 8;
const ITEM_BYTES: usize = 1 + 1 + 1 + 8 + 2 + 4 + 4;
const END_BYTES: usize = 1 + 8 + MAGIC.len();
const CLEAR_BYTES: usize = 1 + 8;
/// Read at once. Zeros are told by the whole of it.
const CHUNK: usize = 64 << 10;

/// The journals of a store by number, in order.
pub(super) fn all(store: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(store) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == EXTENSION)
            && let Some(number) = path
                .file_stem()
                .and_then(|stem| stem.to_str()?.parse().ok())
        {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

/// The journals are numbered without gaps; only the newest may end in the middle of a group.
pub(super) fn check(
    store: &Path,
    journals: &[(u64, PathBuf)],
    order: Order,
    survey: &mut Survey,
    told: &mut dyn FnMut(&Survey),
) -> io::Result<()> {
    let Some(((newest, _), (oldest, _))) = journals.last().zip(journals.first()) else {
        survey.fault(store.join(format!("0.{EXTENSION}")), Problem::Missing);
        return Ok(());
    };
    for number in *oldest..*newest {
        if !journals.iter().any(|(other, _)| *other == number) {
            survey.fault(
                store.join(format!("{number}.{EXTENSION}")),
                Problem::Missing,
            );
        }
    }
    for (number, path) in journals {
        let content = match content(path) {
            Ok(content) => content,
            Err(error) => {
                survey.fault(path.clone(), Problem::Closed(error.to_string()));
                continue;
            }
        };
        survey.read(content.len() as u64);
        let whole = whole(&content);
        survey.is_begun |= whole > 0 || *number > 0;
        let rest = &content[whole..];
        let is_torn = number == newest && (order == Order::Unknown || !holds_a_group(rest));
        if is_torn && is_spoiled(rest) {
            survey.fault(path.clone(), Problem::Group { at: whole as u64 });
        } else if is_torn {
            survey.torn = rest.len() as u64;
        } else if !rest.is_empty() {
            survey.fault(path.clone(), Problem::InTheMiddle { at: whole as u64 });
        }
        told(survey);
    }
    Ok(())
}

/// The bytes of a journal without the zeros at its end: the library sets aside far more than it has
/// written.
fn content(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    let (mut content, mut zeros, mut chunk) = (Vec::with_capacity(length), 0, vec![0; CHUNK]);
    let blank = vec![0; CHUNK];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            let end = content
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(0, |last| last + 1);
            content.truncate(end);
            return Ok(content);
        }
        if chunk[..read] == blank[..read] {
            zeros += read;
            continue;
        }
        content.resize(content.len() + std::mem::take(&mut zeros), 0);
        content.extend_from_slice(&chunk[..read]);
    }
}

/// How many bytes at the start are whole groups. A group may end in zeros that were cut: the magic
/// never does.
pub(super) fn whole(content: &[u8]) -> usize {
    let mut at = 0;
    while let Some(length) = group(&content[at..]) {
        at += length;
    }
    at
}

/// Whether a whole group stands somewhere in there.
pub(super) fn holds_a_group(bytes: &[u8]) -> bool {
    let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == START);
    starts
        .into_iter()
        .any(|(at, _)| group(&bytes[at..]).is_some())
}

/// Whether a group stands here from its start to its end, with a checksum that is not its own. That
/// is no torn tail: a crash leaves part of a group. The library refuses it too, without a word of
/// where.
fn is_spoiled(bytes: &[u8]) -> bool {
    group(bytes).is_none() && extent(bytes).is_some()
}

/// The length of the group that stands here, if it is whole and its checksum is right.
fn group(bytes: &[u8]) -> Option<usize> {
    let (end, checksum) = extent(bytes)?;
    (checksum == xxh3_64(&bytes[START_BYTES..end])).then_some(end + END_BYTES)
}

/// Where the items end of the group that stands here, and the checksum behind them, if it stands
/// here to its end.
fn extent(bytes: &[u8]) -> Option<(usize, u64)> {
    if *bytes.first()? != START {
        return None;
    }
    let count = u32::from_le_bytes(part(bytes, 1)?);
    let mut at = START_BYTES;
    for _ in 0..count {
        at += match *bytes.get(at)? {
            ITEM => {
                let key = u16::from_le_bytes(part(bytes, at + 11)?);
                let value = u32::from_le_bytes(part(bytes, at + 17)?);
                ITEM_BYTES + usize::from(key) + value as usize
            }
            CLEAR => CLEAR_BYTES,
            _ => return None,
        };
    }
    let checksum = u64::from_le_bytes(part(bytes, at + 1)?);
    let magic = bytes.get(at + 9..at + END_BYTES)?;
    (bytes[at] == END && magic == MAGIC).then_some((at, checksum))
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
