//! Links that others made, and deadlines.

use super::Life;
use crate::provisioner::testing::peering_id;
use domain::{
    Side,
    network::{AdoptPeering, Change, Consent, RequestPeering, SetTenure, Terms},
};
use std::time::Duration;

// Not at Azure: the engine finds whom a denial keeps out by the half's name, and somebody else's
// half has another; it stays blocked, and closed on the engine's part.
in_world!(at_google_cloud_alone, Google, Good: an_adopted_link_is_kept_and_let_go_and_never_removed);
in_world!(at_google_cloud_alone_over_a_bad_wire, Google, Bad: an_adopted_link_is_kept_and_let_go_and_never_removed);

in_every_world!(
    a_request_that_is_not_active_by_its_deadline_is_taken_back,
    a_peering_ends_at_its_own_end,
);

const THEIRS: &str = "somebodys";

async fn an_adopted_link_is_kept_and_let_go_and_never_removed(life: Life) {
    for side in Side::BOTH {
        life.world.join(side, THEIRS);
    }
    let before = Side::BOTH.map(|side| life.world.halves(side));
    let mut life = life.asked(|request: RequestPeering| {
        AdoptPeering {
            peer: request.peer,
            link: THEIRS.parse().unwrap(),
            consent: Consent::Delegated,
            tenure: Default::default(),
        }
        .into()
    });
    life.converges().await;
    assert!(!life.log.peering().made_the_link());
    assert_eq!(life.count("HalfChangeStarted"), 0);
    life.removes();
    life.until("let go", |it| !it.life.is_live()).await;
    assert_eq!(Side::BOTH.map(|side| life.world.halves(side)), before);
    for side in Side::BOTH {
        assert_eq!(life.world.rules(side).len(), 0, "{side}");
    }
}

async fn a_request_that_is_not_active_by_its_deadline_is_taken_back(life: Life) {
    let an_hour = Duration::from_secs(3600);
    let deadline = Some((life.clock)() + an_hour);
    let mut life = life.with_terms(&Terms {
        consent: Consent::Owner,
        deadline,
        ..Terms::default()
    });
    let waits = |it: &domain::network::Peering| it.life.as_str() == "awaiting_acceptance";
    life.until("the owner's turn", waits).await;
    life.passes(an_hour);
    life.until("taken back", |it| !it.life.is_live()).await;
    life.is_clean("nobody came in time");
}

async fn a_peering_ends_at_its_own_end(mut life: Life) {
    life.converges().await;
    let an_hour = Duration::from_secs(3600);
    life.says(SetTenure {
        peering_id: peering_id(),
        rule: None,
        owner: None,
        expires_at: Some(Change::To((life.clock)() + an_hour)),
    });
    life.passes(an_hour);
    life.ends_as("removed").await;
    life.is_clean("its time was over");
}
