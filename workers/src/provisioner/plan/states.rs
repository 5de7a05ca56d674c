//! The states of a link at the cloud, and what they come to when nobody here asked for them.

use super::{Draft, Facts, Missing, Query};
use cloud::{LinkState, LinkView};
use domain::{
    Side,
    network::{BlockCause, Outcome, PeeringExpired, PeeringFailed, PeeringRejected},
    text::Link,
};

/// The link on record, as the local side shows it.
pub(super) fn on_record<'a>(
    facts: &Facts<'a>,
    link: &Link,
    draft: &mut Draft,
) -> Option<&'a LinkView> {
    let views = draft.require(&facts.seen.links.local, Query::Links(Side::Local))?;
    let view = views.iter().find(|view| view.link == *link);
    if view.is_none() {
        let message = format!("the cloud no longer shows {link}");
        draft.missing(facts, Missing::Link(Side::Local), message, gone(facts));
    }
    view
}

pub(super) fn ending(view: &LinkView) -> Option<&LinkState> {
    match &view.state {
        LinkState::Rejected | LinkState::Expired | LinkState::Failed => Some(&view.state),
        LinkState::Initiating
        | LinkState::Pending
        | LinkState::Provisioning
        | LinkState::Active
        | LinkState::Disconnected
        | LinkState::Deleting
        | LinkState::Deleted
        | LinkState::Unknown(_) => None,
    }
}

/// How the peering has ended, if its link has ended by itself.
pub(super) fn ended(facts: &Facts<'_>, view: &LinkView) -> Option<Outcome> {
    let (peering_id, link) = (facts.peering.id, view.link.clone());
    Some(match ending(view)? {
        LinkState::Rejected => Outcome::Rejected(PeeringRejected { peering_id, link }),
        LinkState::Expired => Outcome::Expired(PeeringExpired { peering_id, link }),
        LinkState::Failed
        | LinkState::Initiating
        | LinkState::Pending
        | LinkState::Provisioning
        | LinkState::Active
        | LinkState::Disconnected
        | LinkState::Deleting
        | LinkState::Deleted
        | LinkState::Unknown(_) => {
            let message = view
                .message
                .clone()
                .unwrap_or_else(|| "the cloud gives no reason".to_owned());
            Outcome::Failed(PeeringFailed {
                peering_id,
                link: Some(link),
                message,
            })
        }
    })
}

/// Somebody ended the link at the cloud.
pub(super) fn deleted(facts: &Facts<'_>, view: &LinkView, draft: &mut Draft) {
    let message = format!(
        "{} has been ended at the cloud ({})",
        view.link,
        view.state.as_str()
    );
    draft.block(
        facts,
        BlockCause::LinkEnded,
        Side::Local,
        message,
        gone(facts),
    );
}

pub(super) fn unknown(facts: &Facts<'_>, view: &LinkView, draft: &mut Draft) {
    let message = format!(
        "the cloud shows {} as `{}`, which no rule covers",
        view.link,
        view.state.as_str()
    );
    let remedy = vec![
        "look at the link in the provider's console; Peerage waits until it shows a known state"
            .to_owned(),
    ];
    draft.block(facts, BlockCause::Unexpected, Side::Local, message, remedy);
}

pub(super) fn gone(facts: &Facts<'_>) -> Vec<String> {
    vec![
        "find out who ended the link; it is not made again without a new request".to_owned(),
        format!(
            "peerage peering remove {} --reason 'the link was ended at the cloud'",
            facts.peering.id
        ),
    ]
}
