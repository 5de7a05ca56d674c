//! What a review confirms: each opening by itself, and never what is opened anew.

use super::{super::*, given, now, recorded, samples::*};
use crate::side::Side;

fn confirm(opening: Reviewed) -> ConfirmOpening {
    ConfirmOpening {
        peering_id: peering_id(1),
        opening,
    }
}

fn confirmed(opening: Reviewed) -> NetworkEvent {
    OpeningConfirmed {
        peering_id: peering_id(1),
        opening,
    }
    .into()
}

fn admitted(admit: &[InboundRule]) -> NetworkEvent {
    FirewallRestricted {
        peering_id: peering_id(1),
        side: Side::Local,
        admit: admit.to_vec(),
        tenure: Tenure::default(),
    }
    .into()
}

const ADMISSION: fn() -> Reviewed = || Reviewed::Admission { rule: clients() };

#[test]
fn each_opening_is_confirmed_by_itself() {
    let history = || [registered(), requested(1), admitted(&[clients()])];
    given(history())
        .when(confirm(ADMISSION()))
        .then([confirmed(ADMISSION())]);
    let peering = recorded(history().into_iter().chain([confirmed(ADMISSION())]));
    assert_eq!(peering.confirmed.get(&ADMISSION()), Some(&now()));
    assert_eq!(peering.confirmed.get(&Reviewed::Peering), None);
    let all: Vec<_> = peering.openings().collect();
    assert_eq!(all, [Reviewed::Peering, ADMISSION()]);
}

#[test]
fn what_was_confirmed_is_confirmed_again_at_another_time_and_once_at_the_same() {
    let before = [registered(), requested(1), confirmed(Reviewed::Peering)];
    let state = super::fold(before);
    let later = now() + chrono::TimeDelta::days(180);
    let context = crate::actor::Context::default();
    let command = confirm(Reviewed::Peering).into();
    let ids = crate::ids::Ids::of(super::COMMAND);
    let again = decide(&state, &command, &context, later, ids).unwrap();
    assert_eq!(again, [confirmed(Reviewed::Peering)]);
    let same = decide(&state, &command, &context, now(), ids).unwrap();
    assert_eq!(same, []);
}

#[test]
fn what_is_closed_loses_its_confirmation_and_what_is_opened_again_has_none() {
    let opened = [registered(), requested(1), admitted(&[clients()])];
    let closed = [confirmed(ADMISSION()), admitted(&[])];
    let peering = recorded(opened.clone().into_iter().chain(closed.clone()));
    assert!(peering.confirmed.is_empty());
    let reopened = [admitted(&[clients()])];
    let peering = recorded(opened.into_iter().chain(closed).chain(reopened));
    assert!(peering.confirmed.is_empty());
    // One that stays open beside another that is closed keeps its own.
    let other = InboundRule {
        port: 9,
        ..clients()
    };
    let peering = recorded([
        registered(),
        requested(1),
        admitted(&[clients(), other]),
        confirmed(ADMISSION()),
        admitted(&[clients()]),
    ]);
    assert!(peering.confirmed.contains_key(&ADMISSION()));
}

#[test]
fn a_policy_that_requires_a_reason_requires_it_of_a_confirmation_too() {
    let policy = Policy {
        reason: Some(Requirement {
            required: true,
            pattern: None,
        }),
        ..Policy::default()
    };
    given([registered(), requested(1), policy_set(policy)])
        .when(confirm(Reviewed::Peering))
        .then_refused(Refusal::ReasonRequired);
}
