//! What is put on record of access: each policy that comes into force, and denials, damped.

use super::InForce;
use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use chrono::{DateTime, Utc};
use domain::{
    Actor, CommandId, Digest,
    access::{
        AccessEvent, DENIALS_STREAM, Enforced, POLICY_STREAM,
        denials::{self, Denials, Denied},
        policies::{self, Enforce, Policies},
    },
    text::ActorName,
};
use journal::{
    Clock, FollowError, Followed, Journal, JournalError, Memory, Metadata, Record, Recorded,
    SCHEMA_VERSION,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{borrow::Cow, sync::Arc, time::Duration};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How many denials may wait to be put on record; more are only counted.
const WAITING: usize = 256;

/// Between attempts to put a policy on record, while the log cannot be written to.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often a stream that others write to is tried again.
const ATTEMPTS: usize = 10;

/// Takes denials; whoever is denied waits for nothing.
#[derive(Clone, Debug)]
pub struct Recorder(Option<mpsc::Sender<Denied>>);

impl Recorder {
    /// One that forgets.
    pub fn none() -> Self {
        Self(None)
    }

    /// One, and what it hands over.
    pub fn new() -> (Self, mpsc::Receiver<Denied>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(Some(sender)), receiver)
    }

    pub(super) fn note(&self, denied: Denied) {
        if let Some(sender) = &self.0 {
            let _ = sender.try_send(denied);
        }
    }
}

/// What each server judges by, as the log has it. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct KnownPolicies(Arc<Mutex<Policies>>);

impl KnownPolicies {
    /// What is followed for it.
    pub(in crate::api) const fn followed() -> Followed {
        Followed::Named(Cow::Borrowed(&[POLICY_STREAM]))
    }

    /// Follows the log, until cancelled.
    pub(crate) async fn run(
        &self,
        journal: &Journal,
        stop: CancellationToken,
    ) -> Result<(), FollowError> {
        journal.remember(Self::followed(), self, stop).await
    }

    /// The servers that judge by another policy than this server does.
    pub(in crate::api) fn others(&self, host: &ActorName, hash: &Digest) -> Vec<Enforced> {
        self.0.lock().others(host, hash)
    }
}

impl Memory for KnownPolicies {
    fn apply(&self, recorded: &Recorded) {
        // Another application's stream may begin with the same name.
        if recorded.stream != POLICY_STREAM {
            return;
        }
        if let Some(event) = decoded(recorded.event_type(), &recorded.data) {
            let mut known = self.0.lock();
            *known = policies::evolve(std::mem::take(&mut *known), &event, recorded.time());
        }
    }

    fn is_whole(&self) {}

    fn forget(&self) {
        *self.0.lock() = Policies::default();
    }
}

/// What is on record of the policies that were in force, up to a time.
pub(crate) async fn policies(
    journal: &Journal,
    until: Option<DateTime<Utc>>,
) -> Result<(Policies, Option<u64>), JournalError> {
    let kept = journal.records(POLICY_STREAM).await?;
    let last = kept.last().map(|it| it.revision);
    let known = kept
        .iter()
        .filter(|it| until.is_none_or(|until| it.time <= until));
    let folded = known.fold(Policies::default(), |policies, it| {
        match decoded(&it.event_type, &it.data) {
            Some(event) => policies::evolve(policies, &event, it.time),
            None => policies,
        }
    });
    Ok((folded, last))
}

fn decoded(event_type: &str, data: &[u8]) -> Option<AccessEvent> {
    let data: Value = serde_json::from_slice(data).ok()?;
    serde_json::from_value(json!({ "type": event_type, "data": data })).ok()
}

/// Puts on record that this server judges by this policy; the servers that judge by another, or
/// nothing if others put theirs there all the time.
pub(crate) async fn enforce(
    journal: &Journal,
    host: &ActorName,
    issuers: &[ActorName],
    in_force: &InForce,
    now: DateTime<Utc>,
) -> Result<Option<Vec<Enforced>>, JournalError> {
    let command_id = CommandId(Uuid::new_v4());
    for _ in 0..ATTEMPTS {
        let (known, last) = policies(journal, None).await?;
        let others = known.others(host, &in_force.hash);
        let events = policies::decide(
            &known,
            Enforce {
                host: host.clone(),
                policy: in_force.policy.clone(),
                hash: in_force.hash.clone(),
                issuers: issuers.to_vec(),
            },
        );
        let actor = Actor::of_engine(host.clone());
        let records: Vec<_> = events
            .iter()
            .filter_map(|it| record(it, command_id, &actor, now))
            .collect();
        if journal
            .record(POLICY_STREAM, last, &records)
            .await?
            .is_some()
        {
            return Ok(Some(others));
        }
    }
    tracing::warn!(
        "the policy in force could not be put on record: other servers do the same all the time"
    );
    Ok(None)
}

