//! Names come back, the ids of some clouds do not: which network an end is, and what holds while
//! another one has its name.

use super::{super::*, fold, given, now, recorded, samples::*};
use crate::side::Side;

fn registered(events: impl IntoIterator<Item = NetworkEvent>) -> Registered {
    let Network::Registered(network) = fold(events) else {
        panic!("the network is not registered")
    };
    network
}

fn event(outcome: &Outcome) -> NetworkEvent {
    super::laws::as_event(outcome.clone())
}

#[test]
fn an_id_that_a_cloud_gives_once_is_recorded_once_and_stands() {
    for side in Side::BOTH {
        let first = immutable_id_seen(side, "4711");
        given(history([])).when(first.clone()).then([event(&first)]);
        let known = history([event(&first)]);
        for again in [first.clone(), immutable_id_seen(side, "4712")] {
            given(known.clone()).when(again.clone()).then_nothing();
            let network = registered(known.clone().into_iter().chain([event(&again)]));
            let peering = &network.peerings()[&peering_id(1)];
            let kept = network.immutable_id(peering, side);
            assert_eq!(kept, Some(&text("4711")));
            assert_eq!(network.immutable_id(peering, side.other()), None);
        }
    }
}

#[test]
fn the_private_networks_own_id_is_known_to_its_other_peerings_and_the_peers_to_its_own_alone() {
    let seen = Side::BOTH.map(|side| event(&immutable_id_seen(side, "4711")));
    let other = requested(2);
    let network = registered(history(seen).into_iter().chain([other]));
    let second = &network.peerings()[&peering_id(2)];
    assert!(network.immutable_id(second, Side::Local).is_some());
    assert_eq!(network.immutable_id(second, Side::Remote), None);
}

#[test]
fn a_replaced_network_is_drift_in_every_state_before_the_end_and_opens_nothing_while_it_stands() {
    for events in [history([]), active_history([])] {
        for side in Side::BOTH {
            let found = detected(replaced(side));
            given(events.clone())
                .when(Outcome::from(found.clone()))
                .then([found.clone().into()]);
            let before = registered(events.clone());
            assert!(before.may_open(&before.peerings()[&peering_id(1)]));
            let standing = events.clone().into_iter().chain([found.clone().into()]);
            let network = registered(standing.clone());
            let peering = &network.peerings()[&peering_id(1)];
            assert!(peering.is_replaced() && !network.may_open(peering));
            assert!(!peering.is_converged());
            let over = repaired(replaced(side), now());
            given(standing.clone())
                .when(Outcome::from(over.clone()))
                .then([over.clone().into()]);
            let after = registered(standing.chain([over.into()]));
            assert!(after.may_open(&after.peerings()[&peering_id(1)]));
        }
    }
}

#[test]
fn a_replaced_network_is_never_taken_for_the_one_that_was_asked_for() {
    let standing = active_history([detected(replaced(Side::Remote)).into()]);
    given(standing.clone())
        .when(Outcome::from(accepted_drift(replaced(Side::Remote))))
        .then_nothing();
    let other = route_missing("rtb-01");
    given(active_history([detected(other.clone()).into()]))
        .when(Outcome::from(accepted_drift(other.clone())))
        .then([accepted_drift(other).into()]);
    assert!(recorded(standing).is_replaced());
}

#[test]
fn the_removal_of_a_peering_goes_on_while_its_network_is_replaced() {
    let standing = active_history([detected(replaced(Side::Local)).into()]);
    let network = registered(standing.clone());
    let removal = RemovePeering {
        peering_id: peering_id(1),
        reason: reason_given("the network was made again"),
    };
    let context = Context::default();
    let ids = Ids::of(super::COMMAND);
    let state = Network::Registered(network);
    let events = decide(&state, &removal.into(), &context, now(), ids).unwrap();
    assert_eq!(events.len(), 1);
}

#[test]
fn events_from_before_ids_were_recorded_leave_them_unknown() {
    let network = registered(active_history([]));
    let peering = &network.peerings()[&peering_id(1)];
    for side in Side::BOTH {
        assert_eq!(network.immutable_id(peering, side), None);
    }
    let stored = serde_json::to_value(&network).unwrap();
    assert!(stored.get("immutable_id").is_none());
}
