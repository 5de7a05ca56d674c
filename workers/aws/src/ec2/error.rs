//! What went wrong, told apart by EC2's codes (see `codes`) and by nothing else.

use crate::ec2::action::Action;
use std::fmt;

/// A call that did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation} in account {account}, {region}: {kind}{}{}", in_brackets(.code), after_colon(.message))]
pub struct Ec2Error {
    /// What was called.
    pub operation: Action,
    /// What the failure means.
    pub kind: Ec2ErrorKind,
    /// EC2's or STS's code, if an answer came and had one.
    pub code: Option<Box<str>>,
    /// The service's words, or the transport's; may be empty. For people: never to be searched.
    pub message: Box<str>,
    /// AWS's name for the call, for its support.
    pub request_id: Option<Box<str>>,
    /// The account that the call went to.
    pub account: Box<str>,
    /// The region that the call went to.
    pub region: Box<str>,
}

fn in_brackets(code: &Option<Box<str>>) -> String {
    code.as_ref()
        .map(|code| format!(" ({code})"))
        .unwrap_or_default()
}

fn after_colon(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

/// What kind of failure it was, and so what may have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ec2ErrorKind {
    /// Something named in the call is gone, or not visible yet.
    NotFound,
    /// What was to be made exists.
    AlreadyExists,
    /// The thing is there and its state does not allow this.
    WrongState,
    /// Something else still uses the thing, or the thing needs it.
    Dependency,
    /// The VPC does not do what names over a peering need of it.
    DnsPrecondition,
    /// A quota is used up.
    Quota,
    /// The call makes no sense to the service: a defect of the caller.
    Malformed,
    /// We are known and may not.
    Denied,
    /// We are nobody there: no credentials, a refused role, a wrong key or signature.
    CredentialsRefused,
    /// The credentials were good and have run out. The next call fetches new ones.
    ExpiredToken,
    /// A dry run that would have succeeded.
    DryRun,
    /// Too many calls; nothing was done.
    Throttled,
    /// The service failed. It does not promise that nothing was done.
    Unavailable,
    /// The request was not sent, for certain.
    ConnectFailed,
    /// The request may have been sent and no answer says what became of it. Only reading can tell.
    Ambiguous,
    /// A code that is not known here, or an answer without one.
    Unknown,
}

impl Ec2ErrorKind {
    /// Whether a mutating call that failed in this way may nevertheless have been applied.
    pub fn may_have_been_applied(self) -> bool {
        match self {
            Self::Unavailable | Self::Ambiguous | Self::Unknown => true,
            Self::NotFound
            | Self::AlreadyExists
            | Self::WrongState
            | Self::Dependency
            | Self::DnsPrecondition
            | Self::Quota
            | Self::Malformed
            | Self::Denied
            | Self::CredentialsRefused
            | Self::ExpiredToken
            | Self::DryRun
            | Self::Throttled
            | Self::ConnectFailed => false,
        }
    }
}

impl fmt::Display for Ec2ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "not found",
            Self::AlreadyExists => "already exists",
            Self::WrongState => "not possible in its present state",
            Self::Dependency => "still in use",
            Self::DnsPrecondition => "DNS support or host names are off in the VPC",
            Self::Quota => "quota used up",
            Self::Malformed => "malformed",
            Self::Denied => "denied",
            Self::CredentialsRefused => "credentials refused",
            Self::ExpiredToken => "credentials expired",
            Self::DryRun => "would have succeeded",
            Self::Throttled => "throttled",
            Self::Unavailable => "service unavailable",
            Self::ConnectFailed => "not sent",
            Self::Ambiguous => "no answer, it may have been done",
            Self::Unknown => "unexpected answer",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_the_service_and_a_lost_answer_leave_open_what_was_done() {
        assert!(
            Ec2ErrorKind::Ambiguous.may_have_been_applied()
                && Ec2ErrorKind::Unavailable.may_have_been_applied()
        );
        assert!(Ec2ErrorKind::Unknown.may_have_been_applied());
        assert!(
            !Ec2ErrorKind::ConnectFailed.may_have_been_applied()
                && !Ec2ErrorKind::Throttled.may_have_been_applied()
        );
    }

    #[test]
    fn an_error_reads_as_one_line_with_the_operation_and_the_place() {
        let error = Ec2Error {
            operation: Action::CreateRoute,
            kind: Ec2ErrorKind::AlreadyExists,
            code: Some("RouteAlreadyExists".into()),
            message: "the words of the service".into(),
            request_id: None,
            account: "111111111111".into(),
            region: "eu-west-1".into(),
        };
        assert_eq!(
            error.to_string(),
            "CreateRoute in account 111111111111, eu-west-1: already exists (RouteAlreadyExists): the words of the service"
        );
    }
}
