//! What comes of each command in each state, which servers a stop holds at and until when, and what
//! is stored.

use super::*;
use crate::{connector::ConnectorRefusal, golden::same};
use serde_json::{Value, json};

const HERE: &str = "db1 127.0.0.1:2114";
const THERE: &str = "db2 127.0.0.1:2114";

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
}

fn stop(host: Option<&str>, seconds: u64) -> BuiltInCommand {
    BuiltInCommand::StopBuiltIn(StopBuiltIn {
        host: host.map(str::to_owned),
        for_ms: Some(seconds * 1_000),
    })
}

fn start(host: Option<&str>) -> BuiltInCommand {
    BuiltInCommand::StartBuiltIn(StartBuiltIn {
        host: host.map(str::to_owned),
    })
}

/// What is on record after these commands, each at its second.
fn after(commands: &[(i64, BuiltInCommand)]) -> Stops {
    let mut stops = Stops::default();
    for (at, command) in commands {
        for event in decide(&stops, command, time(*at)).expect("events") {
            stops = evolve(stops, &event, time(*at));
        }
    }
    stops
}

/// Compiles only while every command has a row.
#[allow(dead_code)]
fn has_a_row(command: &BuiltInCommand) {
    match command {
        BuiltInCommand::StopBuiltIn(_) | BuiltInCommand::StartBuiltIn(_) => {}
    }
}

#[test]
fn the_table_of_states_and_commands_is_whole_and_as_it_was_agreed() {
    let states = [
        ("running", Stops::default()),
        ("stopped everywhere", after(&[(0, stop(None, 600))])),
        ("stopped here", after(&[(0, stop(Some(HERE), 600))])),
        (
            "stopped everywhere but here",
            after(&[(0, stop(None, 600)), (1, start(Some(HERE)))]),
        ),
        ("its time is over", after(&[(0, stop(None, 50))])),
    ];
    let for_ever = BuiltInCommand::StopBuiltIn(StopBuiltIn {
        host: None,
        for_ms: None,
    });
    let commands = [
        ("stop everywhere", stop(None, 300)),
        ("stop here", stop(Some(HERE), 300)),
        ("stop there", stop(Some(THERE), 300)),
        ("stop for the longest time", stop(None, 4 * 3_600)),
        ("stop for longer", stop(None, 4 * 3_600 + 1)),
        ("stop for nothing", stop(None, 0)),
        ("stop for ever", for_ever),
        ("start everywhere", start(None)),
        ("start here", start(Some(HERE))),
        ("start there", start(Some(THERE))),
    ];
    let mut table = String::new();
    for (name, command) in &commands {
        table.push_str(&format!("{name}\n"));
        for (state, stops) in &states {
            let outcome = match decide(stops, command, time(100)) {
                Ok(events) => events.iter().map(BuiltInEvent::name).collect(),
                Err(refusal) => refusal.reason().to_owned(),
            };
            table.push_str(&format!("  {state}: {outcome}\n"));
        }
    }
    same("connector/built_in_matrix.txt", &table);
}

#[test]
fn a_stop_is_over_at_its_end_and_not_before_and_a_later_one_takes_its_place() {
    let stops = after(&[(0, stop(None, 600))]);
    let holds = |stops: &Stops, at| stops.at(HERE, time(at)).is_some();
    assert!(holds(&stops, 0) && holds(&stops, 599));
    assert!(!holds(&stops, 600));
    assert_eq!(stops.all(time(600)), []);
    let longer = after(&[(0, stop(None, 600)), (500, stop(None, 600))]);
    assert!(holds(&longer, 1_099) && !holds(&longer, 1_100));
    let shorter = after(&[(0, stop(None, 600)), (10, stop(None, 20))]);
    assert!(holds(&shorter, 29) && !holds(&shorter, 30));
}

#[test]
fn the_last_command_that_concerns_a_server_is_what_counts_there() {
    let holds = |stops: &Stops, host, at| stops.at(host, time(at)).is_some();
    let but_here = after(&[(0, stop(None, 600)), (1, start(Some(HERE)))]);
    assert!(!holds(&but_here, HERE, 2) && holds(&but_here, THERE, 2));
    let only_here = after(&[(0, stop(Some(HERE), 600))]);
    assert!(holds(&only_here, HERE, 2) && !holds(&only_here, THERE, 2));
    // Of one server for a shorter time, within a longer one of all.
    let shorter = after(&[(0, stop(None, 600)), (1, stop(Some(HERE), 10))]);
    assert!(!holds(&shorter, HERE, 20) && holds(&shorter, THERE, 20));
    let all = after(&[
        (0, stop(Some(HERE), 600)),
        (1, start(Some(HERE))),
        (2, stop(None, 60)),
    ]);
    assert!(holds(&all, HERE, 3) && holds(&all, THERE, 3));
    let none = after(&[
        (0, stop(Some(HERE), 600)),
        (1, stop(None, 60)),
        (2, stop(Some(THERE), 60)),
        (3, start(None)),
    ]);
    assert_eq!(none.all(time(4)), []);
    assert_eq!(none, Stops::default());
    let named: Vec<_> = after(&[(0, stop(None, 600)), (1, stop(Some(HERE), 60))])
        .all(time(2))
        .into_iter()
        .map(|(host, it)| (host.map(str::to_owned), it.until))
        .collect();
    let here = Some(HERE.to_owned());
    assert_eq!(named, [(None, time(600)), (here, time(61))]);
}

