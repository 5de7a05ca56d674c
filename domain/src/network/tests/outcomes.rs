//! Recording outcomes: what the cloud showed is recorded once, and never bends the history.

use super::{super::*, fold, given, now, recorded, samples::*};
use crate::{side::Side, text::Link};

fn life(events: Vec<NetworkEvent>) -> Life {
    recorded(events).life
}

/// Where a link admits by default, what keeps the other side out is there before it is active.
#[test]
fn a_firewall_is_enforced_before_its_link_is_active_only_where_links_admit_by_default() {
    let of = |provider| {
        let network = RegisterNetwork {
            provider,
            ..register()
        };
        fold([
            registered_as(network, network_id()),
            requested(1),
            restricted(Side::Local, &[clients()]),
            started(1),
            initiated(),
        ])
    };
    let group = group_created(Side::Local, "sg-01");
    let rule = rule_authorized(Side::Local, clients(), "sgr-01");
    let told: [Outcome; 3] = [
        group.into(),
        rule.into(),
        enforced(Side::Local, "sg-01", &[clients()]).into(),
    ];
    for outcome in told {
        let decided = |provider| {
            let command = NetworkCommand::Record(outcome.clone());
            let (context, ids) = (Context::default(), Ids::of(super::COMMAND));
            decide(&of(provider), &command, &context, now(), ids)
        };
        for provider in [Provider::Aws, Provider::Gcp] {
            let refused = decided(provider);
            let is_early = matches!(refused, Err(Refusal::OutcomeOutOfOrder { .. }));
            assert!(is_early, "{provider}: {refused:?}");
        }
        assert_eq!(decided(Provider::Azure).unwrap().len(), 1, "{outcome:?}");
    }
}

#[test]
fn a_link_comes_to_life_step_by_step() {
    let (id, link) = (peering_id(1), link());
    let steps = [
        Outcome::InitiationStarted(PeeringInitiationStarted {
            peering_id: id,
            attempt: 1,
            started_at: now(),
        }),
        Outcome::Initiated(PeeringInitiated {
            peering_id: id,
            link: link.clone(),
            expires_at: None,
        }),
        Outcome::Accepted(PeeringAccepted {
            peering_id: id,
            link: link.clone(),
            evidence: None,
        }),
        Outcome::Activated(PeeringActivated {
            peering_id: id,
            link: link.clone(),
        }),
    ];
    let events = [started(1), initiated(), accepted(), activated()];
    for (done, (step, event)) in steps.iter().zip(&events).enumerate() {
        given(history(events[..done].to_vec()))
            .when(step.clone())
            .then([event.clone()]);
    }
    assert_eq!(life(active_history([])), Life::Active { link });
}

#[test]
fn saying_a_step_again_records_nothing_even_later() {
    let step = Outcome::Initiated(PeeringInitiated {
        peering_id: peering_id(1),
        link: link(),
        expires_at: Some(now()),
    });
    given(active_history([])).when(step).then_nothing();
}

#[test]
fn a_refused_attempt_makes_room_for_the_next_one() {
    let next = |attempt| {
        Outcome::InitiationStarted(PeeringInitiationStarted {
            peering_id: peering_id(1),
            attempt,
            started_at: now(),
        })
    };
    given(history([started(1), initiation_refused(1)]))
        .when(next(2))
        .then([started(2)]);
    given(history([started(1), initiation_refused(1), started(2)]))
        .when(next(2))
        .then_nothing();
    assert_eq!(
        life(history([started(1), initiation_refused(1), started(2)])),
        Life::Initiating {
            attempt: 2,
            started_at: now()
        }
    );
}

#[test]
fn a_late_word_about_an_earlier_attempt_is_refused() {
    let late = Outcome::InitiationRefused(PeeringInitiationRefused {
        peering_id: peering_id(1),
        attempt: 1,
        cause: None,
    });
    let refusal = Refusal::OutcomeOutOfOrder {
        peering_id: peering_id(1),
        life: "initiating",
        outcome: "a refused attempt",
    };
    given(history([started(1), started(2)]))
        .when(late)
        .then_refused(refusal);
}

