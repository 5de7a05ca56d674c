//! What to do about a refusal, on this command line.
//!
//! A refusal's own text tells the facts, in the words of whoever calls the API; the command that
//! helps is known here alone. The key is the stable reason in the answer's `ErrorInfo`.

/// What to do about this reason, if there is more to say than its text says.
pub fn hint(reason: &str) -> Option<&'static str> {
    HINTS
        .iter()
        .find(|(it, _)| *it == reason)
        .map(|(_, hint)| *hint)
}

/// Each reason with what helps.
const HINTS: &[(&str, &str)] = &[
    (
        "UNAUTHENTICATED",
        "prove who calls: --token-file, --token-command or PEERAGE_TOKEN, or --cert and --key",
    ),
    (
        "ACCESS_DENIED",
        "`peerage whoami` shows your roles, `peerage access explain` what they allow",
    ),
    (
        "APPROVAL_UNKNOWN",
        "`peerage pending` lists the commands that wait for approval",
    ),
    (
        "APPROVAL_PLAN_CHANGED",
        "`peerage approve ID` shows the plan as it is now, and asks again",
    ),
    (
        "APPROVAL_OF_OWN_REQUEST",
        "`peerage withdraw ID` takes it back; others approve it",
    ),
    (
        "APPROVAL_OVER",
        "submit the command again: without --command-id it gets a new one",
    ),
    (
        "APPROVALS_OF_REQUESTER",
        "`peerage pending` lists them; `peerage withdraw ID` takes one back",
    ),
    (
        "APPROVALS_OF_NETWORK",
        "`peerage pending --network NETWORK` lists them",
    ),
    (
        "CONNECTOR_UNKNOWN",
        "`peerage connector list` shows those on record, and the engine's own: what a server has for itself is named with its host",
    ),
    (
        "PROJECTION_UNKNOWN",
        "`peerage projection list` shows what the server has",
    ),
    (
        "ANOTHER_LOG",
        "what was written or shown before is of the log as it was: keep it, and begin anew without --resume, into another file",
    ),
    (
        "REBUILD_UNDER_WAY",
        "`peerage projection status NAME` shows how far it is, `peerage projection cancel NAME` gives it up",
    ),
    (
        "REBUILD_NOT_CANCELLABLE",
        "`peerage projection status NAME` shows what is being built, if anything is",
    ),
    (
        "AUDIT_KEY_MISSING",
        "`peerage audit key new --name NAME --out FILE` makes one; name it as audit.key_file at every server",
    ),
    (
        "EVENT_NOT_COVERED",
        "`peerage audit -o json` shows the ids of events; networks, connectors, access and approvals are covered",
    ),
    (
        "NETWORK_UNKNOWN",
        "`peerage network list` shows the networks on record",
    ),
    (
        "NETWORK_ALREADY_REGISTERED",
        "`peerage network show NETWORK` tells what is on record; the same network at its cloud is registered once, until that is retired",
    ),
    (
        "NETWORK_RETIRED",
        "`peerage network register` puts a new one on record",
    ),
    (
        "NETWORK_IN_USE",
        "`peerage peering list --network NETWORK` shows its peerings; end each with `peerage peering remove`",
    ),
    (
        "PEERING_UNKNOWN",
        "`peerage peering list` shows the peerings on record",
    ),
    (
        "PEERING_ENDED",
        "`peerage peering request` asks for a new one",
    ),
    (
        "PEERING_BEING_ABANDONED",
        "`peerage peering watch PEERING` ends when it has ended; then request a new one",
    ),
    (
        "PEERING_BEING_REMOVED",
        "`peerage peering watch PEERING` ends when it is gone; then request a new one",
    ),
    (
        "PEER_ALREADY_LINKED",
        "`peerage peering show PEERING` shows it",
    ),
    (
        "PEER_LINKED_ELSEWHERE",
        "`peerage peering show PEERING` shows it; one peering joins two networks, whichever of them asked for it",
    ),
    (
        "LINK_ON_RECORD_ELSEWHERE",
        "`peerage peering show PEERING` shows whose it is; that one removes it",
    ),
    (
        "LINK_OPTION_UNSUPPORTED",
        "`peerage peering option --help` tells which options links of which provider have",
    ),
    (
        "LINK_OPTION_WITHIN_REGION",
        "`peerage peering show PEERING` tells the region of each end",
    ),
    (
        "LINK_OPTION_NEEDS_OTHER",
        "`peerage peering option PEERING --side SIDE OPTION on` asks for what it needs on the other side; do that first",
    ),
    (
        "LINK_OPTION_NEEDED",
        "`peerage peering option PEERING --side SIDE OPTION off` ends what needs it on the other side; do that first",
    ),
    (
        "LINK_OPTION_EXCLUDED",
        "`peerage peering option PEERING --side SIDE OPTION off` switches the other one off first",
    ),
    (
        "LINK_OPTION_TAKEN",
        "`peerage peering option PEERING --side SIDE OPTION off` frees it at the peering that has it",
    ),
    (
        "PEERING_QUOTA_REACHED",
        "`peerage peering list --network NETWORK` shows those that count; end one with `peerage peering remove`",
    ),
    (
        "RANGE_OVERLAPS_PEERING",
        "`peerage peering show PEERING` shows the routes of the other one",
    ),
    (
        "DESTINATION_OUT_OF_REACH",
        "a route of the local side leads to a range of the peer, one of the remote side to the private network; `peerage peering ranges add PEERING RANGE` adds a range of the peer",
    ),
    (
        "PEER_RANGE_NOT_ON_RECORD",
        "`peerage peering show PEERING` lists the peer's ranges",
    ),
    (
        "SUBNET_NOT_CHOSEN",
        "`peerage peering show PEERING` and `peerage network show NETWORK` list the chosen subnets",
    ),
    (
        "SUBNETS_MISSING",
        "`peerage peering subnets main PEERING`, or `peerage network subnets main NETWORK`, chooses the main route table",
    ),
    (
        "SUBNETS_AMBIGUOUS",
        "`peerage peering subnets all PEERING`, or `peerage network subnets all NETWORK`, chooses every subnet",
    ),
    (
        "ROUTE_NOT_ACCEPTED",
        "`peerage peering show PEERING` lists its routes",
    ),
    (
        "REMOTE_INBOUND_DENIED",
        "`peerage firewall allow PEERING --target RANGE --port PORT --reason WHY` opens one target to the private network",
    ),
    (
        "SOURCE_OUTSIDE_PEER",
        "`peerage peering show PEERING` lists the peer's ranges",
    ),
    (
        "INGRESS_TARGET_OUTSIDE_PEER",
        "`peerage peering show PEERING` lists the peer's ranges",
    ),
    (
        "SOURCE_OUTSIDE_NETWORK",
        "`peerage network show NETWORK` tells the private network's ranges",
    ),
    (
        "ADDRESS_FAMILY_MISSING",
        "put the IPv6 ranges on record: `peerage network ipv6 NETWORK RANGE…` of the private network, `peerage peering ranges add` of a peer",
    ),
    (
        "NODES_NOT_ON_RECORD",
        "name a source with --from, or put the nodes on record: `peerage network nodes NETWORK RANGE…`",
    ),
    (
        "INGRESS_END_UNCLEAR",
        "give --expires an end, or say --no-expiry",
    ),
    (
        "INGRESS_NOT_APART",
        "revoke that one and open a --target that holds both, or name another --from",
    ),
    (
        "INGRESS_UNKNOWN",
        "`peerage peering show PEERING` lists the ingresses that are open",
    ),
    (
        "ORPHAN_UNKNOWN",
        "`peerage orphans list` shows those that stand; `peerage audit --network NETWORK` tells which are gone",
    ),
    (
        "LINK_ON_RECORD",
        "`peerage peering show PEERING` shows whose it is",
    ),
    (
        "ACCEPTER_MISMATCH",
        "`peerage peering remove PEERING --reason WHY` takes the request back; request it with the right account",
    ),
    (
        "REASON_REQUIRED",
        "say why with --reason; `peerage network show NETWORK` shows the policy",
    ),
    (
        "REASON_MALFORMED",
        "`peerage network show NETWORK` shows the form that --reason must have",
    ),
    (
        "TICKET_REQUIRED",
        "name the ticket with --ticket; `peerage network show NETWORK` shows the policy",
    ),
    (
        "TICKET_MALFORMED",
        "`peerage network show NETWORK` shows the form that --ticket must have",
    ),
    (
        "TOO_MANY_QUARANTINES",
        "`peerage network show NETWORK` shows them",
    ),
    (
        "READ_MODELS_BUILDING",
        "a full id needs no read models; `peerage status` tells how far they are",
    ),
    (
        "READ_MODEL_BEHIND",
        "`peerage status` tells how far the read models are",
    ),
    (
        "DIRECTORY_BUILDING",
        "the index of peerings is read from the log at the start; try again in a moment",
    ),
    (
        "COMMAND_ID_REUSED",
        "leave --command-id out, and the command gets one of its own; `peerage audit --command ID` shows what the first one did",
    ),
    (
        "WRONG_EXPECTED_REVISION",
        "`peerage audit --network NETWORK --newest-first` shows what has happened since",
    ),
    (
        "HISTORY_UNREADABLE",
        "`peerage node verify --data DIR` names what is damaged in an embedded store",
    ),
    (
        "NETWORK_ELSEWHERE",
        "`peerage server info` tells which clouds a server's engine works on; `peerage network show NETWORK` at which one it is",
    ),
    (
        "CLOUD_CALL_FAILED",
        "`peerage peering show PEERING` of a blocked peering prints what the engine needs in an account",
    ),
    (
        "EXPIRY_REQUIRED",
        "`--expires` names an end; `peerage network show NETWORK` tells what the policy asks for",
    ),
    (
        "OWNER_REQUIRED",
        "`--owner` names who answers for it; `peerage network show NETWORK` tells what the policy asks for",
    ),
    (
        "NOTHING_ADMITTED_ANEW",
        "`peerage peering tenure PEERING --admit RANGE:PORT --expires …` changes the end of what is admitted",
    ),
    (
        "ADMISSION_UNKNOWN",
        "`peerage peering show PEERING` tells what the private network admits",
    ),
    (
        "EVENT_STORE_DENIES_ACCESS",
        "the engine's `store.connection_string` needs a user that may read and append",
    ),
];

