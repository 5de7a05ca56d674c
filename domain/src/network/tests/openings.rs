//! What each command opens, and that what only closes opens nothing, whatever the network is like.

use super::{super::*, matrix::ROWS, now, samples::*};
use crate::{access::Method, side::Side};
use chrono::TimeDelta;
use std::fmt::Write as _;

fn network(events: impl IntoIterator<Item = NetworkEvent>) -> Registered {
    let folded = events.into_iter().fold(Network::default(), |state, event| {
        evolve(state, &event, now())
    });
    match folded {
        Network::Registered(it) => it,
        Network::Unregistered | Network::Retired(_) | Network::Marked(_) => {
            panic!("it is registered")
        }
    }
}

fn admitting(rules: &[InboundRule]) -> Registered {
    network(active_history([restricted(Side::Local, rules)]))
}

fn opens(command: impl Into<NetworkCommand>, network: &Registered) -> Vec<&'static str> {
    let all = openings(&command.into(), network);
    all.into_iter().map(Opening::as_str).collect()
}

fn restrict(
    admit: &[InboundRule],
    expires_at: Option<chrono::DateTime<chrono::Utc>>,
) -> RestrictFirewall {
    RestrictFirewall {
        peering_id: peering_id(1),
        side: Side::Local,
        admit: admit.to_vec(),
        tenure: Tenure {
            owner: None,
            expires_at,
        },
    }
}

#[test]
fn the_table_of_commands_and_what_they_open_is_as_it_was_agreed() {
    let network = admitting(&[clients()]);
    let mut table = String::new();
    for (name, command, _) in ROWS {
        let all = opens(command(), &network);
        let all = if all.is_empty() {
            "-".to_owned()
        } else {
            all.join(" ")
        };
        let _ = writeln!(table, "{name}: {all}");
    }
    crate::golden::same("openings.txt", &table);
}

#[test]
fn a_method_is_known_to_open_all_that_its_command_does_and_no_more() {
    let network = admitting(&[clients()]);
    let mut seen = BTreeMap::<Method, BTreeSet<Opening>>::new();
    for (_, command, _) in ROWS {
        let command = command();
        // These two go to many networks, and a worker's reports are nobody's to call.
        let method = match command.name() {
            "FreezeNetwork" => Ok(Method::FreezeNetworks),
            "ThawNetwork" => Ok(Method::ThawNetworks),
            name => name.parse(),
        };
        let Ok(method) = method else {
            assert!(matches!(command, NetworkCommand::Record(_)), "{command:?}");
            continue;
        };
        let all = openings(&command, &network);
        assert!(all.is_subset(&method.may_open()), "{method}");
        assert!(may_open(&command) || all.is_empty(), "{method}");
        seen.entry(method).or_default().extend(all);
    }
    let never = [
        Method::ThawNetworks,
        Method::LiftQuarantine,
        Method::SetTenure,
    ];
    for method in Method::ALL.iter().filter(|it| !never.contains(it)) {
        let seen = seen.remove(method).unwrap_or_default();
        let needed = [
            Opening::ConnectorIngress,
            Opening::Adoption,
            Opening::NewPeerAccount,
        ];
        for opening in needed {
            assert_eq!(
                seen.contains(&opening),
                method.may_open().contains(&opening),
                "{method}"
            );
        }
    }
}

#[test]
fn a_firewall_that_is_restricted_further_opens_nothing() {
    let wide = rule("10.101.0.0/16", 2113);
    let network = admitting(&[wide]);
    for narrower in [
        vec![],
        vec![wide],
        vec![rule("10.101.4.0/24", 2113)],
        vec![rule("10.101.4.0/24", 2113), rule("10.101.9.0/24", 2113)],
        vec![aimed("10.101.0.0/16", 2113, "10.20.1.0/24")],
    ] {
        assert_eq!(
            opens(restrict(&narrower, None), &network),
            [""; 0],
            "{narrower:?}"
        );
    }
    for wider in [
        vec![rule("10.101.0.0/16", 2114)],
        vec![wide, rule("10.101.4.0/24", 443)],
    ] {
        assert_eq!(
            opens(restrict(&wider, None), &network),
            ["anything"],
            "{wider:?}"
        );
    }
    let network = admitting(&[aimed("10.101.0.0/16", 2113, "10.20.1.0/24")]);
    assert_eq!(opens(restrict(&[wide], None), &network), ["anything"]);
    // The peer's own side admits nothing but what was declared: the command only closes.
    let mut remote = restrict(&[], None);
    remote.side = Side::Remote;
    assert_eq!(opens(remote, &network), [""; 0]);
}

