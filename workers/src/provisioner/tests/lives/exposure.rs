//! Somebody else's rules that let the private network in.

use super::{HOUR, LONG, Life};
use crate::provisioner::settings::ProvisionerSettings;
use domain::{
    Provider, Side,
    network::{BlockCause, ExposedBy, ExposurePolicy, LinkOption, Policy, SetPolicy, Terms},
};
use simulated::{Guard, SimulatedSettings};

#[tokio::test(start_paused = true)]
async fn a_strangers_rule_that_lets_the_private_network_in_is_an_exposure_until_it_is_gone() {
    let mut life = Life::active().await;
    let (remote, by_hand) = (life.network(Side::Remote), life.cloud.out_of_band());
    let group = by_hand
        .group(
            &remote,
            "legacy",
            &["tcp 22 from 10.0.0.0/8", "tcp 443 from 192.168.0.0/16"],
        )
        .unwrap();
    life.looks_again().await;
    let exposures = life.log.peering().firewall.remote.exposures;
    assert_eq!(
        exposures
            .values()
            .map(|it| it.exposure.admits.as_str())
            .collect::<Vec<_>>(),
        ["tcp 22 from 10.0.0.0/8"]
    );
    life.says(SetPolicy {
        policy: Policy {
            exposure: ExposurePolicy::Enforce {
                groups: [group].into(),
            },
            ..Policy::default()
        },
    });
    life.settles().await;
    assert!(life.log.peering().firewall.remote.exposures.is_empty());
    assert_eq!(
        (life.count("FirewallExposed"), life.count("ExposureCleared")),
        (1, 1)
    );
    let world = life.cloud.world();
    let legacy = world.networks[&remote.to_string()]
        .groups
        .iter()
        .find(|it| it.name == "legacy")
        .unwrap();
    assert_eq!(
        legacy.rules.len(),
        1,
        "what lets nothing of the private network in is left alone"
    );
}

/// Only Azure admits by default: there a denial may be missing where nobody made a rule.
#[tokio::test(start_paused = true)]
async fn an_exposure_says_whether_a_rule_or_the_clouds_default_lets_the_other_side_in() {
    for (provider, default) in [
        (Provider::Aws, None),
        (Provider::Azure, Some("everything from 10.0.0.0/8")),
    ] {
        let settings = SimulatedSettings::instant(21);
        let mut life = Life::at(provider, &Terms::default(), settings);
        life.settles().await;
        let (remote, by_hand) = (life.network(Side::Remote), life.cloud.out_of_band());
        let group = by_hand.group(&remote, "legacy", &["tcp 22 from 10.0.0.0/8"]);
        let group = group.unwrap();
        if let Some(text) = default {
            by_hand.admit_by_default(&remote, &group, text).unwrap();
        }
        life.looks_again().await;
        let exposures = life.log.peering().firewall.remote.exposures;
        let mut told: Vec<_> = exposures
            .values()
            .map(|it| (it.exposure.admits.as_str(), it.exposure.what))
            .collect();
        let mut expected = vec![("tcp 22 from 10.0.0.0/8", ExposedBy::Rule)];
        expected.extend(default.map(|it| (it, ExposedBy::Default)));
        told.sort_by_key(|it| it.0);
        expected.sort_by_key(|it| it.0);
        assert_eq!(told, expected, "{provider}");
    }
}

/// At Azure a network without a network security group lets in whatever is peered with it.
#[tokio::test(start_paused = true)]
async fn where_nothing_can_deny_a_link_is_blocked_and_no_half_is_opened_until_a_denial_is_in_force()
{
    let settings = SimulatedSettings::instant(21);
    let mut life = Life::at(Provider::Azure, &Terms::default(), settings);
    let theirs = life.network(Side::Remote);
    let by_hand = life.cloud.out_of_band();
    let open = |life: &Life| {
        let halves = life.cloud.world().halves;
        let is_open =
            |it: &simulated::SimulatedHalf| it.options.contains(&LinkOption::VirtualNetworkAccess);
        halves.iter().filter(|it| is_open(it)).count()
    };
    by_hand.guard(&theirs, Guard::Nothing);
    life.blocks(BlockCause::OptionPrecondition, Side::Remote)
        .await;
    let blocked = life.log.peering().blocked.unwrap();
    assert!(
        blocked.message.contains("network security group"),
        "{}",
        blocked.message
    );
    assert_eq!(open(&life), 0);
    by_hand.guard(&theirs, Guard::SecurityGroup);
    life.looks_again().await;
    assert!(life.log.peering().is_converged());
    assert_eq!(open(&life), 2, "the denials are in force");
}

