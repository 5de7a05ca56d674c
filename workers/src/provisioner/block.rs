//! Block: turns a failure into a sentence for the person who can end it, and what to do.
//!
//! A block is an overlay: the provisioner goes on trying, with growing pauses, and takes the block
//! back by itself. So that a failing try does not write the same event again and again, two blocks
//! are the same when cause, side and remedy are; a provider's words may differ each time.

use super::sides;
use chrono::{DateTime, Utc};
use cloud::{
    About, CloudError, CloudErrorKind, Operation,
    instructions::{azure, gcp},
};
use domain::{
    Provider, Side,
    network::{BlockCause, Life, LinkOption, Outcome, Peering, ProvisioningBlocked, Registered},
};
use std::time::Duration;

/// What a failed call means for the peering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Look again soon; nobody needs to know yet.
    LookAgain,
    /// Somebody must act.
    Block(BlockCause),
}

/// How many failures in a row that time may cure are passed over in silence.
const PATIENCE: u32 = 5;

/// For how long another change may be in the way of ours, in silence. A thousand changes of one
/// network, one after the other, take half of it.
const LONGEST_TURN: Duration = Duration::from_secs(6 * 3600);

/// How often there have been only failures, and for how long the same one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failures {
    pub(super) in_a_row: u32,
    pub(super) lasted: Duration,
    /// For how long an account and region may fail to answer.
    pub(super) patience: Duration,
}

/// Whether time hardly cures this failure: another try soon would be refused as well.
pub(super) fn is_lasting(error: &CloudError) -> bool {
    error.kind == CloudErrorKind::Quota
        || error.operation == Operation::CreateLink && error.definitely_not_applied()
}

/// What a failure means, after so many.
pub(super) fn classify(error: &CloudError, failures: Failures) -> Verdict {
    let writes = error.operation.class() == cloud::CallClass::Write;
    match of_kind(&error.kind, error.at.provider, writes, failures) {
        Verdict::Block(cause) => Verdict::Block(error.about.map_or(cause, cause_of_what)),
        Verdict::LookAgain => Verdict::LookAgain,
    }
}

/// What a refusal means by what it is about.
fn cause_of_what(about: About) -> BlockCause {
    match about {
        About::OtherEndsPermission | About::Registration => BlockCause::PermissionDenied,
        About::OtherHalf => BlockCause::Conflict,
        About::Ranges | About::RangesOfAnother => BlockCause::RangeOverlap,
        About::OtherGateway | About::OwnGateway | About::OtherLinkOfOwn => {
            BlockCause::OptionPrecondition
        }
        About::FailedOperation => BlockCause::Unexpected,
    }
}

/// The side whose people can act, if a call about this one was refused.
fn whose_turn(about: Option<About>, side: Side) -> Side {
    match about {
        Some(About::OtherEndsPermission | About::OtherHalf | About::OtherGateway) => side.other(),
        Some(
            About::Ranges
            | About::RangesOfAnother
            | About::Registration
            | About::OwnGateway
            | About::OtherLinkOfOwn
            | About::FailedOperation,
        )
        | None => side,
    }
}

fn of_kind(kind: &CloudErrorKind, provider: Provider, writes: bool, failures: Failures) -> Verdict {
    let patiently = |cause| {
        if failures.in_a_row < PATIENCE {
            Verdict::LookAgain
        } else {
            Verdict::Block(cause)
        }
    };
    let unanswered = || {
        if failures.lasted < failures.patience {
            Verdict::LookAgain
        } else {
            Verdict::Block(BlockCause::EndpointUnreachable)
        }
    };
    match kind {
        CloudErrorKind::NotFound if writes => patiently(BlockCause::NotFound),
        CloudErrorKind::NotFound => Verdict::Block(BlockCause::NotFound),
        CloudErrorKind::AlreadyThere | CloudErrorKind::Conflict => {
            Verdict::Block(BlockCause::Conflict)
        }
        // Somebody else's turn; ours comes, unless they never end.
        CloudErrorKind::Busy if failures.lasted < LONGEST_TURN => Verdict::LookAgain,
        CloudErrorKind::Busy => Verdict::Block(BlockCause::Conflict),
        CloudErrorKind::WrongState => patiently(BlockCause::Conflict),
        CloudErrorKind::Throttled { .. } => patiently(BlockCause::QuotaExceeded),
        CloudErrorKind::Unreachable | CloudErrorKind::Ambiguous => unanswered(),
        CloudErrorKind::Denied => Verdict::Block(BlockCause::PermissionDenied),
        CloudErrorKind::SessionExpired => patiently(BlockCause::CredentialsRefused),
        CloudErrorKind::CredentialsRefused => Verdict::Block(BlockCause::CredentialsRefused),
        CloudErrorKind::WrongAccount { .. } => Verdict::Block(BlockCause::WrongAccount),
        CloudErrorKind::Quota => Verdict::Block(BlockCause::QuotaExceeded),
        CloudErrorKind::InUse => Verdict::Block(BlockCause::InUse),
        CloudErrorKind::Precondition => Verdict::Block(match provider {
            Provider::Aws => BlockCause::DnsPrecondition,
            Provider::Gcp | Provider::Azure => BlockCause::OptionPrecondition,
        }),
        CloudErrorKind::InvalidRequest
        | CloudErrorKind::Unsupported
        | CloudErrorKind::Unexpected => Verdict::Block(BlockCause::Unexpected),
    }
}

