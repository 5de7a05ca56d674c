//! Makes the links of events that were written while the system projections were off.
//!
//! A system stream says since where links are missing: it is written when a store that has them is
//! opened without, and moves on in the very groups that catch up.

use std::ops::ControlFlow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Heads, Settings, SystemProjections, recent::RecentIds, transaction::Transaction};
use crate::{
    log::{Direction, Log, LogError},
    model::{Expected, NewEvent, Position, Record, StreamName, Ticks},
};

const STREAM: &str = "$systemProjections";
const EVENT: &str = "$systemProjectionsChanged";
/// How many records are caught up with in one group.
const CHUNK: usize = 1000;

/// Whether links are complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum State {
    /// Every event has its links.
    On,
    /// The events from this position on have none.
    MissingFrom(u64),
}

/// Whether links are to be written: on or off.
pub(super) fn found(
    log: &dyn Log,
    asked: SystemProjections,
) -> Result<SystemProjections, LogError> {
    Ok(match asked {
        SystemProjections::Off | SystemProjections::On => asked,
        SystemProjections::AsFound if read(log)? == Some(State::On) => SystemProjections::On,
        SystemProjections::AsFound => SystemProjections::Off,
    })
}

/// Brings the links up to the end of the log, or notes that they are missing from there. The new
/// end of the log.
pub(super) fn prepare(
    log: &dyn Log,
    heads: &Heads,
    settings: &Settings,
    end: Position,
) -> Result<Position, LogError> {
    let state = read(log)?;
    match (settings.projections, state) {
        (SystemProjections::Off, Some(State::On)) => note(
            log,
            heads,
            settings,
            end,
            State::MissingFrom(end.get()),
            &[],
        ),
        (SystemProjections::Off, Some(State::MissingFrom(_)) | None)
        | (SystemProjections::On, Some(State::On)) => Ok(end),
        // It was settled before which of the two it is.
        (SystemProjections::AsFound, _) => Ok(end),
        (SystemProjections::On, None) => catch_up(log, heads, settings, Position::START, end),
        (SystemProjections::On, Some(State::MissingFrom(from))) => {
            catch_up(log, heads, settings, Position::new(from), end)
        }
    }
}

fn catch_up(
    log: &dyn Log,
    heads: &Heads,
    settings: &Settings,
    mut from: Position,
    to: Position,
) -> Result<Position, LogError> {
    let mut end = to;
    while from < to {
        let mut chunk = Vec::new();
        log.scan(from, to, Direction::Forwards, &mut |record| {
            from = record.position.next();
            chunk.push(record);
            if chunk.len() < CHUNK {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        if chunk.len() < CHUNK {
            from = to;
        }
        end = note(
            log,
            heads,
            settings,
            end,
            State::MissingFrom(from.get()),
            &chunk,
        )?;
    }
    note(log, heads, settings, end, State::On, &[])
}

/// Commits the links of some records together with what is then true.
fn note(
    log: &dyn Log,
    heads: &Heads,
    settings: &Settings,
    end: Position,
    state: State,
    records: &[Record],
) -> Result<Position, LogError> {
    let now = Ticks::of((settings.clock)());
    let recent = RecentIds::new();
    let mut transaction = Transaction::new(log, heads, &recent, settings, now, end);
    for record in records.iter().filter(|record| !record.is_marker()) {
        transaction.link(record);
    }
    let event = NewEvent {
        id: (settings.new_id)(),
        event_type: EVENT.into(),
        is_json: true,
        data: serde_json::to_vec(&state).unwrap_or_default().into(),
        metadata: Bytes::new(),
    };
    transaction.append(&StreamName::new(STREAM), Expected::Any, &[event])?;
    let changes = transaction.finish()?;
    log.commit(changes.group)?;
    for (stream, head) in changes.heads {
        heads.keep(stream, head);
    }
    Ok(changes.end)
}

fn read(log: &dyn Log) -> Result<Option<State>, LogError> {
    let Some(entry) = log.last_of(&StreamName::new(STREAM), u64::MAX)? else {
        return Ok(None);
    };
    let record = log.record(entry.position)?;
    Ok(record.and_then(|record| serde_json::from_slice(&record.data()).ok()))
}
