//! What calls there are, and how one can fail.

use super::{AccountRegion, LinkForm, LinkSpec};
use domain::{Side, text::Account};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};
use thiserror::Error;

/// Every call there is, for counting, limits and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// The account that calls really act in.
    Identity,
    /// Networks with their ranges.
    Networks,
    /// The subnets of networks.
    Subnets,
    /// The links of networks.
    Links,
    /// The route tables of networks, with their routes.
    RouteTables,
    /// The firewall groups of networks, with their inbound rules.
    FirewallGroups,
    /// The lists in front of networks' subnets.
    AccessLists,
    /// The network interfaces of networks, with the groups that are attached to them.
    Interfaces,
    /// What a network has of DNS.
    DnsSupport,
    /// What an account allows.
    Quotas,
    /// Whether a change would be permitted.
    Rehearse,
    /// What has become of a change that takes a while.
    OperationState,
    /// Makes the first half of a link.
    CreateLink,
    /// Makes the other half of a link.
    AcceptLink,
    /// Removes a half of a link.
    DeleteLink,
    /// Puts the owner tag on a link.
    TagLink,
    /// Sets an option of one end of a link.
    SetOption,
    /// Adds a route to a table.
    InstallRoute,
    /// Removes a route from a table.
    RemoveRoute,
    /// Makes a firewall group.
    CreateGroup,
    /// Removes a firewall group.
    DeleteGroup,
    /// Adds an inbound rule.
    AuthorizeRule,
    /// Removes an inbound rule.
    RevokeRule,
    /// Puts the owner tag on a group or a rule.
    TagFirewall,
    /// Attaches a group to a network interface.
    AttachGroup,
    /// Detaches a group from a network interface.
    DetachGroup,
    /// Adds an entry that denies to a list in front of subnets.
    MakeDenial,
    /// Removes such an entry.
    RemoveDenial,
    /// Makes a network; only demonstrations do.
    CreateNetwork,
}

/// Calls that share one bucket of a provider's rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallClass {
    /// Questions about who we are.
    Identity,
    /// Questions about what is there.
    Read,
    /// Changes.
    Write,
}

impl Operation {
    /// Every operation, once.
    pub const ALL: [Self; 29] = [
        Self::Identity,
        Self::Networks,
        Self::Subnets,
        Self::Links,
        Self::RouteTables,
        Self::FirewallGroups,
        Self::AccessLists,
        Self::Interfaces,
        Self::DnsSupport,
        Self::Quotas,
        Self::Rehearse,
        Self::OperationState,
        Self::CreateLink,
        Self::AcceptLink,
        Self::DeleteLink,
        Self::TagLink,
        Self::SetOption,
        Self::InstallRoute,
        Self::RemoveRoute,
        Self::CreateGroup,
        Self::DeleteGroup,
        Self::AuthorizeRule,
        Self::RevokeRule,
        Self::TagFirewall,
        Self::AttachGroup,
        Self::DetachGroup,
        Self::MakeDenial,
        Self::RemoveDenial,
        Self::CreateNetwork,
    ];

    /// The making of this side's half of this link: where a link is one object, it is accepted once
    /// it is there, and where there are two, the local one is the first.
    pub fn of_making(spec: &LinkSpec, side: Side) -> Self {
        let is_other = match LinkForm::of(spec.network(side).at.provider) {
            LinkForm::OneObject => spec.link.is_some(),
            LinkForm::TwoObjects { made, .. } => made[0] != side,
        };
        if is_other {
            Self::AcceptLink
        } else {
            Self::CreateLink
        }
    }