#[test]
fn attempts_are_counted_without_overflow() {
    let next = Outcome::InitiationStarted(PeeringInitiationStarted {
        peering_id: peering_id(1),
        attempt: 0,
        started_at: now(),
    });
    let refusal = Refusal::OutcomeOutOfOrder {
        peering_id: peering_id(1),
        life: "initiating",
        outcome: "an attempt to initiate it",
    };
    given(history([started(u32::MAX)]))
        .when(next)
        .then_refused(refusal);
}

#[test]
fn another_link_is_never_taken_for_the_recorded_one() {
    let outcome = Outcome::Accepted(PeeringAccepted {
        peering_id: peering_id(1),
        link: other_link(),
        evidence: None,
    });
    let refusal = Refusal::LinkMismatch {
        peering_id: peering_id(1),
        recorded: link().to_string(),
        reported: other_link().to_string(),
    };
    given(history([started(1), initiated()]))
        .when(outcome)
        .then_refused(refusal);
}

#[test]
fn what_cannot_follow_from_the_state_is_refused_with_both() {
    let outcome = Outcome::Activated(PeeringActivated {
        peering_id: peering_id(1),
        link: link(),
    });
    let refusal = Refusal::OutcomeOutOfOrder {
        peering_id: peering_id(1),
        life: "awaiting_acceptance",
        outcome: "an active link",
    };
    given(history([started(1), initiated()]))
        .when(outcome)
        .then_refused(refusal);
}

#[test]
fn an_outcome_of_a_peering_that_was_never_requested_is_refused() {
    let outcome = Outcome::Unblocked(unblocked());
    given([registered()])
        .when(outcome)
        .then_refused(Refusal::PeeringUnknown {
            peering_id: peering_id(1),
        });
}

#[test]
fn an_ending_lifts_the_block_and_stays_the_ending() {
    let events = history([
        started(1),
        blocked(BlockCause::QuotaExceeded).into(),
        failed(None).into(),
    ]);
    assert_eq!(recorded(events.clone()).blocked, None);
    let expired = Outcome::Expired(PeeringExpired {
        peering_id: peering_id(1),
        link: link(),
    });
    let refusal = Refusal::OutcomeOutOfOrder {
        peering_id: peering_id(1),
        life: "failed",
        outcome: "another ending",
    };
    given(events).when(expired).then_refused(refusal);
}

#[test]
fn a_route_is_recorded_once_per_route_table() {
    let installed =
        |table| Outcome::RouteInstalled(route_installed(Side::Local, "10.101.0.0/16", table));
    let event = |table| NetworkEvent::from(route_installed(Side::Local, "10.101.0.0/16", table));
    let accepted = route_accepted(Side::Local, "10.101.0.0/16");
    let both = ["rtb-01", "rtb-02"].map(|table| route_thing("10.101.0.0/16", table));
    let intent: NetworkEvent = intended(Side::Local, both).into();
    given(active_history([accepted.clone(), intent.clone()]))
        .when(installed("rtb-01"))
        .then([event("rtb-01")]);
    given(active_history([
        accepted.clone(),
        intent.clone(),
        event("rtb-01"),
    ]))
    .when(installed("rtb-01"))
    .then_nothing();
    given(active_history([accepted, intent, event("rtb-01")]))
        .when(installed("rtb-02"))
        .then([event("rtb-02")]);
}

