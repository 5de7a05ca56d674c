//! What the policies allow, and that it is no more than it takes.

use crate::{of_owner, support::*, told};
use cloud::{
    OWNER_TAG,
    instructions::{Instruction, JSON},
};
use domain::{Provider, Region, Side, network::*};
use peerage_aws::{
    ec2::Tags,
    instructions::{ENGINE_PRINCIPAL, for_engine, for_peer},
};
use serde_json::Value;
use std::collections::BTreeSet;

fn policy(instruction: &Instruction) -> Value {
    assert_eq!(instruction.language, JSON);
    serde_json::from_str(&instruction.body).unwrap()
}

#[test]
fn the_role_is_only_for_the_engine_and_only_for_this_network() {
    let external_id = network_id().external_id(&peer(1).account);
    let requested = PeeringRequested {
        peering_id: peering_id(1),
        peer: peer(1),
        requested_at: hours_on(0),
        terms: Terms::default(),
        external_id: Some(external_id.clone()),
    };
    let trust = policy(titled(
        &told(vec![registered(), requested.into()]),
        "Trust policy",
    ));
    let statement = &trust["Statement"][0];
    assert_eq!(statement["Principal"]["AWS"], ENGINE_PRINCIPAL);
    assert_eq!(
        statement["Condition"]["StringEquals"]["sts:ExternalId"],
        external_id.as_str()
    );
}

/// Every statement of every policy, by its name.
fn statements(instructions: &[Instruction]) -> Vec<Value> {
    let policies = instructions
        .iter()
        .filter(|it| it.language == JSON)
        .map(policy);
    policies
        .flat_map(|it| it["Statement"].as_array().unwrap().clone())
        .filter(|it| it["Action"] != "sts:AssumeRole")
        .collect()
}

#[test]
fn no_change_is_allowed_without_a_condition_but_into_the_one_vpc() {
    let (network, peering) = state(active_history([]));
    let owner = told(of_owner([]));
    for it in statements(&for_peer(&network, &peering, &Tags::new()))
        .into_iter()
        .chain(statements(&for_engine(&network, &peering, &Tags::new())))
        .chain(statements(&owner))
    {
        let resources: Vec<_> = it["Resource"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it.as_str().unwrap())
            .collect();
        let names_a_vpc = resources.iter().all(|it| it.contains(":vpc/vpc-"));
        assert!(names_a_vpc || it.get("Condition").is_some(), "{it:#}");
        let reads = |it: &str| {
            let others = [
                "ec2:GetManagedPrefixListEntries",
                "servicequotas:ListServiceQuotas",
            ];
            it.starts_with("ec2:Describe") || others.contains(&it)
        };
        let reads = it["Action"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| reads(it.as_str().unwrap()));
        assert_eq!(reads, resources == ["*"], "{it:#}");
        assert!(
            it["Action"]
                .as_array()
                .unwrap()
                .iter()
                .all(|it| !it.as_str().unwrap().contains('*')),
            "{it:#}"
        );
    }
}

#[test]
fn the_engine_may_take_back_a_link_that_it_made_and_no_adopted_one() {
    let actions = |events| {
        let (network, peering) = state(events);
        let all = [
            for_peer(&network, &peering, &Tags::new()),
            for_engine(&network, &peering, &Tags::new()),
        ]
        .concat();
        statements(&all)
            .iter()
            .map(|it| it["Action"].to_string())
            .collect::<String>()
    };
    let (made, adopted) = (actions(active_history([])), actions(adopted_history([])));
    for action in [
        "CreateVpcPeeringConnection",
        "AcceptVpcPeeringConnection",
        "DeleteVpcPeeringConnection",
    ] {
        assert!(
            made.contains(action) && !adopted.contains(action),
            "{action}"
        );
    }
    assert!(adopted.contains("CreateRoute") && adopted.contains("DeleteSecurityGroup"));
}

/// What the engine puts on what it makes for the peering.
fn tag() -> String {
    cloud::Owner::new(network_id(), peering_id(1)).to_string()
}

