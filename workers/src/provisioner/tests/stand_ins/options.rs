//! What is switched on halves, and what one side needs of the other.

use super::{Life, consent::waits};
use crate::provisioner::testing::peering_id;
use domain::{
    Side,
    network::{BlockCause, Consent, DriftKind, LinkOption, NetworkEvent, Peering, SetLinkOption},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

in_every_world!(options_are_set_on_their_own_side_and_unset_again);

impl Life {
    fn switches(&self, side: Side, option: LinkOption, enabled: bool) {
        self.says(SetLinkOption {
            peering_id: peering_id(),
            side,
            option,
            enabled,
        });
    }

    fn is_on(&self, side: Side, option: LinkOption) -> bool {
        self.world
            .halves(side)
            .iter()
            .any(|it| it.on.contains(&option))
    }
}

/// Those that need nothing that a stand-in's two networks lack.
pub(super) fn plain(life: &Life) -> &'static [LinkOption] {
    match life.provider() {
        domain::Provider::Gcp => &[
            LinkOption::ExportCustomRoutes,
            LinkOption::ImportCustomRoutes,
            LinkOption::DualStack,
        ],
        domain::Provider::Azure => &[LinkOption::ForwardedTraffic, LinkOption::GatewayTransit],
        domain::Provider::Aws => panic!("no stand-in of this suite"),
    }
}

async fn options_are_set_on_their_own_side_and_unset_again(mut life: Life) {
    life.converges().await;
    for option in plain(&life) {
        for side in Side::BOTH {
            life.switches(side, *option, true);
            life.converges().await;
            assert!(life.is_on(side, *option), "{option:?}, {side}");
        }
        for side in Side::BOTH {
            life.switches(side, *option, false);
            life.converges().await;
            assert!(!life.is_on(side, *option), "{option:?}, {side}");
        }
    }
    life.removes();
    life.ends_as("removed").await;
    life.is_clean("removed");
}

// Only Azure lends gateways.
in_world!(at_azure_alone, Azure, Good: a_gateway_is_lent_before_it_is_borrowed_and_what_it_lacks_is_named);
in_world!(at_azure_alone_over_a_bad_wire, Azure, Bad: a_gateway_is_lent_before_it_is_borrowed_and_what_it_lacks_is_named);

async fn a_gateway_is_lent_before_it_is_borrowed_and_what_it_lacks_is_named(mut life: Life) {
    let (lend, borrow) = (LinkOption::GatewayTransit, LinkOption::RemoteGateways);
    life.converges().await;
    life.switches(Side::Remote, lend, true);
    life.switches(Side::Local, borrow, true);
    // The other side's people have one to give.
    life.blocks(BlockCause::OptionPrecondition, Side::Remote)
        .await;
    let blocked = life.log.peering().blocked.unwrap();
    assert!(blocked.message.contains("gateways"), "{}", blocked.message);
    assert!(life.is_on(Side::Remote, lend) && !life.is_on(Side::Local, borrow));
    life.world.set_gateway(Side::Remote);
    life.converges().await;
    assert!(life.is_on(Side::Local, borrow));
    life.switches(Side::Local, borrow, false);
    life.switches(Side::Remote, lend, false);
    let off = |it: &Peering| it.is_converged();
    life.until("given back", off).await;
    assert!(!life.is_on(Side::Local, borrow) && !life.is_on(Side::Remote, lend));
}

in_world!(at_azure_by_its_owner, Azure, Good: a_gateway_that_its_owner_has_to_lend_is_waited_for_as_consent_is);
in_world!(at_azure_by_its_owner_over_a_bad_wire, Azure, Bad: a_gateway_that_its_owner_has_to_lend_is_waited_for_as_consent_is);

async fn a_gateway_that_its_owner_has_to_lend_is_waited_for_as_consent_is(life: Life) {
    let (lend, borrow) = (LinkOption::GatewayTransit, LinkOption::RemoteGateways);
    let mut life = life.with_consent(Consent::Owner);
    life.until("the owner's turn", waits).await;
    life.world.join(Side::Remote, &life.name());
    life.converges().await;
    life.switches(Side::Local, borrow, true);
    // Asked again and again, and told to nobody.
    for _ in 0..2 {
        let _ = life.world.took();
        let tries = Arc::new(AtomicUsize::new(0));
        let (world, seen) = (Arc::clone(&life.world), Arc::clone(&tries));
        life.until("it was tried", move |_| {
            let put = "PUT virtualNetworkPeerings";
            let puts = world.took().into_iter().filter(|it| it.1 == put).count();
            seen.fetch_add(puts, Ordering::Relaxed) + puts >= 3
        })
        .await;
        assert_eq!(life.log.peering().blocked, None, "{:?}", life.log.names(0));
        life.passes(Duration::from_secs(11 * 3600));
    }
    // A day is over.
    life.passes(Duration::from_secs(3 * 3600));
    life.blocks(BlockCause::OptionPrecondition, Side::Remote)
        .await;
    let remedy = life.log.peering().blocked.unwrap().remedy.join("\n");
    for told in [
        "az network vnet peering update",
        &life.name(),
        "allowGatewayTransit=true",
    ] {
        assert!(remedy.contains(told), "{told}: {remedy}");
    }
    life.world.set_gateway(Side::Remote);
    life.world.switch(Side::Remote, &life.name(), lend, true);
    life.converges().await;
    assert!(life.is_on(Side::Local, borrow));
}

// Elsewhere what is sent follows the other network by itself.
in_world!(at_azure_out_of_sync, Azure, Good: a_half_follows_the_other_networks_ranges_if_that_is_asked_for);
in_world!(at_azure_out_of_sync_over_a_bad_wire, Azure, Bad: a_half_follows_the_other_networks_ranges_if_that_is_asked_for);

async fn a_half_follows_the_other_networks_ranges_if_that_is_asked_for(mut life: Life) {
    life.converges().await;
    life.switches(Side::Local, LinkOption::AddressSpaceSync, true);
    life.converges().await;
    life.world.widen(Side::Remote, "172.16.0.0/16");
    life.passes(super::settings().drift_interval);
    life.until("the sync", |it| it.is_converged() && !it.repairs.is_empty())
        .await;
    let is_of_it = |it: &NetworkEvent| matches!(it, NetworkEvent::DriftRepaired(it) if matches!(it.finding, DriftKind::LinkOptionFlipped { .. }));
    let repairs = |life: &Life| life.log.events().iter().filter(|it| is_of_it(it)).count();
    assert_eq!(repairs(&life), 1);
    life.looks_again().await;
    assert_eq!(repairs(&life), 1, "in sync now");
}
