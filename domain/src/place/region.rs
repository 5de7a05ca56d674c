//! A region by its name, and the regions that are built in.

use crate::text::TextError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where networks without a region are (GCP: a network is global, and its subnets have regions).
pub const GLOBAL: &str = "global";

/// A region of some provider, by the provider's own name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Region(String);

impl Region {
    /// The most characters that a region's name may have.
    pub const MOST: usize = 64;

    /// A region of this name, whether or not anybody here knows it: what a cloud shows may be in a
    /// region that is newer than the list.
    pub fn named(name: &str) -> Result<Self, TextError> {
        let length = name.chars().count();
        if length == 0 {
            return Err(TextError::Empty);
        }
        if length > Self::MOST {
            return Err(TextError::TooLong {
                length,
                most: Self::MOST,
            });
        }
        let odd = |c: &char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-');
        match name.chars().find(odd) {
            Some(found) => Err(TextError::Character {
                found,
                allowed: "use lower-case letters, digits and `-`",
            }),
            None => Ok(Self(name.to_owned())),
        }
    }

    /// The name, as it is stored and written.
    pub fn as_str(&self) -> &str {
        &self.0
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
pub(super) const AWS: &[&str] = &[
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "ca-west-1", "mx-central-1", "sa-east-1",
    "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3",
    "af-south-1", "il-central-1", "me-central-1", "me-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2",
    "ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4",
    "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "us-gov-east-1", "us-gov-west-1", "cn-north-1", "cn-northwest-1", "eusc-de-east-1",
];

#[rustfmt::skip]
pub(super) const GCP: &[&str] = &[
    GLOBAL,
    "us-central1", "us-east1", "us-east4", "us-east5", "us-south1", "us-west1", "us-west2", "us-west3", "us-west4",
    "northamerica-northeast1", "northamerica-northeast2", "northamerica-south1", "southamerica-east1", "southamerica-west1",
    "europe-central2", "europe-north1", "europe-north2", "europe-southwest1", "europe-west1", "europe-west2", "europe-west3",
    "europe-west4", "europe-west6", "europe-west8", "europe-west9", "europe-west10", "europe-west12", "africa-south1",
    "me-central1", "me-central2", "me-west1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2",
    "asia-northeast3", "asia-south1", "asia-south2", "asia-southeast1", "asia-southeast2", "australia-southeast1",
    "australia-southeast2",
];

#[rustfmt::skip]
pub(super) const AZURE: &[&str] = &[
    "eastus", "eastus2", "centralus", "northcentralus", "southcentralus", "westcentralus", "westus", "westus2", "westus3",
    "canadacentral", "canadaeast", "mexicocentral", "brazilsouth", "brazilsoutheast", "northeurope", "westeurope",
    "francecentral", "francesouth", "germanynorth", "germanywestcentral", "italynorth", "norwayeast", "norwaywest",
    "polandcentral", "spaincentral", "swedencentral", "switzerlandnorth", "switzerlandwest", "uksouth", "ukwest", "israelcentral",
    "qatarcentral", "uaecentral", "uaenorth", "southafricanorth", "southafricawest", "australiacentral", "australiaeast",
    "australiasoutheast", "centralindia", "southindia", "westindia", "eastasia", "southeastasia", "indonesiacentral",
    "japaneast", "japanwest", "koreacentral", "koreasouth", "malaysiawest", "newzealandnorth",
];