/// Whether every other call to this account and region would fail as well.
pub(super) fn is_of_all_there(error: &CloudError) -> bool {
    match &error.kind {
        CloudErrorKind::Unreachable | CloudErrorKind::CredentialsRefused => true,
        CloudErrorKind::Ambiguous => error.operation.class() != cloud::CallClass::Write,
        CloudErrorKind::NotFound
        | CloudErrorKind::AlreadyThere
        | CloudErrorKind::Conflict
        | CloudErrorKind::WrongState
        | CloudErrorKind::Busy
        | CloudErrorKind::Throttled { .. }
        | CloudErrorKind::Denied
        | CloudErrorKind::SessionExpired
        | CloudErrorKind::WrongAccount { .. }
        | CloudErrorKind::Quota
        | CloudErrorKind::InUse
        | CloudErrorKind::Precondition
        | CloudErrorKind::InvalidRequest
        | CloudErrorKind::Unsupported
        | CloudErrorKind::Unexpected => false,
    }
}

/// Whether a refusal says that the owner of the other side has not given yet what an option of this
/// one needs of theirs, and still has time to.
pub(super) fn waits_for_owner(
    peering: &Peering,
    side: Side,
    error: &CloudError,
    now: DateTime<Utc>,
    patience: Duration,
) -> bool {
    if error.about != Some(About::OtherGateway) || peering.is_ours_to_keep(side.other()) {
        return false;
    }
    let option = peering.option(side, LinkOption::RemoteGateways);
    let asked_at = option.changed_at.filter(|_| option.wanted);
    asked_at.is_some_and(|it| (now - it).to_std().unwrap_or_default() < patience)
}

/// Why a call was refused, whether or not somebody needs to know yet.
pub(super) fn cause(error: &CloudError) -> Option<BlockCause> {
    let writes = error.operation.class() == cloud::CallClass::Write;
    let cause = in_the_end(&error.kind, error.at.provider, writes);
    cause.map(|it| error.about.map_or(it, cause_of_what))
}

/// Why an operation was given up that had been begun; nothing where another one will do.
pub(super) fn cause_of(
    kind: &CloudErrorKind,
    about: Option<About>,
    provider: Provider,
) -> Option<BlockCause> {
    let cause = in_the_end(kind, provider, true);
    cause.map(|it| about.map_or(it, cause_of_what))
}

/// What a failure means that does not end.
fn in_the_end(kind: &CloudErrorKind, provider: Provider, writes: bool) -> Option<BlockCause> {
    if *kind == CloudErrorKind::Busy {
        return None;
    }
    let endless = Failures {
        in_a_row: u32::MAX,
        lasted: Duration::MAX,
        patience: Duration::ZERO,
    };
    match of_kind(kind, provider, writes, endless) {
        Verdict::Block(cause) => Some(cause),
        Verdict::LookAgain => None,
    }
}

/// The block that this failure amounts to.
pub(super) fn from_error(
    network: &Registered,
    peering: &Peering,
    side: Side,
    cause: BlockCause,
    error: &CloudError,
    permissions: &[&str],
) -> ProvisioningBlocked {
    let at = sides::of(network, peering, side);
    let told = error.about.map(|it| (it, whose_turn(Some(it), side)));
    if let Some((about, side)) = told {
        let remedy = remedy_of(network, peering, side, about);
        let remedy = remedy.into_iter().chain(way_out(peering)).collect();
        return blocked(peering, (cause, side), error, remedy);
    }
    let remedy = match cause {
        BlockCause::EndpointUnreachable => vec![format!(
            "check that this host reaches the API of {} in {}",
            at.provider, at.region
        )],
        BlockCause::CredentialsRefused => vec![format!(
            "give Peerage valid credentials for account {}",
            at.account
        )],
        BlockCause::PermissionDenied => vec![permission(permissions, at.account.as_str())],
        BlockCause::WrongAccount => vec![format!(
            "let Peerage act as account {} in {}, not as another",
            at.account, at.region
        )],
        BlockCause::QuotaExceeded => {
            vec![format!(
                "raise the quota that `{}` met in account {}, {}, or free some of it",
                error.operation, at.account, at.region
            )]
        }
        BlockCause::NotFound => {
            let network = sides::network(network, peering, side);
            vec![format!(
                "check that {network} and its subnets on record exist; if not, request a peering that names existing ones"
            )]
        }
        BlockCause::InUse => vec![format!(
            "take what `{}` is to remove away from whatever uses it at {at}",
            error.operation
        )],
        BlockCause::DnsPrecondition => {
            vec![format!(
                "switch on DNS support and DNS hostnames of {}",
                sides::network(network, peering, side)
            )]
        }
        BlockCause::OptionPrecondition => vec![format!(
            "give the other side of the link, or its network, what the message names; or switch the option off: peerage peering option {} --side {side} …",
            peering.id
        )],
        BlockCause::Conflict
        | BlockCause::RangeOverlap
        | BlockCause::RangeMismatch
        | BlockCause::RepairUndone
        | BlockCause::LinkEnded => {
            vec![format!(
                "find out what stands in the way of `{}` at {at}, and remove it",
                error.operation
            )]
        }
        BlockCause::Unexpected => {
            vec![format!(
                "look up the provider's answer to `{}`; it is in the message of this block",
                error.operation
            )]
        }
    };
    let remedy = remedy.into_iter().chain(way_out(peering)).collect();
    blocked(peering, (cause, side), error, remedy)
}

