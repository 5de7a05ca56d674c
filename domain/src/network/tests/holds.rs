//! Holds: a freeze of the network, and quarantines of its peerings.

use super::{super::*, fold, given, now, samples::*};

fn registered_network(events: impl IntoIterator<Item = NetworkEvent>) -> Registered {
    let Network::Registered(network) = fold(events) else {
        panic!("the network is not registered")
    };
    network
}

fn frozen() -> NetworkEvent {
    NetworkFrozen {
        network_id: network_id(),
        reason: reason_given("an incident"),
        everywhere: false,
    }
    .into()
}

fn quarantine(scope: QuarantineScope) -> NetworkEvent {
    QuarantineImposed {
        network_id: network_id(),
        scope,
        reason: reason_given("an incident"),
        everywhere: false,
    }
    .into()
}

fn lifted(scope: QuarantineScope) -> NetworkEvent {
    QuarantineLifted {
        network_id: network_id(),
        scope,
        reason: None,
    }
    .into()
}

fn account(n: u8) -> QuarantineScope {
    QuarantineScope::PeerAccount {
        account: peer(n).account,
    }
}

#[test]
fn a_freeze_is_on_record_once_and_until_it_is_thawed() {
    let freeze = || FreezeNetwork {
        reason: reason_given("an incident"),
        everywhere: false,
    };
    given([registered()]).when(freeze()).then([frozen()]);
    given([registered(), frozen()])
        .when(freeze())
        .then_nothing();
    let network = registered_network([registered(), frozen()]);
    assert_eq!(
        network.frozen,
        Some(Hold {
            since: now(),
            reason: reason_given("an incident"),
            everywhere: false
        })
    );
    let thawed: NetworkEvent = NetworkThawed {
        network_id: network_id(),
        reason: None,
    }
    .into();
    given([registered(), frozen()])
        .when(ThawNetwork { reason: None })
        .then([thawed.clone()]);
    assert!(!registered_network([registered(), frozen(), thawed]).is_frozen());
}

#[test]
fn a_quarantine_closes_the_peerings_in_its_scope_and_those_that_come_later_and_no_others() {
    let network = registered_network([
        registered(),
        requested(1),
        quarantine(account(2)),
        requested(2),
    ]);
    let is_closed = |n| network.is_quarantined(&network.peerings()[&peering_id(n)]);
    assert_eq!((is_closed(1), is_closed(2)), (false, true));
    let by_network = QuarantineScope::PeerNetwork {
        cloud_network: peer(1).cloud_network,
    };
    assert!(by_network.covers(&peer(1)) && !by_network.covers(&peer(2)));
    assert!(QuarantineScope::Everything.covers(&peer(7)));
}

#[test]
fn a_quarantine_covers_a_tenant_and_a_vnet_however_they_are_written_and_is_lifted_so() {
    const TENANT: &str = "8e9b2f0a-3f4d-4d2a-9f0e-5b8a4a0c1d2e";
    const VNET: &str =
        "/subscriptions/a/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n";
    let mut of_azure = peer(1);
    of_azure.account = text(TENANT);
    of_azure.cloud_network = text(VNET);
    let of_account = |account: &str| QuarantineScope::PeerAccount {
        account: text(account),
    };
    let of_network = |network: &str| QuarantineScope::PeerNetwork {
        cloud_network: text(network),
    };
    let capitals = |text: &str| text.to_ascii_uppercase();
    for (as_written, otherwise, another) in [
        (
            of_account(TENANT),
            of_account(&capitals(TENANT)),
            of_account("8e9b2f0a-3f4d-4d2a-9f0e-5b8a4a0c1d2f"),
        ),
        (
            of_network(VNET),
            of_network(&capitals(VNET)),
            of_network(&format!("{VNET}2")),
        ),
    ] {
        assert!(as_written.covers(&of_azure) && otherwise.covers(&of_azure));
        assert!(!another.covers(&of_azure));
        let state = [registered(), quarantine(as_written.clone())];
        let lift = |scope| LiftQuarantine {
            scope,
            reason: None,
        };
        let lifted = QuarantineLifted {
            network_id: network_id(),
            scope: as_written,
            reason: None,
        };
        let held = registered_network(state.clone());
        assert!(!openings(&lift(otherwise.clone()).into(), &held).is_empty());
        given(state.clone())
            .when(lift(otherwise))
            .then([lifted.into()]);
        given(state).when(lift(another)).then_nothing();
    }
    assert!(!of_account("111122223333").is_same(&of_account("111122223334")));
    assert!(
        !of_network("vpc-0a").is_same(&of_network("VPC-0A")),
        "an AWS id has one form"
    );
}

