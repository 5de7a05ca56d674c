//! Removal and abandonment: what the engine made is taken back or named, from wherever a peering is
//! in its life.

use super::{super::*, fold, given, now, recorded, samples::*};
use crate::side::Side;
use crate::text::Link;

fn remove() -> RemovePeering {
    RemovePeering {
        peering_id: peering_id(1),
        reason: reason_given("the orders team has moved"),
    }
}

fn abandon() -> AbandonPeering {
    AbandonPeering {
        peering_id: peering_id(1),
        reason: reason_given("the account is closed"),
        clean: None,
    }
}

fn refused(life: &'static str, outcome: &'static str) -> Refusal {
    Refusal::OutcomeOutOfOrder {
        peering_id: peering_id(1),
        life,
        outcome,
    }
}

fn trace(events: Vec<NetworkEvent>) -> LinkTrace {
    let life = recorded(events.into_iter().chain([removal_requested()])).life;
    let Life::Removing { trace, .. } = life else {
        panic!("the peering is {}", life.as_str())
    };
    trace
}

fn perhaps(attempt: u32) -> LinkTrace {
    LinkTrace::Perhaps {
        attempt,
        started_at: now(),
    }
}

/// A peering that has something of each kind on each side.
fn full() -> Vec<NetworkEvent> {
    active_history([
        route_accepted(Side::Local, "10.101.0.0/16"),
        route_accepted(Side::Remote, "10.20.0.0/16"),
        restricted(Side::Local, &[clients()]),
        route_installed(Side::Local, "10.101.0.0/16", "rtb-01").into(),
        route_installed(Side::Remote, "10.20.0.0/16", "rtb-02").into(),
        withdrawn(Side::Remote, "10.20.0.0/16", None),
        group_created(Side::Local, "sg-01").into(),
        rule_authorized(Side::Local, clients(), "sgr-01").into(),
        group_created(Side::Remote, "sg-02").into(),
    ])
}

fn all_of_it() -> Vec<Leftover> {
    vec![
        Leftover::Link { link: link() },
        Leftover::Route {
            side: Side::Local,
            route_table: text("rtb-01"),
            destination: range("10.101.0.0/16"),
        },
        Leftover::FirewallRule {
            side: Side::Local,
            rule_id: text("sgr-01"),
        },
        Leftover::FirewallGroup {
            side: Side::Local,
            group: group("sg-01"),
        },
        Leftover::Route {
            side: Side::Remote,
            route_table: text("rtb-02"),
            destination: range("10.20.0.0/16"),
        },
        Leftover::FirewallGroup {
            side: Side::Remote,
            group: group("sg-02"),
        },
    ]
}

#[test]
fn a_peering_can_be_removed_from_wherever_it_is_in_its_life() {
    let lives = [
        (vec![], LinkTrace::Never),
        (vec![started(1)], perhaps(1)),
        (vec![started(1), initiation_refused(1)], LinkTrace::Never),
        (vec![started(1), initiated()], LinkTrace::Seen(link())),
        (
            vec![started(1), initiated(), accepted()],
            LinkTrace::Seen(link()),
        ),
        (
            vec![started(1), initiated(), accepted(), activated()],
            LinkTrace::Seen(link()),
        ),
    ];
    for (events, known) in lives {
        given(history(events.clone()))
            .when(remove())
            .then([removal_requested()]);
        assert_eq!(trace(history(events)), known);
    }
}

#[test]
fn removing_again_changes_nothing_and_keeps_the_first_reason() {
    given(active_history([removal_requested()]))
        .when(remove())
        .then_nothing();
    let late = RemovePeering {
        reason: reason_given("never mind why"),
        ..remove()
    };
    given(active_history([removal_requested()]))
        .when(late)
        .then_nothing();
}

#[test]
fn a_peering_that_is_being_removed_takes_no_more_commands_but_that_to_let_it_be() {
    let events = active_history([
        route_accepted(Side::Local, "10.101.0.0/16"),
        removal_requested(),
    ]);
    let destination = range("10.101.0.0/16");
    let (peering_id, side) = (peering_id(1), Side::Local);
    let commands: Vec<NetworkCommand> = vec![
        AcceptRoute {
            peering_id,
            side,
            destination: range("10.101.7.0/24"),
        }
        .into(),
        WithdrawRoute {
            peering_id,
            side,
            destination,
        }
        .into(),
        ReplaceRoute {
            peering_id,
            side,
            from: destination,
            to: range("10.101.7.0/24"),
        }
        .into(),
        RestrictFirewall {
            peering_id,
            side,
            admit: vec![clients()],
            tenure: Default::default(),
        }
        .into(),
        SetDnsResolution {
            peering_id,
            side,
            enabled: true,
        }
        .into(),
    ];
    for command in commands {
        given(events.clone())
            .when(command)
            .then_refused(Refusal::PeeringBeingRemoved { peering_id });
    }
    given(events)
        .when(abandon())
        .then([abandonment_requested()]);
}

