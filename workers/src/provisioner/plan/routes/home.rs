//! Routes of the peer into the private network: whether they may lead there yet.

use super::super::{Draft, Facts, Query};
use crate::provisioner::sides;
use domain::{
    Family, Range, Side,
    network::{BlockCause, Route},
};

/// Whether the peer may be sent there, to a part of the private network. Its IPv6 ranges may have
/// been named while the link stood: before the first route leads into one, the cloud has shown it.
pub(super) fn may_lead_home(
    facts: &Facts<'_>,
    side: Side,
    to: Range,
    route: &Route,
    draft: &mut Draft,
) -> bool {
    if side == Side::Local || to.family() == Family::Ipv4 || !route.installed.is_empty() {
        return true;
    }
    let query = Query::Network(Side::Local);
    let Some(views) = draft.require(&facts.seen.network.local, query) else {
        return false;
    };
    let mut shown = views.iter().flat_map(|it| &it.ranges);
    if shown.any(|it| it.contains(&to.net())) {
        return true;
    }
    let network = sides::network(facts.network, facts.peering, Side::Local);
    let has: Vec<String> = views
        .iter()
        .flat_map(|it| it.ranges.iter().map(ToString::to_string))
        .collect();
    let has = has.join(", ");
    let message = format!(
        "{to} is on record for {network}, which has {has}; nothing is sent there before it shows"
    );
    let remedy = vec![
        format!("add the range to {network}; it is found out by itself"),
        format!(
            "or say which it has: peerage network ipv6 {} RANGE…",
            facts.network.id
        ),
    ];
    draft.block(
        facts,
        BlockCause::RangeMismatch,
        Side::Local,
        message,
        remedy,
    );
    false
}
