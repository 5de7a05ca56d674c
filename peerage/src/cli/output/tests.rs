//! What a person sees.

use super::*;
use crate::api::v1::{
    self, Acceptance, AcceptedBy, Advisory, AdvisoryCode, Block, BlockCause, CheckKind,
    CheckOutcome, CloudMode, Consent, Event, GetPeeringResponse, Peering, PeeringState, Side,
    drift::Drift as What, leftover::Leftover as Left,
};
use chrono::{DateTime, TimeDelta, Utc};
use prost_types::Timestamp;
use serde_json::Value;

const ID: &str = "0f9a6a52-2c39-4a7e-9a52-5b7c0a1d6f11";

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

fn waiting() -> Peering {
    let peer = v1::Peer {
        provider: v1::Provider::Aws.into(),
        account: "444455556666".to_owned(),
        cloud_network: "vpc-0d4c3b2a1d4c3b2a1".to_owned(),
        region: "us-east-1".to_owned(),
        ranges: vec!["10.30.0.0/16".to_owned()],
        ..Default::default()
    };
    Peering {
        peering_id: ID.to_owned(),
        peer: Some(peer),
        state: PeeringState::AwaitingAcceptance.into(),
        link: "pcx-0a1b2c3d4e5f60718".to_owned(),
        consent: Consent::Owner.into(),
        origin: v1::Origin::Requested.into(),
        expires_at: at((Utc::now() + TimeDelta::minutes(50 * 60 + 5)).timestamp()),
        ..Default::default()
    }
}

fn shown(peering: Peering) -> GetPeeringResponse {
    GetPeeringResponse {
        peering: Some(peering),
        ..Default::default()
    }
}

fn fits(text: &str) {
    let wide: Vec<_> = text.lines().filter(|it| it.chars().count() > 100).collect();
    assert!(
        wide.is_empty(),
        "wider than 100 columns: {wide:#?}\nin\n{text}"
    );
}

#[test]
fn the_person_who_is_waited_for_is_named_and_told_what_to_run() {
    let command =
        "aws ec2 accept-vpc-peering-connection --vpc-peering-connection-id pcx-1\n".to_owned();
    let instruction = v1::Instruction {
        title: "Accept the link".to_owned(),
        language: v1::InstructionLanguage::Shell.into(),
        body: command,
    };
    let it = GetPeeringResponse {
        instructions: vec![instruction],
        ..shown(waiting())
    };
    let text = peering(&it);
    let words: Vec<_> = text.split_whitespace().collect();
    let said = words.join(" ");
    assert!(
        said.contains(
            "waits for the owner of account 444455556666, who accepts the link; see below"
        ),
        "{text}"
    );
    assert!(said.contains("(2 d 2 h left)"), "{text}");
    assert!(
        text.contains("\n1. Accept the link (sh)\n\naws ec2 accept-vpc-peering-connection --vpc-peering-connection-id pcx-1"),
        "{text}"
    );
    assert!(!text.contains("left behind"), "{text}");
    fits(&text);
}

#[test]
fn what_is_in_place_what_goes_and_what_is_exposed_is_said_side_by_side() {
    let route = |destination: &str| v1::Route {
        side: Side::Local.into(),
        destination: destination.to_owned(),
        ..Default::default()
    };
    let acceptance = Acceptance {
        accepted_by: AcceptedBy::Owner.into(),
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
        drift: Some(What::RouteMissing(v1::RouteMissing {
            route_table: "rtb-1".to_owned(),
            destination: "10.1.0.0/16".to_owned(),
        })),
        since: at(0),
        repairs: 2,
        ..Default::default()
    };
    let accepted = v1::Drift {
        drift: Some(What::LinkTagMissing(v1::LinkTagMissing {})),
        accepted_at: at(0),
        ..Default::default()
    };
    let in_place = v1::Route {
        installed_in: vec!["rtb-1".to_owned()],
        ..route("10.1.0.0/16")
    };
    let replaced = v1::Route {
        withdrawn_at: at(0),
        replaced_by: "10.3.0.0/16".to_owned(),
        ..route("10.2.0.0/16")
    };
    let it = Peering {
        state: PeeringState::Active.into(),
        acceptance: Some(acceptance),
        routes: vec![in_place, replaced, route("10.3.0.0/16")],
        exposures: vec![exposure],
        drift: vec![open, accepted],
        ..waiting()
    };
    let text = peering(&shown(it.clone()));
    for said in [
        "in place",
        "going once 10.3.0.0/16 is in place",
        "not yet",
        "(legacy)",
        "route missing",
        "10.1.0.0/16 in rtb-1",
        "2×",
        "by its owner in account 4444",
        "active, drift: 1",
    ] {
        assert!(text.contains(said), "{said} in\n{text}");
    }
    assert!(
        !text.contains("link tag missing"),
        "what was accepted is as it should be:\n{text}"
    );
    assert!(peerings(&[it]).contains("exposed: 1"));
    fits(&text);
}

