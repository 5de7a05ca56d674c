//! The plan of an active link: routes, the firewall, and what ends in nothing to do.

use super::*;

#[test]
fn an_active_link_gets_one_route_per_table_and_records_those_it_sees() {
    let groups = [group(&[rule(Some(owner()))])];
    let (empty, other) = (
        table("rtb-1", &[]),
        table(
            "rtb-2",
            &[("10.20.0.0/16", RouteTarget::Local, RouteState::Active)],
        ),
    );
    let records = [
        "FirewallGroupCreated",
        "FirewallRuleAuthorized",
        "FirewallEnforced",
    ];
    let plan = planned(&with_group(), &inside(&[empty, other], &groups), 1);
    expect(
        &local_only(&plan),
        &[&records[..], &["Begin#1", "InstallRoute", "InstallRoute"]].concat(),
        Next::AtOnce,
    );

    let plan = planned(&with_group(), &inside(&[our_route()], &groups), 1);
    expect(
        &local_only(&plan),
        &[&["RouteInstalled", "RoutesEnforced"], &records[..]].concat(),
        Next::Settled,
    );

    let dark = table(
        "rtb-1",
        &[(CLIENTS, RouteTarget::Link(link()), RouteState::Blackhole)],
    );
    expect(
        &local_only(&planned(&with_group(), &inside(&[dark], &groups), 1)),
        &records,
        Next::Poll,
    );
}

#[test]
fn another_target_is_recorded_and_left_alone() {
    let groups = [group(&[rule(Some(owner()))])];
    for target in [
        RouteTarget::Other("tgw-1".to_owned()),
        RouteTarget::Link("pcx-77".parse().unwrap()),
        RouteTarget::Local,
    ] {
        let plan = planned(
            &with_group(),
            &inside(
                &[table("rtb-1", &[(CLIENTS, target, RouteState::Active)])],
                &groups,
            ),
            1,
        );
        assert!(
            plan.steps.iter().all(|step| !matches!(step, Step::Act(_))),
            "{plan:#?}"
        );
        assert!(
            steps(&plan).contains(&"RouteConflicted".to_owned())
                && steps(&plan).contains(&CONFLICT.to_owned())
        );
        assert_eq!(plan.next, Next::Blocked);
    }
}

#[test]
fn the_group_is_made_then_its_rules_then_it_is_enforced() {
    let routes = [our_route()];
    let local =
        |log: &Log, groups: &[GroupView]| local_only(&planned(log, &inside(&routes, groups), 1));
    expect(
        &local(&active(), &[]),
        &[
            "RouteInstalled",
            "RoutesEnforced",
            "Begin#2",
            "CreateGroup",
            "AdmitInNew",
        ],
        Next::AtOnce,
    );
    expect(
        &local(&with_group(), &[group(&[])]),
        &[
            "RouteInstalled",
            "RoutesEnforced",
            "FirewallGroupCreated",
            "AuthorizeRule",
        ],
        Next::AtOnce,
    );
    let nothing = with_group();
    nothing.execute(&restrict(&[])).unwrap();
    expect(
        &local(&nothing, &[group(&[])]),
        &[
            "RouteInstalled",
            "RoutesEnforced",
            "FirewallGroupCreated",
            "FirewallEnforced",
        ],
        Next::Settled,
    );
}

#[test]
fn a_group_that_nobody_has_asked_for_is_made_unseen_and_only_then_looked_for() {
    let log = active();
    let mut seen = inside(&[our_route()], &[]);
    seen.groups.local = None;
    let plan = planned(&log, &seen, 1);
    assert_eq!(plan.needs, BTreeSet::new(), "{plan:#?}");
    expect(
        &local_only(&plan),
        &[
            "RouteInstalled",
            "RoutesEnforced",
            "Begin#2",
            "CreateGroup",
            "AdmitInNew",
        ],
        Next::AtOnce,
    );
    let mut memory = Memory::default();
    memory.note_answered(&Action::CreateGroup { side: Side::Local }, at(1));
    assert_eq!(
        planned_with(&log, &seen, &memory, 1).needs,
        BTreeSet::from([Query::Groups(Side::Local)])
    );
}

#[test]
fn a_rule_of_ours_that_is_not_admitted_is_on_record_before_it_is_revoked() {
    let log = with_group();
    log.execute(&restrict(&[])).unwrap();
    let plan = local_only(&planned(
        &log,
        &inside(&[our_route()], &[group(&[rule(Some(owner()))])]),
        1,
    ));
    expect(
        &plan,
        &[
            "RouteInstalled",
            "RoutesEnforced",
            "FirewallGroupCreated",
            "FirewallRuleAuthorized",
            "RevokeRule",
        ],
        Next::AtOnce,
    );
}