fn blocked(
    peering: &Peering,
    (cause, side): (BlockCause, Side),
    error: &CloudError,
    remedy: Vec<String>,
) -> ProvisioningBlocked {
    ProvisioningBlocked {
        peering_id: peering.id,
        cause,
        side,
        message: error.to_string(),
        remedy,
        times: 1,
    }
}

/// What the people of this side do, where a refusal says what it is about.
fn remedy_of(network: &Registered, peering: &Peering, side: Side, about: About) -> Vec<String> {
    let own = sides::network(network, peering, side);
    let other = sides::network(network, peering, side.other());
    let switch_off = |side: Side| {
        let option = LinkOption::RemoteGateways.as_str().replace('_', "-");
        format!(
            "or switch the option off: peerage peering option {} --side {side} {option} off",
            peering.id
        )
    };
    match about {
        About::OtherEndsPermission => vec![format!(
            "allow Microsoft.Network/virtualNetworks/peer/action on {} to Peerage's application, and sign the application up in tenant {}",
            own.network, own.at.account
        )],
        About::OtherHalf => vec![azure::remove_disconnected(&own.network, &other.network)],
        About::Ranges => vec![format!(
            "take the addresses that {own} and {other} share, which the message names, out of one of them"
        )],
        About::RangesOfAnother => vec![format!(
            "the message names a network that is joined to {own} or to {other} and shares addresses with the one that is to be: take them out of one of the two, or end that peering"
        )],
        About::OtherGateway => {
            let lend = match peering.is_ours_to_keep(side) {
                true => format!(
                    "peerage peering option {} --side {side} gateway-transit on",
                    peering.id
                ),
                false => azure::lend_gateway(peering),
            };
            let provide =
                format!("give {own} a gateway, if it has none, and lend it (allowGatewayTransit):");
            vec![provide, lend, switch_off(side.other())]
        }
        About::OwnGateway => vec![
            format!("remove the gateway of {own}:"),
            azure::remove_gateway(&own.network),
            switch_off(side),
        ],
        About::OtherLinkOfOwn => vec![
            format!("switch useRemoteGateways off on the half of {own} that the message names:"),
            azure::give_back_gateway("HALF"),
            switch_off(side),
        ],
        About::Registration => vec![azure::register(&own.network)],
        About::FailedOperation => {
            let look = match network.provider {
                Provider::Azure => azure::failed_operations(&own.network),
                Provider::Gcp => gcp::failed_operations(&own.at.account, &own.network),
                Provider::Aws => format!(
                    "look for the change of the link in account {}",
                    own.at.account
                ),
            };
            vec![
                "look up why the provider gave the operation up, and remove what stood in its way:"
                    .to_owned(),
                look,
                format!(
                    "it is tried again by itself, after an hour and then more seldom; at once by: peerage network check {}",
                    network.id
                ),
            ]
        }
    }
}

/// A removal that cannot go on has another way out.
fn way_out(peering: &Peering) -> Option<String> {
    let removing = matches!(peering.life, Life::Removing { .. });
    removing.then(|| format!("or end it on record, leaving behind what stands: peerage peering abandon {} --reason '…'", peering.id))
}

/// The permissions that a call needs, in the provider's own words.
fn permission(permissions: &[&str], account: &str) -> String {
    let needed = permissions.join(" and ");
    format!("allow {needed} to Peerage's identity in account {account}")
}

/// The outcome that puts this block on record, unless it is there already.
pub(super) fn news(peering: &Peering, block: ProvisioningBlocked) -> Option<Outcome> {
    let known = peering.blocked.as_ref().is_some_and(|known| {
        (known.cause, known.side, &known.remedy) == (block.cause, block.side, &block.remedy)
    });
    (!known).then_some(Outcome::Blocked(block))
}
