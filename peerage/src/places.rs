//! What the configuration says of places: regions beside those that are built in, and what accounts
//! allow.

use crate::config::{Aws, AwsAccount, Azure, AzureTenant, Cloud, Gcp, GcpProject};
use chrono::TimeDelta;
use domain::{Partition, Places, Provider, QuotaOverrides, Region};
use std::{collections::BTreeMap, time::Duration};

/// Of all providers.
pub(crate) fn of(clouds: &Cloud) -> Places {
    let places = with_aws(Places::default(), &clouds.aws);
    with_azure(with_gcp(places, &clouds.gcp), &clouds.azure)
}

/// Of AWS alone.
pub(crate) fn of_aws(aws: &Aws) -> Places {
    with_aws(Places::default(), aws)
}

fn with_aws(places: Places, aws: &Aws) -> Places {
    let everywhere = QuotaOverrides {
        links: aws.links_per_network,
        pending_links: aws.pending_links_per_network,
        routes: aws.routes_per_table,
        rules: aws.rules_per_group,
        groups_of_interface: aws.groups_per_interface,
        acceptance_window: window(aws.acceptance_window),
        longest_prefix: Some(aws.longest_prefix),
    };
    let own = |it: &AwsAccount| QuotaOverrides {
        links: it.links_per_network,
        pending_links: it.pending_links_per_network,
        routes: it.routes_per_table,
        rules: it.rules_per_group,
        groups_of_interface: it.groups_per_interface,
        acceptance_window: it.acceptance_window.and_then(window),
        longest_prefix: it.longest_prefix,
    };
    let accounts = aws.accounts.iter().map(|(id, it)| (id.as_str(), own(it)));
    with(places, Provider::Aws, &aws.regions, everywhere, accounts)
}

fn with_gcp(places: Places, gcp: &Gcp) -> Places {
    let everywhere = QuotaOverrides {
        links: gcp.links_per_network,
        routes: gcp.routes_per_network,
        rules: gcp.rules_per_group,
        longest_prefix: Some(gcp.longest_prefix),
        ..QuotaOverrides::default()
    };
    let own = |it: &GcpProject| QuotaOverrides {
        links: it.links_per_network,
        routes: it.routes_per_network,
        rules: it.rules_per_group,
        longest_prefix: it.longest_prefix,
        ..QuotaOverrides::default()
    };
    let projects = gcp.projects.iter().map(|(id, it)| (id.as_str(), own(it)));
    with(places, Provider::Gcp, &gcp.regions, everywhere, projects)
}

fn with_azure(places: Places, azure: &Azure) -> Places {
    let everywhere = QuotaOverrides {
        links: azure.links_per_network,
        routes: azure.routes_per_table,
        rules: azure.rules_per_group,
        longest_prefix: Some(azure.longest_prefix),
        ..QuotaOverrides::default()
    };
    let own = |it: &AzureTenant| QuotaOverrides {
        links: it.links_per_network,
        routes: it.routes_per_table,
        rules: it.rules_per_group,
        longest_prefix: it.longest_prefix,
        ..QuotaOverrides::default()
    };
    let tenants = azure.tenants.iter().map(|(id, it)| (id.as_str(), own(it)));
    with(places, Provider::Azure, &azure.regions, everywhere, tenants)
}

/// With a provider's regions and quotas, and those of some of its accounts.
fn with<'a>(
    places: Places,
    provider: Provider,
    regions: &BTreeMap<String, String>,
    everywhere: QuotaOverrides,
    own: impl Iterator<Item = (&'a str, QuotaOverrides)>,
) -> Places {
    let mut places = places.with_quotas(provider, everywhere);
    for (name, partition) in regions {
        if let Ok(region) = Region::named(name) {
            let partition = Some(partition.clone()).filter(|it| !it.is_empty());
            places = places.with_region(provider, &region, partition.map(Partition::named));
        }
    }
    for (account, quotas) in own {
        places = places.with_quotas_of(provider, account, quotas);
    }
    places
}

