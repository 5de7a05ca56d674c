//! Orphans in whole lives: what is made for a peering that has ended meanwhile does not go
//! unnoticed.

use super::{HOUR, Life, holds::abandon, neighbours::beside_the_first, remove};
use crate::provisioner::{
    settings::ProvisionerSettings,
    testing::{CLIENTS, Fuse, Meddled, peering_id},
};
use cloud::{AccountRegion, LinkState, Operation, Owner, group_name};
use domain::{
    NetworkId, PeeringId, Side,
    network::{
        AdoptPeering, CheckDrift, Consent, Leftover, NetworkCommand, Orphan, OrphanThing, Outcome,
        PeeringRemoved, RemoveOrphan, RequestPeering,
    },
};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

impl Life {
    pub(super) fn orphans(&self) -> Vec<Orphan> {
        self.log.network().orphans.into_values().collect()
    }

    pub(super) fn removes_orphan(&self, orphan: &Orphan) {
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
        life.memories = Default::default();
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

/// While the account cannot be entered, or another one is behind the role, nothing that a read
/// lacks is gone.
#[tokio::test(start_paused = true)]
async fn an_orphan_is_not_taken_for_gone_by_what_another_account_shows() {
    let mut life = Life::active().await;
    let thing = life.left_over(life.unknown(), &[]);
    life.looks_again().await;
    let account = life.network(Side::Local).at.account;
    let by_hand = life.cloud.out_of_band();
    by_hand.mix_up(&account, &"999999999999".parse().unwrap());
    tokio::time::advance(HOUR).await;
    life.look_for(HOUR).await;
    assert_eq!(life.orphans().len(), 1, "by a pass made anyway");
    life.removes_orphan(&life.orphans()[0]);
    life.look_for(HOUR).await;
    let orphans = life.orphans();
    assert_eq!(orphans.len(), 1, "by the look before its removal");
    assert_eq!(life.count("OrphanCleared"), 0);
    by_hand.sort_out(&account);
    life.removes_orphan(&orphans[0]);
    life.look_for(HOUR).await;
    assert!(!life.has_group(&thing));
    assert_eq!(life.orphans(), []);
}

#[tokio::test(start_paused = true)]
async fn an_orphan_that_somebody_has_made_their_own_before_its_removal_stays() {
    let mut life = Life::active().await;
    let (local, by_hand) = (life.network(Side::Local), life.cloud.out_of_band());
    let (owner, rule) = (life.unknown(), "tcp 2113 from 10.50.0.0/16");
    let group = by_hand
        .group(&local, &group_name(owner.peering), &[])
        .unwrap();
    let rule_id = by_hand.admit(&local, &group, rule).unwrap();
    by_hand.tag_rule(&local, &rule_id, Some(owner));
    life.looks_again().await;
    let orphan = life.orphans().remove(0);
    assert!(!orphan.is_copy, "{orphan:#?}");
    life.removes_orphan(&orphan);
    by_hand.alter_rule(&local, &rule_id, "everything from 192.168.0.0/16");
    life.look_for(HOUR).await;
    let world = life.cloud.world();
    let groups = &world.networks[&local.to_string()].groups;
    let theirs = groups.iter().find(|it| it.id == group).unwrap();
    assert_eq!(theirs.rules.len(), 1);
    assert!(life.orphans()[0].is_copy, "{:#?}", life.orphans());
}

/// A network with another peering, so that passes go on, whose first one was given up as it stood.
async fn given_up() -> Life {
    let mut life = Life::active().await;
    beside_the_first(&life);
    life.settles().await;
    life.says(abandon(None));
    life.look_for(std::time::Duration::from_secs(10)).await;
    assert_eq!(life.log.peering().life.as_str(), "abandoned");
    life
}

fn routes_and_links(life: &Life) -> usize {
    let orphans = life.orphans();
    let of_it = |it: &&Orphan| {
        matches!(
            it.thing,
            OrphanThing::Route { .. } | OrphanThing::Link { .. }
        )
    };
    orphans.iter().filter(of_it).count()
}

#[tokio::test(start_paused = true)]
async fn what_was_left_behind_is_an_orphan_once_no_read_shows_the_past_and_goes_when_asked_to() {
    let mut life = given_up().await;
    life.says(CheckDrift {});
    life.look_for(std::time::Duration::from_secs(30)).await;
    assert_eq!(life.orphans(), [], "a read may still show what went");
    life.looks_again().await;
    life.looks_again().await;
    // The link, the routes and the groups of both sides: the other peering's passes read both.
    assert_eq!(
        (routes_and_links(&life), life.orphans().len()),
        (4, 6),
        "{:#?}",
        life.orphans()
    );
    for orphan in life.orphans() {
        life.removes_orphan(&orphan);
    }
    life.look_for(HOUR * 3).await;
    assert_eq!(life.orphans(), []);
    let routes = life.routes(Side::Local);
    assert!(
        routes.iter().all(|(_, to)| to != CLIENTS) && !routes.is_empty(),
        "the other peering's stay: {routes:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_left_behind_and_is_adopted_is_no_orphan() {
    let mut life = given_up().await;
    let peering = life.log.peering();
    life.says(AdoptPeering {
        peer: peering.peer.clone(),
        link: peering
            .past_links
            .first()
            .cloned()
            .unwrap_or_else(|| peering.life.ending().unwrap().link().unwrap().clone()),
        consent: Consent::Delegated,
        tenure: Default::default(),
    });
    for _ in 0..3 {
        tokio::time::advance(std::time::Duration::from_secs(600)).await;
        life.look_for(std::time::Duration::from_secs(60)).await;
    }
    assert_eq!(routes_and_links(&life), 0, "{:#?}", life.orphans());
}

#[tokio::test(start_paused = true)]
async fn a_link_that_was_left_behind_is_not_gone_because_another_account_lacks_it() {
    let mut life = given_up().await;
    life.looks_again().await;
    life.looks_again().await;
    assert_eq!(routes_and_links(&life), 4, "{:#?}", life.orphans());
    let account = life.network(Side::Local).at.account;
    let elsewhere = "999999999999".parse().unwrap();
    life.cloud.out_of_band().mix_up(&account, &elsewhere);
    tokio::time::advance(HOUR).await;
    life.look_for(HOUR).await;
    assert_eq!(routes_and_links(&life), 4, "{:#?}", life.orphans());
    assert_eq!(life.count("OrphanCleared"), 0);
}

const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// Lets time pass in steps, and passes over the network when it is due.
pub(super) async fn lives_on(life: &mut Life, days: u32) {
    for _ in 0..days * 24 {
        tokio::time::advance(HOUR).await;
        life.look_for(HOUR).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_orphan_in_a_network_without_live_peerings_is_found_within_a_day_and_goes_when_asked_to()
{
    let mut life = Life::active().await;
    life.says(remove());
    life.settles().await;
    assert_eq!(life.log.peering().life.as_str(), "removed");
    lives_on(&mut life, 1).await;
    assert_eq!(life.orphans(), []);
    let thing = life.left_over(life.unknown(), &[]);
    lives_on(&mut life, 1).await;
    let orphans = life.orphans();
    assert_eq!(orphans.len(), 1, "{orphans:#?}");
    assert_eq!(orphans[0].thing, thing);
    lives_on(&mut life, 2).await;
    assert_eq!(life.count("OrphanFound"), 1);
    assert!(life.has_group(&thing), "left alone until somebody asks");
    life.removes_orphan(&orphans[0]);
    life.look_for(HOUR).await;
    assert!(!life.has_group(&thing));
    assert_eq!(life.orphans(), []);
}

/// E13 without another peering: what comes up after the last one has ended is seen once no read
/// shows the past.
#[tokio::test(start_paused = true)]
async fn what_is_left_of_the_last_peering_is_found_soon_after_its_end_and_at_once_when_asked() {
    let mut life = Life::active().await;
    life.says(abandon(None));
    life.look_for(HOUR).await;
    let soon = ProvisionerSettings::default().visibility_window * 2;
    tokio::time::advance(soon).await;
    life.look_for(HOUR).await;
    assert_eq!(
        (routes_and_links(&life), life.orphans().len()),
        (3, 4),
        "the link, the routes and the group of the own side: {:#?}",
        life.orphans()
    );
    let thing = life.left_over(life.unknown(), &[]);
    life.look_for(HOUR).await;
    assert_eq!(life.orphans().len(), 4, "nobody has looked again");
    life.says(CheckDrift {});
    life.look_for(HOUR).await;
    let orphans = life.orphans();
    assert!(orphans.iter().any(|it| it.thing == thing), "{orphans:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_network_without_live_peerings_costs_three_reads_a_day_and_no_account_of_a_peer_is_entered()
 {
    let mut life = Life::active().await;
    life.says(remove());
    life.settles().await;
    lives_on(&mut life, 1).await;
    let (calls, local) = (
        Arc::new(Mutex::new(Vec::new())),
        life.network(Side::Local).at.account,
    );
    let noted = Arc::clone(&calls);
    let note = move |_, operation, at: &AccountRegion| {
        noted.lock().push((operation, at.account.clone()));
        None
    };
    let cloud = Arc::new(Meddled::with(&life.cloud, note));
    for _ in 0..5 * 24 {
        tokio::time::advance(HOUR).await;
        life.meddled(Arc::clone(&cloud), &CancellationToken::new(), HOUR)
            .await;
    }
    let calls = calls.lock().clone();
    assert_eq!(calls.len(), 5 * 3, "{calls:?}");
    assert!(calls.iter().all(|(_, at)| *at == local), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn what_turns_up_in_the_network_of_an_ended_peering_is_found_while_its_account_is_read() {
    let mut life = Life::active().await;
    let other = beside_the_first(&life);
    life.settles().await;
    let remote = life.network(Side::Remote);
    life.says(remove());
    life.settles().await;
    assert!(life.log.network().peerings()[&other].life.is_live());
    let by_hand = life.cloud.out_of_band();
    let owner = Owner::new(life.log.network().id, peering_id());
    let name = group_name(owner.peering);
    let group = by_hand.group(&remote, &name, &[]).unwrap();
    by_hand.tag_group(&remote, &group, Some(owner));
    life.looks_again().await;
    life.looks_again().await;
    let orphans = life.orphans();
    assert_eq!(orphans.len(), 1, "{orphans:#?}");
    assert_eq!(
        (&orphans[0].thing, &orphans[0].cloud_network),
        (&OrphanThing::FirewallGroup { group }, &remote.network)
    );
    life.removes_orphan(&orphans[0]);
    life.look_for(HOUR).await;
    assert_eq!(life.orphans(), []);
    let network = life.log.network();
    let other = &network.peerings()[&other];
    assert!(other.is_converged());
}

#[tokio::test(start_paused = true)]
async fn a_look_at_a_network_without_live_peerings_that_is_stopped_at_any_step_is_made_again() {
    for step in 0.. {
        let mut life = Life::active().await;
        life.says(remove());
        life.settles().await;
        tokio::time::advance(DAY).await;
        let thing = life.left_over(life.unknown(), &[]);
        life.says(CheckDrift {});
        let stopped = life.run(Fuse::at(step), HOUR).await.is_none();
        life.memories = Default::default();
        lives_on(&mut life, 2).await;
        let orphans = life.orphans();
        assert_eq!(orphans.len(), 1, "stopped at step {step}: {orphans:#?}");
        assert_eq!(orphans[0].thing, thing);
        assert_eq!(life.count("OrphanFound"), 1, "stopped at step {step}");
        if !stopped {
            assert!(step > 3, "only {step} steps");
            return;
        }
    }
}
