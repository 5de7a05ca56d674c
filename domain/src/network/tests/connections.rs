//! What is decided of every connection of a network, whatever its kind.

use super::{super::*, fold, given, now, samples::*};
use crate::claim::Claimed;

/// A network with a connection of the one kind that there is.
fn joined(then: impl IntoIterator<Item = NetworkEvent>) -> Registered {
    let Network::Registered(network) = fold(history(then)) else {
        panic!("the network is not registered")
    };
    network
}

/// Its only live connection.
fn only(network: &Registered) -> Connection<'_> {
    let mut live = network.connections.live();
    let only = live.next().expect("a live connection");
    assert_eq!(live.next(), None);
    only
}

fn request(n: u8) -> RequestPeering {
    RequestPeering {
        peer: peer(n),
        terms: Terms::default(),
        setup: Setup::default(),
    }
}

#[test]
fn a_network_is_retired_only_when_none_of_its_connections_is_live() {
    let retire = || RetireNetwork {
        reason: reason_given("moved"),
    };
    let refused = Refusal::NetworkInUse {
        network_id: network_id(),
        live: joined([]).connections.live().count(),
    };
    given(history([])).when(retire()).then_refused(refused);
    let over = history([failed(None).into()]);
    let Network::Registered(network) = fold(over.clone()) else {
        panic!("the network is not registered")
    };
    assert_eq!(network.connections.live().count(), 0);
    let retired: NetworkEvent = NetworkRetired {
        network_id: network_id(),
        reason: reason_given("moved"),
    }
    .into();
    given(over).when(retire()).then([retired]);
}

#[test]
fn a_connection_takes_links_of_the_quota_while_it_lives_and_no_longer() {
    let live = joined([]);
    assert_eq!(only(&live).links_taken(), 1);
    assert_eq!(live.connections.links_taken(), 1);
    let over = joined([failed(None).into()]);
    assert_eq!(over.connections.links_taken(), 0);
}

#[test]
fn a_network_that_a_connection_leads_to_is_neither_asked_for_again_nor_adopted() {
    let refused = || Refusal::PeerAlreadyLinked {
        peering_id: peering_id(1),
        life: "requested",
    };
    given(history([])).when(request(1)).then_refused(refused());
    let adopt = AdoptPeering {
        peer: peer(1),
        link: other_link(),
        consent: Consent::Delegated,
        tenure: Tenure::default(),
    };
    given(history([])).when(adopt).then_refused(refused());
}

#[test]
fn what_another_network_has_joined_from_its_end_is_claimed_by_its_connection() {
    let (own, far) = (register(), peer(1));
    let own = Peer {
        account: own.account,
        cloud_network: own.cloud_network,
        ..peer_with(1, &["10.20.0.0/16"])
    };
    let command = RegisterNetwork {
        account: far.account,
        cloud_network: far.cloud_network,
        ..register()
    };
    let id = NetworkId(uuid::Uuid::from_u128(0x99));
    let Network::Registered(other) = fold([registered_as(command, id), requested_of(1, own)])
    else {
        panic!("the network is not registered")
    };
    let Network::Registered(network) = fold([registered()]) else {
        panic!("the network is not registered")
    };
    let claims = claims(&network, &request(1).into(), [&other]);
    let claimed: Vec<_> = claims.iter().map(|it| (it.network_id, &it.what)).collect();
    let life = Claimed::Ends { life: "requested" };
    assert_eq!(claimed, [(id, &life)]);
}

#[test]
fn a_freeze_and_a_quarantine_hold_every_connection() {
    let free = joined([]);
    assert!(free.may_open(only(&free)));
    let frozen = NetworkFrozen {
        network_id: network_id(),
        reason: reason_given("an incident"),
        everywhere: false,
    };
    let frozen = joined([frozen.into()]);
    assert!(!frozen.may_open(only(&frozen)) && !frozen.is_quarantined(only(&frozen)));
    let scopes = [
        QuarantineScope::Everything,
        QuarantineScope::PeerAccount {
            account: peer(1).account,
        },
        QuarantineScope::PeerNetwork {
            cloud_network: peer(1).cloud_network,
        },
    ];
    for scope in scopes {
        let imposed = QuarantineImposed {
            network_id: network_id(),
            scope,
            reason: reason_given("an incident"),
            everywhere: false,
        };
        let closed = joined([imposed.into()]);
        assert!(closed.is_quarantined(only(&closed)) && !closed.may_open(only(&closed)));
    }
}

#[test]
fn an_account_is_known_by_any_live_connection_with_it() {
    let asks = |network: &Registered| openings(&request(1).into(), network);
    let new = |all: BTreeSet<Opening>| all.contains(&Opening::NewPeerAccount);
    assert!(!new(asks(&joined([]))));
    assert!(new(asks(&joined([failed(None).into()]))));
}

#[test]
fn connections_that_are_over_are_folded_together_and_what_they_were_is_still_known() {
    let mut network = fold(history([failed(None).into()]));
    network.fold_ended();
    let Network::Registered(network) = network else {
        panic!("the network is not registered")
    };
    assert_eq!(network.connections.live().count(), 0);
    assert!(network.peerings().is_empty());
    assert!(network.ended_peerings().contains_key(&peering_id(1)));
}

#[test]
fn a_snapshot_keeps_the_connections_of_each_kind_under_its_name() {
    let network = joined([]);
    let stored = serde_json::to_value(&network).unwrap();
    let kinds: Vec<_> = stored["connections"].as_object().unwrap().keys().collect();
    assert_eq!(kinds, ["peerings"]);
    let ids: Vec<_> = stored["connections"]["peerings"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(ids, [&peering_id(1).to_string()]);
    let read: Registered = serde_json::from_value(stored).unwrap();
    assert_eq!(read, network);
}

#[test]
fn a_copy_of_a_network_shares_the_connections_that_neither_changes() {
    let network = joined([requested(2)]);
    let changed = evolve(
        Network::Registered(network.clone()),
        &failed(None).into(),
        now(),
    );
    let Network::Registered(changed) = changed else {
        panic!("the network is not registered")
    };
    let is_shared = |n| {
        std::ptr::eq(
            &network.peerings()[&peering_id(n)],
            &changed.peerings()[&peering_id(n)],
        )
    };
    assert_eq!((is_shared(1), is_shared(2)), (false, true));
}
