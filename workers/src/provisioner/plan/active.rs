//! An active link: everything asked for is put in place, and what was in place is kept so.
//!
//! What the log has never seen in place is missing; what it has seen and differs now has drifted.

use super::{
    Draft, Facts, adoption, denial, drift, exposure, firewall, halves, later, link, options,
    ranges, routes, states,
};
use cloud::{LinkState, LinkView};
use domain::{Side, text::Link};

pub(super) fn plan(facts: &Facts<'_>, link: &Link, draft: &mut Draft) {
    draft.due_at(later(facts.now, facts.settings.drift_interval));
    let Some(view) = active(facts, link, draft) else {
        return;
    };
    adoption::see_asked_side(facts, view, draft);
    if !adoption::is_surveyed(facts, link, view, draft) {
        return;
    }
    link::tag(facts, view, draft);
    ranges::confirm(facts, view, draft);
    for side in facts.peering.kept_sides() {
        routes::plan(facts, side, view, draft);
        firewall::plan(facts, side, draft);
        denial::plan(facts, side, draft);
        options::plan(facts, side, view, draft);
    }
    for side in facts.peering.kept_sides() {
        exposure::plan(facts, side, draft);
    }
    if draft.needs.is_empty() {
        drift::close(facts, draft);
        exposure::suspend(facts, draft);
    }
}

/// The link, if it is still shown as active; if not, what follows from that.
fn active<'a>(facts: &Facts<'a>, link: &Link, draft: &mut Draft) -> Option<&'a LinkView> {
    let view = states::on_record(facts, link, draft)?;
    match &view.state {
        LinkState::Active => {
            halves::is_seen(facts, Side::Remote, link, draft);
            return Some(view);
        }
        LinkState::Disconnected => halves::is_cut_off(facts, view, draft),
        // A half that was connected and waits has lost its other half.
        LinkState::Pending if halves::form(facts).is_two_objects() => {
            halves::is_cut_off(facts, view, draft);
        }
        LinkState::Initiating | LinkState::Pending | LinkState::Provisioning => draft.polls = true,
        LinkState::Failed
        | LinkState::Rejected
        | LinkState::Expired
        | LinkState::Deleting
        | LinkState::Deleted => {
            drift::report(facts, link::ended(facts, view), draft);
            states::deleted(facts, view, draft);
        }
        LinkState::Unknown(_) => states::unknown(facts, view, draft),
    }
    None
}
