//! What comes of each command in each state, what is stored, and for how long a connector begins
//! again by itself.

mod bounds;
mod golden;

use super::*;
use serde_json::json;

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
}

fn name(text: &str) -> ConnectorName {
    text.parse().expect("a name")
}

fn settings(url: &str) -> Settings {
    let sink = json!({ "type": "webhook", "url": url });
    serde_json::from_value(json!({ "sink": sink })).expect("settings")
}

fn hook() -> Settings {
    settings("https://hooks.example.com/peerage")
}

fn failure(code: FailureCode) -> Failure {
    Failure::new(code, "it broke")
}

fn create() -> ConnectorCommand {
    ConnectorCommand::CreateConnector(CreateConnector {
        name: name("to the auditors"),
        settings: hook(),
    })
}

fn start(start_from: Option<StartFrom>) -> ConnectorCommand {
    ConnectorCommand::StartConnector(StartConnector { start_from })
}

fn running(host: &str, term: u64) -> ConnectorCommand {
    ConnectorCommand::RecordConnector(ConnectorOutcome::Running {
        host: host.to_owned(),
        term,
        after: None,
    })
}

fn report(outcome: ConnectorOutcome) -> ConnectorCommand {
    ConnectorCommand::RecordConnector(outcome)
}

/// What is known after these commands, each a second after the one before.
fn after(commands: &[ConnectorCommand]) -> Connector {
    let mut connector = Connector::default();
    for (at, command) in commands.iter().enumerate() {
        let at = time(at as i64);
        let events = decide(&connector, command, at).expect("events");
        for event in events {
            connector = evolve(connector, &event, at);
        }
    }
    connector
}

fn defined(connector: &Connector) -> &Defined {
    match connector {
        Connector::Defined(defined) => defined,
        Connector::Absent | Connector::Deleted { .. } => panic!("{connector:?}"),
    }
}

fn states() -> Vec<(&'static str, Connector)> {
    let stop = || ConnectorCommand::StopConnector {};
    let pause = || report(ConnectorOutcome::Paused(Pause::new(Some(503), "busy")));
    let fail = || report(ConnectorOutcome::Failed(failure(FailureCode::OtherLog)));
    vec![
        ("absent", Connector::Absent),
        ("stopped", after(&[create()])),
        ("activating", after(&[create(), start(None)])),
        (
            "running",
            after(&[create(), start(None), running("db1", 7)]),
        ),
        (
            "paused",
            after(&[create(), start(None), running("db1", 7), pause()]),
        ),
        (
            "deactivating",
            after(&[create(), start(None), running("db1", 7), stop()]),
        ),
        ("failed", after(&[create(), start(None), fail()])),
        (
            "deleted",
            after(&[create(), ConnectorCommand::DeleteConnector {}]),
        ),
    ]
}

fn commands() -> Vec<(&'static str, ConnectorCommand)> {
    let reconfigure =
        |settings| ConnectorCommand::ReconfigureConnector(ReconfigureConnector { settings });
    let rename = |text| ConnectorCommand::RenameConnector(RenameConnector { name: name(text) });
    vec![
        ("create", create()),
        ("start", start(None)),
        ("start from", start(Some(StartFrom::Earliest))),
        ("stop", ConnectorCommand::StopConnector {}),
        (
            "reset",
            ConnectorCommand::ResetConnector(ResetConnector {
                start_from: StartFrom::Latest,
            }),
        ),
        (
            "reconfigure",
            reconfigure(settings("https://other.example.com/")),
        ),
        ("reconfigure as it is", reconfigure(hook())),
        ("reconfigure wrongly", reconfigure(wrong())),
        ("rename", rename("another name")),
        ("rename as it is", rename("to the auditors")),
        ("delete", ConnectorCommand::DeleteConnector {}),
        ("runs there", running("db1", 7)),
        ("runs elsewhere", running("db2", 8)),
        ("ran elsewhere before", running("db0", 6)),
        ("has stopped", report(ConnectorOutcome::Stopped)),
        (
            "broke",
            report(ConnectorOutcome::Broke(failure(FailureCode::Task))),
        ),
        (
            "failed",
            report(ConnectorOutcome::Failed(failure(FailureCode::EndpointGone))),
        ),
        (
            "paused",
            report(ConnectorOutcome::Paused(Pause::new(None, "no answer"))),
        ),
        ("recovered", report(ConnectorOutcome::Recovered)),
    ]
}

