//! The plan as a table: each state of a peering against what the cloud may show. Here the life of
//! the link; what an active one needs is in [`in_place`].
#![allow(clippy::unwrap_used)]

mod access_lists;
mod in_place;
mod managed;
mod replacement;
mod tags;

use super::*;
use crate::provisioner::{
    sides,
    testing::{CLIENTS, Log, client_rule, owner, peering_id, range, restrict},
};
use cloud::{
    GroupView, LinkState, LinkView, NetworkView, Rehearsed, RouteState, RouteTableView,
    RouteTarget, RouteView, RuleView, Source, SubnetView, Traffic,
};
use domain::{
    BySide,
    network::{
        ExposedBy, NetworkCommand, PeeringAccepted, PeeringActivated, PeeringInitiated,
        PeeringInitiationRefused, RemovePeering, RouteInstalled, Where,
    },
    text::Link,
};
use ipnet::IpNet;

const START: i64 = 1_790_000_000;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(START + seconds, 0).unwrap()
}

fn link() -> Link {
    "pcx-0000000000000001".parse().unwrap()
}

/// The peering after these outcomes.
fn after(outcomes: &[Outcome]) -> Log {
    let log = Log::with_a_peering();
    for outcome in outcomes {
        log.execute(&NetworkCommand::Record(outcome.clone()))
            .unwrap();
    }
    log
}

fn started(attempt: u32) -> Outcome {
    Outcome::InitiationStarted(PeeringInitiationStarted {
        peering_id: peering_id(),
        attempt,
        started_at: at(0),
    })
}

fn refused(attempt: u32) -> Outcome {
    Outcome::InitiationRefused(PeeringInitiationRefused {
        peering_id: peering_id(),
        attempt,
        cause: None,
    })
}

fn initiated() -> Outcome {
    Outcome::Initiated(PeeringInitiated {
        peering_id: peering_id(),
        link: link(),
        expires_at: None,
    })
}

fn accepted() -> Outcome {
    Outcome::Accepted(PeeringAccepted {
        peering_id: peering_id(),
        link: link(),
        evidence: None,
    })
}

fn activated() -> Outcome {
    Outcome::Activated(PeeringActivated {
        peering_id: peering_id(),
        link: link(),
    })
}

/// The link that was asked for, in this state, as its requester sees it.
fn ours(state: LinkState) -> LinkView {
    let log = Log::with_a_peering();
    let spec = sides::link(&log.network(), &log.peering());
    LinkView {
        link: link(),
        first: spec.first,
        second: spec.second,
        state,
        message: Some("the cloud's words".to_owned()),
        expires_at: None,
        owner: Some(owner()),
    }
}

fn another(view: LinkView, id: &str) -> LinkView {
    LinkView {
        link: id.parse().unwrap(),
        ..view
    }
}

fn untagged(view: LinkView) -> LinkView {
    LinkView {
        owner: None,
        ..view
    }
}

fn reversed(view: LinkView) -> LinkView {
    LinkView {
        first: view.second,
        second: view.first,
        owner: None,
        ..view
    }
}

/// The local side shows these links, and nothing speaks against a first write.
fn sees(local: &[LinkView]) -> Observed {
    both_see(local, &[])
}

fn both_see(local: &[LinkView], remote: &[LinkView]) -> Observed {
    let log = Log::with_a_peering();
    let (network, peering) = (log.network(), log.peering());
    let ends = sides::networks(&network, &peering);
    let shown = |side: Side| NetworkView {
        network: ends.get(side).network.clone(),
        ranges: sides::ranges(&network, &peering, side),
        immutable_id: None,
        shared_by: None,
    };
    let subnet = |side: Side, subnet: &domain::text::Subnet| SubnetView {
        network: ends.get(side).network.clone(),
        subnet: subnet.clone(),
        zone: None,
        ranges: Vec::new(),
    };
    Observed {
        network: BySide::of(|side| Some(vec![shown(side)])),
        subnets: BySide::of(|side| {
            Some(
                sides::subnets(&network, &peering, side)
                    .iter()
                    .map(|it| subnet(side, it))
                    .collect(),
            )
        }),
        links: BySide {
            local: Some(local.to_vec()),
            remote: Some(remote.to_vec()),
        },
        neighbours: BySide::of(|_| Some(Vec::new())),
        tables: BySide::of(|_| Some(Vec::new())),
        may_create_link: Some(Rehearsed::NotAvailable),
        may_create_group: BySide::of(|_| Some(Rehearsed::NotAvailable)),
        ..Observed::default()
    }
}

