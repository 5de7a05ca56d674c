//! The owner's tag names the network and the peering; things with the tag of an older engine stay
//! this one's.

use super::{Life, is_clean, remove};
use crate::provisioner::testing::peering_id;
use cloud::{LinkRole, Owner, group_name};
use domain::{NetworkId, Side, network::BlockCause};
use uuid::Uuid;

/// As if all had been made by an engine whose tag did not name the network yet.
fn made_by_an_older_engine(life: &Life) {
    let by_hand = life.cloud.out_of_band();
    let old = Some(Owner::before_networks(peering_id()));
    by_hand.tag(&life.link(), LinkRole::First, old);
    let firewall = life.log.peering().firewall;
    for side in Side::BOTH {
        let (network, firewall) = (life.network(side), firewall.get(side));
        by_hand.tag_group(&network, firewall.group.as_ref().unwrap(), old);
        for rule in firewall.rules.values() {
            by_hand.tag_rule(&network, rule, old);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_made_carries_the_network_and_the_peering() {
    let life = Life::active().await;
    let wanted = Some(Owner::new(life.log.network().id, peering_id()));
    let world = life.cloud.world();
    assert_eq!(world.links[&life.link()].owner, wanted);
    let groups: Vec<_> = world.networks.values().flat_map(|it| &it.groups).collect();
    assert_eq!(groups.len(), 2);
    for group in groups {
        assert_eq!(group.owner, wanted);
        assert!(group.rules.iter().all(|rule| rule.owner == wanted));
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_older_engine_has_made_is_kept_without_a_call_and_taken_back() {
    let mut life = Life::active().await;
    made_by_an_older_engine(&life);
    life.looks_again().await;
    assert_eq!(life.count("DriftDetected"), 0);
    let world = life.cloud.world();
    let old = Some(Owner::before_networks(peering_id()));
    assert_eq!(world.links[&life.link()].owner, old, "left as it is");
    life.says(remove());
    life.settles().await;
    is_clean(&life.cloud.world(), "removed");
    assert_eq!(life.log.peering().leftovers(), []);
}

#[tokio::test(start_paused = true)]
async fn a_group_of_another_installation_is_never_taken_whatever_its_name() {
    let mut life = Life::asked_for();
    let (local, by_hand) = (life.network(Side::Local), life.cloud.out_of_band());
    let theirs = by_hand
        .group(
            &local,
            &group_name(peering_id()),
            &["tcp 22 from 10.0.0.0/8"],
        )
        .unwrap();
    let owner = Owner::new(NetworkId(Uuid::from_u128(0xbad)), peering_id());
    by_hand.tag_group(&local, &theirs, Some(owner));
    life.look_for(super::HOUR).await;
    let blocked = life.log.peering().blocked.unwrap();
    assert_eq!(
        (blocked.cause, blocked.side),
        (BlockCause::Conflict, Side::Local)
    );
    life.says(remove());
    life.look_for(super::HOUR).await;
    let world = life.cloud.world();
    let groups = &world.networks[&local.to_string()].groups;
    let left: Vec<_> = groups.iter().map(|it| (&it.id, it.rules.len())).collect();
    assert_eq!(left, [(&theirs, 1)]);
}
