//! The halves of a link, where each side has an object of its own (GCP, Azure): on record before
//! they are made or removed, and when they were seen to be so.

use crate::{
    ids::PeeringId,
    side::Side,
    text::{CloudOperation, Link},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is done to a half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HalfChange {
    /// It is made.
    Make,
    /// It is removed.
    Remove,
}

impl HalfChange {
    /// The change's stored name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Make => "make",
            Self::Remove => "remove",
        }
    }
}

/// The engine is about to make or remove a side's half of the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HalfChangeStarted {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose half it is.
    pub side: Side,
    /// What is done to it.
    pub change: HalfChange,
    /// The half's name at the cloud.
    pub link: Link,
    /// The name of the request, the same when it is sent again.
    pub request_id: Uuid,
    /// When the engine began.
    pub started_at: DateTime<Utc>,
}

impl HalfChangeStarted {
    /// The beginning of a change whose request is named after it: the same change, begun at the
    /// same time, has the same request.
    pub fn new(
        peering_id: PeeringId,
        side: Side,
        change: HalfChange,
        link: Link,
        started_at: DateTime<Utc>,
    ) -> Self {
        let (what, nanos) = (change.as_str(), started_at.timestamp_micros());
        let request_id = Uuid::new_v5(
            &peering_id.0,
            format!("{what}/{side}/{link}/{nanos}").as_bytes(),
        );
        Self {
            peering_id,
            side,
            change,
            link,
            request_id,
            started_at,
        }
    }
}

/// The cloud has begun with the change of a half, and says under which name it can be asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HalfOperationStarted {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose half it is.
    pub side: Side,
    /// The request that began it.
    pub request_id: Uuid,
    /// The cloud's name of the operation.
    pub operation: CloudOperation,
}

/// That operation has ended with an error: the half is as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HalfOperationFailed {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose half it is.
    pub side: Side,
    /// The cloud's name of the operation.
    pub operation: CloudOperation,
    /// The operation's own error, in the cloud's words.
    pub message: String,
}

/// A side's half of the link was seen in place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HalfMade {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose half it is.
    pub side: Side,
    /// The half's name at the cloud, if the engine made it; of one that its owner made, only the
    /// other half tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
}

/// A side's half of the link was seen to be gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HalfRemoved {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose half it was.
    pub side: Side,
    /// The half's name at the cloud, if the engine had made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
}
