//! What became of what the engine was about to do.
//!
//! An intent is on record before its calls are made. Its answer is on record where a later event
//! carries the call. Where an event shows the thing and none carries the call, the call's answer
//! was lost, with the process or on its way: the thing was found by reading.

use super::{body, command_id};
use domain::{
    CloudCall,
    network::{HalfChange, NetworkEvent, Thing, Where},
};
use journal::Recorded;

/// What became of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The call and its answer are with this event.
    Called {
        /// The event's revision.
        by: u64,
    },
    /// The intent is on record and the answer is unknown; this event shows what came of it.
    Seen {
        /// The event's revision.
        by: u64,
    },
    /// This event shows what came of it; it is of a release that kept no calls.
    NotKept {
        /// The event's revision.
        by: u64,
    },
    /// The intent is on record and the answer is unknown.
    Unknown,
}

impl Answer {
    /// The event that tells it.
    pub fn by(&self) -> Option<u64> {
        match self {
            Self::Called { by } | Self::Seen { by } | Self::NotKept { by } => Some(*by),
            Self::Unknown => None,
        }
    }
}

/// What became of one thing that an intent announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The thing; `None` for the link, or a half of it.
    pub thing: Option<Thing>,
    /// What became of it.
    pub answer: Answer,
}

/// What an intent announces.
enum Announced<'a> {
    Link { attempt: u32 },
    Half(&'a domain::network::HalfChangeStarted),
    Thing(domain::Side, &'a Thing),
}

/// The answers to what the event of this index announces; none if it is no intent.
pub(super) fn answers(events: &[Recorded], index: usize) -> Vec<Answered> {
    let Some(event) = events.get(index).and_then(body) else {
        return Vec::new();
    };
    let later = events.get(index + 1..).unwrap_or_default();
    let one = |announced: &Announced<'_>| Answered {
        thing: match announced {
            Announced::Thing(_, it) => Some((*it).clone()),
            Announced::Link { .. } | Announced::Half(_) => None,
        },
        answer: announced.answer(later),
    };
    if let NetworkEvent::PeeringInitiationStarted(it) = event {
        let attempt = it.attempt;
        vec![one(&Announced::Link { attempt })]
    } else if let NetworkEvent::HalfChangeStarted(it) = event {
        vec![one(&Announced::Half(it))]
    } else if let NetworkEvent::InstallationStarted(it) = event {
        let things = it.things.iter();
        things
            .map(|thing| one(&Announced::Thing(it.side, thing)))
            .collect()
    } else {
        Vec::new()
    }
}

