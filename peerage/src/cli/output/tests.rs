//! What a person sees.

use super::*;
use crate::api::v0::{self as v1, Peering};

#[test]
fn time_is_told_as_coarsely_as_people_do() {
    let told = [-5, 0, 30, 65, 3 * 3_600 + 720, 6 * 86_400 + 23 * 3_600 + 60]
        .map(|seconds| spoken(TimeDelta::seconds(seconds)));
    assert_eq!(
        told,
        [
            "over",
            "over",
            "less than a minute left",
            "1 min left",
            "3 h 12 min left",
            "6 d 23 h left"
        ]
    );
}

fn waiting() -> Peering {
    let peer = v1::Peer {
        account: "444455556666".to_owned(),
        cloud_network: "vpc-0d4c3b2a".to_owned(),
        ..Default::default()
    };
    let command =
        "aws ec2 accept-vpc-peering-connection --vpc-peering-connection-id pcx-1\n".to_owned();
    Peering {
        peering_id: "p-1".to_owned(),
        peer: Some(peer),
        life: "awaiting_acceptance".to_owned(),
        link: "pcx-1".to_owned(),
        consent: "owner".to_owned(),
        origin: "requested".to_owned(),
        expires_at: (Utc::now() + TimeDelta::hours(50)).to_rfc3339(),
        instructions: vec![v1::Instruction {
            title: "Accept the link".to_owned(),
            language: "sh".to_owned(),
            body: command,
        }],
        ..Default::default()
    }
}

#[test]
fn whoever_is_waited_for_is_named_and_told_what_to_run() {
    let text = peering(&waiting());
    assert!(
        text.contains(
            "waits for       the owner of account 444455556666, who accepts the link; see below"
        ),
        "{text}"
    );
    assert!(text.contains("(2 d 1 h left)"), "{text}");
    assert!(
        text.contains("\n1. Accept the link (sh)\n\naws ec2 accept-vpc-peering-connection --vpc-peering-connection-id pcx-1"),
        "{text}"
    );
    assert!(!text.contains("left behind"), "{text}");
}

#[test]
fn what_is_in_place_what_goes_and_what_is_exposed_is_said_side_by_side() {
    let route = |destination: &str| v1::Route {
        side: "local".to_owned(),
        destination: destination.to_owned(),
        ..Default::default()
    };
    let evidence = v1::Evidence {
        accepted_by: "owner".to_owned(),
        account: "4444".to_owned(),
        ..Default::default()
    };
    let exposure = v1::Exposure {
        group: "sg-1".to_owned(),
        group_name: "legacy".to_owned(),
        admits: "tcp 22".to_owned(),
        ..Default::default()
    };
    let open = v1::Drift {
        kind: "route_missing".to_owned(),
        since: "2026-03-01T09:00:00Z".to_owned(),
        repairs: 2,
        ..Default::default()
    };
    let it = Peering {
        life: "active".to_owned(),
        evidence: Some(evidence),
        routes: vec![
            v1::Route {
                installed_in: vec!["rtb-1".to_owned()],
                ..route("10.1.0.0/16")
            },
            v1::Route {
                withdrawn_at: "x".to_owned(),
                replaced_by: "10.3.0.0/16".to_owned(),
                ..route("10.2.0.0/16")
            },
            route("10.3.0.0/16"),
        ],
        exposures: vec![exposure],
        drift: vec![
            open,
            v1::Drift {
                kind: "link_tag_missing".to_owned(),
                adopted_at: "x".to_owned(),
                ..Default::default()
            },
        ],
        instructions: Vec::new(),
        ..waiting()
    };
    let text = peering(&it);
    for said in [
        "in place",
        "going once 10.3.0.0/16 is in place",
        "not yet",
        "sg-1 (legacy)",
        "route missing",
        "2×",
        "by its owner in account 4444",
    ] {
        assert!(text.contains(said), "{said} in\n{text}");
    }
    assert!(
        text.contains("active, 1 otherwise than it was left, exposed: 1"),
        "{text}"
    );
    assert!(
        !text.contains("link tag missing"),
        "what was adopted is as it should be:\n{text}"
    );
}

#[test]
fn what_is_left_behind_is_named_to_the_end() {
    let remnant = |kind: &str, facts: &str| v1::Remnant {
        kind: kind.to_owned(),
        facts: facts.to_owned(),
    };
    let left = vec![
        remnant("possible_link", "{}"),
        remnant("firewall_group", r#"{"side":"remote","group":"sg-2"}"#),
    ];
    let removal = v1::Removal {
        since: "2026-03-01T09:00:00Z".to_owned(),
        reason: "moved".to_owned(),
        ..Default::default()
    };
    let it = Peering {
        life: "abandoned".to_owned(),
        left_behind: left,
        removal: Some(removal),
        instructions: Vec::new(),
        ..waiting()
    };
    assert_eq!(
        left_behind(&it),
        "left behind: possible link; firewall group group=sg-2 side=remote"
    );
    let text = peering(&it);
    assert!(
        text.contains("2026-03-01T09:00:00Z for this reason: moved")
            && text.contains("possible link; firewall group"),
        "{text}"
    );
    assert_eq!(
        left_behind(&Peering {
            left_behind: Vec::new(),
            ..it
        }),
        "left behind: nothing"
    );
}

#[test]
fn a_plan_shows_what_fails_what_to_do_about_it_and_what_would_be_done() {
    let check = |name: &str, outcome: &str| v1::Check {
        name: name.to_owned(),
        outcome: outcome.to_owned(),
        ..Default::default()
    };
    let failed = v1::Check {
        message: "no quota".to_owned(),
        remedy: vec!["ask for more".to_owned()],
        ..check("link_quota", "failed")
    };
    let action = v1::PlannedAction {
        side: "local".to_owned(),
        action: "create_link".to_owned(),
        detail: "vpc-1 to vpc-2".to_owned(),
    };
    let it = v1::PlanPeeringResponse {
        checks: vec![check("identity", "passed"), failed],
        actions: vec![action],
        ..Default::default()
    };
    let text = plan(&it);
    for said in [
        "✔ passed",
        "✘ failed",
        "no quota",
        "to pass `link quota`\n  ask for more",
        "create link",
        "vpc-1 to vpc-2",
    ] {
        assert!(text.contains(said), "{said} in\n{text}");
    }
    assert!(plan(&v1::PlanPeeringResponse::default()).contains("nothing to do"));
}

#[test]
fn an_event_is_told_in_its_own_facts() {
    let data = r#"{"peering_id":"p","terms":{"consent":"owner","renew":true},"admit":[],"allowed_at":"x","evidence":null}"#;
    assert_eq!(brief(data), "admit=nothing terms=owner/renew");
}