#[test]
fn what_the_engine_changes_is_its_own_by_its_tag_and_by_its_ends() {
    let all = statements(&told(active_history([])));
    let named = |sid: &str| {
        all.iter()
            .find(|it| it["Sid"] == sid)
            .unwrap_or_else(|| panic!("no {sid}"))
            .clone()
    };
    let own = named("ChangeItsOwnGroup");
    assert_eq!(
        own["Condition"]["StringEquals"][format!("aws:ResourceTag/{OWNER_TAG}")],
        serde_json::json!([tag(), peering_id(1).to_string()]),
        "what was made before the tag named the network is the peering's still"
    );
    assert_eq!(
        own["Condition"]["ArnEquals"]["ec2:Vpc"],
        "arn:aws:ec2:us-east-1:444455556601:vpc/vpc-0f9e8d7c6b5a0001"
    );
    let link = named("AcceptThisLink");
    assert_eq!(
        link["Resource"][0],
        "arn:aws:ec2:us-east-1:444455556601:vpc-peering-connection/pcx-0123456789abcdef0"
    );
    assert_eq!(
        link["Condition"]["ArnEquals"]["ec2:RequesterVpc"],
        "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-0a1b2c3d4e5f60718"
    );
}

#[test]
fn only_the_groups_that_the_policy_names_may_be_closed() {
    let groups = [group("sg-0d4e5f60718293a4b")].into();
    let enforcing = policy_set(Policy {
        exposure: ExposurePolicy::Enforce { groups },
        ..Policy::default()
    });
    let close = |events| {
        statements(&told(events))
            .into_iter()
            .find(|it| it["Sid"] == "CloseAgreedGroups")
    };
    assert_eq!(close(active_history([])), None);
    let close = close(active_history([enforcing])).unwrap();
    assert_eq!(
        close["Resource"],
        serde_json::json!([
            "arn:aws:ec2:us-east-1:444455556601:security-group/sg-0d4e5f60718293a4b"
        ])
    );
}

#[test]
fn tags_may_be_put_back_on_what_is_on_record_and_on_nothing_else() {
    let put_back = |events| {
        statements(&told(events))
            .into_iter()
            .find(|it| it["Sid"] == "TagWhatItMadeAgain")
    };
    assert_eq!(put_back(active_history([])), None, "no group is on record");
    let made = group_created(Side::Remote, "sg-0d4e5f60718293a4b");
    let put_back = put_back(active_history([made.into()])).unwrap();
    assert_eq!(
        put_back["Resource"],
        serde_json::json!([
            "arn:aws:ec2:us-east-1:444455556601:security-group/sg-0d4e5f60718293a4b"
        ])
    );
    assert_eq!(
        put_back["Condition"]["StringEquals"][format!("aws:RequestTag/{OWNER_TAG}")],
        tag()
    );
    assert_eq!(
        put_back["Condition"]["ForAllValues:StringEquals"]["aws:TagKeys"],
        serde_json::json!([OWNER_TAG])
    );
}

#[test]
fn arns_name_the_partition_of_their_region() {
    let region = Region::of(Provider::Aws, "cn-north-1").unwrap();
    let requested = requested_of(1, Peer { region, ..peer(1) });
    let (network, peering) = state(vec![registered(), requested]);
    let all = for_peer(&network, &peering, &Tags::new());
    assert!(all.iter().any(|it| {
        it.body
            .contains("arn:aws-cn:ec2:cn-north-1:444455556601:vpc/")
    }));
}

#[test]
fn an_owners_policy_goes_with_what_there_is_to_do() {
    let actions = |events| {
        let all = statements(&told(events))
            .into_iter()
            .flat_map(|it| it["Action"].as_array().unwrap().clone());
        all.map(|it| it.as_str().unwrap().replace("ec2:", ""))
            .filter(|it| !it.starts_with("Describe"))
            .collect::<BTreeSet<_>>()
    };
    let set = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
    let open = [
        "AuthorizeSecurityGroupIngress",
        "CreateRoute",
        "DeleteRoute",
        "ModifyVpcPeeringConnectionOptions",
    ];
    assert_eq!(
        actions(of_owner([])),
        set(&[&open[..], &["AcceptVpcPeeringConnection"]].concat())
    );
    assert_eq!(actions(of_owner([accepted(), activated()])), set(&open));
    let removing = of_owner([accepted(), activated(), removal_requested()]);
    assert_eq!(
        actions(removing),
        set(&["DeleteRoute", "RevokeSecurityGroupIngress"])
    );
    assert_eq!(
        actions(history_on(by_owner(), [])),
        set(&["AcceptVpcPeeringConnection", "CreateRoute", "DeleteRoute"])
    );
}

