//! What a worker saw or did, in the words of the event that will say so.

use super::event::{
    AdmissionExpired, ConnectorIngressRevoked, DenialEnforced, DenialLapsed, DenialMade,
    DenialRemoved, DnsResolutionApplied, DriftAdopted, DriftDetected, DriftRepaired,
    ExposureCleared, FirewallAttachmentChosen, FirewallAttachmentSeen, FirewallEnforced,
    FirewallExposed, FirewallGroupAttached, FirewallGroupCreated, FirewallGroupDetached,
    FirewallGroupRemoved, FirewallRuleAuthorized, FirewallRuleRevoked, HalfChangeStarted, HalfMade,
    HalfOperationFailed, HalfOperationStarted, HalfRemoved, InstallationEnded, InstallationStarted,
    LinkAccepterSeen, LinkOptionApplied, LinkRemoved, NetworkCloudRecorded, NetworkEvent,
    NetworkIdentityMarked, NetworkImmutableIdSeen, NetworkQuotasSeen, OrphanCleared, OrphanFound,
    OrphanRemovalFailed, PeerImmutableIdSeen, PeerRangesConfirmed, PeeringAbandoned,
    PeeringAccepted, PeeringActivated, PeeringDeadlinePassed, PeeringExpired, PeeringExpiryNear,
    PeeringFailed, PeeringInitiated, PeeringInitiationRefused, PeeringInitiationStarted,
    PeeringRejected, PeeringRemoved, PeeringSurveyed, PeeringTenureEnded, ProvisioningBlocked,
    ProvisioningUnblocked, RouteConflicted, RouteFound, RouteInstalled, RouteRemoved,
    RoutesEnforced, RoutesResumed, RoutesSuspended,
};
use crate::ids::PeeringId;
use serde::{Deserialize, Serialize};

macro_rules! outcomes {
    ($($name:ident($event:ident),)*) => {
        /// What a worker saw or did.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "outcome", content = "body")]
        pub enum Outcome {
            $(
                #[doc = concat!("What [`", stringify!($event), "`] says.")]
                $name($event),
            )*
        }

        impl Outcome {
            /// The peering that it is about; `None` if it is about the network.
            pub fn peering_id(&self) -> Option<PeeringId> {
                match self {
                    $(Self::$name(it) => outcomes!(@peering it $event),)*
                }
            }

            /// The outcome's name, for figures.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }
        }

        impl NetworkEvent {
            /// Whether only a worker records this. What a user's command may also say, or could in
            /// any version, is not such an event.
            pub fn is_outcome(&self) -> bool {
                ($(outcomes!(@is self $event))||*)
                    && !matches!(
                        self,
                        NetworkEvent::ConnectorIngressRevoked(_) | NetworkEvent::PeeringAbandoned(_)
                    )
            }
        }

        $(impl From<$event> for Outcome {
            fn from(event: $event) -> Self {
                Self::$name(event)
            }
        })*
    };
    (@peering $it:ident NetworkCloudRecorded) => {{ let _ = $it; None }};
    (@peering $it:ident NetworkIdentityMarked) => {{ let _ = $it; None }};
    (@peering $it:ident NetworkImmutableIdSeen) => {{ let _ = $it; None }};
    (@peering $it:ident NetworkQuotasSeen) => {{ let _ = $it; None }};
    (@peering $it:ident $event:ident) => { Some($it.peering_id) };
    (@is $it:ident DnsResolutionApplied) => { false };
    (@is $it:ident $event:ident) => { matches!($it, NetworkEvent::$event(_)) };
}

outcomes! {
    InitiationStarted(PeeringInitiationStarted),
    InitiationRefused(PeeringInitiationRefused),
    Initiated(PeeringInitiated),
    ExpiryNear(PeeringExpiryNear),
    Accepted(PeeringAccepted),
    Activated(PeeringActivated),
    Rejected(PeeringRejected),
    Expired(PeeringExpired),
    Failed(PeeringFailed),
    DeadlinePassed(PeeringDeadlinePassed),
    AccepterSeen(LinkAccepterSeen),
    Surveyed(PeeringSurveyed),
    RangesConfirmed(PeerRangesConfirmed),
    PeerImmutableIdSeen(PeerImmutableIdSeen),
    HalfChangeStarted(HalfChangeStarted),
    HalfOperationStarted(HalfOperationStarted),
    HalfOperationFailed(HalfOperationFailed),
    HalfMade(HalfMade),
    HalfRemoved(HalfRemoved),
    LinkRemoved(LinkRemoved),
    Removed(PeeringRemoved),
    Abandoned(PeeringAbandoned),
    InstallationStarted(InstallationStarted),
    InstallationEnded(InstallationEnded),
    RouteInstalled(RouteInstalled),
    RouteRemoved(RouteRemoved),
    RouteConflicted(RouteConflicted),
    RouteFound(RouteFound),
    RoutesEnforced(RoutesEnforced),
    RoutesSuspended(RoutesSuspended),
    RoutesResumed(RoutesResumed),
    FirewallGroupCreated(FirewallGroupCreated),
    FirewallGroupRemoved(FirewallGroupRemoved),
    FirewallRuleAuthorized(FirewallRuleAuthorized),
    FirewallRuleRevoked(FirewallRuleRevoked),
    FirewallEnforced(FirewallEnforced),
    FirewallAttachmentChosen(FirewallAttachmentChosen),
    FirewallGroupAttached(FirewallGroupAttached),
    FirewallGroupDetached(FirewallGroupDetached),
    FirewallAttachmentSeen(FirewallAttachmentSeen),
    DenialMade(DenialMade),
    DenialRemoved(DenialRemoved),
    DenialEnforced(DenialEnforced),
    DenialLapsed(DenialLapsed),
    FirewallExposed(FirewallExposed),
    ExposureCleared(ExposureCleared),
    IngressExpired(ConnectorIngressRevoked),
    DnsResolutionApplied(DnsResolutionApplied),
    LinkOptionApplied(LinkOptionApplied),
    DriftDetected(DriftDetected),
    DriftRepaired(DriftRepaired),
    DriftAdopted(DriftAdopted),
    Blocked(ProvisioningBlocked),
    Unblocked(ProvisioningUnblocked),
    OrphanFound(OrphanFound),
    OrphanCleared(OrphanCleared),
    OrphanRemovalFailed(OrphanRemovalFailed),
    CloudRecorded(NetworkCloudRecorded),
    IdentityMarked(NetworkIdentityMarked),
    NetworkImmutableIdSeen(NetworkImmutableIdSeen),
    QuotasSeen(NetworkQuotasSeen),
    AdmissionExpired(AdmissionExpired),
    TenureEnded(PeeringTenureEnded),
}
