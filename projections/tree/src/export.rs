//! A file of events that a stranger can check: a first line that says what it is, with what the log
//! signed, and an event a line ([`LeafRecord`]).
//!
//! ```text
//! {"format":"peerage audit","version":1,"checkpoint":"example.com/log\n2\nB95l…\n\n— example.com/log …\n"}
//! {"index":0,"stream":"network-…","revision":0,"id":"…","type":"NetworkRegistered","data":"{…}","metadata":"{…}"}
//! {"index":1,…}
//! ```
//!
//! A file of all events has them from 0 on without a gap, and needs no proof of each: together they
//! make the root. A file of some has with each the proof of its place.

use crate::{Edge, Hash, LeafRecord};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead};
use thiserror::Error;

/// What such a file calls itself in its first line.
pub const FORMAT: &str = "peerage audit";
const VERSION: u32 = 1;
/// The longest line that is read: an event of a store is 16 MiB at most, and may stand in base64.
const LONGEST: u64 = 64 << 20;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportHeader {
    format: String,
    version: u32,
    /// What the log signed: the note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

impl ExportHeader {
    /// With this checkpoint's note.
    pub fn new(checkpoint: Option<String>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            checkpoint,
        }
    }

    /// Reads a first line.
    ///
    /// # Errors
    /// When it is none of this form.
    pub fn parse(line: &str) -> Result<Self, ExportError> {
        let wrong = |problem: String| ExportError::Line { line: 1, problem };
        let header: Self = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        if header.format != FORMAT || header.version != VERSION {
            let (format, version) = (&header.format, header.version);
            return Err(wrong(format!(
                "it is version {version} of {format:?}, and this program reads version {VERSION} of {FORMAT:?}"
            )));
        }
        Ok(header)
    }
}

/// Why a file of events cannot be what it says.
#[derive(Debug, Error)]
pub enum ExportError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[from] io::Error),
    /// A line that is no event.
    #[error("line {line} is no event: {problem}")]
    Line {
        /// Which one, from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// Events are missing between two.
    #[error("line {line} is event {found}, where event {expected} belongs: {} missing", many(found - expected))]
    Missing {
        /// Which line, from 1.
        line: u64,
        /// The event that belongs there.
        expected: u64,
        /// The one that is there.
        found: u64,
    },
    /// Events stand twice, or not in their order.
    #[error(
        "line {line} is event {found}, where event {expected} belongs: events stand twice, or not in their order"
    )]
    Order {
        /// Which line, from 1.
        line: u64,
        /// The event that belongs there.
        expected: u64,
        /// The one that is there.
        found: u64,
    },
}

fn many(events: u64) -> String {
    match events {
        1 => "1 event is".to_owned(),
        more => format!("{more} events are"),
    }
}

/// What a file of events adds up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// All events from the first on.
    All {
        /// How many.
        size: u64,
        /// The roots at the sizes that were asked for, as far as it goes.
        roots: Vec<(u64, Hash)>,
    },
    /// Some, each with its proof.
    Some {
        /// Each one's place, hash and proof.
        events: Vec<(u64, Hash, Vec<Hash>)>,
    },
}

/// Reads the lines behind the first one, and gives the roots at these sizes.
///
/// # Errors
/// When a line cannot be read, or an event is missing or not in its order.
pub fn read_events(mut lines: impl BufRead, sizes: &[u64]) -> Result<Content, ExportError> {
    let (mut edge, mut roots, mut some) = (Edge::default(), Vec::new(), Vec::new());
    let mut note = |edge: &Edge| {
        if sizes.contains(&edge.size()) {
            roots.push((edge.size(), edge.root()));
        }
    };
    note(&edge);
    let mut text = Vec::new();
    for line in 2.. {
        text.clear();
        let mut bounded = io::Read::take(&mut lines, LONGEST);
        if bounded.read_until(b'\n', &mut text)? == 0 {
            break;
        }
        let wrong = |problem: String| ExportError::Line { line, problem };
        let text = text.strip_suffix(b"\n");
        let text = text.ok_or_else(|| wrong("it does not end; the file is cut".to_owned()))?;
        let record: LeafRecord =
            serde_json::from_slice(text).map_err(|error| wrong(error.to_string()))?;
        let leaf = record.leaf().map_err(|error| wrong(error.to_string()))?;
        let found = record.index;
        if let Some(proof) = record.proof {
            if edge.size() > 0 {
                return Err(wrong(
                    "it has a proof, and those before have none".to_owned(),
                ));
            }
            some.push((found, leaf.hash(), proof));
            continue;
        }
        if !some.is_empty() {
            return Err(wrong(
                "it has no proof, and those before have one".to_owned(),
            ));
        }
        let expected = edge.size();
        if found > expected {
            return Err(ExportError::Missing {
                line,
                expected,
                found,
            });
        }
        if found < expected {
            return Err(ExportError::Order {
                line,
                expected,
                found,
            });
        }
        edge.push(leaf.hash());
        note(&edge);
    }
    if some.is_empty() {
        let size = edge.size();
        return Ok(Content::All { size, roots });
    }
    Ok(Content::Some { events: some })
}