#[test]
fn a_route_that_nobody_was_about_to_install_is_never_made_the_engines() {
    let (destination, table) = ("10.101.0.0/16", "rtb-01");
    let installed = Outcome::RouteInstalled(route_installed(Side::Local, destination, table));
    let refusal = Refusal::OutcomeOutOfOrder {
        peering_id: peering_id(1),
        life: "active",
        outcome: "an installed route that nobody was about to install",
    };
    let accepted = route_accepted(Side::Local, destination);
    let withdrawn: NetworkEvent = RouteWithdrawn {
        peering_id: peering_id(1),
        side: Side::Local,
        destination: range(destination),
        replaced_by: None,
    }
    .into();
    let elsewhere: NetworkEvent =
        intended(Side::Local, [route_thing(destination, "rtb-02")]).into();
    let another: NetworkEvent = intended(Side::Local, [route_thing("10.102.0.0/16", table)]).into();
    let over: NetworkEvent = InstallationEnded {
        peering_id: peering_id(1),
        side: Side::Local,
        things: vec![route_thing(destination, table)],
    }
    .into();
    let here: NetworkEvent = intended(Side::Local, [route_thing(destination, table)]).into();
    for then in [
        vec![],
        vec![withdrawn],
        vec![elsewhere],
        vec![another],
        vec![here, over],
    ] {
        given(active_history(
            [accepted.clone()].into_iter().chain(then.clone()),
        ))
        .when(installed.clone())
        .then_refused(refusal.clone());
    }
}

/// Before intents were on record, installed routes were: what such a history opened is known, and
/// closed.
#[test]
fn a_route_that_an_older_history_has_on_record_is_the_engines_to_close() {
    let (destination, table) = ("10.101.0.0/16", "rtb-01");
    let accepted = route_accepted(Side::Local, destination);
    let installed = route_installed(Side::Local, destination, table);
    let events = active_history([accepted, installed.clone().into()]);
    given(events.clone())
        .when(Outcome::RouteInstalled(installed))
        .then_nothing();
    let peering = recorded(events.clone());
    assert!(peering.owns_route(Side::Local, &text(table), range(destination)));
    let removed = route_removed(Side::Local, destination, table);
    given(events)
        .when(Outcome::RouteRemoved(removed.clone()))
        .then([removed.into()]);
}

#[test]
fn a_route_that_nobody_accepted_is_refused() {
    let refusal = Refusal::RouteNotAccepted {
        peering_id: peering_id(1),
        side: Side::Remote,
        destination: range("10.20.0.0/16"),
    };
    let events = active_history([route_accepted(Side::Local, "10.101.0.0/16")]);
    given(events.clone())
        .when(Outcome::RouteInstalled(route_installed(
            Side::Remote,
            "10.20.0.0/16",
            "rtb-01",
        )))
        .then_refused(refusal.clone());
    given(events)
        .when(Outcome::RouteConflicted(route_conflicted(
            Side::Remote,
            "10.20.0.0/16",
            "rtb-01",
            "tgw-01",
        )))
        .then_refused(refusal);
}

#[test]
fn a_conflict_and_an_installed_route_take_each_others_place() {
    let accepted = route_accepted(Side::Local, "10.101.0.0/16");
    let installed = route_installed(Side::Local, "10.101.0.0/16", "rtb-01");
    let conflicted = |target| route_conflicted(Side::Local, "10.101.0.0/16", "rtb-01", target);
    let in_conflict = active_history([accepted, conflicted("tgw-01").into()]);
    given(in_conflict.clone())
        .when(Outcome::RouteConflicted(conflicted("tgw-01")))
        .then_nothing();
    given(in_conflict.clone())
        .when(Outcome::RouteConflicted(conflicted("nat-02")))
        .then([conflicted("nat-02").into()]);
    let left = RouteConflicted {
        left_by: Some(peering_id(2)),
        ..conflicted("tgw-01")
    };
    given(in_conflict.clone())
        .when(Outcome::RouteConflicted(left.clone()))
        .then([left.clone().into()]);
    let known = in_conflict.clone().into_iter().chain([left.clone().into()]);
    given(known)
        .when(Outcome::RouteConflicted(left))
        .then_nothing();
    let intent = intended(Side::Local, [route_thing("10.101.0.0/16", "rtb-01")]);
    given(in_conflict.clone().into_iter().chain([intent.into()]))
        .when(Outcome::RouteInstalled(installed.clone()))
        .then([installed.clone().into()]);
    let resolved: Vec<_> = in_conflict.into_iter().chain([installed.into()]).collect();
    let route = recorded(resolved.clone()).routes.local[&range("10.101.0.0/16")].clone();
    assert!(route.conflicts.is_empty() && route.installed.len() == 1);
    given(resolved)
        .when(Outcome::RouteConflicted(conflicted("tgw-01")))
        .then([conflicted("tgw-01").into()]);
}

