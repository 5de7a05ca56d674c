//! How a side stands towards what comes over the link, in one word and in one line: what the
//! engine's rules admit and what everybody else's do. Nothing is called closed that was not looked
//! at.

use crate::api::v1::PostureState as State;
use domain::{
    Aim, Side,
    network::{BlockCause, DriftKind, Exposed, ExposedBy, Firewall, Life, Peering, Registered},
};

#[cfg(test)]
mod tests;

/// How many rules, subnets or ranges a line names of each.
const NAMED: usize = 3;

/// The side's posture, and what is denied in front of its subnets beside that.
pub(super) fn of(network: &Registered, peering: &Peering, side: Side) -> (State, String) {
    let (state, line) = stands(network, peering, side);
    match denied(peering, side).filter(|_| is_in_sight(peering, side)) {
        None => (state, line),
        Some(denied) => (state, format!("{line}; {denied}")),
    }
}

fn stands(network: &Registered, peering: &Peering, side: Side) -> (State, String) {
    if let Some(why) = out_of_sight(peering, side) {
        return (State::CannotTell, format!("cannot tell: {why}"));
    }
    match &peering.life {
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::AwaitingAcceptance { .. }
        | Life::Provisioning { .. } => {
            let line = "closed: the link carries nothing yet".to_owned();
            return (State::Closed, line);
        }
        Life::Ended(_) => {
            let line = "cannot tell: the peering has ended".to_owned();
            return (State::CannotTell, line);
        }
        Life::Active { .. } | Life::Removing { .. } | Life::Abandoning { .. } => {}
    }
    let firewall = peering.firewall.get(side);
    let (unclear, known): (Vec<_>, Vec<_>) = firewall
        .exposures
        .values()
        .partition(|it| it.exposure.cannot_tell);
    let open = open(network, peering, side);
    let more = open
        .as_ref()
        .map_or_else(String::new, |open| format!("; {open}"));
    if !known.is_empty() {
        return (
            State::Exposed,
            format!("exposed by {}{more}", rules(&known)),
        );
    }
    if !unclear.is_empty() {
        let rules = rules(&unclear);
        let line = format!("cannot tell whom these let in: {rules}{more}");
        return (State::CannotTell, line);
    }
    if firewall.enforced_at.is_none() && firewall.closed_at.is_none() {
        let line = format!("cannot tell: it was not seen yet what is admitted{more}");
        return (State::CannotTell, line);
    }
    open.map_or_else(
        || (State::Closed, "closed".to_owned()),
        |open| (State::Open, open),
    )
}

/// What the engine's entries in front of subnets take away from what is let in, as far as that was
/// seen.
fn denied(peering: &Peering, side: Side) -> Option<String> {
    let denials = &peering.firewall.get(side).denials;
    let Some(wanted) = &denials.wanted else {
        let told = "entries that deny are still to be taken out of lists before subnets";
        return (!denials.made.is_empty()).then(|| told.to_owned());
    };
    let subnets: Vec<_> = wanted.subnets.iter().map(ToString::to_string).collect();
    let before = some_of(&subnets);
    let open = peering.drift.keys().chain(peering.accepted_drift.keys());
    let is_missing = |drift: &DriftKind| matches!(drift, DriftKind::DenialMissing { side: of, .. } if *of == side);
    match &denials.enforced {
        Some(_) if open.clone().any(is_missing) => {
            Some(format!("not all that is to be denied before {before} is"))
        }
        Some(seen) => {
            let denies: Vec<_> = seen.denies.iter().map(ToString::to_string).collect();
            Some(format!("denied before {before}: {}", some_of(&denies)))
        }
        None => Some(format!(
            "not seen whether all is denied before {before} that is to be"
        )),
    }
}

/// The first ones by name.
fn some_of(all: &[String]) -> String {
    let named = all
        .iter()
        .take(NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match all.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Whether the side is looked at, and the link there to carry something.
fn is_in_sight(peering: &Peering, side: Side) -> bool {
    let carries = match &peering.life {
        Life::Active { .. } | Life::Removing { .. } | Life::Abandoning { .. } => true,
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::AwaitingAcceptance { .. }
        | Life::Provisioning { .. }
        | Life::Ended(_) => false,
    };
    carries && out_of_sight(peering, side).is_none()
}

/// Why nothing can be told of the side, if that is so.
fn out_of_sight(peering: &Peering, side: Side) -> Option<String> {
    if !peering.is_ours_to_keep(side) {
        return Some("its owner keeps this side, and the engine does not look".to_owned());
    }
    let block = peering.blocked.as_ref().filter(|it| it.side == side)?;
    match block.cause {
        BlockCause::EndpointUnreachable
        | BlockCause::CredentialsRefused
        | BlockCause::PermissionDenied
        | BlockCause::WrongAccount
        | BlockCause::NotFound => {
            let since = block.since.format("%Y-%m-%d %H:%M");
            let cause = block.cause.as_str().replace('_', " ");
            Some(format!("blocked since {since} UTC ({cause})"))
        }
        BlockCause::QuotaExceeded
        | BlockCause::Conflict
        | BlockCause::RangeOverlap
        | BlockCause::RangeMismatch
        | BlockCause::DnsPrecondition
        | BlockCause::OptionPrecondition
        | BlockCause::RepairUndone
        | BlockCause::InUse
        | BlockCause::LinkEnded
        | BlockCause::Unexpected => None,
    }
}

/// What the engine's own rules admit, and where they hold.
fn open(network: &Registered, peering: &Peering, side: Side) -> Option<String> {
    let aim = network.provider.firewall().aim;
    // A rule that names no addresses, of a cloud where it may, is every machine's.
    let anywhere = match aim {
        Aim::Attachment => "",
        Aim::Addresses => " to the whole network",
    };
    let all: Vec<_> = network
        .admitted(peering, side)
        .iter()
        .map(|rule| {
            let to = rule.target.map(|it| format!(" to {it}"));
            let to = to.as_deref().unwrap_or(anywhere);
            format!("TCP {}{to} from {}", rule.port, rule.source)
        })
        .collect();
    if all.is_empty() {
        return None;
    }
    let firewall = peering.firewall.get(side);
    let holds = match aim {
        Aim::Attachment => where_attached(firewall),
        Aim::Addresses => {
            let once = ", once its rules are made".to_owned();
            firewall.group.as_ref().map_or(once, |_| String::new())
        }
    };
    Some(format!("open to {}{holds}", all.join(", ")))
}

/// Where a group holds that admits only what it is attached to.
fn where_attached(firewall: &Firewall) -> String {
    let Some(group) = &firewall.group else {
        return ", once its group is made and attached".to_owned();
    };
    match firewall.attachment.count() {
        Some(0) => format!(", once {group} is attached: to nothing when it was looked at"),
        Some(1) => format!(" where {group} is attached (1 interface)"),
        Some(count) => format!(" where {group} is attached ({count} interfaces)"),
        None => format!(" where {group} is attached, of which nothing is known"),
    }
}

fn rules(all: &[&Exposed]) -> String {
    let named = all.iter().map(|it| {
        let it = &it.exposure;
        match it.what {
            ExposedBy::Rule => format!("{} in {} ({})", it.rule_id, it.group, it.admits),
            ExposedBy::Default => format!("default of {} ({})", it.group, it.admits),
        }
    });
    some_of(&named.collect::<Vec<_>>())
}
