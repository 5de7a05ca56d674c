//! Histories of one peering, event by event, with the calls that stand beside them.

#![allow(clippy::unwrap_used)]

use super::{Answer, Command, around, explain};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    CloudCall, CloudCalls, CommandId, Digest, EventId, NetworkId, PeeringId,
    network::{NetworkEvent, Thing, Where},
};
use journal::{Body, Metadata, Position, Recorded};
use serde_json::{Value, json};
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
