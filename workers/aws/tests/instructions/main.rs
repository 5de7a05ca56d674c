//! What owners are told: that it runs, says what is on record, and allows no more than it takes.

#![allow(clippy::unwrap_used)]

mod policies;
#[path = "../../../cloud/tests/support/mod.rs"]
mod support;

use cloud::instructions::Instruction;
use domain::{Side, network::*};
use peerage_aws::{
    ec2::Tags,
    instructions::{for_engine, for_peer},
};
use support::*;

fn told(events: Vec<NetworkEvent>) -> Vec<Instruction> {
    let (network, peering) = state(events);
    for_peer(&network, &peering, &Tags::new())
}

/// A peering whose owner accepts, with something of each kind asked for, and then these events.
fn of_owner(then: impl IntoIterator<Item = NetworkEvent>) -> Vec<NetworkEvent> {
    let asked = [
        route_accepted(Side::Remote, "10.20.0.0/16"),
        ingress_allowed(1, "10.101.8.0/24", 443).into(),
        dns_set(Side::Remote, true),
    ];
    history_on(
        by_owner(),
        asked
            .into_iter()
            .chain([started(1), initiated()])
            .chain(then),
    )
}

#[test]
fn every_script_is_one_that_a_shell_reads_and_every_policy_is_json() {
    let withdrawal = [
        accepted(),
        activated(),
        withdrawn(Side::Remote, "10.20.0.0/16", None),
    ];
    let histories = [
        history([]),
        history([started(1), initiated()]),
        active_history([]),
        adopted_history([dns_set(Side::Remote, true)]),
        history_on(by_owner(), []),
        of_owner([]),
        of_owner([accepted(), activated()]),
        of_owner(withdrawal),
        of_owner([accepted(), activated(), removal_requested()]),
    ];
    for events in histories {
        let (network, peering) = state(events);
        let all: Vec<_> = for_peer(&network, &peering, &Tags::new())
            .into_iter()
            .chain(for_engine(&network, &peering, &Tags::new()))
            .collect();
        assert!(!all.is_empty());
        all.iter().for_each(assert_is_well_formed);
    }
}

#[test]
fn nobody_is_told_to_accept_what_they_have_asked_for_themselves() {
    let seen = |accepter| LinkAccepterSeen {
        peering_id: peering_id(1),
        link: link(),
        accepter,
    };
    let waiting = |then: Option<LinkAccepterSeen>| {
        let NetworkEvent::PeeringAdopted(adopted) = adopted() else {
            panic!("an adoption");
        };
        let by_owner = PeeringAdopted {
            consent: Consent::Owner,
            ..adopted
        };
        let named = dns_set(Side::Remote, true);
        let events = [registered(), by_owner.into(), named];
        told(events.into_iter().chain(then.map(Into::into)).collect())
    };
    let accepts = |all: &[Instruction]| {
        let mut bodies = all.iter().map(|it| &it.body);
        bodies.any(|it| it.contains("accept-vpc-peering-connection"))
    };
    assert!(!accepts(&waiting(None)), "nobody has looked yet");
    let theirs = waiting(Some(seen(Side::Local)));
    assert!(!accepts(&theirs));
    let wait = &titled(&theirs, "Wait until the link is accepted").body;
    assert!(wait.contains("account 111122223333 accepts it"), "{wait}");
    let names = &titled(&theirs, "names resolve").body;
    assert!(
        names.contains("--requester-peering-connection-options"),
        "{names}"
    );
    assert!(accepts(&waiting(Some(seen(Side::Remote)))));
}

#[test]
fn every_subnet_of_a_peer_has_the_route_where_all_are_meant() {
    let all = PeerSubnetsChanged {
        peering_id: peering_id(1),
        subnets: vec![text("*")],
    };
    let instructions = told(of_owner([accepted(), activated(), all.into()]));
    let script = &titled(&instructions, "Send 10.20.0.0/16").body;
    let calls = run(script, &answering("rtb-1\\trtb-2")).unwrap();
    let added: Vec<_> = calls
        .iter()
        .filter(|it| it.contains("create-route"))
        .collect();
    assert_eq!((calls.len(), added.len()), (3, 2), "{calls:#?}");
}