#[test]
fn what_the_clouds_firewall_can_do_and_cannot_is_told_with_the_posture() {
    use v1::RuleVerdicts::{AllowAndDeny, OnlyAllow, OnlyDeny, Unspecified};
    let told = |abilities: Option<v1::FirewallAbilities>| {
        let mut it = waiting();
        it.firewall = vec![v1::Firewall {
            abilities,
            ..Default::default()
        }];
        peering(&shown(it))
    };
    let of = |rules: v1::RuleVerdicts, aim: v1::RuleAim, lists: v1::RuleVerdicts, open| {
        told(Some(v1::FirewallAbilities {
            rules: rules.into(),
            aim: aim.into(),
            lists: lists.into(),
            open_by_default: open,
            group_sources: false,
        }))
    };
    let title = "posture: what a side lets in from the link";
    let aimed = v1::RuleAim::Addresses;
    for (text, said) in [
        (
            of(OnlyAllow, v1::RuleAim::Attachment, OnlyDeny, false),
            " (rules only allow; where their group is; lists can deny)\n",
        ),
        (
            of(AllowAndDeny, aimed, Unspecified, false),
            " (rules allow and deny; to addresses)\n",
        ),
        (
            of(AllowAndDeny, aimed, Unspecified, true),
            " (rules allow and deny; to addresses; what nothing denies comes in)\n",
        ),
        // A server of before.
        (told(None), "\n"),
    ] {
        assert!(text.contains(&format!("{title}{said}")), "{text}");
    }
}

#[test]
fn a_message_of_kilobytes_and_a_name_that_hides_something_spoil_no_table() {
    let block = Block {
        cause: BlockCause::PermissionDenied.into(),
        side: Side::Remote.into(),
        message: format!("AcceptVpcPeeringConnection: {}", "encoded ".repeat(400)),
        remedy: vec!["attach the policy".to_owned()],
        since: at(0),
    };
    let it = Peering {
        block: Some(block),
        network_name: "or\u{202e}ders\u{1b}[31m".to_owned(),
        failure: "x".repeat(3_000),
        ..waiting()
    };
    let one = peering(&shown(it.clone()));
    let other = Peering {
        network_id: "another".to_owned(),
        ..it.clone()
    };
    for text in [
        one.as_str(),
        &peerings(&[it.clone(), other]),
        &peering_update(&it, true),
    ] {
        let clean = terminal::text(text);
        fits(&clean);
        assert!(clean.lines().count() < 40, "{clean}");
    }
    assert!(
        one.contains("permission denied") && one.contains("  attach the policy"),
        "{one}"
    );
    assert!(
        one.contains("the whole of it is under --output json"),
        "{one}"
    );
    let block = it.block.as_ref().unwrap();
    let json = serde_json::to_value(Proto(&it)).unwrap();
    assert_eq!(
        json["block"]["message"], block.message,
        "whole for programs"
    );
    assert_eq!(json["failure"], it.failure);
}

