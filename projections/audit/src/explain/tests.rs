//! Histories of one peering, event by event, with the calls that stand beside them.

#![allow(clippy::unwrap_used)]

use super::{
    Answer, Causes, Command, around, explain,
    subject::{Subject, Topic},
};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    CloudCall, CloudCalls, CommandId, Digest, EventId, NetworkId, PeeringId, Side,
    network::{LinkOption, NetworkEvent, Thing, Where},
};
use journal::{Body, Metadata, Position, Recorded};
use serde_json::{Value, json};
use std::fs;
use uuid::Uuid;

const ROUTE: &str = "10.101.0.0/16";
const TABLE: &str = "rtb-0d1e2f30415263748";

/// A history that is being written.
#[derive(Default)]
struct History(Vec<Recorded>);

impl History {
    /// What a command of this number decided.
    fn decided(mut self, command: u128, event_type: &str, data: Value) -> Self {
        self.push(command, event_type, data, None);
        self
    }

    /// What the engine recorded, with the calls before it; `None`: it kept none.
    fn recorded(mut self, event_type: &str, data: Value, calls: Option<&[CloudCall]>) -> Self {
        let calls = calls.map(|it| CloudCalls {
            calls: it.to_vec(),
            omitted: 0,
        });
        self.push(1_000 + self.0.len() as u128, event_type, data, calls);
        self
    }

    fn push(&mut self, command: u128, event_type: &str, data: Value, calls: Option<CloudCalls>) {
        let mut data = data;
        data["peering_id"] = json!(PeeringId(Uuid::from_u128(1)));
        let event: NetworkEvent =
            serde_json::from_value(json!({ "type": event_type, "data": data })).unwrap();
        let revision = self.0.len() as u64;
        let command_id = CommandId(Uuid::from_u128(command));
        self.0.push(Recorded {
            stream: NetworkId(Uuid::nil()).stream(),
            network_id: Some(NetworkId(Uuid::nil())),
            revision,
            position: Position {
                commit: revision,
                prepare: revision,
            },
            event_id: EventId(Uuid::from_u128(revision.into())),
            created: DateTime::UNIX_EPOCH,
            metadata: Some(Metadata {
                correlation_id: command_id.0,
                causation_id: command_id.0,
                command_id,
                command_digest: Digest::of(&command).unwrap(),
                actor: "ada".parse().unwrap(),
                schema_version: 1,
                traceparent: None,
                time: Some(DateTime::UNIX_EPOCH + TimeDelta::seconds(revision as i64)),
                reason: None,
                ticket: None,
                command: None,
                cloud_calls: calls,
                cloud: None,
                term: None,
            }),
            data: Bytes::new(),
            stored: journal::Stored::default(),
            body: Body::Event(event),
        });
    }

    fn requested() -> Self {
        let peer = json!({
            "provider": "aws", "account": "444455556601", "region": "us-east-1",
            "cloud_network": "vpc-0f9e8d7c6b5a0001", "ranges": [ROUTE],
        });
        let at = DateTime::<Utc>::UNIX_EPOCH;
        Self::default().decided(
            1,
            "PeeringRequested",
            json!({ "peer": peer, "requested_at": at }),
        )
    }

    fn starts(self, attempt: u32) -> Self {
        let at = DateTime::<Utc>::UNIX_EPOCH;
        self.recorded(
            "PeeringInitiationStarted",
            json!({ "attempt": attempt, "started_at": at }),
            Some(&[]),
        )
    }

    fn initiated(self, calls: Option<&[CloudCall]>) -> Self {
        self.recorded(
            "PeeringInitiated",
            json!({ "link": "pcx-1", "expires_at": null }),
            calls,
        )
    }

    fn about_to_install(self) -> Self {
        let things = json!([thing()]);
        self.recorded(
            "InstallationStarted",
            json!({ "side": "local", "things": things }),
            Some(&[]),
        )
    }

    fn installed(self, calls: Option<&[CloudCall]>) -> Self {
        self.recorded(
            "RouteInstalled",
            json!({ "side": "local", "destination": ROUTE, "route_table": TABLE }),
            calls,
        )
    }
}

fn thing() -> Thing {
    Thing::Route {
        at: Where::Table(TABLE.parse().unwrap()),
        destination: ROUTE.parse().unwrap(),
    }
}

