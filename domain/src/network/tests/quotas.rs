//! What a cloud told of an account: what is recorded of it, and which quota holds.

use super::{super::*, COMMAND, fold, given, now, samples::*};
use crate::{
    actor::Context,
    cloud_mode::ServedClouds,
    place::{Places, QuotaKind, QuotaOverrides, QuotaSource},
    side::Side,
};
use std::sync::Arc;

fn event(outcome: &Outcome) -> NetworkEvent {
    super::laws::as_event(outcome.clone())
}

fn registered(events: impl IntoIterator<Item = NetworkEvent>) -> Registered {
    let Network::Registered(network) = fold(events) else {
        panic!("the network is not registered")
    };
    network
}

/// All that say something of rules, and no more.
fn rules(most: usize) -> QuotaOverrides {
    QuotaOverrides {
        rules: Some(most),
        ..QuotaOverrides::default()
    }
}

#[test]
fn quotas_are_recorded_when_they_are_first_seen_and_when_they_are_others() {
    for of in [None, Some(peer(1))] {
        let seen = |rules| quotas_seen(of.as_ref(), Some(rules));
        let (first, other) = (seen(60), seen(100));
        given(history([])).when(first.clone()).then([event(&first)]);
        let known = || history([event(&first)]);
        given(known()).when(first.clone()).then_nothing();
        given(known()).when(other.clone()).then([event(&other)]);
        let known = history([event(&first), event(&other)]);
        given(known).when(first.clone()).then([event(&first)]);
    }
}

#[test]
fn nothing_is_recorded_of_an_account_that_no_live_peer_is_in() {
    given(history([]))
        .when(quotas_seen(Some(&peer(2)), Some(60)))
        .then_nothing();
}

#[test]
fn what_is_configured_comes_before_what_was_seen_and_that_before_what_is_usual() {
    let account = register().account;
    let everywhere = || Places::default().with_quotas(Provider::Aws, rules(70));
    let here = || Places::default().with_quotas_of(Provider::Aws, account.as_str(), rules(80));
    // What is said counts though it is what is usual.
    let usual = || Places::default().with_quotas(Provider::Aws, rules(60));
    let at = now();
    for (places, seen, most, source) in [
        (Places::default(), None, 60, QuotaSource::BuiltIn),
        (Places::default(), Some(100), 100, QuotaSource::Seen { at }),
        (Places::default(), Some(10), 10, QuotaSource::Seen { at }),
        (everywhere(), Some(100), 70, QuotaSource::Configured),
        (everywhere(), None, 70, QuotaSource::Configured),
        (here(), Some(100), 80, QuotaSource::Configured),
        (usual(), Some(100), 60, QuotaSource::Configured),
    ] {
        let seen = seen.map(|it| event(&quotas_seen(None, Some(it))));
        let network = registered(history(seen));
        let held = network.quotas_held(&places, &network.account, &network.region);
        let held = held.iter().find(|it| it.kind == QuotaKind::Rules).unwrap();
        assert_eq!((held.most, held.source), (most, source));
        let quotas = network.quotas(&places, &network.peerings()[&peering_id(1)], Side::Local);
        assert_eq!(quotas.rules, most);
    }
}

#[test]
fn what_was_seen_is_of_one_account_and_region_alone() {
    let seen = event(&quotas_seen(Some(&peer(1)), Some(100)));
    let network = registered(history([seen]));
    let places = Places::default();
    let peering = &network.peerings()[&peering_id(1)];
    assert_eq!(network.quotas(&places, peering, Side::Remote).rules, 100);
    assert_eq!(network.quotas(&places, peering, Side::Local).rules, 60);
    let elsewhere = network.quotas_at(&places, &peer(1).account, &network.region);
    assert_eq!(elsewhere.rules, 60);
    assert_eq!(network.quota_places().len(), 2);
}

#[test]
fn a_group_has_as_many_rules_as_its_account_was_seen_to_allow() {
    let restrict = |rules: u16| RestrictFirewall {
        peering_id: peering_id(1),
        side: Side::Local,
        admit: (1..=rules)
            .map(|port| rule("10.101.0.0/16", port))
            .collect(),
        tenure: Tenure::default(),
    };
    let decided = |seen: Option<u32>, places: Places, given: u16| {
        let seen = seen.map(|it| event(&quotas_seen(None, Some(it))));
        let context = Context {
            clouds: Some(Arc::new(ServedClouds::default().with_places(places))),
            ..Context::default()
        };
        let state = fold(active_history(seen));
        decide(
            &state,
            &restrict(given).into(),
            &context,
            now(),
            Ids::of(COMMAND),
        )
    };
    let refused = |given, most| Err(Refusal::TooManyRules { given, most });
    let none = Places::default;
    assert!(decided(Some(100), none(), 61).is_ok(), "raised");
    assert_eq!(decided(Some(5), none(), 6), refused(6, 5), "lowered");
    let said = || Places::default().with_quotas(Provider::Aws, rules(60));
    assert_eq!(
        decided(Some(100), said(), 61),
        refused(61, 60),
        "configured"
    );
}

#[test]
fn events_from_before_quotas_were_seen_leave_them_unknown() {
    let network = registered(active_history([]));
    let stored = serde_json::to_value(&network).unwrap();
    assert!(stored.get("quotas_seen").is_none());
    let seen = event(&quotas_seen(None, Some(100)));
    let network = registered(active_history([seen]));
    let stored = serde_json::to_value(&network).unwrap();
    assert_eq!(
        serde_json::from_value::<Registered>(stored).unwrap(),
        network
    );
}
