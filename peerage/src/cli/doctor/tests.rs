//! What is found, and that nothing is where nothing is.

use super::{
    Asked, Seen, cloud,
    finding::{Finding, Severity},
    findings,
};
use crate::api::v1::{self, ConnectorState, StoreKind};
use chrono::{DateTime, TimeDelta, Utc};

fn noon() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn stamp(at: DateTime<Utc>) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp {
        seconds: at.timestamp(),
        nanos: 0,
    })
}

fn info() -> v1::GetServerInfoResponse {
    v1::GetServerInfoResponse {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        store: StoreKind::Embedded.into(),
        store_version: "25.0.0".to_owned(),
        now: stamp(noon()),
        ..Default::default()
    }
}

fn asked(answer: Result<v1::GetServerInfoResponse, String>) -> Asked {
    Asked {
        url: "http://127.0.0.1:2114".to_owned(),
        answer,
        from: noon(),
        until: noon() + TimeDelta::seconds(1),
    }
}

fn well() -> Seen {
    Seen {
        servers: vec![asked(Ok(info()))],
        networks: Ok(Vec::new()),
        blocked: Ok(Vec::new()),
        exposures: Ok(Vec::new()),
        drift: Ok(Vec::new()),
        connectors: Ok(Vec::new()),
        clouds: None,
    }
}

fn of(server: v1::GetServerInfoResponse) -> Seen {
    Seen {
        servers: vec![asked(Ok(server))],
        ..well()
    }
}

/// What is not well.
fn found(seen: &Seen) -> Vec<Finding> {
    let mut found = findings::of(seen);
    found.retain(|it| it.severity != Severity::Well);
    for it in &found {
        // What is risky about a configuration says in its own words what to change.
        let says = it.check == "configuration" || !it.remedy.is_empty();
        let is_bad = matches!(it.severity, Severity::Problem | Severity::Risk);
        assert!(says || !is_bad, "nothing to do about it: {it:?}");
    }
    found
}

/// The one thing that is not well: how bad, and of what.
fn one(seen: &Seen) -> (Severity, &'static str) {
    let found = found(seen);
    let [one] = &found[..] else {
        panic!("{found:?}")
    };
    (one.severity, one.check)
}

#[test]
fn where_nothing_is_wrong_each_check_says_that_it_looked() {
    let all = findings::of(&well());
    let checks: Vec<_> = all.iter().map(|it| it.check).collect();
    assert!(
        all.iter().all(|it| it.severity == Severity::Well),
        "{all:?}"
    );
    let wanted = [
        "server",
        "networks",
        "blocked peerings",
        "exposures",
        "drift",
        "connectors",
    ];
    assert_eq!(checks, wanted);
}

#[test]
fn what_could_not_be_looked_at_is_never_called_well() {
    let denied = || "you may not look at that".to_owned();
    let seen = Seen {
        servers: vec![asked(Err("connection refused".to_owned()))],
        networks: Err(denied()),
        blocked: Err(denied()),
        exposures: Err(denied()),
        drift: Err(denied()),
        connectors: Err(denied()),
        clouds: Some(Err(denied())),
    };
    let all = findings::of(&seen);
    assert_eq!(all.len(), 7);
    assert!(
        all.iter().all(|it| it.severity == Severity::Problem),
        "{all:?}"
    );
}

