//! The halves of the link, where each side has an object of its own: what is on record of each.

use super::{
    super::event::{
        HalfChange, HalfChangeStarted, HalfMade, HalfOperationFailed, HalfOperationStarted,
        Leftover,
    },
    Peering,
};
use crate::{
    side::Side,
    text::{CloudOperation, Link},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is on record of one side's half.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Half {
    /// Nothing: it is not known to be there, or the link is one object.
    #[default]
    Unknown,
    /// The engine was about to make it, and has not seen it.
    Making(HalfRequest),
    /// It was seen.
    Made {
        /// Its name, if the engine made it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<Link>,
    },
    /// It was seen, and the engine was about to remove it.
    Removing(HalfRequest),
    /// It was seen to be gone.
    Gone,
}

/// A change of a half that was asked for, or was about to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HalfRequest {
    /// The half's name.
    pub link: Link,
    /// The name of the request.
    pub id: Uuid,
    /// When the engine began.
    pub since: DateTime<Utc>,
    /// The cloud's name of the operation, once it has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<CloudOperation>,
}

impl Half {
    /// The half's name, if the engine made it or was about to.
    pub fn own_name(&self) -> Option<&Link> {
        match self {
            Self::Making(request) | Self::Removing(request) => Some(&request.link),
            Self::Made { link } => link.as_ref(),
            Self::Unknown | Self::Gone => None,
        }
    }

    /// Whether it is there, or may be, as far as the log knows.
    pub fn may_stand(&self) -> bool {
        match self {
            Self::Making(_) | Self::Made { .. } | Self::Removing(_) => true,
            Self::Unknown | Self::Gone => false,
        }
    }

    /// The change that is under way.
    pub fn request(&self) -> Option<&HalfRequest> {
        match self {
            Self::Making(request) | Self::Removing(request) => Some(request),
            Self::Unknown | Self::Made { .. } | Self::Gone => None,
        }
    }

    /// The operation at the cloud that is under way.
    pub fn operation(&self) -> Option<&CloudOperation> {
        self.request().and_then(|it| it.operation.as_ref())
    }

    fn leftover(&self, side: Side) -> Option<Leftover> {
        match self {
            Self::Unknown | Self::Gone => None,
            Self::Making(request) => Some(Leftover::PossibleHalf {
                side,
                link: request.link.clone(),
            }),
            Self::Removing(request) => Some(Leftover::Half {
                side,
                link: Some(request.link.clone()),
            }),
            Self::Made { link } => Some(Leftover::Half {
                side,
                link: link.clone(),
            }),
        }
    }
}

impl Peering {
    /// Whether the link is known to be two objects.
    pub fn has_halves(&self) -> bool {
        Side::BOTH
            .into_iter()
            .any(|side| *self.halves.get(side) != Half::Unknown)
    }

    /// Whether a half may still stand that is not the engine's to remove.
    pub fn has_others_half(&self) -> bool {
        Side::BOTH
            .into_iter()
            .any(|side| matches!(self.halves.get(side), Half::Made { link: None }))
    }

    /// What may stand of the link, half by half.
    pub(super) fn halves_left(&self) -> impl Iterator<Item = Leftover> + '_ {
        Side::BOTH
            .into_iter()
            .filter_map(|side| self.halves.get(side).leftover(side))
    }

    pub(in crate::network) fn half_change_started(&mut self, event: &HalfChangeStarted) {
        let request = HalfRequest {
            link: event.link.clone(),
            id: event.request_id,
            since: event.started_at,
            operation: None,
        };
        *self.halves.get_mut(event.side) = match event.change {
            HalfChange::Make => Half::Making(request),
            HalfChange::Remove => Half::Removing(request),
        };
    }

    pub(in crate::network) fn half_operation_started(&mut self, event: &HalfOperationStarted) {
        if let Half::Making(request) | Half::Removing(request) = self.halves.get_mut(event.side)
            && request.id == event.request_id
        {
            request.operation = Some(event.operation.clone());
        }
    }

    pub(in crate::network) fn half_operation_failed(&mut self, event: &HalfOperationFailed) {
        let half = self.halves.get_mut(event.side);
        let is_it = |it: &HalfRequest| it.operation.as_ref() == Some(&event.operation);
        match half {
            Half::Making(request) if is_it(request) => *half = Half::Unknown,
            Half::Removing(request) if is_it(request) => {
                let link = Some(request.link.clone());
                *half = Half::Made { link };
            }
            Half::Unknown
            | Half::Making(_)
            | Half::Made { .. }
            | Half::Removing(_)
            | Half::Gone => {}
        }
    }

    pub(in crate::network) fn half_made(&mut self, event: &HalfMade) {
        *self.halves.get_mut(event.side) = Half::Made {
            link: event.link.clone(),
        };
    }

    pub(in crate::network) fn half_removed(&mut self, side: Side) {
        *self.halves.get_mut(side) = Half::Gone;
    }
}
