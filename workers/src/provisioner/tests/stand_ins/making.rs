//! How a link comes into being and goes, and what is on record of it.

use super::Life;
use crate::provisioner::testing::{CLIENTS, peering_id, range};
use ::cloud::LinkForm;
use domain::{
    Provider, Side,
    network::{
        AcceptRoute, AcceptedBy, AddPeerRanges, BlockCause, LinkOption, NetworkEvent,
        SetLinkOption, Where, WithdrawRoute,
    },
};
use std::collections::BTreeSet;

in_every_world!(
    a_link_is_made_routed_and_removed_in_the_providers_order_and_leaves_nothing,
    what_is_about_to_happen_is_on_record_with_a_request_of_its_own,
    a_range_that_the_peer_gets_later_is_kept_out_too_and_sent_once_it_is_exchanged,
    a_process_that_begins_anew_finds_all_as_it_is_and_changes_nothing,
);

// The same where a group stands before interfaces alone: the denial has to be there too.
in_world!(at_azure_at_interfaces, AzureAtInterfaces, Good:
    a_link_is_made_routed_and_removed_in_the_providers_order_and_leaves_nothing,
    a_range_that_the_peer_gets_later_is_kept_out_too_and_sent_once_it_is_exchanged,
    a_process_that_begins_anew_finds_all_as_it_is_and_changes_nothing,
);
in_world!(at_azure_at_interfaces_over_a_bad_wire, AzureAtInterfaces, Bad:
    a_link_is_made_routed_and_removed_in_the_providers_order_and_leaves_nothing,
);

fn sides_of(life: &Life, of: impl Fn(&NetworkEvent) -> Option<Side>) -> Vec<Side> {
    life.log.events().iter().filter_map(of).collect()
}

fn made(event: &NetworkEvent) -> Option<Side> {
    if let NetworkEvent::HalfMade(it) = event {
        Some(it.side)
    } else {
        None
    }
}

fn gone(event: &NetworkEvent) -> Option<Side> {
    if let NetworkEvent::HalfRemoved(it) = event {
        Some(it.side)
    } else {
        None
    }
}

async fn a_link_is_made_routed_and_removed_in_the_providers_order_and_leaves_nothing(
    mut life: Life,
) {
    life.converges().await;
    life.is_joined_once("in place");
    let peering = life.log.peering();
    for side in Side::BOTH {
        let in_place = peering.routes_in_place.get(side).as_ref().unwrap();
        assert_eq!(in_place.at, [Where::Exchange].into(), "{side}");
    }
    let by = peering.acceptance.map(|it| it.accepted_by);
    assert_eq!(by, Some(AcceptedBy::Engine));
    let LinkForm::TwoObjects {
        made: making,
        removed,
    } = LinkForm::of(life.provider())
    else {
        panic!("two objects");
    };
    assert_eq!(sides_of(&life, made), making);
    life.removes();
    life.ends_as("removed").await;
    assert_eq!(life.log.peering().leftovers(), []);
    life.is_clean("removed");
    assert_eq!(sides_of(&life, gone), removed);
    assert_eq!(life.count("LinkRemoved"), 1);
}

async fn what_is_about_to_happen_is_on_record_with_a_request_of_its_own(mut life: Life) {
    life.converges().await;
    life.removes();
    life.ends_as("removed").await;
    let mut open = BTreeSet::new();
    let mut requests = BTreeSet::new();
    for event in life.log.events() {
        if let NetworkEvent::HalfChangeStarted(it) = &event {
            assert!(requests.insert(it.request_id), "used twice");
            open.insert(it.side);
        }
        for side in [made(&event), gone(&event)].into_iter().flatten() {
            assert!(open.contains(&side), "{event:?}");
        }
    }
    assert!(requests.len() >= 4, "two made, two removed: {requests:?}");
}

async fn a_range_that_the_peer_gets_later_is_kept_out_too_and_sent_once_it_is_exchanged(
    mut life: Life,
) {
    life.converges().await;
    let more = range("10.51.0.0/16");
    life.world.widen(Side::Remote, "10.51.0.0/16");
    life.says(AddPeerRanges {
        peering_id: peering_id(),
        ranges: vec![more],
    });
    life.says(AcceptRoute {
        peering_id: peering_id(),
        side: Side::Local,
        destination: more,
    });
    if life.provider() == Provider::Azure {
        // A half is of the ranges that were there when it was made.
        life.blocks(BlockCause::NotFound, Side::Local).await;
        life.says(SetLinkOption {
            peering_id: peering_id(),
            side: Side::Local,
            option: LinkOption::AddressSpaceSync,
            enabled: true,
        });
    }
    life.until("the range in place", |it| {
        let seen = it.routes_in_place.local.as_ref();
        it.is_converged() && seen.is_some_and(|it| it.destinations.contains(&more))
    })
    .await;
    life.says(WithdrawRoute {
        peering_id: peering_id(),
        side: Side::Local,
        destination: more,
    });
    life.converges().await;
    let peering = life.log.peering();
    let seen = peering.routes_in_place.local.as_ref().unwrap();
    assert_eq!(seen.destinations, [range(CLIENTS)].into());
}

async fn a_process_that_begins_anew_finds_all_as_it_is_and_changes_nothing(mut life: Life) {
    life.converges().await;
    let events = life.log.events().len();
    let (halves, rules) = (
        Side::BOTH.map(|side| life.world.halves(side)),
        Side::BOTH.map(|side| life.world.rules(side)),
    );
    life.restarts();
    life.looks_again().await;
    assert_eq!(life.log.events().len(), events, "{:?}", life.log.names(0));
    assert_eq!(Side::BOTH.map(|side| life.world.halves(side)), halves);
    assert_eq!(Side::BOTH.map(|side| life.world.rules(side)), rules);
}
