//! Which regions there are, in which partition each is, and which name was probably meant.
//!
//! A region that is not known is refused where somebody names it: a typing error is otherwise found
//! by a cloud call that fails minutes later. Configuration adds regions that are newer than the
//! list. Partitions never join each other: they share no accounts and no identities.

use super::{
    Provider,
    quotas::{QuotaKind, QuotaOverrides, Quotas},
    region::Region,
};
use crate::text::Account;
use std::{borrow::Cow, collections::BTreeMap, fmt};
use thiserror::Error;

/// A part of a provider's cloud that has accounts and identities of its own, like `aws-cn`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(Cow<'static, str>);

impl Partition {
    /// The partition of this name.
    pub fn named(name: impl Into<Cow<'static, str>>) -> Self {
        Self(name.into())
    }

    /// The name, as ARNs have it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition that a region's name tells (AWS: `cn-`, `us-gov-`, `eusc-`, `us-iso…-`).
    fn by_name(provider: Provider, region: &str) -> Self {
        const AWS: [(&str, &str); 7] = [
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("eusc-", "aws-eusc"),
            ("us-isob-", "aws-iso-b"),
            ("us-isof-", "aws-iso-f"),
            ("eu-isoe-", "aws-iso-e"),
            ("us-iso-", "aws-iso"),
        ];
        const AZURE: [(&str, &str); 3] = [
            ("china", "azure-cn"),
            ("usgov", "azure-us-gov"),
            ("usdod", "azure-us-gov"),
        ];
        let (usual, others): (_, &[_]) = match provider {
            Provider::Aws => ("aws", &AWS),
            Provider::Gcp => ("gcp", &[]),
            Provider::Azure => ("azure", &AZURE),
        };
        let other = others.iter().find(|(prefix, _)| region.starts_with(prefix));
        Self(other.map_or(usual, |(_, name)| name).into())
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Region {
    /// The provider's region of this name, as far as it is built in.
    pub fn of(provider: Provider, name: &str) -> Result<Self, UnknownRegion> {
        Places::default().region(provider, name)
    }
}

/// A text that names no region of the provider.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown {provider} region; {}", self.instead())]
pub struct UnknownRegion {
    /// The provider that has no such region.
    pub provider: Provider,
    /// The region whose name is nearest, if one is near.
    pub nearest: Option<String>,
}

impl UnknownRegion {
    fn instead(&self) -> String {
        match &self.nearest {
            Some(nearest) => format!("did you mean {nearest}?"),
            None => {
                let some = self
                    .provider
                    .regions()
                    .iter()
                    .filter(|it| it.contains('-') || self.provider == Provider::Azure);
                let some: Vec<_> = some.take(3).copied().collect();
                format!("for instance {}", some.join(", "))
            }
        }
    }
}

/// What is known of places: the regions beside those that are built in, and the quotas of accounts
/// beside the usual ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    regions: BTreeMap<(Provider, String), Option<Partition>>,
    quotas: BTreeMap<Provider, QuotaOverrides>,
    quotas_of: BTreeMap<(Provider, String), QuotaOverrides>,
}

impl Places {
    /// How many letters a name may be away from the one that was meant.
    const NEAR: usize = 3;

    /// With this region as well; in the partition that its name tells, if none is named.
    pub fn with_region(
        mut self,
        provider: Provider,
        region: &Region,
        partition: Option<Partition>,
    ) -> Self {
        let key = (provider, region.as_str().to_owned());
        self.regions.insert(key, partition);
        self
    }

    /// With these quotas in all accounts of the provider, but for those that have others.
    pub fn with_quotas(mut self, provider: Provider, quotas: QuotaOverrides) -> Self {
        self.quotas.insert(provider, quotas);
        self
    }

    /// With these quotas in this account.
    pub fn with_quotas_of(
        mut self,
        provider: Provider,
        account: &str,
        quotas: QuotaOverrides,
    ) -> Self {
        self.quotas_of
            .insert((provider, account.to_owned()), quotas);
        self
    }

