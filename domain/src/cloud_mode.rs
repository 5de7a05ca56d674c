//! Which cloud a network is at: its provider's own, or one that stands in for it.
//!
//! A network that was made in one is never worked on in another: what a simulation calls active
//! must not be taken for a link that exists.

use crate::{
    place::{Places, Provider},
    text::Endpoint,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// What answers to the calls for a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum CloudMode {
    /// The provider itself.
    Real,
    /// Something that speaks the provider's API, there.
    Emulator {
        /// Its address, as it is configured.
        endpoint: Endpoint,
    },
    /// A cloud inside the engine's process.
    Simulated,
}

impl CloudMode {
    /// The emulator's address.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::Real | Self::Simulated => None,
            Self::Emulator { endpoint } => Some(endpoint),
        }
    }

    /// The stored name of the mode.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Emulator { .. } => "emulator",
            Self::Simulated => "simulated",
        }
    }
}

impl fmt::Display for CloudMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real | Self::Simulated => f.write_str(self.as_str()),
            Self::Emulator { endpoint } => write!(f, "emulator at {endpoint}"),
        }
    }
}

/// Which providers an engine serves, and what answers for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServedClouds {
    modes: BTreeMap<Provider, CloudMode>,
    places: Places,
}

impl ServedClouds {
    /// What answers for this provider; `None` if the engine does not serve it.
    pub fn mode(&self, provider: Provider) -> Option<&CloudMode> {
        self.modes.get(&provider)
    }

    /// The providers that are served, in the order in which they are told.
    pub fn providers(&self) -> impl Iterator<Item = Provider> + '_ {
        self.modes.keys().copied()
    }

    /// The same with what is known of places beside what is built in.
    pub fn with_places(self, places: Places) -> Self {
        Self { places, ..self }
    }

    /// The regions that it knows, and the quotas of the accounts.
    pub fn places(&self) -> &Places {
        &self.places
    }
}

impl FromIterator<(Provider, CloudMode)> for ServedClouds {
    fn from_iter<I: IntoIterator<Item = (Provider, CloudMode)>>(each: I) -> Self {
        Self {
            modes: each.into_iter().collect(),
            places: Places::default(),
        }
    }
}