#[test]
fn what_is_over_is_forgotten_and_no_more_servers_are_on_record_than_may_be() {
    let mut stops = Stops::default();
    let mut carry_out = |at: i64, command: &BuiltInCommand| {
        let events = decide(&stops, command, time(at))?;
        for event in &events {
            stops = evolve(std::mem::take(&mut stops), event, time(at));
        }
        Ok(stops.at.len())
    };
    for n in 0..MOST_SERVERS {
        let named = stop(Some(&format!("db{n}")), 60);
        assert_eq!(carry_out(0, &named), Ok(n + 1));
    }
    let refused = Err(ConnectorRefusal::ConnectorStoppedAtTooMany { most: MOST_SERVERS });
    assert_eq!(carry_out(1, &stop(Some(HERE), 60)), refused);
    // One that is known already may be stopped for longer, and all of them at once.
    assert_eq!(carry_out(1, &stop(Some("db7"), 90)), Ok(MOST_SERVERS));
    assert_eq!(carry_out(70, &stop(Some(HERE), 60)), Ok(2));
    assert_eq!(carry_out(71, &stop(None, 60)), Ok(0));
}

#[test]
fn a_clock_that_was_set_back_makes_no_stop_longer_than_one_may_be() {
    let stop = Stop {
        since: time(0),
        until: time(600),
    };
    assert_eq!(stop.left(time(590)), Some(TimeDelta::seconds(10)));
    assert_eq!(stop.left(time(600)), None);
    assert_eq!(stop.left(time(-1_000_000)), Some(LONGEST_STOP));
    // Nor does an event that says so.
    let late = BuiltInEvent::BuiltInConnectorStopped(BuiltInConnectorStopped {
        host: None,
        until: time(1_000_000),
    });
    let stops = evolve(Stops::default(), &late, time(0));
    let until = stops.at(HERE, time(1)).map(|it| it.until);
    assert_eq!(until, Some(time(0) + LONGEST_STOP));
}

#[test]
fn every_event_is_stored_as_its_sample_and_the_sample_is_read_again() {
    let until = time(900);
    let stopped = |host: Option<&str>| {
        BuiltInEvent::BuiltInConnectorStopped(BuiltInConnectorStopped {
            host: host.map(str::to_owned),
            until,
        })
    };
    let started = |host: Option<&str>| {
        BuiltInEvent::BuiltInConnectorStarted(BuiltInConnectorStarted {
            host: host.map(str::to_owned),
        })
    };
    let all = [
        ("", stopped(None)),
        (".at_one_server", stopped(Some(HERE))),
        ("", started(None)),
        (".at_one_server", started(Some(HERE))),
    ];
    for name in BuiltInEvent::NAMES {
        assert!(all.iter().any(|(_, it)| it.name() == name), "{name}");
    }
    for (variant, event) in all {
        let Value::Object(mut tagged) = serde_json::to_value(&event).expect("JSON") else {
            panic!("{event:?}")
        };
        assert_eq!(tagged["type"], event.name());
        let data = tagged.remove("data").expect("what it says");
        let text = format!("{}\n", serde_json::to_string_pretty(&data).expect("JSON"));
        let file = format!("connector/{}.v1{variant}.json", event.name());
        same(&file, &text);
        let stored: Value = serde_json::from_str(&text).expect("JSON");
        let again = json!({ "type": event.name(), "data": stored });
        let again: BuiltInEvent = serde_json::from_value(again).expect("it is read");
        assert_eq!(again, event);
    }
}

#[test]
fn the_engines_own_have_streams_of_their_names_and_nobody_else_may_have_them() {
    assert_eq!(BuiltIn::Provisioner.stream(), "connector-provisioner");
    assert_eq!(BuiltIn::ReadModels.stream(), "connector-read-models");
    for own in BuiltIn::ALL {
        let id: ConnectorId = own.as_str().parse().expect("an id");
        assert!(id.is_reserved());
        assert_eq!(BuiltIn::of(&id), Some(own));
    }
    let other: ConnectorId = "to-auditors".parse().expect("an id");
    assert_eq!(BuiltIn::of(&other), None);
}