/// The denial goes with the group that it stands in, whoever took that away.
#[tokio::test(start_paused = true)]
async fn a_denial_that_is_gone_is_an_exposure_by_default_where_nobody_made_a_rule() {
    for provider in Provider::ALL {
        let mut life = Life::at(provider, &Terms::default(), SimulatedSettings::instant(21));
        life.settles().await;
        let (theirs, by_hand) = (life.network(Side::Remote), life.cloud.out_of_band());
        let before = (life.count("FirewallExposed"), life.count("ExposureCleared"));
        by_hand.guard(&theirs, Guard::Nothing);
        tokio::time::advance(ProvisionerSettings::default().drift_interval).await;
        life.look_for(HOUR).await;
        let exposures = life.log.peering().firewall.remote.exposures;
        let told: Vec<_> = exposures.values().map(|it| it.exposure.what).collect();
        let expected = match provider {
            Provider::Azure => vec![ExposedBy::Default],
            Provider::Aws | Provider::Gcp => Vec::new(),
        };
        assert_eq!(told, expected, "{provider}: {:?}", life.log.names(0));
        by_hand.guard(&theirs, Guard::SecurityGroup);
        life.looks_again().await;
        let firewall = life.log.peering().firewall.remote;
        assert!(firewall.exposures.is_empty(), "{provider}");
        let group = firewall.group.unwrap();
        by_hand.drop_group(&theirs, &group);
        life.looks_again().await;
        assert!(life.log.peering().is_converged(), "{provider}");
        let since = (
            life.count("FirewallExposed") - before.0,
            life.count("ExposureCleared") - before.1,
        );
        let times = 2 * expected.len();
        assert_eq!(since, (times, times), "{provider}");
    }
}

/// Who opens it again and again within a day fights with the engine, and a person must end that.
/// Who does it once a year does not, and neither is anything left open for ever.
#[tokio::test(start_paused = true)]
async fn an_exposure_that_is_made_again_is_left_after_three_times_in_a_day_and_revoked_the_next() {
    let mut life = Life::active().await;
    let (remote, by_hand) = (life.network(Side::Remote), life.cloud.out_of_band());
    let group = by_hand.group(&remote, "legacy", &[]).unwrap();
    life.says(SetPolicy {
        policy: Policy {
            exposure: ExposurePolicy::Enforce {
                groups: [group.clone()].into(),
            },
            ..Policy::default()
        },
    });
    let admit = || {
        by_hand
            .admit(&remote, &group, "tcp 22 from 10.0.0.0/8")
            .unwrap()
    };
    let rules = |life: &Life| {
        let world = life.cloud.world();
        let groups = &world.networks[&remote.to_string()].groups;
        let legacy = groups.iter().find(|it| it.id == group).unwrap();
        legacy.rules.len()
    };
    for _ in 0..5 {
        admit();
        life.looks_again().await;
        assert_eq!(rules(&life), 0, "years lie between");
        tokio::time::advance(LONG * 365).await;
    }
    for _ in 0..3 {
        admit();
        life.looks_again().await;
        assert_eq!(rules(&life), 0);
    }
    admit();
    tokio::time::advance(ProvisionerSettings::default().drift_interval).await;
    life.blocks(BlockCause::RepairUndone, Side::Remote).await;
    assert_eq!(rules(&life), 1);
    life.look_for(LONG + HOUR).await;
    assert_eq!(rules(&life), 0, "a day later");
    assert_eq!(life.log.peering().blocked, None);
    let kept = life.log.peering().firewall.remote.cleared.len();
    assert_eq!(kept, 1, "what went long ago is forgotten");
}

