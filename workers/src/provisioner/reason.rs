//! Why a pass runs: the answer to "why did it look now", in the log of the process.
//!
//! A pass merges whatever asked for it. Only the first few reasons are kept by name, and the rest
//! is counted, so that a storm of events makes no list.

use super::cause::Causes;
use domain::{Actor, PeeringId};
use journal::{Body, Position, Recorded};
use std::{collections::BTreeSet, fmt};

/// How many reasons are kept by name.
const KEPT: usize = 4;

/// What the command to look at the cloud puts on record.
const DRIFT_CHECK: &str = "DriftCheckRequested";

/// One thing that asks for a pass.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// The engine has started and read the log to its end.
    Start,
    /// A command, by what it put on record.
    Command {
        event_type: &'static str,
        position: Position,
        by: String,
        peering: Option<PeeringId>,
    },
    /// An outcome that an engine has put on record.
    Event {
        event_type: &'static str,
        position: Position,
        peering: Option<PeeringId>,
    },
    /// Time alone: the next try, the next poll, a deadline, or the interval of drift checks.
    Clock,
}

impl Reason {
    /// Why this event asks for a pass; `None` if it does not. That an engine is blocked, or no
    /// longer is, changes nothing that there is to do: it would only wake itself, or another one.
    pub(super) fn of(recorded: &Recorded, own: &Actor) -> Option<Self> {
        let Body::Event(event) = &recorded.body else {
            return None;
        };
        let is_block = matches!(
            event,
            domain::network::NetworkEvent::ProvisioningBlocked(_)
                | domain::network::NetworkEvent::ProvisioningUnblocked(_)
        );
        if is_block {
            return None;
        }
        let (event_type, position) = (event.name(), recorded.position);
        let peering = event.peering_id();
        let by = recorded.metadata.as_ref().map(|it| &it.actor);
        Some(if by == Some(own) {
            Self::Event {
                event_type,
                position,
                peering,
            }
        } else {
            Self::Command {
                event_type,
                position,
                by: by.map(ToString::to_string).unwrap_or_default(),
                peering,
            }
        })
    }

    /// Whether it is about this peering: by its name, or about the whole network.
    fn is_about(&self, id: PeeringId) -> bool {
        self.peering().is_none_or(|it| it == id)
    }

    /// The peering that it is about; none if about the whole network.
    pub(super) fn peering(&self) -> Option<PeeringId> {
        match self {
            Self::Start | Self::Clock => None,
            Self::Command { peering, .. } | Self::Event { peering, .. } => *peering,
        }
    }

    fn is_command(&self) -> bool {
        matches!(self, Self::Command { .. })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::Command {
                event_type,
                position,
                by,
                ..
            } => write!(f, "command {event_type} at {position} by {by}"),
            Self::Event {
                event_type,
                position,
                ..
            } => write!(f, "event {event_type} at {position}"),
            Self::Clock => f.write_str("clock"),
        }
    }
}

/// The merged reasons of one pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reasons {
    kept: Vec<Reason>,
    /// How many more there were.
    more: usize,
    /// The peerings that commands among all of them are about.
    commanded: BTreeSet<PeeringId>,
    /// Whether a command among all of them is about the whole network.
    all_commanded: bool,
    /// Whether a command among all of them wants more than a look at the cloud.
    acts: bool,
    /// The last event of the network among all of them.
    revision: Option<u64>,
    /// Whether one of them is no event.
    beside: bool,
    /// The traces that they are part of.
    causes: Causes,
}

impl Reasons {
    /// An event at this number.
    pub(super) fn since(reason: Reason, revision: u64) -> Self {
        Self {
            revision: Some(revision),
            ..reason.into()
        }
    }

    /// The same, as parts of these traces.
    pub(super) fn traced(mut self, causes: Causes) -> Self {
        self.causes.merge(causes);
        self
    }

    pub(super) fn causes(&self) -> &Causes {
        &self.causes
    }

