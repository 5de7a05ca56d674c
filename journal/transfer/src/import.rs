//! Appends the events of an export to a store, in the order in which they
//! stand.
//!
//! Every append names the revision that the export says, and the ids of its events: what the store
//! has already, from an import that was interrupted or from one that was done before, is not
//! appended again. An event that stands where the store has another ends it.
//!
//! Deletes are events too. A soft delete is an event of the stream's metadata; when the stream is
//! written again a store adds metadata of its own, which is then taken for the exported one if it
//! says the same. A tombstone is asked for as a tombstone.

use crate::append::Importer;
use crate::line::{self, Event, Said};
use crate::store::Store;
use crate::{Imported, Progress, TransferError};
use std::collections::{BTreeMap, HashMap};
use std::io::BufRead;

/// Neighbours of one stream go together, up to so many and so many bytes: far below what any store
/// takes at once.
const BATCH_EVENTS: usize = 500;
const BATCH_BYTES: usize = 512 << 10;

/// How an import is done.
#[derive(Debug, Clone)]
pub struct Import {
    /// How the source is called in texts.
    pub source_name: String,
    /// The size of the source in bytes, for the progress; 0 when it is not known.
    pub size: u64,
    /// Whether empty events stand in for those that were scavenged before the export, so that the
    /// others keep their numbers. Without it a gap ends the import.
    pub fill_gaps: bool,
}

/// Appends what the lines hold and the store does not. What was done is told in `summary`, also
/// when it ends with an error.
///
/// # Errors
/// A line cannot be read or does not fit to what the store has, or the store does not answer or
/// refuses. The same import goes on from there.
pub async fn import(
    store: &mut Store,
    lines: impl BufRead,
    how: &Import,
    summary: &mut Imported,
    progress: impl FnMut(Progress),
) -> Result<(), TransferError> {
    let mut importer = Importer {
        head: store.head().await?,
        store,
        name: how.source_name.clone(),
        fill_gaps: how.fill_gaps,
        summary: Imported::default(),
        metadata: HashMap::new(),
        ended: BTreeMap::new(),
    };
    let done = importer.all(lines, how.size, progress).await;
    *summary = importer.summary;
    done
}

/// Neighbours of one stream, and the line of the first.
#[derive(Default)]
struct Batch {
    line: u64,
    events: Vec<Event>,
    bytes: usize,
}

impl Batch {
    /// Whether an event goes on where these end.
    fn is_continued_by(&self, event: &Event) -> bool {
        let goes_on = |last: &Event| {
            last.stream == event.stream && last.revision.checked_add(1) == Some(event.revision)
        };
        let has_room = self.events.len() < BATCH_EVENTS && self.bytes + event.size() <= BATCH_BYTES;
        has_room
            && self.events.last().is_some_and(goes_on)
            && !event.is_metadata()
            && !event.is_tombstone()
    }
}

impl Importer<'_> {
    async fn all(
        &mut self,
        mut lines: impl BufRead,
        size: u64,
        mut progress: impl FnMut(Progress),
    ) -> Result<(), TransferError> {
        let (mut bytes, mut text, mut batch) = (0, String::new(), Batch::default());
        loop {
            text.clear();
            let read = lines
                .read_line(&mut text)
                .map_err(|error| self.wrong(self.summary.lines + 1, &error))?;
            if read == 0 {
                break;
            }
            self.summary.lines += 1;
            bytes += read as u64;
            let said = line::parse(text.trim_end())
                .map_err(|problem| self.wrong(self.summary.lines, &problem))?;
            let Said::Event(event) = said else { continue };
            let event = event.with_its_time();
            if !batch.is_continued_by(&event) {
                let before = std::mem::take(&mut batch);
                self.put(&before.events, before.line).await?;
                batch.line = self.summary.lines;
            }
            batch.bytes += event.size();
            batch.events.push(event);
            let events = self.summary.appended + self.summary.there_before;
            progress(Progress {
                done: bytes,
                of: size,
                events,
            });
        }
        self.put(&batch.events, batch.line).await?;
        match self.ended.first_key_value() {
            Some((stream, line)) => Err(self.wrong(
                *line,
                &format!("{stream:?} was ended in the store, and the export does not end it"),
            )),
            None => Ok(()),
        }
    }
}
