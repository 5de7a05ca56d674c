//! What a network's policy asks of owners and ends, of changes that the engine cannot be asked
//! about beforehand: their network or peering, or the policy itself, is not on record before the
//! changes ahead of them are made.

use super::{change::Change, document::Peering};
use crate::{api::v1, cli::network::PolicyArgs};
use chrono::{DateTime, TimeDelta, Utc};
use domain::network::{ExpiryTooFar, Refusal};

/// Of each change, why the policy in force when its turn comes would have it refused, if it would.
/// The changes are in their order, and `policy` is what is on record before the first.
pub(super) fn judge<'c>(
    changes: impl Iterator<Item = &'c Change>,
    mut policy: v1::Policy,
    now: DateTime<Utc>,
) -> Vec<Option<String>> {
    let judged = changes.map(|change| {
        if let Change::SetPolicy(args) = change {
            policy = PolicyArgs::changed(args, policy.clone());
        }
        let tenure = policy.tenure.unwrap_or_default();
        let refused = unmet(&tenure, change, now);
        refused.map(|(refusal, reason)| format!("{refusal} [{reason}]"))
    });
    judged.collect()
}

type Unmet = Option<(Refusal, &'static str)>;

fn unmet(policy: &v1::TenurePolicy, change: &Change, now: DateTime<Utc>) -> Unmet {
    let peering = policy.longest_peering_seconds;
    let admission = policy.longest_admission_seconds;
    match change {
        Change::Request(it) => begins(policy, it, now).or_else(|| {
            let (_, expires) = it.admission_terms()?;
            ends(admission, expires, now)
        }),
        Change::Adopt(it, _) => begins(policy, it, now),
        Change::Restrict { added, expires, .. } if !added.is_empty() => {
            ends(admission, *expires, now)
        }
        Change::Tenure {
            of, end: Some(at), ..
        } => {
            let most = if of.is_none() { peering } else { admission };
            ends(most, Some(*at), now)
        }
        Change::Allow(it) => ends(admission, it.expires, now),
        Change::Restrict { .. }
        | Change::Tenure { end: None, .. }
        | Change::Register(_)
        | Change::SetPolicy(_)
        | Change::AddRanges(_)
        | Change::DropRanges(_)
        | Change::NetworkSubnets(_)
        | Change::NetworkNodes(_)
        | Change::NetworkIpv6Ranges { .. }
        | Change::PeerSubnets(_)
        | Change::Accept(..)
        | Change::Withdraw(..)
        | Change::Revoke { .. }
        | Change::Dns(..)
        | Change::Option(..)
        | Change::Deny { .. }
        | Change::StopDenying(..)
        | Change::Attach(_)
        | Change::Detach(..)
        | Change::Remove => None,
    }
}

/// A peering that begins has an owner and an end, where the policy asks for them.
fn begins(policy: &v1::TenurePolicy, it: &Peering, now: DateTime<Utc>) -> Unmet {
    if policy.owner_required && it.owner.is_none() {
        return Some((Refusal::OwnerRequired, "OWNER_REQUIRED"));
    }
    ends(policy.longest_peering_seconds, it.expires, now)
}

/// An end lies ahead, and no further than `most` seconds where that is not 0: then there is one.
fn ends(most: u64, expires: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Unmet {
    if let Some(expires_at) = expires.filter(|it| *it <= now) {
        return Some((Refusal::ExpiryPassed { expires_at }, "EXPIRY_PASSED"));
    }
    if most == 0 {
        return None;
    }
    let Some(expires_at) = expires else {
        return Some((Refusal::ExpiryRequired { most }, "EXPIRY_REQUIRED"));
    };
    let latest = i64::try_from(most).ok().and_then(TimeDelta::try_seconds);
    let latest = latest.and_then(|it| now.checked_add_signed(it))?;
    let too_far = ExpiryTooFar { expires_at, latest };
    (expires_at > latest).then_some((Refusal::ExpiryTooFar(too_far), "EXPIRY_TOO_FAR"))
}
