//! A cloud may answer a request for a link with one that is there already. What is answered is
//! never taken for ours on the strength of the answer: reads say whose it is.

use super::{HOUR, LONG, Life, is_clean, remove};
use crate::provisioner::{
    memories::Memories,
    sides,
    testing::{Fuse, Meddled, peering_id},
};
use cloud::{AccountRegion, LinkRole, LinkState, Operation, Owner};
use domain::{NetworkId, PeeringId, Side, network::BlockCause, text::Link};
use std::sync::{Arc, OnceLock};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Whose the link may be that is there at the last moment.
fn strangers(life: &Life) -> [Option<Owner>; 4] {
    let (ours, other) = (life.log.network().id, Uuid::from_u128(0xbad));
    [
        None,
        Some(Owner::new(NetworkId(other), peering_id())),
        Some(Owner::new(ours, PeeringId(other))),
        Some(Owner::before_networks(PeeringId(other))),
    ]
}

/// Somebody makes a link right before ours is asked for; the answer is theirs.
async fn beaten_to_it(life: &mut Life, owner: Option<Owner>) -> Link {
    let (network, peering) = (life.log.network(), life.log.peering());
    let ends = Side::BOTH.map(|side| sides::end(&network, &peering, side));
    let theirs: Arc<OnceLock<Link>> = Arc::default();
    let (made, by) = (Arc::clone(&theirs), life.cloud.clone());
    let faster = move |_, operation, _: &AccountRegion| {
        if operation == Operation::CreateLink {
            made.get_or_init(|| {
                by.out_of_band()
                    .join(&ends[0], &ends[1], LinkState::Pending, owner)
            });
        }
        None
    };
    let cloud = Meddled::with(&life.cloud, faster);
    life.meddled(cloud, &CancellationToken::new(), HOUR).await;
    theirs.get().expect("a link was asked for").clone()
}

#[tokio::test(start_paused = true)]
async fn a_link_of_somebody_elses_that_a_request_is_answered_with_is_never_taken() {
    for owner in strangers(&Life::asked_for()) {
        let mut life = Life::asked_for();
        let theirs = beaten_to_it(&mut life, owner).await;
        assert_eq!(life.count("PeeringInitiated"), 0, "{owner:?}");
        assert_eq!(life.log.peering().life.link(), None);
        let blocked = life.log.peering().blocked.unwrap();
        assert_eq!(
            (blocked.cause, blocked.side),
            (BlockCause::Conflict, Side::Local),
            "{owner:?}: {}",
            blocked.message
        );
        assert!(
            blocked.message.contains(theirs.as_str()),
            "{}",
            blocked.message
        );
        let link = life.cloud.world().links[&theirs].clone();
        assert_eq!(
            (link.owner, link.state),
            (owner, LinkState::Pending),
            "as it was made"
        );
        let by_hand = life.cloud.out_of_band();
        by_hand.delete(&theirs, LinkRole::First);
        tokio::time::advance(LONG).await;
        life.settles().await;
        assert!(life.log.peering().is_converged());
        assert_ne!(life.link(), theirs);
        life.says(remove());
        life.settles().await;
        is_clean(&life.cloud.world(), "removed");
    }
}

/// The answer to the first request was lost, or this log was not told of it.
#[tokio::test(start_paused = true)]
async fn a_link_of_ours_that_a_request_is_answered_with_is_ours_once_a_read_shows_it() {
    let mut life = Life::asked_for();
    let owner = Owner::new(life.log.network().id, peering_id());
    let ours = beaten_to_it(&mut life, Some(owner)).await;
    life.settles().await;
    assert_eq!(life.link(), ours);
    assert!(life.log.peering().is_converged());
    assert_eq!(life.cloud.world().links.len(), 1, "there is no second one");
}

#[tokio::test(start_paused = true)]
async fn a_link_of_somebody_elses_that_comes_up_at_any_step_is_never_taken() {
    for step in 0.. {
        let mut life = Life::asked_for();
        let stopped = life.run(Fuse::at(step), HOUR).await.is_none();
        let theirs = life.somebodys(Side::Local, LinkState::Active);
        life.memories = Memories::default();
        life.look_for(HOUR).await;
        let when = format!("stopped at step {step}");
        assert_ne!(life.log.peering().life.link(), Some(&theirs), "{when}");
        life.says(remove());
        life.look_for(LONG).await;
        let world = life.cloud.world();
        assert_eq!(world.links[&theirs].state, LinkState::Active, "{when}");
        let live = world.links.values().filter(|it| it.state.is_live());
        assert_eq!(live.count(), 1, "{when}: ours is gone");
        assert_eq!(life.log.peering().life.as_str(), "removed", "{when}");
        if !stopped {
            assert!(step > 6, "only {step} steps");
            return;
        }
    }
}