impl Announced<'_> {
    fn answer(&self, later: &[Recorded]) -> Answer {
        let end = later.iter().position(|it| self.is_announced_again(it));
        let window = later.get(..end.unwrap_or(later.len())).unwrap_or(later);
        let settled = window.iter().position(|it| self.is_settled_by(it));
        let window = match settled {
            Some(at) => window.get(..=at).unwrap_or(window),
            None => window,
        };
        if let Some(carrier) = window.iter().find(|it| self.is_called_in(it)) {
            // Calls stand beside the first event of what was recorded at once; this is another one
            // of that.
            let settles = settled.and_then(|_| window.last());
            let settles = settles.filter(|it| command_id(it) == command_id(carrier));
            let by = settles.unwrap_or(carrier).revision;
            return Answer::Called { by };
        }
        match settled.and_then(|_| window.last()) {
            None => Answer::Unknown,
            Some(it) if keeps_calls(later, it) => Answer::Seen { by: it.revision },
            Some(it) => Answer::NotKept { by: it.revision },
        }
    }

    /// Whether the same is announced once more: what follows is the answer to that.
    fn is_announced_again(&self, event: &Recorded) -> bool {
        let Some(event) = body(event) else {
            return false;
        };
        match self {
            Self::Link { .. } => matches!(event, NetworkEvent::PeeringInitiationStarted(_)),
            Self::Half(of) => {
                matches!(event, NetworkEvent::HalfChangeStarted(it) if it.side == of.side)
            }
            Self::Thing(side, thing) => {
                matches!(event, NetworkEvent::InstallationStarted(it)
                    if it.side == *side && it.things.contains(thing))
            }
        }
    }

    /// Whether the event tells what came of it.
    fn is_settled_by(&self, event: &Recorded) -> bool {
        let Some(event) = body(event) else {
            return false;
        };
        match self {
            Self::Link { attempt } => {
                matches!(event, NetworkEvent::PeeringInitiated(_))
                    || matches!(event, NetworkEvent::PeeringInitiationRefused(it)
                        if it.attempt == *attempt)
            }
            Self::Half(of) => {
                let is_done = match of.change {
                    HalfChange::Make => {
                        matches!(event, NetworkEvent::HalfMade(it) if it.side == of.side)
                    }
                    HalfChange::Remove => {
                        matches!(event, NetworkEvent::HalfRemoved(it) if it.side == of.side)
                    }
                };
                is_done
                    || matches!(event, NetworkEvent::HalfOperationStarted(it)
                        if it.request_id == of.request_id)
                    || matches!(event, NetworkEvent::HalfOperationFailed(it)
                        if it.side == of.side)
            }
            Self::Thing(side, thing) => {
                let is_given_up = matches!(event, NetworkEvent::InstallationEnded(it)
                    if it.side == *side && it.things.contains(thing));
                is_given_up || shows(event, *side, thing)
            }
        }
    }

    fn is_called_in(&self, event: &Recorded) -> bool {
        let calls = event
            .metadata
            .as_ref()
            .and_then(|it| it.cloud_calls.as_ref());
        let is_it = |call: &CloudCall| match self {
            Self::Link { .. } => call.operation == "create_link",
            Self::Half(of) => match of.change {
                HalfChange::Make => {
                    call.operation == "create_link" || call.operation == "accept_link"
                }
                HalfChange::Remove => call.operation == "delete_link",
            },
            Self::Thing(_, thing) => call.thing.as_ref() == Some(thing),
        };
        calls.is_some_and(|it| it.calls.iter().any(is_it))
    }
}

/// Whether the event says that this thing is there, on either side.
pub(super) fn shows_somewhere(event: &NetworkEvent, thing: &Thing) -> bool {
    let mut sides = domain::Side::BOTH.into_iter();
    sides.any(|side| shows(event, side, thing))
}

/// Whether the event says that this thing is there.
fn shows(event: &NetworkEvent, side: domain::Side, thing: &Thing) -> bool {
    match thing {
        Thing::Route { at, destination } => {
            let installed = matches!(event, NetworkEvent::RouteInstalled(it)
                if it.side == side && it.destination == *destination
                    && at.table() == Some(&it.route_table));
            let enforced = matches!(event, NetworkEvent::RoutesEnforced(it)
                if it.side == side && *at == Where::Exchange
                    && it.destinations.contains(destination));
            installed || enforced
        }
        Thing::Group => {
            matches!(event, NetworkEvent::FirewallGroupCreated(it) if it.side == side)
        }
        Thing::Rule { .. } => matches!(event, NetworkEvent::FirewallRuleAuthorized(it)
            if it.side == side && Thing::from(it.rule) == *thing),
        Thing::Attachment { interface } => {
            matches!(event, NetworkEvent::FirewallGroupAttached(it)
                if it.side == side && it.interface == *interface)
        }
        Thing::Denial { denial } => matches!(event, NetworkEvent::DenialMade(it)
            if it.side == side && it.denial == *denial),
        Thing::Option { option } => matches!(event, NetworkEvent::LinkOptionApplied(it)
            if it.side == side && it.option == *option),
    }
}

/// Whether the append that the event came in kept its calls: they stand beside its first event.
fn keeps_calls(events: &[Recorded], event: &Recorded) -> bool {
    let command = command_id(event);
    let of_append = |it: &&Recorded| command.is_some() && command_id(it) == command;
    events.iter().filter(of_append).any(|it| {
        let about = it.metadata.as_ref();
        about.is_some_and(|it| it.cloud_calls.is_some())
    })
}
