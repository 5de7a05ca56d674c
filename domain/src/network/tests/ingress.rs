//! Connector ingress: what the private network may reach behind a peer, one target and port at a
//! time.

use super::{super::*, COMMAND, given, now, recorded, samples::*};
use crate::side::Side;
use chrono::{DateTime, TimeDelta, Utc};

fn allow(target: &str, port: u16, expires_at: Option<DateTime<Utc>>) -> AllowConnectorIngress {
    let reason = reason_given("the orders webhook");
    AllowConnectorIngress {
        peering_id: peering_id(1),
        target: range(target),
        port,
        reason,
        expires_at,
        from: Some(these(&["10.20.0.0/16"])),
        no_expiry: expires_at.is_none(),
    }
}

/// The ingress that the command under test opens.
fn opened(target: &str, port: u16, expires_at: Option<DateTime<Utc>>) -> ConnectorIngressAllowed {
    let ingress_id = Ids::of(COMMAND).ingress(peering_id(1));
    ConnectorIngressAllowed {
        ingress_id,
        expires_at,
        ..ingress_allowed(0, target, port)
    }
}

fn revoke(n: u128) -> RevokeConnectorIngress {
    RevokeConnectorIngress {
        peering_id: peering_id(1),
        ingress_id: ingress_id(n),
    }
}

fn over(n: u128) -> Outcome {
    ingress_revoked(n, IngressEnd::Expired).into()
}

/// Ingress `n`, with an end this many hours on.
fn ending(n: u128, hours: i64) -> NetworkEvent {
    ConnectorIngressAllowed {
        expires_at: Some(hours_on(hours)),
        ..ingress_allowed(n, "10.101.8.0/24", 443)
    }
    .into()
}

#[test]
fn an_ingress_opens_one_target_and_port_for_the_source_that_it_names_and_keeps_its_reason() {
    given(active_history([]))
        .when(allow("10.101.8.0/24", 443, None))
        .then([opened("10.101.8.0/24", 443, None).into()]);
    let end = Some(hours_on(8));
    given(history([]))
        .when(allow("10.101.8.0/24", 443, end))
        .then([opened("10.101.8.0/24", 443, end).into()]);
    let peering = recorded(active_history([opened("10.101.8.0/24", 443, end).into()]));
    let ingress = &peering.ingress[&Ids::of(COMMAND).ingress(peering_id(1))];
    assert_eq!(
        (ingress.reason.as_str(), ingress.rule, ingress.expires_at),
        ("the orders webhook", rule("10.20.0.0/16", 443), end)
    );
}

#[test]
fn the_remote_side_admits_exactly_the_open_ingresses_and_the_local_side_none_of_them() {
    let open = [
        ingress_allowed(1, "10.101.8.0/24", 443),
        ingress_allowed(2, "10.101.9.0/24", 8443),
    ]
    .map(NetworkEvent::from);
    let before = active_history(open);
    let admitted = |events: &[NetworkEvent]| {
        recorded(before.iter().chain(events).cloned())
            .firewall
            .remote
            .admit
    };
    assert_eq!(
        admitted(&[]),
        [rule("10.20.0.0/16", 443), rule("10.20.0.0/16", 8443)].into()
    );
    assert_eq!(
        admitted(&[ingress_revoked(1, IngressEnd::Revoked).into()]),
        [rule("10.20.0.0/16", 8443)].into()
    );
    assert_eq!(
        admitted(&[restricted(Side::Remote, &[])]),
        [rule("10.20.0.0/16", 443), rule("10.20.0.0/16", 8443)].into()
    );
    assert!(recorded(before).firewall.local.admit.is_empty());
}

#[test]
fn a_port_that_two_targets_share_stays_open_until_both_are_closed() {
    let open = [
        ingress_allowed(1, "10.101.8.0/24", 443),
        ingress_allowed(2, "10.101.9.0/24", 443),
    ]
    .map(NetworkEvent::from);
    let closed = |n| NetworkEvent::from(ingress_revoked(n, IngressEnd::Revoked));
    let one_left = recorded(active_history(open.clone().into_iter().chain([closed(1)])));
    assert_eq!(
        one_left.firewall.remote.admit,
        [rule("10.20.0.0/16", 443)].into()
    );
    assert!(
        recorded(active_history(
            open.into_iter().chain([closed(1), closed(2)])
        ))
        .firewall
        .remote
        .admit
        .is_empty()
    );
}

