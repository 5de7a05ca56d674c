//! Where records go: what the runtime hands over, and what it wants to know of the answer.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    CloudMode, PeeringId, Provider,
    connector::Settings,
    text::{Account, ConnectorId, Name, Project},
};
use journal::Recorded;
use std::{fmt, sync::Arc, time::Duration};
use transform::Changed;

/// Something that takes records.
#[async_trait]
pub trait Sink: Send + Sync + fmt::Debug {
    /// Hands over one parcel, once. What may have happened if there is no answer: anything; the
    /// same parcel comes again, with the same ids.
    async fn deliver(&self, parcel: &Parcel) -> Attempt;

    /// How many records it takes at once, and how long the first waits for more.
    fn batch(&self) -> Option<(usize, Duration)> {
        None
    }

    /// How long one delivery may take in all.
    fn timeout(&self) -> Duration;
}

/// What makes sinks of settings.
pub trait Sinks: Send + Sync + fmt::Debug {
    /// The sink, or why it cannot be had at this server, in words.
    fn open(&self, id: &ConnectorId, settings: &Settings) -> Result<Arc<dyn Sink>, String>;

    /// Whether it can be had, as far as that shows without making anything.
    fn check(&self, id: &ConnectorId, settings: &Settings) -> Result<(), String> {
        self.open(id, settings).map(|_| ())
    }
}

/// Records that are handed over at once, all of one lane and in order.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// The connector.
    pub connector: ConnectorId,
    /// What is in order.
    pub lane: String,
    /// The records.
    pub items: Vec<Item>,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// Whether they were handed over or parked before, and somebody asked for them again.
    pub is_replay: bool,
}

/// A record on its way.
#[derive(Clone, Debug)]
pub struct Item {
    /// The record.
    pub recorded: Arc<Recorded>,
    /// How many records its lane had with it, since the connector's beginning.
    pub sequence: u64,
    /// What its network and peering are called.
    pub names: Option<Arc<Names>>,
    /// What a transform made of it, if there is one.
    pub changed: Option<Arc<Changed>>,
}

/// What a network and a peering are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The network's project.
    pub project: Project,
    /// The network's name.
    pub network: Name,
    /// Where it is.
    pub provider: Provider,
    /// Whose it is.
    pub account: Account,
    /// Whether that is the provider's own cloud, where it is on record.
    pub cloud: Option<CloudMode>,
    /// The peering, if the record is about one.
    pub peering: Option<PeeringNames>,
}

/// What a peering is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeeringNames {
    /// Its id.
    pub id: PeeringId,
    /// The peer's account.
    pub account: Account,
    /// The peer's network.
    pub cloud_network: String,
}

/// What came of handing over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: DateTime<Utc>,
    /// How long it took.
    pub took: Duration,
    /// The answer's status, if there was one.
    pub status: Option<u16>,
    /// The beginning of the answer's body.
    pub body: String,
    /// What it means.
    pub outcome: Outcome,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken.
    Delivered,
    /// Something is wrong with the record: it would be refused again.
    RecordRefused(String),
    /// Something is wrong with the endpoint, or with the way to it: every record would meet that.
    EndpointFailed {
        /// What.
        cause: String,
        /// How long to leave it alone, if it said so.
        retry_after: Option<Duration>,
    },
    /// It may go better later.
    Busy {
        /// What.
        cause: String,
        /// How long to wait, if it said so.
        retry_after: Option<Duration>,
    },
    /// The endpoint wants nothing any more.
    Gone,
}
