//! Where networks are: providers, their regions, and the form of their account and network ids.
//!
//! Facts of the providers as tables: the regions and partitions, what a provider and account allow,
//! and what its firewall can do. Configuration extends the first two.

mod firewall;
mod quotas;
mod region;
mod regions;

pub use firewall::{Aim, FirewallAbilities, Sources, Unspoken, Verdicts};
pub use quotas::{HeldQuota, QuotaKind, QuotaOverrides, QuotaSource, Quotas, SeenQuotas};
pub use region::{GLOBAL, Region};
pub use regions::{Partition, Places, UnknownRegion};

use crate::{
    range::{Family, Range},
    text::{Account, CloudNetwork},
};
use serde::{Deserialize, Serialize};
use std::{fmt, ops::RangeInclusive, str::FromStr};
use thiserror::Error;

/// The prefixes of a VPC's IPv6 blocks (AWS: /44 to /60).
const AWS_IPV6: RangeInclusive<u8> = 44..=60;

/// A cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Amazon Web Services.
    Aws,
    /// Google Cloud.
    Gcp,
    /// Microsoft Azure.
    Azure,
}

impl Provider {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 3] = [Self::Aws, Self::Gcp, Self::Azure];

    /// The name, as it is stored and written.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Gcp => "gcp",
            Self::Azure => "azure",
        }
    }

    /// Whether what comes over a link is let in unless something denies it (Azure: the default rule
    /// AllowVnetInBound).
    pub fn admits_by_default(&self) -> bool {
        match self {
            Self::Aws | Self::Gcp => false,
            Self::Azure => true,
        }
    }

    /// The regions that a network of this provider can be in (the providers' public region lists,
    /// 2026).
    pub fn regions(&self) -> &'static [&'static str] {
        match self {
            Self::Aws => region::AWS,
            Self::Gcp => region::GCP,
            Self::Azure => region::AZURE,
        }
    }

    /// Whether a network that is made later can have the name of one that is gone, so that only
    /// another id tells them apart. At AWS the name is an id that is given once.
    pub fn names_come_back(&self) -> bool {
        match self {
            Self::Aws => false,
            Self::Gcp | Self::Azure => true,
        }
    }

    /// The subscription that a network's id names (Azure: the account is a tenant, and a tenant has
    /// several); `None` where the account says it all.
    pub fn subscription<'a>(&self, network: &'a CloudNetwork) -> Option<&'a str> {
        match self {
            Self::Aws | Self::Gcp => None,
            Self::Azure => {
                let id = network.as_str().strip_prefix("/subscriptions/")?;
                id.split('/').next().filter(|it| !it.is_empty())
            }
        }
    }

    /// Whether the text has the form of this provider's account ids, and if not, what the form is.
    pub fn check_account(&self, account: &Account) -> Result<(), &'static str> {
        let text = account.as_str();
        let (good, form) = match self {
            Self::Aws => (
                text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()),
                "an AWS account id has 12 digits, like 111122223333",
            ),
            Self::Gcp => (
                (6..=30).contains(&text.len())
                    && text.starts_with(|c: char| c.is_ascii_lowercase())
                    && text
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "a GCP project id has 6 to 30 lower-case letters, digits and hyphens and begins with a letter",
            ),
            Self::Azure => (
                text.parse::<uuid::Uuid>().is_ok(),
                "an Azure tenant id is a UUID",
            ),
        };
        if good { Ok(()) } else { Err(form) }
    }

    /// Whether both are one network, each with the account that it is said to be in. An Azure
    /// network is in one subscription, whichever tenant that belongs to.
    pub fn is_one_network(
        &self,
        (account, network): (&Account, &CloudNetwork),
        (other_account, other): (&Account, &CloudNetwork),
    ) -> bool {
        let is_one_account = match self {
            Self::Aws | Self::Gcp => account == other_account,
            Self::Azure => true,
        };
        is_one_account && network.is_same(other)
    }

    /// Whether the text has the form of this provider's network ids, and if not, what the form is.
    pub fn check_network(&self, network: &CloudNetwork) -> Result<(), &'static str> {
        let text = network.as_str();
        let (good, form) = match self {
            Self::Aws => (
                text.strip_prefix("vpc-").is_some_and(|id| {
                    (8..=17).contains(&id.len())
                        && id
                            .bytes()
                            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
                }),
                "an AWS VPC id looks like vpc-0a1b2c3d4e5f60718",
            ),
            Self::Gcp => (
                text.len() <= 63
                    && text
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "a GCP network name has up to 63 lower-case letters, digits and hyphens",
            ),
            Self::Azure => (
                text.starts_with("/subscriptions/") && text.contains("/virtualNetworks/"),
                "an Azure VNet is named by its resource id, /subscriptions/…/virtualNetworks/…",
            ),
        };
        if good { Ok(()) } else { Err(form) }
    }

    /// Whether a network of this provider can have this range, and if not, what it can have. Public
    /// addresses are allowed: their owner may use them so.
    pub fn check_range(&self, range: &Range, quotas: &Quotas) -> Result<(), &'static str> {
        if range.is_of_no_network() {
            return Err("loopback, link-local, multicast and reserved addresses are no network's");
        }
        match range.family() {
            Family::Ipv4 => self.check_ipv4(range, quotas),
            Family::Ipv6 => self.check_ipv6(range),
        }
    }

    fn check_ipv4(&self, range: &Range, quotas: &Quotas) -> Result<(), &'static str> {
        let is_usual = quotas.longest_prefix == self.quotas().longest_prefix;
        let form = match self {
            Self::Aws => "a block of an AWS VPC is a /28 at the least",
            Self::Gcp => "a range of a GCP subnet is a /29 at the least",
            Self::Azure => "a range of an Azure VNet is a /29 at the least",
        };
        if range.net().prefix_len() <= quotas.longest_prefix {
            Ok(())
        } else if is_usual {
            Err(form)
        } else {
            Err("the configuration allows no range that small")
        }
    }

    fn check_ipv6(&self, range: &Range) -> Result<(), &'static str> {
        match self {
            Self::Aws if AWS_IPV6.contains(&range.net().prefix_len()) => Ok(()),
            Self::Aws => Err("an IPv6 block of an AWS VPC is a /44 to a /60"),
            Self::Gcp | Self::Azure => Err("IPv6 is routed and admitted on AWS alone so far"),
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no provider.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown provider; use aws, gcp or azure")]
pub struct UnknownProvider;

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.as_str() == text)
            .ok_or(UnknownProvider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vnets_id_names_its_subscription() {
        let id = "/subscriptions/9a1b/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/orders";
        let vnet: CloudNetwork = id.parse().expect("a network");
        assert_eq!(Provider::Azure.subscription(&vnet), Some("9a1b"));
        assert_eq!(Provider::Gcp.subscription(&vnet), None);
        let other: CloudNetwork = "default".parse().expect("a network");
        assert_eq!(Provider::Azure.subscription(&other), None);
    }

    #[test]
    fn a_peer_has_what_its_provider_allows_a_network() {
        let allowed = |provider: Provider, text: &str| {
            provider
                .check_range(&text.parse().expect("a range"), &provider.quotas())
                .is_ok()
        };
        for text in [
            "10.0.0.0/8",
            "100.64.0.0/10",
            "198.18.0.0/15",
            "11.0.0.0/8",
            "10.9.0.0/28",
        ] {
            assert!(allowed(Provider::Aws, text), "{text}");
        }
        for text in [
            "10.9.0.0/29",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "224.0.0.0/8",
        ] {
            assert!(!allowed(Provider::Aws, text), "{text}");
        }
        for provider in [Provider::Gcp, Provider::Azure] {
            assert!(allowed(provider, "10.9.0.0/29"));
            assert!(!allowed(provider, "10.9.0.0/30"));
            assert!(!allowed(provider, "fd00:9::/56"));
        }
        for text in ["fd00:9::/44", "fd00:9::/56", "2600:1f14:9::/60"] {
            assert!(allowed(Provider::Aws, text), "{text}");
        }
        for text in ["fd00:9::/43", "fd00:9::/61", "fe80::/56", "::ffff:0:0/96"] {
            assert!(!allowed(Provider::Aws, text), "{text}");
        }
    }

    #[test]
    fn ids_have_the_form_of_their_provider() {
        let account = |text: &str| text.parse::<Account>().expect("an account");
        let network = |text: &str| text.parse::<CloudNetwork>().expect("a network");
        assert!(
            Provider::Aws
                .check_account(&account("111122223333"))
                .is_ok()
        );
        assert!(
            Provider::Aws
                .check_account(&account("11112222333"))
                .is_err()
        );
        assert!(Provider::Gcp.check_account(&account("orders-prod")).is_ok());
        assert!(Provider::Gcp.check_account(&account("Orders")).is_err());
        assert!(
            Provider::Azure
                .check_account(&account("8e9b2f0a-3f4d-4d2a-9f0e-5b8a4a0c1d2e"))
                .is_ok()
        );
        assert!(
            Provider::Azure
                .check_account(&account("111122223333"))
                .is_err()
        );
        assert!(
            Provider::Aws
                .check_network(&network("vpc-0a1b2c3d4e5f60718"))
                .is_ok()
        );
        assert!(Provider::Aws.check_network(&network("vpc-1")).is_err());
        assert!(Provider::Gcp.check_network(&network("default")).is_ok());
        assert!(Provider::Azure.check_network(&network("default")).is_err());
    }
}