#[test]
fn a_new_ingress_makes_the_remote_firewall_one_for_another_posture() {
    let settled = active_history([enforced(Side::Remote, "sg-02", &[]).into()]);
    assert!(recorded(settled.clone()).firewall.remote.is_enforced());
    let opened = settled
        .into_iter()
        .chain([ingress_allowed(1, "10.101.8.0/24", 443).into()]);
    assert!(!recorded(opened).firewall.remote.is_enforced());
}

#[test]
fn a_target_that_is_not_the_peers_is_refused() {
    for target in ["10.102.0.0/16", "10.100.0.0/15", "10.20.0.0/16"] {
        let refusal = Refusal::IngressTargetOutsidePeer {
            target: range(target),
            ranges: ranges(&["10.101.0.0/16"]),
        };
        given(active_history([]))
            .when(allow(target, 443, None))
            .then_refused(refusal);
    }
}

#[test]
fn an_ingress_needs_a_port_and_an_end_that_is_to_come() {
    given(active_history([]))
        .when(allow("10.101.8.0/24", 0, None))
        .then_refused(Refusal::PortZero);
    for expires_at in [now(), now() - TimeDelta::seconds(1)] {
        let refusal = Refusal::ExpiryPassed { expires_at };
        given(active_history([]))
            .when(allow("10.101.8.0/24", 443, Some(expires_at)))
            .then_refused(refusal);
    }
}

#[test]
fn the_same_target_and_port_are_opened_once() {
    let events = active_history([ingress_allowed(1, "10.101.8.0/24", 443).into()]);
    let refusal = Refusal::IngressAlreadyAllowed {
        ingress_id: ingress_id(1),
    };
    given(events.clone())
        .when(allow("10.101.8.0/24", 443, None))
        .then_refused(refusal);
    given(events)
        .when(allow("10.101.8.0/24", 8443, None))
        .then([opened("10.101.8.0/24", 8443, None).into()]);
}

/// The same command, with a source and what is said of its end.
fn from(source: IngressSource, allow: AllowConnectorIngress) -> AllowConnectorIngress {
    AllowConnectorIngress {
        from: Some(source),
        no_expiry: allow.expires_at.is_none(),
        ..allow
    }
}

fn these(written: &[&str]) -> IngressSource {
    IngressSource::Ranges(ranges(written))
}

fn nodes_are(written: &[&str]) -> NetworkEvent {
    NetworkNodesSet {
        network_id: network_id(),
        nodes: ranges(written),
    }
    .into()
}

#[test]
fn where_rules_are_not_aimed_a_port_has_one_target_for_each_source() {
    let events = active_history([ingress_allowed(1, "10.101.8.0/24", 443).into()]);
    let not_apart = Refusal::IngressNotApart(IngressNotApart {
        ingress_id: ingress_id(1),
        target: range("10.101.8.0/24"),
        port: 443,
    });
    for target in ["10.101.9.0/24", "10.101.8.0/25", "10.101.0.0/16"] {
        given(events.clone())
            .when(allow(target, 443, None))
            .then_refused(not_apart.clone());
        given(events.clone())
            .when(from(these(&["10.20.1.0/24"]), allow(target, 443, None)))
            .then_refused(not_apart.clone());
    }
    let narrow = ConnectorIngressAllowed {
        rule: rule("10.20.1.0/24", 443),
        ..ingress_allowed(1, "10.101.8.0/24", 443)
    };
    given(active_history([narrow.into()]))
        .when(from(
            these(&["10.20.2.0/24"]),
            allow("10.101.9.0/24", 443, None),
        ))
        .then([ConnectorIngressAllowed {
            rule: rule("10.20.2.0/24", 443),
            ..opened("10.101.9.0/24", 443, None)
        }
        .into()]);
}

#[test]
fn an_ingress_that_is_over_does_not_stand_in_the_way_of_another_target() {
    given(active_history([ending(1, 0)]))
        .when(allow("10.101.9.0/24", 443, None))
        .then([opened("10.101.9.0/24", 443, None).into()]);
}

