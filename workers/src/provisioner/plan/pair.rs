//! The links of one pair of networks: which of them is the engine's, and which stands in the way.

use super::{Draft, Facts};
use crate::provisioner::sides;
use cloud::{LinkView, Owner};
use domain::{Side, network::BlockCause};

/// Whether this tag is the peering's, of this installation's network. One from before the tag named
/// the network counts: whose the thing is, the record and its form say as well.
pub(super) fn has_our_tag(facts: &Facts<'_>, tag: Option<Owner>) -> bool {
    tag.is_some_and(|owner| owner.is(facts.network.id, facts.peering.id))
}

/// Whether this is the link that the engine made for this peering, and not one of an earlier
/// request.
pub(super) fn is_ours(facts: &Facts<'_>, view: &LinkView) -> bool {
    has_our_tag(facts, view.owner)
        && joins_as_asked(facts, view)
        && !facts.peering.past_links.contains(&view.link)
}

/// Whether this is a link from our network to the peer's.
fn joins_as_asked(facts: &Facts<'_>, view: &LinkView) -> bool {
    let end = |side| sides::network(facts.network, facts.peering, side);
    view.first.network.is_same(&end(Side::Local)) && view.second.network.is_same(&end(Side::Remote))
}

/// Whether this may be the link just asked for, whose tag is not shown yet.
pub(super) fn could_become_ours(facts: &Facts<'_>, view: &LinkView) -> bool {
    view.owner.is_none() && joins_as_asked(facts, view)
}

/// A half of the name that the engine would give, where nothing but names says whose a half is: no
/// request for it is on record, so it is somebody's, and stays theirs.
pub(super) fn is_named_like_ours(facts: &Facts<'_>, live: &[&LinkView], draft: &mut Draft) -> bool {
    let Some(view) = live.first() else {
        return false;
    };
    let message = format!(
        "{} has the name that Peerage gives its half, and no request for it is on record; it is left alone",
        view.link
    );
    let remedy = vec![
        format!(
            "delete {} in the private network, if nobody needs it; then it is asked for",
            view.link
        ),
        "or remove this peering and put the link that is there on record: `peerage peering adopt`"
            .to_owned(),
    ];
    draft.block(facts, BlockCause::Conflict, Side::Local, message, remedy);
    true
}

/// A stranger's live link for the pair, or a second one of ours.
pub(super) fn stands_in_the_way(
    facts: &Facts<'_>,
    live: &[&LinkView],
    others: &[&LinkView],
    draft: &mut Draft,
) -> bool {
    let strangers: Vec<_> = others
        .iter()
        .copied()
        .filter(|view| view.state.is_live())
        .collect();
    let in_the_way = if !strangers.is_empty() {
        strangers
    } else if live.len() > 1 {
        live.to_vec()
    } else {
        return false;
    };
    let ids = in_the_way
        .iter()
        .map(|view| view.link.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    let message =
        format!("the two networks are joined already, by {ids}; there can be one link for a pair");
    let remedy = vec![
        format!(
            "delete {ids}, or leave one and let the others go; nothing is deleted that is not on record as ours"
        ),
        "or remove this peering and put the link that is there on record: `peerage peering adopt`"
            .to_owned(),
    ];
    draft.block(facts, BlockCause::Conflict, Side::Local, message, remedy);
    true
}
