//! Who accepts a link, and for how long that is waited for.

use super::{Life, is_clean};
use crate::provisioner::testing::{Fuse, Log, Settled};
use cloud::Operation;
use domain::{
    Side,
    network::{AcceptedBy, BlockCause, Consent, Terms},
};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn with_the_owners_consent_the_engine_waits_and_writes_down_who_accepted() {
    let mut life = Life::asked_for();
    life.log = Log::with_consent(Consent::Owner).told_by(&life.clock);
    assert_eq!(
        life.run(Fuse::never(), Duration::from_secs(600)).await,
        Some(Settled::No)
    );
    assert_eq!(
        (life.log.peering().life.as_str(), life.log.peering().blocked),
        ("awaiting_acceptance", None)
    );
    let link = life.link();
    life.cloud.out_of_band().accept(&link);
    life.settles().await;
    let peering = life.log.peering();
    assert!(peering.is_converged(), "{peering:#?}");
    let evidence = peering.acceptance;
    assert_eq!(evidence.map(|it| it.accepted_by), Some(AcceptedBy::Owner));
    assert!(
        life.routes(Side::Remote).is_empty(),
        "that side is its owner's"
    );
}

#[tokio::test(start_paused = true)]
async fn the_engine_says_that_it_accepted_only_if_it_did() {
    let accepted_by = |life: &Life| life.log.peering().acceptance.map(|it| it.accepted_by);
    let life = Life::active().await;
    assert_eq!(accepted_by(&life), Some(AcceptedBy::Engine));

    let mut life = Life::asked_for();
    let account = life.network(Side::Remote).at.account;
    life.cloud
        .out_of_band()
        .deny_call(&account, Operation::AcceptLink);
    life.blocks(BlockCause::PermissionDenied, Side::Remote)
        .await;
    life.cloud.out_of_band().accept(&life.link());
    life.cloud.out_of_band().allow(&account);
    life.settles().await;
    assert_eq!(
        accepted_by(&life),
        Some(AcceptedBy::EngineOrOwner),
        "somebody did what the engine was refused"
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_nobody_accepts_is_warned_of_expires_and_is_renewed_once() {
    let mut life = Life::asked_for();
    life.log = Log::with_terms(Terms {
        consent: Consent::Owner,
        deadline: None,
        renew: true,
        accept_open: None,
    })
    .told_by(&life.clock);
    life.run(Fuse::never(), Duration::from_secs(145 * 3600))
        .await;
    assert_eq!(
        (
            life.count("PeeringExpiryNear"),
            life.count("PeeringExpired")
        ),
        (1, 0)
    );
    life.run(Fuse::never(), Duration::from_secs(400 * 3600))
        .await;
    assert_eq!(
        (
            life.count("PeeringExpired"),
            life.count("PeeringRenewed"),
            life.count("PeeringExpiryNear")
        ),
        (2, 1, 2)
    );
    assert_eq!(life.log.peering().life.as_str(), "expired");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_not_active_by_its_deadline_is_taken_back() {
    let mut life = Life::asked_for();
    let deadline = Some((life.clock)() + Duration::from_secs(7200));
    life.log = Log::with_terms(Terms {
        consent: Consent::Owner,
        deadline,
        renew: false,
        accept_open: None,
    })
    .told_by(&life.clock);
    life.run(Fuse::never(), Duration::from_secs(3 * 3600)).await;
    assert_eq!(
        (
            life.count("PeeringDeadlinePassed"),
            life.log.peering().life.as_str()
        ),
        (1, "removed")
    );
    is_clean(&life.cloud.world(), "after the deadline");
}