#[test]
fn a_servers_own_troubles_are_found() {
    let base = info();
    let silent = v1::GetServerInfoResponse {
        store_version: String::new(),
        ..base.clone()
    };
    assert_eq!(one(&of(silent)), (Severity::Problem, "event store"));
    let building = v1::GetServerInfoResponse {
        catching_up: true,
        ..base.clone()
    };
    assert_eq!(one(&of(building)), (Severity::Risk, "read models"));
    let behind = |seconds| v1::GetServerInfoResponse {
        lag: Some(prost_types::Duration { seconds, nanos: 0 }),
        ..base.clone()
    };
    assert_eq!(one(&of(behind(30))), (Severity::Risk, "read models"));
    assert_eq!(found(&of(behind(29))), []);
    let open = v1::GetServerInfoResponse {
        warnings: vec!["anybody may command it".to_owned()],
        ..base.clone()
    };
    assert_eq!(one(&of(open)), (Severity::Risk, "configuration"));
    let unsigned = v1::GetServerInfoResponse {
        notes: vec!["nothing is signed".to_owned()],
        ..base.clone()
    };
    assert_eq!(one(&of(unsigned)), (Severity::Note, "configuration"));
    let wrong = v1::GetServerInfoResponse {
        history: Some(v1::HistoryFigures {
            snapshots_wrong: 1,
            ..Default::default()
        }),
        ..base.clone()
    };
    assert_eq!(one(&of(wrong)), (Severity::Problem, "snapshots"));
    let orphans = v1::GetServerInfoResponse {
        orphans: 2,
        ..base.clone()
    };
    assert_eq!(one(&of(orphans)), (Severity::Risk, "orphans"));
    let denied = v1::GetServerInfoResponse {
        denied_calls: 1,
        ..base.clone()
    };
    assert_eq!(one(&of(denied)), (Severity::Note, "access"));
    let simulated = v1::ServedCloud {
        provider: v1::Provider::Aws.into(),
        cloud: Some(v1::Cloud {
            mode: v1::CloudMode::Simulated.into(),
            ..Default::default()
        }),
    };
    let stands_in = v1::GetServerInfoResponse {
        clouds: vec![simulated],
        ..base.clone()
    };
    assert_eq!(one(&of(stands_in)), (Severity::Note, "clouds"));
    let elsewhere = v1::GetServerInfoResponse {
        store: StoreKind::Kurrentdb.into(),
        ..base.clone()
    };
    assert_eq!(one(&of(elsewhere)), (Severity::Note, "event store"));
    let other = v1::GetServerInfoResponse {
        version: "0.0.1".to_owned(),
        ..base
    };
    assert_eq!(one(&of(other)), (Severity::Note, "version"));
}

#[test]
fn clocks_that_differ_by_more_than_the_call_took_are_told() {
    let at = |seconds| {
        of(v1::GetServerInfoResponse {
            now: stamp(noon() + TimeDelta::seconds(seconds)),
            ..info()
        })
    };
    for near in [-5, 0, 1, 6] {
        assert_eq!(found(&at(near)), [], "{near}");
    }
    for far in [-6, 7, 3600] {
        assert_eq!(one(&at(far)), (Severity::Risk, "clock"), "{far}");
    }
}

#[test]
fn blocks_exposures_and_drift_are_told_with_the_command_to_go_on_with() {
    let id = "0198c1d2-7e3f-7a4b-8c5d-6e7f8a9b0c1d";
    let blocked = v1::Peering {
        peering_id: id.to_owned(),
        block: Some(v1::Block {
            message: "the role may not be taken".to_owned(),
            remedy: vec!["aws iam …".to_owned()],
            ..Default::default()
        }),
        ..Default::default()
    };
    let exposure = |cannot_tell| v1::Exposure {
        peering_id: id.to_owned(),
        cannot_tell,
        ..Default::default()
    };
    let seen = Seen {
        blocked: Ok(vec![blocked]),
        exposures: Ok(vec![exposure(false), exposure(false), exposure(true)]),
        drift: Ok(vec![v1::Drift {
            peering_id: id.to_owned(),
            ..Default::default()
        }]),
        ..well()
    };
    let told: Vec<_> = found(&seen)
        .into_iter()
        .map(|it| (it.severity, it.check, it.remedy.join("\n")))
        .collect();
    let look = format!("peerage firewall exposures {id}");
    assert_eq!(
        told,
        [
            (
                Severity::Problem,
                "blocked peerings",
                "aws iam …".to_owned()
            ),
            (Severity::Problem, "exposures", look.clone()),
            (Severity::Risk, "exposures", look),
            (
                Severity::Risk,
                "drift",
                format!("peerage peering show {id}")
            ),
        ]
    );
    let text = findings::in_words(&findings::of(&seen));
    assert!(text.starts_with("PROBLEM  blocked peerings"), "{text}");
    assert!(text.contains("do: aws iam …"), "{text}");
    for counted in ["2 rules of others", "of 1 rules it cannot be told"] {
        assert!(text.contains(counted), "{counted}: {text}");
    }
}

