//! What was denied to whom, damped: the aggregate of the stream `access-denials`.
//!
//! The same denial is put on record once an hour at most, with how often it was met meanwhile, and
//! of all denials together only so many a minute: who is denied cannot fill the log.

use super::{AccessDenied, AccessEvent, Denial, Method, Subject};
use crate::{ids::NetworkId, text::Account};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;

/// How long the same denial is not put on record again.
pub const QUIET: TimeDelta = TimeDelta::hours(1);

/// How many are put on record in a minute.
pub const A_MINUTE: usize = 30;

/// How many are remembered; the oldest are forgotten first.
pub const REMEMBERED: usize = 1_000;

/// What was denied lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denials {
    recent: BTreeMap<Denied, Recent>,
    recorded: Vec<DateTime<Utc>>,
}

/// One thing that is denied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Denied {
    /// To whom.
    pub subject: Subject,
    /// What.
    pub method: Method,
    /// Why.
    pub denial: Denial,
    /// Where.
    pub network_id: Option<NetworkId>,
    /// For whom.
    pub peer_account: Option<Account>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Recent {
    /// When it was put on record; `None`: it was not yet.
    recorded: Option<DateTime<Utc>>,
    seen: DateTime<Utc>,
    since_then: u64,
}

/// What is put on record of a denial, if anything.
pub fn decide(denials: &Denials, denied: &Denied, now: DateTime<Utc>) -> Option<AccessEvent> {
    let recent = denials.recent.get(denied);
    let is_quiet = recent
        .and_then(|it| it.recorded)
        .is_some_and(|at| now - at < QUIET);
    let lately = denials.recorded.iter();
    let lately = lately.filter(|at| now - **at < TimeDelta::minutes(1));
    if is_quiet || lately.count() >= A_MINUTE {
        return None;
    }
    Some(AccessEvent::AccessDenied(AccessDenied {
        subject: denied.subject.clone(),
        method: denied.method.name().to_owned(),
        denial: denied.denial,
        network_id: denied.network_id,
        peer_account: denied.peer_account.clone(),
        repeated: recent.map_or(0, |it| it.since_then),
    }))
}

/// The denial was met at that time, and this came of it.
pub fn evolve(
    mut denials: Denials,
    denied: &Denied,
    event: Option<&AccessEvent>,
    time: DateTime<Utc>,
) -> Denials {
    let is_full = denials.recent.len() >= REMEMBERED && !denials.recent.contains_key(denied);
    if is_full {
        let oldest = denials.recent.iter().min_by_key(|(_, it)| it.seen);
        if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
            denials.recent.remove(&oldest);
        }
    }
    let before = denials.recent.get(denied).copied();
    let after = match event {
        Some(_) => Recent {
            recorded: Some(time),
            seen: time,
            since_then: 0,
        },
        None => Recent {
            recorded: before.and_then(|it| it.recorded),
            seen: time,
            since_then: before.map_or(0, |it| it.since_then).saturating_add(1),
        },
    };
    if event.is_some() {
        let a_minute_ago = time - TimeDelta::minutes(1);
        denials.recorded.retain(|at| *at > a_minute_ago);
        denials.recorded.push(time);
    }
    denials.recent.insert(denied.clone(), after);
    denials
}
