//! Where networks are: providers, their regions, and the form of their account and network ids.
//!
//! Facts of the providers as tables. A region that is not listed is refused: a typing error in a
//! region is otherwise found by a cloud call that fails minutes later.

use crate::{
    range::Range,
    text::{Account, CloudNetwork},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use thiserror::Error;

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

    /// The regions that a network of this provider can be in (the providers' public region lists,
    /// 2026).
    pub fn regions(&self) -> &'static [&'static str] {
        match self {
            Self::Aws => AWS,
            Self::Gcp => GCP,
            Self::Azure => AZURE,
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
    pub fn check_peer_range(&self, range: &Range) -> Result<(), &'static str> {
        if range.is_of_no_network() {
            return Err("loopback, link-local, multicast and reserved addresses are no network's");
        }
        let (longest, form) = match self {
            Self::Aws => (28, "a block of an AWS VPC is a /28 at the least"),
            Self::Gcp => (29, "a range of a GCP subnet is a /29 at the least"),
            Self::Azure => (29, "a range of an Azure VNet is a /29 at the least"),
        };
        if range.net().prefix_len() <= longest {
            Ok(())
        } else {
            Err(form)
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

/// A region of some provider, by the provider's own name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Region(String);

/// A text that names no region of the provider.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown {provider} region; for instance {}", examples(*.provider))]
pub struct UnknownRegion {
    /// The provider that has no such region.
    pub provider: Provider,
}

fn examples(provider: Provider) -> String {
    provider
        .regions()
        .iter()
        .take(3)
        .copied()
        .collect::<Vec<_>>()
        .join(", ")
}

impl Region {
    /// The provider's region of this name.
    pub fn of(provider: Provider, name: &str) -> Result<Self, UnknownRegion> {
        if provider.regions().contains(&name) {
            Ok(Self(name.to_owned()))
        } else {
            Err(UnknownRegion { provider })
        }
    }

    /// The name, as it is stored and written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the provider has this region.
    pub fn belongs_to(&self, provider: Provider) -> bool {
        provider.regions().contains(&self.0.as_str())
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[rustfmt::skip]
const AWS: &[&str] = &[
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "ca-west-1", "mx-central-1", "sa-east-1",
    "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3",
    "af-south-1", "il-central-1", "me-central-1", "me-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2",
    "ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4",
    "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "us-gov-east-1", "us-gov-west-1", "cn-north-1", "cn-northwest-1",
];

#[rustfmt::skip]
const GCP: &[&str] = &[
    "us-central1", "us-east1", "us-east4", "us-east5", "us-south1", "us-west1", "us-west2", "us-west3", "us-west4",
    "northamerica-northeast1", "northamerica-northeast2", "northamerica-south1", "southamerica-east1", "southamerica-west1",
    "europe-central2", "europe-north1", "europe-north2", "europe-southwest1", "europe-west1", "europe-west2", "europe-west3",
    "europe-west4", "europe-west6", "europe-west8", "europe-west9", "europe-west10", "europe-west12", "africa-south1",
    "me-central1", "me-central2", "me-west1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2",
    "asia-northeast3", "asia-south1", "asia-south2", "asia-southeast1", "asia-southeast2", "australia-southeast1",
    "australia-southeast2",
];

#[rustfmt::skip]
const AZURE: &[&str] = &[
    "eastus", "eastus2", "centralus", "northcentralus", "southcentralus", "westcentralus", "westus", "westus2", "westus3",
    "canadacentral", "canadaeast", "mexicocentral", "brazilsouth", "brazilsoutheast", "northeurope", "westeurope",
    "francecentral", "francesouth", "germanynorth", "germanywestcentral", "italynorth", "norwayeast", "norwaywest",
    "polandcentral", "spaincentral", "swedencentral", "switzerlandnorth", "switzerlandwest", "uksouth", "ukwest", "israelcentral",
    "qatarcentral", "uaecentral", "uaenorth", "southafricanorth", "southafricawest", "australiacentral", "australiaeast",
    "australiasoutheast", "centralindia", "southindia", "westindia", "eastasia", "southeastasia", "indonesiacentral",
    "japaneast", "japanwest", "koreacentral", "koreasouth", "malaysiawest", "newzealandnorth",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_known_only_to_its_own_provider() {
        assert!(Region::of(Provider::Aws, "eu-west-1").is_ok());
        assert_eq!(
            Region::of(Provider::Gcp, "eu-west-1"),
            Err(UnknownRegion {
                provider: Provider::Gcp
            })
        );
        assert!(Region::of(Provider::Aws, "eu-west-11").is_err());
        assert!(Region::of(Provider::Azure, "westeurope").is_ok());
    }

    #[test]
    fn a_peer_has_what_its_provider_allows_a_network() {
        let allowed = |provider: Provider, text: &str| {
            provider
                .check_peer_range(&text.parse().expect("a range"))
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