fn call(operation: &str, thing: Option<Thing>) -> CloudCall {
    CloudCall {
        operation: operation.to_owned(),
        changes: operation != "links",
        thing,
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        started: DateTime::UNIX_EPOCH,
        duration_ms: 20,
        attempt: 1,
        outcome: "ok".to_owned(),
        code: None,
        request_id: Some("4f0d".to_owned()),
    }
}

/// What became of the intent of this revision.
fn answer(commands: &[Command], revision: u64) -> Answer {
    let decisions = commands.iter().flat_map(|it| &it.decisions);
    let mut outcomes = decisions.flat_map(|it| &it.outcomes);
    let found = outcomes.find(|it| it.event.revision == revision).unwrap();
    let [one] = &*found.answers else {
        panic!("{:?}", found.answers);
    };
    one.answer
}

#[test]
fn a_call_whose_answer_is_on_record_answers_its_intent() {
    let calls = [call("create_link", None), call("links", None)];
    let history = History::requested().starts(1).initiated(Some(&calls));
    assert_eq!(answer(&explain(&history.0), 1), Answer::Called { by: 2 });
}

#[test]
fn of_what_was_recorded_at_once_each_event_has_the_call_that_made_it_and_the_first_the_others() {
    let mut failed = call("install_route", Some(thing()));
    failed.outcome = "throttled".to_owned();
    let calls = vec![
        call("links", None),
        call("create_group", Some(Thing::Group)),
        failed,
        call("install_route", Some(thing())),
        call("create_group", Some(Thing::Group)),
    ];
    let mut history = History::requested().about_to_install();
    let made = |side: &str| json!({ "side": side, "group": "sg-1" });
    let at_once = CloudCalls { calls, omitted: 3 };
    history.push(2_000, "FirewallGroupCreated", made("local"), Some(at_once));
    let route = json!({ "side": "local", "destination": ROUTE, "route_table": TABLE });
    history.push(2_000, "RouteInstalled", route, None);
    history.push(2_000, "FirewallGroupCreated", made("remote"), None);
    // Recorded by itself: it takes nothing of what was recorded before.
    let history = history.recorded("FirewallGroupCreated", made("remote"), Some(&[]));
    let commands = explain(&history.0);
    let outcomes = commands.iter().flat_map(|it| &it.decisions);
    let mut outcomes = outcomes.flat_map(|it| &it.outcomes);
    let mut of = |revision: u64| {
        let found = outcomes.find(|it| it.event.revision == revision).unwrap();
        let calls = found.calls.clone().unwrap_or_default();
        let named = calls.calls.iter();
        let named = named.map(|it| (it.operation.clone(), it.outcome.clone()));
        (named.collect::<Vec<_>>(), calls.omitted)
    };
    let told = |calls: &[(&str, &str)]| {
        let told = calls.iter();
        let told = told.map(|(one, other)| ((*one).to_owned(), (*other).to_owned()));
        told.collect::<Vec<_>>()
    };
    let (first, omitted) = of(2);
    let own = [
        ("links", "ok"),
        ("create_group", "ok"),
        ("install_route", "throttled"),
    ];
    assert_eq!((first, omitted), (told(&own), 3));
    assert_eq!(of(3), (told(&[("install_route", "ok")]), 0));
    assert_eq!(of(4), (told(&[("create_group", "ok")]), 0));
    assert_eq!(of(5), (Vec::new(), 0));
    assert_eq!(answer(&commands, 1), Answer::Called { by: 3 });
}

#[test]
fn an_intent_that_a_crash_left_is_told_as_such_whether_or_not_something_came_of_it() {
    let reads = [call("links", None)];
    let seen = History::requested().starts(1).initiated(Some(&reads));
    assert_eq!(answer(&explain(&seen.0), 1), Answer::Seen { by: 2 });
    let nothing = History::requested().starts(1);
    assert_eq!(answer(&explain(&nothing.0), 1), Answer::Unknown);
    // The second attempt was answered, and that says nothing of the first.
    let calls = [call("create_link", None)];
    let again = History::requested()
        .starts(1)
        .starts(2)
        .initiated(Some(&calls));
    let told = explain(&again.0);
    assert_eq!(answer(&told, 1), Answer::Unknown);
    assert_eq!(answer(&told, 2), Answer::Called { by: 3 });
}

#[test]
fn what_an_earlier_release_recorded_is_told_as_kept_without_calls() {
    let history = History::requested().starts(1).initiated(None);
    assert_eq!(answer(&explain(&history.0), 1), Answer::NotKept { by: 2 });
}

