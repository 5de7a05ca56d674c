//! What a group is told when it is created.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    model::StreamName,
    read::{AllStart, Filter, FilterError, StreamStart, Subject},
};

/// The name by which a group on `$all` names its source.
pub(crate) const ALL: &str = "$all";

/// A group: its source and its name there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupName {
    /// The stream, or `$all`.
    pub(crate) source: StreamName,
    pub(crate) group: String,
}

/// A group as it was created or last updated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupConfig {
    pub(crate) name: GroupName,
    pub(crate) origin: Origin,
    pub(crate) settings: Settings,
}

/// Where a group's events come from, and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A revision is inclusive here, unlike in a subscription.
    Stream(StreamStart),
    All {
        start: AllStart,
        filter: Option<FilterSpec>,
    },
}

/// A filter before it is compiled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FilterSpec {
    pub(crate) by_event_type: bool,
    pub(crate) regex: String,
    pub(crate) prefixes: Vec<String>,
    pub(crate) checkpoint_interval: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    pub(crate) resolve_links: bool,
    pub(crate) extra_statistics: bool,
    /// 0: events are waited for without end.
    pub(crate) message_timeout_ms: u32,
    pub(crate) max_retry_count: u32,
    pub(crate) checkpoint_after_ms: u32,
    pub(crate) min_checkpoint_count: u32,
    pub(crate) max_checkpoint_count: u32,
    /// 0: any number.
    pub(crate) max_subscriber_count: u32,
    pub(crate) live_buffer_size: u32,
    pub(crate) read_batch_size: u32,
    pub(crate) history_buffer_size: u32,
    pub(crate) strategy: Strategy,
}

/// How a group's events are shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Strategy {
    /// To the first consumer that has room.
    DispatchToSingle,
    /// In turn.
    RoundRobin,
    /// All events of one stream to the same consumer.
    Pinned,
    /// All events of one correlation to the same consumer.
    PinnedByCorrelation,
}

impl Strategy {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "DispatchToSingle" => Some(Self::DispatchToSingle),
            "RoundRobin" => Some(Self::RoundRobin),
            "Pinned" => Some(Self::Pinned),
            "PinnedByCorrelation" => Some(Self::PinnedByCorrelation),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DispatchToSingle => "DispatchToSingle",
            Self::RoundRobin => "RoundRobin",
            Self::Pinned => "Pinned",
            Self::PinnedByCorrelation => "PinnedByCorrelation",
        }
    }
}

impl FilterSpec {
    pub(crate) fn compile(&self) -> Result<Filter, FilterError> {
        let subject = if self.by_event_type {
            Subject::EventType
        } else {
            Subject::Stream
        };
        Filter::new(subject, &self.regex, self.prefixes.clone())
    }
}

impl GroupName {
    fn own_stream(&self, what: &str) -> StreamName {
        StreamName::new(&format!("$persistentsubscription-{self}-{what}"))
    }

    /// The stream that holds how far the group has come.
    pub(super) fn checkpoint_stream(&self) -> StreamName {
        self.own_stream("checkpoint")
    }

    /// The stream that holds links to the events it has given up on.
    pub(super) fn parked_stream(&self) -> StreamName {
        self.own_stream("parked")
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.source, self.group)
    }
}
