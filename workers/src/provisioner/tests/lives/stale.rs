//! What an ended peering left behind stands in a new one's way: the log knows whose it was, says
//! so, and offers to clear it.

use super::{HOUR, Life, holds::abandon};
use crate::provisioner::testing::{CLIENTS, peering_id, range};
use cloud::{LinkRole, RouteTarget};
use domain::{
    CommandId, Ids, PeeringId, Side,
    network::{AcceptRoute, BlockCause, Blocked, Peering, RemoveOrphan, RequestPeering, Terms},
    text::RouteTable,
};
use std::time::Duration;
use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);

/// The same peer is asked for again, and the same clients.
fn once_more(life: &Life) -> PeeringId {
    let number = life.log.events().len() as u128;
    let id = Ids::of(CommandId(Uuid::from_u128(number))).peering(life.log.network().id);
    life.says(RequestPeering {
        peer: life.log.peering().peer,
        terms: Terms::default(),
        setup: domain::network::Setup::default(),
    });
    life.says(AcceptRoute {
        peering_id: id,
        side: Side::Local,
        destination: range(CLIENTS),
    });
    id
}

impl Life {
    fn second(&self, id: PeeringId) -> Peering {
        self.log.network().peerings()[&id].clone()
    }

    /// Why it is blocked, by a conflict on the local side.
    fn conflict(&self, id: PeeringId) -> Blocked {
        let blocked = self.second(id).blocked.expect("blocked");
        let at = (blocked.cause, blocked.side);
        assert_eq!(at, (BlockCause::Conflict, Side::Local), "{blocked:?}");
        blocked
    }

    /// Who left the route to the clients that is in the way, if that is on record.
    fn left_by(&self, id: PeeringId, table: &RouteTable) -> Option<PeeringId> {
        self.second(id).routes.local[&range(CLIENTS)].conflicts[table].left_by
    }
}

/// A peering was given up, somebody has deleted its link, and the same peer is asked for again.
async fn asked_for_again() -> (Life, PeeringId) {
    let mut life = Life::active().await;
    let link = life.link();
    life.says(abandon(None));
    life.look_for(MINUTE).await;
    assert_eq!(life.log.peering().life.as_str(), "abandoned");
    life.cloud.out_of_band().delete(&link, LinkRole::Second);
    let second = once_more(&life);
    life.look_for(MINUTE).await;
    (life, second)
}

#[tokio::test(start_paused = true)]
async fn a_blackhole_of_an_ended_peering_is_told_to_be_its_own_and_goes_when_somebody_says_so() {
    let (mut life, second) = asked_for_again().await;
    let table = life.routes(Side::Local)[0].0.clone();
    assert_eq!(life.left_by(second, &table), Some(peering_id()));
    let early = life.conflict(second);
    let id = format!("{table}/{CLIENTS}");
    for named in [table.as_str(), CLIENTS, &peering_id().to_string()] {
        assert!(early.message.contains(named), "{}", early.message);
    }
    let command = format!("peerage orphans remove {id}");
    assert!(
        early.remedy[0].contains(&command) && early.remedy[0].contains("orphans list"),
        "it is not on the list yet: {:?}",
        early.remedy
    );
    life.look_for(HOUR).await;
    let known = life.conflict(second);
    assert!(
        known.remedy[0].contains(&command) && !known.remedy[0].contains("orphans list"),
        "{:?}",
        known.remedy
    );
    // One in each table that serves.
    let stale: Vec<_> = life.log.network().orphans.into_keys().collect();
    let stale = stale
        .into_iter()
        .filter(|it| it.as_str().ends_with(CLIENTS));
    for orphan in stale {
        life.says(RemoveOrphan {
            orphan,
            reason: "a new peering needs the route".parse().unwrap(),
        });
    }
    life.look_for(HOUR).await;
    let peering = life.second(second);
    assert!(
        peering.blocked.is_none() && peering.is_converged(),
        "{peering:#?}"
    );
    let link = peering.life.link().unwrap();
    let world = life.cloud.world();
    let home = &world.networks[&life.network(Side::Local).to_string()];
    let routes = home.tables.iter().flat_map(|it| &it.routes);
    let to_clients: Vec<_> = routes
        .filter(|it| it.destination.to_string() == CLIENTS)
        .map(|it| it.target.clone())
        .collect();
    assert!(
        !to_clients.is_empty()
            && to_clients
                .iter()
                .all(|it| *it == RouteTarget::Link(link.clone())),
        "{to_clients:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_strangers_route_over_the_link_of_an_ended_peering_is_named_and_not_offered_to_clear() {
    let mut life = Life::active().await;
    let (local, link) = (life.network(Side::Local), life.link());
    let table = life.routes(Side::Local)[0].0.clone();
    life.says(super::remove());
    life.settles().await;
    let to = RouteTarget::Link(link.clone());
    let by_hand = life.cloud.out_of_band();
    by_hand.route(&local, &table, CLIENTS.parse().unwrap(), to);
    let second = once_more(&life);
    life.look_for(MINUTE).await;
    assert_eq!(life.left_by(second, &table), None);
    let blocked = life.conflict(second);
    let first = peering_id().to_string();
    assert!(
        blocked.message.contains(link.as_str()) && blocked.message.contains(&first),
        "{}",
        blocked.message
    );
    assert!(
        !blocked.remedy.iter().any(|it| it.contains("orphans")),
        "{:?}",
        blocked.remedy
    );
}

#[tokio::test(start_paused = true)]
async fn a_route_to_somewhere_else_is_nobodys_of_the_log() {
    let mut life = Life::active().await;
    life.says(abandon(None));
    life.look_for(MINUTE).await;
    let (local, table) = (
        life.network(Side::Local),
        life.routes(Side::Local)[0].0.clone(),
    );
    life.cloud
        .out_of_band()
        .delete(&life.link_of_the_first(), LinkRole::Second);
    let elsewhere = RouteTarget::Other("tgw-0a1b2c3d4e5f60718".to_owned());
    life.cloud
        .out_of_band()
        .route(&local, &table, CLIENTS.parse().unwrap(), elsewhere);
    let second = once_more(&life);
    life.look_for(MINUTE).await;
    assert_eq!(life.left_by(second, &table), None);
    let blocked = life.conflict(second);
    assert!(
        !blocked.message.contains(&peering_id().to_string()),
        "{}",
        blocked.message
    );
}

impl Life {
    fn link_of_the_first(&self) -> domain::text::Link {
        let peering = self.log.peering();
        peering.life.ending().unwrap().link().unwrap().clone()
    }
}