#[test]
fn a_server_is_called_well_where_there_is_nothing_but_notes_and_not_beside_a_risk() {
    let is_well = |server: v1::GetServerInfoResponse| {
        let all = findings::of(&of(server));
        let mut servers = all.iter().filter(|it| it.check == "server");
        servers.any(|it| it.severity == Severity::Well)
    };
    let noted = v1::GetServerInfoResponse {
        notes: vec!["nothing is signed".to_owned()],
        ..info()
    };
    assert!(is_well(info()) && is_well(noted));
    let risky = v1::GetServerInfoResponse {
        orphans: 1,
        ..info()
    };
    assert!(!is_well(risky));
}

#[test]
fn connectors_that_do_not_deliver_are_told() {
    let in_state = |state: ConnectorState, parked| Seen {
        connectors: Ok(vec![v1::Connector {
            connector_id: "orders".to_owned(),
            state: state.into(),
            parked,
            ..Default::default()
        }]),
        ..well()
    };
    let failed = in_state(ConnectorState::Failed, 0);
    assert_eq!(one(&failed), (Severity::Problem, "connectors"));
    let paused = in_state(ConnectorState::Paused, 0);
    assert_eq!(one(&paused), (Severity::Problem, "connectors"));
    let parked = in_state(ConnectorState::Running, 3);
    assert_eq!(one(&parked), (Severity::Risk, "connectors"));
    for fine in [ConnectorState::Running, ConnectorState::Stopped] {
        assert_eq!(found(&in_state(fine, 0)), []);
    }
}

#[test]
fn networks_that_are_held_or_left_alone_are_told() {
    let network = |network: v1::Network| Seen {
        networks: Ok(vec![network]),
        ..well()
    };
    let frozen = v1::Network {
        frozen: Some(v1::Hold::default()),
        ..Default::default()
    };
    assert_eq!(one(&network(frozen)), (Severity::Note, "networks"));
    let quarantined = v1::Network {
        quarantines: vec![v1::Quarantine::default()],
        ..Default::default()
    };
    assert_eq!(one(&network(quarantined)), (Severity::Note, "networks"));
    let elsewhere = v1::Network {
        left_alone: "it was made in another cloud".to_owned(),
        ..Default::default()
    };
    assert_eq!(one(&network(elsewhere)), (Severity::Risk, "networks"));
    assert_eq!(found(&network(v1::Network::default())), []);
}

#[test]
fn a_history_that_is_at_risk_or_cannot_be_read_is_told_with_what_to_do() {
    use v1::HistoryFaultKind::{AtRisk, Unreadable};
    for (kind, severity) in [(AtRisk, Severity::Risk), (Unreadable, Severity::Problem)] {
        let fault = v1::HistoryFault {
            kind: kind.into(),
            message: "event 7 is gone".to_owned(),
            remedy: vec!["set it back".to_owned()],
            ..Default::default()
        };
        let network = v1::Network {
            history_fault: Some(fault.clone()),
            ..Default::default()
        };
        let seen = Seen {
            networks: Ok(vec![network]),
            ..well()
        };
        assert_eq!(one(&seen), (severity, "networks"));
        let told = found(&seen).remove(0);
        assert_eq!(told.text, "event 7 is gone");
        assert_eq!(told.remedy, ["set it back"]);
        // A peering of such a network is listed as blocked, and nothing of its own blocks it.
        let seen = Seen {
            blocked: Ok(vec![v1::Peering {
                history_fault: Some(fault),
                ..Default::default()
            }]),
            ..well()
        };
        assert_eq!(one(&seen), (Severity::Problem, "blocked peerings"));
        assert_eq!(found(&seen).remove(0).text, "event 7 is gone");
    }
}

#[test]
fn a_certificate_is_told_before_it_ends_and_is_a_problem_once_it_has() {
    let ending = |left: TimeDelta| {
        of(v1::GetServerInfoResponse {
            certificate_expires_at: stamp(noon() + left),
            ..info()
        })
    };
    assert_eq!(found(&ending(TimeDelta::days(14))), []);
    let soon = ending(TimeDelta::days(14) - TimeDelta::seconds(1));
    assert_eq!(one(&soon), (Severity::Risk, "certificate"));
    assert!(found(&soon)[0].text.contains("13 days"));
    let over = ending(TimeDelta::zero());
    assert_eq!(one(&over), (Severity::Problem, "certificate"));
}

