//! Each bound of settings from both sides, what settings change of a connector, and the words that
//! are stored or shown.

use super::*;
use serde_json::Value;

/// Settings of JSON that are as usual but for the value at one place.
fn with(all: &Value, place: &str, value: Value) -> Settings {
    let mut all = all.clone();
    let (parent, key) = place.rsplit_once('/').expect("a place");
    all.pointer_mut(parent).expect("its parent")[key] = value;
    serde_json::from_value(all).expect("settings")
}

fn webhook() -> Value {
    json!({
        "sink": {
            "type": "webhook", "url": "https://hooks.example.com/peerage",
            "batch": { "max_records": 10, "max_wait_ms": 100 },
            "client_certificate": { "chain": "PEM", "key": { "sealed": "c2VhbGVk", "print": "p" } },
        },
        "resilience": {
            "preset": "delay-bounds",
            "first_delay_bound": { "delay_ms": 10, "upper_limit_ms": 100 },
            "second_delay_bound": { "delay_ms": 10, "upper_limit_ms": 200 },
            "third_delay_bound": { "delay_ms": 10, "upper_limit_ms": 300 },
        },
        "transformer": { "function": "function transform(r) {}" },
    })
}

fn file() -> Value {
    json!({ "sink": { "type": "file", "name": "events", "max_bytes": 10_000, "keep": 5 } })
}

#[test]
fn each_number_has_a_least_and_a_most_and_nothing_beside_them_is_wrong() {
    let delays = ["first", "second", "third"];
    let delays = delays.map(|it| {
        (
            format!("/resilience/{it}_delay_bound/delay_ms"),
            1,
            86_400_000,
        )
    });
    let numbers = [
        ("/sink/timeout_ms", 100, 60_000),
        ("/sink/batch/max_records", 1, 500),
        ("/sink/batch/max_wait_ms", 0, 60_000),
    ];
    let numbers = numbers.map(|(place, least, most)| (place.to_owned(), least, most));
    let files = [
        ("/sink/max_bytes", 4_096, 1 << 40),
        ("/sink/keep", 1, 1_000),
    ];
    let files = files.map(|(place, least, most)| (place.to_owned(), least, most));
    let of_webhooks = numbers.into_iter().chain(delays).map(|it| (webhook(), it));
    let of_files = files.into_iter().map(|it| (file(), it));
    for (all, (place, least, most)) in of_webhooks.chain(of_files) {
        let wrong = |value: u64| with(&all, &place, value.into()).check();
        assert_eq!(wrong(least), [], "{place}");
        assert_eq!(wrong(most), [], "{place}");
        let mut beyond = vec![most + 1];
        beyond.extend(least.checked_sub(1));
        for value in beyond {
            let found = wrong(value);
            assert!(
                matches!(
                    found[..],
                    [SettingsError::OutOfBounds { value: it, least: from, most: to, .. }]
                        if (it, from, to) == (value, least, most)
                ),
                "{place}: {found:?}"
            );
        }
    }
}