#[test]
fn tags_that_everything_gets_are_among_the_keys_and_the_accepters_half_is_tagged_with_them() {
    let tagging = |tags: &Tags| {
        let (network, peering) = state(history([started(1), initiated()]));
        let sides = [
            for_engine(&network, &peering, tags),
            for_peer(&network, &peering, tags),
        ];
        sides.map(|instructions| {
            let all = statements(&instructions).into_iter();
            let mut link = all.filter(|it| it["Sid"] == "TagThisLink");
            link.next()
                .map(|it| it["Condition"]["ForAllValues:StringEquals"]["aws:TagKeys"].to_string())
        })
    };
    let [local, remote] = tagging(&Tags::new());
    assert!(local.is_some() && remote.is_none(), "{remote:?}");
    let tags = Tags::from([("cost-centre".to_owned(), "4711".to_owned())]);
    for keys in tagging(&tags) {
        let keys = keys.unwrap();
        assert!(
            keys.contains("cost-centre") && keys.contains("peerage"),
            "{keys}"
        );
    }
}

#[test]
fn the_role_may_accept_an_adopted_request_as_long_as_it_waits() {
    let actions = |events| {
        let (network, peering) = state(events);
        let of = |instructions: &[Instruction]| {
            let all = statements(instructions);
            all.iter()
                .map(|it| it["Action"].to_string())
                .collect::<String>()
        };
        [
            of(&for_peer(&network, &peering, &Tags::new())),
            of(&for_engine(&network, &peering, &Tags::new())),
        ]
    };
    let accept = "ec2:AcceptVpcPeeringConnection";
    for side in actions(vec![registered(), adopted()]) {
        assert!(side.contains(accept), "{side}");
        assert!(!side.contains("ec2:DeleteVpcPeeringConnection"), "{side}");
    }
    for side in actions(adopted_history([])) {
        assert!(!side.contains(accept), "{side}");
    }
    // Once somebody has looked, only whoever is asked may accept.
    for (asked, may) in [(Side::Local, [false, true]), (Side::Remote, [true, false])] {
        let seen = LinkAccepterSeen {
            peering_id: peering_id(1),
            link: link(),
            accepter: asked,
        };
        let said = actions(vec![registered(), adopted(), seen.into()]);
        assert_eq!(said.map(|it| it.contains(accept)), may, "{asked}");
    }
}

