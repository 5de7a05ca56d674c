//! Sides on which nothing keeps the other side out, because the request accepted that and there is
//! nothing that the engine may write into.

use super::{Draft, Facts, Query};
use cloud::Rehearsed;
use domain::Side;

/// Whether the engine makes a group here, once that is known. Where the request accepted that
/// nothing keeps the other side out, it makes none if there is nothing that it may write into;
/// otherwise it tries, and the refusal says what is missing.
pub(super) fn may_make(facts: &Facts<'_>, side: Side, draft: &mut Draft) -> Option<bool> {
    if facts.peering.terms.accept_open.is_none() {
        return Some(true);
    }
    let rehearsed = facts.seen.may_create_group.get(side);
    let said = draft.require(rehearsed, Query::MayCreateGroup(side))?;
    Some(!matches!(said, Rehearsed::NowhereToWrite { .. }))
}

/// Whether the side is as closed as its request wants it: the group holds what it should, or, where
/// that was accepted, there is nothing that the engine could write it into.
pub(super) fn is_in_force(facts: &Facts<'_>, side: Side, draft: &mut Draft) -> bool {
    facts.peering.firewall.get(side).is_enforced()
        || facts.peering.is_left_open(side) && may_make(facts, side, draft) == Some(false)
}
