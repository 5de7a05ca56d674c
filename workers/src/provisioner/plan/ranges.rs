//! Ranges that were added to a peer while its link stands: the cloud is looked at before anything
//! is opened there.
//!
//! The peer's network is asked where the engine may look at it, and else the link itself, whose far
//! end tells its ranges.

use super::{Draft, Facts, Query, preflight};
use crate::provisioner::sides;
use cloud::LinkView;
use domain::{
    Family, Range, Side,
    network::{BlockCause, PeerRangesConfirmed},
};
use ipnet::IpNet;

pub(super) fn confirm(facts: &Facts<'_>, link: &LinkView, draft: &mut Draft) {
    let waiting = &facts.peering.unconfirmed;
    if waiting.is_empty() {
        return;
    }
    let own = draft.require(&facts.seen.network.local, Query::Network(Side::Local));
    let own: Vec<IpNet> = own
        .into_iter()
        .flatten()
        .flat_map(|it| it.ranges.clone())
        .collect();
    // Not every link tells of its far end. The network tells what it has, and of one that is not
    // there nothing is confirmed.
    let shown: Option<Vec<IpNet>> = if facts.peering.is_ours_to_keep(Side::Remote) {
        let query = Query::Network(Side::Remote);
        let Some(views) = draft.require(&facts.seen.network.remote, query) else {
            return;
        };
        Some(views.iter().flat_map(|it| it.ranges.clone()).collect())
    } else {
        let peer = sides::network(facts.network, facts.peering, Side::Remote);
        let far = link.end(&peer).map(|(_, end)| end.ranges.clone());
        far.filter(|it| !it.is_empty())
    };
    if facts.seen.network.local.is_none() {
        return;
    }
    let net = |range: &Range| range.net();
    // Where nobody tells, what is on record stands. A link may tell of one family alone.
    let by_link = !facts.peering.is_ours_to_keep(Side::Remote);
    let is_untold = |shown: &[IpNet], range: &Range| {
        let is_ipv6 = range.family() == Family::Ipv6;
        by_link && !shown.iter().any(|it| it.addr().is_ipv6() == is_ipv6)
    };
    let is_shown = |range: &Range| {
        shown
            .as_ref()
            .is_none_or(|it| is_untold(it, range) || it.iter().any(|it| it.contains(&net(range))))
    };
    let meets = |range: &Range| own.iter().find(|it| preflight::overlap(it, &net(range)));
    let (mut seen, mut missing) = (Vec::new(), Vec::new());
    for range in waiting {
        if let Some(taken) = meets(range) {
            let message = format!("{range} of the peer overlaps {taken} of the private network");
            draft.block(
                facts,
                BlockCause::RangeOverlap,
                Side::Remote,
                message,
                vec![give_up(facts, range)],
            );
        } else if is_shown(range) {
            seen.push(*range);
        } else {
            missing.push(range);
        }
    }
    if !seen.is_empty() {
        draft.record(PeerRangesConfirmed {
            peering_id: facts.peering.id,
            ranges: seen,
        });
        draft.again = true;
    }
    if let [first, ..] = missing[..] {
        let network = sides::network(facts.network, facts.peering, Side::Remote);
        let message = format!(
            "{} was added to the peer, and {network} has {}; nothing is opened there before it shows",
            told(missing.iter().map(|it| net(it))),
            told(shown.iter().flatten().copied()),
        );
        let remedy = vec![
            format!("add the range to {network}; it is found out by itself"),
            give_up(facts, first),
        ];
        draft.block(
            facts,
            BlockCause::RangeMismatch,
            Side::Remote,
            message,
            remedy,
        );
    }
}

fn give_up(facts: &Facts<'_>, range: &Range) -> String {
    format!("peerage peering ranges drop {} {range}", facts.peering.id)
}

fn told(ranges: impl Iterator<Item = IpNet>) -> String {
    let all: Vec<String> = ranges.map(|it| it.to_string()).collect();
    match &all[..] {
        [] => "none".to_owned(),
        _ => all.join(", "),
    }
}
