//! What a side's group is attached to: on request, as it was seen, and how little is written of it.

use super::{super::*, given, samples::*};
use crate::{place::Provider, side::Side};

fn attach(to: AttachTo) -> AttachFirewall {
    AttachFirewall {
        peering_id: peering_id(1),
        side: Side::Local,
        to,
    }
}

fn detach() -> DetachFirewall {
    DetachFirewall {
        peering_id: peering_id(1),
        side: Side::Local,
    }
}

fn asked(to: AttachTo) -> NetworkEvent {
    FirewallAttachmentRequested {
        peering_id: peering_id(1),
        side: Side::Local,
        to,
    }
    .into()
}

fn told_to_stop() -> NetworkEvent {
    FirewallAttachmentWithdrawn {
        peering_id: peering_id(1),
        side: Side::Local,
    }
    .into()
}

fn chosen(interfaces: &[&str], left_alone: &[(&str, LeftAlone)]) -> FirewallAttachmentChosen {
    FirewallAttachmentChosen {
        peering_id: peering_id(1),
        side: Side::Local,
        interfaces: interfaces.iter().map(|it| text(it)).collect(),
        left_alone: left_alone
            .iter()
            .map(|(id, why)| (text(id), why.clone()))
            .collect(),
    }
}

fn with_group(events: impl IntoIterator<Item = NetworkEvent>) -> Vec<NetworkEvent> {
    let group = group_created(Side::Local, "sg-01");
    active_history(
        std::iter::once(group.into())
            .chain(events)
            .collect::<Vec<_>>(),
    )
}

#[test]
fn the_engine_attaches_its_group_when_it_is_asked_to_and_until_it_is_told_to_stop() {
    let to = || to_these(&["eni-01"]);
    given(active_history([]))
        .when(attach(to()))
        .then([asked(to())]);
    let history = active_history([asked(to())]);
    given(history.clone()).when(attach(to())).then_nothing();
    let another = to_a_tag(true);
    given(history.clone())
        .when(attach(another.clone()))
        .then([asked(another)]);
    given(history).when(detach()).then([told_to_stop()]);
    given(active_history([])).when(detach()).then_nothing();
}

#[test]
fn what_is_chosen_once_is_chosen_anew_when_that_is_said_again() {
    let once = || to_a_tag(false);
    let history = active_history([asked(once()), chosen(&["eni-01"], &[]).into()]);
    given(history.clone())
        .when(attach(once()))
        .then([asked(once())]);
    given(history)
        .when(Outcome::from(chosen(&["eni-01", "eni-02"], &[])))
        .then_nothing();
    let followed = active_history([asked(to_a_tag(true))]);
    given(followed).when(attach(to_a_tag(true))).then_nothing();
}

#[test]
fn what_cannot_be_attached_to_is_told_once_and_again_when_it_is_something_else() {
    let taken = || [("eni-09", LeftAlone::NotThere)];
    for (to, own) in [
        (to_a_tag(true), &[][..]),
        (to_a_tag(false), &["eni-01"][..]),
    ] {
        let told = chosen(own, &taken());
        let history = active_history([asked(to), told.clone().into()]);
        given(history.clone())
            .when(Outcome::from(told))
            .then_nothing();
        let none_now = chosen(own, &[]);
        given(history)
            .when(Outcome::from(none_now.clone()))
            .then([none_now.into()]);
    }
}

#[test]
fn a_group_is_attached_where_the_provider_attaches_and_the_engine_keeps_the_side() {
    let none = attach(to_these(&[]));
    given(active_history([]))
        .when(none)
        .then_refused(Refusal::InterfaceCount {
            given: 0,
            most: INTERFACES,
        });
    let remote = AttachFirewall {
        side: Side::Remote,
        ..attach(to_a_tag(true))
    };
    let owned = Terms {
        consent: Consent::Owner,
        ..Terms::default()
    };
    given(history_on(owned, []))
        .when(remote)
        .then_refused(Refusal::SideKeptByOwner {
            peering_id: peering_id(1),
            side: Side::Remote,
        });
    for provider in [Provider::Gcp, Provider::Azure] {
        let elsewhere = RegisterNetwork {
            provider,
            ..register()
        };
        given([registered_as(elsewhere, network_id()), requested(1)])
            .when(attach(to_a_tag(true)))
            .then_refused(Refusal::AttachmentUnsupported { provider });
    }
}

#[test]
fn nothing_is_attached_that_nobody_asked_for() {
    let thing = Thing::Attachment {
        interface: text("eni-02"),
    };
    let started = || Outcome::from(intended(Side::Local, [thing.clone()]));
    let refused = |history: Vec<NetworkEvent>| {
        let verdict = given(history).when(started());
        assert!(verdict.0.is_err(), "{verdict:?}");
    };
    refused(with_group([]));
    refused(with_group([asked(to_these(&["eni-01"]))]));
    refused(with_group([asked(to_a_tag(false))]));
    refused(with_group([asked(to_a_tag(true)), told_to_stop()]));
    let wanted = [asked(to_a_tag(false)), chosen(&["eni-02"], &[]).into()];
    given(with_group(wanted))
        .when(started())
        .then([intended(Side::Local, [thing.clone()]).into()]);
}

#[test]
fn what_is_attached_and_detached_is_told_once_and_is_the_engines_in_between() {
    let attached = group_attached(Side::Local, "sg-01", "eni-01");
    let detached = group_detached(Side::Local, "sg-01", "eni-01");
    let history = with_group([asked(to_these(&["eni-01"]))]);
    given(history.clone())
        .when(Outcome::from(detached.clone()))
        .then_nothing();
    given(history.clone())
        .when(Outcome::from(attached.clone()))
        .then([attached.clone().into()]);
    let history = [history, vec![attached.clone().into()]].concat();
    given(history.clone())
        .when(Outcome::from(attached))
        .then_nothing();
    given(history)
        .when(Outcome::from(detached.clone()))
        .then([detached.into()]);
}

#[test]
fn to_how_many_it_is_attached_is_told_when_the_first_comes_or_the_last_goes() {
    let seen = |count| attachment_seen(Side::Local, "sg-01", count);
    let is_told = |before: &[Option<u32>], now| {
        let before = before.iter().map(|count| seen(*count).into());
        let history = with_group(before.collect::<Vec<_>>());
        let verdict = given(history).when(Outcome::from(seen(now)));
        !verdict.0.unwrap().is_empty()
    };
    assert!(is_told(&[], Some(0)) && is_told(&[], Some(2)));
    assert!(!is_told(&[], None), "nothing to tell yet");
    assert!(is_told(&[Some(0)], Some(1)) && is_told(&[Some(2)], Some(0)));
    assert!(!is_told(&[Some(2)], Some(3)) && !is_told(&[Some(0)], Some(0)));
    assert!(is_told(&[Some(2)], None) && is_told(&[Some(2), None], Some(2)));
}

#[test]
fn a_person_who_asks_for_a_look_is_told_the_number() {
    let seen = |count| attachment_seen(Side::Local, "sg-01", count);
    let history = with_group([
        seen(Some(2)).into(),
        DriftCheckRequested {
            network_id: network_id(),
            requested_at: super::now() + chrono::TimeDelta::minutes(1),
        }
        .into(),
    ]);
    given(history.clone())
        .when(Outcome::from(seen(Some(3))))
        .then([seen(Some(3)).into()]);
    given(history)
        .when(Outcome::from(seen(Some(2))))
        .then_nothing();
}
