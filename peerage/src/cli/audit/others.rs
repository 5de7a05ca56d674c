//! Whose events are told, and events as they stand in the log.

use super::place::exact;
use crate::{
    api::v1::{self, Actor, Event, LogPart},
    cli::CliError,
};
use clap::ValueEnum;

/// Whose events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// Networks and their peerings.
    Networks,
    /// How connectors were managed, and what became of them.
    Connectors,
    /// Which policy of access was enforced, and what was denied.
    Access,
    /// What waited for approval, who approved, and what became of it.
    Approvals,
    /// All of that.
    All,
}

impl Part {
    /// What it is called in a request.
    pub(super) fn parts(self) -> Vec<i32> {
        let parts: &[LogPart] = match self {
            Self::Networks => &[LogPart::Networks],
            Self::Connectors => &[LogPart::Connectors],
            Self::Access => &[LogPart::Access],
            Self::Approvals => &[LogPart::Approvals],
            Self::All => &[
                LogPart::Networks,
                LogPart::Connectors,
                LogPart::Access,
                LogPart::Approvals,
            ],
        };
        parts.iter().map(|it| (*it).into()).collect()
    }
}

/// A record as the audit shows events.
pub(super) fn event(record: v1::LogRecord) -> Result<Event, CliError> {
    let (created, event_id) = (record.created, record.event_id.clone());
    let entry = super::export::entry(record)?;
    let about = entry.about();
    let text = |it: Option<String>| it.unwrap_or_default();
    let about = about.as_ref();
    Ok(Event {
        position: entry.position.to_string(),
        stream: entry.stream.clone(),
        revision: entry.revision,
        r#type: entry.event_type.clone(),
        actor: about.map(|it| Actor {
            subject: text(it.actor.subject.as_ref().map(ToString::to_string)),
            method: text(it.actor.method.as_ref().map(ToString::to_string)),
            issuer: text(it.actor.issuer.as_ref().map(ToString::to_string)),
            claimed: text(it.actor.claimed.as_ref().map(ToString::to_string)),
        }),
        command_id: text(about.map(|it| it.command_id.to_string())),
        reason: text(about.and_then(|it| it.reason.as_ref().map(ToString::to_string))),
        ticket: text(about.and_then(|it| it.ticket.as_ref().map(ToString::to_string))),
        time: Some(exact(entry.time())),
        created,
        event_id,
        sentence: entry.sentence(),
        raw_data: entry.data.clone(),
        // What stands where a network's name does.
        network_name: entry.stream.clone(),
        ..Event::default()
    })
}