    /// A name for counters and messages, like `create_link`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Networks => "networks",
            Self::Subnets => "subnets",
            Self::Links => "links",
            Self::RouteTables => "route_tables",
            Self::FirewallGroups => "firewall_groups",
            Self::AccessLists => "access_lists",
            Self::Interfaces => "interfaces",
            Self::DnsSupport => "dns_support",
            Self::Quotas => "quotas",
            Self::Rehearse => "rehearse",
            Self::OperationState => "operation_state",
            Self::CreateLink => "create_link",
            Self::AcceptLink => "accept_link",
            Self::DeleteLink => "delete_link",
            Self::TagLink => "tag_link",
            Self::SetOption => "set_option",
            Self::InstallRoute => "install_route",
            Self::RemoveRoute => "remove_route",
            Self::CreateGroup => "create_group",
            Self::DeleteGroup => "delete_group",
            Self::AuthorizeRule => "authorize_rule",
            Self::RevokeRule => "revoke_rule",
            Self::TagFirewall => "tag_firewall",
            Self::AttachGroup => "attach_group",
            Self::DetachGroup => "detach_group",
            Self::MakeDenial => "make_denial",
            Self::RemoveDenial => "remove_denial",
            Self::CreateNetwork => "create_network",
        }
    }

    /// The bucket that it takes from; and whether it changes anything.
    pub fn class(&self) -> CallClass {
        match self {
            Self::Identity => CallClass::Identity,
            Self::Networks
            | Self::Subnets
            | Self::Links
            | Self::RouteTables
            | Self::FirewallGroups
            | Self::AccessLists
            | Self::Interfaces
            | Self::DnsSupport
            | Self::Quotas
            | Self::Rehearse
            | Self::OperationState => CallClass::Read,
            Self::CreateLink
            | Self::AcceptLink
            | Self::DeleteLink
            | Self::TagLink
            | Self::SetOption
            | Self::InstallRoute
            | Self::RemoveRoute
            | Self::CreateGroup
            | Self::DeleteGroup
            | Self::AuthorizeRule
            | Self::RevokeRule
            | Self::TagFirewall
            | Self::AttachGroup
            | Self::DetachGroup
            | Self::MakeDenial
            | Self::RemoveDenial
            | Self::CreateNetwork => CallClass::Write,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A call that did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{operation} at {at}: {kind}{}", detail(.code, .message))]
pub struct CloudError {
    /// The call that failed.
    pub operation: Operation,
    /// Where it went, and as whom.
    pub at: Box<AccountRegion>,
    /// What the failure means.
    pub kind: CloudErrorKind,
    /// What it is about, where that says whose turn it is and what they can do.
    pub about: Option<About>,
    /// The provider's code.
    pub code: Option<Box<str>>,
    /// The provider's words, or those of the transport; empty if there were none. Never to be
    /// searched.
    pub message: String,
    /// The provider's name for the call, for its support.
    pub request_id: Option<Box<str>>,
}

fn detail(code: &Option<Box<str>>, message: &str) -> String {
    let code = code
        .as_ref()
        .map(|code| format!(" ({code})"))
        .unwrap_or_default();
    if message.is_empty() {
        code
    } else {
        format!("{code}: {message}")
    }
}

/// What a refusal is about, where its kind leaves open whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A permission at the other end of the link, which a change of this half takes too.
    OtherEndsPermission,
    /// The other side's half, which has lost its own and has to go before there can be another.
    OtherHalf,
    /// Addresses that both networks have.
    Ranges,
    /// Addresses that one of them has and a network that the other is joined to.
    RangesOfAnother,
    /// The gateway of the other network, which is to be used and is not there.
    OtherGateway,
    /// A gateway of this side's own network, beside which no other can be used.
    OwnGateway,
    /// Another link of this side's network, which uses a gateway already: one can.
    OtherLinkOfOwn,
    /// An operation that was taken on and has ended with an error whose code says nothing here.
    FailedOperation,
    /// What the subscription has not registered.
    Registration,
}

/// What kind of failure it was.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CloudErrorKind {
    /// Something named in the call is not known there: gone, or not visible yet.
    #[error("not found")]
    NotFound,
    /// What was to be made exists.
    #[error("already there")]
    AlreadyThere,
    /// Something else stands where this was to be put.
    #[error("in conflict with what is there")]
    Conflict,
    /// The thing is there and its state does not allow this.
    #[error("not possible in its present state")]
    WrongState,
    /// Something else still uses what was to be removed.
    #[error("still in use")]
    InUse,
    /// The network does not meet what this needs.
    #[error("a precondition is not met")]
    Precondition,
    /// The network is busy with another operation; later it will be possible.
    #[error("busy with another operation")]
    Busy,
    /// We are known and may not.
    #[error("permission denied")]
    Denied,
    /// We are not who we say we are, or no longer.
    #[error("credentials refused")]
    CredentialsRefused,
    /// The session is over; the next call begins another.
    #[error("session expired")]
    SessionExpired,
    /// The credentials act in another account.
    #[error("the credentials belong to account {actual}, not {expected}")]
    WrongAccount {
        /// The account that was meant.
        expected: Account,
        /// The account that the credentials act in.
        actual: Account,
    },
    /// A quota is used up.
    #[error("quota used up")]
    Quota,
    /// Too many calls; nothing was done.
    #[error("throttled")]
    Throttled {
        /// How long the provider asks to wait, where it says so.
        retry_after: Option<Duration>,
    },
    /// The request never left, or never arrived.
    #[error("unreachable")]
    Unreachable,
    /// The request may have arrived, and no answer came that says what became of it.
    #[error("no answer; it may have been done")]
    Ambiguous,
    /// The request makes no sense to the provider: a defect of ours.
    #[error("refused as malformed")]
    InvalidRequest,
    /// This cloud cannot do that.
    #[error("not supported")]
    Unsupported,
    /// An answer that no rule here covers.
    #[error("unexpected answer")]
    Unexpected,
}

