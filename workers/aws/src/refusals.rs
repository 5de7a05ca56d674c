//! What EC2's failures mean in the words of the port.

use super::requests::scope;
use crate::ec2::{Ec2Error, Ec2ErrorKind};
use cloud::{AccountRegion, CloudError, CloudErrorKind, Operation};
use domain::{network::InboundRule, text::TextError};
use std::str::FromStr;

/// What is being asked and where, so that every failure can say so.
pub(super) struct Asked<'a> {
    operation: Operation,
    at: &'a AccountRegion,
    /// The same account and region in EC2's words.
    pub(super) scope: crate::ec2::Scope,
}

impl<'a> Asked<'a> {
    pub(super) fn of(operation: Operation, at: &'a AccountRegion) -> Result<Self, CloudError> {
        Ok(Self {
            operation,
            at,
            scope: scope(operation, at)?,
        })
    }

    /// The account that is asked.
    pub(super) fn account(&self) -> &str {
        self.at.account.as_str()
    }

    pub(super) fn error(&self, kind: CloudErrorKind) -> CloudError {
        CloudError::new(self.operation, self.at, kind)
    }

    pub(super) fn failed(&self, error: Ec2Error) -> CloudError {
        let request_id = error.request_id.as_deref().map(str::to_owned);
        let failed = self
            .error(kind(self.operation, error.kind))
            .message(words(&error))
            .request_id(request_id);
        match &error.code {
            Some(code) => failed.code(&**code),
            None => failed,
        }
    }

    /// The same of a rule. EC2 names one group alone in what it cannot find: the rule's own, or the
    /// one that the rule names.
    pub(super) fn failed_to_admit(&self, rule: InboundRule, error: Ec2Error) -> CloudError {
        let failed = self.failed(error);
        match (&failed.kind, rule.source.group()) {
            (CloudErrorKind::NotFound, Some(source)) => {
                let words = format!(
                    "{}; the rule admits {source}, which has to be in the peer's network",
                    failed.message
                );
                failed.message(words)
            }
            _ => failed,
        }
    }

    /// A name that EC2 gave.
    pub(super) fn name<T: FromStr<Err = TextError>>(
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

/// One operation of the port may be several of EC2's: its name belongs to the words.
fn words(error: &Ec2Error) -> String {
    if error.message.is_empty() {
        error.operation.to_string()
    } else {
        format!("{}: {}", error.operation, error.message)
    }
}

fn kind(operation: Operation, kind: Ec2ErrorKind) -> CloudErrorKind {
    match kind {
        Ec2ErrorKind::NotFound => CloudErrorKind::NotFound,
        // To accept makes nothing: what is there already is another link between the two, in the
        // other direction.
        Ec2ErrorKind::AlreadyExists if operation == Operation::AcceptLink => {
            CloudErrorKind::Conflict
        }
        Ec2ErrorKind::AlreadyExists => CloudErrorKind::AlreadyThere,
        Ec2ErrorKind::WrongState => CloudErrorKind::WrongState,
        Ec2ErrorKind::Dependency => CloudErrorKind::InUse,
        Ec2ErrorKind::DnsPrecondition => CloudErrorKind::Precondition,
        Ec2ErrorKind::Quota => CloudErrorKind::Quota,
        Ec2ErrorKind::Malformed => CloudErrorKind::InvalidRequest,
        Ec2ErrorKind::Denied => CloudErrorKind::Denied,
        Ec2ErrorKind::CredentialsRefused => CloudErrorKind::CredentialsRefused,
        Ec2ErrorKind::ExpiredToken => CloudErrorKind::SessionExpired,
        Ec2ErrorKind::Throttled => CloudErrorKind::Throttled { retry_after: None },
        Ec2ErrorKind::ConnectFailed => CloudErrorKind::Unreachable,
        // A service that failed does not promise that it did nothing.
        Ec2ErrorKind::Ambiguous | Ec2ErrorKind::Unavailable => CloudErrorKind::Ambiguous,
        Ec2ErrorKind::DryRun | Ec2ErrorKind::Unknown => CloudErrorKind::Unexpected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_applied_at_ec2_is_never_taken_for_not_applied() {
        use Ec2ErrorKind as Kind;
        let all = [
            Kind::NotFound,
            Kind::AlreadyExists,
            Kind::WrongState,
            Kind::Dependency,
            Kind::DnsPrecondition,
            Kind::Quota,
            Kind::Malformed,
            Kind::Denied,
            Kind::CredentialsRefused,
            Kind::ExpiredToken,
            Kind::DryRun,
            Kind::Throttled,
            Kind::Unavailable,
            Kind::ConnectFailed,
            Kind::Ambiguous,
            Kind::Unknown,
        ];
        for operation in Operation::ALL {
            for ec2 in all {
                let ours = kind(operation, ec2);
                assert!(
                    !(ec2.may_have_been_applied() && ours.definitely_not_applied()),
                    "{operation}: {ec2} became {ours}"
                );
                assert!(
                    !(ours.worth_a_retry() && ec2.may_have_been_applied()),
                    "{operation}: {ec2} would be sent again"
                );
            }
        }
    }

    #[test]
    fn an_expired_session_is_worth_another_try_and_refused_credentials_are_not() {
        assert!(kind(Operation::Links, Ec2ErrorKind::ExpiredToken).worth_a_retry());
        assert!(!kind(Operation::Links, Ec2ErrorKind::CredentialsRefused).worth_a_retry());
    }

    #[test]
    fn a_link_in_the_other_direction_stands_in_the_way_of_acceptance() {
        assert_eq!(
            kind(Operation::AcceptLink, Ec2ErrorKind::AlreadyExists),
            CloudErrorKind::Conflict
        );
        assert_eq!(
            kind(Operation::InstallRoute, Ec2ErrorKind::AlreadyExists),
            CloudErrorKind::AlreadyThere
        );
    }

    #[test]
    fn what_is_in_use_or_lacks_a_precondition_is_told_apart_from_a_wrong_state() {
        assert_eq!(
            kind(Operation::DeleteGroup, Ec2ErrorKind::Dependency),
            CloudErrorKind::InUse
        );
        assert_eq!(
            kind(Operation::SetOption, Ec2ErrorKind::DnsPrecondition),
            CloudErrorKind::Precondition
        );
        assert_eq!(
            kind(Operation::DeleteLink, Ec2ErrorKind::WrongState),
            CloudErrorKind::WrongState
        );
    }
}