const LIMITS: Limits = Limits {
    links: 50,
    pending_links: 25,
    routes: 500,
    rules: 60,
    groups_of_interface: 5,
    access_entries: 20,
    access_numbers: (1, 99),
    acceptance_window: None,
};

fn planned_with(log: &Log, seen: &Observed, memory: &Memory, seconds: i64) -> Plan {
    planned_after(log, seen, memory, 0, seconds)
}

/// The same, where the look began so many seconds before.
fn planned_after(log: &Log, seen: &Observed, memory: &Memory, look: i64, seconds: i64) -> Plan {
    limited(log, seen, memory, LIMITS, (look, seconds))
}

/// The same, with these limits.
fn limited(
    log: &Log,
    seen: &Observed,
    memory: &Memory,
    limits: Limits,
    (look, seconds): (i64, i64),
) -> Plan {
    let (network, peering, settings) =
        (log.network(), log.peering(), ProvisionerSettings::default());
    let (graph, limits) = (&Graph::default(), BySide::of(|_| limits));
    let (now, seen_at) = (at(seconds), at(seconds - look));
    plan(&Facts {
        network: &network,
        peering: &peering,
        seen,
        memory,
        graph,
        limits,
        now,
        seen_at,
        settings: &settings,
        unseen: BySide::default(),
        rests: false,
    })
}

fn planned(log: &Log, seen: &Observed, seconds: i64) -> Plan {
    planned_with(log, seen, &Memory::default(), seconds)
}

/// The steps in short: event names for records, names for actions.
fn steps(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|step| match step {
            Step::Record(Outcome::Blocked(block)) => {
                format!("Blocked:{}:{}", block.cause.as_str(), block.side)
            }
            Step::Record(outcome) => format!("{outcome:?}").split('(').next().unwrap().to_owned(),
            Step::Intend(started) => format!("Intend#{}", started.attempt),
            Step::BeginHalf(started) => format!("BeginHalf:{}", started.side),
            Step::Begin(started) => format!("Begin#{}", started.things.len()),
            Step::Act(action) => format!("{action:?}")
                .split([' ', '{'])
                .next()
                .unwrap()
                .to_owned(),
            Step::AdmitInNew { .. } => "AdmitInNew".to_owned(),
        })
        .collect()
}

#[track_caller]
fn expect(plan: &Plan, wanted: &[&str], next: Next) {
    assert_eq!(
        (steps(plan), plan.next),
        (wanted.iter().map(ToString::to_string).collect(), next),
        "{plan:#?}"
    );
}

/// An active link. The engine was about to make everything on the remote side, and its route on the
/// local one.
fn active() -> Log {
    let log = after(&[started(1), initiated(), accepted(), activated()]);
    let route = |table: &str, destination| Thing::Route {
        at: Where::Table(table.parse().unwrap()),
        destination: range(destination),
    };
    begin(&log, Side::Local, vec![route("rtb-1", CLIENTS)]);
    let remote = vec![route("rtb-9", "10.20.0.0/16"), Thing::Group];
    begin(&log, Side::Remote, remote);
    log
}

/// The same, where it was about to make the local side's group and rule as well.
fn with_group() -> Log {
    let log = active();
    begin(&log, Side::Local, vec![Thing::Group, client_rule().into()]);
    log
}

fn begin(log: &Log, side: Side, things: Vec<Thing>) {
    let started = InstallationStarted {
        peering_id: peering_id(),
        side,
        things,
    };
    log.execute(&NetworkCommand::Record(started.into()))
        .unwrap();
}

fn table(id: &str, routes: &[(&str, RouteTarget, RouteState)]) -> RouteTableView {
    let routes = routes.iter().map(|(destination, target, state)| RouteView {
        destination: destination.parse::<IpNet>().unwrap(),
        target: target.clone(),
        state: state.clone(),
    });
    let network = "vpc-0aaaaaaaaaaaaaaaa".parse().unwrap();
    RouteTableView {
        network,
        table: id.parse().unwrap(),
        main: true,
        subnets: Vec::new(),
        routes: routes.collect(),
        others: Vec::new(),
    }
}