impl CloudErrorKind {
    /// Whether it is certain that the call changed nothing.
    pub fn definitely_not_applied(&self) -> bool {
        match self {
            Self::Ambiguous | Self::Unexpected => false,
            Self::NotFound
            | Self::AlreadyThere
            | Self::Conflict
            | Self::WrongState
            | Self::InUse
            | Self::Precondition
            | Self::Busy
            | Self::Denied
            | Self::CredentialsRefused
            | Self::SessionExpired
            | Self::WrongAccount { .. }
            | Self::Quota
            | Self::Throttled { .. }
            | Self::Unreachable
            | Self::InvalidRequest
            | Self::Unsupported => true,
        }
    }

    /// Whether the very same call may be sent again at once, after a pause: nothing was done, and
    /// time alone may cure it.
    pub fn worth_a_retry(&self) -> bool {
        match self {
            Self::Busy | Self::Throttled { .. } | Self::Unreachable | Self::SessionExpired => true,
            Self::NotFound
            | Self::AlreadyThere
            | Self::Conflict
            | Self::WrongState
            | Self::InUse
            | Self::Precondition
            | Self::Denied
            | Self::CredentialsRefused
            | Self::WrongAccount { .. }
            | Self::Quota
            | Self::Ambiguous
            | Self::InvalidRequest
            | Self::Unsupported
            | Self::Unexpected => false,
        }
    }

    /// A name for counters.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::AlreadyThere => "already_there",
            Self::Conflict => "conflict",
            Self::WrongState => "wrong_state",
            Self::InUse => "in_use",
            Self::Precondition => "precondition",
            Self::Busy => "busy",
            Self::Denied => "denied",
            Self::CredentialsRefused => "credentials_refused",
            Self::SessionExpired => "session_expired",
            Self::WrongAccount { .. } => "wrong_account",
            Self::Quota => "quota",
            Self::Throttled { .. } => "throttled",
            Self::Unreachable => "unreachable",
            Self::Ambiguous => "ambiguous",
            Self::InvalidRequest => "invalid_request",
            Self::Unsupported => "unsupported",
            Self::Unexpected => "unexpected",
        }
    }
}

impl CloudError {
    /// A failure without the provider's words; add them with the other methods.
    pub fn new(operation: Operation, at: &AccountRegion, kind: CloudErrorKind) -> Self {
        Self {
            operation,
            at: Box::new(at.clone()),
            kind,
            about: None,
            code: None,
            message: String::new(),
            request_id: None,
        }
    }

    /// With what it is about.
    pub fn about(self, about: Option<About>) -> Self {
        Self { about, ..self }
    }

    /// With the provider's code.
    pub fn code(self, code: impl Into<String>) -> Self {
        Self {
            code: Some(code.into().into_boxed_str()),
            ..self
        }
    }

    /// With the provider's words.
    pub fn message(self, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..self
        }
    }

    /// With the provider's name for the call.
    pub fn request_id(self, request_id: Option<String>) -> Self {
        Self {
            request_id: request_id.map(String::into_boxed_str),
            ..self
        }
    }

    /// Whether it is certain that the call changed nothing.
    pub fn definitely_not_applied(&self) -> bool {
        self.kind.definitely_not_applied()
    }

    /// Whether the very same call may be sent again after a pause. A read may also be repeated when
    /// its answer was lost.
    pub fn worth_a_retry(&self) -> bool {
        self.kind.worth_a_retry()
            || (matches!(self.kind, CloudErrorKind::Ambiguous)
                && self.operation.class() != CallClass::Write)
    }
}