    /// The event up to which the network must be known: whoever knows it so far knows all that asks
    /// for the pass. Nothing if something else asks for it too: then it is read as the log has it.
    pub(super) fn known_from(&self) -> Option<u64> {
        self.revision.filter(|_| !self.beside)
    }

    pub(super) fn add(&mut self, reason: Reason) {
        if let Reason::Command {
            peering,
            event_type,
            ..
        } = &reason
        {
            self.acts |= *event_type != DRIFT_CHECK;
            match peering {
                Some(id) => drop(self.commanded.insert(*id)),
                None => self.all_commanded = true,
            }
        }
        self.beside |= matches!(reason, Reason::Start | Reason::Clock);
        if self.kept.contains(&reason) {
            return;
        }
        if self.kept.len() < KEPT {
            self.kept.push(reason);
        } else if let Some(last) = self.kept.iter_mut().find(|it| !it.is_command())
            && reason.is_command()
        {
            *last = reason;
            self.more += 1;
        } else {
            self.more += 1;
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        other.kept.into_iter().for_each(|it| self.add(it));
        self.more += other.more;
        self.commanded.extend(other.commanded);
        self.all_commanded |= other.all_commanded;
        self.acts |= other.acts;
        self.revision = self.revision.max(other.revision);
        self.beside |= other.beside;
        self.causes.merge(other.causes);
    }

    /// Whether somebody waits for this.
    pub(super) fn has_command(&self) -> bool {
        self.all_commanded || !self.commanded.is_empty()
    }

    /// Whether somebody waits for a look at the cloud and for nothing else.
    pub(super) fn only_looks(&self) -> bool {
        self.has_command() && !self.acts
    }

    /// Whether somebody waits for this of that peering.
    pub(super) fn has_command_for(&self, id: PeeringId) -> bool {
        self.all_commanded || self.commanded.contains(&id)
    }

    /// Those that are about this peering.
    pub(super) fn about(&self, id: PeeringId) -> Self {
        let kept: Vec<_> = self
            .kept
            .iter()
            .filter(|it| it.is_about(id))
            .cloned()
            .collect();
        Self {
            kept,
            more: self.more,
            commanded: self
                .commanded
                .iter()
                .filter(|it| **it == id)
                .copied()
                .collect(),
            all_commanded: self.all_commanded,
            acts: self.acts,
            revision: self.revision,
            beside: self.beside,
            causes: self.causes.about(id),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}

impl From<Reason> for Reasons {
    fn from(reason: Reason) -> Self {
        let mut reasons = Self::default();
        reasons.add(reason);
        reasons
    }
}

impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, reason) in self.kept.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{reason}")?;
        }
        if self.more > 0 {
            write!(f, ", and {} more", self.more)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn event(n: u64) -> Reason {
        Reason::Event {
            event_type: "RouteInstalled",
            position: Position {
                commit: n,
                prepare: n,
            },
            peering: None,
        }
    }

    fn command(peering: PeeringId) -> Reason {
        Reason::Command {
            event_type: "RouteWithdrawn",
            position: Position {
                commit: 9,
                prepare: 9,
            },
            by: "alice".to_owned(),
            peering: Some(peering),
        }
    }

    #[test]
    fn many_reasons_are_merged_into_a_few_and_a_count_and_a_command_is_never_lost_among_them() {
        let id = PeeringId(Uuid::from_u128(1));
        let mut reasons = Reasons::default();
        (0..10_000).for_each(|n| reasons.add(event(n)));
        reasons.add(command(id));
        assert_eq!((reasons.kept.len(), reasons.more), (KEPT, 9_997));
        assert!(reasons.has_command_for(id));
        assert!(!reasons.has_command_for(PeeringId(Uuid::from_u128(2))));
        let said = reasons.to_string();
        assert!(
            said.contains("command RouteWithdrawn")
                && said.contains("by alice")
                && said.ends_with("and 9997 more"),
            "{said}"
        );
    }
}