/// Puts each policy that comes into force on record, until cancelled: that which is in force now,
/// if it is not there yet, and each that takes its place, as soon as the log can be written to.
pub(crate) async fn follow(
    journal: Journal,
    (host, issuers): (ActorName, Vec<ActorName>),
    mut policy: watch::Receiver<Arc<InForce>>,
    mut is_recorded: bool,
    clock: Clock,
    cancel: CancellationToken,
) {
    let mut pauses = pauses();
    loop {
        let again = async {
            if is_recorded {
                std::future::pending().await
            } else {
                tokio::time::sleep(pauses.next().unwrap_or(LONGEST_PAUSE)).await;
            }
        };
        tokio::select! {
            changed = policy.changed() => if changed.is_err() { cancel.cancelled().await; return },
            () = again => {}
            () = cancel.cancelled() => return,
        }
        let in_force = Arc::clone(&policy.borrow_and_update());
        let enforced = enforce(&journal, &host, &issuers, &in_force, clock()).await;
        is_recorded = matches!(enforced, Ok(Some(_)));
        match enforced {
            Ok(Some(others)) => {
                pauses = self::pauses();
                tell(&in_force, &others);
            }
            Ok(None) => {}
            Err(error) => {
                let error = domain::error_chain(&error);
                tracing::error!(error, "the policy in force could not be put on record yet");
            }
        }
    }
}

fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .without_max_times()
        .with_jitter()
        .build()
}

/// Says which servers judge otherwise.
pub(crate) fn tell(in_force: &InForce, others: &[Enforced]) {
    for other in others {
        tracing::warn!(
            hash = %in_force.hash, other = %other.host, other_hash = %other.hash,
            "another server was last heard of with another policy of access"
        );
    }
}

/// Puts denials on record, until cancelled.
pub(crate) async fn denials(
    journal: Journal,
    mut denied: mpsc::Receiver<Denied>,
    clock: Clock,
    cancel: CancellationToken,
) {
    let mut known = Denials::default();
    let mut last = None;
    loop {
        let denied = tokio::select! {
            denied = denied.recv() => denied,
            () = cancel.cancelled() => return,
        };
        let Some(denied) = denied else {
            cancel.cancelled().await;
            return;
        };
        let now = clock();
        let mut event = denials::decide(&known, &denied, now);
        if let Some(told) = &event {
            match put(&journal, &mut last, told, &denied, now).await {
                Ok(true) => {}
                // It is counted, and the next one of its kind is told.
                Ok(false) => event = None,
                Err(error) => {
                    let error = domain::error_chain(&error);
                    tracing::warn!(error, "a denial could not be put on record");
                    event = None;
                }
            }
        }
        known = denials::evolve(known, &denied, event.as_ref(), now);
    }
}

async fn put(
    journal: &Journal,
    last: &mut Option<u64>,
    event: &AccessEvent,
    denied: &Denied,
    now: DateTime<Utc>,
) -> Result<bool, JournalError> {
    tracing::info!(
        subject = %denied.subject, method = %denied.method, why = denied.denial.as_str(), "denied"
    );
    let subject = &denied.subject;
    let actor = Actor {
        subject: Some(subject.subject.clone()),
        method: subject.method.as_str().parse().ok(),
        issuer: Some(subject.issuer.clone()),
        claimed: None,
    };
    let records: Vec<_> = record(event, CommandId(Uuid::new_v4()), &actor, now)
        .into_iter()
        .collect();
    for _ in 0..ATTEMPTS {
        if last.is_none() {
            *last = journal.last_record(DENIALS_STREAM).await?;
        }
        if let Some(revision) = journal.record(DENIALS_STREAM, *last, &records).await? {
            *last = Some(revision);
            return Ok(true);
        }
        *last = None;
    }
    Ok(false)
}

fn record(
    event: &AccessEvent,
    command_id: CommandId,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Option<Record> {
    let Ok(Value::Object(mut tagged)) = serde_json::to_value(event) else {
        return None;
    };
    let data = tagged.remove("data")?;
    Some(Record {
        event_type: event.name(),
        metadata: Metadata {
            correlation_id: command_id.0,
            causation_id: command_id.0,
            command_id,
            command_digest: Digest::of(&data).ok()?,
            actor: actor.clone(),
            schema_version: SCHEMA_VERSION,
            traceparent: None,
            time: Some(now),
            reason: None,
            ticket: None,
            command: None,
            cloud_calls: None,
            cloud: None,
            term: None,
        },
        data,
    })
}
