//! Consent: on what terms a link is asked for, who agreed to it, and until when.

use super::{super::*, COMMAND, given, now, recorded, samples::*};
use crate::{place::Provider, side::Side};
use chrono::TimeDelta;

fn request(terms: Terms) -> RequestPeering {
    RequestPeering {
        peer: peer(1),
        terms,
        setup: Setup::default(),
    }
}

fn expires() -> Outcome {
    PeeringExpired {
        peering_id: peering_id(1),
        link: link(),
    }
    .into()
}

fn accepts(evidence: Evidence) -> PeeringAccepted {
    PeeringAccepted {
        peering_id: peering_id(1),
        link: link(),
        evidence: Some(evidence),
    }
}

fn renewing() -> Terms {
    Terms {
        renew: true,
        ..Terms::default()
    }
}

fn by(hours: i64) -> Terms {
    Terms {
        deadline: Some(hours_on(hours)),
        ..Terms::default()
    }
}

#[test]
fn a_request_keeps_its_terms_and_names_what_the_engine_shows_to_enter_the_peers_account() {
    let terms = Terms {
        consent: Consent::Owner,
        deadline: Some(hours_on(72)),
        renew: true,
        accept_open: None,
    };
    let peering_id = Ids::of(COMMAND).peering(network_id());
    let external_id = Some(network_id().external_id(&peer(1).account));
    let requested = PeeringRequested {
        peering_id,
        peer: peer(1),
        requested_at: now(),
        terms: terms.clone(),
        external_id,
    };
    let denied = Side::BOTH.map(|side| {
        FirewallRestricted {
            peering_id,
            side,
            admit: Vec::new(),
            tenure: Default::default(),
        }
        .into()
    });
    given([registered()])
        .when(request(terms))
        .then(std::iter::once(requested.into()).chain(denied));
}

#[test]
fn no_two_tenants_and_no_two_accounts_share_an_external_id() {
    let id =
        |network: u128, n| NetworkId(uuid::Uuid::from_u128(network)).external_id(&peer(n).account);
    assert_eq!(id(1, 1), id(1, 1));
    assert_ne!(id(1, 1), id(2, 1));
    assert_ne!(id(1, 1), id(1, 2));
}

#[test]
fn a_deadline_that_has_passed_is_refused() {
    for deadline in [now(), now() - TimeDelta::days(1)] {
        let terms = Terms {
            deadline: Some(deadline),
            ..Terms::default()
        };
        given([registered()])
            .when(request(terms))
            .then_refused(Refusal::DeadlinePassed { deadline });
    }
}

#[test]
fn the_side_that_the_owner_keeps_is_not_the_engines() {
    let owner = recorded(history_on(
        Terms {
            consent: Consent::Owner,
            ..Terms::default()
        },
        [],
    ));
    assert_eq!(owner.kept_sides().collect::<Vec<_>>(), [Side::Local]);
    assert!(owner.is_ours_to_keep(Side::Local) && !owner.is_ours_to_keep(Side::Remote));
    assert_eq!(
        recorded(history([])).kept_sides().collect::<Vec<_>>(),
        Side::BOTH
    );
}

#[test]
fn a_peering_whose_owner_keeps_the_remote_side_converges_without_it() {
    let settled = [
        started(1),
        initiated(),
        accepted(),
        activated(),
        enforced(Side::Local, "sg-01", &[]).into(),
    ];
    let events = settled
        .into_iter()
        .chain([route_accepted(Side::Remote, "10.20.0.0/16")]);
    let on = |consent| {
        recorded(history_on(
            Terms {
                consent,
                ..Terms::default()
            },
            events.clone(),
        ))
        .is_converged()
    };
    assert!(on(Consent::Owner) && !on(Consent::Delegated));
}

#[test]
fn an_acceptance_is_recorded_with_who_gave_it_and_how_it_was_seen() {
    let acceptance = accepts(evidence());
    let events = history([started(1), initiated()]);
    given(events.clone())
        .when(Outcome::from(acceptance.clone()))
        .then([acceptance.clone().into()]);
    assert_eq!(
        recorded(events.into_iter().chain([acceptance.into()])).acceptance,
        Some(evidence())
    );
}

#[test]
fn an_acceptance_by_somebody_who_is_not_the_peer_is_refused() {
    let stranger = Evidence {
        account: text("999999999999"),
        ..evidence()
    };
    let refusal = Refusal::AccepterMismatch(AccepterMismatch {
        peering_id: peering_id(1),
        on_record: peer(1).account.to_string(),
        shown: "999999999999".to_owned(),
    });
    given(history([started(1), initiated()]))
        .when(Outcome::from(accepts(stranger)))
        .then_refused(refusal);
}

#[test]
fn the_engine_does_not_accept_in_the_place_of_an_owner_who_keeps_that_to_themselves() {
    let terms = Terms {
        consent: Consent::Owner,
        ..Terms::default()
    };
    for accepted_by in [AcceptedBy::Engine, AcceptedBy::EngineOrOwner] {
        let by_us = accepts(Evidence {
            accepted_by,
            ..evidence()
        });
        let refusal = Refusal::OutcomeOutOfOrder {
            peering_id: peering_id(1),
            life: "awaiting_acceptance",
            outcome: "an acceptance that was not the engine's to give",
        };
        given(history_on(terms.clone(), [started(1), initiated()]))
            .when(Outcome::from(by_us.clone()))
            .then_refused(refusal);
        given(history([started(1), initiated()]))
            .when(Outcome::from(by_us.clone()))
            .then([by_us.into()]);
    }
}