#[test]
fn where_rules_are_aimed_two_targets_on_one_port_are_opened_and_closed_each_by_itself() {
    use crate::place::Provider;
    for provider in [Provider::Gcp, Provider::Azure] {
        let mut state = Network::default();
        for event in active_history([]) {
            state = evolve(state, &event, now());
        }
        if let Network::Registered(network) = &mut state {
            network.provider = provider;
        }
        let mut ids = Vec::new();
        for (n, target) in [(7, "10.101.8.0/24"), (8, "10.101.9.0/24")] {
            let command = allow(target, 443, None).into();
            let of = Ids::of(crate::ids::CommandId(uuid::Uuid::from_u128(n)));
            ids.push(of.ingress(peering_id(1)));
            let context = crate::actor::Context::default();
            let events = decide(&state, &command, &context, now(), of).expect("it is opened");
            for event in events {
                state = evolve(state, &event, now());
            }
        }
        let admitted = |state: &Network| match state {
            Network::Registered(network) => network.peerings()[&peering_id(1)]
                .firewall
                .remote
                .admit
                .clone(),
            Network::Unregistered | Network::Retired(_) | Network::Marked(_) => unreachable!(),
        };
        let (one, other) = (
            aimed("10.20.0.0/16", 443, "10.101.8.0/24"),
            aimed("10.20.0.0/16", 443, "10.101.9.0/24"),
        );
        assert_eq!(admitted(&state), [one, other].into());
        let closed = ConnectorIngressRevoked {
            ingress_id: ids[0],
            ..ingress_revoked(1, IngressEnd::Revoked)
        };
        let state = evolve(state, &closed.into(), now());
        assert_eq!(admitted(&state), [other].into(), "{provider}");
    }
}

#[test]
fn what_keeps_an_ingress_open_is_named() {
    let narrow = ConnectorIngressAllowed {
        rule: rule("10.20.1.0/24", 443),
        ..ingress_allowed(2, "10.101.9.0/24", 443)
    };
    let peering = recorded(active_history([
        ingress_allowed(1, "10.101.8.0/24", 443).into(),
        narrow.into(),
        ingress_allowed(3, "10.101.8.0/24", 8443).into(),
    ]));
    let kept_open_by = |n| peering.kept_open_by(ingress_id(n));
    assert_eq!(kept_open_by(1), [ingress_id(2)]);
    assert_eq!(kept_open_by(2), [ingress_id(1)]);
    assert!(kept_open_by(3).is_empty());
}

#[test]
fn an_ingress_is_open_from_where_it_says_and_from_nowhere_else() {
    let opened = ConnectorIngressAllowed {
        rule: rule("10.20.1.0/24", 443),
        also: vec![rule("10.20.2.7/32", 443)],
        ..opened("10.101.8.0/24", 443, None)
    };
    let source = these(&["10.20.2.7/32", "10.20.1.0/24", "10.20.2.7/32"]);
    given(active_history([]))
        .when(from(source, allow("10.101.8.0/24", 443, None)))
        .then([opened.clone().into()]);
    let peering = recorded(active_history([opened.clone().into()]));
    assert_eq!(
        peering.firewall.remote.admit,
        [rule("10.20.1.0/24", 443), rule("10.20.2.7/32", 443)].into()
    );
    let at_the_nodes = from(IngressSource::Nodes, allow("10.101.8.0/24", 443, None));
    given(active_history([nodes_are(&[
        "10.20.1.0/24",
        "10.20.2.7/32",
    ])]))
    .when(at_the_nodes.clone())
    .then([opened.into()]);
    given(active_history([]))
        .when(at_the_nodes)
        .then_refused(Refusal::NodesNotOnRecord);
    for written in ["10.20.0.0/15", "10.101.0.0/16"] {
        given(active_history([]))
            .when(from(these(&[written]), allow("10.101.8.0/24", 443, None)))
            .then_refused(Refusal::SourceOutsideNetwork(SourceOutsideNetwork {
                from: range(written),
                network: range("10.20.0.0/16"),
            }));
    }
}

/// What callers of before there was a choice send.
fn without_a_source(expires_at: Option<DateTime<Utc>>) -> AllowConnectorIngress {
    AllowConnectorIngress {
        from: None,
        no_expiry: false,
        ..allow("10.101.8.0/24", 443, expires_at)
    }
}

