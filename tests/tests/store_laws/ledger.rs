//! What a writer knows of its stream: what was acknowledged, and what may or may not have been
//! written when the node died.

use bytes::Bytes;
use kurrentdb::{EventData, Position, RecordedEvent};
use uuid::Uuid;

/// One append: its events by id and data.
#[derive(Debug, Clone)]
pub struct Append {
    pub events: Vec<(Uuid, Bytes)>,
    /// The position it was acknowledged with.
    pub position: Option<Position>,
}

impl Append {
    pub fn proposed(&self) -> Vec<EventData> {
        self.events
            .iter()
            .map(|(id, data)| EventData::binary("Crashed", data.clone()).id(*id))
            .collect()
    }
}

/// The history of one stream as its only writer knows it.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    pub stream: String,
    /// In order; each of them must be there.
    pub acknowledged: Vec<Append>,
    /// Sent, but never answered: there as a whole or not at all, after all that was acknowledged.
    pub in_doubt: Option<Append>,
}

impl Ledger {
    /// The number of the last event that is known to be there.
    pub fn last(&self) -> Option<u64> {
        let count: usize = self
            .acknowledged
            .iter()
            .map(|append| append.events.len())
            .sum();
        (count as u64).checked_sub(1)
    }

    /// Compares with what the stream holds after a crash. What was in doubt and is there counts as
    /// acknowledged from now on.
    pub fn settle(&mut self, found: &[RecordedEvent]) -> Result<(), String> {
        let mut rest = found;
        for (place, append) in self.acknowledged.iter().enumerate() {
            rest = taken(append, rest)
                .map_err(|lost| format!("{}: acknowledged append {place}: {lost}", self.stream))?;
        }
        if let (Some(append), Some(last)) = (&self.in_doubt, rest.last()) {
            let position = Some(last.position);
            rest = taken(append, rest).map_err(|half| {
                format!("{}: the append in doubt is half there: {half}", self.stream)
            })?;
            self.acknowledged.push(Append {
                position,
                ..append.clone()
            });
            self.in_doubt = None;
        }
        let numbered = found
            .iter()
            .enumerate()
            .all(|(number, event)| event.revision == number as u64);
        match (rest.len(), numbered) {
            (0, true) => Ok(()),
            (0, false) => Err(format!(
                "{}: the events are not numbered from 0 without gaps",
                self.stream
            )),
            (more, _) => Err(format!(
                "{}: {more} events that nobody appended, or not once only",
                self.stream
            )),
        }
    }
}

/// What follows the events of an append, if they come first.
fn taken<'a>(append: &Append, found: &'a [RecordedEvent]) -> Result<&'a [RecordedEvent], String> {
    let count = append.events.len();
    let Some((own, rest)) = found.split_at_checked(count) else {
        return Err(format!("{} of its {count} events", found.len()));
    };
    for ((id, data), event) in append.events.iter().zip(own) {
        if event.id != *id || event.data != *data {
            return Err(format!(
                "event {} has id {}, wanted {id}",
                event.revision, event.id
            ));
        }
    }
    match (append.position, own.last()) {
        (Some(position), Some(last)) if last.position != position => Err(format!(
            "its position was {position} and is {}",
            last.position
        )),
        _ => Ok(rest),
    }
}
