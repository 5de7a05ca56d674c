//! Upkeep of an active link: everything asked for is put in place, and what was in place is kept
//! so.
//!
//! What the log has never seen in place is missing; what it has seen and is otherwise now has
//! drifted.

use super::{Draft, Facts, Query, dns, drift, exposure, firewall, later, routes, states};
use crate::provisioner::{apply::Action, sides};
use cloud::{LinkState, LinkView};
use domain::{
    Side,
    network::{
        ConnectorIngressRevoked, DriftKind, FoundRoute, IngressEnd, Origin, Outcome,
        PeeringSurveyed,
    },
    text::Link,
};

pub(super) fn plan(facts: &Facts<'_>, link: &Link, draft: &mut Draft) {
    draft.due_at(later(facts.now, facts.settings.drift_interval));
    let Some(view) = active(facts, link, draft) else {
        return;
    };
    if !is_surveyed(facts, link, view, draft) {
        return;
    }
    tag(facts, view, draft);
    for side in facts.peering.kept_sides() {
        routes::plan(facts, side, link, draft);
        firewall::plan(facts, side, draft);
        dns::plan(facts, side, view, draft);
    }
    if facts.peering.is_ours_to_keep(Side::Remote) {
        exposure::plan(facts, Side::Remote, draft);
    }
    if draft.needs.is_empty() {
        drift::close(facts, draft);
    }
}

/// The link, if it is still shown as active; if not, what follows from that.
fn active<'a>(facts: &Facts<'a>, link: &Link, draft: &mut Draft) -> Option<&'a LinkView> {
    let view = states::on_record(facts, link, draft)?;
    match &view.state {
        LinkState::Active => return Some(view),
        LinkState::Initiating | LinkState::Pending | LinkState::Provisioning => draft.polls = true,
        LinkState::Failed
        | LinkState::Rejected
        | LinkState::Expired
        | LinkState::Deleting
        | LinkState::Deleted => {
            drift::report(facts, ended(facts, view), draft);
            states::deleted(facts, view, draft);
        }
        LinkState::Unknown(_) => states::unknown(facts, view, draft),
    }
    None
}

/// The end of the link as it was found first: one that goes from deleting to deleted has ended
/// once.
fn ended(facts: &Facts<'_>, view: &LinkView) -> DriftKind {
    let known = facts
        .peering
        .drift
        .keys()
        .chain(facts.peering.accepted_drift.keys())
        .find(|it| matches!(it, DriftKind::LinkEnded { .. }));
    known.cloned().unwrap_or_else(|| DriftKind::LinkEnded {
        state: view.state.as_str().to_owned(),
    })
}

/// Before anything is added to an adopted link, what it has is written down: that is never removed.
fn is_surveyed(facts: &Facts<'_>, link: &Link, local: &LinkView, draft: &mut Draft) -> bool {
    let Origin::Adopted { found: None } = facts.peering.origin else {
        return true;
    };
    let (mut found, mut names) = (Vec::new(), Vec::new());
    for side in facts.peering.kept_sides() {
        let view = dns::any_view(facts, side, local, draft);
        let end =
            view.and_then(|view| view.end(&sides::network(facts.network, facts.peering, side)));
        if end.is_some_and(|(_, end)| end.dns_resolution == Some(true)) {
            names.push(side);
        }
        let Some(tables) = draft.require(facts.seen.tables.get(side), Query::Tables(side)) else {
            continue;
        };
        for (table, route) in tables
            .iter()
            .flat_map(|table| table.routes.iter().map(move |route| (table, route)))
        {
            if let Some(destination) = routes::over(link, route) {
                found.push(FoundRoute {
                    side,
                    route_table: table.table.clone(),
                    destination,
                });
            }
        }
    }
    if draft.needs.is_empty() {
        draft.record(PeeringSurveyed {
            peering_id: facts.peering.id,
            routes: found,
            names,
        });
        draft.again = true;
    }
    false
}

/// The tag says whose the link is; without it a person cannot tell, and neither could an engine
/// with an older log.
fn tag(facts: &Facts<'_>, view: &LinkView, draft: &mut Draft) {
    if !facts.peering.made_the_link() || view.owner == Some(facts.peering.id) {
        return;
    }
    if drift::classify(facts, DriftKind::LinkTagMissing, draft) == drift::Verdict::Repair {
        draft.act(
            facts,
            Action::TagLink {
                link: view.link.clone(),
            },
        );
    }
}

/// An exception whose time is over is closed, whatever the link is doing, and whatever can be seen
/// of it.
pub(super) fn expire_ingresses(facts: &Facts<'_>, draft: &mut Draft) {
    if !facts.peering.life.is_live() {
        return;
    }
    for (ingress_id, ingress) in &facts.peering.ingress {
        match ingress.expires_at {
            Some(at) if at <= facts.now => {
                let (peering_id, because) = (facts.peering.id, IngressEnd::Expired);
                draft.record(Outcome::IngressExpired(ConnectorIngressRevoked {
                    peering_id,
                    ingress_id: *ingress_id,
                    because,
                }));
                draft.again = true;
            }
            Some(at) => draft.due_at(at),
            None => {}
        }
    }
}
