//! The engine's own connectors: the provisioner, and the read models of each server. They run
//! without being asked. What can be asked of them is a rest that ends by itself.
//!
//! ```text
//!   running ── stop for a time ──▶ stopped ── its time is over, or start ──▶ running
//! ```
//!
//! A stop of the provisioner holds back what opens and what repairs; what is to be closed is closed
//! all the same. Read models are of each server: a command names one of them by its host, or all,
//! and the last command that concerns a server is what counts there.
//!
//! Nothing else can be asked of them: they are never deleted, parked or begun elsewhere than where
//! they stood.

mod decide;
mod event;
#[cfg(test)]
mod tests;

pub use decide::{BuiltInCommand, StartBuiltIn, StopBuiltIn, decide, evolve};
pub use event::{BuiltInConnectorStarted, BuiltInConnectorStopped, BuiltInEvent};

use crate::text::ConnectorId;
use chrono::{DateTime, TimeDelta, Utc};
use std::{collections::BTreeMap, fmt};

/// For how long one of the engine's own connectors may be stopped: as long as somebody who stopped
/// it may be taken to be still at it. Whoever needs more asks again.
pub const LONGEST_STOP: TimeDelta = TimeDelta::hours(4);

/// The shortest stop that is one.
pub const SHORTEST_STOP: TimeDelta = TimeDelta::seconds(1);

/// The most servers that have something of their own on record at once.
pub const MOST_SERVERS: usize = 100;

/// One of the engine's own connectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BuiltIn {
    /// What makes the clouds match the log.
    Provisioner,
    /// What can be looked up, at each server.
    ReadModels,
}

/// A stop that is on record. It is over at its end, whether or not anybody says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Since when.
    pub since: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// What is on record of one of the engine's own connectors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stops {
    /// At every server that nothing else is said of.
    everywhere: Option<Stop>,
    /// At these; nothing: it runs there, whatever is said of all.
    at: BTreeMap<String, Option<Stop>>,
}

impl BuiltIn {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Provisioner, Self::ReadModels];

    /// Its id.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisioner => "provisioner",
            Self::ReadModels => "read-models",
        }
    }

    /// The stream that its commands are recorded in.
    pub fn stream(self) -> String {
        format!("{}-{self}", super::CONNECTOR_CATEGORY)
    }

    /// The one that this id is of.
    pub fn of(id: &ConnectorId) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == id.as_str())
    }
}

impl fmt::Display for BuiltIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Stop {
    fn lasts(&self, now: DateTime<Utc>) -> bool {
        now < self.until
    }

    /// For how much longer it lasts; nothing if it is over. A clock that was set back does not
    /// make it longer than any stop may be.
    pub fn left(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        self.lasts(now)
            .then(|| (self.until - now).min(LONGEST_STOP))
    }
}

impl Stops {
    /// The stop that holds at this server now, if one does.
    pub fn at(&self, host: &str, now: DateTime<Utc>) -> Option<Stop> {
        let own = self.at.get(host).copied();
        own.unwrap_or(self.everywhere).filter(|it| it.lasts(now))
    }

    /// Every stop that holds now, and at which server; nothing: at all that nothing else is said
    /// of.
    pub fn all(&self, now: DateTime<Utc>) -> Vec<(Option<&str>, Stop)> {
        let everywhere = self.everywhere.map(|it| (None, it));
        let each = self.at.iter();
        let each = each.filter_map(|(host, it)| Some((Some(host.as_str()), (*it)?)));
        let all = everywhere.into_iter().chain(each);
        all.filter(|(_, it)| it.lasts(now)).collect()
    }
}
