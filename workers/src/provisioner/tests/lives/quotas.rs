//! Lives in accounts that have other quotas than the usual, and tell them.

use super::Life;
use crate::provisioner::{sides, testing::Fuse};
use cloud::{LinkState, Operation};
use domain::{SeenQuotas, Side, network::BlockCause};
use std::time::Duration;

fn links(most: u32) -> SeenQuotas {
    SeenQuotas {
        links: Some(most),
        ..SeenQuotas::default()
    }
}

impl Life {
    fn allows(&self, side: Side, quotas: SeenQuotas) {
        let at = self.network(side).at;
        self.cloud.out_of_band().set_quotas(&at, quotas);
    }

    fn quotas_seen(&self) -> usize {
        self.count("NetworkQuotasSeen")
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_accounts_allow_is_on_record_before_the_first_change_and_when_it_is_another() {
    let mut life = Life::asked_for();
    for side in Side::BOTH {
        life.allows(side, links(60));
    }
    life.settles().await;
    assert_eq!(life.quotas_seen(), 2);
    let names = life.log.names(0);
    let first = |event: &str| names.iter().position(|it| *it == event).unwrap();
    assert!(first("NetworkQuotasSeen") < first("PeeringInitiationStarted"));
    life.looks_again().await;
    assert_eq!(life.quotas_seen(), 2, "nothing else was seen");
    life.allows(Side::Remote, links(70));
    life.looks_again().await;
    assert_eq!(life.quotas_seen(), 3);
    let (network, peer) = (life.log.network(), life.log.peering().peer);
    let seen = network.quotas_seen_at(&peer.account, &peer.region);
    assert_eq!(seen.links, Some(70));
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_was_lowered_at_the_cloud_blocks_and_one_that_was_raised_does_not() {
    let mut life = Life::asked_for();
    life.allows(Side::Local, links(0));
    life.blocks(BlockCause::QuotaExceeded, Side::Local).await;
    assert_eq!(
        life.count("PeeringInitiationStarted"),
        0,
        "nothing was asked for"
    );
    life.allows(Side::Local, links(1));
    life.settles().await;
    assert_eq!(life.quotas_seen(), 2);
    assert!(life.log.peering().blocked.is_none());
}

/// AWS gives every account 50 links for a network.
#[tokio::test(start_paused = true)]
async fn the_fifty_first_link_waits_and_is_made_once_the_cloud_tells_of_more() {
    let mut life = Life::asked_for();
    life.allows(Side::Local, links(50));
    let (network, peering) = (life.log.network(), life.log.peering());
    let own = sides::end(&network, &peering, Side::Local);
    for number in 0..50 {
        let mut stranger = own.clone();
        stranger.network.network = format!("vpc-{number:08}").parse().unwrap();
        stranger.ranges = vec![format!("172.16.{number}.0/24").parse().unwrap()];
        let out_of_band = life.cloud.out_of_band();
        out_of_band.build(&stranger.network, &stranger.ranges, &[]);
        out_of_band.join(&own, &stranger, LinkState::Active, None);
    }
    life.blocks(BlockCause::QuotaExceeded, Side::Local).await;
    let said = life.log.peering().blocked.unwrap().message;
    assert!(said.contains("has 50 links of 50"), "{said}");
    assert_eq!(life.count("PeeringInitiationStarted"), 0);
    life.allows(Side::Local, links(51));
    life.settles().await;
    assert_eq!(life.count("PeeringActivated"), 1);
    assert_eq!(life.quotas_seen(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_does_not_tell_holds_nothing_up_and_says_nothing() {
    let mut life = Life::asked_for();
    for side in Side::BOTH {
        life.allows(side, links(60));
        let account = life.network(side).at.account;
        let out_of_band = life.cloud.out_of_band();
        out_of_band.deny_call(&account, Operation::Quotas);
    }
    life.settles().await;
    assert_eq!(life.quotas_seen(), 0);
    assert_eq!(life.count("ProvisioningBlocked"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_link_is_taken_back_without_a_look_at_what_the_account_allows() {
    let mut life = Life::active().await;
    for side in Side::BOTH {
        life.allows(side, links(60));
    }
    life.says(super::remove());
    life.run(Fuse::never(), Duration::from_secs(600)).await;
    assert_eq!(life.quotas_seen(), 0);
}