#[test]
fn each_thing_of_an_installation_has_its_own_answer() {
    let made = [call("install_route", Some(thing()))];
    let other = [call("install_route", Some(Thing::Group))];
    let history = History::requested()
        .about_to_install()
        .installed(Some(&made));
    assert_eq!(answer(&explain(&history.0), 1), Answer::Called { by: 2 });
    let history = History::requested()
        .about_to_install()
        .installed(Some(&other));
    assert_eq!(answer(&explain(&history.0), 1), Answer::Seen { by: 2 });
    // A call that failed is an answer, though nothing came of it.
    let history = History::requested().about_to_install().recorded(
        "ProvisioningUnblocked",
        json!({}),
        Some(&made),
    );
    assert_eq!(answer(&explain(&history.0), 1), Answer::Called { by: 2 });
}

#[test]
fn what_followed_belongs_to_the_last_decision_on_the_same_and_all_of_an_end_to_the_end() {
    let accepted = json!({ "side": "local", "destination": ROUTE });
    let at = DateTime::<Utc>::UNIX_EPOCH;
    let history = History::requested()
        .decided(2, "RouteAccepted", accepted)
        .decided(
            3,
            "FirewallRestricted",
            json!({ "side": "local", "admit": [] }),
        )
        .installed(Some(&[]))
        .initiated(Some(&[]))
        .decided(
            4,
            "PeeringRemovalRequested",
            json!({ "reason": "over", "requested_at": at }),
        )
        .installed(Some(&[]));
    let told = explain(&history.0);
    let tree: Vec<(u128, Vec<u64>)> = told
        .iter()
        .map(|it| {
            let outcomes = it.decisions.iter().flat_map(|it| &it.outcomes);
            let id = it.id.unwrap().0.as_u128();
            (id, outcomes.map(|it| it.event.revision).collect())
        })
        .collect();
    assert_eq!(
        tree,
        [(1, vec![4]), (2, vec![3]), (3, vec![]), (4, vec![6])]
    );
}

#[test]
fn around_an_event_stand_its_command_its_decision_and_the_intents_that_it_answers() {
    let calls = [call("create_link", None)];
    let history = History::requested()
        .starts(1)
        .initiated(Some(&calls))
        .installed(Some(&[]))
        .decided(
            2,
            "RouteAccepted",
            json!({ "side": "remote", "destination": ROUTE }),
        );
    let part = around(explain(&history.0), 2);
    let [command] = &*part else {
        panic!("{part:?}");
    };
    let outcomes = &command.decisions[0].outcomes;
    let told: Vec<_> = outcomes.iter().map(|it| it.event.revision).collect();
    assert_eq!(told, [1, 2]);
    assert_eq!(outcomes[1].calls.as_ref().unwrap().calls, calls);
    let decision = around(explain(&history.0), 0);
    assert_eq!(decision[0].decisions[0].outcomes.len(), 3);
    assert_eq!(around(explain(&history.0), 99), []);
}

#[test]
fn two_events_of_one_command_are_one_command_and_an_event_before_any_is_told_without() {
    let history = History::default()
        .initiated(None)
        .decided(
            7,
            "RouteAccepted",
            json!({ "side": "local", "destination": ROUTE }),
        )
        .decided(
            7,
            "FirewallRestricted",
            json!({ "side": "local", "admit": [] }),
        );
    let told = explain(&history.0);
    assert_eq!(told.len(), 2);
    assert_eq!((told[0].id, told[1].decisions.len()), (None, 2));
}

