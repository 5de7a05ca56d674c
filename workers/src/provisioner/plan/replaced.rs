//! Which network an end is: names come back at some clouds, and a network that was deleted and made
//! again is another one, though every id on record fits it.
//!
//! The id that a cloud gives a network once is on record from the first look. Another one is drift
//! that nobody puts right and no policy takes for what was wanted: nothing is opened while it
//! stands, and closings go on. An id that the cloud does not tell says nothing.

use super::{Draft, Facts, Query, drift};
use crate::provisioner::sides;
use domain::{
    Side,
    network::{
        BlockCause, DriftKind, DriftRepaired, HalfChange, Life, NetworkImmutableIdSeen, Outcome,
        PeerImmutableIdSeen, ProvisioningBlocked, is_news,
    },
    text::ImmutableId,
};

/// Comes last: what would be opened has to be seen first, if the rest of the plan did not ask.
pub(super) fn plan(facts: &Facts<'_>, draft: &mut Draft) {
    match facts.peering.life {
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::AwaitingAcceptance { .. }
        | Life::Provisioning { .. }
        | Life::Active { .. } => {}
        Life::Removing { .. } | Life::Abandoning { .. } | Life::Ended(_) => return,
    }
    for side in facts.peering.kept_sides() {
        let provider = sides::of(facts.network, facts.peering, side).provider;
        if provider.names_come_back() && !*facts.unseen.get(side) {
            judge(facts, side, draft);
        }
    }
}

fn judge(facts: &Facts<'_>, side: Side, draft: &mut Draft) {
    let slot = facts.seen.network.get(side);
    // Under a link it is looked at whenever that is; before, once something is to be opened.
    let is_wanted = matches!(facts.peering.life, Life::Active { .. })
        || standing(facts, side).next().is_some()
        || opens(facts, side, draft);
    if slot.is_none() && is_wanted {
        draft.needs.insert(Query::Network(side));
        return;
    }
    let shown = slot.iter().flatten().find_map(|it| it.immutable_id.clone());
    let recorded = facts.network.immutable_id(facts.peering, side);
    match (recorded, shown) {
        (None, Some(id)) => draft.record(seen_first(facts, side, id)),
        (Some(recorded), Some(seen)) if *recorded != seen => {
            is_another(facts, side, (recorded, seen), draft);
        }
        (Some(_), Some(_)) => is_over(facts, standing(facts, side), draft),
        // What was found stands until it is seen to be over.
        (_, None) => {
            for kind in standing(facts, side) {
                waits(facts, kind, draft);
            }
        }
    }
}

fn seen_first(facts: &Facts<'_>, side: Side, immutable_id: ImmutableId) -> Outcome {
    match side {
        Side::Local => NetworkImmutableIdSeen {
            network_id: facts.network.id,
            immutable_id,
        }
        .into(),
        Side::Remote => PeerImmutableIdSeen {
            peering_id: facts.peering.id,
            immutable_id,
        }
        .into(),
    }
}

/// What is on record of this side's network having been replaced.
fn standing<'a>(facts: &Facts<'a>, side: Side) -> impl Iterator<Item = &'a DriftKind> {
    let all = facts.peering.drift.keys();
    all.filter(move |it| it.is_replacement() && it.side() == side)
}

fn is_another(
    facts: &Facts<'_>,
    side: Side,
    (recorded, seen): (&ImmutableId, ImmutableId),
    draft: &mut Draft,
) {
    let kind = DriftKind::NetworkReplaced {
        side,
        recorded: recorded.clone(),
        seen,
    };
    let others = standing(facts, side).filter(|it| **it != kind);
    is_over(facts, others, draft);
    drift::note(facts, &kind, draft);
    waits(facts, &kind, draft);
}

/// Nothing is opened, and a person is told what to do.
fn waits(facts: &Facts<'_>, kind: &DriftKind, draft: &mut Draft) {
    let Some((side, seen)) = kind.replaced_by() else {
        return;
    };
    draft.replaced = true;
    let network = sides::network(facts.network, facts.peering, side);
    let message = format!(
        "{network} was deleted and made again: its immutable id is {seen}, and another is on record; nothing is opened in it"
    );
    let (network_id, peering_id) = (facts.network.id, facts.peering.id);
    let why = "--reason 'the network was made again'";
    let remove = format!("then peerage peering remove {peering_id} {why}");
    let mut remedy = vec!["find out from its owner whether it was to be made again".to_owned()];
    match side {
        Side::Local => remedy.extend([
            format!("{remove}, and all others of this network"),
            format!("and peerage network retire {network_id} {why}, and register it anew"),
        ]),
        Side::Remote => remedy.push(format!("{remove}, and request it anew")),
    }
    // Whatever else is in the way: this comes first.
    draft.block = Some(ProvisioningBlocked {
        peering_id,
        cause: BlockCause::Conflict,
        side,
        message,
        remedy,
        times: 1,
    });
}

fn is_over<'a>(facts: &Facts<'_>, found: impl Iterator<Item = &'a DriftKind>, draft: &mut Draft) {
    for finding in found.cloned() {
        let over = Outcome::from(DriftRepaired {
            peering_id: facts.peering.id,
            finding,
            repaired_at: facts.now,
        });
        // What comes and goes is held on record for a while: so is what it holds up.
        draft.again |= is_news(facts.network, &over, facts.now);
        draft.record(over);
    }
}

/// Whether the plan opens anything on this side.
fn opens(facts: &Facts<'_>, side: Side, draft: &Draft) -> bool {
    let may = !facts.rests && facts.network.may_open(facts.peering);
    let mut actions = draft.actions.iter();
    let mut halves = draft.halves.iter();
    may && (draft.intent.is_some()
        || actions.any(|it| it.opens() && it.side() == side)
        || halves.any(|it| it.change == HalfChange::Make && it.side == side))
}