    /// What this account allows, as far as nobody has looked.
    pub fn quotas(&self, provider: Provider, account: &Account) -> Quotas {
        self.quotas_seeing(provider, account, QuotaOverrides::default())
    }

    /// What this account allows, where this was seen: that comes before what is usual, and what is
    /// said of the account, or of all, comes before it.
    pub fn quotas_seeing(
        &self,
        provider: Provider,
        account: &Account,
        seen: QuotaOverrides,
    ) -> Quotas {
        self.said(provider, account)
            .iter()
            .fold(seen.over(provider.quotas()), |under, it| it.over(under))
    }

    /// Whether anything is said of this quota there.
    pub fn says(&self, provider: Provider, account: &Account, kind: QuotaKind) -> bool {
        let said = self.said(provider, account);
        said.iter().any(|it| it.of(kind).is_some())
    }

    /// What is said of all accounts, and of this one.
    fn said(&self, provider: Provider, account: &Account) -> [QuotaOverrides; 2] {
        let everywhere = self.quotas.get(&provider).copied().unwrap_or_default();
        let key = (provider, account.as_str().to_owned());
        let here = self.quotas_of.get(&key).copied().unwrap_or_default();
        [everywhere, here]
    }

    /// The provider's region of this name.
    pub fn region(&self, provider: Provider, name: &str) -> Result<Region, UnknownRegion> {
        if self.names(provider).any(|it| it == name)
            && let Ok(region) = Region::named(name)
        {
            return Ok(region);
        }
        Err(UnknownRegion {
            provider,
            nearest: self.nearest(provider, name),
        })
    }

    /// Whether the provider has this region.
    pub fn knows(&self, provider: Provider, region: &Region) -> bool {
        self.region(provider, region.as_str()).is_ok()
    }

    /// In which partition a region is, known or not.
    pub fn partition(&self, provider: Provider, region: &Region) -> Partition {
        let key = (provider, region.as_str().to_owned());
        let configured = self.regions.get(&key).cloned().flatten();
        configured.unwrap_or_else(|| Partition::by_name(provider, region.as_str()))
    }

    fn names(&self, provider: Provider) -> impl Iterator<Item = &str> {
        let built_in = provider.regions().iter().copied();
        let added = self.regions.keys().filter(move |(of, _)| *of == provider);
        built_in.chain(added.map(|(_, name)| name.as_str()))
    }

