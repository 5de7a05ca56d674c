//! Drift: what was in place and is otherwise now; found, put right, or left, as the network's
//! policy says.
//!
//! A repair that is undone again and again is a fight with somebody: the pauses between repairs
//! grow, and after a few a person must decide.

use super::{Draft, Facts, later};
use domain::network::{
    BlockCause, DriftAdopted, DriftDetected, DriftKind, DriftPolicy, DriftRepaired, FIGHT_WINDOW,
};

/// How many repairs of one thing within a day are made before a person must act.
pub(super) const REPAIRS: u32 = 3;

/// What to do about drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Repair,
    Leave,
}

/// Puts drift on record, and says whether it is to be put right now.
pub(super) fn classify(facts: &Facts<'_>, kind: DriftKind, draft: &mut Draft) -> Verdict {
    let peering = facts.peering;
    if peering.accepted_drift.contains_key(&kind) {
        return Verdict::Leave;
    }
    note(facts, &kind, draft);
    match facts.network.policy.drift {
        DriftPolicy::Report => Verdict::Leave,
        DriftPolicy::Adopt => {
            draft.record(DriftAdopted {
                peering_id: peering.id,
                finding: kind,
            });
            Verdict::Leave
        }
        DriftPolicy::Repair => repair(facts, &kind, draft),
    }
}

/// Puts drift on record that the engine cannot put right, whatever the policy; adopted, it is
/// how it should be.
pub(super) fn report(facts: &Facts<'_>, kind: DriftKind, draft: &mut Draft) {
    if facts.peering.accepted_drift.contains_key(&kind) {
        return;
    }
    note(facts, &kind, draft);
    if facts.network.policy.drift == DriftPolicy::Adopt {
        draft.record(DriftAdopted {
            peering_id: facts.peering.id,
            finding: kind,
        });
    }
}

pub(super) fn note(facts: &Facts<'_>, kind: &DriftKind, draft: &mut Draft) {
    if !facts.peering.drift.contains_key(kind) {
        draft.record(DriftDetected {
            peering_id: facts.peering.id,
            finding: kind.clone(),
            detected_at: facts.now,
        });
    }
    draft.found.insert(kind.clone());
}

fn repair(facts: &Facts<'_>, kind: &DriftKind, draft: &mut Draft) -> Verdict {
    let repairs = facts.peering.repairs_of(kind);
    let Some(last) = repairs.last.filter(|last| facts.now - *last < FIGHT_WINDOW) else {
        return Verdict::Repair;
    };
    if repairs.count >= REPAIRS {
        let message = format!(
            "{} was put right {} times within a day and is undone again",
            kind.kind(),
            repairs.count
        );
        let remedy = vec![
            "find out who undoes it, and agree with them".to_owned(),
            format!(
                "or let it be as it is: peerage network policy {} --drift adopt",
                facts.network.id
            ),
        ];
        draft.block(
            facts,
            BlockCause::RepairUndone,
            kind.side(),
            message,
            remedy,
        );
        draft.due_at(last + FIGHT_WINDOW);
        return Verdict::Leave;
    }
    let next = later(last, facts.settings.pause(repairs.count));
    if facts.now < next {
        draft.due_at(next);
        return Verdict::Leave;
    }
    Verdict::Repair
}

/// What was found before and is no longer there has been put right. Only after everything has been
/// looked at. Which network an end is, is judged by itself.
pub(super) fn close(facts: &Facts<'_>, draft: &mut Draft) {
    let over = facts
        .peering
        .drift
        .keys()
        .filter(|kind| !kind.is_replacement() && !draft.found.contains(kind))
        .cloned()
        .collect::<Vec<_>>();
    for kind in over {
        draft.record(DriftRepaired {
            peering_id: facts.peering.id,
            finding: kind,
            repaired_at: facts.now,
        });
    }
}