#[test]
fn a_group_and_its_rules_are_recorded_once() {
    let (created, authorized) = (
        group_created(Side::Local, "sg-01"),
        rule_authorized(Side::Local, clients(), "sgr-01"),
    );
    let revoked = rule_revoked(Side::Local, clients(), "sgr-01");
    let events = active_history([created.clone().into(), authorized.clone().into()]);
    given(active_history([]))
        .when(Outcome::FirewallGroupCreated(created.clone()))
        .then([created.clone().into()]);
    given(events.clone())
        .when(Outcome::FirewallGroupCreated(created))
        .then_nothing();
    given(events.clone())
        .when(Outcome::FirewallRuleAuthorized(authorized.clone()))
        .then_nothing();
    given(events.clone())
        .when(Outcome::FirewallRuleRevoked(revoked.clone()))
        .then([revoked.clone().into()]);
    let gone = events
        .into_iter()
        .chain([revoked.clone().into()])
        .collect::<Vec<_>>();
    given(gone.clone())
        .when(Outcome::FirewallRuleRevoked(revoked))
        .then_nothing();
    given(gone)
        .when(Outcome::FirewallRuleAuthorized(authorized.clone()))
        .then([authorized.into()]);
}

#[test]
fn the_revocation_of_a_rule_that_was_made_again_is_no_news() {
    let again = rule_authorized(Side::Local, clients(), "sgr-02");
    let stale = Outcome::FirewallRuleRevoked(rule_revoked(Side::Local, clients(), "sgr-01"));
    given(active_history([again.into()]))
        .when(stale)
        .then_nothing();
}

#[test]
fn a_firewall_is_enforced_only_for_the_posture_of_now() {
    let enforce = |admit: &[InboundRule]| enforced(Side::Local, "sg-01", admit);
    let events = active_history([restricted(Side::Local, &[clients()])]);
    given(events.clone())
        .when(Outcome::FirewallEnforced(enforce(&[clients()])))
        .then([enforce(&[clients()]).into()]);
    let refusal = Refusal::OutcomeOutOfOrder {
        peering_id: peering_id(1),
        life: "active",
        outcome: "a firewall for another posture",
    };
    given(events.clone())
        .when(Outcome::FirewallEnforced(enforce(&[])))
        .then_refused(refusal);
    let done = events
        .into_iter()
        .chain([enforce(&[clients()]).into()])
        .collect::<Vec<_>>();
    given(done.clone())
        .when(Outcome::FirewallEnforced(enforce(&[clients()])))
        .then_nothing();
    let widened = done
        .into_iter()
        .chain([restricted(Side::Local, &[])])
        .collect::<Vec<_>>();
    assert!(!recorded(widened.clone()).firewall.local.is_enforced());
    given(widened)
        .when(Outcome::FirewallEnforced(enforce(&[])))
        .then([enforce(&[]).into()]);
}

#[test]
fn a_new_group_holds_nothing_and_enforces_nothing_until_seen_to() {
    let done: Vec<NetworkEvent> = vec![
        restricted(Side::Local, &[clients()]),
        group_created(Side::Local, "sg-01").into(),
        rule_authorized(Side::Local, clients(), "sgr-01").into(),
        enforced(Side::Local, "sg-01", &[clients()]).into(),
    ];
    let replaced = active_history(
        done.into_iter()
            .chain([group_created(Side::Local, "sg-02").into()]),
    );
    let firewall = recorded(replaced.clone()).firewall.local;
    assert!(!firewall.is_enforced() && firewall.rules.is_empty());
    let again = enforced(Side::Local, "sg-02", &[clients()]);
    given(replaced)
        .when(Outcome::FirewallEnforced(again.clone()))
        .then([again.into()]);
}

