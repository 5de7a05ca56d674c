//! What the states of a peering mean for a person.

use crate::api::v1::PeeringState;

/// Whether nothing more will come of a peering in this state.
pub(super) fn has_ended(state: PeeringState) -> bool {
    match state {
        PeeringState::Rejected
        | PeeringState::Expired
        | PeeringState::Failed
        | PeeringState::Removed
        | PeeringState::Abandoned => true,
        PeeringState::Unspecified
        | PeeringState::Requested
        | PeeringState::Initiating
        | PeeringState::AwaitingAcceptance
        | PeeringState::Provisioning
        | PeeringState::Active
        | PeeringState::Removing
        | PeeringState::Abandoning => false,
    }
}