fn group(rules: &[RuleView]) -> GroupView {
    own_group("sg-1", rules)
}

fn own_group(id: &str, rules: &[RuleView]) -> GroupView {
    GroupView {
        network: "vpc-0aaaaaaaaaaaaaaaa".parse().unwrap(),
        group: id.parse().unwrap(),
        name: cloud::group_name(peering_id()),
        belongs_to: "111111111111".to_owned(),
        owner: Some(owner()),
        rules: rules.to_vec(),
    }
}

fn rule(owner: Option<cloud::Owner>) -> RuleView {
    RuleView {
        id: "sgr-1".parse().unwrap(),
        rule: Some(client_rule()),
        admits: cloud::admitted_traffic(client_rule()),
        text: "tcp 2113".to_owned(),
        owner,
        what: ExposedBy::Rule,
    }
}

/// An active link, with these tables and groups on the local side; on the remote one all is in
/// place.
fn inside(tables: &[RouteTableView], groups: &[GroupView]) -> Observed {
    let over_the_link = (RouteTarget::Link(link()), RouteState::Active);
    Observed {
        links: BySide {
            local: Some(vec![ours(LinkState::Active)]),
            remote: None,
        },
        tables: BySide {
            local: Some(tables.to_vec()),
            remote: Some(vec![table(
                "rtb-9",
                &[("10.20.0.0/16", over_the_link.0, over_the_link.1)],
            )]),
        },
        groups: BySide {
            local: Some(groups.to_vec()),
            remote: Some(vec![own_group("sg-9", &[])]),
        },
        subnets: sees(&[]).subnets,
        network: sees(&[]).network,
        lists: BySide::of(|_| Some(Vec::new())),
        interfaces: BySide::of(|_| Some(None)),
        ..Observed::default()
    }
}

fn local_only(plan: &Plan) -> Plan {
    let remote = |step: &Step| format!("{step:?}").contains("side: Remote");
    Plan {
        steps: plan
            .steps
            .iter()
            .filter(|step| !remote(step))
            .cloned()
            .collect(),
        ..plan.clone()
    }
}

fn our_route() -> RouteTableView {
    table(
        "rtb-1",
        &[(CLIENTS, RouteTarget::Link(link()), RouteState::Active)],
    )
}

const CREATE: [&str; 2] = ["Intend#1", "CreateLink"];
const CONFLICT: &str = "Blocked:conflict:local";

#[test]
fn a_requested_peering_looks_before_it_asks() {
    let log = after(&[]);
    expect(&planned(&log, &Observed::default(), 0), &[], Next::AtOnce);
    expect(&planned(&log, &sees(&[]), 0), &CREATE, Next::AtOnce);
    let over = [
        LinkState::Failed,
        LinkState::Deleted,
        LinkState::Rejected,
        LinkState::Expired,
    ];
    for state in over {
        expect(
            &planned(&log, &sees(&[untagged(ours(state))]), 0),
            &CREATE,
            Next::AtOnce,
        );
    }
}

#[test]
fn a_peer_that_another_private_network_of_this_log_shares_must_tell_the_two_apart() {
    let (log, seen, memory, settings) = (
        Log::with_a_peering(),
        sees(&[]),
        Memory::default(),
        ProvisionerSettings::default(),
    );
    let (network, peering) = (log.network(), log.peering());
    let mut graph = Graph::default();
    log.events()
        .iter()
        .for_each(|event| graph.evolve(domain::NetworkId(uuid::Uuid::from_u128(7)), event));
    let facts = Facts {
        network: &network,
        peering: &peering,
        seen: &seen,
        memory: &memory,
        graph: &graph,
        limits: BySide::of(|_| LIMITS),
        now: at(0),
        seen_at: at(0),
        settings: &settings,
        unseen: BySide::default(),
        rests: false,
    };
    expect(
        &plan(&facts),
        &["Blocked:range_overlap:remote"],
        Next::Blocked,
    );
}

