//! Whose word an opening goes back to: the events that decided it, by what they opened.

use crate::sentence;
use chrono::{DateTime, Utc};
use domain::{
    Actor, CommandId, EventId, PeeringId, Range, Side,
    network::{InboundRule, NetworkEvent},
    text::{FirewallRule, Reason, Ticket},
};
use journal::{Position, Recorded};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// What was opened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Opening {
    /// The link.
    Link,
    /// A route of one side.
    Route(Side, Range),
    /// A rule of one side.
    Rule(Side, InboundRule),
    /// A rule of others on one side: seen, and decided by nobody who is on record.
    Exposure(Side, FirewallRule),
    /// What the engine denies in front of one side's subnets: that opens nothing, and takes away
    /// from what the others do.
    Denial(Side),
}

/// The event that opened it, with who and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Where it is in the log.
    #[serde(with = "crate::stored::as_text")]
    pub position: Position,
    /// Its number in the network's stream.
    pub revision: u64,
    /// Which event it is.
    pub event_id: EventId,
    /// About which peering.
    pub peering: Option<PeeringId>,
    /// Its type.
    pub event_type: String,
    /// When it was decided.
    pub time: DateTime<Utc>,
    /// What it says.
    pub sentence: String,
    /// By which command; like all that follows, `None` where that is not on record.
    pub command_id: Option<CommandId>,
    /// Who gave it.
    pub actor: Option<Actor>,
    /// Why.
    pub reason: Option<Reason>,
    /// Where the change is tracked.
    pub ticket: Option<Ticket>,
}

impl Decision {
    fn of(event: &NetworkEvent, recorded: &Recorded) -> Self {
        let about = recorded.metadata.as_ref();
        Self {
            position: recorded.position,
            revision: recorded.revision,
            event_id: recorded.event_id,
            peering: event.peering_id(),
            event_type: event.name().to_owned(),
            time: recorded.time(),
            sentence: sentence(event),
            command_id: about.map(|it| it.command_id),
            actor: about.map(|it| it.actor.clone()),
            reason: about.and_then(|it| it.reason.clone()),
            ticket: about.and_then(|it| it.ticket.clone()),
        }
    }
}

/// The last decision on each opening of each peering.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decisions(pub(crate) BTreeMap<(PeeringId, Opening), Arc<Decision>>);

impl Decisions {
    /// Takes an event in.
    pub(crate) fn follow(&mut self, event: &NetworkEvent, recorded: &Recorded) {
        let Some(peering) = event.peering_id() else {
            return;
        };
        let openings = opened(event);
        if openings.is_empty() {
            return;
        }
        let decision = Arc::new(Decision::of(event, recorded));
        for opening in openings {
            self.0.insert((peering, opening), Arc::clone(&decision));
        }
    }

    /// The last decision on this opening.
    pub fn on(&self, peering: PeeringId, opening: Opening) -> Option<&Arc<Decision>> {
        self.0.get(&(peering, opening))
    }
}

fn opened(event: &NetworkEvent) -> Vec<Opening> {
    if let NetworkEvent::PeeringRequested(_) | NetworkEvent::PeeringAdopted(_) = event {
        vec![Opening::Link]
    } else if let NetworkEvent::RouteAccepted(it) = event {
        vec![Opening::Route(it.side, it.destination)]
    } else if let NetworkEvent::FirewallRestricted(it) = event {
        let rules = it.admit.iter();
        rules.map(|rule| Opening::Rule(it.side, *rule)).collect()
    } else if let NetworkEvent::ConnectorIngressAllowed(it) = event {
        let rules = std::iter::once(&it.rule).chain(&it.also);
        rules
            .map(|rule| Opening::Rule(Side::Remote, *rule))
            .collect()
    } else if let NetworkEvent::FirewallExposed(it) = event {
        vec![Opening::Exposure(it.side, it.exposure.rule_id.clone())]
    } else if let NetworkEvent::DenialRequested(it) = event {
        vec![Opening::Denial(it.side)]
    } else if let NetworkEvent::DenialWithdrawn(it) = event {
        vec![Opening::Denial(it.side)]
    } else {
        Vec::new()
    }
}