#[test]
fn everything_that_the_engine_calls_at_a_side_that_it_keeps_is_in_the_policies() {
    let allowed = |instructions: Vec<Instruction>| {
        let all = statements(&instructions).into_iter();
        all.flat_map(|it| it["Action"].as_array().unwrap().clone())
            .map(|it| it.as_str().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };
    let both = |events: Vec<NetworkEvent>| {
        let (network, peering) = state(events);
        (
            allowed(for_peer(&network, &peering, &Tags::new())),
            allowed(for_engine(&network, &peering, &Tags::new())),
        )
    };
    let attach = |side| {
        NetworkEvent::from(FirewallAttachmentRequested {
            peering_id: peering_id(1),
            side,
            to: AttachTo::Interfaces {
                interfaces: [text("eni-1")].into(),
            },
        })
    };
    let deny = |side| {
        NetworkEvent::from(DenialRequested {
            peering_id: peering_id(1),
            side,
            subnets: [text("subnet-1")].into(),
        })
    };
    let (remote, local) = both(active_history([
        attach(Side::Local),
        attach(Side::Remote),
        deny(Side::Local),
        deny(Side::Remote),
    ]));
    // What attaches or denies is permitted only while that is asked for.
    let (at_the_peer, at_home) = both(active_history([]));
    for asked_for in [
        "ec2:ModifyNetworkInterfaceAttribute",
        "ec2:CreateNetworkAclEntry",
        "ec2:DeleteNetworkAclEntry",
    ] {
        assert!(!at_the_peer.contains(asked_for) && !at_home.contains(asked_for));
    }
    for operation in cloud::Operation::ALL {
        // A role is entered by its trust policy; networks are made for demonstrations only.
        if matches!(
            operation,
            cloud::Operation::Identity | cloud::Operation::CreateNetwork
        ) {
            continue;
        }
        for action in peerage_aws::actions(operation) {
            let action = action.permission();
            let at_home_alone = [
                "ec2:CreateVpcPeeringConnection",
                "ec2:DeleteVpcPeeringConnection",
            ];
            let at_the_peer_alone = ["ec2:AcceptVpcPeeringConnection"];
            assert_eq!(
                (remote.contains(action), local.contains(action)),
                (
                    !at_home_alone.contains(&action),
                    !at_the_peer_alone.contains(&action)
                ),
                "{action}: at the peer, at home"
            );
        }
    }
}

#[test]
fn what_takes_an_orphan_away_is_permitted_by_its_id_where_it_stands_and_while_it_is_on_record() {
    let things = |n: u8| {
        [
            OrphanThing::Link {
                link: text(&format!("pcx-{n}")),
            },
            OrphanThing::FirewallGroup {
                group: text(&format!("sg-{n}")),
            },
            OrphanThing::FirewallRule {
                group: text(&format!("sg-{n}0")),
                rule_id: text(&format!("sgr-{n}")),
            },
            OrphanThing::Denial {
                denial: Denial {
                    list: text(&format!("acl-{n}")),
                    number: 1,
                    denies: Denied {
                        source: text("10.30.0.0/16"),
                        ports: None,
                    },
                },
            },
        ]
    };
    let home = register();
    let found = |thing: OrphanThing, is_copy: bool, is_at_home: bool| OrphanFound {
        network_id: network_id(),
        peering_id: peering_id(7),
        account: if is_at_home {
            home.account.clone()
        } else {
            peer(1).account
        },
        region: if is_at_home {
            home.region.clone()
        } else {
            peer(1).region
        },
        cloud_network: home.cloud_network.clone(),
        thing,
        is_copy,
    };
    let names = |instructions: &[Instruction]| -> BTreeSet<String> {
        let each = statements(instructions).into_iter();
        each.filter(|it| it["Sid"].as_str().unwrap().contains("Orphan"))
            .flat_map(|it| it["Resource"].as_array().unwrap().clone())
            .map(|it| it.as_str().unwrap().rsplit_once('/').unwrap().1.to_owned())
            .collect()
    };
    let mut events: Vec<NetworkEvent> = Vec::new();
    for (n, is_copy, is_at_home) in [(1, false, true), (2, false, false), (3, true, true)] {
        events.extend(things(n).map(|it| found(it, is_copy, is_at_home).into()));
    }
    let (network, peering) = state(active_history(events.clone()));
    let set = |ids: &[&str]| {
        ids.iter()
            .map(|it| (*it).to_owned())
            .collect::<BTreeSet<_>>()
    };
    let ours = names(&for_engine(&network, &peering, &Tags::new()));
    assert_eq!(ours, set(&["acl-1", "pcx-1", "sg-1", "sg-10", "sgr-1"]));
    let theirs = names(&for_peer(&network, &peering, &Tags::new()));
    assert_eq!(theirs, set(&["acl-2", "pcx-2", "sg-2", "sg-20", "sgr-2"]));

    for thing in things(1).into_iter().chain(things(2)) {
        let gone = OrphanCleared {
            network_id: network_id(),
            peering_id: peering_id(7),
            orphan: thing.id().unwrap(),
            end: OrphanEnd::Gone,
        };
        events.push(gone.into());
    }
    let (network, peering) = state(active_history(events));
    assert_eq!(
        names(&for_engine(&network, &peering, &Tags::new())),
        set(&[])
    );
    assert_eq!(names(&for_peer(&network, &peering, &Tags::new())), set(&[]));
}