#[test]
fn what_is_left_behind_is_named_to_the_end() {
    let left = |leftover: Left| v1::Leftover {
        leftover: Some(leftover),
    };
    let group = v1::FirewallGroupLeftover {
        side: Side::Remote.into(),
        group: "sg-2".to_owned(),
    };
    let removal = v1::Removal {
        since: at(1_772_355_600),
        cause: Some(v1::removal::Cause::Reason("moved".to_owned())),
        ..Default::default()
    };
    let it = Peering {
        state: PeeringState::Abandoned.into(),
        leftovers: vec![
            left(Left::PossibleLink(v1::PossibleLinkLeftover {})),
            left(Left::FirewallGroup(group)),
        ],
        removal: Some(removal),
        ..waiting()
    };
    assert_eq!(
        leftovers(&it),
        "left behind: possible link; firewall group sg-2 (remote)"
    );
    let text = peering(&shown(it.clone()));
    assert!(
        text.contains("since 2026-03-01T09:00:00Z: moved")
            && text.contains("possible link; firewall group"),
        "{text}"
    );
    assert_eq!(
        leftovers(&Peering {
            leftovers: Vec::new(),
            ..it
        }),
        "left behind: nothing"
    );
}

#[test]
fn a_plan_shows_what_fails_what_to_do_about_it_and_what_would_be_done() {
    let check = |kind: CheckKind, outcome: CheckOutcome| v1::Check {
        kind: kind.into(),
        outcome: outcome.into(),
        ..Default::default()
    };
    let failed = v1::Check {
        message: "no quota".to_owned(),
        remedy: vec!["ask for more".to_owned()],
        ..check(CheckKind::LinkQuota, CheckOutcome::Failed)
    };
    let action = v1::PlannedAction {
        side: Side::Local.into(),
        kind: v1::ActionKind::CreateLink.into(),
        detail: "vpc-1 to vpc-2".to_owned(),
    };
    let advisory = Advisory {
        code: AdvisoryCode::CrossRegion.into(),
        message: "more latency ".repeat(20),
    };
    let it = v1::PlanPeeringResponse {
        checks: vec![check(CheckKind::Identity, CheckOutcome::Passed), failed],
        actions: vec![action],
        advisories: vec![advisory],
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
        "cross region",
    ] {
        assert!(text.contains(said), "{said} in\n{text}");
    }
    assert!(plan(&v1::PlanPeeringResponse::default()).contains("nothing to do"));
    fits(&text);
}

fn told() -> Event {
    let data = br#"{"peering_id":"p","terms":{"consent":"owner","renew":true},"admit":[],"allowed_at":"x","evidence":null}"#;
    Event {
        position: "17/17".to_owned(),
        r#type: "PeeringRequested".to_owned(),
        raw_data: data.to_vec(),
        time: at(1_772_355_600),
        actor: Some(v1::Actor {
            claimed: "ada".to_owned(),
            ..Default::default()
        }),
        reason: "the orders team moves".to_owned(),
        ticket: "OPS-1".to_owned(),
        ..Default::default()
    }
}

#[test]
fn an_event_is_told_in_its_own_facts_with_who_and_why() {
    assert_eq!(brief(&told().raw_data), "admit=nothing terms=owner/renew");
    let text = events(&[told()]);
    let words: Vec<_> = text
        .lines()
        .map(|it| it.split_whitespace().collect::<Vec<_>>())
        .collect();
    assert_eq!(words[0], ["position", "time", "event", "who"]);
    assert_eq!(
        words[1],
        [
            "17",
            "2026-03-01T09:00:00Z",
            "PeeringRequested",
            "ada",
            "(claimed)"
        ]
    );
    assert_eq!(
        words[2].join(" "),
        "admit=nothing terms=owner/renew; reason: the orders team moves; ticket: OPS-1"
    );
    let verified = v1::Actor {
        subject: "ada@example.com".to_owned(),
        method: "oidc".to_owned(),
        ..Default::default()
    };
    let text = events(&[Event {
        actor: Some(verified),
        ..told()
    }]);
    assert!(
        text.contains("ada@example.com (oidc)") && !text.contains("claimed"),
        "{text}"
    );
    fits(&history(&[Event {
        raw_data: format!("{{\"a\":\"{}\"}}", "x".repeat(999)).into(),
        ..told()
    }]));
}

