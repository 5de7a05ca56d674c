//! What a review says of what is open.

use super::InboundRule;
use crate::ids::{IngressId, PeeringId};
use serde::{Deserialize, Serialize};

/// Something that is open by somebody's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reviewed {
    /// The peering itself: its link and its routes.
    Peering,
    /// A source that the private network admits.
    Admission {
        /// What is admitted.
        rule: InboundRule,
    },
    /// A connector ingress.
    Ingress {
        /// Which one.
        ingress_id: IngressId,
    },
}

/// Somebody has looked at an opening and says that it is still needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OpeningConfirmed {
    /// The peering.
    pub peering_id: PeeringId,
    /// What is still needed.
    pub opening: Reviewed,
}
