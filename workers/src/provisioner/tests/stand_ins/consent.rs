//! Whose word it takes: a side that its owner keeps is waited for, and never touched.

use super::{Life, Quality, Ran, Which};
use crate::provisioner::testing::{Fuse, peering_id};
use domain::{
    Side,
    network::{
        AbandonPeering, AcceptedBy, BlockCause, Consent, HalfChange, Leftover, NetworkEvent,
        Peering,
    },
};
use parking_lot::Mutex;
use std::sync::Arc;

in_every_world!(
    the_owners_half_is_waited_for_and_never_touched,
    a_half_that_its_owner_removed_first_leaves_nothing_behind,
    a_request_whose_owner_never_came_is_taken_back_whole,
    a_half_of_that_name_that_no_request_on_record_made_is_left_alone,
    a_strangers_half_for_the_pair_is_not_taken_over,
    nobody_gets_in_over_the_owners_open_half_whenever_the_process_dies,
);

const THEIRS: &str = "to-the-private-network";

/// The owner's turn: where a half is open as it is made, once the private network keeps the peer
/// out.
pub(super) fn waits(it: &domain::network::Peering) -> bool {
    it.life.as_str() == "awaiting_acceptance" && (keeps_out(it) || !is_at_azure(it))
}

fn keeps_out(it: &domain::network::Peering) -> bool {
    it.firewall.local.is_enforced()
}

fn is_at_azure(it: &domain::network::Peering) -> bool {
    it.peer.provider.admits_by_default()
}

async fn the_owners_half_is_waited_for_and_never_touched(life: Life) {
    let mut life = life.with_consent(Consent::Owner);
    life.until("the owner's turn", waits).await;
    assert_eq!(life.names_on(Side::Remote), [""; 0]);
    life.world.join(Side::Remote, THEIRS);
    life.converges().await;
    let by = life.log.peering().acceptance.map(|it| it.accepted_by);
    assert_eq!(by, Some(AcceptedBy::Owner));
    assert_eq!(life.world.rules(Side::Remote).len(), 0, "theirs to keep");
    let half = life.world.halves(Side::Remote);
    life.removes();
    life.ends_as("abandoned").await;
    assert_eq!(life.names_on(Side::Local), [""; 0]);
    assert_eq!(life.world.halves(Side::Remote), half, "as they made it");
    let left = Leftover::Half {
        side: Side::Remote,
        link: None,
    };
    assert_eq!(life.log.peering().leftovers(), [left]);
}

/// The owner opens their half as soon as they are told to; and makes it closed before.
async fn nobody_gets_in_over_the_owners_open_half_whenever_the_process_dies(life: Life) {
    let mut life = life.with_consent(Consent::Owner);
    let mut step = 0;
    // Dies at each step on the way to the owner's turn.
    while life.run("the owner's turn", Fuse::at(step), waits).await == Ran::Crashed {
        life.nobody_got_in();
        life.restarts();
        step += 1;
    }
    assert!(step > 2, "only {step} steps");
    let peering = life.log.peering();
    let events = life.log.names(0);
    if is_at_azure(&peering) {
        assert!(keeps_out(&peering), "{events:?}");
        assert!(life.names_on(Side::Remote).is_empty(), "{events:?}");
    }
    life.world.join(Side::Remote, THEIRS);
    assert_eq!(life.world.lets_in(Side::Local), [""; 0], "{events:?}");
    for step in 0..6 {
        life.run("in place", Fuse::at(step), Peering::is_converged)
            .await;
        life.restarts();
        life.nobody_got_in();
    }
    life.converges().await;
    life.removes();
    life.ends_as("abandoned").await;
}

async fn a_half_that_its_owner_removed_first_leaves_nothing_behind(life: Life) {
    let mut life = life.with_consent(Consent::Owner);
    life.until("the owner's turn", waits).await;
    life.world.join(Side::Remote, THEIRS);
    life.converges().await;
    life.world.part(Side::Remote, THEIRS);
    life.removes();
    life.ends_as("removed").await;
    life.is_clean("both are gone");
}

async fn a_request_whose_owner_never_came_is_taken_back_whole(life: Life) {
    let mut life = life.with_consent(Consent::Owner);
    life.until("the owner's turn", waits).await;
    life.removes();
    life.ends_as("removed").await;
    life.is_clean("nobody came");
}

async fn a_half_of_that_name_that_no_request_on_record_made_is_left_alone(mut life: Life) {
    let name = life.name();
    life.world.join(Side::Local, &name);
    life.blocks(BlockCause::Conflict, Side::Local).await;
    assert_eq!(life.count("PeeringInitiationStarted"), 0);
    life.removes();
    life.ends_as("removed").await;
    assert_eq!(life.names_on(Side::Local), [name]);
    assert_eq!(life.names_on(Side::Remote), [""; 0]);
}