#[test]
fn a_link_can_be_accepted_for_a_week_from_its_attempt_or_for_as_long_as_the_cloud_says() {
    let life = |expires_at| {
        let initiated = PeeringInitiated {
            peering_id: peering_id(1),
            link: link(),
            expires_at,
        };
        recorded(history([started(1), initiated.into()])).life
    };
    let waiting = |expires_at| Life::AwaitingAcceptance {
        link: link(),
        expires_at: Some(expires_at),
        warned: false,
    };
    assert_eq!(life(None), waiting(hours_on(168)));
    assert_eq!(life(Some(hours_on(100))), waiting(hours_on(100)));
}

#[test]
fn a_link_of_two_halves_waits_for_its_accepter_for_ever() {
    for provider in [Provider::Gcp, Provider::Azure] {
        let peer = Peer {
            provider,
            ..peer(1)
        };
        let adopted = PeeringAdopted {
            peering_id: peering_id(1),
            peer: peer.clone(),
            link: link(),
            adopted_at: now(),
            consent: Consent::Owner,
            external_id: None,
            expires_at: None,
        };
        let waiting = Life::AwaitingAcceptance {
            link: link(),
            expires_at: None,
            warned: false,
        };
        let asked = [registered(), requested_of(1, peer), started(1), initiated()];
        assert_eq!(recorded(asked).life, waiting, "{provider}");
        assert_eq!(recorded([registered(), adopted.into()]).life, waiting);
    }
}

#[test]
fn the_last_day_of_a_request_is_announced_once() {
    let events = history([started(1), initiated()]);
    given(events.clone())
        .when(Outcome::from(expiry_near()))
        .then([expiry_near().into()]);
    let warned = events.into_iter().chain([expiry_near().into()]);
    given(warned)
        .when(Outcome::from(expiry_near()))
        .then_nothing();
}

#[test]
fn an_expired_link_ends_a_peering_that_did_not_ask_for_another() {
    given(history([started(1), initiated()]))
        .when(expires())
        .then([expired()]);
}

#[test]
fn an_expired_link_is_asked_for_once_more_by_policy_and_only_once() {
    let first = history_on(renewing(), [started(1), initiated()]);
    given(first.clone())
        .when(expires())
        .then([expired(), renewed()]);
    let second: Vec<_> = first.into_iter().chain([expired(), renewed()]).collect();
    let peering = recorded(second.clone());
    assert_eq!(
        (&peering.life, peering.past_links.contains(&link())),
        (&Life::Requested, true)
    );
    let again = PeeringInitiated {
        peering_id: peering_id(1),
        link: other_link(),
        expires_at: None,
    };
    let waiting = second.into_iter().chain([started(1), again.into()]);
    let late = PeeringExpired {
        peering_id: peering_id(1),
        link: other_link(),
    };
    given(waiting)
        .when(Outcome::from(late.clone()))
        .then([late.into()]);
}

#[test]
fn the_expiry_that_led_to_a_renewal_is_not_recorded_again_and_its_link_is_no_new_one() {
    let renewal = history_on(renewing(), [started(1), initiated(), expired(), renewed()]);
    given(renewal.clone()).when(expires()).then_nothing();
    let stale = Outcome::from(PeeringInitiated {
        peering_id: peering_id(1),
        link: link(),
        expires_at: None,
    });
    let refusal = Refusal::LinkOnRecord {
        link: link().to_string(),
        peering_id: peering_id(1),
    };
    given(renewal.into_iter().chain([started(1)]))
        .when(stale)
        .then_refused(refusal);
}

#[test]
fn nothing_is_asked_for_again_after_its_deadline() {
    let terms = Terms {
        renew: true,
        ..by(0)
    };
    given(history_on(terms, [started(1), initiated()]))
        .when(expires())
        .then([expired()]);
}

#[test]
fn a_link_of_another_peering_is_none_of_this_ones() {
    let other = PeeringInitiationStarted {
        peering_id: peering_id(2),
        attempt: 1,
        started_at: now(),
    };
    let events = history([started(1), initiated(), requested(2), other.into()]);
    let stray = Outcome::from(PeeringInitiated {
        peering_id: peering_id(2),
        link: link(),
        expires_at: None,
    });
    given(events)
        .when(stray)
        .then_refused(Refusal::LinkOnRecord {
            link: link().to_string(),
            peering_id: peering_id(1),
        });
}

#[test]
fn a_link_that_is_not_active_by_its_deadline_is_taken_back() {
    let passed = |hours| Outcome::from(deadline_passed(hours_on(hours)));
    for until in [
        vec![],
        vec![started(1)],
        vec![started(1), initiated()],
        vec![started(1), initiated(), accepted()],
    ] {
        given(history_on(by(0), until.clone()))
            .when(passed(0))
            .then([deadline_passed(now()).into()]);
        let after = recorded(history_on(
            by(0),
            until.into_iter().chain([deadline_passed(now()).into()]),
        ));
        assert!(matches!(after.life, Life::Removing { .. }));
        let removal = after.removal.unwrap();
        assert_eq!(removal.cause, RemovalCause::Deadline { passed: now() });
        assert_eq!(removal.since, now());
    }
    let refusal = |life, outcome| Refusal::OutcomeOutOfOrder {
        peering_id: peering_id(1),
        life,
        outcome,
    };
    given(history_on(by(1), []))
        .when(passed(1))
        .then_refused(refusal("requested", "a deadline that is still to come"));
    given(history_on(by(1), []))
        .when(passed(0))
        .then_refused(refusal("requested", "another deadline"));
    given(history([]))
        .when(passed(0))
        .then_refused(refusal("requested", "another deadline"));
    let active = history_on(by(0), [started(1), initiated(), accepted(), activated()]);
    given(active)
        .when(passed(0))
        .then_refused(refusal("active", "a deadline that passed"));
}
