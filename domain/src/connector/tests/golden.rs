//! The stored form of the events, for ever.

use super::*;
use crate::golden::same;
use serde_json::Value;

/// Settings in which everything is said.
fn all_settings() -> Settings {
    let sealed = json!({ "sealed": "c2VhbGVk", "print": "cHJpbnQ" });
    serde_json::from_value(json!({
        "sink": {
            "type": "webhook",
            "url": "https://hooks.example.com/{network}/{event-type}",
            "method": "PUT",
            "format": "cloud_events",
            "headers": { "x-team": { "plain": "network" }, "x-api-key": { "secret": sealed } },
            "authentication": {
                "method": "client_credentials", "token_url": "https://idp.example.com/token",
                "client_id": "peerage", "client_secret": sealed, "scope": "hooks", "audience": "hooks",
            },
            "client_certificate": { "chain": "-----BEGIN CERTIFICATE-----", "key": sealed },
            "authorities": "-----BEGIN CERTIFICATE-----",
            "signing": [
                { "scheme": "v1", "key": sealed },
                { "scheme": "v1a", "key": sealed, "public_key": "whpk_AAAA", "until": "2027-01-02T03:04:05Z" },
            ],
            "allowed_ranges": ["10.0.0.0/8"],
            "allowed_hosts": ["hooks.internal.example.com"],
            "timeout_ms": 20_000,
            "batch": { "max_records": 50, "max_wait_ms": 200 },
        },
        "filter": { "scope": "record", "type": "regex", "expression": "^Peering" },
        "initial_position": "earliest",
        "lanes": "peering",
        "resilience": {
            "preset": "delay-bounds",
            "first_delay_bound": { "delay_ms": 5_000, "upper_limit_ms": 60_000 },
            "second_delay_bound": { "delay_ms": 600_000, "upper_limit_ms": 3_600_000 },
            "third_delay_bound": { "delay_ms": 3_600_000, "upper_limit_ms": -1 },
        },
        "on_exhaustion": "block",
        "after_park": "hold",
    }))
    .expect("settings")
}

fn one_of_each() -> Vec<ConnectorEvent> {
    let position = LogPosition {
        commit: 4_711,
        prepare: 4_711,
    };
    vec![
        ConnectorEvent::ConnectorCreated(ConnectorCreated {
            name: name("to the auditors"),
            settings: all_settings(),
        }),
        ConnectorEvent::ConnectorActivating(ConnectorActivating {
            start_from: Some(StartFrom::After(position)),
        }),
        ConnectorEvent::ConnectorRunning(ConnectorRunning {
            host: "db1 127.0.0.1:2114".to_owned(),
            term: 7,
            after: Some(position),
        }),
        ConnectorEvent::ConnectorDeactivating {},
        ConnectorEvent::ConnectorStopped {},
        ConnectorEvent::ConnectorFailed(failure(FailureCode::EndpointGone)),
        ConnectorEvent::ConnectorRestarted(failure(FailureCode::Store)),
        ConnectorEvent::ConnectorPaused(Pause::new(Some(401), "unauthorized")),
        ConnectorEvent::ConnectorRecovered {},
        ConnectorEvent::ConnectorReconfigured(ConnectorReconfigured { settings: hook() }),
        ConnectorEvent::ConnectorRenamed(ConnectorRenamed {
            name: name("to the board"),
        }),
        ConnectorEvent::ConnectorReset(ConnectorReset {
            start_from: StartFrom::Earliest,
        }),
        ConnectorEvent::ConnectorDeleted {},
    ]
}

/// Settings with what was added later: optional, and absent in every older sample.
#[test]
fn settings_with_a_transform_are_stored_as_their_sample_and_read_again() {
    let mut settings = hook();
    settings.transformer = Some(Transformer {
        function: "function transform(record) {\n  delete record.value.peer;\n}\n".to_owned(),
    });
    let event = ConnectorReconfigured { settings };
    let text = serde_json::to_string_pretty(&event).expect("JSON");
    let text = format!("{text}\n");
    same(
        "connector/ConnectorReconfigured.v1.with_a_transform.json",
        &text,
    );
    let again: ConnectorReconfigured = serde_json::from_str(&text).expect("it is read");
    assert_eq!(again, event);
}

#[test]
fn every_event_is_stored_as_its_sample_and_the_sample_is_read_again() {
    let all = one_of_each();
    let names: Vec<_> = all.iter().map(ConnectorEvent::name).collect();
    assert_eq!(names, ConnectorEvent::NAMES);
    for event in all {
        let Value::Object(mut tagged) = serde_json::to_value(&event).expect("JSON") else {
            panic!("{event:?}")
        };
        assert_eq!(tagged["type"], event.name());
        let data = tagged.remove("data").expect("what it says");
        let text = format!("{}\n", serde_json::to_string_pretty(&data).expect("JSON"));
        same(&format!("connector/{}.v1.json", event.name()), &text);
        let stored: Value = serde_json::from_str(&text).expect("JSON");
        let again = json!({ "type": event.name(), "data": stored });
        assert_eq!(
            serde_json::from_value::<ConnectorEvent>(again).expect("it is read"),
            event
        );
    }
}