#[test]
fn a_command_that_names_no_source_means_the_nodes_and_has_an_end() {
    let end = Some(hours_on(1));
    given(active_history([]))
        .when(without_a_source(end))
        .then_refused(Refusal::NodesNotOnRecord);
    let nodes = || active_history([nodes_are(&["10.20.1.0/24"])]);
    given(nodes())
        .when(without_a_source(end))
        .then([ConnectorIngressAllowed {
            rule: rule("10.20.1.0/24", 443),
            ..opened("10.101.8.0/24", 443, end)
        }
        .into()]);
    given(nodes())
        .when(without_a_source(None))
        .then_refused(Refusal::IngressEndUnclear);
}

#[test]
fn an_ingress_has_an_end_or_is_said_to_have_none() {
    let command = |expires_at, no_expiry| AllowConnectorIngress {
        no_expiry,
        ..from(
            these(&["10.20.1.0/24"]),
            allow("10.101.8.0/24", 443, expires_at),
        )
    };
    for unclear in [command(None, false), command(Some(hours_on(1)), true)] {
        given(active_history([]))
            .when(unclear)
            .then_refused(Refusal::IngressEndUnclear);
    }
    for clear in [command(None, true), command(Some(hours_on(1)), false)] {
        let expires_at = clear.expires_at;
        given(active_history([]))
            .when(clear)
            .then([ConnectorIngressAllowed {
                rule: rule("10.20.1.0/24", 443),
                ..opened("10.101.8.0/24", 443, expires_at)
            }
            .into()]);
    }
}

#[test]
fn a_wider_source_is_opened_beside_a_narrower_one_and_a_narrower_one_is_open_already() {
    let narrow = ConnectorIngressAllowed {
        rule: rule("10.20.1.0/24", 443),
        ..ingress_allowed(1, "10.101.8.0/24", 443)
    };
    given(active_history([narrow.clone().into()]))
        .when(allow("10.101.8.0/24", 443, None))
        .then([opened("10.101.8.0/24", 443, None).into()]);
    given(active_history([narrow.into()]))
        .when(from(
            these(&["10.20.1.128/25"]),
            allow("10.101.8.0/24", 443, None),
        ))
        .then_refused(Refusal::IngressAlreadyAllowed {
            ingress_id: ingress_id(1),
        });
}

#[test]
fn an_ingress_is_open_already_if_each_of_its_sources_is_by_any_rule_of_the_open_one() {
    let target = "10.101.8.0/24";
    let open = ConnectorIngressAllowed {
        rule: rule("10.20.1.0/24", 443),
        also: vec![rule("10.20.2.0/24", 443)],
        ..ingress_allowed(1, target, 443)
    };
    let history = || active_history([open.clone().into()]);
    for source in ["10.20.1.7/32", "10.20.2.7/32"] {
        given(history())
            .when(from(these(&[source]), allow(target, 443, None)))
            .then_refused(Refusal::IngressAlreadyAllowed {
                ingress_id: ingress_id(1),
            });
    }
    let half = these(&["10.20.2.0/25", "10.20.3.0/24"]);
    let opened = ConnectorIngressAllowed {
        rule: rule("10.20.2.0/25", 443),
        also: vec![rule("10.20.3.0/24", 443)],
        ..opened(target, 443, None)
    };
    given(history())
        .when(from(half, allow(target, 443, None)))
        .then([opened.into()]);
}

#[test]
fn rules_are_counted_and_not_ingresses() {
    let open = (1..=30u16).map(|n| {
        let port = 1000 + n;
        ConnectorIngressAllowed {
            rule: rule("10.20.1.0/24", port),
            also: vec![rule("10.20.2.0/24", port)],
            ..ingress_allowed(n.into(), "10.101.8.0/24", port)
        }
        .into()
    });
    given(active_history(open))
        .when(allow("10.101.8.0/24", 443, None))
        .then_refused(Refusal::TooManyRules {
            given: 61,
            most: 60,
        });
}