#[test]
fn an_owner_accepts_only_the_request_that_is_on_record() {
    let instructions = told(of_owner([]));
    let script = &titled(&instructions, "accept it").body;
    let shown = |requester: &str| {
        answering(&format!(
            "pending-acceptance\\t{requester}\\tvpc-0a1b2c3d4e5f60718\\teu-west-1\\t10.20.0.0/16\\t444455556601\\tvpc-0f9e8d7c6b5a0001"
        ))
    };
    let calls = run(script, &shown("111122223333")).unwrap();
    assert_eq!(calls.len(), 2, "{calls:#?}");
    assert!(calls[0].starts_with("aws|ec2|describe-vpc-peering-connections|--region|us-east-1|--vpc-peering-connection-ids|pcx-"));
    let accept = "aws|ec2|accept-vpc-peering-connection|--region|us-east-1|--vpc-peering-connection-id|pcx-0123456789abcdef0";
    assert_eq!(calls[1], accept);
    let phished = run(script, &shown("999999999999")).unwrap_err();
    assert!(phished.contains("not the request on record"), "{phished}");
}

#[test]
fn routes_go_into_the_tables_of_the_chosen_subnets_and_into_the_main_one_for_a_subnet_without() {
    let cloud = "aws() { log aws \"$@\"; case \"$*\" in *association.main*) echo rtb-main;; *Values=subnet-chose*) echo rtb-own;; \
                 *describe*) echo None;; esac; }";
    let route = |subnets: &[&str]| {
        let peer = Peer {
            subnets: subnets.iter().map(|it| text(it)).collect(),
            ..peer(1)
        };
        let requested = PeeringRequested {
            peering_id: peering_id(1),
            peer,
            requested_at: hours_on(0),
            terms: by_owner(),
            external_id: None,
        };
        let events = vec![
            registered(),
            requested.into(),
            route_accepted(Side::Remote, "10.20.0.0/16"),
            started(1),
            initiated(),
            accepted(),
        ];
        let calls = run(&titled(&told(events), "Send 10.20.0.0/16").body, cloud).unwrap();
        let tables = calls.iter().filter_map(|call| {
            call.split_once("create-route|--region|us-east-1|--route-table-id|")
        });
        tables.map(|(_, rest)| rest.to_owned()).collect::<Vec<_>>()
    };
    let into = |table: &str| {
        format!(
            "{table}|--destination-cidr-block|10.20.0.0/16|--vpc-peering-connection-id|pcx-0123456789abcdef0"
        )
    };
    assert_eq!(route(&[]), [into("rtb-main")]);
    assert_eq!(
        route(&["subnet-plain", "subnet-chose"]),
        [into("rtb-main"), into("rtb-own")]
    );
    assert_eq!(
        route(&["subnet-chose", "subnet-chose-too"]),
        [into("rtb-own")]
    );
}

#[test]
fn only_the_routes_of_the_peering_are_removed_and_only_over_its_link() {
    let cloud = "aws() { log aws \"$@\"; case \"$*\" in *--filters*) echo rtb-1;; *--route-table-ids*) echo '10.20.0.0/16 172.16.0.0/12';; esac; }";
    let instructions = told(of_owner([accepted(), activated(), removal_requested()]));
    let calls = run(&titled(&instructions, "Remove the routes").body, cloud).unwrap();
    let deleted: Vec<_> = calls
        .iter()
        .filter(|call| call.contains("delete-route"))
        .collect();
    assert_eq!(
        deleted,
        [
            "aws|ec2|delete-route|--region|us-east-1|--route-table-id|rtb-1|--destination-cidr-block|10.20.0.0/16"
        ]
    );
    assert!(
        calls
            .iter()
            .any(|call| call.contains("[?VpcPeeringConnectionId=='pcx-0123456789abcdef0']")),
        "{calls:#?}"
    );
}

/// A peering of two networks with addresses of both families, whose owner accepts.
fn of_both_families(then: impl IntoIterator<Item = NetworkEvent>) -> Vec<Instruction> {
    let register = RegisterNetwork {
        ipv6_ranges: vec![text("fd00:20::/56")],
        ..register()
    };
    let peer = Peer {
        ranges: vec![text("10.101.0.0/16"), text("fd00:101::/56")],
        ..peer(1)
    };
    let requested = PeeringRequested {
        peering_id: peering_id(1),
        peer,
        requested_at: hours_on(0),
        terms: by_owner(),
        external_id: None,
    };
    let NetworkEvent::ConnectorIngressAllowed(ingress) =
        ingress_allowed(1, "fd00:101:0:8::/64", 443).into()
    else {
        panic!("an ingress");
    };
    let ingress = ConnectorIngressAllowed {
        rule: rule("fd00:20:0:1::/64", 443),
        ..ingress
    };
    let events = [
        registered_as(register, network_id()),
        requested.into(),
        route_accepted(Side::Remote, "10.20.0.0/16"),
        route_accepted(Side::Remote, "fd00:20::/56"),
        ingress.into(),
        started(1),
        initiated(),
        accepted(),
        activated(),
    ];
    told(events.into_iter().chain(then).collect())
}