#[test]
fn a_request_for_the_same_peer_waits_for_the_removal() {
    let refusal = Refusal::PeerAlreadyLinked {
        peering_id: peering_id(1),
        life: "removing",
    };
    let request = RequestPeering {
        peer: peer(1),
        terms: Terms::default(),
        setup: Setup::default(),
    };
    given(active_history([removal_requested()]))
        .when(request)
        .then_refused(refusal);
}

#[test]
fn a_link_that_is_seen_late_is_put_on_record_and_removed_too() {
    let events = history([started(1), removal_requested()]);
    let seen = Outcome::from(PeeringInitiated {
        peering_id: peering_id(1),
        link: link(),
        expires_at: None,
    });
    given(events.clone()).when(seen).then([initiated()]);
    let after: Vec<_> = events.into_iter().chain([initiated()]).collect();
    let peering = recorded(after.clone());
    assert!(matches!(
        peering.life,
        Life::Removing {
            trace: LinkTrace::Seen(_),
            ..
        }
    ));
    given(after.clone())
        .when(Outcome::from(removed(&[])))
        .then_refused(refused("removing", "a removal with its link"));
    given(after)
        .when(Outcome::from(link_removed()))
        .then([link_removed().into()]);
}

#[test]
fn an_attempt_that_is_refused_during_removal_leaves_nothing_to_look_for() {
    let events = history([started(1), removal_requested()]);
    let answer = Outcome::from(PeeringInitiationRefused {
        peering_id: peering_id(1),
        attempt: 1,
        cause: None,
    });
    given(events.clone())
        .when(answer.clone())
        .then([initiation_refused(1)]);
    let after: Vec<_> = events.into_iter().chain([initiation_refused(1)]).collect();
    assert!(matches!(
        recorded(after.clone()).life,
        Life::Removing {
            trace: LinkTrace::Never,
            ..
        }
    ));
    given(after).when(answer).then_nothing();
}

#[test]
fn the_answer_to_a_later_attempt_does_not_speak_for_an_earlier_one() {
    let two = history([started(1), started(2)]);
    let refused_second = two
        .iter()
        .cloned()
        .chain([initiation_refused(2)])
        .collect::<Vec<_>>();
    assert_eq!(trace(refused_second.clone()), perhaps(1));
    assert_eq!(
        recorded(refused_second.clone()).leftovers(),
        [Leftover::PossibleLink]
    );
    let during = two
        .into_iter()
        .chain([removal_requested(), initiation_refused(2)])
        .collect::<Vec<_>>();
    assert!(matches!(
        recorded(during).life,
        Life::Removing {
            trace: LinkTrace::Perhaps { attempt: 1, .. },
            ..
        }
    ));
    let failing = Outcome::from(failed(None));
    given(refused_second)
        .when(failing)
        .then_refused(refused("initiating", "an end while a link may exist"));
}

#[test]
fn a_link_that_was_found_settles_what_became_of_the_attempts() {
    let found = recorded(history([started(1), started(2), initiated()]));
    assert_eq!(
        (found.open_attempt, found.leftovers()),
        (None, vec![Leftover::Link { link: link() }])
    );
}

#[test]
fn a_peering_is_removed_when_everything_of_its_making_is_gone() {
    let mut events = full();
    events.push(removal_requested());
    let steps: Vec<NetworkEvent> = vec![
        route_removed(Side::Local, "10.101.0.0/16", "rtb-01").into(),
        route_removed(Side::Remote, "10.20.0.0/16", "rtb-02").into(),
        rule_revoked(Side::Local, clients(), "sgr-01").into(),
        group_removed(Side::Local, "sg-01").into(),
        group_removed(Side::Remote, "sg-02").into(),
    ];
    given(events.clone())
        .when(Outcome::from(removed(&[])))
        .then_refused(refused("removing", "a removal with its link"));
    events.push(link_removed().into());
    for step in steps {
        given(events.clone())
            .when(Outcome::from(removed(&[])))
            .then_refused(refused("removing", "a removal with things still in place"));
        events.push(step);
    }
    given(events.clone())
        .when(Outcome::from(removed(&[])))
        .then([removed(&[]).into()]);
    events.push(removed(&[]).into());
    let peering = recorded(events);
    assert_eq!(
        peering.life,
        Life::Ended(Ending::Removed {
            link: Some(link()),
            left_behind: Vec::new()
        })
    );
    assert!(peering.leftovers().is_empty());
}