#[test]
fn the_nodes_are_on_record_in_order_and_are_the_networks_own() {
    let set = |written: &[&str]| SetNetworkNodes {
        nodes: ranges(written),
    };
    given(active_history([]))
        .when(set(&["10.20.2.7/32", "10.20.1.0/24", "10.20.1.0/24"]))
        .then([nodes_are(&["10.20.1.0/24", "10.20.2.7/32"])]);
    given(active_history([nodes_are(&["10.20.1.0/24"])]))
        .when(set(&["10.20.1.0/24"]))
        .then_nothing();
    given(active_history([nodes_are(&["10.20.1.0/24"])]))
        .when(set(&[]))
        .then([nodes_are(&[])]);
    given(active_history([]))
        .when(set(&["10.101.1.0/24"]))
        .then_refused(Refusal::SourceOutsideNetwork(SourceOutsideNetwork {
            from: range("10.101.1.0/24"),
            network: range("10.20.0.0/16"),
        }));
    let many: Vec<String> = (0..17).map(|n| format!("10.20.{n}.0/24")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    given(active_history([]))
        .when(set(&many))
        .then_refused(Refusal::TooManyRanges {
            given: 17,
            most: 16,
        });
}

#[test]
fn an_ingress_that_is_over_and_not_yet_closed_makes_room_in_the_same_append() {
    let closed_and_opened = [
        ingress_revoked(1, IngressEnd::Expired).into(),
        opened("10.101.8.0/24", 443, None).into(),
    ];
    given(active_history([ending(1, 0)]))
        .when(allow("10.101.8.0/24", 443, None))
        .then(closed_and_opened);
}

#[test]
fn a_peering_has_at_most_60_ingresses() {
    let open = |count: u16| {
        (1..=count).map(|n| ingress_allowed(n.into(), "10.101.8.0/24", 1000 + n).into())
    };
    given(active_history(open(59)))
        .when(allow("10.101.8.0/24", 443, None))
        .then([opened("10.101.8.0/24", 443, None).into()]);
    let refusal = Refusal::TooManyRules {
        given: 61,
        most: 60,
    };
    given(active_history(open(60)))
        .when(allow("10.101.8.0/24", 443, None))
        .then_refused(refusal);
}

#[test]
fn an_ingress_is_closed_by_name_and_only_an_open_one() {
    let events = active_history([ingress_allowed(1, "10.101.8.0/24", 443).into()]);
    let closed = ingress_revoked(1, IngressEnd::Revoked);
    given(events.clone())
        .when(revoke(1))
        .then([closed.clone().into()]);
    let unknown = |n| Refusal::IngressUnknown {
        peering_id: peering_id(1),
        ingress_id: ingress_id(n),
    };
    given(events.clone())
        .when(revoke(2))
        .then_refused(unknown(2));
    given(events.into_iter().chain([closed.into()]))
        .when(revoke(1))
        .then_refused(unknown(1));
}

#[test]
fn an_ingress_ends_by_itself_when_its_time_is_over_and_not_before() {
    let early = |life| Refusal::OutcomeOutOfOrder {
        peering_id: peering_id(1),
        life,
        outcome: "the end of an ingress before its time",
    };
    given(active_history([ending(1, 0)]))
        .when(over(1))
        .then([ingress_revoked(1, IngressEnd::Expired).into()]);
    given(history([ending(1, -1)]))
        .when(over(1))
        .then([ingress_revoked(1, IngressEnd::Expired).into()]);
    given(active_history([ending(1, 1)]))
        .when(over(1))
        .then_refused(early("active"));
    given(active_history([
        ingress_allowed(1, "10.101.8.0/24", 443).into()
    ]))
    .when(over(1))
    .then_refused(early("active"));
    given(active_history([])).when(over(1)).then_nothing();
}

#[test]
fn a_worker_does_not_revoke_in_somebodys_name() {
    let refusal = Refusal::OutcomeOutOfOrder {
        peering_id: peering_id(1),
        life: "active",
        outcome: "the end of an ingress before its time",
    };
    given(active_history([ending(1, 0)]))
        .when(Outcome::from(ingress_revoked(1, IngressEnd::Revoked)))
        .then_refused(refusal);
}

#[test]
fn a_link_that_is_going_opens_nothing() {
    let refusal = Refusal::PeeringBeingRemoved {
        peering_id: peering_id(1),
    };
    given(active_history([removal_requested()]))
        .when(allow("10.101.8.0/24", 443, None))
        .then_refused(refusal);
}