#[test]
fn a_sentence_that_is_longer_than_a_line_goes_on_on_the_next_and_loses_no_word() {
    let sentence = "opened TCP 5432 of 10.30.7.0/24 to 10.20.0.0/16 until 11 Mar 2027 00:49Z, for \
                    ‘the nightly export of orders’ (simulated)";
    let event = || Event {
        sentence: sentence.to_owned(),
        ..told()
    };
    let decision = v1::ExplainedDecision {
        event: Some(event()),
        outcomes: vec![v1::ExplainedOutcome {
            event: Some(event()),
            ..Default::default()
        }],
    };
    let tree = v1::ExplainResponse {
        commands: vec![v1::ExplainedCommand {
            decisions: vec![decision],
            ..Default::default()
        }],
        ..Default::default()
    };
    let words = |text: &str| {
        let drawn = ['│', '├', '└', '─'];
        let words = text.split_whitespace().filter(|it| !it.starts_with(drawn));
        words.collect::<Vec<_>>().join(" ")
    };
    for text in [log(&[event()]), explained(&tree), hanging(sentence)] {
        fits(&text);
        assert!(words(&text).contains(sentence), "{text}");
    }
    assert_eq!(words(&explained(&tree)).matches("(simulated)").count(), 2);
}

#[test]
fn a_change_of_a_long_value_shows_both_of_its_values() {
    let long = |last: &str| prost_types::Value {
        kind: Some(prost_types::value::Kind::StringValue(format!(
            "{}{last}",
            "10.31.0.0/16, ".repeat(9)
        ))),
    };
    let change = v1::Change {
        pointer: "/connections/peerings/2e2e26a0/firewall/local/admit".to_owned(),
        before: Some(long("before")),
        after: Some(long("after")),
        ..Default::default()
    };
    let compared = v1::CompareNetworkResponse {
        changes: vec![change],
        ..Default::default()
    };
    let text = difference(&compared);
    fits(&text);
    for words in ["/admit\n", "was 10.31", "before", "is 10.31", "after"] {
        assert!(text.contains(words), "{words} in {text}");
    }
}

#[test]
fn the_log_tells_what_is_no_networks_between_the_events_of_networks() {
    let of = |stream: &str, event_type: &str, sentence: &str| Event {
        stream: stream.to_owned(),
        r#type: event_type.to_owned(),
        sentence: sentence.to_owned(),
        reason: String::new(),
        ticket: String::new(),
        ..told()
    };
    let all = [
        of("access-policy", "AccessPolicyEnforced", "enforces a policy"),
        of("approval-7", "ApprovalGiven", "ada approved the command"),
        Event {
            network_id: ID.to_owned(),
            network_name: "payments/orders".to_owned(),
            ..of("network-7", "PeeringRequested", "requested a peering")
        },
        of("connector-a", "ConnectorCreated", "created connector a"),
    ];
    let caused = Event {
        cause_command_id: ID.to_owned(),
        command_id: "77777777-aaaa-4aaa-8aaa-aaaaaaaaaaaa".to_owned(),
        ..of("network-7", "PeeringActivated", "is active")
    };
    let of_engine = log(&[caused]);
    assert!(of_engine.contains(&format!("caused by command {ID}")));
    assert!(!of_engine.contains("77777777"), "{of_engine}");
    let golden = "\
2026-03-01T09:00:00Z  access-policy  ada (claimed)
  enforces a policy
    AccessPolicyEnforced at 17/17
2026-03-01T09:00:00Z  approval-7  ada (claimed)
  ada approved the command
    ApprovalGiven at 17/17
2026-03-01T09:00:00Z  payments/orders  ada (claimed)
  requested a peering
    PeeringRequested at 17/17
2026-03-01T09:00:00Z  connector-a  ada (claimed)
  created connector a
    ConnectorCreated at 17/17";
    assert_eq!(log(&all), golden);
}

#[test]
fn json_is_the_apis_own_with_empty_lists_and_names_for_numbers() {
    let value = serde_json::to_value(Proto(&waiting())).unwrap();
    assert_eq!(value["peeringId"], ID);
    assert_eq!(value["state"], "PEERING_STATE_AWAITING_ACCEPTANCE");
    assert_eq!(
        (&value["routes"], &value["converged"]),
        (&Value::Array(Vec::new()), &false.into())
    );
    assert!(
        value["expiresAt"].as_str().unwrap().ends_with('Z'),
        "{value:#}"
    );
    assert!(value.get("block").is_none(), "{value:#}");
}

