//! Every state meets every command, and the table says what comes of it. A new state, command or
//! way of an end does not compile until it has its place here.

use super::*;

const STATES: [&str; 9] = [
    "absent",
    "pending",
    "granted",
    "started",
    "carried_out",
    "refused",
    "rejected",
    "withdrawn",
    "expired",
];

fn led(state: &str) -> Led {
    let mut led = Led::asked(2);
    let to = |led: &mut Led, commands: &[ApprovalCommand]| {
        for command in commands {
            led.takes(command).expect("it leads on");
        }
    };
    let granted = [give("bob"), give("cyd")];
    match state {
        "absent" => led.approval = Approval::Absent,
        "pending" => to(&mut led, &[give("bob")]),
        "granted" => to(&mut led, &granted),
        "started" => to(&mut led, &[give("bob"), give("cyd"), start("a")]),
        "carried_out" => to(
            &mut led,
            &[
                give("bob"),
                give("cyd"),
                start("a"),
                finish("a", carried_out()),
            ],
        ),
        "refused" => to(
            &mut led,
            &[give("bob"), give("cyd"), start("a"), finish("a", refused())],
        ),
        "rejected" => to(&mut led, &[reject("bob")]),
        "withdrawn" => to(&mut led, &[withdraw()]),
        "expired" => {
            led.now = 72 * 3_600;
            to(&mut led, &[ApprovalCommand::Expire]);
            led.now = 0;
        }
        other => panic!("{other}"),
    }
    let named = if state == "started" { "granted" } else { state };
    assert_eq!(led.state(), named);
    led
}

fn withdraw() -> ApprovalCommand {
    ApprovalCommand::Withdraw {
        by: subject(IDP, "ada"),
    }
}

/// Compiles only while every command has a row.
fn row(command: &ApprovalCommand) -> &'static str {
    match command {
        ApprovalCommand::Ask(_) => "ask",
        ApprovalCommand::Give(_) => "give",
        ApprovalCommand::Reject(_) => "reject",
        ApprovalCommand::Withdraw { .. } => "withdraw",
        ApprovalCommand::Expire => "expire",
        ApprovalCommand::Start { .. } => "start",
        ApprovalCommand::Reshow(_) => "reshow",
        ApprovalCommand::Finish { finished, .. } => match finished {
            Finished::CarriedOut(_) => "carried_out",
            Finished::Refused(_) => "refused",
        },
    }
}

/// Compiles only while every state has a column.
fn column(approval: &Approval) -> &'static str {
    match approval {
        Approval::Absent => "absent",
        Approval::Asked(request) => match &request.state {
            State::Pending => "pending",
            State::Granted { started: None } => "granted",
            State::Granted { started: Some(_) } => "started",
            State::Ended(End::CarriedOut(_)) => "carried_out",
            State::Ended(End::Refused(_)) => "refused",
            State::Ended(End::Rejected(_)) => "rejected",
            State::Ended(End::Withdrawn) => "withdrawn",
            State::Ended(End::Expired) => "expired",
        },
    }
}

fn rows() -> Vec<ApprovalCommand> {
    vec![
        ApprovalCommand::Ask(Box::new(ask(2))),
        give("dan"),
        reject("dan"),
        withdraw(),
        ApprovalCommand::Expire,
        start("a"),
        ApprovalCommand::Reshow(shown("80", 12)),
        finish("a", carried_out()),
        finish("a", refused()),
    ]
}

#[test]
fn every_command_in_every_state_comes_to_what_the_table_says() {
    let mut table = String::new();
    for state in STATES {
        table.push_str(&format!("{state}\n"));
        assert_eq!(column(&led(state).approval), state);
        for command in rows() {
            let came = match led(state).takes(&command) {
                Ok(events) if events.is_empty() => "nothing".to_owned(),
                Ok(events) => events.join(", "),
                Err(refusal) => serde_json::to_value(&refusal).expect("JSON")["reason"]
                    .as_str()
                    .expect("a reason")
                    .to_owned(),
            };
            table.push_str(&format!("  {}: {came}\n", row(&command)));
        }
    }
    crate::golden::same("approval/matrix.txt", &table);
}

#[test]
fn whatever_has_ended_stays_ended() {
    for state in STATES {
        let ended = led(state).approval;
        let has_ended = ended.request().is_some_and(|it| it.state.has_ended());
        if !has_ended {
            continue;
        }
        for command in rows() {
            let mut led = led(state);
            let came = led.takes(&command);
            assert!(came.is_err() || came == Ok(vec![]), "{state}: {command:?}");
            assert_eq!(led.approval, ended, "{state}");
        }
    }
}

#[test]
fn no_event_is_lost_on_a_state_that_does_not_expect_it() {
    for state in STATES {
        for event in super::golden::one_of_each() {
            let after = evolve(led(state).approval, &event, at(5));
            let is_first = matches!(event, ApprovalEvent::ApprovalRequested(_));
            let is_there = state != "absent" || is_first;
            assert_eq!(after.request().is_some(), is_there, "{state}: {event:?}");
        }
    }
}
