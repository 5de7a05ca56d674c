//! The states that commands meet: each life of peering 1, and of the network around it.

use super::super::{super::*, now, samples::*};
use crate::side::Side;

macro_rules! columns {
    ($($name:ident: $pattern:pat => $events:expr;)*) => {
        pub(super) const COLUMNS: &[Column] = &[$((stringify!($name), || $events, |state| matches!(view(state), $pattern))),*];

        /// Compiles only while every state has a column.
        pub(super) fn has_a_column(state: &Network) {
            match view(state) {
                $($pattern => {})*
            }
        }
    };
}

/// The state's name, a history that leads to it, and whether a state is that one.
type Column = (
    &'static str,
    fn() -> Vec<NetworkEvent>,
    fn(&Network) -> bool,
);

/// The state as the columns see it: the network, and the peering that the rows speak of.
pub(super) enum View<'a> {
    Unregistered,
    Retired,
    NoSuchPeering,
    Peering(&'a Life),
    /// A link that somebody else made, active.
    Adopted,
    AdoptedRemoving,
}

impl View<'_> {
    pub(super) fn is_live(&self) -> bool {
        match self {
            Self::Unregistered | Self::Retired | Self::NoSuchPeering => false,
            Self::Peering(life) => life.is_live(),
            Self::Adopted | Self::AdoptedRemoving => true,
        }
    }
}

pub(super) fn view(state: &Network) -> View<'_> {
    match state {
        Network::Unregistered | Network::Marked(_) => View::Unregistered,
        Network::Retired(_) => View::Retired,
        Network::Registered(network) => match network.peerings().get(&peering_id(1)) {
            None => View::NoSuchPeering,
            Some(peering)
                if !peering.made_the_link() && matches!(peering.life, Life::Active { .. }) =>
            {
                View::Adopted
            }
            Some(peering)
                if !peering.made_the_link() && matches!(peering.life, Life::Removing { .. }) =>
            {
                View::AdoptedRemoving
            }
            Some(peering) => View::Peering(&peering.life),
        },
    }
}

columns! {
    unregistered: View::Unregistered => Vec::new();
    no_such_peering: View::NoSuchPeering => vec![registered()];
    requested: View::Peering(Life::Requested) => routed([]);
    initiating: View::Peering(Life::Initiating { .. }) => routed([started(1)]);
    initiation_refused: View::Peering(Life::InitiationRefused { .. }) => routed([started(1), initiation_refused(1)]);
    initiated: View::Peering(Life::AwaitingAcceptance { .. }) => routed([started(1), initiated()]);
    accepted: View::Peering(Life::Provisioning { .. }) => routed([started(1), initiated(), accepted()]);
    active: View::Peering(Life::Active { .. }) => active();
    removing_without_a_link: View::Peering(Life::Removing { trace: LinkTrace::Never, .. }) => routed([removal_requested()]);
    removing_perhaps_a_link: View::Peering(Life::Removing { trace: LinkTrace::Perhaps { .. }, .. }) =>
        routed([started(1), removal_requested()]);
    removing_a_link: View::Peering(Life::Removing { trace: LinkTrace::Seen(_), .. }) => removing();
    removing_a_link_that_is_gone: View::Peering(Life::Removing { trace: LinkTrace::Gone(_), .. }) =>
        removing().into_iter().chain([link_removed().into()]).collect();
    abandoning_without_a_link: View::Peering(Life::Abandoning { trace: LinkTrace::Never }) => routed([abandonment_requested()]);
    abandoning_perhaps_a_link: View::Peering(Life::Abandoning { trace: LinkTrace::Perhaps { .. } }) =>
        routed([started(1), abandonment_requested()]);
    abandoning_a_link: View::Peering(Life::Abandoning { trace: LinkTrace::Seen(_) }) =>
        active().into_iter().chain([abandonment_requested()]).collect();
    abandoning_a_link_that_is_gone: View::Peering(Life::Abandoning { trace: LinkTrace::Gone(_) }) =>
        active().into_iter().chain([abandonment_requested(), link_removed().into()]).collect();
    rejected: View::Peering(Life::Ended(Ending::Rejected { .. })) => routed([started(1), initiated(), rejected()]);
    expired: View::Peering(Life::Ended(Ending::Expired { .. })) => routed([started(1), initiated(), expired()]);
    failed: View::Peering(Life::Ended(Ending::Failed { .. })) => routed([started(1), failed(None).into()]);
    removed: View::Peering(Life::Ended(Ending::Removed { .. })) =>
        removing().into_iter().chain([link_removed().into(), removed(&[]).into()]).collect();
    abandoned: View::Peering(Life::Ended(Ending::Abandoned { .. })) =>
        active().into_iter().chain([abandoned(&[Leftover::Link { link: link() }])]).collect();
    adopted: View::Adopted => adopted_and_asked([]);
    adopted_and_removing: View::AdoptedRemoving => adopted_and_asked([removal_requested()]);
    retired: View::Retired => routed([started(1), initiated(), rejected(), retired()]);
}

/// What each side of peering 1 was asked for.
fn asked() -> Vec<NetworkEvent> {
    let over = ConnectorIngressAllowed {
        expires_at: Some(now()),
        ..ingress_allowed(2, "10.101.9.0/24", 8080)
    };
    vec![
        route_accepted(Side::Local, "10.101.0.0/16"),
        restricted(Side::Local, &[clients()]),
        restricted(Side::Remote, &[]),
        ingress_allowed(1, "10.101.8.0/24", 443).into(),
        over.into(),
    ]
}

/// A history in which each side of peering 1 has a route, a posture and ingresses.
fn routed(then: impl IntoIterator<Item = NetworkEvent>) -> Vec<NetworkEvent> {
    let terms = Terms {
        deadline: Some(now()),
        ..Terms::default()
    };
    history_on(terms, asked().into_iter().chain(then))
}

fn active() -> Vec<NetworkEvent> {
    routed([started(1), initiated(), accepted(), activated()])
}

fn removing() -> Vec<NetworkEvent> {
    active().into_iter().chain([removal_requested()]).collect()
}

fn adopted_and_asked(then: impl IntoIterator<Item = NetworkEvent>) -> Vec<NetworkEvent> {
    adopted_history(asked().into_iter().chain(then))
}