#[test]
fn a_firewall_that_lost_a_wanted_rule_is_not_enforced_until_seen_to_be_again() {
    let wanted = enforced(Side::Local, "sg-01", &[clients()]);
    let events = active_history([
        restricted(Side::Local, &[clients()]),
        rule_authorized(Side::Local, clients(), "sgr-01").into(),
        wanted.clone().into(),
        rule_revoked(Side::Local, clients(), "sgr-01").into(),
    ]);
    assert!(!recorded(events.clone()).firewall.local.is_enforced());
    given(events)
        .when(Outcome::FirewallEnforced(wanted.clone()))
        .then([wanted.into()]);
}

#[test]
fn a_block_is_recorded_once_and_again_when_it_says_something_else() {
    let (denied, quota) = (
        blocked(BlockCause::PermissionDenied),
        blocked(BlockCause::QuotaExceeded),
    );
    given(history([]))
        .when(Outcome::Blocked(denied.clone()))
        .then([denied.clone().into()]);
    given(history([denied.clone().into()]))
        .when(Outcome::Blocked(denied.clone()))
        .then_nothing();
    given(history([denied.clone().into()]))
        .when(Outcome::Blocked(quota.clone()))
        .then([quota.into()]);
    given(history([denied.clone().into()]))
        .when(Outcome::Unblocked(unblocked()))
        .then([unblocked().into()]);
    given(history([denied.into(), unblocked().into()]))
        .when(Outcome::Unblocked(unblocked()))
        .then_nothing();
}

#[test]
fn a_peering_has_converged_when_all_that_was_asked_for_was_seen() {
    let asked = [
        route_accepted(Side::Local, "10.101.0.0/16"),
        restricted(Side::Local, &[clients()]),
    ];
    let steps: Vec<NetworkEvent> = vec![
        route_installed(Side::Local, "10.101.0.0/16", "rtb-01").into(),
        enforced(Side::Local, "sg-01", &[clients()]).into(),
        enforced(Side::Remote, "sg-02", &[]).into(),
    ];
    let before = |count: usize| asked.iter().chain(&steps[..count]).cloned();
    let after = |count: usize| recorded(active_history(before(count)));
    assert!((0..3).all(|count| !after(count).is_converged()));
    assert!(after(3).is_converged());
    let later: [NetworkEvent; 3] = [
        blocked(BlockCause::Conflict).into(),
        route_conflicted(Side::Local, "10.101.0.0/16", "rtb-02", "tgw-01").into(),
        route_accepted(Side::Remote, "10.20.0.0/16"),
    ];
    for event in later {
        let then = before(3).chain([event.clone()]);
        assert!(!recorded(active_history(then)).is_converged(), "{event:?}");
    }
}

/// It stands in the way of another link, and only what is on record as the engine's own goes.
#[test]
fn a_half_that_an_ended_peering_left_may_go_before_another_link_is_made() {
    let abandoned = PeeringAbandoned {
        peering_id: peering_id(1),
        reason: "given up".parse().unwrap(),
        left_behind: vec![Leftover::Half {
            side: Side::Remote,
            link: Some(link()),
        }],
        not_observed: Vec::new(),
    };
    let events = vec![
        registered(),
        requested(1),
        started(1),
        initiated(),
        abandoned.into(),
        requested(2),
    ];
    let remove = |side, link: Link| {
        HalfChangeStarted::new(peering_id(2), side, HalfChange::Remove, link, now())
    };
    let theirs = remove(Side::Remote, link());
    given(events.clone())
        .when(Outcome::HalfChangeStarted(theirs.clone()))
        .then([theirs.clone().into()]);
    let begun: Vec<_> = events
        .iter()
        .cloned()
        .chain([theirs.clone().into()])
        .collect();
    given(begun)
        .when(Outcome::HalfChangeStarted(theirs))
        .then_nothing();
    for (side, link) in [
        (Side::Local, link()),
        (Side::Remote, "somebodys".parse().unwrap()),
    ] {
        given(events.clone())
            .when(Outcome::HalfChangeStarted(remove(side, link)))
            .then_refused(Refusal::OutcomeOutOfOrder {
                peering_id: peering_id(2),
                life: "requested",
                outcome: "a change of its halves",
            });
    }
}