async fn a_strangers_half_for_the_pair_is_not_taken_over(mut life: Life) {
    life.world.join(Side::Local, "somebodys");
    life.blocks(BlockCause::Conflict, Side::Local).await;
    life.removes();
    life.ends_as("removed").await;
    assert_eq!(life.names_on(Side::Local), ["somebodys"]);
}

// At Google Cloud a half that lost the other is like one that waits: nothing stands in the way.
in_world!(at_azure_alone, Azure, Good: a_stale_half_at_the_peer_stands_in_the_way_until_its_owner_removes_it);
in_world!(at_azure_alone_over_a_bad_wire, Azure, Bad: a_stale_half_at_the_peer_stands_in_the_way_until_its_owner_removes_it);

async fn a_stale_half_at_the_peer_stands_in_the_way_until_its_owner_removes_it(mut life: Life) {
    life.world.join(Side::Local, "somebodys");
    life.world.join(Side::Remote, THEIRS);
    life.world.part(Side::Local, "somebodys");
    life.blocks(BlockCause::Conflict, Side::Remote).await;
    let remedy = life.log.peering().blocked.unwrap().remedy.join("\n");
    assert!(
        remedy.contains("az network vnet peering delete"),
        "{remedy}"
    );
    life.world.part(Side::Remote, THEIRS);
    life.converges().await;
    life.is_joined_once("the way is free");
}

in_world!(at_azure_again, Azure, Good: a_half_that_an_ended_peering_left_is_removed_before_another_link_is_made);
in_world!(at_azure_again_over_a_bad_wire, Azure, Bad: a_half_that_an_ended_peering_left_is_removed_before_another_link_is_made);

async fn a_half_that_an_ended_peering_left_is_removed_before_another_link_is_made(life: Life) {
    let request = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&request);
    let mut life = life.asked(move |it| {
        *kept.lock() = Some(it.clone());
        it.into()
    });
    life.converges().await;
    let (first, left) = (life.log.peering().id, life.name());
    life.says(AbandonPeering {
        peering_id: first,
        reason: "given up".parse().unwrap(),
        clean: Some(Side::Local),
    });
    life.ends_as("abandoned").await;
    assert_eq!(life.names_on(Side::Local), [""; 0]);
    assert_eq!(
        life.names_on(Side::Remote),
        [left.as_str()],
        "it has lost its own"
    );

    let request = request.lock().take().unwrap();
    life.says(request);
    let log = life.log.clone();
    let is_there = move |_: &Peering| {
        let network = log.network();
        network.peerings().values().any(Peering::is_converged)
    };
    life.until("joined again", is_there).await;
    for side in Side::BOTH {
        let names = life.names_on(side);
        assert!(names.len() == 1 && names[0] != left, "{side}: {names:?}");
    }
    let mut events = life.log.events().into_iter();
    let first_change = events
        .find_map(|it| {
            let NetworkEvent::HalfChangeStarted(it) = it else {
                return None;
            };
            (it.peering_id != first).then_some(it)
        })
        .unwrap();
    assert_eq!(
        (
            first_change.change,
            first_change.side,
            first_change.link.as_str()
        ),
        (HalfChange::Remove, Side::Remote, left.as_str()),
        "it is on record before it is removed"
    );
}

/// Giving up takes nothing that its owner keeps, and names what stands.
#[tokio::test]
async fn giving_up_names_each_half_that_stands_and_cleaning_a_side_takes_its_own_alone() {
    let everywhere = [Which::Google, Which::Azure].into_iter();
    let everywhere = everywhere.flat_map(|it| [(it, Quality::Good), (it, Quality::Bad)]);
    for (which, quality) in everywhere {
        for clean in [None, Some(Side::Remote)] {
            let mut life = Life::at(which, quality).await;
            life.converges().await;
            life.says(AbandonPeering {
                peering_id: peering_id(),
                reason: "the peer is not ours any more".parse().unwrap(),
                clean,
            });
            life.ends_as("abandoned").await;
            for side in Side::BOTH {
                let stands = clean != Some(side);
                let left = life.log.peering().leftovers();
                let names_it =
                    |it: &Leftover| matches!(it, Leftover::Half { side: of, .. } if *of == side);
                assert_eq!(
                    left.iter().any(names_it),
                    stands,
                    "{which:?}, {side}: {left:?}"
                );
                assert_eq!(life.names_on(side).len(), usize::from(stands), "{side}");
            }
        }
    }
}
