//! What can be called, and which role may call it.

use crate::network::Opening;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

macro_rules! methods {
    ($($service:literal { $($name:ident),* $(,)? })*) => {
        /// A method of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Method {
            $($(#[doc = concat!("`", $service, "/", stringify!($name), "`")] $name,)*)*
        }

        impl Method {
            /// All of them, in the order of the API's description.
            pub const ALL: &'static [Self] = &[$($(Self::$name,)*)*];

            /// Its name, without the service's.
            pub fn name(self) -> &'static str {
                match self {
                    $($(Self::$name => stringify!($name),)*)*
                }
            }

            /// The service that has it.
            pub fn service(self) -> &'static str {
                match self {
                    $($(Self::$name => $service,)*)*
                }
            }
        }
    };
}

methods! {
    "peerage.v1.AccessService" {
        WhoAmI, ExplainAccess, ListApprovals, GetApproval, ApproveCommand, RejectCommand, WithdrawCommand,
    }
    "peerage.v1.AuditService" {
        ListEvents, GetNetworkAt, CompareNetwork, WhoCanReach, Explain, ReadLog, ListOpenings,
        GetCheckpoint, ProveEvent, ProveGrowth, ReadLeaves,
    }
    "peerage.v1.ConnectorService" {
        CreateConnector, StartConnector, StopConnector, ResetConnector, ReconfigureConnector,
        RenameConnector, DeleteConnector, ReplayParkedRecords, DiscardParkedRecords,
        RetryConnector, TestConnector, TryFilter, GetConnector, ListConnectors, ListParkedRecords,
        RotateSigningKey, ResealSecrets, ReplayLog, ListEventTypes, ListDeliveries, WatchConnectors, GetMetrics,
    }
    "peerage.v1.NetworkService" {
        RegisterNetwork, SetPolicy, ChangeNetworkSubnets, SetNetworkNodes, SetNetworkIpv6Ranges, CheckDrift, FreezeNetworks, ThawNetworks, ImposeQuarantine,
        LiftQuarantine, RemoveOrphan, RetireNetwork, GetNetwork, ListOrphans, ListNetworks,
        WatchNetworks, DiscoverLinks,
    }
    "peerage.v1.PeeringService" {
        RequestPeering, AdoptPeering, RemovePeering, AbandonPeering, AddPeerRanges, DropPeerRanges,
        ChangePeerSubnets, AcceptRoute, WithdrawRoute,
        ReplaceRoute, RestrictFirewall, AttachFirewall, DetachFirewall, DenyWithLists, StopDenying, AllowConnectorIngress,
        RevokeConnectorIngress, SetDnsResolution, SetLinkOption, SetTenure, ConfirmOpening, GetPeering, ListPeerings, ListExposures, ListDrift, PlanPeering,
        WatchPeerings,
    }
    "peerage.v1.ProjectionService" { ListProjections, GetProjection, RebuildProjection, CancelRebuild }
    "peerage.v1.ServerService" { GetServerInfo }
}

impl Method {
    /// Whether it tells callers about themselves: then everybody who is known may call it.
    pub fn is_about_oneself(self) -> bool {
        matches!(self, Self::WhoAmI | Self::ExplainAccess)
    }

    /// What a command of this method may open, and so may have to be approved.
    pub fn may_open(self) -> BTreeSet<Opening> {
        let of = |also: &[Opening]| also.iter().copied().chain([Opening::Anything]).collect();
        let opens = matches!(
            self,
            Self::ThawNetworks
                | Self::LiftQuarantine
                | Self::ChangeNetworkSubnets
                | Self::SetNetworkNodes
                | Self::SetNetworkIpv6Ranges
                | Self::AddPeerRanges
                | Self::ChangePeerSubnets
                | Self::AcceptRoute
                | Self::ReplaceRoute
                | Self::RestrictFirewall
                | Self::AttachFirewall
                | Self::StopDenying
                | Self::SetDnsResolution
                | Self::SetLinkOption
                | Self::SetTenure
        );
        if self == Self::RequestPeering {
            of(&[Opening::NewPeerAccount])
        } else if self == Self::AdoptPeering {
            of(&[Opening::NewPeerAccount, Opening::Adoption])
        } else if self == Self::AllowConnectorIngress {
            of(&[Opening::ConnectorIngress])
        } else if opens {
            of(&[])
        } else {
            BTreeSet::new()
        }
    }

