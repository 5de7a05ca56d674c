//! Requests for approval as aggregates: load one, or have a command to one decided and put on
//! record. Their streams are short, and read whole.

use super::standing;
use crate::api::{
    Services,
    problem::{Problem, Reason},
};
use chrono::{DateTime, Utc};
use domain::{
    Actor, CommandId, Digest, EventId,
    approval::{Approval, ApprovalCommand, ApprovalEvent, Request, decide, evolve, stream},
    text::Reason as Why,
};
use journal::{Kept, Metadata, Record, SCHEMA_VERSION};
use serde_json::{Value, json};

/// How often a command is decided again because somebody else was first.
const ATTEMPTS: usize = 16;

/// A request as its stream says.
#[derive(Clone, Debug, Default)]
pub(super) struct Loaded {
    pub(super) approval: Approval,
    pub(super) revision: Option<u64>,
    /// What stands beside the first event: who asked, and in which trace.
    pub(super) origin: Option<Metadata>,
    /// The event that granted it last.
    pub(super) granted: Option<EventId>,
}

/// Who has a command to a request decided.
#[derive(Clone, Debug)]
pub(super) struct By {
    pub(super) command_id: CommandId,
    pub(super) actor: Actor,
    pub(super) reason: Option<Why>,
    pub(super) traceparent: Option<String>,
}

impl Loaded {
    pub(super) fn request(&self) -> Option<&Request> {
        self.approval.request()
    }

    fn apply(&mut self, event: &ApprovalEvent, kept: &Kept) {
        if self.revision.is_none() {
            self.origin.clone_from(&kept.metadata);
        }
        if matches!(event, ApprovalEvent::ApprovalGranted(_)) {
            self.granted = Some(kept.event_id);
        }
        let before = std::mem::take(&mut self.approval);
        self.approval = evolve(before, event, kept.time);
        self.revision = Some(kept.revision);
    }
}

/// An event of a request's stream.
pub(super) fn decoded(event_type: &str, data: &[u8]) -> Result<ApprovalEvent, serde_json::Error> {
    let data: Value = serde_json::from_slice(data)?;
    serde_json::from_value(json!({ "type": event_type, "data": data }))
}

/// The request for this command, if there is one.
pub(super) async fn load(services: &Services, id: CommandId) -> Result<Loaded, Problem> {
    let kept = services.journal.records(&stream(id)).await;
    let kept = kept.map_err(|error| Problem::from(&error))?;
    let mut loaded = Loaded::default();
    for kept in &kept {
        let event = decoded(&kept.event_type, &kept.data).map_err(|error| {
            let text = format!(
                "event {} of {} ({}) cannot be read: {error}",
                kept.revision,
                stream(id),
                kept.event_type
            );
            Problem::new(Reason::HistoryUnreadable, text)
        })?;
        loaded.apply(&event, kept);
    }
    Ok(loaded)
}

/// Has a command to a request decided on what its stream says, and puts on record what comes of it:
/// the request afterwards, and the events.
pub(super) async fn execute(
    services: &Services,
    id: CommandId,
    command: &ApprovalCommand,
    by: &By,
    now: DateTime<Utc>,
) -> Result<(Loaded, Vec<ApprovalEvent>), Problem> {
    let in_force = services.doors.policy();
    for _ in 0..ATTEMPTS {
        let mut loaded = load(services, id).await?;
        let standing = standing(&in_force.policy, &in_force.hash);
        let events = decide(&loaded.approval, command, standing, now);
        let events =
            events.map_err(|refusal| Problem::of_approval(&refusal).with("approval_id", id))?;
        if events.is_empty() {
            return Ok((loaded, events));
        }
        let records = events.iter().map(|it| record(it, by, now));
        let records = records.collect::<Result<Vec<_>, _>>();
        let records = records.map_err(|error| Problem::not_encodable(&error))?;
        let stream = stream(id);
        let appended = services.journal.record(&stream, loaded.revision, &records);
        let appended = appended.await.map_err(|error| Problem::from(&error))?;
        if let Some(last) = appended {
            loaded = load(services, id).await?;
            services.waiting.learn(id, &loaded.approval, last);
            let state = loaded.request().map_or("", |it| it.state.name());
            let events_of = events.iter().map(ApprovalEvent::name).collect::<Vec<_>>();
            tracing::info!(
                approval_id = %id, state, events = events_of.join(", "), actor = %by.actor, "request for approval"
            );
            return Ok((loaded, events));
        }
    }
    let text = "the request for approval changed under the command each time; send it again";
    Err(Problem::new(Reason::Contended, text))
}

fn record(event: &ApprovalEvent, by: &By, now: DateTime<Utc>) -> Result<Record, serde_json::Error> {
    let mut tagged = serde_json::to_value(event)?;
    let data = tagged.get_mut("data").map(Value::take);
    let data = data.unwrap_or_else(|| json!({}));
    Ok(Record {
        event_type: event.name(),
        metadata: Metadata {
            correlation_id: by.command_id.0,
            causation_id: by.command_id.0,
            command_id: by.command_id,
            command_digest: Digest::of(&data)?,
            actor: by.actor.clone(),
            schema_version: SCHEMA_VERSION,
            traceparent: by.traceparent.clone(),
            time: Some(now),
            reason: by.reason.clone(),
            ticket: None,
            command: None,
            cloud_calls: None,
            cloud: None,
            term: None,
        },
        data,
    })
}
