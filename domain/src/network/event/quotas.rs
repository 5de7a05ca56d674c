//! What the accounts of a network allow, as their cloud tells.

use crate::{
    ids::NetworkId,
    place::{Region, SeenQuotas},
    text::Account,
};
use serde::{Deserialize, Serialize};

/// The cloud told what an account allows in a region: the network's own, or that of one of its
/// peers. It is on record when it was first told, and when it is another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NetworkQuotasSeen {
    /// The network.
    pub network_id: NetworkId,
    /// The account that was asked about.
    pub account: Account,
    /// The region there.
    pub region: Region,
    /// What it allows.
    pub quotas: SeenQuotas,
}
