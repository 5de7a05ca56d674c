//! What kind each refusal is of: what class of answer a caller gets.

use super::Refusal;

/// What kind of refusal it is, for callers that only need to know what class of answer to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The command is wrong in itself, whatever the state.
    Invalid,
    /// What the command is about does not exist.
    Unknown,
    /// What the command asks for exists.
    Exists,
    /// The command does not fit the state as it is now.
    Precondition,
    /// A limit is reached.
    Quota,
}

impl Refusal {
    /// What kind of refusal it is.
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::RegionUnknown { .. }
            | Self::PartitionMismatch { .. }
            | Self::AccountMalformed { .. }
            | Self::CloudNetworkMalformed { .. }
            | Self::ProviderMismatch { .. }
            | Self::PeerIsTheNetwork { .. }
            | Self::PeerRangesMissing
            | Self::TooManyRanges { .. }
            | Self::RangesOverlapEachOther { .. }
            | Self::PeerRangeNotAllowed { .. }
            | Self::NetworkRangeNotAllowed(_)
            | Self::SubnetsMissing
            | Self::SubnetsAmbiguous { .. }
            | Self::DestinationOutOfReach { .. }
            | Self::RemoteInboundDenied { .. }
            | Self::SourceOutsidePeer { .. }
            | Self::SourceGroupUnsupported(_)
            | Self::PortZero
            | Self::TooManyGroups { .. }
            | Self::DeadlinePassed { .. }
            | Self::NothingOpenToAccept { .. }
            | Self::RouteReplacedByItself { .. }
            | Self::IngressTargetOutsidePeer { .. }
            | Self::SourceOutsideNetwork(_)
            | Self::IngressEndUnclear
            | Self::ExpiryPassed { .. }
            | Self::ExpiryRequired { .. }
            | Self::ExpiryTooFar { .. }
            | Self::OwnerRequired
            | Self::DnsResolutionUnsupported { .. }
            | Self::LinkOptionUnsupported { .. }
            | Self::LinkOptionWithinRegion(_)
            | Self::AttachmentUnsupported { .. }
            | Self::DenialUnsupported(_)
            | Self::DeniedSubnets(_)
            | Self::InterfaceCount { .. }
            | Self::ReasonRequired
            | Self::ReasonMalformed { .. }
            | Self::TicketRequired
            | Self::TicketMalformed { .. }
            | Self::TooManyRoutes { .. }
            | Self::TooManyRules { .. } => RefusalKind::Invalid,
            Self::NetworkUnknown
            | Self::PeeringUnknown { .. }
            | Self::IngressUnknown { .. }
            | Self::AdmissionUnknown { .. }
            | Self::OrphanUnknown { .. } => RefusalKind::Unknown,
            Self::NetworkAlreadyRegistered { .. }
            | Self::PeerAlreadyLinked { .. }
            | Self::RouteAlreadyAccepted { .. }
            | Self::LinkOnRecord { .. }
            | Self::LinkOnRecordElsewhere(_)
            | Self::PeerLinkedElsewhere(_)
            | Self::IngressAlreadyAllowed { .. } => RefusalKind::Exists,
            Self::RangeOverlapsNetwork { .. }
            | Self::RangeOverlapsPeering { .. }
            | Self::PeeringEnded { .. }
            | Self::OutcomeOutOfOrder { .. }
            | Self::LinkMismatch { .. }
            | Self::AccepterMismatch(_)
            | Self::NetworkRetired { .. }
            | Self::NetworkInUse { .. }
            | Self::OrphanIsACopy { .. }
            | Self::PeeringBeingRemoved { .. }
            | Self::PeeringBeingAbandoned { .. }
            | Self::ProviderNotServed { .. }
            | Self::LinkOptionNeedsOther(_)
            | Self::LinkOptionNeeded(_)
            | Self::LinkOptionExcluded(_)
            | Self::LinkOptionTaken(_)
            | Self::SideKeptByOwner { .. }
            | Self::PeerRangeNotOnRecord { .. }
            | Self::SubnetNotChosen { .. }
            | Self::NothingAdmittedAnew { .. }
            | Self::NodesNotOnRecord
            | Self::AddressFamilyMissing(_)
            | Self::IngressNotApart(_)
            | Self::RouteNotAccepted { .. } => RefusalKind::Precondition,
            Self::PeeringQuotaReached { .. } | Self::TooManyQuarantines { .. } => {
                RefusalKind::Quota
            }
        }
    }
}