fn wrong() -> Settings {
    let mut wrong = hook();
    if let Sink::Webhook(webhook) = &mut wrong.sink {
        webhook.timeout_ms = 0;
    }
    wrong
}

/// Compiles only while every command has a row.
#[allow(dead_code)]
fn has_a_row(command: &ConnectorCommand) {
    match command {
        ConnectorCommand::CreateConnector(_)
        | ConnectorCommand::StartConnector(_)
        | ConnectorCommand::StopConnector {}
        | ConnectorCommand::ResetConnector(_)
        | ConnectorCommand::ReconfigureConnector(_)
        | ConnectorCommand::RenameConnector(_)
        | ConnectorCommand::DeleteConnector {} => {}
        ConnectorCommand::RecordConnector(outcome) => match outcome {
            ConnectorOutcome::Running { .. }
            | ConnectorOutcome::Stopped
            | ConnectorOutcome::Broke(_)
            | ConnectorOutcome::Failed(_)
            | ConnectorOutcome::Paused(_)
            | ConnectorOutcome::Recovered => {}
        },
    }
}

#[test]
fn the_table_of_states_and_commands_is_whole_and_as_it_was_agreed() {
    let mut table = String::new();
    for (command_name, command) in commands() {
        table.push_str(&format!("{command_name}\n"));
        for (state, connector) in states() {
            let outcome = match decide(&connector, &command, time(100)) {
                Ok(events) if events.is_empty() => "-".to_owned(),
                Ok(events) => events
                    .iter()
                    .map(ConnectorEvent::name)
                    .collect::<Vec<_>>()
                    .join(" "),
                Err(refusal) => refusal.reason().to_owned(),
            };
            table.push_str(&format!("  {state}: {outcome}\n"));
        }
    }
    crate::golden::same("connector/matrix.txt", &table);
}

#[test]
fn what_breaks_off_begins_again_five_times_in_ten_minutes_and_then_fails() {
    let mut connector = after(&[create(), start(None), running("db1", 7)]);
    let broke = report(ConnectorOutcome::Broke(failure(FailureCode::Store)));
    let at = |connector: &mut Connector, seconds: i64| {
        let events = decide(connector, &broke, time(seconds)).expect("events");
        let names: Vec<_> = events.iter().map(ConnectorEvent::name).collect();
        for event in &events {
            *connector = evolve(std::mem::take(connector), event, time(seconds));
        }
        names
    };
    for n in 0..5 {
        assert_eq!(at(&mut connector, n * 60), ["ConnectorRestarted"]);
    }
    // The first of them is ten minutes ago by now, and counts no more.
    assert_eq!(at(&mut connector, 600), ["ConnectorRestarted"]);
    assert_eq!(defined(&connector).restarts.len(), 5);
    assert_eq!(at(&mut connector, 601), ["ConnectorFailed"]);
    // Who starts it anew has it anew.
    let events = decide(&connector, &start(None), time(603)).expect("events");
    connector = evolve(connector, &events[0], time(603));
    assert_eq!(at(&mut connector, 604), ["ConnectorRestarted"]);
}

#[test]
fn an_endpoint_that_comes_and_goes_is_on_record_once_in_ten_minutes() {
    let mut connector = after(&[create(), start(None), running("db1", 7)]);
    let (mut events, mut paused) = (0, Vec::new());
    for seconds in (0..3_600).step_by(20) {
        for outcome in [
            ConnectorOutcome::Paused(Pause::new(Some(503), "busy")),
            ConnectorOutcome::Recovered,
        ] {
            let news = decide(&connector, &report(outcome), time(seconds)).expect("events");
            for event in &news {
                let is_pause = event.name() == "ConnectorPaused";
                paused.extend(is_pause.then_some(seconds));
                connector = evolve(connector, event, time(seconds));
            }
            events += news.len();
        }
    }
    assert_eq!(events, 12, "a pause and its end, six times an hour");
    assert_eq!(paused, [0, 600, 1_200, 1_800, 2_400, 3_000]);
}