#[test]
fn there_may_be_so_many_of_each_thing_and_so_long_texts_and_not_one_more() {
    let key = json!({ "scheme": "v1", "key": { "sealed": "c2VhbGVk", "print": "p" } });
    let headers = |many: usize| {
        let all = (0..many).map(|it| (format!("x-{it}"), json!({ "plain": "value" })));
        Value::Object(all.collect())
    };
    let ranges = |many: usize| {
        (0..many)
            .map(|it| json!(format!("10.0.{it}.0/24")))
            .collect()
    };
    let hosts = |many: usize| {
        (0..many)
            .map(|it| json!(format!("h{it}.example.com")))
            .collect()
    };
    let keys = |many: usize| std::iter::repeat_n(key.clone(), many).collect();
    type Many<'a> = &'a dyn Fn(usize) -> Value;
    let many: [(&str, Many<'_>, usize); 4] = [
        ("/sink/headers", &headers, 32),
        ("/sink/allowed_ranges", &ranges, 32),
        ("/sink/allowed_hosts", &hosts, 32),
        ("/sink/signing", &keys, 4),
    ];
    for (place, of, most) in many {
        assert_eq!(with(&webhook(), place, of(most)).check(), [], "{place}");
        let wrong = with(&webhook(), place, of(most + 1)).check();
        let is_too_many = |it: &SettingsError| matches!(it, SettingsError::TooMany { given, most: to, .. } if (*given, *to) == (most + 1, most));
        assert!(
            wrong.len() == 1 && is_too_many(&wrong[0]),
            "{place}: {wrong:?}"
        );
    }
    for place in ["/sink/client_certificate/chain", "/sink/authorities"] {
        let of = |length: usize| with(&webhook(), place, "x".repeat(length).into()).check();
        assert_eq!(of(32_768), [], "{place}");
        let wrong = of(32_769);
        assert!(
            matches!(
                wrong[..],
                [SettingsError::TooLong {
                    length: 32_769,
                    most: 32_768,
                    ..
                }]
            ),
            "{place}: {wrong:?}"
        );
    }
    let function = |length: usize| {
        with(
            &webhook(),
            "/transformer/function",
            "x".repeat(length).into(),
        )
    };
    assert_eq!(function(1).check(), []);
    assert_eq!(function(32_768).check(), []);
    assert_eq!(function(0).check().len(), 1);
    assert_eq!(function(32_769).check().len(), 1);
}

#[test]
fn what_does_not_go_together_is_told() {
    for (scope, kind, fits) in [
        ("stream", "stream_id", true),
        ("record", "stream_id", false),
        ("stream", "json_path", false),
        ("record", "json_path", true),
        ("stream", "prefix", true),
        ("record", "prefix", true),
        ("stream", "regex", true),
        ("record", "regex", true),
    ] {
        let filter = json!({ "scope": scope, "type": kind, "expression": "$.peer" });
        let wrong = with(&webhook(), "/filter", filter).check();
        let expected = (!fits).then_some(SettingsError::FilterScope);
        assert_eq!(wrong, Vec::from_iter(expected), "{scope} {kind}");
    }
    for (format, holds_several) in [
        ("envelope", true),
        ("record", false),
        ("cloud_events", true),
        ("cloud_events_binary", false),
    ] {
        let wrong = with(&webhook(), "/sink/format", format.into()).check();
        let expected = (!holds_several).then_some(SettingsError::BatchFormat);
        assert_eq!(wrong, Vec::from_iter(expected), "{format}");
    }
    let limit = |bound: &str, limit: i64| {
        let place = format!("/resilience/{bound}_delay_bound/upper_limit_ms");
        with(&webhook(), &place, limit.into()).check()
    };
    let wrong = [SettingsError::DelayBounds];
    assert_eq!(limit("first", 200), [], "they may end at the same time");
    assert_eq!(limit("first", 201), wrong);
    assert_eq!(limit("second", 300), []);
    assert_eq!(limit("second", 301), wrong);
    assert_eq!(limit("third", 200), []);
    assert_eq!(limit("third", 199), wrong);
    assert_eq!(limit("third", -1), [], "it has no end");
    assert_eq!(limit("first", -1), wrong);
}

#[test]
fn what_is_reconfigured_renamed_and_reset_is_so_from_then_on() {
    let stopped = [
        create(),
        start(None),
        running("db1", 7),
        ConnectorCommand::StopConnector {},
        report(ConnectorOutcome::Stopped),
    ];
    let other = settings("https://other.example.com/");
    let reconfigure = ReconfigureConnector {
        settings: other.clone(),
    };
    let rename = RenameConnector {
        name: name("to the others"),
    };
    let reset = ResetConnector {
        start_from: StartFrom::Earliest,
    };
    let before = after(&stopped);
    let before = defined(&before);
    let mut all = stopped.to_vec();
    all.extend([
        ConnectorCommand::ReconfigureConnector(reconfigure),
        ConnectorCommand::RenameConnector(rename),
        ConnectorCommand::ResetConnector(reset),
    ]);
    let connector = after(&all);
    let found = defined(&connector);
    assert_eq!(found.settings, other);
    assert_eq!(found.settings_revision, before.settings_revision + 1);
    assert_eq!(found.name, name("to the others"));
    assert_eq!(found.start.number, before.start.number + 1);
    assert_eq!(found.start.from, StartFrom::Earliest);
    assert!(!found.start.has_run);
    let position = InitialPosition::Latest;
    assert_eq!(StartFrom::from(position), StartFrom::Latest);
    let position = InitialPosition::Earliest;
    assert_eq!(StartFrom::from(position), StartFrom::Earliest);
}

#[test]
fn wrong_settings_make_no_connector_and_some_ids_are_the_engines_own() {
    let create = ConnectorCommand::CreateConnector(CreateConnector {
        name: name("to the auditors"),
        settings: wrong(),
    });
    let refused = decide(&Connector::Absent, &create, time(0));
    assert!(refused.is_err(), "{refused:?}");
    for (id, is_reserved) in [
        ("outward", true),
        ("provisioner", true),
        ("read-models", true),
        ("auditors", false),
    ] {
        let id: ConnectorId = id.parse().expect("an id");
        assert_eq!(id.is_reserved(), is_reserved, "{id}");
    }
    let id: ConnectorId = "auditors".parse().expect("an id");
    let streams = [id.stream(), id.checkpoints(), id.parked()];
    let expected = [
        "connector-auditors",
        "connectorCheckpoint-auditors",
        "connectorParked-auditors",
    ];
    assert_eq!(streams, expected);
}

#[test]
fn states_failures_and_commands_are_called_what_they_are_shown_as() {
    let pause = Pause::new(Some(503), "busy");
    let states = [
        State::Stopped,
        State::Activating,
        State::Running { paused: None },
        State::Running {
            paused: Some(pause),
        },
        State::Deactivating,
        State::Failed(failure(FailureCode::Task)),
    ];
    let expected = [
        "stopped",
        "activating",
        "running",
        "paused",
        "deactivating",
        "failed",
    ];
    assert_eq!(states.each_ref().map(State::name), expected);
    for code in [
        FailureCode::OtherLog,
        FailureCode::Settings,
        FailureCode::EndpointGone,
        FailureCode::Exhausted,
        FailureCode::Store,
        FailureCode::Transform,
        FailureCode::Task,
    ] {
        // It is stored under the same word.
        assert_eq!(serde_json::to_value(code).expect("a word"), code.as_str());
    }
    for (called, command) in commands() {
        let stored = serde_json::to_value(&command).expect("a command");
        assert_eq!(stored["type"], command.name(), "{called}");
    }
}
