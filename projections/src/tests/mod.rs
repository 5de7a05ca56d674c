//! A log made of values, and what becomes of it.

#![allow(clippy::unwrap_used)]

mod events;
mod files;
mod following;
mod forms;
mod questions;
mod rebuild;
mod scripted;
mod search;

use crate::{
    Projections,
    fold::{self, Known},
};
use bytes::Bytes;
use chrono::{DateTime, Duration, TimeZone, Utc};
use domain::{CommandId, Digest, Ids, NetworkId, PeeringId, Provider, Region, Side, network::*};
use events::*;
use journal::{Body, Metadata, Position, Recorded};
use serde_json::json;
use std::{collections::BTreeMap, fmt::Debug, str::FromStr, sync::Arc};
use uuid::Uuid;

/// The data of an event that nobody can read.
const GARBAGE: &[u8] = br#"{ "to": "elsewhere" }"#;

/// Events with the places that a store would give them.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) events: Vec<Recorded>,
    revisions: BTreeMap<NetworkId, u64>,
}

impl Log {
    /// Appends the events of one command to one network.
    pub(crate) fn append(
        &mut self,
        network: NetworkId,
        command: u128,
        events: impl IntoIterator<Item = NetworkEvent>,
    ) -> &mut Self {
        let command_id = CommandId(Uuid::from_u128(command));
        for (index, event) in events.into_iter().enumerate() {
            let metadata = Metadata {
                correlation_id: command_id.0,
                causation_id: command_id.0,
                command_id,
                command_digest: Digest::of(&command.to_string()).unwrap(),
                actor: text("ops@example.com"),
                schema_version: 1,
                traceparent: None,
                time: Some(start() + Duration::seconds(self.events.len() as i64)),
                reason: None,
                ticket: None,
                command: (index == 0).then(|| json!({ "told": command.to_string() })),
                cloud_calls: None,
                cloud: None,
                term: None,
            };
            let event_id =
                Ids::of(CommandId(Uuid::new_v5(&network.0, command_id.0.as_bytes()))).event(index);
            self.push(network, event_id, Some(metadata), Body::Event(event));
        }
        self
    }

    /// Appends an event that nobody can read.
    fn append_garbage(&mut self, network: NetworkId) -> &mut Self {
        let event_id = Ids::of(CommandId(Uuid::from_u128(self.events.len() as u128))).event(999);
        let body = Body::Undecodable {
            event_type: "PeeringTeleported".to_owned(),
            problem: "unknown event type".to_owned(),
        };
        self.push(network, event_id, None, body);
        self
    }

    fn push(
        &mut self,
        network: NetworkId,
        event_id: domain::EventId,
        metadata: Option<Metadata>,
        body: Body,
    ) {
        let data = match &body {
            Body::Event(event) => event.data_json().unwrap().into(),
            Body::Undecodable { .. } => Bytes::from_static(GARBAGE),
        };
        let place = 1_000 + 100 * self.events.len() as u64;
        let revision = self
            .revisions
            .entry(network)
            .and_modify(|it| *it += 1)
            .or_insert(0);
        self.events.push(Recorded {
            stream: network.stream(),
            network_id: Some(network),
            revision: *revision,
            position: Position {
                commit: place,
                prepare: place,
            },
            event_id,
            created: start() + Duration::days(30) + Duration::seconds(self.events.len() as i64),
            metadata,
            stored: Default::default(),
            data,
            body,
        });
    }

    fn end(&self) -> Position {
        self.events
            .last()
            .map_or(Position::START, |event| event.position)
    }
}

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 1, 9, 0, 0).unwrap()
}

fn text<T: FromStr<Err: Debug>>(written: &str) -> T {
    written.parse().unwrap()
}

pub(crate) fn network_id(n: u128) -> NetworkId {
    NetworkId(Uuid::from_u128(0x4e00 + n))
}

fn peering_id(n: u128) -> PeeringId {
    PeeringId(Uuid::from_u128(0x9e00 + n))
}

/// Two networks; peering 1 lives its whole life, peering 2 waits for a person, peering 3 has
/// failed, peering 4 was adopted, peering 5 was asked for twice and taken back, peering 6 was given
/// up, and one event cannot be read.
pub(crate) fn story() -> Log {
    let mut log = Log::default();
    let (first, second) = (network_id(1), network_id(2));
    log.append(first, 1, [registered(1)])
        .append(second, 2, [registered(2)])
        .append(first, 3, request(1));
    for (step, event) in a_whole_life().into_iter().enumerate() {
        log.append(first, 100 + step as u128, [event]);
    }
    log.append(first, 4, request(2))
        .append_garbage(second)
        .append(second, 5, request(3));
    let failed = PeeringFailed {
        peering_id: peering_id(3),
        link: None,
        message: "no such VPC".to_owned(),
    };
    log.append(first, 6, [denied(2)])
        .append(second, 7, [failed.into()]);
    for (step, event) in upkeep().into_iter().enumerate() {
        log.append(first, 200 + step as u128, [event]);
    }
    log.append(second, 8, adoption(4))
        .append(second, 9, [surveyed(4)]);
    log.append(second, 10, request_on_terms(5));
    for (step, event) in asked_for_twice_and_taken_back(5).into_iter().enumerate() {
        log.append(second, 300 + step as u128, [event]);
    }
    log.append(second, 11, request(6))
        .append(second, 12, [abandoned(6)]);
    log.append(second, 13, [policy_set(2), drift_check(2)]);
    log.append(second, 14, of_ipv6(2));
    log
}

/// Writes these events in one transaction.
pub(crate) async fn write(projections: &Projections, events: &[Recorded]) -> Position {
    write_with(projections, events, None).await
}

async fn write_with(
    projections: &Projections,
    events: &[Recorded],
    checkpoint: Option<Position>,
) -> Position {
    let events = Arc::new(events.to_vec());
    let position = projections
        .store
        .write(projections.store.generation(), move |rows| {
            fold::apply(rows, &events, checkpoint, Known::Everything)
        })
        .await
        .unwrap()
        .unwrap();
    projections.progress.caught_up.send_replace(true);
    position
}

async fn written(log: &Log) -> Projections {
    let projections = Projections::in_memory().unwrap();
    write(&projections, &log.events).await;
    projections
}

/// Every row of every table, as text.
async fn dump(projections: &Projections) -> Vec<String> {
    let all = projections.store.read("dump", move |rows| {
        let mut names = rows.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
        let tables = names
            .query_map([], |row| row.get::<_, String>(0))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let mut all = Vec::new();
        for table in tables {
            let mut select = rows.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2, 3"))?;
            let columns = select.column_count();
            let lines = select.query_map([], |row| {
                let values = (0..columns).map(|at| row.get_ref(at).map(|it| format!("{it:?}")));
                Ok(format!(
                    "{table}: {}",
                    values.collect::<rusqlite::Result<Vec<_>>>()?.join(" | ")
                ))
            })?;
            all.extend(lines.collect::<rusqlite::Result<Vec<_>>>()?);
        }
        all.sort();
        Ok(all)
    });
    all.await.unwrap()
}