#[test]
fn what_was_to_end_and_is_let_in_for_longer_is_opened() {
    let wide = rule("10.101.0.0/16", 2113);
    let end = now() + TimeDelta::hours(8);
    let until: NetworkEvent = FirewallRestricted {
        peering_id: peering_id(1),
        side: Side::Local,
        admit: vec![wide],
        tenure: Tenure {
            owner: None,
            expires_at: Some(end),
        },
    }
    .into();
    let network = network(active_history([until]));
    let narrower = [rule("10.101.4.0/24", 2113)];
    let sooner = end - TimeDelta::hours(1);
    let later = end + TimeDelta::hours(1);
    assert_eq!(opens(restrict(&narrower, Some(sooner)), &network), [""; 0]);
    assert_eq!(opens(restrict(&narrower, Some(end)), &network), [""; 0]);
    assert_eq!(
        opens(restrict(&narrower, Some(later)), &network),
        ["anything"]
    );
    assert_eq!(opens(restrict(&narrower, None), &network), ["anything"]);
    let set = |expires_at| SetTenure {
        peering_id: peering_id(1),
        rule: Some(wide),
        owner: None,
        expires_at,
    };
    assert_eq!(opens(set(None), &network), [""; 0]);
    assert_eq!(opens(set(Some(Change::To(sooner))), &network), [""; 0]);
    assert_eq!(opens(set(Some(Change::To(later))), &network), ["anything"]);
    assert_eq!(opens(set(Some(Change::None)), &network), ["anything"]);
    // Of the peering itself: it has no end, so any end closes.
    let of_peering = SetTenure {
        rule: None,
        ..set(Some(Change::To(sooner)))
    };
    assert_eq!(opens(of_peering, &network), [""; 0]);
}

#[test]
fn an_account_is_new_until_a_live_peering_is_with_it() {
    let request = |n: u8| RequestPeering {
        peer: peer(n),
        terms: Terms::default(),
        setup: Setup::default(),
    };
    let with_one = network(active_history([]));
    let same = Peer {
        account: peer(1).account,
        ..peer(2)
    };
    let other = Peer {
        account: text("999900001111"),
        ..peer(2)
    };
    let of = |peer: Peer| RequestPeering { peer, ..request(1) };
    assert_eq!(opens(of(same.clone()), &with_one), ["anything"]);
    assert_eq!(
        opens(of(other), &with_one),
        ["new_peer_account", "anything"]
    );
    let ended = network(history([started(1), initiated(), rejected()]));
    assert_eq!(opens(of(same), &ended), ["new_peer_account", "anything"]);
}

