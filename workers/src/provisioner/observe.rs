//! Observe: what the cloud shows of one peering, as far as its life makes it worth asking.
//!
//! Only reads, and only those that the next step needs: route tables and firewall groups of a link that is not active yet say
//! nothing, and the remote side is asked for a link only once it can be accepted. What has been seen in a pass stays good until an
//! action of the same pass touches it ([`Observed::forget`]).

use super::{apply::Action, place};
use crate::cloud::{Cloud, CloudError, GroupView, LinkState, LinkView, RouteTableView};
use domain::{
    BySide, Side,
    network::{Life, Peering, Registered},
    text::Link,
};

/// What a look at the cloud has shown; `None` where nobody looked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Observed {
    /// The links between the two networks, as each side shows them.
    pub(super) links: BySide<Option<Vec<LinkView>>>,
    pub(super) tables: BySide<Option<Vec<RouteTableView>>>,
    pub(super) groups: BySide<Option<Vec<GroupView>>>,
}

/// A read that failed, and on which side.
#[derive(Clone, Debug)]
pub(super) struct Unseen {
    pub(super) side: Side,
    pub(super) error: CloudError,
}

/// Looks at what the next step needs and has not been seen yet.
pub(super) async fn observe(cloud: &dyn Cloud, network: &Registered, peering: &Peering, mut seen: Observed) -> Result<Observed, Unseen> {
    if !peering.life.is_live() {
        return Ok(seen);
    }
    links(cloud, network, peering, Side::Local, &mut seen).await?;
    match &peering.life {
        Life::Initiated { link, .. } if seen.shows(link, &LinkState::Pending) => {
            links(cloud, network, peering, Side::Remote, &mut seen).await?;
        }
        Life::Active { link } if seen.shows(link, &LinkState::Active) => {
            for side in Side::BOTH {
                tables(cloud, network, peering, side, &mut seen).await?;
                groups(cloud, network, peering, side, &mut seen).await?;
            }
        }
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::Initiated { .. }
        | Life::Accepted { .. }
        | Life::Active { .. }
        | Life::Ended(_) => {}
    }
    Ok(seen)
}

async fn links(cloud: &dyn Cloud, network: &Registered, peering: &Peering, side: Side, seen: &mut Observed) -> Result<(), Unseen> {
    let slot = seen.links.get_mut(side);
    if slot.is_none() {
        let [one, other] = Side::BOTH.map(|side| place::network(network, peering, side));
        let at = place::of(network, peering, side);
        *slot = Some(cloud.links(&at, &one, &other).await.map_err(|error| Unseen { side, error })?);
    }
    Ok(())
}

async fn tables(cloud: &dyn Cloud, network: &Registered, peering: &Peering, side: Side, seen: &mut Observed) -> Result<(), Unseen> {
    let slot = seen.tables.get_mut(side);
    if slot.is_none() && !peering.routes.get(side).is_empty() {
        let subnets = place::subnets(network, peering, side);
        let tables = cloud.route_tables(&place::network(network, peering, side), subnets).await;
        *slot = Some(tables.map_err(|error| Unseen { side, error })?);
    }
    Ok(())
}

async fn groups(cloud: &dyn Cloud, network: &Registered, peering: &Peering, side: Side, seen: &mut Observed) -> Result<(), Unseen> {
    let slot = seen.groups.get_mut(side);
    if slot.is_none() {
        let groups = cloud.firewall_groups(&place::network(network, peering, side), peering.id).await;
        *slot = Some(groups.map_err(|error| Unseen { side, error })?);
    }
    Ok(())
}

impl Observed {
    /// Whether the local side shows this link in this state.
    fn shows(&self, link: &Link, state: &LinkState) -> bool {
        self.links.local.iter().flatten().any(|view| view.link == *link && view.state == *state)
    }

    /// Forgets what this action may have changed.
    pub(super) fn forget(&mut self, action: &Action) {
        match action {
            Action::CreateLink { .. } | Action::AcceptLink { .. } => self.links = BySide::default(),
            Action::InstallRoute { side, .. } => *self.tables.get_mut(*side) = None,
            Action::CreateGroup { side } | Action::AuthorizeRule { side, .. } | Action::RevokeRule { side, .. } => {
                *self.groups.get_mut(*side) = None;
            }
        }
    }
}