#[test]
fn what_an_owner_does_for_ipv6_is_said_in_the_words_that_the_cloud_has_for_it() {
    let instructions = of_both_families([]);
    instructions.iter().for_each(assert_is_well_formed);
    let send = &titled(&instructions, "Send fd00:20::/56").body;
    let calls = run(send, &answering("rtb-1")).unwrap();
    assert_eq!(
        calls.last().unwrap(),
        "aws|ec2|create-route|--region|us-east-1|--route-table-id|rtb-1|--destination-ipv6-cidr-block|fd00:20::/56|--vpc-peering-connection-id|pcx-0123456789abcdef0"
    );
    let open = titled(
        &instructions,
        "Let fd00:20:0:1::/64 reach fd00:101:0:8::/64",
    );
    let opened = run(&format!("group=sg-1\n{}", open.body), &answering("")).unwrap();
    assert_eq!(
        opened,
        [
            "aws|ec2|authorize-security-group-ingress|--region|us-east-1|--group-id|sg-1|--ip-permissions|IpProtocol=tcp,FromPort=443,ToPort=443,Ipv6Ranges=[{CidrIpv6=fd00:20:0:1::/64}]"
        ]
    );
    let deny = titled(
        &instructions,
        "See that nothing lets 10.20.0.0/16 and fd00:20::/56 in",
    );
    assert!(deny.body.contains("Ipv6Ranges[].CidrIpv6"), "{}", deny.body);

    let cloud = "aws() { log aws \"$@\"; case \"$*\" in *--filters*) echo rtb-1;; *DestinationIpv6CidrBlock*) echo 'fd00:20::/56 fd00:99::/56';; \
                 *DestinationCidrBlock*) echo '10.20.0.0/16 172.16.0.0/12';; esac; }";
    let removal = of_both_families([removal_requested()]);
    removal.iter().for_each(assert_is_well_formed);
    let calls = run(&titled(&removal, "Remove the routes").body, cloud).unwrap();
    let deleted: Vec<_> = calls
        .iter()
        .filter_map(|call| call.split_once("--route-table-id|rtb-1|"))
        .map(|(_, what)| what)
        .collect();
    assert_eq!(
        deleted,
        [
            "--destination-cidr-block|10.20.0.0/16",
            "--destination-ipv6-cidr-block|fd00:20::/56"
        ]
    );
}

#[test]
fn an_owner_is_told_each_thing_that_was_asked_for() {
    let instructions = told(of_owner([accepted(), activated()]));
    let dns = run(&titled(&instructions, "names resolve").body, &answering("")).unwrap();
    assert!(
        dns[0].ends_with(
            "|--accepter-peering-connection-options|AllowDnsResolutionFromRemoteVpc=true"
        ),
        "{dns:?}"
    );
    let open = titled(
        &instructions,
        "Let 10.20.0.0/16 reach 10.101.8.0/24 on port 443",
    );
    assert!(
        run(&open.body, &answering("")).is_err(),
        "the group must be named first"
    );
    let opened = run(&format!("group=sg-1\n{}", open.body), &answering("")).unwrap();
    let expected = "aws|ec2|authorize-security-group-ingress|--region|us-east-1|--group-id|sg-1|--protocol|tcp|--port|443|--cidr|10.20.0.0/16";
    assert_eq!(opened, [expected]);
    assert!(
        titled(&instructions, "See that nothing lets 10.20.0.0/16 in")
            .body
            .contains("vpc-0f9e8d7c6b5a0001")
    );
}

#[test]
fn a_reason_in_a_script_runs_nothing() {
    let ingress = ConnectorIngressAllowed {
        reason: reason_given("it's $(touch made-by-mistake) `id`; \"; exit 3"),
        ..ingress_allowed(1, "10.101.8.0/24", 443)
    };
    let instructions = told(history_on(
        by_owner(),
        [started(1), initiated(), ingress.into()],
    ));
    let open = titled(&instructions, "on port 443");
    assert_eq!(
        run(&format!("group=sg-1\n{}", open.body), &answering(""))
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn an_owner_knows_how_long_there_is() {
    let terms = Terms {
        deadline: Some(hours_on(72)),
        renew: true,
        ..by_owner()
    };
    let instructions = told(history_on(terms, [started(1), initiated()]));
    let body = &titled(&instructions, "How long").body;
    for said in [
        "until 2026-03-08T09:00:00Z",
        "active by 2026-03-04T09:00:00Z",
        "asked for once more",
    ] {
        assert!(body.contains(said), "{body}");
    }
    assert!(
        told(active_history([]))
            .iter()
            .all(|it| it.title != "How long there is")
    );
}

#[test]
fn an_ended_peering_asks_nothing_of_anybody() {
    assert!(told(active_history([abandoned(&[])])).is_empty());
    assert!(told(of_owner([rejected()])).is_empty());
}