fn window(of: Duration) -> Option<TimeDelta> {
    TimeDelta::from_std(of).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::text::Account;

    #[test]
    fn each_providers_regions_and_each_accounts_quotas_are_what_the_configuration_says() {
        let mut clouds = Cloud::default();
        for (provider, account) in [
            (Provider::Aws, "444455556666"),
            (Provider::Gcp, "acme-partner"),
            (Provider::Azure, "aaaabbbb-cccc-4ddd-8eee-ffff00001111"),
        ] {
            let account: Account = account.parse().unwrap();
            let usual = of(&clouds).quotas(provider, &account);
            assert_eq!(usual, provider.quotas(), "nothing is said");
        }
        let moon = || BTreeMap::from([("moon-1".to_owned(), "apart".to_owned())]);
        let region = Region::named("moon-1").unwrap();
        clouds.aws.regions = moon();
        clouds.gcp.regions = moon();
        clouds.azure.regions = moon();
        for provider in Provider::ALL {
            let places = of(&clouds);
            assert!(places.knows(provider, &region), "{provider}");
            assert_eq!(places.partition(provider, &region).as_str(), "apart");
        }
        clouds.aws.acceptance_window = Duration::from_secs(3600);
        clouds.aws.groups_per_interface = Some(16);
        let own = AwsAccount {
            longest_prefix: Some(26),
            ..AwsAccount::default()
        };
        clouds.aws.accounts.insert("444455556666".to_owned(), own);
        let quotas = of(&clouds).quotas(Provider::Aws, &"444455556666".parse().unwrap());
        assert_eq!(quotas.longest_prefix, 26);
        assert_eq!(quotas.groups_of_interface, 16);
        assert_eq!(
            quotas.unusual_window(Provider::Aws),
            Some(TimeDelta::hours(1))
        );
        clouds.gcp.longest_prefix = 28;
        let own = GcpProject {
            rules_per_group: Some(7),
            ..GcpProject::default()
        };
        clouds.gcp.projects.insert("acme-partner".to_owned(), own);
        let quotas = of(&clouds).quotas(Provider::Gcp, &"acme-partner".parse().unwrap());
        assert_eq!((quotas.rules, quotas.longest_prefix), (7, 28));
        clouds.azure.routes_per_table = Some(20);
        let of_azure = of(&clouds).quotas(
            Provider::Azure,
            &"aaaabbbb-cccc-4ddd-8eee-ffff00001111".parse().unwrap(),
        );
        assert_eq!(of_azure.routes, 20);
    }

    #[test]
    fn a_quota_that_is_said_wins_over_what_was_seen_though_it_is_the_usual_one() {
        let all = [
            (Provider::Aws, "444455556666", 60),
            (Provider::Gcp, "acme-partner", 1000),
            (
                Provider::Azure,
                "aaaabbbb-cccc-4ddd-8eee-ffff00001111",
                1000,
            ),
        ];
        let seen = domain::SeenQuotas {
            rules: Some(100),
            ..domain::SeenQuotas::default()
        };
        for (provider, account, usual) in all {
            let mut clouds = Cloud::default();
            let account: Account = account.parse().unwrap();
            let rules = |clouds: &Cloud| {
                let quotas = of(clouds).quotas_seeing(provider, &account, seen.into());
                let is_said = of(clouds).says(provider, &account, domain::QuotaKind::Rules);
                (quotas.rules, is_said)
            };
            assert_eq!(rules(&clouds), (100, false), "{provider}");
            let said = match provider {
                Provider::Aws => &mut clouds.aws.rules_per_group,
                Provider::Gcp => &mut clouds.gcp.rules_per_group,
                Provider::Azure => &mut clouds.azure.rules_per_group,
            };
            *said = Some(usual);
            assert_eq!(rules(&clouds), (usual, true), "{provider}");
        }
    }
}