#[test]
fn every_beginning_has_a_number_of_its_own_even_beyond_a_deletion() {
    let mut all = vec![create()];
    assert_eq!(defined(&after(&all)).start.number, 1);
    all.extend([start(None), running("db1", 7)]);
    let connector = after(&all);
    assert!(defined(&connector).start.has_run);
    assert_eq!(defined(&connector).start.number, 1);
    all.extend([
        ConnectorCommand::StopConnector {},
        report(ConnectorOutcome::Stopped),
        start(Some(StartFrom::Earliest)),
    ]);
    let connector = after(&all);
    assert!(!defined(&connector).start.has_run);
    assert_eq!(defined(&connector).start.number, 2);
    all.extend([
        ConnectorCommand::StopConnector {},
        report(ConnectorOutcome::Stopped),
        ConnectorCommand::DeleteConnector {},
        create(),
    ]);
    assert_eq!(defined(&after(&all)).start.number, 3);
}

#[test]
fn everything_that_is_wrong_with_settings_is_told_at_once() {
    let wrong: Settings = serde_json::from_value(json!({
        "sink": {
            "type": "webhook", "url": "https://hooks.example.com/", "timeout_ms": 5, "format": "cloud_events_binary",
            "batch": { "max_records": 0, "max_wait_ms": 100_000 },
            "allowed_hosts": vec!["a.example.com"; 33],
        },
        "filter": { "scope": "stream", "type": "json_path", "expression": "$" },
        "resilience": {
            "preset": "delay-bounds",
            "first_delay_bound": { "delay_ms": 0, "upper_limit_ms": -1 },
            "second_delay_bound": { "delay_ms": 1, "upper_limit_ms": 5 },
        },
    }))
    .expect("settings");
    let told: Vec<_> = wrong.check().iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 8, "{told:#?}");
    assert_eq!(hook().check(), []);
    for unknown in [
        json!({ "sink": { "type": "kafka" } }),
        json!({ "sink": { "type": "stdout" }, "speed": 9 }),
        json!({ "sink": { "type": "webhook", "url": "https://x.example.com", "uri": 1 } }),
    ] {
        assert!(serde_json::from_value::<Settings>(unknown).is_err());
    }
}

#[test]
fn the_same_secret_sealed_again_is_the_same_command_and_another_secret_is_another() {
    let with = |sealed: &str, print: &str| {
        let settings = serde_json::from_value(json!({ "sink": {
            "type": "webhook", "url": "https://hooks.example.com/",
            "authentication": { "method": "bearer", "token": { "sealed": sealed, "print": print } },
        }}))
        .expect("settings");
        ConnectorCommand::ReconfigureConnector(ReconfigureConnector { settings })
            .digest()
            .expect("JSON")
    };
    assert_eq!(with("AAAA", "p1"), with("BBBB", "p1"));
    assert_ne!(with("AAAA", "p1"), with("AAAA", "p2"));
}

#[test]
fn a_cause_is_bounded_and_an_id_is_what_a_stream_can_be_called() {
    let long = Failure::new(FailureCode::Store, &"x".repeat(5_000));
    assert!(long.message.chars().count() <= MOST_CAUSE);
    let id: ConnectorId = "to-auditors".parse().expect("an id");
    assert_eq!(ConnectorId::of_stream(&id.stream()), Some(id.clone()));
    assert_eq!(ConnectorId::of_stream(&id.parked()), Some(id.clone()));
    for other in [
        id.checkpoints(),
        LEASE_STREAM.to_owned(),
        "connector-abc".to_owned(),
    ] {
        assert_eq!(ConnectorId::of_stream(&other), None, "{other}");
    }
    for wrong in ["abcd", "a b c d e", "$system", &"x".repeat(51), "a.b.c.d"] {
        assert!(wrong.parse::<ConnectorId>().is_err(), "{wrong}");
    }
    assert!(
        "provisioner"
            .parse::<ConnectorId>()
            .is_ok_and(|it| it.is_reserved())
    );
}
