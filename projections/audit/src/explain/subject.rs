//! What an event is about, so that what the engine recorded is told with the decision it goes back
//! to.

use domain::{
    Range, Side,
    network::{LinkOption, NetworkEvent, Thing},
};
use serde::{Deserialize, Serialize};

/// What an event is about; kept beside a peering, and so in few letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Topic {
    /// The peering as a whole: its link, its ranges.
    Whole,
    /// One route of a side.
    Route(Side, Range),
    /// All routes of a side.
    Routes(Side),
    /// A side's firewall.
    Firewall(Side),
    /// Which interfaces a side's firewall group is on.
    Attachment(Side),
    /// What the lists in front of a side's subnets keep out.
    Denial(Side),
    /// An option of the link.
    Option(Side, LinkOption),
    /// The end of the peering.
    End,
}

/// How well a decision explains an event: the later, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// It is about something else.
    Another,
    /// It began the peering.
    Beginning,
    /// It is about the same.
    Same,
    /// It ended everything.
    End,
}

impl Topic {
    pub(super) fn of(event: &NetworkEvent) -> Self {
        route(event)
            .or_else(|| firewall(event))
            .or_else(|| option(event))
            .or_else(|| end(event))
            .unwrap_or(Self::Whole)
    }

    /// How well a decision on this explains an event about that.
    pub(super) fn fits(&self, event: &Self) -> Subject {
        let is_same = match (self, event) {
            (Self::End, _) => return Subject::End,
            (Self::Route(side, _), Self::Routes(of)) => side == of,
            (Self::Firewall(side), Self::Attachment(of) | Self::Denial(of)) => side == of,
            (Self::Whole, Self::Whole) => true,
            (Self::Whole, _) => return Subject::Beginning,
            (one, other) => one == other,
        };
        if is_same {
            Subject::Same
        } else {
            Subject::Another
        }
    }
}

fn route(event: &NetworkEvent) -> Option<Topic> {
    if let NetworkEvent::RouteAccepted(it) = event {
        return Some(Topic::Route(it.side, it.destination));
    }
    if let NetworkEvent::RouteWithdrawn(it) = event {
        return Some(Topic::Route(it.side, it.destination));
    }
    if let NetworkEvent::RouteInstalled(it) = event {
        return Some(Topic::Route(it.side, it.destination));
    }
    if let NetworkEvent::RouteRemoved(it) = event {
        return Some(Topic::Route(it.side, it.destination));
    }
    if let NetworkEvent::RouteConflicted(it) = event {
        return Some(Topic::Route(it.side, it.destination));
    }
    if let NetworkEvent::RouteFound(it) = event {
        return Some(Topic::Route(it.side, it.destination));
    }
    if let NetworkEvent::RoutesEnforced(it) = event {
        return Some(Topic::Routes(it.side));
    }
    if let NetworkEvent::RoutesSuspended(it) = event {
        return Some(Topic::Routes(it.side));
    }
    if let NetworkEvent::RoutesResumed(it) = event {
        return Some(Topic::Routes(it.side));
    }
    None
}

fn firewall(event: &NetworkEvent) -> Option<Topic> {
    if let NetworkEvent::FirewallRestricted(it) = event {
        return Some(Topic::Firewall(it.side));
    }
    if let NetworkEvent::FirewallGroupCreated(it) = event {
        return Some(Topic::Firewall(it.side));
    }
    if let NetworkEvent::FirewallGroupRemoved(it) = event {
        return Some(Topic::Firewall(it.side));
    }
    if let NetworkEvent::FirewallRuleAuthorized(it) = event {
        return Some(Topic::Firewall(it.side));
    }
    if let NetworkEvent::FirewallRuleRevoked(it) = event {
        return Some(Topic::Firewall(it.side));
    }
    if let NetworkEvent::FirewallEnforced(it) = event {
        return Some(Topic::Firewall(it.side));
    }
    // What the private network may reach is admitted by the peer's firewall.
    if let NetworkEvent::ConnectorIngressAllowed(_) | NetworkEvent::ConnectorIngressRevoked(_) =
        event
    {
        return Some(Topic::Firewall(Side::Remote));
    }
    if let NetworkEvent::AdmissionExpired(_) = event {
        return Some(Topic::Firewall(Side::Local));
    }
    if let NetworkEvent::FirewallAttachmentRequested(it) = event {
        return Some(Topic::Attachment(it.side));
    }
    if let NetworkEvent::FirewallAttachmentWithdrawn(it) = event {
        return Some(Topic::Attachment(it.side));
    }
    if let NetworkEvent::FirewallAttachmentChosen(it) = event {
        return Some(Topic::Attachment(it.side));
    }
    if let NetworkEvent::FirewallGroupAttached(it) = event {
        return Some(Topic::Attachment(it.side));
    }
    if let NetworkEvent::FirewallGroupDetached(it) = event {
        return Some(Topic::Attachment(it.side));
    }
    if let NetworkEvent::FirewallAttachmentSeen(it) = event {
        return Some(Topic::Attachment(it.side));
    }
    denial(event)
}

fn denial(event: &NetworkEvent) -> Option<Topic> {
    if let NetworkEvent::DenialRequested(it) = event {
        return Some(Topic::Denial(it.side));
    }
    if let NetworkEvent::DenialWithdrawn(it) = event {
        return Some(Topic::Denial(it.side));
    }
    if let NetworkEvent::DenialMade(it) = event {
        return Some(Topic::Denial(it.side));
    }
    if let NetworkEvent::DenialRemoved(it) = event {
        return Some(Topic::Denial(it.side));
    }
    if let NetworkEvent::DenialEnforced(it) = event {
        return Some(Topic::Denial(it.side));
    }
    if let NetworkEvent::DenialLapsed(it) = event {
        return Some(Topic::Denial(it.side));
    }
    None
}

fn option(event: &NetworkEvent) -> Option<Topic> {
    if let NetworkEvent::LinkOptionSet(it) = event {
        return Some(Topic::Option(it.side, it.option));
    }
    if let NetworkEvent::LinkOptionApplied(it) = event {
        return Some(Topic::Option(it.side, it.option));
    }
    let (side, things) = if let NetworkEvent::InstallationStarted(it) = event {
        (it.side, &it.things)
    } else if let NetworkEvent::InstallationEnded(it) = event {
        (it.side, &it.things)
    } else {
        return None;
    };
    Some(match things.first()? {
        Thing::Route { destination, .. } => Topic::Route(side, *destination),
        Thing::Group | Thing::Rule { .. } => Topic::Firewall(side),
        Thing::Attachment { .. } => Topic::Attachment(side),
        Thing::Denial { .. } => Topic::Denial(side),
        Thing::Option { option } => Topic::Option(side, *option),
    })
}

fn end(event: &NetworkEvent) -> Option<Topic> {
    matches!(
        event,
        NetworkEvent::PeeringRemovalRequested(_)
            | NetworkEvent::PeeringAbandonmentRequested(_)
            | NetworkEvent::PeeringTenureEnded(_)
    )
    .then_some(Topic::End)
}
