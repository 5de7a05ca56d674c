//! Who answers for a peering or for a source that it admits, and when that ends.

use super::{super::*, COMMAND, fold, given, now, recorded, samples::*};
use crate::{actor::Context, side::Side};
use chrono::{DateTime, TimeDelta, Utc};

fn until(hours: i64) -> Tenure {
    Tenure {
        owner: None,
        expires_at: Some(hours_on(hours)),
    }
}

fn owned() -> Tenure {
    Tenure {
        owner: Some(text("team orders")),
        expires_at: None,
    }
}

fn restrict(admit: &[InboundRule], tenure: Tenure) -> RestrictFirewall {
    RestrictFirewall {
        peering_id: peering_id(1),
        side: Side::Local,
        admit: admit.to_vec(),
        tenure,
    }
}

fn admitted(admit: &[InboundRule], tenure: Tenure) -> NetworkEvent {
    FirewallRestricted {
        peering_id: peering_id(1),
        side: Side::Local,
        admit: admit.to_vec(),
        tenure,
    }
    .into()
}

fn said(rule: Option<InboundRule>, tenure: Tenure) -> NetworkEvent {
    PeeringTenureSet {
        peering_id: peering_id(1),
        rule,
        tenure,
    }
    .into()
}

fn says(rule: Option<InboundRule>, end: Change<DateTime<Utc>>) -> SetTenure {
    SetTenure {
        peering_id: peering_id(1),
        rule,
        owner: None,
        expires_at: Some(end),
    }
}

fn ended(hours: i64, at_end: AtEnd) -> PeeringTenureEnded {
    PeeringTenureEnded {
        peering_id: peering_id(1),
        expires_at: hours_on(hours),
        at_end,
    }
}

fn expired(rule: InboundRule, hours: i64) -> AdmissionExpired {
    AdmissionExpired {
        peering_id: peering_id(1),
        rule,
        expires_at: hours_on(hours),
    }
}

fn policy(tenure: TenurePolicy) -> NetworkEvent {
    policy_set(Policy {
        tenure,
        ..Policy::default()
    })
}

fn a_day() -> TenurePolicy {
    TenurePolicy {
        longest_peering: Some(86_400),
        longest_admission: Some(86_400),
        ..TenurePolicy::default()
    }
}

fn requested_with(setup: Setup) -> RequestPeering {
    RequestPeering {
        peer: peer(1),
        terms: Terms::default(),
        setup,
    }
}

#[test]
fn a_request_and_an_adoption_say_who_answers_and_until_when() {
    let tenure = Tenure {
        expires_at: Some(hours_on(8)),
        ..owned()
    };
    let id = Ids::of(COMMAND).peering(network_id());
    let said: NetworkEvent = PeeringTenureSet {
        peering_id: id,
        rule: None,
        tenure: tenure.clone(),
    }
    .into();
    let request = requested_with(Setup {
        tenure: tenure.clone(),
        ..Setup::default()
    });
    let adopt = AdoptPeering {
        peer: peer(1),
        link: link(),
        consent: Consent::Owner,
        tenure,
    };
    for command in [NetworkCommand::from(request), adopt.into()] {
        let state = fold([registered()]);
        let events = decide(
            &state,
            &command,
            &Context::default(),
            now(),
            Ids::of(COMMAND),
        )
        .unwrap();
        assert_eq!(events.last(), Some(&said));
    }
}

#[test]
fn a_policy_asks_no_end_of_what_is_admitted_less() {
    let [one, other] = ["10.101.1.0/24", "10.101.2.0/24"].map(|it| rule(it, 2113));
    let before = restricted(Side::Local, &[one, other]);
    let state = || given(active_history([before.clone(), policy(a_day())]));
    for less in [&[one][..], &[]] {
        state()
            .when(restrict(less, Tenure::default()))
            .then([restricted(Side::Local, less)]);
    }
    let third = rule("10.101.3.0/24", 2113);
    let verdict = state().when(restrict(&[one, third], Tenure::default()));
    assert!(verdict.0.is_err(), "more asks for an end");
}

#[test]
fn an_end_that_has_passed_is_refused_wherever_it_is_named() {
    let refusal = || Refusal::ExpiryPassed { expires_at: now() };
    given([registered()])
        .when(requested_with(Setup {
            tenure: until(0),
            ..Setup::default()
        }))
        .then_refused(refusal());
    given(active_history([]))
        .when(restrict(&[clients()], until(0)))
        .then_refused(refusal());
    given(active_history([]))
        .when(says(None, Change::To(now())))
        .then_refused(refusal());
}

#[test]
fn what_is_admitted_anew_gets_the_end_and_what_was_admitted_keeps_its_own() {
    let other = rule("10.101.7.0/24", 2113);
    let first = admitted(&[clients()], until(8));
    let both = admitted(&[clients(), other], until(2));
    given(active_history([first.clone()]))
        .when(restrict(&[clients(), other], until(2)))
        .then([both.clone()]);
    let peering = recorded(active_history([first.clone(), both]));
    assert_eq!(peering.admission(&clients()), until(8));
    assert_eq!(peering.admission(&other), until(2));
    let peering = recorded(active_history([first, admitted(&[], Tenure::default())]));
    assert!(peering.admissions.is_empty());
}