#[test]
fn an_id_is_as_short_as_tells_it_apart() {
    let ids = [ID, "0f9a6a52-2c00-4a7e-9a52-5b7c0a1d6f11"];
    let short_of = short(ids.into_iter());
    assert_eq!(ids.map(short_of), ["0f9a6a52-2c3", "0f9a6a52-2c0"]);
    assert_eq!(short([ID].into_iter())(ID), "0f9a6a52");
}

#[test]
fn what_stands_in_for_a_cloud_is_said_wherever_a_state_is() {
    let of = |mode: CloudMode| {
        Some(v1::Cloud {
            mode: mode.into(),
            endpoint: String::new(),
        })
    };
    let told = |cloud: Option<v1::Cloud>| {
        let cloud = || cloud.clone();
        let seen = v1::Event {
            r#type: "PeeringActivated".to_owned(),
            raw_data: br#"{"link":"pcx-1"}"#.to_vec(),
            cloud: cloud(),
            ..Default::default()
        };
        let answer = v1::WhoCanReachResponse {
            ways: vec![v1::Way {
                cloud: cloud(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let opening = v1::ReviewedOpening {
            cloud: cloud(),
            ..Default::default()
        };
        let planned = v1::PlanPeeringResponse {
            cloud: cloud(),
            ..Default::default()
        };
        let link = v1::DiscoveredLink {
            cloud: cloud(),
            ..Default::default()
        };
        let exposure = v1::Exposure {
            cloud: cloud(),
            ..Default::default()
        };
        let orphan = v1::Orphan {
            cloud: cloud(),
            ..Default::default()
        };
        let differs = v1::Drift {
            cloud: cloud(),
            ..Default::default()
        };
        let live = Peering {
            cloud: cloud(),
            ..waiting()
        };
        let asked = v1::Approval {
            cloud: cloud(),
            ..Default::default()
        };
        [
            approval(&asked),
            approvals(&[asked]),
            event(&seen),
            events(std::slice::from_ref(&seen)),
            history(&[seen]),
            ways(&answer),
            reviewed(&[opening]),
            plan(&planned),
            links(&[("orders".to_owned(), link)]),
            exposures(&[exposure]),
            orphans(&[orphan]),
            drift(&[differs]),
            peering_update(&live, true),
            peerings(&[live]),
        ]
    };
    for (mode, mark) in [
        (CloudMode::Simulated, "simulated"),
        (CloudMode::Emulator, "emulat"),
    ] {
        for text in told(of(mode)) {
            assert!(text.contains(mark), "{mark}: {text}");
        }
    }
    for real in [None, of(CloudMode::Real)] {
        for text in told(real) {
            assert!(
                !text.contains("simulated") && !text.contains("emulat"),
                "{text}"
            );
        }
    }
}

#[test]
fn who_can_reach_says_of_each_rule_its_port_and_its_source_be_it_a_range_or_a_group() {
    let rule = |source: &str| v1::AdmittingRule {
        source: source.to_owned(),
        port: 2113,
        rule_id: "sgr-1".to_owned(),
    };
    let text = ways(&v1::WhoCanReachResponse {
        ways: vec![v1::Way {
            rules: vec![rule("10.30.0.0/16"), rule("210987654321/sg-0e1f2a3b")],
            ..Default::default()
        }],
        ..Default::default()
    });
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in ["10.30.0.0/16", "210987654321/sg-0e1f2a3b"] {
        let said = format!("sgr-1 (TCP 2113 from {said})");
        assert!(text.contains(&said), "{text}");
    }
}

#[test]
fn a_network_as_it_was_counts_what_was_left_from_then() {
    let then = "2020-03-01T09:00:00Z".parse::<DateTime<Utc>>().unwrap();
    let last = v1::EventPlace {
        time: at((then - TimeDelta::hours(1)).timestamp()),
        ..Default::default()
    };
    let answer = v1::GetNetworkAtResponse {
        peerings: vec![Peering {
            expires_at: at((then + TimeDelta::minutes(90)).timestamp()),
            ..waiting()
        }],
        last: Some(last),
        ..Default::default()
    };
    let answers = [answer];
    let told = network_at(&answers, Some(then));
    assert!(told.contains("(1 h 30 min left)"), "{told}");
    let told = network_at(&answers, None);
    assert!(
        told.contains("(2 h 30 min left)"),
        "at the last event: {told}"
    );
}
