//! `peerage audit evidence`: all that is on record of one ticket, peering or event, as one file.

use super::{
    filter::said,
    others::Part,
    place::{self, EventName, at_position},
    prove, stored,
};
use crate::{
    api::v1::{self, Event, EventOrder},
    cli::{
        CliError, Remote,
        engine::Servers,
        output,
        resolve::{self, Named},
        terminal,
    },
};
use clap::{ArgGroup, Args};
use journal::Position;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};
use tree::{EventProof, Leaf};
use uuid::Uuid;

/// What such a file calls itself.
pub(super) const FORMAT: &str = "peerage audit evidence";

/// The most events that a file holds.
const EVENTS: usize = 10_000;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("about").required(true).args(["ticket", "peering", "event"]))]
pub(super) struct Evidence {
    #[command(flatten)]
    remote: Remote,
    /// Of what was done with this ticket, like OPS-1234.
    #[arg(long, value_name = "TICKET", value_parser = said)]
    ticket: Option<String>,
    /// Of this peering: its id, the id's first characters, its link's id, the peer's network, or
    /// ACCOUNT/NETWORK.
    #[arg(long, value_name = "PEERING")]
    peering: Option<Named>,
    /// Of this event: its id, or its position, as `peerage audit log -o json` shows them, like
    /// 4711/4711.
    #[arg(long, value_name = "EVENT", value_parser = place::event)]
    event: Option<EventName>,
    /// Leave out the proofs of the events, as where the server has no key to sign with.
    #[arg(long)]
    without_proofs: bool,
    /// The file to make, like evidence.json. One that is there is not written over.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Evidence {
    pub(super) async fn run(self) -> Result<(), CliError> {
        if self.out.exists() {
            let out = self.out.display();
            return Err(CliError::usage(format!("--out {out} is there already")));
        }
        let mut servers = self.remote.servers()?;
        let peering_id = resolve::peering_if_any(&mut servers, self.peering.as_ref()).await?;
        let question = json!({
            "ticket": self.ticket, "event": self.event.as_ref().map(ToString::to_string),
            "peering_id": Some(&peering_id).filter(|it| !it.is_empty()),
        });
        let events = match &self.event {
            Some(event) => one(&mut servers, event).await?,
            None => {
                let ticket = self.ticket.clone().unwrap_or_default();
                all(&mut servers, ticket, peering_id).await?
            }
        };
        if events.is_empty() {
            return Err(CliError::failed("nothing is on record of it"));
        }
        let explained = explained(&mut servers, &events).await?;
        let networks = networks(&mut servers, &events).await?;
        let proofs = match self.without_proofs {
            true => Vec::new(),
            false => proofs(&mut servers, &events).await?,
        };
        let shown = shown(&events, &proofs)?;
        let document = json!({
            "format": FORMAT,
            "version": 1,
            "question": question,
            "events": shown,
            "explained": explained,
            "networks": networks,
            "proofs": proofs,
        });
        write(&self.out, &document)?;
        let made = json!({ "file": self.out, "events": events.len() });
        output::print(self.remote.output, &made, |_| {
            let many = output::counted(events.len() as u64, "event");
            format!("{many}, in {}", self.out.display())
        })
    }
}

async fn all(
    servers: &mut Servers,
    ticket: String,
    peering_id: String,
) -> Result<Vec<Event>, CliError> {
    let message = v1::ListEventsRequest {
        order: EventOrder::OldestFirst.into(),
        ticket,
        peering_id,
        parts: Part::All.parts(),
        ..Default::default()
    };
    let mut events = servers.list(message, EVENTS + 1).await?;
    bounded(&events)?;
    add_outcomes(servers, &mut events).await?;
    bounded(&events)?;
    Ok(events)
}

fn bounded(events: &[Event]) -> Result<(), CliError> {
    if events.len() > EVENTS {
        let text = format!("more than {EVENTS} events are on record of it: name one event");
        return Err(CliError::failed(text));
    }
    Ok(())
}

/// Adds what the engine did because of the commands that these events are of: it goes back to them,
/// and carries no ticket of its own.
async fn add_outcomes(servers: &mut Servers, events: &mut Vec<Event>) -> Result<(), CliError> {
    let commands: BTreeSet<_> = events.iter().map(|it| it.command_id.clone()).collect();
    let known: BTreeSet<_> = events.iter().map(|it| it.position.clone()).collect();
    let peerings = events.iter().filter(|it| !it.peering_id.is_empty());
    let peerings: BTreeSet<_> = peerings
        .map(|it| (it.network_id.clone(), it.peering_id.clone()))
        .collect();
    for (network_id, peering_id) in peerings {
        let message = v1::ListEventsRequest {
            order: EventOrder::OldestFirst.into(),
            network_id,
            peering_id,
            ..Default::default()
        };
        let of_peering = servers.list(message, EVENTS + 1).await?;
        bounded(&of_peering)?;
        events.extend(
            of_peering.into_iter().filter(|it| {
                commands.contains(&it.cause_command_id) && !known.contains(&it.position)
            }),
        );
    }
    events.sort_by_key(|it| it.position.parse::<Position>().ok());
    Ok(())
}

/// What the file shows of the events: as far as there are proofs, what these hold and nothing
/// else, so that whoever verifies it can hold all of it against them.
fn shown(events: &[Event], proofs: &[String]) -> Result<Vec<Value>, CliError> {
    if proofs.is_empty() {
        return events.iter().map(stored::document).collect();
    }
    let proved = events.iter().zip(proofs).map(|(event, proof)| {
        let leaf = EventProof::parse(proof).ok().and_then(|it| it.leaf);
        let leaf = leaf.and_then(|it| Leaf::parse(&it).ok());
        let leaf = leaf.ok_or_else(|| CliError::failed("the server's proof holds no event"))?;
        let proved = stored::event(&leaf, &event.position, event.created)?;
        stored::document(&proved)
    });
    proved.collect()
}

