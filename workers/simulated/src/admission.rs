//! What stands between a call and the world: outages, rates, credentials and permissions.

use super::settings::{CallRate, SimulatedSettings};
use chrono::{DateTime, Utc};
use cloud::{AccountRegion, CallClass, CloudError, CloudErrorKind, Operation};
use domain::{
    Provider, Region,
    text::{Account, ExternalId},
};
use std::collections::{BTreeMap, BTreeSet};

/// Who is admitted, and what is permitted, as people have set it.
#[derive(Debug, Default)]
pub(super) struct Admission {
    /// Whether nothing answers at all.
    pub(super) down: bool,
    /// Accounts in which nothing may be changed.
    pub(super) denied: BTreeSet<Account>,
    /// Single kinds of call that are not permitted in an account.
    pub(super) denied_calls: BTreeSet<(Account, Operation)>,
    /// What happens to the next call of a kind in an account, in order.
    pub(super) armed: Vec<(Account, Operation, NextCall)>,
    /// What must be shown to enter an account.
    pub(super) external_ids: BTreeMap<Account, ExternalId>,
    buckets: BTreeMap<(Provider, Account, Region, Operation), Bucket>,
}

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextCall {
    /// It is refused, as one too many.
    Throttled,
    /// It is carried out, and its answer is lost.
    AnswerLost,
    /// It is refused with this answer, before anything is done.
    Refused(Refused),
}

/// What a provider answers to a call that it does not carry out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Another operation is going on in the network.
    Busy,
    /// The call makes no sense.
    Malformed,
    /// Nobody knows the caller.
    Credentials,
    /// The caller's session is over.
    Session,
    /// Something that no provider's documentation has.
    Unheard,
}

impl Refused {
    pub(super) fn error(self, operation: Operation, at: &AccountRegion) -> CloudError {
        let (kind, code) = match self {
            Self::Busy => (CloudErrorKind::Busy, "OperationInProgress"),
            Self::Malformed => (CloudErrorKind::InvalidRequest, "InvalidParameterValue"),
            Self::Credentials => (CloudErrorKind::CredentialsRefused, "AuthFailure"),
            Self::Session => (CloudErrorKind::SessionExpired, "ExpiredToken"),
            Self::Unheard => (CloudErrorKind::Unexpected, "TeapotEncountered"),
        };
        CloudError::new(operation, at, kind).code(code)
    }
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: DateTime<Utc>,
}

impl Admission {
    pub(super) fn of(settings: &SimulatedSettings) -> Self {
        let denied = settings.denied.iter().cloned().collect();
        Self {
            denied,
            external_ids: settings.external_ids.clone(),
            ..Self::default()
        }
    }

    /// Whether a call gets through to the provider at all.
    pub(super) fn reach(&self, operation: Operation, at: &AccountRegion) -> Result<(), CloudError> {
        if self.down {
            return Err(CloudError::new(operation, at, CloudErrorKind::Unreachable)
                .message("connection refused"));
        }
        Ok(())
    }

    /// What was prepared for the next call of this kind here; it happens once.
    pub(super) fn prepared(
        &mut self,
        operation: Operation,
        at: &AccountRegion,
    ) -> Option<NextCall> {
        let meant = |it: &(Account, Operation, NextCall)| it.0 == at.account && it.1 == operation;
        let index = self.armed.iter().position(meant)?;
        Some(self.armed.remove(index).2)
    }

    /// Whether there have not been too many calls of this kind.
    pub(super) fn pace(
        &mut self,
        rate: Option<CallRate>,
        operation: Operation,
        at: &AccountRegion,
        now: DateTime<Utc>,
    ) -> Result<(), CloudError> {
        let Some(rate) = rate else { return Ok(()) };
        let key = (
            at.provider,
            at.account.clone(),
            at.region.clone(),
            operation,
        );
        let most = f64::from(rate.burst);
        let bucket = self.buckets.entry(key).or_insert(Bucket {
            left: most,
            at: now,
        });
        let since = (now - bucket.at).to_std().unwrap_or_default();
        bucket.left = since
            .as_secs_f64()
            .mul_add(rate.per_second, bucket.left)
            .min(most);
        bucket.at = now;
        if bucket.left < 1.0 {
            return Err(throttled(operation, at));
        }
        bucket.left -= 1.0;
        Ok(())
    }

    /// Whether the caller is who it says, and may do this.
    pub(super) fn enter(&self, operation: Operation, at: &AccountRegion) -> Result<(), CloudError> {
        let wanted = self.external_ids.get(&at.account);
        if wanted.is_some() && wanted != at.external_id.as_ref() {
            let error = CloudError::new(operation, at, CloudErrorKind::CredentialsRefused)
                .code("AccessDenied");
            return Err(error.message("not authorized to perform: sts:AssumeRole"));
        }
        self.permitted(operation, at)
    }

    pub(super) fn permitted(
        &self,
        operation: Operation,
        at: &AccountRegion,
    ) -> Result<(), CloudError> {
        let changes = operation.class() == CallClass::Write;
        let denied = (changes && self.denied.contains(&at.account))
            || self.denied_calls.contains(&(at.account.clone(), operation));
        if !denied {
            return Ok(());
        }
        let error =
            CloudError::new(operation, at, CloudErrorKind::Denied).code("UnauthorizedOperation");
        Err(error.message("You are not authorized to perform this operation."))
    }
}

pub(super) fn throttled(operation: Operation, at: &AccountRegion) -> CloudError {
    let kind = CloudErrorKind::Throttled { retry_after: None };
    CloudError::new(operation, at, kind)
        .code("RequestLimitExceeded")
        .message("Request limit exceeded.")
}
