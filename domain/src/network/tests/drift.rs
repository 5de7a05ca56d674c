//! Drift: what was found otherwise is on record until it is put right or accepted_drift, and is
//! forgotten when something else is asked for.

use super::{super::*, given, now, recorded, samples::*};
use crate::side::Side;

const HERE: &str = "10.101.0.0/16";

fn foreign(table: &str, target: &str) -> DriftKind {
    DriftKind::RouteForeign {
        side: Side::Local,
        route_table: text(table),
        destination: range(HERE),
        target: target.to_owned(),
    }
}

fn rule_missing() -> DriftKind {
    DriftKind::RuleMissing {
        side: Side::Local,
        rule: clients(),
    }
}

fn extra_rule(rule_id: &str) -> DriftKind {
    DriftKind::RuleExtra {
        side: Side::Local,
        rule_id: text(rule_id),
        admits: "tcp 22 from 10.101.0.0/16".to_owned(),
    }
}

/// Everything in place on the local side, and then these events.
fn in_place(then: impl IntoIterator<Item = NetworkEvent>) -> Vec<NetworkEvent> {
    let settled: Vec<NetworkEvent> = vec![
        route_accepted(Side::Local, HERE),
        restricted(Side::Local, &[clients()]),
        route_installed(Side::Local, HERE, "rtb-01").into(),
        group_created(Side::Local, "sg-01").into(),
        rule_authorized(Side::Local, clients(), "sgr-01").into(),
        enforced(Side::Local, "sg-01", &[clients()]).into(),
        enforced(Side::Remote, "sg-02", &[]).into(),
    ];
    active_history(settled.into_iter().chain(then))
}

fn findings(peering: &Peering) -> (Vec<&DriftKind>, Vec<&DriftKind>) {
    (
        peering.drift.keys().collect(),
        peering.accepted_drift.keys().collect(),
    )
}

#[test]
fn drift_is_recorded_once_and_keeps_a_peering_from_converging() {
    let found = detected(route_missing("rtb-01"));
    given(in_place([]))
        .when(Outcome::from(found.clone()))
        .then([found.clone().into()]);
    given(in_place([found.clone().into()]))
        .when(Outcome::from(found.clone()))
        .then_nothing();
    assert!(recorded(in_place([])).is_converged());
    assert!(!recorded(in_place([found.into()])).is_converged());
}

#[test]
fn drift_that_was_put_right_can_be_found_again() {
    let (found, repair) = (
        detected(route_missing("rtb-01")),
        repaired(route_missing("rtb-01"), now()),
    );
    let repaired_once = in_place([found.clone().into(), repair.clone().into()]);
    given(in_place([found.clone().into()]))
        .when(Outcome::from(repair.clone()))
        .then([repair.clone().into()]);
    given(repaired_once.clone())
        .when(Outcome::from(repair))
        .then_nothing();
    assert!(recorded(repaired_once.clone()).is_converged());
    given(repaired_once)
        .when(Outcome::from(found.clone()))
        .then([found.into()]);
}

#[test]
fn drift_that_is_tolerated_is_not_found_again() {
    let found = detected(route_missing("rtb-01"));
    let adoption = accepted_drift(route_missing("rtb-01"));
    given(in_place([found.clone().into()]))
        .when(Outcome::from(adoption.clone()))
        .then([adoption.clone().into()]);
    given(in_place([]))
        .when(Outcome::from(adoption.clone()))
        .then_nothing();
    let adopted = in_place([found.clone().into(), adoption.into()]);
    assert!(recorded(adopted.clone()).is_converged());
    given(adopted).when(Outcome::from(found)).then_nothing();
}

#[test]
fn repairs_that_follow_each_other_within_a_day_are_counted() {
    let repairs = |hours: &[i64]| {
        let one = |at: &i64| -> [NetworkEvent; 2] {
            [
                detected(route_missing("rtb-01")).into(),
                repaired(route_missing("rtb-01"), hours_on(*at)).into(),
            ]
        };
        recorded(in_place(hours.iter().flat_map(one)))
            .repairs_of(&route_missing("rtb-01"))
            .count
    };
    assert_eq!(repairs(&[]), 0);
    assert_eq!(repairs(&[1]), 1);
    assert_eq!(repairs(&[1, 2, 20]), 3);
    assert_eq!(repairs(&[1, 20, 40]), 3);
    assert_eq!(repairs(&[1, 2, 26]), 1);
}

#[test]
fn a_repair_that_is_undone_in_another_way_each_time_is_the_same_fight() {
    let rounds = |found: [DriftKind; 3]| {
        let one = |finding: DriftKind| -> [NetworkEvent; 2] {
            [
                detected(finding.clone()).into(),
                repaired(finding, now()).into(),
            ]
        };
        recorded(in_place(found.into_iter().flat_map(one)))
    };
    let rules = rounds(["sgr-07", "sgr-08", "sgr-09"].map(extra_rule));
    assert_eq!(
        (
            rules.repairs_of(&extra_rule("sgr-10")).count,
            rules.repairs.len()
        ),
        (3, 1)
    );
    let routes = rounds([
        route_missing("rtb-01"),
        foreign("rtb-01", "tgw-01"),
        foreign("rtb-01", "nat-01"),
    ]);
    assert_eq!(
        (
            routes.repairs_of(&route_missing("rtb-01")).count,
            routes.repairs.len()
        ),
        (3, 1)
    );
    let apart = rounds([
        route_missing("rtb-01"),
        route_missing("rtb-02"),
        rule_missing(),
    ]);
    assert_eq!(
        (
            apart.repairs_of(&route_missing("rtb-01")).count,
            apart.repairs.len()
        ),
        (1, 3)
    );
}