#[tokio::test(start_paused = true)]
async fn what_no_list_lets_through_is_no_exposure() {
    let mut life = Life::active().await;
    let (remote, by_hand) = (life.network(Side::Remote), life.cloud.out_of_band());
    let subnet = "subnet-r".parse().unwrap();
    by_hand.add_subnet(&remote, &subnet, None);
    by_hand.fence(
        &remote,
        &[subnet],
        &[
            ("everything from 10.20.0.0/16", false),
            ("everything from 0.0.0.0/0", true),
        ],
    );
    by_hand
        .group(&remote, "legacy", &["tcp 22 from 10.0.0.0/8"])
        .unwrap();
    life.looks_again().await;
    assert!(life.log.peering().firewall.remote.exposures.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_names_a_foreign_group_or_an_unreadable_list_is_an_exposure_that_is_never_revoked()
 {
    let mut life = Life::active().await;
    let (remote, by_hand) = (life.network(Side::Remote), life.cloud.out_of_band());
    let group = by_hand
        .group(
            &remote,
            "legacy",
            &["tcp 22 from pl-offices", "tcp 23 from sg-elsewhere"],
        )
        .unwrap();
    by_hand
        .admit(&remote, &group, &format!("everything from {group}"))
        .unwrap();
    life.says(SetPolicy {
        policy: Policy {
            exposure: ExposurePolicy::Enforce {
                groups: [group].into(),
            },
            ..Policy::default()
        },
    });
    life.settles().await;
    let exposures = life.log.peering().firewall.remote.exposures;
    let admits: std::collections::BTreeSet<_> = exposures
        .values()
        .map(|it| it.exposure.admits.as_str())
        .collect();
    assert_eq!(
        admits,
        ["tcp 22 from pl-offices", "tcp 23 from sg-elsewhere"].into()
    );
    let world = life.cloud.world();
    let legacy = world.networks[&remote.to_string()]
        .groups
        .iter()
        .find(|it| it.name == "legacy")
        .unwrap();
    assert_eq!(
        legacy.rules.len(),
        3,
        "what nobody has shown to let the private network in is not revoked"
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_is_an_exposure_if_it_holds_any_of_the_private_network() {
    let mut life = Life::active().await;
    let (remote, by_hand) = (life.network(Side::Remote), life.cloud.out_of_band());
    let rules = [
        "tcp 22 from 192.168.0.0/16,10.20.9.0/24",
        "tcp 23 from 192.168.0.0/16,10.99.0.0/16",
    ];
    let group = by_hand.group(&remote, "legacy", &rules).unwrap();
    life.looks_again().await;
    let exposures = life.log.peering().firewall.remote.exposures;
    assert_eq!(
        exposures
            .values()
            .map(|it| it.exposure.admits.as_str())
            .collect::<Vec<_>>(),
        [rules[0]]
    );
    life.says(SetPolicy {
        policy: Policy {
            exposure: ExposurePolicy::Enforce {
                groups: [group].into(),
            },
            ..Policy::default()
        },
    });
    life.settles().await;
    let world = life.cloud.world();
    let legacy = world.networks[&remote.to_string()]
        .groups
        .iter()
        .find(|it| it.name == "legacy")
        .unwrap();
    assert_eq!(
        legacy
            .rules
            .iter()
            .map(|it| it.text.as_str())
            .collect::<Vec<_>>(),
        [rules[1]]
    );
}

#[tokio::test(start_paused = true)]
async fn a_group_with_another_peerings_tag_is_no_hiding_place() {
    let mut life = Life::active().await;
    let (remote, by_hand) = (life.network(Side::Remote), life.cloud.out_of_band());
    let group = by_hand
        .group(&remote, "legacy", &["tcp 22 from 10.0.0.0/8"])
        .unwrap();
    by_hand.tag_group(
        &remote,
        &group,
        Some(cloud::Owner::before_networks(domain::PeeringId(
            uuid::Uuid::from_u128(99),
        ))),
    );
    life.looks_again().await;
    assert_eq!(life.log.peering().firewall.remote.exposures.len(), 1);
}

/// Every range counts that the cloud shows of the other network, not the one on record alone.
#[tokio::test(start_paused = true)]
async fn a_rule_that_admits_a_secondary_range_of_the_private_network_is_an_exposure() {
    for provider in Provider::ALL {
        let mut life = Life::at(provider, &Terms::default(), SimulatedSettings::instant(21));
        life.settles().await;
        let (home, theirs) = (life.network(Side::Local), life.network(Side::Remote));
        let by_hand = life.cloud.out_of_band();
        by_hand.widen(&home, "10.99.0.0/16".parse().unwrap());
        let rules = ["tcp 22 from 10.99.7.0/24", "tcp 23 from 10.98.0.0/16"];
        by_hand.group(&theirs, "legacy", &rules).unwrap();
        life.looks_again().await;
        let exposures = life.log.peering().firewall.remote.exposures;
        let admits = exposures.values().map(|it| it.exposure.admits.as_str());
        assert_eq!(admits.collect::<Vec<_>>(), [rules[0]], "{provider}");
    }
}