#[test]
fn a_peering_is_removed_with_what_it_names_as_left_behind() {
    let rest = &all_of_it()[1..];
    let events = full()
        .into_iter()
        .chain([removal_requested(), link_removed().into()]);
    given(events)
        .when(Outcome::from(removed(rest)))
        .then([removed(rest).into()]);
}

#[test]
fn a_group_that_is_gone_took_its_rules_along() {
    let events = full().into_iter().chain([
        removal_requested(),
        group_removed(Side::Local, "sg-01").into(),
    ]);
    let local = recorded(events).firewall.local;
    assert!(local.group.is_none() && local.rules.is_empty() && !local.is_enforced());
}

#[test]
fn an_active_link_with_something_on_it_does_not_end_by_itself() {
    let fails = Outcome::from(failed(Some(link())));
    given(full())
        .when(fails.clone())
        .then_refused(refused("active", "an end with things left on its link"));
    given(active_history([]))
        .when(fails)
        .then([failed(Some(link())).into()]);
}

#[test]
fn abandonment_begins_with_the_command_and_ends_with_the_worker_who_looked_once_more() {
    given(full())
        .when(abandon())
        .then([abandonment_requested()]);
    let begun = recorded(full().into_iter().chain([abandonment_requested()]));
    assert_eq!(
        begun.life,
        Life::Abandoning {
            trace: LinkTrace::Seen(link())
        }
    );
    assert!(begun.life.is_live());
    let removal = begun.removal.unwrap();
    assert_eq!((removal.since, removal.clean), (now(), None));
    given(full().into_iter().chain([abandonment_requested()]))
        .when(abandon())
        .then_nothing();
}

#[test]
fn a_side_to_clean_up_is_named_with_the_command_or_later() {
    let clean = || AbandonPeering {
        clean: Some(Side::Local),
        ..abandon()
    };
    given(full())
        .when(clean())
        .then([abandonment(Some(Side::Local))]);
    let both = full()
        .into_iter()
        .chain([abandonment_requested(), abandonment(Some(Side::Local))]);
    given(full().into_iter().chain([abandonment_requested()]))
        .when(clean())
        .then([abandonment(Some(Side::Local))]);
    given(both.clone()).when(clean()).then_nothing();
    assert_eq!(recorded(both).removal.unwrap().clean, Some(Side::Local));
}

#[test]
fn a_peering_that_is_given_up_takes_no_other_command() {
    let events: Vec<_> = full()
        .into_iter()
        .chain([abandonment_requested()])
        .collect();
    let peering_id = peering_id(1);
    let commands: [NetworkCommand; 3] = [
        AcceptRoute {
            peering_id,
            side: Side::Local,
            destination: range("10.101.7.0/24"),
        }
        .into(),
        RevokeConnectorIngress {
            peering_id,
            ingress_id: ingress_id(1),
        }
        .into(),
        RemovePeering {
            peering_id,
            reason: reason_given("no longer needed"),
        }
        .into(),
    ];
    for command in commands {
        given(events.clone())
            .when(command)
            .then_refused(Refusal::PeeringBeingAbandoned { peering_id });
    }
}

fn looked(left_behind: &[Leftover], not_observed: &[Side]) -> PeeringAbandoned {
    PeeringAbandoned {
        peering_id: peering_id(1),
        reason: reason_given("the account is closed"),
        left_behind: left_behind.to_vec(),
        not_observed: not_observed.to_vec(),
    }
}

#[test]
fn what_was_made_at_that_instant_is_seen_once_more_and_what_went_is_not_named() {
    let made = route_installed(Side::Remote, "10.20.0.0/16", "rtb-07");
    let intent = InstallationStarted {
        peering_id: peering_id(1),
        side: Side::Remote,
        things: vec![route_thing("10.20.0.0/16", "rtb-07"), Thing::Group],
    };
    let route = Leftover::Route {
        side: Side::Remote,
        route_table: text("rtb-07"),
        destination: range("10.20.0.0/16"),
    };
    let events = active_history([
        route_accepted(Side::Remote, "10.20.0.0/16"),
        intent.into(),
        abandonment_requested(),
        made.into(),
        link_removed().into(),
    ]);
    let possible = Leftover::PossibleThing {
        side: Side::Remote,
        thing: Thing::Group,
    };
    given(events)
        .when(Outcome::from(looked(&[], &[])))
        .then([looked(&[route, possible], &[]).into()]);
}