/// Each sample of the domain with what it is about.
#[test]
fn event_by_event_each_outcome_goes_back_to_the_command_that_the_tree_tells() {
    let route = |side: &str| json!({ "side": side, "destination": ROUTE });
    let history = History::requested()
        .starts(1)
        .initiated(Some(&[call("CreateVpcPeeringConnection", None)]))
        .decided(2, "RouteAccepted", route("local"))
        .decided(3, "RouteAccepted", route("remote"))
        .about_to_install()
        .installed(Some(&[call("CreateRoute", Some(thing()))]))
        .decided(4, "RouteWithdrawn", route("local"))
        .recorded(
            "RouteRemoved",
            json!({ "side": "local", "destination": ROUTE, "route_table": TABLE }),
            Some(&[]),
        )
        .decided(
            5,
            "PeeringRemovalRequested",
            json!({ "reason": "over", "requested_at": DateTime::<Utc>::UNIX_EPOCH }),
        )
        .recorded(
            "RouteRemoved",
            json!({ "side": "remote", "destination": ROUTE, "route_table": TABLE }),
            Some(&[]),
        );
    let mut causes = Causes::default();
    let told: Vec<_> = history
        .0
        .iter()
        .filter_map(|it| Some((it.revision, causes.follow(it)?)))
        .collect();
    let commands = explain(&history.0);
    let mut tree: Vec<_> = commands
        .iter()
        .flat_map(|command| {
            let outcomes = command.decisions.iter().flat_map(|it| &it.outcomes);
            outcomes.map(|it| (it.event.revision, command.id.unwrap()))
        })
        .collect();
    tree.sort_unstable();
    assert_eq!(told, tree);
    let of = |revision: u64| told.iter().find(|it| it.0 == revision).unwrap().1;
    let command = |number: u128| CommandId(Uuid::from_u128(number));
    assert_eq!(of(2), command(1), "what began it explains the link");
    assert_eq!(of(6), command(2), "and not the other side's route");
    assert_eq!((of(8), of(10)), (command(4), command(5)));
    // Kept beside the peering, and read again.
    let kept = serde_json::to_value(&causes).unwrap();
    assert_eq!(serde_json::from_value::<Causes>(kept).unwrap(), causes);
}

#[test]
fn however_many_routes_there_were_what_is_kept_of_their_commands_is_bounded_and_the_first_stays() {
    let mut history = History::requested();
    for number in 0..1_500_u128 {
        let range = format!("10.{}.{}.0/24", number / 250, number % 250);
        let route = json!({ "side": "local", "destination": range });
        history = history.decided(2 + number, "RouteAccepted", route);
    }
    let mut causes = Causes::default();
    for event in &history.0 {
        assert_eq!(causes.follow(event), None);
    }
    let kept = serde_json::to_value(&causes).unwrap();
    assert_eq!(kept.as_array().unwrap().len(), 1_000);
    let link = History::requested().starts(1).0.pop().unwrap();
    let first = CommandId(Uuid::from_u128(1));
    assert_eq!(causes.follow(&link), Some(first));
}

#[test]
fn each_event_is_about_what_is_written_down() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../domain/golden");
    let files = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|it| it.extension().is_some_and(|it| it == "json"))
        .collect();
    files.sort();
    let lines = files.iter().map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let event_type = name.split('.').next().unwrap();
        let Body::Event(event) = journal::decode(event_type, 1, &fs::read(path).unwrap()) else {
            panic!("{name}")
        };
        format!("{name}: {:?}\n", Topic::of(&event))
    });
    let made: String = lines.collect();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/topics.txt");
    #[expect(
        clippy::disallowed_methods,
        reason = "the table is made anew on request"
    )]
    if std::env::var_os("PEERAGE_UPDATE_GOLDEN").is_some() {
        fs::write(golden, &made).unwrap();
    }
    assert_eq!(fs::read_to_string(golden).unwrap_or_default(), made);
}

#[test]
fn a_decision_explains_what_is_of_its_side_and_its_thing_and_an_end_explains_all() {
    let range = |text: &str| text.parse().unwrap();
    let all = |side| {
        [
            Topic::Whole,
            Topic::Route(side, range(ROUTE)),
            Topic::Route(side, range("10.20.0.0/16")),
            Topic::Routes(side),
            Topic::Firewall(side),
            Topic::Attachment(side),
            Topic::Denial(side),
            Topic::Option(side, LinkOption::GatewayTransit),
            Topic::Option(side, LinkOption::DnsResolution),
        ]
    };
    let (local, remote) = (all(Side::Local), all(Side::Remote));
    for (at, decision) in local.iter().enumerate() {
        for (of, event) in local.iter().enumerate() {
            let is_same = at == of || matches!((at, of), (1 | 2, 3) | (4, 5 | 6));
            let expected = match (at, is_same) {
                (_, true) => Subject::Same,
                (0, false) => Subject::Beginning,
                (_, false) => Subject::Another,
            };
            assert_eq!(decision.fits(event), expected, "{decision:?} {event:?}");
        }
        for event in &remote[1..] {
            let expected = if at == 0 {
                Subject::Beginning
            } else {
                Subject::Another
            };
            assert_eq!(decision.fits(event), expected, "{decision:?} {event:?}");
        }
        assert_eq!(Topic::End.fits(decision), Subject::End);
    }
}