    /// The method at this path of gRPC, like `/peerage.v1.NetworkService/GetNetwork`.
    pub fn at(path: &str) -> Option<Self> {
        let (service, name) = path.strip_prefix('/')?.split_once('/')?;
        let mut all = Self::ALL.iter().copied();
        all.find(|it| it.name() == name && it.service() == service)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::ALL.iter().copied();
        let found = all.find(|it| it.name() == text || Self::at(text) == Some(*it));
        found.ok_or_else(|| format!("{text:?} is no method of the API, like RequestPeering"))
    }
}

/// What somebody is to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks at everything.
    Viewer,
    /// Looks, and judges what others ask for.
    Approver,
    /// Looks, makes and ends peerings, and closes what must be closed at once.
    Operator,
    /// Everything: networks, their policies, and the end of a freeze or quarantine.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Approver, Self::Operator, Self::Admin];

    /// Its name, as the configuration writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Approver => "approver",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The table: each method with the roles that may call it.
    pub fn allows(self, method: Method) -> bool {
        use Method::*;
        let everybody = true;
        let (plans, operates) = match self {
            Self::Viewer => (false, false),
            Self::Approver => (true, false),
            Self::Operator | Self::Admin => (true, true),
        };
        let approves = match self {
            Self::Viewer | Self::Operator => false,
            Self::Approver | Self::Admin => true,
        };
        let is_admin = match self {
            Self::Viewer | Self::Approver | Self::Operator => false,
            Self::Admin => true,
        };
        match method {
            // What is there.
            WhoAmI | ExplainAccess | GetServerInfo | ListEvents | GetNetwork | ListOrphans
            | ListNetworks | WatchNetworks | GetPeering | ListPeerings | ListExposures
            | ListDrift | WatchPeerings | GetConnector | ListConnectors | ListParkedRecords
            | ListEventTypes | ListDeliveries | WatchConnectors | GetMetrics | TryFilter
            | GetNetworkAt | CompareNetwork | WhoCanReach | Explain | ReadLog | ListOpenings
            | ListApprovals | GetApproval | GetCheckpoint | ProveEvent | ProveGrowth | ReadLeaves
            | ListProjections | GetProjection => everybody,
            // Takes back what the caller has asked for, and nothing else.
            WithdrawCommand => everybody,
            // Judges what others ask for.
            ApproveCommand | RejectCommand => approves,
            // Asks the clouds, which costs their quotas.
            PlanPeering | DiscoverLinks => plans,
            // Peerings, and what closes.
            RequestPeering
            | RemovePeering
            | AbandonPeering
            | AddPeerRanges
            | DropPeerRanges
            | ChangePeerSubnets
            | AcceptRoute
            | WithdrawRoute
            | ReplaceRoute
            | RestrictFirewall
            | AttachFirewall
            | DetachFirewall
            | DenyWithLists
            | StopDenying
            | AllowConnectorIngress
            | RevokeConnectorIngress
            | SetDnsResolution
            | SetLinkOption
            | SetTenure
            | ConfirmOpening
            | CheckDrift
            | FreezeNetworks
            | ImposeQuarantine
            | RemoveOrphan
            // What is delivered elsewhere, as it was set up.
            | StartConnector
            | StopConnector
            | ReplayParkedRecords
            | ReplayLog
            | RetryConnector
            | TestConnector => operates,
            // Networks, links of others, and what opens again what was closed for a reason.
            RegisterNetwork | RetireNetwork | SetPolicy | ChangeNetworkSubnets | SetNetworkNodes | SetNetworkIpv6Ranges
            | AdoptPeering
            | ThawNetworks | LiftQuarantine
            // What is delivered elsewhere, and what of it is not.
            | CreateConnector | ReconfigureConnector | RenameConnector | ResetConnector
            | DeleteConnector | DiscardParkedRecords | RotateSigningKey | ResealSecrets
            // The server's own files.
            | RebuildProjection | CancelRebuild => is_admin,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
