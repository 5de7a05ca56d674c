//! Subnets of both ends, changed while links stand.

use super::{super::*, fold, given, samples::*};
use crate::{side::Side, text::Subnet};

fn subnets(names: &[&str]) -> Vec<Subnet> {
    names.iter().map(|it| text(it)).collect()
}

fn change(how: SubnetChange) -> ChangeNetworkSubnets {
    ChangeNetworkSubnets { change: how }
}

fn of_the_peer(how: SubnetChange) -> ChangePeerSubnets {
    ChangePeerSubnets {
        peering_id: peering_id(1),
        change: how,
    }
}

fn add(names: &[&str]) -> SubnetChange {
    SubnetChange::Add {
        subnets: subnets(names),
    }
}

fn drop(names: &[&str]) -> SubnetChange {
    SubnetChange::Drop {
        subnets: subnets(names),
    }
}

fn set(names: &[&str]) -> SubnetChange {
    SubnetChange::Set {
        subnets: subnets(names),
    }
}

fn changed(names: &[&str]) -> NetworkEvent {
    NetworkSubnetsChanged {
        network_id: network_id(),
        subnets: subnets(names),
    }
    .into()
}

fn of_the_peer_changed(names: &[&str]) -> NetworkEvent {
    PeerSubnetsChanged {
        peering_id: peering_id(1),
        subnets: subnets(names),
    }
    .into()
}

#[test]
fn subnets_are_added_and_dropped_one_by_one_at_either_end() {
    let events = || {
        active_history([
            changed(&["subnet-0aa1"]),
            of_the_peer_changed(&["subnet-9"]),
        ])
    };
    given(events())
        .when(change(add(&["subnet-0bb2", "subnet-0aa1"])))
        .then([changed(&["subnet-0aa1", "subnet-0bb2"])]);
    given(events())
        .when(of_the_peer(add(&["subnet-8"])))
        .then([of_the_peer_changed(&["subnet-9", "subnet-8"])]);
    let both = || active_history([changed(&["subnet-0aa1", "subnet-0bb2"])]);
    given(both())
        .when(change(drop(&["subnet-0aa1"])))
        .then([changed(&["subnet-0bb2"])]);
}

#[test]
fn all_subnets_are_one_word_that_stands_alone() {
    given(active_history([]))
        .when(of_the_peer(set(&["*"])))
        .then([of_the_peer_changed(&["*"])]);
    given(active_history([of_the_peer_changed(&["*"])]))
        .when(of_the_peer(add(&["subnet-9"])))
        .then_nothing();
    for wrong in [&["*", "subnet-9"][..], &["subnet-*"], &["subnet-9", "*"]] {
        let refusal = given(active_history([]))
            .when(of_the_peer(set(wrong)))
            .0
            .unwrap_err();
        assert_eq!(super::reason(&refusal), "SUBNETS_AMBIGUOUS", "{wrong:?}");
    }
}

#[test]
fn a_drop_never_opens_the_main_table_and_names_what_was_chosen() {
    let events = || active_history([of_the_peer_changed(&["subnet-9"])]);
    given(events())
        .when(of_the_peer(drop(&["subnet-9"])))
        .then_refused(Refusal::SubnetsMissing);
    given(events())
        .when(of_the_peer(drop(&["subnet-8"])))
        .then_refused(Refusal::SubnetNotChosen {
            subnet: "subnet-8".to_owned(),
        });
    given(events())
        .when(of_the_peer(set(&[])))
        .then([of_the_peer_changed(&[])]);
}

#[test]
fn at_most_32_subnets_are_chosen() {
    let many: Vec<String> = (0..33).map(|n| format!("subnet-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    given(active_history([]))
        .when(change(set(&many)))
        .then_refused(Refusal::TooManyRanges {
            given: 33,
            most: 32,
        });
}

#[test]
fn routes_are_to_move_until_they_are_seen_where_they_belong() {
    let in_place = |side, table: &str, to: &str| -> [NetworkEvent; 2] {
        let enforced = routes_enforced(side, &[table], &[to]);
        [route_accepted(side, to), enforced.into()]
    };
    let to_the_network = in_place(Side::Remote, "rtb-02", "10.20.0.0/16");
    let to_the_peer = in_place(Side::Local, "rtb-01", "10.101.0.0/16");
    let moves = |then: &[NetworkEvent]| {
        let before = to_the_peer.iter().chain(&to_the_network).chain(then);
        let Network::Registered(network) = fold(active_history(before.cloned())) else {
            panic!("a network");
        };
        let peering = &network.peerings()[&peering_id(1)];
        Side::BOTH.map(|side| network.tables_moved(peering, side))
    };
    assert_eq!(moves(&[]), [false, false]);
    assert_eq!(moves(&[changed(&["*"])]), [true, false]);
    let chosen = of_the_peer_changed(&["subnet-9"]);
    assert_eq!(moves(std::slice::from_ref(&chosen)), [false, true]);
    let seen = routes_enforced(Side::Remote, &["rtb-03"], &["10.20.0.0/16"]);
    assert_eq!(moves(&[chosen, seen.into()]), [false, false]);
}
