//! What Resource Manager's failures mean in the words of the port.

use crate::arm::{ArmError, As, Failure, ResourceId};
use cloud::{About, AccountRegion, CloudError, CloudErrorKind, Operation};
use domain::text::{CloudNetwork, TextError};
use std::str::FromStr;

/// What is being asked and where, so that every failure can say so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) operation: Operation,
    pub(crate) at: &'a AccountRegion,
}

impl<'a> Asked<'a> {
    pub(crate) fn of(operation: Operation, at: &'a AccountRegion) -> Self {
        Self { operation, at }
    }

    /// The tenant that is called in.
    pub(crate) fn tenant(&self) -> &'a str {
        self.at.account.as_str()
    }

    /// A call of that tenant alone.
    pub(crate) fn by(&self) -> As<'a> {
        As::of(self.tenant())
    }

    pub(crate) fn error(&self, kind: CloudErrorKind) -> CloudError {
        CloudError::new(self.operation, self.at, kind)
    }

    pub(crate) fn failed(&self, error: ArmError) -> CloudError {
        let failed = self
            .error(kind(error.failure))
            .about(about(error.failure))
            .message(error.message)
            .request_id(error.request_id);
        match error.code {
            Some(code) => failed.code(code),
            None => failed,
        }
    }

    /// A VNet's id; what is none names nothing that is there.
    pub(crate) fn vnet(&self, network: &CloudNetwork) -> Result<ResourceId, CloudError> {
        ResourceId::vnet(network.as_str()).ok_or_else(|| self.missing(network.as_str()))
    }

    pub(crate) fn missing(&self, what: &str) -> CloudError {
        self.error(CloudErrorKind::NotFound)
            .message(format!("`{what}` is not there"))
    }

    /// A name that Resource Manager gave.
    pub(crate) fn name<T: FromStr<Err = TextError>>(
        &self,
        what: &str,
        text: &str,
    ) -> Result<T, CloudError> {
        text.parse().map_err(|error: TextError| {
            self.error(CloudErrorKind::Unexpected)
                .message(format!("{what} `{text}` {error}"))
        })
    }
}

fn about(failure: Failure) -> Option<About> {
    match failure {
        Failure::DeniedAtOtherEnd => Some(About::OtherEndsPermission),
        Failure::RemoteDisconnected => Some(About::OtherHalf),
        Failure::Overlap => Some(About::Ranges),
        Failure::OverlapWithAnother => Some(About::RangesOfAnother),
        Failure::NoGateway => Some(About::OtherGateway),
        Failure::NotRegistered => Some(About::Registration),
        Failure::NotFound
        | Failure::AlreadyThere
        | Failure::Conflict
        | Failure::InUse
        | Failure::Busy
        | Failure::Denied
        | Failure::CredentialsRefused
        | Failure::TokenExpired
        | Failure::Quota
        | Failure::Throttled { .. }
        | Failure::NotSent
        | Failure::Ambiguous
        | Failure::Malformed
        | Failure::Unexpected => None,
    }
}

fn kind(failure: Failure) -> CloudErrorKind {
    match failure {
        Failure::NotFound => CloudErrorKind::NotFound,
        Failure::AlreadyThere => CloudErrorKind::AlreadyThere,
        Failure::Conflict => CloudErrorKind::Conflict,
        Failure::RemoteDisconnected => CloudErrorKind::WrongState,
        Failure::InUse => CloudErrorKind::InUse,
        Failure::Overlap
        | Failure::OverlapWithAnother
        | Failure::NoGateway
        | Failure::NotRegistered => CloudErrorKind::Precondition,
        Failure::Busy => CloudErrorKind::Busy,
        Failure::Denied | Failure::DeniedAtOtherEnd => CloudErrorKind::Denied,
        Failure::CredentialsRefused => CloudErrorKind::CredentialsRefused,
        Failure::TokenExpired => CloudErrorKind::SessionExpired,
        Failure::Quota => CloudErrorKind::Quota,
        Failure::Throttled { retry_after } => CloudErrorKind::Throttled { retry_after },
        Failure::NotSent => CloudErrorKind::Unreachable,
        Failure::Ambiguous => CloudErrorKind::Ambiguous,
        Failure::Malformed => CloudErrorKind::InvalidRequest,
        Failure::Unexpected => CloudErrorKind::Unexpected,
    }
}
