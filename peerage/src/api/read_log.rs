//! The log as it is stored, part by part: what is audited of it, for whoever may look at
//! everything.

use super::{
    Services,
    access::Caller,
    guard, log_end, parse,
    problem::{Problem, Reason},
    rows, same_log, show,
    time::timestamp,
    v1,
};
use domain::NetworkId;
use journal::{Followed, Position, Recorded, Signal};
use projections::{Order, PageRequest, Part};
use std::{borrow::Cow, collections::BTreeMap, time::Duration};
use tree::is_covered;

/// The most bytes of an answer's records.
const BYTES: usize = 3_000_000;

/// How long an answer is waited for; it is what was read by then.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the names of all streams begin with that are audited.
const AUDITED: &[&str] = &[
    "network-",
    "connector-",
    "connectorParked-",
    "access-",
    "approval-",
];

/// What was read.
struct Read {
    records: Vec<v1::LogRecord>,
    bytes: usize,
    position: Option<Position>,
    is_end: bool,
}

pub(super) async fn read_log(
    services: &Services,
    caller: &Caller,
    request: &v1::ReadLogRequest,
) -> Result<v1::ReadLogResponse, Problem> {
    let part = parse::read_log(request)?;
    guard::everything(caller)?;
    same_log::is_same(services, part.known.as_ref()).await?;
    log_end::is_reached(services, part.min_position).await?;
    if let Some(after) = part.after {
        let place = audit::Until::Position(after);
        log_end::is_within(services, "after_", place, None).await?;
    }
    let after = match part.after {
        // Where an event is known to have been, whoever asks goes on there.
        Some(after) if part.known.is_none() => event_up_to(services, after).await?,
        after => after,
    };
    let part = parse::Part { after, ..part };
    let end = services.journal.end().await;
    let end = end.map_err(|error| Problem::from(&error))?;
    let mut read = Read {
        records: Vec::new(),
        bytes: 0,
        position: part.after,
        is_end: false,
    };
    let reading = collect(services, &part, &mut read);
    // What was read until then is an answer; the next one goes on behind it.
    if let Ok(failed) = tokio::time::timeout(PATIENCE, reading).await {
        failed?;
    }
    // It may have become another one while it was read.
    same_log::is_same(services, part.known.as_ref()).await?;
    Ok(v1::ReadLogResponse {
        records: read.records,
        position: read.position.map(|it| it.to_string()).unwrap_or_default(),
        is_end: read.is_end,
        end_position: end.map(|it| it.to_string()).unwrap_or_default(),
    })
}

/// The place of the last event up to this one: a store reads on behind events alone. Where the read
/// models are not as far, the store is left to say whether something is there.
async fn event_up_to(services: &Services, place: Position) -> Result<Option<Position>, Problem> {
    let projections = &services.projections;
    let is_known = projections.wait_for(place, services.read_patience).await;
    if !is_known || !*projections.caught_up().borrow() {
        return Ok(Some(place));
    }
    let up_to_there = parse::Events {
        to: Some(place),
        order: Order::NewestFirst,
        parts: vec![
            Part::Networks,
            Part::Connectors,
            Part::Access,
            Part::Approvals,
        ],
        ..parse::Events::default()
    };
    let one = PageRequest {
        size: 1,
        ..PageRequest::default()
    };
    let found = rows::events(services, &up_to_there, None, &one).await?;
    Ok(found.items.first().map(|it| it.position))
}

async fn collect(services: &Services, part: &parse::Part, read: &mut Read) -> Result<(), Problem> {
    let parts = match part.prefixes.as_slice() {
        [] => Cow::Borrowed(AUDITED),
        some => Cow::Owned(some.to_vec()),
    };
    let mut clouds = BTreeMap::new();
    let mut follower = services.journal.follow(part.after, Followed::Named(parts));
    while read.records.len() < part.most && read.bytes < BYTES {
        let signal = follower.next().await.map_err(|error| {
            let text = domain::error_chain(&error);
            if error.is_of_another_log() {
                return same_log::another(&text);
            }
            Problem::new(Reason::HistoryUnreadable, text)
        })?;
        match signal {
            Signal::Event(event) => {
                read.position = Some(event.position);
                if is_covered(&event.stream) {
                    read.bytes += event.data.len() + event.stored.metadata.len() + 256;
                    let cloud = cloud(services, &mut clouds, &event).await?;
                    read.records.push(record(event, cloud));
                }
            }
            Signal::Checkpoint(position) => read.position = Some(position),
            // What comes may be of another log: the next call tells, by the event that its caller
            // knows then.
            Signal::Resumed => return Ok(()),
            Signal::CaughtUp => {
                read.is_end = true;
                return Ok(());
            }
        }
    }
    Ok(())
}

/// At which cloud the network of an event is that does not say it itself.
async fn cloud(
    services: &Services,
    known: &mut BTreeMap<NetworkId, Option<v1::Cloud>>,
    event: &Recorded,
) -> Result<Option<v1::Cloud>, Problem> {
    let says_it = event.metadata.as_ref().is_some_and(|it| it.cloud.is_some());
    let Some(id) = event.network_id.filter(|_| !says_it) else {
        return Ok(None);
    };
    if let Some(cloud) = known.get(&id) {
        return Ok(cloud.clone());
    }
    let cloud = guard::cloud(services, id).await?.as_ref().map(show::cloud);
    known.insert(id, cloud.clone());
    Ok(cloud)
}

fn record(event: Recorded, cloud: Option<v1::Cloud>) -> v1::LogRecord {
    v1::LogRecord {
        position: event.position.to_string(),
        stream: event.stream,
        revision: event.revision,
        event_id: event.event_id.to_string(),
        r#type: event.stored.event_type,
        created: Some(timestamp(event.created)),
        data: event.data.to_vec(),
        metadata: event.stored.metadata.to_vec(),
        cloud,
    }
}

#[cfg(test)]
mod tests {
    use super::AUDITED;

    #[test]
    fn what_is_read_is_what_the_tree_holds() {
        let covered: Vec<_> = tree::COVERED.iter().map(|it| it.prefix).collect();
        assert_eq!(AUDITED, covered);
    }
}
