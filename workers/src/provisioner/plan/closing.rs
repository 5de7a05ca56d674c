//! Closings: what one side has to close, from what is on record as ours, whatever else holds.
//!
//! Routes that were withdrawn, rules that are no longer admitted, exposures that the policy says to
//! revoke; in a removal, every rule and route. A side's closings ask for its own tables and groups
//! alone: they wait for nothing of the other side, for no link to be shown, and for no opening.

use super::{Draft, Facts, Query, abandonment, attachment, exposure, firewall, removal, routes};
use domain::{
    Side,
    network::{Life, LinkTrace},
    text::Link,
};

pub(super) fn plan(facts: &Facts<'_>, side: Side, draft: &mut Draft) {
    if !facts.peering.is_ours_to_keep(side) {
        return;
    }
    match &facts.peering.life {
        Life::Requested | Life::Initiating { .. } | Life::InitiationRefused { .. } => {}
        Life::AwaitingAcceptance { link, .. }
        | Life::Provisioning { link }
        | Life::Active { link } => {
            withdrawn(facts, side, link, draft);
            firewall::close_alone(facts, side, draft);
            attachment::close_alone(facts, side, draft);
            exposure::close_alone(facts, side, draft);
        }
        Life::Removing { trace } => match trace {
            LinkTrace::Never | LinkTrace::Perhaps { .. } => {}
            LinkTrace::Seen(link) | LinkTrace::Gone(link) => {
                removal::side(facts, side, link, draft);
                exposure::close_alone(facts, side, draft);
            }
        },
        Life::Abandoning { trace } => abandonment::close(facts, side, trace, draft),
        Life::Ended(_) => {}
    }
}

/// Routes that are ours and no longer wanted, but for those that wait for whatever takes their
/// place.
fn withdrawn(facts: &Facts<'_>, side: Side, link: &Link, draft: &mut Draft) {
    if !routes::are_to_go(facts, side) {
        return;
    }
    let Some(tables) = draft.require(facts.seen.tables.get(side), Query::Tables(side)) else {
        return;
    };
    routes::withdraw(
        facts,
        side,
        link,
        tables,
        |_| routes::Successor::Unknown,
        draft,
    );
}
