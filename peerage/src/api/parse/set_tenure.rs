//! The command that says who answers for something, and when it ends.

use super::{
    Fields,
    context::{command, peering},
    firewall::inbound_rules,
};
use crate::api::v1::set_tenure_request::{EndChange, OwnerChange};
use chrono::{DateTime, Utc};
use domain::{
    network::{Change, SetTenure},
    text::OwnerName,
};

command!(SetTenureRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let rule = match &request.rule {
        None => Some(None),
        Some(rule) => inbound_rules(fields, "rule", std::slice::from_ref(rule))
            .map(|it| it.first().copied()),
    };
    let owner = owner_change(fields, request.owner_change.as_ref());
    let expires_at = end_change(fields, request.end_change.as_ref());
    let (peering_id, address) = about?;
    let command = SetTenure {
        peering_id,
        rule: rule?,
        owner: owner?,
        expires_at: expires_at?,
    };
    if command.owner.is_none() && command.expires_at.is_none() {
        return fields.wrong("owner_change", "is missing, and end_change too: say what changes");
    }
    Some((address, command.into()))
});

#[expect(clippy::option_option, reason = "wrong and absent are two things")]
fn owner_change(
    fields: &mut Fields,
    change: Option<&OwnerChange>,
) -> Option<Option<Change<OwnerName>>> {
    Some(match change {
        None | Some(OwnerChange::NoOwner(false)) => None,
        Some(OwnerChange::NoOwner(true)) => Some(Change::None),
        Some(OwnerChange::Owner(name)) => Some(Change::To(fields.take("owner", name)?)),
    })
}

#[expect(clippy::option_option, reason = "wrong and absent are two things")]
fn end_change(
    fields: &mut Fields,
    change: Option<&EndChange>,
) -> Option<Option<Change<DateTime<Utc>>>> {
    Some(match change {
        None | Some(EndChange::NoExpiry(false)) => None,
        Some(EndChange::NoExpiry(true)) => Some(Change::None),
        Some(EndChange::ExpiresAt(at)) => fields.time("expires_at", Some(at))?.map(Change::To),
    })
}