#[test]
fn an_end_for_nothing_new_is_refused_and_not_swallowed() {
    let refusal = || {
        Refusal::NothingAdmittedAnew(NothingAdmittedAnew {
            peering_id: peering_id(1),
        })
    };
    given(active_history([admitted(&[clients()], Tenure::default())]))
        .when(restrict(&[clients()], until(2)))
        .then_refused(refusal());
    let remote = RestrictFirewall {
        side: Side::Remote,
        ..restrict(&[], until(2))
    };
    given(active_history([]))
        .when(remote)
        .then_refused(refusal());
    given([registered()])
        .when(requested_with(Setup {
            admission: until(2),
            ..Setup::default()
        }))
        .then_refused(Refusal::NothingAdmittedAnew(NothingAdmittedAnew {
            peering_id: Ids::of(COMMAND).peering(network_id()),
        }));
}

#[test]
fn an_end_can_be_changed_and_taken_away_again_and_the_owner_stays() {
    let before = Tenure {
        expires_at: Some(hours_on(8)),
        ..owned()
    };
    let history = || active_history([said(None, before.clone())]);
    given(history())
        .when(says(None, Change::To(hours_on(9))))
        .then([said(
            None,
            Tenure {
                expires_at: Some(hours_on(9)),
                ..owned()
            },
        )]);
    given(history())
        .when(says(None, Change::None))
        .then([said(None, owned())]);
    given(history())
        .when(says(None, Change::To(hours_on(8))))
        .then_nothing();
}

#[test]
fn what_is_not_admitted_has_no_end() {
    given(active_history([]))
        .when(says(Some(clients()), Change::None))
        .then_refused(Refusal::AdmissionUnknown(AdmissionUnknown {
            peering_id: peering_id(1),
            from: clients().source,
            port: clients().port,
        }));
    let nothing = recorded(active_history([said(Some(clients()), until(1))]));
    assert!(nothing.admissions.is_empty());
}

#[test]
fn an_admission_ends_when_its_time_has_come_and_is_admitted_no_longer() {
    let other = rule("10.101.7.0/24", 2113);
    let history = |hours| {
        active_history([
            admitted(&[other], Tenure::default()),
            admitted(&[clients(), other], until(hours)),
        ])
    };
    let over = expired(clients(), 0);
    given(history(0))
        .when(NetworkCommand::Record(over.clone().into()))
        .then([over.clone().into()]);
    let peering = recorded(history(0).into_iter().chain([over.clone().into()]));
    assert_eq!(peering.firewall.local.admit, [other].into());
    assert!(peering.admissions.is_empty());
    // The second engine says the same; a stale one speaks of an end that was put off.
    given(history(0).into_iter().chain([over.clone().into()]))
        .when(NetworkCommand::Record(over.clone().into()))
        .then_nothing();
    for (history, over) in [(history(1), over), (history(1), expired(clients(), 1))] {
        let refused = given(history).when(NetworkCommand::Record(over.into()));
        assert!(matches!(refused.0, Err(Refusal::OutcomeOutOfOrder { .. })));
    }
}

#[test]
fn a_peering_whose_end_has_come_is_removed_unless_its_policy_only_tells() {
    let over = said(None, until(0));
    let removed = ended(0, AtEnd::Remove);
    given(active_history([over.clone()]))
        .when(NetworkCommand::Record(removed.clone().into()))
        .then([removed.clone().into()]);
    let peering = recorded(active_history([over.clone(), removed.clone().into()]));
    assert!(matches!(peering.life, Life::Removing { .. }));
    let passed = now();
    assert_eq!(
        peering.removal.unwrap().cause,
        RemovalCause::Expiry { passed }
    );
    let telling = policy(TenurePolicy {
        at_end: AtEnd::Report,
        ..TenurePolicy::default()
    });
    let told = ended(0, AtEnd::Report);
    let history = || active_history([telling.clone(), over.clone()]);
    given(history())
        .when(NetworkCommand::Record(told.clone().into()))
        .then([told.clone().into()]);
    // What a worker concluded from the policy before is refused.
    let refused = given(history()).when(NetworkCommand::Record(removed.clone().into()));
    assert!(matches!(refused.0, Err(Refusal::OutcomeOutOfOrder { .. })));
    let told_once = || history().into_iter().chain([told.clone().into()]);
    given(told_once())
        .when(NetworkCommand::Record(told.clone().into()))
        .then_nothing();
    assert!(matches!(recorded(told_once()).life, Life::Active { .. }));
    // Told, and then the policy removes after all.
    given(told_once().chain([policy(TenurePolicy::default())]))
        .when(NetworkCommand::Record(removed.clone().into()))
        .then([removed.into()]);
    let put_off = recorded(told_once().chain([said(None, until(5))]));
    assert_eq!(put_off.tenure_ended, None);
}