#[test]
fn subnets_nodes_and_attachments_open_only_where_something_is_added() {
    let network = admitting(&[]);
    let change = |change| ChangeNetworkSubnets { change };
    let own = network.subnets.clone();
    assert!(!own.is_empty());
    let set = |subnets: Vec<_>| change(SubnetChange::Set { subnets });
    assert_eq!(opens(set(own.clone()), &network), [""; 0]);
    assert_eq!(opens(set(own[..1].to_vec()), &network), [""; 0]);
    assert_eq!(
        opens(set(vec![text("subnet-0ff1")]), &network),
        ["anything"]
    );
    assert_eq!(
        opens(set(vec![]), &network),
        ["anything"],
        "the main route table"
    );
    let add = |subnets| change(SubnetChange::Add { subnets });
    assert_eq!(
        opens(add(vec![text("subnet-0ff1")]), &network),
        ["anything"]
    );
    assert_eq!(opens(add(own.clone()), &network), [""; 0]);
    assert_eq!(
        opens(change(SubnetChange::Drop { subnets: own }), &network),
        [""; 0]
    );
    let mut everywhere = network.clone();
    everywhere.subnets = vec![text("*")];
    assert_eq!(opens(set(vec![text("subnet-0ff1")]), &everywhere), [""; 0]);

    let mut known = network.clone();
    known.nodes = ranges(&["10.20.1.0/24"]);
    let nodes = |written: &[&str]| SetNetworkNodes {
        nodes: ranges(written),
    };
    assert_eq!(opens(nodes(&["10.20.1.8/32"]), &known), [""; 0]);
    assert_eq!(opens(nodes(&[]), &known), [""; 0]);
    assert_eq!(opens(nodes(&["10.20.2.8/32"]), &known), ["anything"]);
    assert_eq!(opens(nodes(&["10.20.1.8/32"]), &network), ["anything"]);

    let mut known = network.clone();
    known.ipv6_ranges = ipv6_ranges(&["fd00:20::/56", "fd00:21::/56"]);
    let has = |written: &[&str]| SetNetworkIpv6Ranges {
        ranges: ipv6_ranges(written),
    };
    assert_eq!(opens(has(&["fd00:21::/56"]), &known), [""; 0]);
    assert_eq!(opens(has(&[]), &known), [""; 0]);
    assert_eq!(opens(has(&["fd00:22::/56"]), &known), ["anything"]);

    let attach = |names: &[&str]| AttachFirewall {
        peering_id: peering_id(1),
        side: Side::Local,
        to: to_these(names),
    };
    assert_eq!(opens(attach(&["eni-0a"]), &network), ["anything"]);
    let requested: NetworkEvent = FirewallAttachmentRequested {
        peering_id: peering_id(1),
        side: Side::Local,
        to: to_these(&["eni-0a", "eni-0b"]),
    }
    .into();
    let attached = self::network(active_history([requested]));
    assert_eq!(opens(attach(&["eni-0b"]), &attached), [""; 0]);
    assert_eq!(
        opens(attach(&["eni-0b", "eni-0c"]), &attached),
        ["anything"]
    );

    let replace = |from: &str, to: &str| ReplaceRoute {
        peering_id: peering_id(1),
        side: Side::Local,
        from: range(from),
        to: range(to),
    };
    assert_eq!(
        opens(replace("10.101.0.0/16", "10.101.1.0/24"), &network),
        [""; 0]
    );
    assert_eq!(
        opens(replace("10.101.1.0/24", "10.101.0.0/16"), &network),
        ["anything"]
    );
}

#[test]
fn a_freeze_and_a_quarantine_are_opened_by_their_end_and_by_nothing_else() {
    let why = || text("an incident");
    let mut network = admitting(&[]);
    let freeze = FreezeNetwork {
        reason: why(),
        everywhere: false,
    };
    let thaw = || ThawNetwork { reason: None };
    assert_eq!(opens(freeze, &network), [""; 0]);
    assert_eq!(opens(thaw(), &network), [""; 0]);
    let scope = QuarantineScope::Everything;
    let impose = ImposeQuarantine {
        scope: scope.clone(),
        reason: why(),
        everywhere: false,
    };
    let lift = || LiftQuarantine {
        scope: scope.clone(),
        reason: None,
    };
    assert_eq!(opens(impose, &network), [""; 0]);
    assert_eq!(opens(lift(), &network), [""; 0]);
    let hold = Hold {
        since: now(),
        reason: why(),
        everywhere: false,
    };
    network.frozen = Some(hold.clone());
    network.quarantines.insert(scope.clone(), hold);
    assert_eq!(opens(thaw(), &network), ["anything"]);
    assert_eq!(opens(lift(), &network), ["anything"]);
}
