//! The end of a peering, and of each source that the private network admits.

use super::{Draft, Facts};
use domain::network::{AdmissionExpired, AtEnd, Life, PeeringTenureEnded};

/// What has come to its end ends on record, whatever the link is doing, and whatever can be seen of
/// it. The closings and the removal follow from the record.
pub(super) fn expire(facts: &Facts<'_>, draft: &mut Draft) {
    match facts.peering.life {
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::AwaitingAcceptance { .. }
        | Life::Provisioning { .. }
        | Life::Active { .. } => {}
        Life::Removing { .. } | Life::Abandoning { .. } | Life::Ended(_) => return,
    }
    for (rule, tenure) in &facts.peering.admissions {
        match tenure.expires_at {
            Some(expires_at) if expires_at <= facts.now => {
                draft.record(AdmissionExpired {
                    peering_id: facts.peering.id,
                    rule: *rule,
                    expires_at,
                });
                draft.again = true;
            }
            Some(expires_at) => draft.due_at(expires_at),
            None => {}
        }
    }
    peering(facts, draft);
}

fn peering(facts: &Facts<'_>, draft: &mut Draft) {
    let Some(expires_at) = facts.peering.tenure.expires_at else {
        return;
    };
    if facts.now < expires_at {
        return draft.due_at(expires_at);
    }
    let at_end = facts.network.policy.tenure.at_end;
    let is_told = facts.peering.tenure_ended == Some(expires_at);
    if at_end == AtEnd::Remove || !is_told {
        draft.record(PeeringTenureEnded {
            peering_id: facts.peering.id,
            expires_at,
            at_end,
        });
        draft.again = true;
    }
}