#[test]
fn so_is_the_certificate_of_the_store_by_its_own_name_and_remedy() {
    let ending = |left: TimeDelta| {
        of(v1::GetServerInfoResponse {
            store_certificate_expires_at: stamp(noon() + left),
            store_address: "kurrentdb://node:2113".to_owned(),
            ..info()
        })
    };
    assert_eq!(found(&ending(TimeDelta::days(14))), []);
    let soon = ending(TimeDelta::days(14) - TimeDelta::seconds(1));
    assert_eq!(one(&soon), (Severity::Risk, "store certificate"));
    let told = found(&soon);
    assert!(told[0].text.contains("node:2113") && told[0].text.contains("13 days"));
    assert!(told[0].remedy[0].contains("each of the store's nodes"));
    let over = ending(TimeDelta::zero());
    assert_eq!(one(&over), (Severity::Problem, "store certificate"));
}

#[test]
fn a_disk_is_scarce_by_what_is_left_and_by_its_size() {
    let with = |free_bytes: u64, total_bytes: u64| {
        of(v1::GetServerInfoResponse {
            disk: Some(v1::DiskSpace {
                free_bytes,
                total_bytes,
            }),
            ..info()
        })
    };
    let (mega, giga) = (1 << 20, 1 << 30);
    assert_eq!(found(&with(5 * giga, 100 * giga)), []);
    assert_eq!(found(&with(giga, 10 * giga)), []);
    for (free, all) in [
        (5 * giga - 1, 100 * giga),
        (giga - 1, 2 * giga),
        (100 * mega, giga),
    ] {
        assert_eq!(one(&with(free, all)), (Severity::Risk, "disk"), "{free}");
    }
    let full = with(100 * mega - 1, giga);
    assert_eq!(one(&full), (Severity::Problem, "disk"));
}

#[test]
fn who_follows_the_log_too_slowly_is_a_risk_and_what_is_built_anew_is_not() {
    let behind = |follower: &str, seconds: i64| v1::FollowerLag {
        follower: follower.to_owned(),
        events: 12,
        lag: Some(prost_types::Duration { seconds, nanos: 0 }),
    };
    let with = |followers: Vec<v1::FollowerLag>| {
        of(v1::GetServerInfoResponse {
            followers,
            ..info()
        })
    };
    let slow = with(vec![behind("audit-tree", 299), behind("provisioner", 300)]);
    let all = found(&slow);
    let [slow] = &all[..] else { panic!("{all:?}") };
    assert_eq!((slow.severity, slow.check), (Severity::Risk, "followers"));
    assert!(slow.text.starts_with("provisioner "), "{slow:?}");
    let own = with(vec![
        behind("read-models", 900),
        behind("read-models-rebuild", 900),
    ]);
    assert_eq!(found(&own), []);

    let connector = |state: v1::ConnectorState, seconds: i64| Seen {
        connectors: Ok(vec![v1::Connector {
            connector_id: "to-the-desk".to_owned(),
            name: "to-the-desk".to_owned(),
            state: state.into(),
            progress: Some(v1::ConnectorProgress {
                lag: Some(prost_types::Duration { seconds, nanos: 0 }),
                ..Default::default()
            }),
            ..Default::default()
        }]),
        ..well()
    };
    let running = v1::ConnectorState::Running;
    assert_eq!(
        one(&connector(running, 300)),
        (Severity::Risk, "connectors")
    );
    assert_eq!(found(&connector(running, 299)), []);
    let stopped = v1::ConnectorState::Stopped;
    assert_eq!(found(&connector(stopped, 900)), []);
}

