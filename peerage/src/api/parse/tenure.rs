//! Who answers for something, and when it ends.

use super::Fields;
use crate::api::v1;
use domain::network::{Tenure, TenurePolicy};

/// What is said of an owner and an end; nothing where nothing is.
pub(super) fn tenure(
    fields: &mut Fields,
    field: &str,
    sent: Option<&v1::Tenure>,
) -> Option<Tenure> {
    let Some(sent) = sent else {
        return Some(Tenure::default());
    };
    let owner = fields.optional(&format!("{field}.owner"), &sent.owner);
    let expires_at = fields.time(&format!("{field}.expires_at"), sent.expires_at.as_ref());
    Some(Tenure {
        owner: owner?,
        expires_at: expires_at?,
    })
}

/// What a policy says of owners and ends.
pub(super) fn tenure_policy(
    fields: &mut Fields,
    field: &str,
    sent: Option<&v1::TenurePolicy>,
) -> Option<TenurePolicy> {
    let Some(sent) = sent else {
        return Some(TenurePolicy::default());
    };
    let most = |seconds: u64| (seconds > 0).then_some(seconds);
    let at_end = fields.word_or_usual::<v1::AtEnd>(&format!("{field}.at_end"), sent.at_end);
    Some(TenurePolicy {
        owner_required: sent.owner_required,
        longest_peering: most(sent.longest_peering_seconds),
        longest_admission: most(sent.longest_admission_seconds),
        at_end: at_end?,
    })
}