#[test]
fn abandonment_names_everything_that_is_left_and_the_sides_that_were_not_looked_at() {
    let begun = |events: Vec<NetworkEvent>| events.into_iter().chain([abandonment_requested()]);
    let dead = [Side::Remote];
    given(begun(full()))
        .when(Outcome::from(looked(&[], &dead)))
        .then([looked(&all_of_it(), &dead).into()]);
    given(begun(history([])))
        .when(Outcome::from(looked(&[], &[])))
        .then([abandoned(&[])]);
    for events in [
        history([started(1)]),
        history([started(1), removal_requested()]),
    ] {
        given(begun(events))
            .when(Outcome::from(looked(&[], &[])))
            .then([abandoned(&[Leftover::PossibleLink])]);
    }
    let ended = recorded(begun(full()).chain([looked(&all_of_it(), &dead).into()]));
    assert_eq!(ended.life.ending().unwrap().not_observed(), dead);
    given(full())
        .when(Outcome::from(looked(&[], &[])))
        .then_refused(refused("active", "an abandonment"));
}

#[test]
fn an_abandonment_from_before_there_were_two_steps_ends_it_as_ever() {
    let peering = recorded(full().into_iter().chain([abandoned(&all_of_it())]));
    assert_eq!(
        peering.life,
        Life::Ended(Ending::Abandoned {
            link: Some(link()),
            left_behind: all_of_it(),
            not_observed: Vec::new(),
        })
    );
    assert_eq!(peering.leftovers(), all_of_it());
}

#[test]
fn an_abandoned_peering_frees_its_peer_and_waits_for_nobody() {
    let events = full().into_iter().chain([
        blocked(BlockCause::PermissionDenied).into(),
        abandoned(&all_of_it()),
    ]);
    assert_eq!(recorded(events.clone()).blocked, None);
    let request = RequestPeering {
        peer: peer(1),
        terms: Terms::default(),
        setup: Setup::default(),
    };
    let state = super::fold(events);
    let granted = decide(
        &state,
        &request.into(),
        &Context::default(),
        now(),
        Ids::of(super::COMMAND),
    )
    .unwrap();
    assert!(matches!(
        granted.first(),
        Some(NetworkEvent::PeeringRequested(_))
    ));
}

#[test]
fn a_removal_lifts_the_block_and_forgets_what_was_found() {
    let events = full().into_iter().chain([
        detected(DriftKind::LinkTagMissing).into(),
        blocked(BlockCause::LinkEnded).into(),
    ]);
    let peering = recorded(events.chain([removal_requested()]));
    assert!(peering.blocked.is_none() && peering.drift.is_empty());
}

#[test]
fn what_has_ended_stays_as_it_ended() {
    let ended = full()
        .into_iter()
        .chain([abandoned(&all_of_it())])
        .collect::<Vec<_>>();
    let before = recorded(ended.clone());
    let late: Vec<NetworkEvent> = vec![
        started(9),
        accepted(),
        activated(),
        removal_requested(),
        renewed(),
        blocked(BlockCause::Conflict).into(),
        expired(),
    ];
    assert_eq!(recorded(ended.into_iter().chain(late)), before);
}

/// What the log says of a route that stands in the way of a new peering.
#[test]
fn a_route_that_an_ended_peering_left_behind_is_known_to_be_its_own() {
    let given_up = [abandonment_requested(), looked(&all_of_it(), &[]).into()];
    let Network::Registered(live) = fold(full()) else {
        panic!("the network is registered")
    };
    let Network::Registered(whole) = fold(full().into_iter().chain(given_up)) else {
        panic!("the network is registered")
    };
    let mut folded = Network::Registered(whole.clone());
    folded.fold_ended();
    let Network::Registered(folded) = folded else {
        panic!("the network is registered")
    };
    assert_eq!(folded.ended_peerings().len(), 1, "as a snapshot keeps it");
    let asked = |network: &Registered, table: &str, to: &str, link: &Link| {
        network.who_left(&text(table), range(to), link)
    };
    let another: Link = text("pcx-09");
    for network in [&whole, &folded] {
        let first = Some(peering_id(1));
        assert_eq!(asked(network, "rtb-01", "10.101.0.0/16", &link()), first);
        assert_eq!(asked(network, "rtb-02", "10.20.0.0/16", &link()), first);
        for (table, to, link) in [
            ("rtb-02", "10.101.0.0/16", link()),
            ("rtb-01", "10.20.0.0/16", link()),
            ("rtb-01", "10.101.0.0/16", another.clone()),
        ] {
            assert_eq!(asked(network, table, to, &link), None, "{table} {to}");
        }
        assert_eq!(network.who_had(&link()), first);
        assert_eq!(network.who_had(&another), None);
    }
    let ours = asked(&live, "rtb-01", "10.101.0.0/16", &link());
    assert_eq!((ours, live.who_had(&link())), (None, None), "it lives");
}
