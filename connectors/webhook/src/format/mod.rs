//! What a body looks like: the event's data alone, an envelope, or CloudEvents 1.0.

mod cloudevents;
mod envelope;

pub use envelope::Envelope;

use crate::record::Record;
use bytes::Bytes;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

/// The form of a body. The names are those of settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// The event's data alone, as KurrentDB's connectors send it. What it is stands in the headers.
    Record,
    /// The event in an envelope of ours, with the names of what it is about.
    #[default]
    Envelope,
    /// CloudEvents 1.0, structured: the event as a JSON object with its attributes.
    CloudeventsStructured,
    /// CloudEvents 1.0, binary: the data as the body, its attributes as `ce-` headers.
    CloudeventsBinary,
}

impl Format {
    /// Whether several records can be one body. Where an event's id stands in the headers alone,
    /// they cannot: a receiver could not tell them apart.
    #[must_use]
    pub fn batches(self) -> bool {
        match self {
            Self::Record | Self::CloudeventsBinary => false,
            Self::Envelope | Self::CloudeventsStructured => true,
        }
    }

    /// Content type and body of these records: one record as itself, several as an array in their
    /// order. What belongs into headers is added to them.
    pub(crate) fn body(self, records: &[Record], headers: &mut HeaderMap) -> (&'static str, Bytes) {
        match (self, records) {
            (Self::Record, [one]) => ("application/json", bytes(&one.data)),
            (Self::CloudeventsBinary, [one]) => {
                cloudevents::describe(one, headers);
                ("application/json", bytes(&one.data))
            }
            (Self::CloudeventsStructured, [one]) => (
                "application/cloudevents+json",
                bytes(&cloudevents::event(one)),
            ),
            (Self::CloudeventsStructured | Self::CloudeventsBinary, several) => {
                let events = several.iter().map(cloudevents::event);
                (
                    "application/cloudevents-batch+json",
                    bytes(&events.collect::<Vec<_>>()),
                )
            }
            (Self::Envelope, [one]) => ("application/json", bytes(&Envelope::of(one))),
            (Self::Envelope | Self::Record, several) => {
                let envelopes = several.iter().map(Envelope::of);
                ("application/json", bytes(&envelopes.collect::<Vec<_>>()))
            }
        }
    }
}

fn bytes(value: &impl Serialize) -> Bytes {
    // Texts, numbers and maps with texts as keys: there is nothing that JSON could not have.
    serde_json::to_vec(value).unwrap_or_default().into()
}

#[cfg(test)]
mod tests;
