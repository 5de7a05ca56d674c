//! One step of a plan, and whose identity it needs.

use super::Action;
use domain::{
    Side,
    network::{
        BlockCause, HalfChangeStarted, InboundRule, InstallationStarted, Outcome,
        PeeringInitiationStarted,
    },
};

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::provisioner) enum Step {
    /// Put on record what was seen.
    Record(Outcome),
    /// Put on record what is about to be asked of the cloud. Whoever could not write it must not
    /// ask.
    Intend(PeeringInitiationStarted),
    /// Put on record that a side's half of the link is about to be made or removed.
    BeginHalf(HalfChangeStarted),
    /// Put on record what is about to be made on this side. Only what is still wanted then is made.
    Begin(InstallationStarted),
    /// Change something at the cloud.
    Act(Action),
    /// Admit this in the group that a step before has made. If it was there before, that is for a
    /// look to find out.
    AdmitInNew { side: Side, rule: InboundRule },
}

impl Step {
    /// The side whose identity the step needs. What shows needs none: it is there. That something
    /// is not there is true only of the account that was meant: every other account has nothing of
    /// it either.
    pub(in crate::provisioner) fn side(&self) -> Option<Side> {
        match self {
            Self::Record(outcome) => absent_at(outcome),
            Self::Intend(_) => Some(Side::Local),
            Self::BeginHalf(started) => Some(started.side),
            Self::Begin(started) => Some(started.side),
            Self::Act(action) => Some(action.side()),
            Self::AdmitInNew { side, .. } => Some(*side),
        }
    }
}

/// The side where this outcome says that something is not there; none if it does not.
fn absent_at(outcome: &Outcome) -> Option<Side> {
    match outcome {
        Outcome::LinkRemoved(_) | Outcome::Removed(_) => Some(Side::Local),
        Outcome::HalfRemoved(it) => Some(it.side),
        Outcome::RouteRemoved(it) => Some(it.side),
        Outcome::InstallationEnded(it) => Some(it.side),
        Outcome::FirewallGroupRemoved(it) => Some(it.side),
        Outcome::FirewallRuleRevoked(it) => Some(it.side),
        Outcome::ExposureCleared(it) => Some(it.side),
        Outcome::FirewallGroupDetached(it) => Some(it.side),
        Outcome::DenialRemoved(it) => Some(it.side),
        Outcome::DenialLapsed(it) => Some(it.side),
        Outcome::FirewallAttachmentChosen(it) => Some(it.side),
        Outcome::FirewallAttachmentSeen(it) if it.interfaces == Some(0) => Some(it.side),
        Outcome::DriftDetected(it) => Some(it.finding.side()),
        Outcome::DriftRepaired(it) => Some(it.finding.side()),
        Outcome::Blocked(it) if it.cause == BlockCause::NotFound => Some(it.side),
        Outcome::InitiationStarted(_)
        | Outcome::InitiationRefused(_)
        | Outcome::Initiated(_)
        | Outcome::ExpiryNear(_)
        | Outcome::Accepted(_)
        | Outcome::Activated(_)
        | Outcome::Rejected(_)
        | Outcome::Expired(_)
        | Outcome::Failed(_)
        | Outcome::DeadlinePassed(_)
        | Outcome::AccepterSeen(_)
        | Outcome::Surveyed(_)
        | Outcome::RangesConfirmed(_)
        | Outcome::PeerImmutableIdSeen(_)
        | Outcome::NetworkImmutableIdSeen(_)
        | Outcome::QuotasSeen(_)
        | Outcome::Abandoned(_)
        | Outcome::HalfChangeStarted(_)
        | Outcome::HalfOperationStarted(_)
        | Outcome::HalfOperationFailed(_)
        | Outcome::HalfMade(_)
        | Outcome::InstallationStarted(_)
        | Outcome::RouteInstalled(_)
        | Outcome::RouteFound(_)
        | Outcome::RoutesEnforced(_)
        | Outcome::RoutesSuspended(_)
        | Outcome::RoutesResumed(_)
        | Outcome::RouteConflicted(_)
        | Outcome::FirewallGroupCreated(_)
        | Outcome::FirewallRuleAuthorized(_)
        | Outcome::FirewallEnforced(_)
        | Outcome::FirewallGroupAttached(_)
        | Outcome::FirewallAttachmentSeen(_)
        | Outcome::DenialMade(_)
        | Outcome::DenialEnforced(_)
        | Outcome::FirewallExposed(_)
        | Outcome::DnsResolutionApplied(_)
        | Outcome::LinkOptionApplied(_)
        | Outcome::IngressExpired(_)
        | Outcome::AdmissionExpired(_)
        | Outcome::TenureEnded(_)
        | Outcome::DriftAdopted(_)
        | Outcome::Blocked(_)
        | Outcome::Unblocked(_)
        | Outcome::OrphanFound(_)
        | Outcome::OrphanCleared(_)
        | Outcome::OrphanRemovalFailed(_)
        | Outcome::CloudRecorded(_)
        | Outcome::IdentityMarked(_) => None,
    }
}
