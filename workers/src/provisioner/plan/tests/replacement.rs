//! A route that is replaced: the old one stays in every table until the new one carries packets in
//! all of them.

use super::*;
use domain::network::{ReplaceRoute, WithdrawRoute};

const NEW: &str = "10.50.0.0/17";

/// The route to the clients is in two tables, on record.
fn in_two_tables() -> Log {
    let log = active();
    let second = Thing::Route {
        at: Where::Table("rtb-2".parse().unwrap()),
        destination: range(CLIENTS),
    };
    begin(&log, Side::Local, vec![second]);
    for table in ["rtb-1", "rtb-2"] {
        let installed = RouteInstalled {
            peering_id: peering_id(),
            side: Side::Local,
            destination: range(CLIENTS),
            route_table: table.parse().unwrap(),
        };
        log.execute(&NetworkCommand::Record(installed.into()))
            .unwrap();
    }
    log
}

fn replaced() -> Log {
    let log = in_two_tables();
    log.execute(&NetworkCommand::ReplaceRoute(ReplaceRoute {
        peering_id: peering_id(),
        side: Side::Local,
        from: range(CLIENTS),
        to: range(NEW),
    }))
    .unwrap();
    log
}

fn withdrawn() -> Log {
    let log = in_two_tables();
    log.execute(&NetworkCommand::WithdrawRoute(WithdrawRoute {
        peering_id: peering_id(),
        side: Side::Local,
        destination: range(CLIENTS),
    }))
    .unwrap();
    log
}

fn over_the_link() -> RouteTarget {
    RouteTarget::Link(link())
}

/// Both tables with the old route, and with these new ones.
fn tables(new: [Option<(RouteTarget, RouteState)>; 2]) -> [RouteTableView; 2] {
    let [first, second] = new.map(|new| {
        let old = (CLIENTS, over_the_link(), RouteState::Active);
        let new = new.map(|(target, state)| (NEW, target, state));
        [Some(old), new].into_iter().flatten().collect::<Vec<_>>()
    });
    let second = RouteTableView {
        main: false,
        subnets: vec!["subnet-2".parse().unwrap()],
        ..table("rtb-2", &second)
    };
    [table("rtb-1", &first), second]
}

/// From which tables the old route goes.
fn leaves(plan: &Plan) -> Vec<String> {
    let gone = |step: &Step| match step {
        Step::Act(Action::RemoveRoute {
            table, destination, ..
        }) => {
            assert_eq!(*destination, range(CLIENTS));
            Some(table.to_string())
        }
        Step::Act(_)
        | Step::Record(_)
        | Step::Intend(_)
        | Step::BeginHalf(_)
        | Step::Begin(_)
        | Step::AdmitInNew { .. } => None,
    };
    plan.steps.iter().filter_map(gone).collect()
}

fn local_closings(log: &Log, seen: &Observed) -> Plan {
    let (network, peering, settings) =
        (log.network(), log.peering(), ProvisionerSettings::default());
    closings(
        &Facts {
            network: &network,
            peering: &peering,
            seen,
            memory: &Memory::default(),
            graph: &Graph::default(),
            limits: BySide::of(|_| LIMITS),
            now: at(0),
            seen_at: at(0),
            settings: &settings,
            unseen: BySide::default(),
            rests: false,
        },
        Side::Local,
    )
}

#[test]
fn a_route_that_is_replaced_leaves_only_when_the_new_one_carries_packets_in_every_table() {
    let new = |state| Some((over_the_link(), state));
    let rows = [
        ("in neither", [None, None], false),
        ("in the first", [new(RouteState::Active), None], false),
        ("in the second", [None, new(RouteState::Active)], false),
        (
            "without effect in the second",
            [new(RouteState::Active), new(RouteState::Blackhole)],
            false,
        ),
        (
            "to somewhere else in the second",
            [
                new(RouteState::Active),
                Some((RouteTarget::Other("nat-1".to_owned()), RouteState::Active)),
            ],
            false,
        ),
        (
            "in both",
            [new(RouteState::Active), new(RouteState::Active)],
            true,
        ),
    ];
    for (what, new, goes) in rows {
        let seen = inside(&tables(new), &[]);
        let plan = planned(&replaced(), &seen, 0);
        assert!(plan.needs.is_empty(), "{what}: {:?}", plan.needs);
        let wanted: &[&str] = if goes { &["rtb-1", "rtb-2"] } else { &[] };
        assert_eq!(leaves(&plan), wanted, "{what}");
    }
}

#[test]
fn what_is_closed_first_is_what_was_withdrawn_and_not_what_waits_for_its_successor() {
    let seen = inside(&tables([None, None]), &[]);
    let plan = local_closings(&withdrawn(), &seen);
    assert_eq!(leaves(&plan), ["rtb-1", "rtb-2"]);
    let plan = local_closings(&replaced(), &seen);
    assert_eq!((leaves(&plan), plan.needs.len()), (Vec::new(), 0));
    let plan = local_closings(&in_two_tables(), &seen);
    assert_eq!((leaves(&plan), plan.needs.len()), (Vec::new(), 0));
}

#[test]
fn closings_of_a_side_look_at_nothing_but_its_own_tables_and_groups() {
    let plan = local_closings(&withdrawn(), &Observed::default());
    assert_eq!(plan.needs, [Query::Tables(Side::Local)].into());
    let plan = local_closings(&in_two_tables(), &Observed::default());
    assert_eq!(plan.needs, [].into());
}
