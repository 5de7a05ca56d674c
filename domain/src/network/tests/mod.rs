//! Given what has happened, when a command comes, then this happens or this is why not.

#![allow(clippy::unwrap_used)]

mod adoption;
mod attachment;
mod clouds;
mod connections;
mod consent;
mod damping;
mod denial;
mod drift;
mod exposures;
mod firewall;
mod flapping_exposures;
mod golden;
mod groups;
mod holds;
mod identity;
mod ingress;
mod ingress_bounds;
mod installation;
mod ipv6;
mod laws;
mod matrix;
mod openings;
mod options;
mod orphans;
mod outcomes;
mod peer_ranges;
mod peerings;
mod places;
mod policy;
mod quotas;
mod registration;
mod remote_firewall;
mod removal;
mod replaced;
mod requirements;
mod review;
mod routes;
pub(crate) mod samples;
mod setup;
mod subnets;
mod tenure;
mod withdrawal;

use super::{Network, NetworkCommand, NetworkEvent, Peering, Refusal, decide, evolve};
use crate::{
    actor::Context,
    ids::{CommandId, Ids},
};
use chrono::{DateTime, TimeZone, Utc};
use uuid::Uuid;

/// A history to which one command is given.
struct Given(Network);

/// What the command came to.
#[derive(Debug)]
struct Verdict(Result<Vec<NetworkEvent>, Refusal>);

fn given(events: impl IntoIterator<Item = NetworkEvent>) -> Given {
    Given(fold(events))
}

pub(crate) fn fold(events: impl IntoIterator<Item = NetworkEvent>) -> Network {
    events.into_iter().fold(Network::default(), |state, event| {
        evolve(state, &event, now())
    })
}

/// Peering 1 after these events.
fn recorded(events: impl IntoIterator<Item = NetworkEvent>) -> Peering {
    match fold(events) {
        Network::Registered(mut network) | Network::Retired(mut network) => network
            .connections
            .peerings
            .remove(&samples::peering_id(1))
            .unwrap(),
        Network::Unregistered | Network::Marked(_) => panic!("the network is not on record"),
    }
}

/// The time of every command here, and the id of the command that is under test.
fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 1, 9, 0, 0).unwrap()
}

const COMMAND: CommandId = CommandId(Uuid::from_u128(0xc0));

impl Given {
    fn when(self, command: impl Into<NetworkCommand>) -> Verdict {
        Verdict(decide(
            &self.0,
            &command.into(),
            &Context::default(),
            now(),
            Ids::of(COMMAND),
        ))
    }
}

impl Verdict {
    #[track_caller]
    fn then(self, events: impl IntoIterator<Item = NetworkEvent>) {
        assert_eq!(self.0, Ok(events.into_iter().collect()));
    }

    /// All is as the command wants it already.
    #[track_caller]
    fn then_nothing(self) {
        self.then([]);
    }

    #[track_caller]
    fn then_refused(self, refusal: Refusal) {
        assert_eq!(self.0, Err(refusal));
    }
}

/// The name of the refusal that callers see.
fn reason(refusal: &Refusal) -> String {
    serde_json::to_value(refusal).unwrap()["reason"]
        .as_str()
        .unwrap()
        .to_owned()
}
