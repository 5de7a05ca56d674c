//! Partitions, regions that configuration adds, and quotas of accounts.

use super::{super::*, COMMAND, fold, now, samples::*};
use crate::{
    actor::Context,
    cloud_mode::ServedClouds,
    place::{Partition, Places, QuotaOverrides},
    side::Side,
};
use chrono::TimeDelta;
use std::sync::Arc;

fn decided(
    events: Vec<NetworkEvent>,
    command: impl Into<NetworkCommand>,
    places: Places,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let context = Context {
        clouds: Some(Arc::new(ServedClouds::default().with_places(places))),
        ..Context::default()
    };
    let state = fold(events);
    decide(&state, &command.into(), &context, now(), Ids::of(COMMAND))
}

fn in_region(region: &str) -> RequestPeering {
    let region = Region::named(region).unwrap();
    RequestPeering {
        peer: Peer { region, ..peer(1) },
        terms: Terms::default(),
        setup: Setup::default(),
    }
}

#[test]
fn partitions_never_join_each_other() {
    for (region, partition) in [
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("eusc-de-east-1", "aws-eusc"),
    ] {
        let refusal = Refusal::PartitionMismatch(PartitionMismatch {
            region: region.to_owned(),
            partition: partition.to_owned(),
            own: "aws".to_owned(),
        });
        let asked = decided(vec![registered()], in_region(region), Places::default());
        assert_eq!(asked, Err(refusal.clone()));
        let adopt = AdoptPeering {
            peer: in_region(region).peer,
            link: link(),
            consent: Consent::Owner,
            tenure: Tenure::default(),
        };
        let adopted = decided(vec![registered()], adopt, Places::default());
        assert_eq!(adopted, Err(refusal));
    }
}

#[test]
fn a_region_that_configuration_adds_is_taken_and_its_partition_holds() {
    let region = Region::named("eu-moon-1").unwrap();
    let unknown = decided(
        vec![registered()],
        in_region("eu-moon-1"),
        Places::default(),
    );
    assert!(matches!(unknown, Err(Refusal::RegionUnknown(_))));
    let known = Places::default().with_region(Provider::Aws, &region, None);
    assert!(decided(vec![registered()], in_region("eu-moon-1"), known).is_ok());
    let apart = Some(Partition::named("aws-moon"));
    let apart = Places::default().with_region(Provider::Aws, &region, apart);
    let refused = decided(vec![registered()], in_region("eu-moon-1"), apart);
    assert!(matches!(refused, Err(Refusal::PartitionMismatch(_))));
}

#[test]
fn the_nearest_region_is_told() {
    let asked = decided(vec![registered()], in_region("us-est-1"), Places::default());
    let Err(Refusal::RegionUnknown(unknown)) = asked else {
        panic!("{asked:?}");
    };
    assert_eq!(unknown.nearest.as_deref(), Some("us-east-1"));
}

#[test]
fn an_account_with_a_higher_quota_has_more_rules() {
    let admit: Vec<_> = (1..=61).map(|port| rule("10.101.0.0/16", port)).collect();
    let restrict = || RestrictFirewall {
        peering_id: peering_id(1),
        side: Side::Local,
        admit: admit.clone(),
        tenure: Tenure::default(),
    };
    let refused = decided(active_history([]), restrict(), Places::default());
    let refusal = Refusal::TooManyRules {
        given: 61,
        most: 60,
    };
    assert_eq!(refused, Err(refusal));
    let more = QuotaOverrides {
        rules: Some(61),
        ..QuotaOverrides::default()
    };
    let account = register().account;
    let places = Places::default().with_quotas_of(Provider::Aws, account.as_str(), more);
    assert!(decided(active_history([]), restrict(), places).is_ok());
    let others = Places::default().with_quotas_of(Provider::Aws, "999999999999", more);
    assert!(decided(active_history([]), restrict(), others).is_err());
}

#[test]
fn how_small_a_range_may_be_is_the_configurations_to_say() {
    let smaller = |places: Places| {
        let asked = RequestPeering {
            peer: peer_with(1, &["10.101.0.0/27"]),
            terms: Terms::default(),
            setup: Setup::default(),
        };
        decided(vec![registered()], asked, places)
    };
    let allows = |longest: u8| {
        let quotas = QuotaOverrides {
            longest_prefix: Some(longest),
            ..QuotaOverrides::default()
        };
        Places::default().with_quotas_of(Provider::Aws, peer(1).account.as_str(), quotas)
    };
    assert!(smaller(Places::default()).is_ok());
    assert!(smaller(allows(27)).is_ok());
    let refused = smaller(allows(26)).unwrap_err();
    let Refusal::PeerRangeNotAllowed { form, .. } = refused else {
        panic!("another refusal")
    };
    assert_eq!(form, "the configuration allows no range that small");
}

/// The fold knows what a provider says; what the configuration says is in the event.
#[test]
fn how_long_an_adopted_request_may_wait_is_the_configurations_to_say() {
    let adopt = || AdoptPeering {
        peer: peer(1),
        link: link(),
        consent: Consent::Owner,
        tenure: Tenure::default(),
    };
    let expires_at = |window: Option<i64>| {
        let quotas = QuotaOverrides {
            acceptance_window: window.map(TimeDelta::hours),
            ..QuotaOverrides::default()
        };
        let places = Places::default().with_quotas(Provider::Aws, quotas);
        let events = decided(vec![registered()], adopt(), places).unwrap();
        let NetworkEvent::PeeringAdopted(adopted) = &events[0] else {
            panic!("another event")
        };
        let told = adopted.expires_at;
        let history = std::iter::once(registered()).chain(events);
        let Network::Registered(network) = fold(history) else {
            panic!("the network is not registered")
        };
        let peering = network.live_peerings().next().unwrap();
        let Life::AwaitingAcceptance { expires_at, .. } = &peering.life else {
            panic!("another state")
        };
        (told, (*expires_at).unwrap() - now())
    };
    assert_eq!(expires_at(None), (None, TimeDelta::hours(168)));
    assert_eq!(expires_at(Some(168)), (None, TimeDelta::hours(168)));
    let day = TimeDelta::hours(24);
    assert_eq!(expires_at(Some(24)), (Some(now() + day), day));
}
