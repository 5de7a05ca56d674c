//! What happened to connectors and to access, which read models do not hold: read from the log.

use super::filter::Filter;
use crate::{
    api::v1::{self, Actor, Event, LogPart},
    cli::{CliError, engine::Servers},
};
use clap::ValueEnum;
use std::collections::VecDeque;

/// Whose events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// Networks and their peerings.
    Networks,
    /// How connectors were managed, and what became of them.
    Connectors,
    /// Which policy of access was enforced, and what was denied.
    Access,
}

/// The last of these events, so many at most.
pub(super) async fn last(
    servers: &mut Servers,
    part: LogPart,
    filter: &Filter,
    most: usize,
) -> Result<Vec<Event>, CliError> {
    filter.only_of_all()?;
    let mut found = VecDeque::new();
    let mut message = v1::ReadLogRequest {
        parts: vec![part.into()],
        ..Default::default()
    };
    loop {
        let answer = servers.read(message.clone()).await?;
        for record in answer.records {
            let event = event(record)?;
            if filter.matches(&event) {
                found.push_back(event);
            }
            if found.len() > most {
                found.pop_front();
            }
        }
        message.after_position = answer.position;
        if answer.is_end {
            return Ok(found.into());
        }
    }
}

/// A record as the audit shows events.
fn event(record: v1::LogRecord) -> Result<Event, CliError> {
    let created = record.created;
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
        time: Some(crate::cli::args::timestamp(entry.time())),
        created,
        sentence: entry.sentence(),
        raw_data: entry.data.clone(),
        // What stands where a network's name does.
        network_name: entry.stream.clone(),
        ..Event::default()
    })
}