#[test]
fn what_a_quota_has_no_room_for_is_found_out_before_anything_is_asked_for() {
    let log = after(&[]);
    let elsewhere =
        |state: LinkState, number: usize| another(untagged(ours(state)), &format!("pcx-{number}"));
    let mut seen = sees(&[]);
    seen.neighbours.local = Some(
        (0..3)
            .map(|number| elsewhere(LinkState::Active, number))
            .collect(),
    );
    // No range of theirs is known, so none overlaps.
    seen.neighbours
        .local
        .iter_mut()
        .flatten()
        .for_each(|link| link.second.ranges.clear());
    seen.tables.local = Some(vec![table(
        "rtb-1",
        &[("172.16.0.0/24", RouteTarget::Local, RouteState::Active)],
    )]);
    let with = |seen: &Observed, limits| limited(&log, seen, &Memory::default(), limits, (0, 0));
    let local = "Blocked:quota_exceeded:local";
    let exact = Limits {
        links: 4,
        pending_links: 1,
        routes: 2,
        rules: 1,
        groups_of_interface: 5,
        access_entries: 20,
        access_numbers: (1, 99),
        acceptance_window: None,
    };
    expect(&with(&seen, exact), &CREATE, Next::AtOnce);
    for full in [
        Limits { links: 3, ..exact },
        Limits { routes: 1, ..exact },
        Limits { rules: 0, ..exact },
    ] {
        expect(&with(&seen, full), &[local], Next::Blocked);
    }
    // A link that waits counts as such; one that is over counts for nothing.
    let turn = |seen: &Observed, state: LinkState| {
        let mut seen = seen.clone();
        seen.neighbours
            .local
            .iter_mut()
            .flatten()
            .take(1)
            .for_each(|link| link.state = state.clone());
        seen
    };
    expect(
        &with(&turn(&seen, LinkState::Pending), exact),
        &[local],
        Next::Blocked,
    );
    expect(
        &with(
            &turn(&seen, LinkState::Deleted),
            Limits { links: 3, ..exact },
        ),
        &CREATE,
        Next::AtOnce,
    );
}

#[test]
fn a_strangers_live_link_is_never_taken_and_never_doubled() {
    let live = [
        LinkState::Initiating,
        LinkState::Pending,
        LinkState::Provisioning,
        LinkState::Active,
        LinkState::Unknown("odd".to_owned()),
    ];
    for state in live {
        for theirs in [untagged(ours(state.clone())), reversed(ours(state.clone()))] {
            for log in [after(&[]), after(&[started(1), refused(1)])] {
                expect(
                    &planned(&log, &sees(std::slice::from_ref(&theirs)), 0),
                    &[CONFLICT],
                    Next::Blocked,
                );
            }
        }
    }
}

#[test]
fn a_link_of_ours_that_the_log_has_lost_becomes_an_attempts() {
    expect(
        &planned(&after(&[]), &sees(&[ours(LinkState::Active)]), 0),
        &["Intend#1"],
        Next::AtOnce,
    );
}

#[test]
fn a_refused_attempt_is_followed_by_the_next() {
    expect(
        &planned(&after(&[started(1), refused(1)]), &sees(&[]), 0),
        &["Intend#2", "CreateLink"],
        Next::AtOnce,
    );
}

#[test]
fn an_open_attempt_waits_out_the_window_before_the_next() {
    let log = after(&[started(1)]);
    expect(&planned(&log, &sees(&[]), 299), &[], Next::Poll);
    expect(
        &planned(&log, &sees(&[]), 300),
        &["Intend#2", "CreateLink"],
        Next::AtOnce,
    );
    // A tag may come into sight later than its link.
    expect(
        &planned(&log, &sees(&[untagged(ours(LinkState::Pending))]), 299),
        &[],
        Next::Poll,
    );
    expect(
        &planned(&log, &sees(&[untagged(ours(LinkState::Pending))]), 300),
        &[CONFLICT],
        Next::Blocked,
    );
    expect(
        &planned(&log, &sees(&[reversed(ours(LinkState::Pending))]), 1),
        &[CONFLICT],
        Next::Blocked,
    );
}