#[test]
fn a_peering_is_closed_until_the_last_quarantine_that_covers_it_is_lifted() {
    let both = [
        registered(),
        requested(1),
        quarantine(account(1)),
        quarantine(QuarantineScope::Everything),
    ];
    let one = both.clone().into_iter().chain([lifted(account(1))]);
    let network = registered_network(one.clone());
    let peering = &network.peerings()[&peering_id(1)];
    assert!(network.is_quarantined(peering) && !network.may_open(peering));
    let none = registered_network(one.chain([lifted(QuarantineScope::Everything)]));
    assert!(none.may_open(&none.peerings()[&peering_id(1)]));
}

#[test]
fn a_quarantine_is_imposed_once_and_lifted_by_the_scope_that_it_was_imposed_by() {
    let impose = |scope| ImposeQuarantine {
        scope,
        reason: reason_given("an incident"),
        everywhere: false,
    };
    let lift = |scope| LiftQuarantine {
        scope,
        reason: None,
    };
    given([registered()])
        .when(impose(account(1)))
        .then([quarantine(account(1))]);
    given([registered(), quarantine(account(1))])
        .when(impose(account(1)))
        .then_nothing();
    given([registered(), quarantine(account(1))])
        .when(lift(account(1)))
        .then([lifted(account(1))]);
    given([registered(), quarantine(account(1))])
        .when(lift(QuarantineScope::Everything))
        .then_nothing();
}

#[test]
fn a_hold_of_one_network_becomes_one_of_all_and_never_the_other_way_round() {
    let freeze = |everywhere| FreezeNetwork {
        reason: reason_given("a worse incident"),
        everywhere,
    };
    let of_all: NetworkEvent = NetworkFrozen {
        network_id: network_id(),
        reason: reason_given("a worse incident"),
        everywhere: true,
    }
    .into();
    given([registered(), frozen()])
        .when(freeze(true))
        .then([of_all.clone()]);
    for everywhere in [false, true] {
        given([registered(), of_all.clone()])
            .when(freeze(everywhere))
            .then_nothing();
    }
    let network = registered_network([registered(), frozen(), of_all.clone()]);
    let held = network.frozen.unwrap();
    assert!(held.everywhere);
    assert_eq!(
        held.reason,
        reason_given("an incident"),
        "since it was first"
    );
    let network = registered_network([registered(), of_all, frozen()]);
    assert!(network.frozen.unwrap().everywhere);

    let impose = |everywhere| ImposeQuarantine {
        scope: account(1),
        reason: reason_given("an incident"),
        everywhere,
    };
    let imposed = |everywhere| -> NetworkEvent {
        QuarantineImposed {
            network_id: network_id(),
            scope: account(1),
            reason: reason_given("an incident"),
            everywhere,
        }
        .into()
    };
    given([registered(), imposed(false)])
        .when(impose(true))
        .then([imposed(true)]);
    given([registered(), imposed(true)])
        .when(impose(false))
        .then_nothing();
    let network = registered_network([registered(), imposed(false), imposed(true)]);
    assert!(network.quarantines[&account(1)].everywhere);
    // One that becomes everywhere is no further one.
    let full = (0..249_u32).map(|n| {
        quarantine(QuarantineScope::PeerNetwork {
            cloud_network: text(&format!("vpc-{n:017x}")),
        })
    });
    given([registered(), imposed(false)].into_iter().chain(full))
        .when(impose(true))
        .then([imposed(true)]);
}

#[test]
fn quarantines_are_bounded() {
    let imposed = (0..250_u32).map(|n| {
        quarantine(QuarantineScope::PeerNetwork {
            cloud_network: text(&format!("vpc-{n:017x}")),
        })
    });
    given(std::iter::once(registered()).chain(imposed))
        .when(ImposeQuarantine {
            scope: QuarantineScope::Everything,
            reason: reason_given("an incident"),
            everywhere: false,
        })
        .then_refused(Refusal::TooManyQuarantines { most: 250 });
}

#[test]
fn a_policy_that_requires_a_ticket_holds_up_no_freeze_and_no_quarantine_but_their_end() {
    let ticket = Some(Requirement {
        required: true,
        pattern: None,
    });
    let policy = policy_set(Policy {
        ticket,
        ..Policy::default()
    });
    let history = [registered(), policy, frozen()];
    given(history.clone())
        .when(ImposeQuarantine {
            scope: account(1),
            reason: reason_given("an incident"),
            everywhere: false,
        })
        .then([quarantine(account(1))]);
    given(history)
        .when(ThawNetwork { reason: None })
        .then_refused(Refusal::TicketRequired);
}

#[test]
fn a_network_from_before_there_were_holds_reads_as_one_without() {
    let network = registered_network([registered()]);
    let stored = serde_json::to_value(&network).unwrap();
    assert!(stored.get("frozen").is_none() && stored.get("quarantines").is_none());
    assert_eq!(
        serde_json::from_value::<Registered>(stored).unwrap(),
        network
    );
}