/// Each event's proof, in their order.
async fn proofs(servers: &mut Servers, events: &[Event]) -> Result<Vec<String>, CliError> {
    let mut proofs = Vec::with_capacity(events.len());
    for event in events {
        let name = EventName::Position(event.position.clone());
        let answer = servers.read(prove::request(&name, String::new())).await;
        let hint = "--without-proofs leaves them out";
        let answer = answer.map_err(|error| error.with_hint(Some(hint)))?;
        proofs.push(answer.proof);
    }
    Ok(proofs)
}

/// The event at this place, if one is there.
async fn one(servers: &mut Servers, event: &EventName) -> Result<Vec<Event>, CliError> {
    let position = match event {
        EventName::Position(position) => position,
        EventName::Id(id) => &position_of(servers, *id).await?,
    };
    let message = v1::ListEventsRequest {
        order: EventOrder::NewestFirst.into(),
        until_position: position.clone(),
        parts: Part::All.parts(),
        ..Default::default()
    };
    let mut found = servers.list(message, 1).await?;
    found.retain(|it| it.position == *position);
    Ok(found)
}

/// The position of the event with this id.
async fn position_of(servers: &mut Servers, id: Uuid) -> Result<String, CliError> {
    let message = v1::ExplainRequest {
        id: id.to_string(),
        ..Default::default()
    };
    let answer = servers.read(message).await?;
    let decisions = answer.commands.iter().flat_map(|it| &it.decisions);
    let mut events = decisions.flat_map(|it| {
        let outcomes = it.outcomes.iter().filter_map(|it| it.event.as_ref());
        it.event.iter().chain(outcomes)
    });
    events
        .find(|it| it.event_id == id.to_string())
        .map(|it| it.position.clone())
        .ok_or_else(|| CliError::failed(format!("{id} is no event: name a peering as --peering")))
}

/// How the events came about: the whole of each peering, or what led to a network's own event.
async fn explained(servers: &mut Servers, events: &[Event]) -> Result<Vec<Value>, CliError> {
    let mut about: Vec<v1::ExplainRequest> = Vec::new();
    let of_networks = events.iter().filter(|it| !it.network_id.is_empty());
    for event in of_networks {
        let message = if event.peering_id.is_empty() {
            v1::ExplainRequest {
                event_position: event.position.clone(),
                ..Default::default()
            }
        } else {
            v1::ExplainRequest {
                peering_id: event.peering_id.clone(),
                network_id: event.network_id.clone(),
                ..Default::default()
            }
        };
        if !about.contains(&message) {
            about.push(message);
        }
    }
    let mut told = Vec::new();
    for message in about {
        let answer = servers.read(message).await?;
        told.push(serde_json::to_value(output::Proto(&answer)).map_err(CliError::failed)?);
    }
    Ok(told)
}

/// Each network before the first of the events and after the last.
async fn networks(servers: &mut Servers, events: &[Event]) -> Result<Vec<Value>, CliError> {
    let mut spans: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let of_networks = events.iter().filter(|it| !it.network_id.is_empty());
    for event in of_networks {
        let span = spans
            .entry(&event.network_id)
            .or_insert((&event.position, &event.position));
        span.1 = &event.position;
    }
    let mut told = Vec::new();
    for (network_id, (first, last)) in spans {
        let before = match before(first) {
            Some(place) => Some(at(servers, network_id, &place).await?),
            None => None,
        };
        told.push(json!({
            "networkId": network_id,
            "before": before,
            "after": at(servers, network_id, last).await?,
        }));
    }
    Ok(told)
}

async fn at(servers: &mut Servers, network_id: &str, position: &str) -> Result<Value, CliError> {
    let message = v1::GetNetworkAtRequest {
        network_id: network_id.to_owned(),
        place: Some(at_position(position)),
        with_document: true,
        allow_absent: true,
        ..Default::default()
    };
    let answer = servers.read(message).await?;
    serde_json::to_value(output::Proto(&answer)).map_err(CliError::failed)
}

/// The place right before this one; `None` where nothing can be.
fn before(position: &str) -> Option<String> {
    let (commit, prepare) = position.split_once('/')?;
    let (commit, prepare): (u64, u64) = (commit.parse().ok()?, prepare.parse().ok()?);
    match prepare.checked_sub(1) {
        Some(prepare) => Some(format!("{commit}/{prepare}")),
        None => commit.checked_sub(1).map(|it| format!("{it}/{it}")),
    }
}

/// Whole or not at all.
fn write(out: &Path, document: &Value) -> Result<(), CliError> {
    let failed =
        |error: std::io::Error| CliError::failed(format!("--out {}: {error}", out.display()));
    let text = output::document(document).map_err(CliError::failed)?;
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = out.with_file_name(name);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&part)
        .map_err(failed)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&part, out));
    let removed = fs::remove_file(&part);
    written.and(removed).map_err(failed)?;
    terminal::note("the file holds what was decided and by whom: keep it as you keep the log");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::before;

    #[test]
    fn the_place_before_an_event_is_the_last_that_does_not_hold_it() {
        assert_eq!(before("64/64").as_deref(), Some("64/63"));
        assert_eq!(before("64/0").as_deref(), Some("63/63"));
        assert_eq!(before("0/0"), None);
        assert_eq!(before("x"), None);
    }
}