#[test]
fn a_look_says_what_was_there_when_it_began_however_long_it_took() {
    let (log, nothing) = (after(&[started(1)]), Memory::default());
    expect(
        &planned_after(&log, &sees(&[]), &nothing, 2, 301),
        &[],
        Next::Poll,
    );
    expect(
        &planned_after(&log, &sees(&[]), &nothing, 2, 302),
        &["Intend#2", "CreateLink"],
        Next::AtOnce,
    );
    let (log, seen, mut memory) = (active(), inside(&[our_route()], &[]), Memory::default());
    memory.note_answered(&Action::CreateGroup { side: Side::Local }, at(0));
    memory.note_answered(&Action::CreateGroup { side: Side::Local }, at(295));
    assert!(!steps(&planned_after(&log, &seen, &memory, 2, 301)).contains(&CONFLICT.to_owned()));
    assert!(steps(&planned_after(&log, &seen, &memory, 2, 302)).contains(&CONFLICT.to_owned()));
}

#[test]
fn what_an_open_attempt_has_made_is_recorded_as_far_as_it_has_come() {
    let table: [(LinkState, &[&str], Next); 10] = [
        (LinkState::Initiating, &["Initiated"], Next::Poll),
        (LinkState::Pending, &["Initiated"], Next::AtOnce),
        (
            LinkState::Provisioning,
            &["Initiated", "Accepted"],
            Next::Poll,
        ),
        (
            LinkState::Active,
            &["Initiated", "Accepted", "Activated"],
            Next::AtOnce,
        ),
        (
            LinkState::Rejected,
            &["Initiated", "Rejected"],
            Next::Settled,
        ),
        (LinkState::Expired, &["Initiated", "Expired"], Next::Settled),
        (LinkState::Failed, &["Initiated", "Failed"], Next::Settled),
        (LinkState::Deleting, &[], Next::Poll),
        (LinkState::Deleted, &[], Next::Poll),
        (
            LinkState::Unknown("odd".to_owned()),
            &["Initiated", "Blocked:unexpected:local"],
            Next::Blocked,
        ),
    ];
    for (state, wanted, next) in table {
        expect(
            &planned(&after(&[started(1)]), &sees(&[ours(state)]), 1),
            wanted,
            next,
        );
    }
}

#[test]
fn two_live_links_of_ours_stop_everything() {
    let two = [
        ours(LinkState::Pending),
        another(ours(LinkState::Active), "pcx-0000000000000002"),
    ];
    expect(
        &planned(&after(&[started(1)]), &sees(&two), 1),
        &[CONFLICT],
        Next::Blocked,
    );
    expect(
        &planned(&after(&[started(1), initiated()]), &both_see(&two, &two), 1),
        &[CONFLICT],
        Next::Blocked,
    );
    let one_is_over = [
        ours(LinkState::Pending),
        another(ours(LinkState::Failed), "pcx-0000000000000002"),
    ];
    expect(
        &planned(&after(&[started(1)]), &sees(&one_is_over), 1),
        &["Initiated"],
        Next::AtOnce,
    );
}

#[test]
fn an_initiated_link_follows_what_the_cloud_shows() {
    let table: [(LinkState, &[&str], Next); 9] = [
        (LinkState::Initiating, &[], Next::Poll),
        (LinkState::Pending, &[], Next::AtOnce),
        (LinkState::Provisioning, &["Accepted"], Next::Poll),
        (LinkState::Active, &["Accepted", "Activated"], Next::AtOnce),
        (LinkState::Rejected, &["Rejected"], Next::Settled),
        (LinkState::Expired, &["Expired"], Next::Settled),
        (LinkState::Failed, &["Failed"], Next::Settled),
        (
            LinkState::Deleted,
            &["Blocked:link_ended:local"],
            Next::Blocked,
        ),
        (
            LinkState::Unknown("odd".to_owned()),
            &["Blocked:unexpected:local"],
            Next::Blocked,
        ),
    ];
    for (state, wanted, next) in table {
        let seen = Observed {
            links: BySide {
                local: Some(vec![ours(state)]),
                remote: None,
            },
            ..sees(&[])
        };
        expect(
            &planned(&after(&[started(1), initiated()]), &seen, 1),
            wanted,
            next,
        );
    }
}