#[test]
fn nothing_ends_before_its_time_or_at_another_ones() {
    let history = active_history([said(None, until(1))]);
    for over in [ended(1, AtEnd::Remove), ended(0, AtEnd::Remove)] {
        let refused = given(history.clone()).when(NetworkCommand::Record(over.into()));
        assert!(matches!(refused.0, Err(Refusal::OutcomeOutOfOrder { .. })));
    }
}

#[test]
fn a_policy_asks_for_an_end_within_its_maximum_and_for_an_owner() {
    let strict = policy(TenurePolicy {
        owner_required: true,
        ..a_day()
    });
    let request = |tenure| {
        requested_with(Setup {
            tenure,
            ..Setup::default()
        })
    };
    let state = || given([registered(), strict.clone()]);
    state()
        .when(request(until(2)))
        .then_refused(Refusal::OwnerRequired);
    state()
        .when(request(owned()))
        .then_refused(Refusal::ExpiryRequired { most: 86_400 });
    let too_far = Tenure {
        expires_at: Some(hours_on(24) + TimeDelta::seconds(1)),
        ..owned()
    };
    state()
        .when(request(too_far))
        .then_refused(Refusal::ExpiryTooFar(ExpiryTooFar {
            expires_at: hours_on(24) + TimeDelta::seconds(1),
            latest: hours_on(24),
        }));
    let allowed = Tenure {
        expires_at: Some(hours_on(24)),
        ..owned()
    };
    assert!(state().when(request(allowed)).0.is_ok());
}

#[test]
fn where_a_policy_asks_for_an_owner_nobody_takes_it_away_and_the_rest_can_be_changed() {
    let strict = policy(TenurePolicy {
        owner_required: true,
        ..TenurePolicy::default()
    });
    let changes = |rule, owner: Option<Change<_>>| SetTenure {
        owner,
        ..says(rule, Change::To(hours_on(8)))
    };
    let nobody = || Some(Change::None);
    let state = |tenure| given(active_history([said(None, tenure), strict.clone()]));
    state(owned())
        .when(changes(None, nobody()))
        .then_refused(Refusal::OwnerRequired);
    let tenure = Tenure {
        owner: Some(text("team billing")),
        expires_at: Some(hours_on(8)),
    };
    state(owned())
        .when(changes(None, tenure.owner.clone().map(Change::To)))
        .then([said(None, tenure)]);
    // One that is older than the policy and has no owner gets an end all the same.
    state(until(9))
        .when(changes(None, None))
        .then([said(None, until(8))]);
    // The policy asks it of peerings, and not of what they admit.
    given(active_history([
        admitted(&[clients()], owned()),
        strict.clone(),
    ]))
    .when(changes(Some(clients()), nobody()))
    .then([said(Some(clients()), until(8))]);
}

#[test]
fn the_maximum_of_admissions_holds_for_sources_and_for_ingress() {
    let asks = Refusal::ExpiryRequired { most: 86_400 };
    let state = || given(active_history([policy(a_day())]));
    state()
        .when(restrict(&[clients()], Tenure::default()))
        .then_refused(asks.clone());
    let ingress = AllowConnectorIngress {
        peering_id: peering_id(1),
        target: range("10.101.8.0/24"),
        port: 443,
        reason: reason_given("nightly export"),
        expires_at: None,
        from: None,
        no_expiry: false,
    };
    state().when(ingress).then_refused(asks.clone());
    // What was admitted before the policy stays; an end that is taken away is asked for.
    let before = || active_history([admitted(&[clients()], Tenure::default()), policy(a_day())]);
    given(before())
        .when(restrict(&[clients()], Tenure::default()))
        .then_nothing();
    given(before())
        .when(says(Some(clients()), Change::None))
        .then_refused(asks.clone());
    given(before())
        .when(says(None, Change::None))
        .then_refused(asks);
}

#[test]
fn an_end_that_comes_sooner_closes_and_so_needs_no_reason() {
    let asking = policy_set(Policy {
        reason: Some(Requirement {
            required: true,
            pattern: None,
        }),
        ..Policy::default()
    });
    let state = || given(active_history([said(None, until(8)), asking.clone()]));
    assert!(state().when(says(None, Change::To(hours_on(4)))).0.is_ok());
    state()
        .when(says(None, Change::To(hours_on(9))))
        .then_refused(Refusal::ReasonRequired);
    state()
        .when(says(None, Change::None))
        .then_refused(Refusal::ReasonRequired);
    let given_away = SetTenure {
        owner: Some(Change::To(text("team billing"))),
        ..says(None, Change::To(hours_on(4)))
    };
    state()
        .when(given_away)
        .then_refused(Refusal::ReasonRequired);
}