/// The reasons whose own text says all that can be said.
#[cfg(test)]
const SELF_EXPLANATORY: &[&str] = &[
    "ORPHAN_IS_A_COPY",
    "REGION_UNKNOWN",
    "PROVIDER_NOT_SERVED",
    "ACCOUNT_MALFORMED",
    "CLOUD_NETWORK_MALFORMED",
    "PROVIDER_MISMATCH",
    "PEER_IS_THE_NETWORK",
    "PEER_RANGES_MISSING",
    "PEER_RANGE_NOT_ALLOWED",
    "NETWORK_RANGE_NOT_ALLOWED",
    "TOO_MANY_RANGES",
    "TOO_MANY_RULES",
    "SOURCE_GROUP_UNSUPPORTED",
    "TOO_MANY_ROUTES",
    "TOO_MANY_GROUPS",
    "RANGE_OVERLAPS_NETWORK",
    "RANGES_OVERLAP_EACH_OTHER",
    "ROUTE_ALREADY_ACCEPTED",
    "ROUTE_REPLACED_BY_ITSELF",
    "PORT_ZERO",
    "OUTCOME_OUT_OF_ORDER",
    "LINK_MISMATCH",
    "DEADLINE_PASSED",
    "NOTHING_OPEN_TO_ACCEPT",
    "EXPIRY_PASSED",
    "EXPIRY_TOO_FAR",
    "PARTITION_MISMATCH",
    "INGRESS_ALREADY_ALLOWED",
    "DNS_RESOLUTION_UNSUPPORTED",
    "ATTACHMENT_UNSUPPORTED",
    "DENIAL_UNSUPPORTED",
    "DENIED_SUBNETS",
    "SIDE_KEPT_BY_OWNER",
    "INTERFACE_COUNT",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Every reason of a refusal, as the domain's golden list has them.
    const REFUSALS: &str = include_str!("../../../domain/golden/refusals.txt");

    #[test]
    fn every_refusal_has_a_hint_or_is_known_to_need_none() {
        for reason in REFUSALS.lines() {
            let told = hint(reason).is_some();
            let explains_itself = SELF_EXPLANATORY.contains(&reason);
            assert!(
                told != explains_itself,
                "{reason}: one list of the two has to name it"
            );
        }
    }

    #[test]
    fn a_reason_is_named_once_and_a_hint_is_one_line() {
        let reasons = HINTS
            .iter()
            .map(|(reason, _)| *reason)
            .chain(SELF_EXPLANATORY.iter().copied());
        let mut seen = BTreeSet::new();
        for reason in reasons {
            assert!(seen.insert(reason), "{reason} twice");
        }
        assert!(HINTS.iter().all(|(_, hint)| !hint.contains('\n')));
    }
}
