//! What went wrong, told apart by EC2's codes and by nothing else.
//!
//! Codes: the EC2 API error reference, and the codes common to all AWS APIs. They are compared without case, since EC2 and
//! its emulators spell `…ID.NotFound` and `…Id.NotFound`. A code that is not known here is `Unknown`: a person has to look.

use std::fmt;

/// A call that did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation} in account {account}, {region}: {kind}{}{}", in_brackets(.code), after_colon(.message))]
pub struct Ec2Error {
    /// EC2's name for it, `CreateVpcPeeringConnection`.
    pub operation: &'static str,
    pub kind: Ec2ErrorKind,
    /// EC2's or STS's code, if an answer came and had one.
    pub code: Option<Box<str>>,
    /// The service's words, or the transport's; may be empty. For people: never to be searched.
    pub message: Box<str>,
    /// AWS's name for the call, for its support.
    pub request_id: Option<Box<str>>,
    pub account: Box<str>,
    pub region: Box<str>,
}

fn in_brackets(code: &Option<Box<str>>) -> String {
    code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default()
}

fn after_colon(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
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

/// Codes whose end does not tell their kind, in lower case.
#[rustfmt::skip]
const CODES: &[(Ec2ErrorKind, &[&str])] = &[
    (Ec2ErrorKind::AlreadyExists, &["vpcpeeringconnectionalreadyexists", "routealreadyexists", "networkaclentryalreadyexists"]),
    (Ec2ErrorKind::WrongState, &[
        "invalidstatetransition", "operationnotpermitted", "invalidvpcpeeringconnectionstate.dnshostnamesdisabled", "incorrectstate",
        "incorrectinstancestate", "invalidstate", "dependencyviolation", "invalidgroup.inuse",
    ]),
    (Ec2ErrorKind::Malformed, &[
        "invalidparametervalue", "invalidparametercombination", "invalidparameter", "missingparameter", "unknownparameter",
        "idempotentparametermismatch", "validationerror", "invalidaction", "malformedquerystring", "invalidgroup.reserved",
        "invalidsubnet.conflict",
    ]),
    (Ec2ErrorKind::Denied, &["unauthorizedoperation", "accessdenied", "accessdeniedexception", "optinrequired", "blocked", "pendingverification"]),
    (Ec2ErrorKind::CredentialsRefused, &[
        "authfailure", "invalidclienttokenid", "unrecognizedclientexception", "signaturedoesnotmatch", "missingauthenticationtoken",
        "invalidaccesskeyid", "incompletesignature", "regiondisabledexception",
    ]),
    (Ec2ErrorKind::ExpiredToken, &["expiredtoken", "expiredtokenexception", "requestexpired"]),
    (Ec2ErrorKind::DryRun, &["dryrunoperation"]),
    (Ec2ErrorKind::Throttled, &[
        "requestlimitexceeded", "ec2throttledexception", "throttling", "throttlingexception", "throttledexception",
        "requestthrottled", "requestthrottledexception", "toomanyrequestsexception", "slowdown", "bandwidthlimitexceeded",
    ]),
    (Ec2ErrorKind::Unavailable, &[
        "internalerror", "internalfailure", "internalservererror", "unavailable", "serviceunavailable", "retryableerror",
        "serverinternal", "requesttimeout", "requesttimeoutexception",
    ]),
];

/// Families of codes that EC2 keeps adding to, by their end; asked after the list above.
const FAMILIES: &[(Ec2ErrorKind, &str)] = &[
    (Ec2ErrorKind::NotFound, ".notfound"),
    (Ec2ErrorKind::AlreadyExists, ".duplicate"),
    (Ec2ErrorKind::Malformed, ".malformed"),
    (Ec2ErrorKind::Malformed, ".range"),
    (Ec2ErrorKind::Quota, "limitexceeded"),
];

/// The kind of a code.
pub(crate) fn classify(code: &str) -> Ec2ErrorKind {
    let code = code.to_ascii_lowercase();
    let listed = CODES.iter().find(|(_, codes)| codes.contains(&code.as_str())).map(|(kind, _)| *kind);
    let family = || FAMILIES.iter().find(|(_, end)| code.ends_with(end)).map(|(kind, _)| *kind);
    listed.or_else(family).unwrap_or(Ec2ErrorKind::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip]
    const TABLE: &[(Ec2ErrorKind, &[&str])] = &[
        (Ec2ErrorKind::NotFound, &[
            "InvalidVpcPeeringConnectionID.NotFound", "InvalidVpcPeeringConnectionId.NotFound", "InvalidVpcID.NotFound",
            "InvalidRouteTableID.NotFound", "InvalidRouteTableId.NotFound", "InvalidRoute.NotFound", "InvalidGroup.NotFound",
            "InvalidSecurityGroupID.NotFound", "InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound",
            "InvalidSubnetID.NotFound",
        ]),
        (Ec2ErrorKind::AlreadyExists, &[
            "VpcPeeringConnectionAlreadyExists", "RouteAlreadyExists", "InvalidPermission.Duplicate", "InvalidGroup.Duplicate",
            "NetworkAclEntryAlreadyExists",
        ]),
        (Ec2ErrorKind::WrongState, &[
            "InvalidStateTransition", "OperationNotPermitted", "InvalidVpcPeeringConnectionState.DnsHostnamesDisabled", "IncorrectState",
            "DependencyViolation",
        ]),
        (Ec2ErrorKind::Quota, &[
            "VpcPeeringConnectionsPerVpcLimitExceeded", "ActiveVpcPeeringConnectionPerVpcLimitExceeded",
            "OutstandingVpcPeeringConnectionLimitExceeded", "PendingVpcPeeringConnectionLimitExceeded", "RouteLimitExceeded",
            "ResourceCountLimitExceeded", "RulesPerSecurityGroupLimitExceeded", "TagLimitExceeded", "VpcLimitExceeded",
            "SecurityGroupLimitExceeded",
        ]),
        (Ec2ErrorKind::Malformed, &[
            "InvalidVpcPeeringConnectionId.Malformed", "InvalidVpcID.Malformed", "InvalidParameterValue", "InvalidParameterCombination",
            "MissingParameter", "InvalidTagKey.Malformed", "IdempotentParameterMismatch",
            "InvalidVpc.Range", "InvalidSubnet.Range",
        ]),
        (Ec2ErrorKind::Denied, &["UnauthorizedOperation", "AccessDenied"]),
        (Ec2ErrorKind::CredentialsRefused, &["AuthFailure", "InvalidClientTokenId", "SignatureDoesNotMatch"]),
        (Ec2ErrorKind::ExpiredToken, &["ExpiredToken", "ExpiredTokenException", "RequestExpired"]),
        (Ec2ErrorKind::DryRun, &["DryRunOperation"]),
        (Ec2ErrorKind::Throttled, &["RequestLimitExceeded", "EC2ThrottledException", "Throttling", "ThrottlingException"]),
        (Ec2ErrorKind::Unavailable, &["InternalError", "Unavailable", "ServiceUnavailable", "RetryableError", "InternalFailure"]),
        (Ec2ErrorKind::Unknown, &["", "SomethingNew", "NotFound.Invalid", "InvalidVpcID"]),
    ];

    #[test]
    fn every_documented_code_has_its_kind_in_any_spelling() {
        for (kind, codes) in TABLE {
            for code in *codes {
                assert_eq!(classify(code), *kind, "{code}");
                assert_eq!(classify(&code.to_ascii_uppercase()), *kind, "{code} in capitals");
            }
        }
    }

    #[test]
    fn the_list_is_in_lower_case_and_names_no_code_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for code in CODES.iter().flat_map(|(_, codes)| *codes) {
            assert_eq!(*code, code.to_ascii_lowercase());
            assert!(seen.insert(code), "{code} twice");
        }
    }

    #[test]
    fn a_failure_of_the_service_and_a_lost_answer_leave_open_what_was_done() {
        assert!(Ec2ErrorKind::Ambiguous.may_have_been_applied() && Ec2ErrorKind::Unavailable.may_have_been_applied());
        assert!(Ec2ErrorKind::Unknown.may_have_been_applied());
        assert!(!Ec2ErrorKind::ConnectFailed.may_have_been_applied() && !Ec2ErrorKind::Throttled.may_have_been_applied());
    }

    #[test]
    fn an_error_reads_as_one_line_with_the_operation_and_the_place() {
        let error = Ec2Error {
            operation: "CreateRoute",
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