#[test]
fn a_strangers_rule_in_our_group_is_never_revoked() {
    let odd = RuleView {
        rule: None,
        ..rule(None)
    };
    for stranger in [rule(None), odd] {
        let plan = planned(
            &with_group(),
            &inside(&[our_route()], &[group(&[rule(Some(owner())), stranger])]),
            1,
        );
        assert!(
            plan.steps.iter().all(|step| !matches!(step, Step::Act(_))),
            "{plan:#?}"
        );
        assert!(!steps(&local_only(&plan)).contains(&"FirewallEnforced".to_owned()));
        assert!(steps(&plan).contains(&CONFLICT.to_owned()));
    }
}

#[test]
fn a_rule_that_is_gone_after_we_revoked_it_is_recorded_as_revoked() {
    let log = with_group();
    for step in planned(
        &log,
        &inside(&[our_route()], &[group(&[rule(Some(owner()))])]),
        1,
    )
    .steps
    {
        if let Step::Record(outcome) = step {
            log.execute(&NetworkCommand::Record(outcome)).unwrap();
        }
    }
    assert!(log.peering().is_converged());
    log.execute(&restrict(&[])).unwrap();
    let plan = planned(&log, &inside(&[our_route()], &[group(&[])]), 1);
    expect(
        &plan,
        &["FirewallRuleRevoked", "FirewallEnforced"],
        Next::Settled,
    );
}

#[test]
fn what_the_cloud_has_confirmed_is_not_asked_for_again_at_once() {
    let log = active();
    let seen = inside(&[our_route()], &[]);
    let mut memory = Memory::default();
    memory.note_answered(&Action::CreateGroup { side: Side::Local }, at(0));
    expect(
        &local_only(&planned_with(&log, &seen, &memory, 19)),
        &["RouteInstalled", "RoutesEnforced"],
        Next::Poll,
    );
    expect(
        &local_only(&planned_with(&log, &seen, &memory, 20)),
        &[
            "RouteInstalled",
            "RoutesEnforced",
            "Begin#2",
            "CreateGroup",
            "AdmitInNew",
        ],
        Next::AtOnce,
    );
    memory.note_answered(&Action::CreateGroup { side: Side::Local }, at(295));
    assert!(steps(&planned_with(&log, &seen, &memory, 300)).contains(&CONFLICT.to_owned()));
}

#[test]
fn a_block_is_taken_back_when_nothing_stands_in_the_way() {
    let log = after(&[]);
    let theirs = sees(&[untagged(ours(LinkState::Active))]);
    for step in planned(&log, &theirs, 0).steps {
        if let Step::Record(outcome) = step {
            log.execute(&NetworkCommand::Record(outcome)).unwrap();
        }
    }
    assert!(log.peering().blocked.is_some());
    expect(&planned(&log, &theirs, 0), &[], Next::Blocked);
    // First the try, then the word that it is over.
    expect(&planned(&log, &sees(&[]), 0), &CREATE, Next::AtOnce);
    log.execute(&NetworkCommand::Record(started(1))).unwrap();
    let over = planned(&log, &sees(&[ours(LinkState::Initiating)]), 0);
    expect(&over, &["Initiated"], Next::Poll);
    assert!(
        over.unblocks,
        "once the steps are done, and none has failed"
    );
}

#[test]
fn an_ended_peering_and_a_converged_one_need_nothing() {
    let log = with_group();
    let seen = inside(&[our_route()], &[group(&[rule(Some(owner()))])]);
    let plan = planned(&log, &seen, 1);
    assert!(plan.steps.iter().any(|step| matches!(
        step,
        Step::Record(Outcome::RouteInstalled(RouteInstalled { .. }))
    )));
    for step in plan.steps {
        if let Step::Record(outcome) = step {
            log.execute(&NetworkCommand::Record(outcome)).unwrap();
        }
    }
    expect(&planned(&log, &seen, 1), &[], Next::Settled);
    assert_eq!(Some(range(CLIENTS)), client_rule().source.range());

    let failed = after(&[started(1)]);
    for step in planned(&failed, &sees(&[ours(LinkState::Failed)]), 1).steps {
        if let Step::Record(outcome) = step {
            failed.execute(&NetworkCommand::Record(outcome)).unwrap();
        }
    }
    expect(
        &planned(&failed, &Observed::default(), 1),
        &[],
        Next::Settled,
    );
}