/// An event's type and its data.
type Said = (&'static str, Value);

/// A thing, an event that shows it, and events that show another or give it up elsewhere.
fn things() -> Vec<(Value, Said, Vec<Said>)> {
    let rule = |port: u16| json!({ "source": ROUTE, "port": port });
    let at_table =
        |table: &str| json!({ "kind": "route", "where": { "table": table }, "destination": ROUTE });
    let exchanged = json!({ "kind": "route", "where": "exchange", "destination": ROUTE });
    let group = json!({ "kind": "group" });
    let installed = |side: &str, table: &str, to: &str| json!({ "side": side, "destination": to, "route_table": table });
    let enforced = |side: &str, at: Value, to: &str| json!({ "side": side, "where": [at], "destinations": [to] });
    let exchange = || json!("exchange");
    let authorized =
        |side: &str, port: u16| json!({ "side": side, "rule": rule(port), "rule_id": "sgr-1" });
    let denial =
        |number: u16| json!({ "list": "acl-1", "number": number, "denies": { "source": ROUTE } });
    let denied = |side: &str, number: u16| json!({ "side": side, "denial": denial(number) });
    let attached = |side: &str, interface: &str| json!({ "side": side, "group": "sg-1", "interface": interface });
    let applied =
        |side: &str, option: &str| json!({ "side": side, "option": option, "enabled": true });
    let created = |side: &str| json!({ "side": side, "group": "sg-1" });
    vec![
        (
            at_table(TABLE),
            ("RouteInstalled", installed("local", TABLE, ROUTE)),
            vec![
                ("RouteInstalled", installed("remote", TABLE, ROUTE)),
                ("RouteInstalled", installed("local", "rtb-2", ROUTE)),
                ("RouteInstalled", installed("local", TABLE, "10.9.0.0/16")),
                (
                    "RoutesEnforced",
                    enforced("local", json!({ "table": TABLE }), ROUTE),
                ),
            ],
        ),
        (
            exchanged,
            ("RoutesEnforced", enforced("local", exchange(), ROUTE)),
            vec![
                ("RoutesEnforced", enforced("remote", exchange(), ROUTE)),
                (
                    "RoutesEnforced",
                    enforced("local", exchange(), "10.9.0.0/16"),
                ),
                ("RouteInstalled", installed("local", TABLE, ROUTE)),
            ],
        ),
        (
            group.clone(),
            ("FirewallGroupCreated", created("local")),
            vec![
                ("FirewallGroupCreated", created("remote")),
                ("FirewallRuleAuthorized", authorized("local", 2113)),
            ],
        ),
        (
            json!({ "kind": "rule", "source": ROUTE, "port": 2113 }),
            ("FirewallRuleAuthorized", authorized("local", 2113)),
            vec![
                ("FirewallRuleAuthorized", authorized("remote", 2113)),
                ("FirewallRuleAuthorized", authorized("local", 443)),
            ],
        ),
        (
            json!({ "kind": "attachment", "interface": "eni-1" }),
            ("FirewallGroupAttached", attached("local", "eni-1")),
            vec![
                ("FirewallGroupAttached", attached("remote", "eni-1")),
                ("FirewallGroupAttached", attached("local", "eni-2")),
            ],
        ),
        (
            json!({ "kind": "denial", "denial": denial(1) }),
            ("DenialMade", denied("local", 1)),
            vec![
                ("DenialMade", denied("remote", 1)),
                ("DenialMade", denied("local", 2)),
            ],
        ),
        (
            json!({ "kind": "option", "option": "gateway_transit" }),
            ("LinkOptionApplied", applied("local", "gateway_transit")),
            vec![
                ("LinkOptionApplied", applied("remote", "gateway_transit")),
                ("LinkOptionApplied", applied("local", "dns_resolution")),
            ],
        ),
    ]
}

#[test]
fn a_thing_is_seen_where_it_is_shown_itself_and_what_is_about_another_settles_nothing() {
    let of = |side: &str, thing: &Value| json!({ "side": side, "things": [thing] });
    for (thing, (shows, shown), others) in things() {
        let about =
            || History::requested().recorded("InstallationStarted", of("local", &thing), Some(&[]));
        let seen = about().recorded(shows, shown, Some(&[]));
        assert_eq!(
            answer(&explain(&seen.0), 1),
            Answer::Seen { by: 2 },
            "{thing}"
        );
        for (other, data) in others {
            let history = about().recorded(other, data.clone(), Some(&[]));
            let told = answer(&explain(&history.0), 1);
            assert_eq!(told, Answer::Unknown, "{thing} by {other} {data}");
        }
        let another =
            json!({ "kind": "route", "where": { "table": "rtb-9" }, "destination": "10.9.0.0/16" });
        for (event_type, side, of_it, expected) in [
            ("InstallationEnded", "local", &thing, Answer::Seen { by: 2 }),
            ("InstallationEnded", "remote", &thing, Answer::Unknown),
            ("InstallationEnded", "local", &another, Answer::Unknown),
        ] {
            let history = about().recorded(event_type, of(side, of_it), Some(&[]));
            assert_eq!(
                answer(&explain(&history.0), 1),
                expected,
                "{thing} {side} {of_it}"
            );
        }
        // What is announced once more answers to that; another thing that is announced does not.
        for (again, side, expected) in [
            (&thing, "local", Answer::Unknown),
            (&thing, "remote", Answer::Called { by: 3 }),
            (&another, "local", Answer::Called { by: 3 }),
        ] {
            let called = [call(
                "put",
                Some(serde_json::from_value(thing.clone()).unwrap()),
            )];
            let history = about()
                .recorded("InstallationStarted", of(side, again), Some(&[]))
                .recorded("ProvisioningUnblocked", json!({}), Some(&called));
            assert_eq!(
                answer(&explain(&history.0), 1),
                expected,
                "{thing} {side} {again}"
            );
        }
    }
}

#[test]
fn a_half_is_answered_by_its_own_side_and_its_own_request() {
    const REQUEST: &str = "089c1036-6515-52c6-b1a3-7036626a4b63";
    const OTHER: &str = "7a510c9e-1b2d-4f3a-8c4d-5e6f7a8b9c0d";
    let at = DateTime::<Utc>::UNIX_EPOCH;
    let starts = |change: &str| {
        let data = json!({
            "side": "remote", "change": change, "link": "peerage-1", "request_id": REQUEST,
            "started_at": at,
        });
        History::requested().recorded("HalfChangeStarted", data, Some(&[]))
    };
    let half = |side: &str| json!({ "side": side, "link": "peerage-1" });
    let operation = |request: &str| json!({ "side": "remote", "operation": "operation-1", "request_id": request });
    let failed = |side: &str| json!({ "side": side, "operation": "operation-1", "message": "QUOTA_EXCEEDED" });
    let seen = Answer::Seen { by: 2 };
    for (change, event_type, data, expected) in [
        ("make", "HalfMade", half("remote"), seen),
        ("make", "HalfMade", half("local"), Answer::Unknown),
        ("make", "HalfRemoved", half("remote"), Answer::Unknown),
        ("remove", "HalfRemoved", half("remote"), seen),
        ("remove", "HalfRemoved", half("local"), Answer::Unknown),
        ("remove", "HalfMade", half("remote"), Answer::Unknown),
        ("make", "HalfOperationStarted", operation(REQUEST), seen),
        (
            "make",
            "HalfOperationStarted",
            operation(OTHER),
            Answer::Unknown,
        ),
        ("make", "HalfOperationFailed", failed("remote"), seen),
        (
            "make",
            "HalfOperationFailed",
            failed("local"),
            Answer::Unknown,
        ),
    ] {
        let history = starts(change).recorded(event_type, data.clone(), Some(&[]));
        let told = answer(&explain(&history.0), 1);
        assert_eq!(told, expected, "{change}: {event_type} {data}");
    }
    for (change, operation, is_it) in [
        ("make", "create_link", true),
        ("make", "accept_link", true),
        ("make", "delete_link", false),
        ("remove", "delete_link", true),
        ("remove", "create_link", false),
    ] {
        let calls = [call(operation, None)];
        let history = starts(change).recorded("ProvisioningUnblocked", json!({}), Some(&calls));
        let expected = if is_it {
            Answer::Called { by: 2 }
        } else {
            Answer::Unknown
        };
        assert_eq!(
            answer(&explain(&history.0), 1),
            expected,
            "{change} {operation}"
        );
    }
    // A refusal answers the attempt that it is of.
    let refused = |attempt: u32| {
        let data = json!({ "attempt": attempt, "message": "no", "refused_at": at });
        let history = History::requested().starts(2);
        let history = history.recorded("PeeringInitiationRefused", data, Some(&[]));
        answer(&explain(&history.0), 1)
    };
    assert_eq!((refused(2), refused(1)), (seen, Answer::Unknown));
}
