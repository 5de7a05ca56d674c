//! Orphans in whole lives: what is made for a peering that has ended meanwhile does not go
//! unnoticed.

use super::{HOUR, Life, remove};
use crate::provisioner::testing::{Fuse, Meddled, peering_id};
use cloud::{AccountRegion, LinkState, Operation, Owner, group_name};
use domain::{
    NetworkId, PeeringId, Side,
    network::{
        Leftover, NetworkCommand, Orphan, OrphanThing, Outcome, PeeringRemoved, RemoveOrphan,
        RequestPeering,
    },
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

impl Life {
    fn orphans(&self) -> Vec<Orphan> {
        self.log.network().orphans.into_values().collect()
    }

    fn removes_orphan(&self, orphan: &Orphan) {
        self.says(RemoveOrphan {
            orphan: orphan.thing.id().unwrap(),
            reason: "it was left over".parse().unwrap(),
        });
    }

    /// A group and a link with this tag, made by hand or by an engine that came too late.
    fn left_over(&self, owner: Owner, rules: &[&str]) -> OrphanThing {
        let (local, by_hand) = (self.network(Side::Local), self.cloud.out_of_band());
        let group = by_hand
            .group(&local, &group_name(owner.peering), rules)
            .unwrap();
        by_hand.tag_group(&local, &group, Some(owner));
        OrphanThing::FirewallGroup { group }
    }

    fn has_group(&self, thing: &OrphanThing) -> bool {
        let world = self.cloud.world();
        let mut groups = world.networks.values().flat_map(|it| &it.groups);
        groups.any(|it| matches!(thing, OrphanThing::FirewallGroup { group } if it.id == *group))
    }

    /// What this network's engine would have put on things of a peering that nobody knows.
    fn unknown(&self) -> Owner {
        Owner::new(self.log.network().id, PeeringId(Uuid::from_u128(77)))
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_of_an_unknown_peering_is_told_once_and_removed_when_somebody_asks() {
    let mut life = Life::active().await;
    let thing = life.left_over(life.unknown(), &[]);
    for _ in 0..3 {
        life.looks_again().await;
    }
    assert_eq!(life.count("OrphanFound"), 1);
    let orphans = life.orphans();
    assert_eq!(orphans.len(), 1);
    assert_eq!((&orphans[0].thing, orphans[0].is_copy), (&thing, false));
    assert!(life.has_group(&thing), "left alone until somebody asks");
    life.removes_orphan(&orphans[0]);
    life.look_for(HOUR).await;
    assert!(!life.has_group(&thing));
    assert_eq!(life.orphans(), []);
    assert_eq!(life.count("OrphanCleared"), 1);
    assert!(life.log.peering().is_converged());
}

#[tokio::test(start_paused = true)]
async fn what_another_installation_has_made_is_never_told_nor_touched() {
    let mut life = Life::active().await;
    let theirs = Owner::new(
        NetworkId(Uuid::from_u128(0xbad)),
        PeeringId(Uuid::from_u128(7)),
    );
    let thing = life.left_over(theirs, &[]);
    life.looks_again().await;
    assert_eq!(life.orphans(), []);
    assert!(life.has_group(&thing));
}

#[tokio::test(start_paused = true)]
async fn an_orphan_that_is_claimed_before_its_removal_stays() {
    let mut life = Life::active().await;
    let thing = life.left_over(life.unknown(), &[]);
    life.looks_again().await;
    let orphan = life.orphans().remove(0);
    let OrphanThing::FirewallGroup { group } = &thing else {
        panic!("a group")
    };
    life.cloud
        .out_of_band()
        .tag_group(&life.network(Side::Local), group, None);
    life.removes_orphan(&orphan);
    life.look_for(HOUR).await;
    assert!(life.has_group(&thing));
    assert_eq!(life.orphans(), []);
}

#[tokio::test(start_paused = true)]
async fn an_orphaned_group_that_holds_somebody_elses_rule_stays_and_says_which() {
    let mut life = Life::active().await;
    let thing = life.left_over(life.unknown(), &["tcp 22 from 10.0.0.0/8"]);
    life.looks_again().await;
    life.removes_orphan(&life.orphans()[0]);
    life.look_for(HOUR).await;
    assert!(life.has_group(&thing));
    assert_eq!(life.count("OrphanRemovalFailed"), 1, "and not tried again");
    let removal = life.orphans().remove(0).removal.unwrap();
    assert!(removal.failed.unwrap().contains("tcp 22"), "named");
}

/// E13: one engine has its attempt on record and stops right before the call; another one removes
/// the peering, which has nothing then; the first one wakes.
#[tokio::test(start_paused = true)]
async fn a_link_that_is_made_after_its_peering_was_removed_is_found_by_the_passes_made_anyway() {
    let mut life = Life::asked_for();
    life.says(remove());
    life.settles().await;
    assert_eq!(life.log.peering().life.as_str(), "removed");
    assert_eq!(life.log.peering().leftovers(), Vec::<Leftover>::new());
    // The network goes on with the same peer, on a new request.
    let peering = life.log.peering();
    let (network, owner) = (
        life.log.network(),
        Owner::new(life.log.network().id, peering.id),
    );
    let ends = [Side::Local, Side::Remote]
        .map(|side| crate::provisioner::sides::end(&network, &peering, side));
    let late = life
        .cloud
        .out_of_band()
        .join(&ends[0], &ends[1], LinkState::Pending, Some(owner));
    life.says(RequestPeering {
        peer: peering.peer.clone(),
        terms: Default::default(),
        setup: Default::default(),
    });
    tokio::time::advance(HOUR).await;
    life.look_for(HOUR).await;
    let orphans = life.orphans();
    assert_eq!(orphans.len(), 1, "{orphans:#?}");
    assert_eq!(orphans[0].thing, OrphanThing::Link { link: late.clone() });
    assert_eq!(orphans[0].peering_id, peering_id());
    life.removes_orphan(&orphans[0]);
    life.look_for(HOUR).await;
    let state = life.cloud.world().links[&late].state.clone();
    assert!(!state.is_live(), "{state:?}");
    assert_eq!(life.orphans(), []);
}

#[tokio::test(start_paused = true)]
async fn a_removal_of_an_orphan_that_is_stopped_at_any_step_is_finished_by_the_next_process() {
    for step in 0..40 {
        let mut life = Life::active().await;
        let thing = life.left_over(life.unknown(), &[]);
        life.looks_again().await;
        life.removes_orphan(&life.orphans()[0]);
        let done = life.run(Fuse::at(step), HOUR).await.is_some();
        life.memories.clear();
        life.look_for(HOUR).await;
        assert!(!life.has_group(&thing), "step {step}");
        assert_eq!(life.orphans(), [], "step {step}");
        assert!(life.log.peering().is_converged());
        if done {
            return;
        }
    }
    panic!("a removal takes fewer steps");
}

#[tokio::test(start_paused = true)]
async fn what_was_made_while_another_engine_ended_the_peering_is_looked_for_once_more() {
    let mut life = Life::asked_for();
    let log = life.log.clone();
    let another_engine = move |_, operation, _: &AccountRegion| {
        if operation == Operation::CreateLink {
            log.execute(&remove().into()).unwrap();
            let removed = PeeringRemoved {
                peering_id: peering_id(),
                left_behind: Vec::new(),
            };
            let removed = NetworkCommand::Record(Outcome::Removed(removed));
            log.execute(&removed).unwrap();
        }
        None
    };
    let cloud = Meddled::with(&life.cloud, another_engine);
    life.meddled(cloud, &CancellationToken::new(), HOUR).await;
    assert_eq!(life.log.peering().life.as_str(), "removed");
    let orphans = life.orphans();
    assert_eq!(orphans.len(), 1, "{orphans:#?}");
    assert!(matches!(orphans[0].thing, OrphanThing::Link { .. }));
}
