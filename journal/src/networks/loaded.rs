//! A network folded from its stream.

use crate::{Body, Fence, Recorded};
use chrono::{DateTime, Utc};
use domain::{
    CloudMode, EventId,
    network::{Network, NetworkEvent, evolve},
};

/// What a network's stream says up to one revision. A copy shares nearly everything with what it
/// was copied from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The fold of its events. Peerings that were over before the last event are folded together.
    pub network: Network,
    /// The number of the last event folded in; `None` if there is none.
    pub revision: Option<u64>,
    /// That event's id.
    pub last_event: Option<EventId>,
    /// The events that could not be read and so are not folded in.
    pub undecodable: Vec<Undecodable>,
    /// The number of the first event behind known ones that the store does not have any more.
    pub missing: Option<u64>,
    /// The term of the lease under which an outcome was recorded last.
    pub term: Option<Fence>,
    /// Whether a snapshot of this network was found not to be what its events fold to. What stands
    /// here is folded from the events alone; until somebody has looked into it, nothing is to be
    /// opened on the strength of it.
    pub is_doubtful: bool,
}

/// An event that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecodable {
    /// The event's number in its stream, from 0.
    pub revision: u64,
    /// The type as the log names it.
    pub event_type: String,
    /// Why, in words.
    pub problem: String,
}

impl Loaded {
    /// Which cloud the network is at: on record before these events, or by one of them.
    pub(super) fn cloud<'a>(&'a self, events: &'a [NetworkEvent]) -> Option<&'a CloudMode> {
        if let Network::Registered(network) = &self.network
            && let Some(cloud) = &network.cloud
        {
            return Some(cloud);
        }
        events.iter().find_map(|event| {
            if let NetworkEvent::NetworkRegistered(it) = event {
                it.cloud.as_ref()
            } else if let NetworkEvent::NetworkCloudRecorded(it) = event {
                Some(&it.cloud)
            } else {
                None
            }
        })
    }

    /// Folds the next event in. One that cannot be read changes nothing but the list of those.
    pub fn apply(&mut self, recorded: &Recorded) {
        match &recorded.body {
            Body::Event(event) => self.evolve(event, recorded.time()),
            Body::Undecodable {
                event_type,
                problem,
            } => {
                let (event_type, problem) = (event_type.clone(), problem.clone());
                self.undecodable.push(Undecodable {
                    revision: recorded.revision,
                    event_type,
                    problem,
                });
            }
        }
        self.withhold_openings();
        self.revision = Some(recorded.revision);
        self.last_event = Some(recorded.event_id);
        self.note_term(recorded.metadata.as_ref().and_then(|it| it.term));
    }

    /// An event was recorded under this term, if under any.
    pub(super) fn note_term(&mut self, term: Option<Fence>) {
        self.term = term.or(self.term);
    }

    /// What ends with an event is folded together with the next one: whoever was told of the end
    /// still sees it whole.
    pub(super) fn evolve(&mut self, event: &NetworkEvent, at: DateTime<Utc>) {
        self.network.fold_ended();
        self.network = evolve(std::mem::take(&mut self.network), event, at);
    }

    /// The store has no events from this one up to the next that there is.
    pub(super) fn skip(&mut self, missing: u64) {
        self.missing.get_or_insert(missing);
        self.withhold_openings();
    }

    /// What is folded of a part may say that something is open which was closed since.
    fn withhold_openings(&mut self) {
        if !self.is_whole() {
            self.network.doubt();
        }
    }

    /// Whether all of its history is here and can be read. Otherwise what is to be closed is closed
    /// from what can be read, and nothing is opened.
    pub fn is_whole(&self) -> bool {
        self.undecodable.is_empty() && self.missing.is_none()
    }

    /// Nothing is to be opened on the strength of this.
    pub(super) fn doubt(&mut self) {
        self.is_doubtful = true;
        self.network.doubt();
    }

    /// The number that the next event will have.
    pub(crate) fn next_revision(&self) -> u64 {
        self.revision.map_or(0, |it| it + 1)
    }
}
