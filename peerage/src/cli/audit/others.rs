//! What happened to connectors, to access and to what waited for approval, which read models do not
//! hold: read from the log.

use super::{filter::Filter, place::exact};
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
    /// What waited for approval, who approved, and what became of it.
    Approvals,
    /// All of that.
    All,
}

impl Part {
    pub(super) fn has_networks(self) -> bool {
        match self {
            Self::Networks | Self::All => true,
            Self::Connectors | Self::Access | Self::Approvals => false,
        }
    }

    /// What of it is read from the log.
    fn others(self) -> &'static [LogPart] {
        match self {
            Self::Networks => &[],
            Self::Connectors => &[LogPart::Connectors],
            Self::Access => &[LogPart::Access],
            Self::Approvals => &[LogPart::Approvals],
            Self::All => &[LogPart::Connectors, LogPart::Access, LogPart::Approvals],
        }
    }
}

/// Puts events in the order of the log, and keeps the last ones, so many at most.
pub(super) fn in_order(events: &mut Vec<Event>, most: usize) {
    let place = |it: &Event| {
        let (commit, prepare) = it.position.split_once('/')?;
        Some((commit.parse::<u64>().ok()?, prepare.parse::<u64>().ok()?))
    };
    events.sort_by_key(place);
    let first = events.len().saturating_sub(most);
    events.drain(..first);
}

/// The last of what is read from the log for this part, so many at most.
pub(super) async fn last(
    servers: &mut Servers,
    part: Part,
    filter: &Filter,
    most: usize,
) -> Result<Vec<Event>, CliError> {
    let parts = part.others();
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    filter.only_of_all()?;
    let mut found = VecDeque::new();
    let mut message = v1::ReadLogRequest {
        parts: parts.iter().map(|it| (*it).into()).collect(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_several_parts_stand_in_the_order_of_the_log_and_the_last_ones_are_kept() {
        let at = |position: &str| Event {
            position: position.to_owned(),
            ..Event::default()
        };
        let mut events = vec![at("100/100"), at("9/9"), at("20/21"), at("20/20")];
        in_order(&mut events, 3);
        let left: Vec<_> = events.iter().map(|it| it.position.as_str()).collect();
        assert_eq!(left, ["20/20", "20/21", "100/100"]);
        in_order(&mut events, 9);
        assert_eq!(events.len(), 3);
    }
}