#[test]
fn who_ends_a_fight_ends_its_count() {
    let fight = [
        detected(route_missing("rtb-01")).into(),
        repaired(route_missing("rtb-01"), now()).into(),
    ];
    let count = |then: [NetworkEvent; 2]| {
        recorded(in_place(fight.clone().into_iter().chain(then)))
            .repairs_of(&route_missing("rtb-01"))
            .count
    };
    assert_eq!(
        count([blocked(BlockCause::RepairUndone).into(), unblocked().into()]),
        0
    );
    assert_eq!(
        count([blocked(BlockCause::Conflict).into(), unblocked().into()]),
        1
    );
}

#[test]
fn what_was_found_of_a_route_is_forgotten_when_the_route_is_withdrawn_or_accepted_again() {
    let (kept, other) = (rule_missing(), route_missing("rtb-01"));
    let before = [
        accepted_drift(other.clone()).into(),
        detected(foreign("rtb-02", "tgw-01")).into(),
        accepted_drift(kept.clone()).into(),
    ];
    let peering = recorded(in_place(before.clone()));
    assert_eq!(
        findings(&peering),
        (vec![&foreign("rtb-02", "tgw-01")], vec![&other, &kept])
    );
    let after = recorded(in_place(before.into_iter().chain([withdrawn(
        Side::Local,
        HERE,
        None,
    )])));
    assert_eq!(findings(&after), (vec![], vec![&kept]));
    let extra = DriftKind::RouteExtra {
        side: Side::Local,
        route_table: text("rtb-03"),
        destination: "10.101.7.0/24".to_owned(),
    };
    let wanted = [
        accepted_drift(extra.clone()).into(),
        route_accepted(Side::Local, "10.101.7.0/24"),
    ];
    assert_eq!(findings(&recorded(in_place(wanted))), (vec![], vec![]));
    let elsewhere = [
        accepted_drift(extra.clone()).into(),
        route_accepted(Side::Remote, "10.20.0.0/16"),
    ];
    assert_eq!(
        findings(&recorded(in_place(elsewhere))),
        (vec![], vec![&extra])
    );
}

#[test]
fn a_route_whose_absence_was_tolerated_is_put_in_when_it_is_asked_for_again() {
    let again = [
        accepted_drift(route_missing("rtb-01")).into(),
        withdrawn(Side::Local, HERE, None),
        route_accepted(Side::Local, HERE),
    ];
    let peering = recorded(in_place(again));
    assert!(peering.routes.local[&range(HERE)].installed.is_empty() && !peering.is_converged());
}

#[test]
fn what_was_found_of_a_firewall_is_forgotten_when_its_posture_changes() {
    let found = [
        accepted_drift(rule_missing()).into(),
        detected(extra_rule("sgr-09")).into(),
        accepted_drift(route_missing("rtb-01")).into(),
    ];
    let ssh = rule(HERE, 22);
    let after = recorded(in_place(
        found
            .into_iter()
            .chain([restricted(Side::Local, &[clients(), ssh])]),
    ));
    assert_eq!(findings(&after), (vec![], vec![&route_missing("rtb-01")]));
    assert!(
        after.firewall.local.rules.is_empty(),
        "the rule that was missing is not there"
    );
    let group_missing = DriftKind::GroupMissing {
        side: Side::Local,
        group: group("sg-01"),
    };
    let gone = recorded(in_place([
        accepted_drift(group_missing).into(),
        restricted(Side::Local, &[]),
    ]));
    assert!(gone.firewall.local.group.is_none());
}

#[test]
fn what_was_found_of_the_remote_firewall_is_forgotten_when_an_ingress_opens_or_closes() {
    let open = NetworkEvent::from(ingress_allowed(1, "10.101.8.0/24", 443));
    let missing = DriftKind::RuleMissing {
        side: Side::Remote,
        rule: rule("10.20.0.0/16", 443),
    };
    for change in [
        ingress_allowed(2, "10.101.9.0/24", 8443).into(),
        ingress_revoked(1, IngressEnd::Revoked).into(),
    ] {
        let found = [
            open.clone(),
            accepted_drift(missing.clone()).into(),
            accepted_drift(rule_missing()).into(),
            change,
        ];
        assert_eq!(
            findings(&recorded(in_place(found))),
            (vec![], vec![&rule_missing()])
        );
    }
    let (settled, shared) = (
        enforced(Side::Remote, "sg-02", &[rule("10.20.0.0/16", 443)]).into(),
        NetworkEvent::from(ingress_allowed(2, "10.101.9.0/24", 443)),
    );
    let found = [open, settled, accepted_drift(missing).into(), shared];
    assert!(
        !recorded(in_place(found)).firewall.remote.is_enforced(),
        "the same posture is wanted, and a rule of it is missing"
    );
}

#[test]
fn what_was_found_of_name_resolution_is_forgotten_when_it_is_set() {
    let flipped = DriftKind::DnsResolutionFlipped { side: Side::Local };
    let on = [
        dns_set(Side::Local, true),
        dns_applied(Side::Local, true).into(),
        accepted_drift(flipped).into(),
    ];
    let off_and_on = on
        .into_iter()
        .chain([dns_set(Side::Local, false), dns_set(Side::Local, true)]);
    let peering = recorded(in_place(off_and_on));
    assert!(peering.accepted_drift.is_empty());
    assert_eq!(
        peering.option(Side::Local, LinkOption::DnsResolution),
        OptionState {
            wanted: true,
            applied: false,
            in_effect: None,
            found: false,
            changed_at: Some(now()),
        }
    );
}