#[test]
fn a_link_is_accepted_only_when_both_views_match_the_record() {
    let log = after(&[started(1), initiated()]);
    let pending = ours(LinkState::Pending);
    let theirs = untagged(pending.clone());
    let seen = |theirs: LinkView| both_see(std::slice::from_ref(&pending), &[theirs]);
    expect(
        &planned(&log, &seen(theirs.clone()), 1),
        &["AcceptLink"],
        Next::AtOnce,
    );

    let mut silent = theirs.clone();
    silent.second.ranges.clear();
    expect(
        &planned(&log, &seen(silent), 1),
        &["AcceptLink"],
        Next::AtOnce,
    );

    type Tamper = fn(&mut LinkView);
    let tampers: [Tamper; 5] = [
        |view| view.first.network.at.account = "333333333333".parse().unwrap(),
        |view| view.second.network.at.account = "333333333333".parse().unwrap(),
        |view| view.first.network.network = "vpc-0cccccccc".parse().unwrap(),
        |view| view.first.ranges = vec!["10.99.0.0/16".parse().unwrap()],
        |view| view.second.ranges = vec!["10.50.0.0/17".parse().unwrap()],
    ];
    for tamper in tampers {
        let mut wrong = theirs.clone();
        tamper(&mut wrong);
        expect(
            &planned(&log, &seen(wrong), 1),
            &["Blocked:conflict:remote"],
            Next::Blocked,
        );
    }
}

#[test]
fn a_link_that_the_remote_side_does_not_show_is_waited_for_and_then_reported() {
    let (log, seen) = (
        after(&[started(1), initiated()]),
        both_see(&[ours(LinkState::Pending)], &[]),
    );
    let missing = planned(&log, &seen, 1);
    expect(&missing, &[], Next::Poll);
    let hidden = Missing::Link(Side::Remote);
    assert_eq!(missing.missing, [hidden].into());
    let memory = Memory {
        missing_since: [(hidden, at(1))].into(),
        ..Memory::default()
    };
    expect(&planned_with(&log, &seen, &memory, 300), &[], Next::Poll);
    expect(
        &planned_with(&log, &seen, &memory, 301),
        &["Blocked:not_found:remote"],
        Next::Blocked,
    );
}

#[test]
fn a_recorded_link_that_is_gone_is_reported_and_never_made_again() {
    for log in [
        after(&[started(1), initiated()]),
        after(&[started(1), initiated(), accepted()]),
        active(),
    ] {
        expect(&planned(&log, &sees(&[]), 1), &[], Next::Poll);
        let memory = Memory {
            missing_since: [(Missing::Link(Side::Local), at(0))].into(),
            ..Memory::default()
        };
        expect(
            &planned_with(&log, &sees(&[]), &memory, 300),
            &["Blocked:not_found:local"],
            Next::Blocked,
        );
    }
}

#[test]
fn a_link_is_taken_for_gone_only_if_it_has_itself_been_out_of_sight_for_long() {
    let log = active();
    let removal = RemovePeering {
        peering_id: peering_id(),
        reason: "no longer needed".parse().unwrap(),
    };
    log.execute(&removal.into()).unwrap();
    let seen = Observed {
        groups: BySide::of(|_| Some(Vec::new())),
        ..sees(&[])
    };
    for (what, gone) in [
        (Missing::Subnet(Side::Local), false),
        (Missing::Tables(Side::Local), false),
        (Missing::Link(Side::Local), true),
    ] {
        let memory = Memory {
            missing_since: [(what, at(0))].into(),
            ..Memory::default()
        };
        let plan = planned_with(&log, &seen, &memory, 300);
        assert_eq!(
            steps(&plan).contains(&"LinkRemoved".to_owned()),
            gone,
            "{what:?}: {plan:#?}"
        );
    }
}

#[test]
fn an_accepted_link_waits_until_it_is_active() {
    let log = after(&[started(1), initiated(), accepted()]);
    let table: [(LinkState, &[&str], Next); 6] = [
        (LinkState::Pending, &[], Next::Poll),
        (LinkState::Provisioning, &[], Next::Poll),
        (LinkState::Active, &["Activated"], Next::AtOnce),
        (LinkState::Failed, &["Failed"], Next::Settled),
        (
            LinkState::Deleting,
            &["Blocked:link_ended:local"],
            Next::Blocked,
        ),
        (
            LinkState::Unknown("odd".to_owned()),
            &["Blocked:unexpected:local"],
            Next::Blocked,
        ),
    ];
    for (state, wanted, next) in table {
        expect(&planned(&log, &sees(&[ours(state)]), 1), wanted, next);
    }
}