    fn nearest(&self, provider: Provider, name: &str) -> Option<String> {
        if name.chars().count() > Region::MOST {
            return None;
        }
        let plain = |text: &str| -> String {
            let letters = text.chars().filter(char::is_ascii_alphanumeric);
            letters.collect::<String>().to_ascii_lowercase()
        };
        let given = plain(name);
        let away = self
            .names(provider)
            .map(|it| (distance(&given, &plain(it)), it));
        let near = away.filter(|(away, it)| *away <= Self::NEAR && *away < it.len() / 2);
        near.min().map(|(_, it)| it.to_owned())
    }
}

/// How many letters differ (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut before: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.chars().enumerate() {
        let mut now = vec![row + 1];
        for (column, its) in other.iter().enumerate() {
            let replaced = before[column] + usize::from(letter != *its);
            let shorter = before[column + 1].min(now[column]) + 1;
            now.push(replaced.min(shorter));
        }
        before = now;
    }
    before.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Region {
        Region::named(name).expect("a region's name")
    }

    #[test]
    fn a_region_is_known_only_to_its_own_provider() {
        let places = Places::default();
        assert!(places.region(Provider::Aws, "eu-west-1").is_ok());
        assert!(places.region(Provider::Gcp, "eu-west-1").is_err());
        assert!(places.region(Provider::Azure, "westeurope").is_ok());
        assert!(places.region(Provider::Gcp, "global").is_ok());
        assert!(places.region(Provider::Aws, "global").is_err());
    }

    #[test]
    fn the_nearest_name_is_told_and_none_where_none_is_near() {
        let places = Places::default();
        let nearest = |provider, name: &str| places.region(provider, name).unwrap_err().nearest;
        for (provider, name, meant) in [
            (Provider::Aws, "eu-west-11", "eu-west-1"),
            (Provider::Aws, "euwest1", "eu-west-1"),
            (Provider::Aws, "us-est-2", "us-east-2"),
            (Provider::Azure, "West Europe", "westeurope"),
            (Provider::Gcp, "europe-west-1", "europe-west1"),
        ] {
            assert_eq!(nearest(provider, name).as_deref(), Some(meant), "{name}");
        }
        assert_eq!(nearest(Provider::Aws, "moon"), None);
        assert_eq!(nearest(Provider::Aws, ""), None);
        assert_eq!(nearest(Provider::Aws, &"x".repeat(100_000)), None);
        let told = places.region(Provider::Aws, "us-est-2").unwrap_err();
        assert_eq!(
            told.to_string(),
            "unknown aws region; did you mean us-east-2?"
        );
        let told = places.region(Provider::Gcp, "moon").unwrap_err();
        assert!(
            told.to_string().contains("for instance us-central1"),
            "{told}"
        );
    }

    #[test]
    fn configuration_adds_regions_and_says_their_partition() {
        let region = named("eu-moon-1");
        assert!(!Places::default().knows(Provider::Aws, &region));
        let usual = Places::default().with_region(Provider::Aws, &region, None);
        assert!(usual.knows(Provider::Aws, &region));
        assert!(!usual.knows(Provider::Gcp, &region));
        assert_eq!(usual.partition(Provider::Aws, &region).as_str(), "aws");
        let other = Partition::named("aws-moon");
        let apart = Places::default().with_region(Provider::Aws, &region, Some(other.clone()));
        assert_eq!(apart.partition(Provider::Aws, &region), other);
        let nearest = apart.region(Provider::Aws, "eu-mon-1").unwrap_err().nearest;
        assert_eq!(nearest.as_deref(), Some("eu-moon-1"));
    }

    #[test]
    fn every_partition_is_told_by_the_names_of_its_regions() {
        let places = Places::default();
        for (provider, region, partition) in [
            (Provider::Aws, "eu-west-1", "aws"),
            (Provider::Aws, "cn-north-1", "aws-cn"),
            (Provider::Aws, "us-gov-west-1", "aws-us-gov"),
            (Provider::Aws, "eusc-de-east-1", "aws-eusc"),
            (Provider::Aws, "us-isob-east-1", "aws-iso-b"),
            (Provider::Gcp, "europe-west1", "gcp"),
            (Provider::Azure, "westeurope", "azure"),
            (Provider::Azure, "chinanorth3", "azure-cn"),
            (Provider::Azure, "usgovvirginia", "azure-us-gov"),
        ] {
            let told = places.partition(provider, &named(region));
            assert_eq!(told.as_str(), partition, "{region}");
        }
    }

    #[test]
    fn a_name_of_a_region_is_short_and_plain() {
        for wrong in ["", "EU-west-1", "eu west", "eu/../x", &"x".repeat(65)] {
            assert!(Region::named(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_accounts_quotas_come_before_the_providers_and_those_before_the_usual() {
        let account = |text: &str| text.parse::<Account>().expect("an account");
        let rules = |rules| QuotaOverrides {
            rules: Some(rules),
            ..QuotaOverrides::default()
        };
        let links = QuotaOverrides {
            links: Some(60),
            ..rules(100)
        };
        let places = Places::default()
            .with_quotas(Provider::Aws, links)
            .with_quotas_of(Provider::Aws, "111122223333", rules(200));
        let quotas = places.quotas(Provider::Aws, &account("111122223333"));
        assert_eq!((quotas.rules, quotas.links, quotas.routes), (200, 60, 500));
        let quotas = places.quotas(Provider::Aws, &account("444455556666"));
        assert_eq!((quotas.rules, quotas.links), (100, 60));
        let quotas = places.quotas(Provider::Gcp, &account("111122223333"));
        assert_eq!(quotas, Provider::Gcp.quotas());
    }
}