#[test]
fn what_a_plan_says_of_permissions_and_quotas_is_found_with_what_to_do() {
    let plan = |checks, advisories| v1::PlanPeeringResponse {
        checks,
        advisories,
        ..Default::default()
    };
    let check = |outcome: v1::CheckOutcome| v1::Check {
        kind: v1::CheckKind::Permissions.into(),
        side: v1::Side::Remote.into(),
        outcome: outcome.into(),
        message: "not authorized: ec2:CreateSecurityGroup".to_owned(),
        remedy: vec!["allow ec2:CreateSecurityGroup".to_owned()],
    };
    let advisory = |code: v1::AdvisoryCode| v1::Advisory {
        code: code.into(),
        message: "41 of 50 links".to_owned(),
    };
    let of = |plans, left_out| Seen {
        clouds: Some(Ok(cloud::Planned { plans, left_out })),
        ..well()
    };
    let subject = || "orders to 444455556666 in us-east-1".to_owned();
    let passed = plan(
        vec![check(v1::CheckOutcome::Passed)],
        vec![advisory(v1::AdvisoryCode::CrossRegion)],
    );
    assert_eq!(found(&of(vec![(subject(), Ok(passed))], 0)), []);
    let refused = plan(vec![check(v1::CheckOutcome::Failed)], Vec::new());
    let all = found(&of(vec![(subject(), Ok(refused))], 0));
    let [one_found] = &all[..] else {
        panic!("{all:?}")
    };
    assert_eq!(one_found.severity, Severity::Problem);
    assert_eq!(one_found.subject, subject());
    assert!(
        one_found
            .text
            .contains("permissions, remote side: not authorized")
    );
    assert_eq!(one_found.remedy, ["allow ec2:CreateSecurityGroup"]);
    let skipped = |kind: v1::CheckKind| v1::Check {
        kind: kind.into(),
        message: "the peer's owner keeps this side".to_owned(),
        ..check(v1::CheckOutcome::Skipped)
    };
    let unknown = || plan(vec![skipped(v1::CheckKind::Permissions)], Vec::new());
    let two = of(
        vec![(subject(), Ok(unknown())), (subject(), Ok(unknown()))],
        0,
    );
    let all = found(&two);
    let [one_found] = &all[..] else {
        panic!("{all:?}")
    };
    assert_eq!(one_found.severity, Severity::Note);
    assert_eq!(
        one_found.text,
        "not looked at in 2 plans: permissions, remote side: the peer's owner keeps this side"
    );
    let later = plan(vec![skipped(v1::CheckKind::Exposures)], Vec::new());
    assert_eq!(found(&of(vec![(subject(), Ok(later))], 0)), []);
    let untold = v1::Check {
        kind: v1::CheckKind::Quotas.into(),
        message: "servicequotas:ListServiceQuotas is not allowed there".to_owned(),
        remedy: Vec::new(),
        ..check(v1::CheckOutcome::Noted)
    };
    let all = found(&of(
        vec![(subject(), Ok(plan(vec![untold], Vec::new())))],
        0,
    ));
    let [one_found] = &all[..] else {
        panic!("{all:?}")
    };
    assert_eq!(one_found.severity, Severity::Note, "a hint, and no failure");
    assert_eq!(one_found.subject, subject());
    assert!(one_found.text.starts_with("quotas, remote side: "));
    assert_eq!(one_found.remedy.len(), 1);
    let near = plan(Vec::new(), vec![advisory(v1::AdvisoryCode::QuotaHeadroom)]);
    let near = of(vec![(subject(), Ok(near))], 0);
    assert_eq!(one(&near), (Severity::Risk, "cloud access"));
    let silent = of(vec![(subject(), Err("no answer".to_owned()))], 0);
    assert_eq!(one(&silent), (Severity::Problem, "cloud access"));
    assert_eq!(one(&of(Vec::new(), 3)), (Severity::Note, "cloud access"));
}

#[test]
fn what_somebody_has_stopped_is_a_risk_each_once_with_the_command_that_ends_it() {
    let stopped = |connector: &str| v1::StoppedConnector {
        connector_id: connector.to_owned(),
        since: stamp(noon()),
        until: stamp(noon() + TimeDelta::minutes(30)),
    };
    let provisioner = v1::GetServerInfoResponse {
        stopped: vec![stopped("provisioner")],
        ..info()
    };
    assert_eq!(
        one(&of(provisioner.clone())),
        (Severity::Risk, "connectors")
    );
    // A stopped provisioner is no excuse for read models that are behind.
    let behind = v1::GetServerInfoResponse {
        catching_up: true,
        ..provisioner
    };
    assert_eq!(found(&of(behind)).len(), 2);
    let read_models = v1::GetServerInfoResponse {
        stopped: vec![stopped("read-models@db1 127.0.0.1:2114")],
        catching_up: true,
        ..info()
    };
    let all = found(&of(read_models));
    let [one] = &all[..] else { panic!("{all:?}") };
    let remedy = "peerage connector start 'read-models@db1 127.0.0.1:2114'";
    assert_eq!(one.remedy, [remedy]);
    assert!(one.text.contains("2026-03-01"), "{}", one.text);
}
