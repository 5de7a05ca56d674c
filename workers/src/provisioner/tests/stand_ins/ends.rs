//! Links that others made, and deadlines.

use super::Life;
use crate::provisioner::testing::{Fuse, peering_id};
use domain::{
    Provider, Side,
    network::{
        AdoptPeering, Change, Consent, LinkOption, Peering, RequestPeering, SetTenure, Terms,
    },
};
use std::time::Duration;

in_every_world!(
    an_adopted_link_is_kept_and_let_go_and_never_removed,
    an_adopted_link_that_is_open_lets_nobody_in_while_it_is_kept,
    a_request_that_is_not_active_by_its_deadline_is_taken_back,
    a_peering_ends_at_its_own_end,
);

const THEIRS: &str = "somebodys";

/// Somebody's link is there, and the engine is asked to take it over.
pub(super) fn adopted(life: Life, opens: &[Side]) -> Life {
    for side in Side::BOTH {
        life.world.join(side, THEIRS);
        if life.provider() == Provider::Azure {
            let access = LinkOption::VirtualNetworkAccess;
            let is_open = opens.contains(&side);
            life.world.switch(side, THEIRS, access, is_open);
        }
    }
    life.asked(|request: RequestPeering| {
        AdoptPeering {
            peer: request.peer,
            link: THEIRS.parse().unwrap(),
            consent: Consent::Delegated,
            tenure: Default::default(),
        }
        .into()
    })
}

/// It was open before anybody asked, and is as open again once it is let go.
async fn an_adopted_link_that_is_open_lets_nobody_in_while_it_is_kept(life: Life) {
    let mut life = adopted(life, &Side::BOTH);
    let before = Side::BOTH.map(|side| life.world.halves(side));
    life.run("kept", Fuse::never(), Peering::is_converged).await;
    life.forget_who_got_in();
    life.looks_again().await;
    for side in Side::BOTH {
        assert_eq!(life.world.lets_in(side), [""; 0], "{side}");
        assert!(!life.world.rules(side).is_empty(), "{side}");
    }
    life.restarts();
    life.looks_again().await;
    life.removes();
    let is_over = |it: &Peering| !it.life.is_live();
    life.run("let go", Fuse::never(), is_over).await;
    assert_eq!(Side::BOTH.map(|side| life.world.halves(side)), before);
    for side in Side::BOTH {
        assert_eq!(life.world.rules(side).len(), 0, "{side}");
    }
}

async fn an_adopted_link_is_kept_and_let_go_and_never_removed(life: Life) {
    let mut life = adopted(life, &[]);
    let before = Side::BOTH.map(|side| life.world.halves(side));
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
