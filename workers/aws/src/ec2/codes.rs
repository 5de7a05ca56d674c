//! EC2's codes and the kind of failure that each means.
//!
//! Sources: the EC2 API error reference, and the codes common to all AWS APIs. They are compared
//! without case, since EC2 and its emulators spell `…ID.NotFound` and `…Id.NotFound`. A code that
//! is not known here is `Unknown`: a person has to look.

use crate::ec2::error::Ec2ErrorKind;

/// Codes whose end does not tell their kind, in lower case.
#[rustfmt::skip]
const CODES: &[(Ec2ErrorKind, &[&str])] = &[
    (Ec2ErrorKind::AlreadyExists, &["vpcpeeringconnectionalreadyexists", "routealreadyexists", "networkaclentryalreadyexists"]),
    (Ec2ErrorKind::WrongState, &[
        "invalidstatetransition", "operationnotpermitted", "incorrectstate", "incorrectinstancestate", "invalidstate",
    ]),
    (Ec2ErrorKind::DnsPrecondition, &["invalidvpcpeeringconnectionstate.dnshostnamesdisabled"]),
    (Ec2ErrorKind::Dependency, &["dependencyviolation", "invalidgroup.inuse"]),
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
    let listed = CODES
        .iter()
        .find(|(_, codes)| codes.contains(&code.as_str()))
        .map(|(kind, _)| *kind);
    let family = || {
        FAMILIES
            .iter()
            .find(|(_, end)| code.ends_with(end))
            .map(|(kind, _)| *kind)
    };
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
            "InvalidStateTransition", "OperationNotPermitted", "IncorrectState",
        ]),
        (Ec2ErrorKind::DnsPrecondition, &["InvalidVpcPeeringConnectionState.DnsHostnamesDisabled"]),
        (Ec2ErrorKind::Dependency, &["DependencyViolation", "InvalidGroup.InUse"]),
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
                assert_eq!(
                    classify(&code.to_ascii_uppercase()),
                    *kind,
                    "{code} in capitals"
                );
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
}
