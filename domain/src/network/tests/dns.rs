//! Name resolution over a link: wanted per side, seen per side, and only where the provider has it.

use super::{super::*, given, recorded, samples::*};
use crate::side::Side;

fn resolve(side: Side, enabled: bool) -> SetDnsResolution {
    SetDnsResolution {
        peering_id: peering_id(1),
        side,
        enabled,
    }
}

#[test]
fn each_side_is_asked_for_by_itself() {
    given(history([]))
        .when(resolve(Side::Local, true))
        .then([dns_set(Side::Local, true)]);
    let events = active_history([dns_set(Side::Local, true)]);
    given(events.clone())
        .when(resolve(Side::Local, true))
        .then_nothing();
    given(events.clone())
        .when(resolve(Side::Remote, true))
        .then([dns_set(Side::Remote, true)]);
    given(events)
        .when(resolve(Side::Local, false))
        .then([dns_set(Side::Local, false)]);
}

#[test]
fn a_provider_without_the_option_refuses_it() {
    for provider in [Provider::Gcp, Provider::Azure] {
        let elsewhere = RegisterNetwork {
            provider,
            ..register()
        };
        let events = [registered_as(elsewhere, network_id()), requested(1)];
        given(events)
            .when(resolve(Side::Local, true))
            .then_refused(Refusal::DnsResolutionUnsupported { provider });
    }
}

#[test]
fn a_peering_has_not_converged_until_names_resolve_as_asked() {
    let settled = [
        enforced(Side::Local, "sg-01", &[]).into(),
        enforced(Side::Remote, "sg-02", &[]).into(),
        dns_set(Side::Remote, true),
    ];
    let before = active_history(settled);
    assert!(!recorded(before.clone()).is_converged());
    assert!(
        recorded(
            before
                .into_iter()
                .chain([dns_applied(Side::Remote, true).into()])
        )
        .is_converged()
    );
}

#[test]
fn what_was_seen_of_a_side_is_recorded_once() {
    let applied = dns_applied(Side::Local, true);
    let events = active_history([dns_set(Side::Local, true)]);
    given(events.clone())
        .when(Outcome::from(applied.clone()))
        .then([applied.clone().into()]);
    given(events.into_iter().chain([applied.clone().into()]))
        .when(Outcome::from(applied))
        .then_nothing();
}
