//! Which of several servers on one store acts: a lease, in a stream of its own. All connectors have
//! one together; what acts outward beside them has another ([`Election`]).
//!
//! A holder renews the lease by appending to it. Who wants it watches that stream: if it has not
//! changed for as long as a lease lasts, by the watcher's own clock, the watcher appends behind the
//! last event that it saw, and of two the store lets one be first. So no server's clock is compared
//! with another's: one that jumps costs availability, never exclusion. The holder stops working
//! when 70 % of the time has passed without a renewal, counted from before it asked for it, on a
//! clock that goes on while the machine sleeps.
//!
//! The number of the event that took the lease, counted from 1, is its term, or one more than the
//! term before it where that is higher: a later holder's is always the higher one.

use crate::checkpoint::metadata;
use chrono::{DateTime, Utc};
use domain::{Clock, connector::LEASE_CATEGORY, vocabulary::VOCABULARY};
use journal::{Journal, JournalError, Record};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const LEASE: &str = "ConnectorLease";

/// How many events of the lease the store keeps.
const KEPT: usize = 10;

/// How long a lease lasts, and how often it is renewed.
#[derive(Clone, Copy, Debug)]
pub struct LeaseSettings {
    /// How long it lasts without a renewal.
    pub ttl: Duration,
    /// How often it is renewed, and asked for by who waits for it.
    pub renewal: Duration,
}

impl Default for LeaseSettings {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(15),
            renewal: Duration::from_secs(5),
        }
    }
}

/// What the lease's stream says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    /// The server, for people.
    pub(crate) host: String,
    /// The process: two on one host are two. One that was started again on the data directory that
    /// it locks is the same.
    pub(crate) instance: Uuid,
    /// The holder's version of the program.
    pub(crate) version: String,
    /// The vocabulary that it reads; not set by versions that had the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reads: Option<u32>,
    /// Whether it was given back.
    #[serde(default)]
    pub(crate) released: bool,
    /// The holder's term; nothing where an older version took the lease: then it is the event's
    /// number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    term: Option<u64>,
    /// The lease itself, as it was made: each holder hands it on. Terms of another are not compared
    /// with these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease: Option<Uuid>,
}

impl Said {
    /// What a process of this version says of itself.
    pub(crate) fn of(host: &str, instance: Uuid, released: bool) -> Self {
        Self {
            host: host.to_owned(),
            instance,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            reads: Some(VOCABULARY),
            released,
            term: None,
            lease: None,
        }
    }
}

/// The part of a lease that has to be left for a call: a second of fifteen.
const ENOUGH: u32 = 15;

/// The term of a lease that was taken with this event.
fn term_at(revision: u64) -> u64 {
    revision + 1
}

/// The term of a lease that is taken behind this event: higher than every one before, even where a
/// history was moved and its events are counted anew.
fn next_term(after: Option<u64>, before: Option<&Said>) -> u64 {
    let by_number = term_at(after.map_or(0, |it| it + 1));
    let by_term = before.and_then(|it| it.term).map_or(0, |it| it + 1);
    by_number.max(by_term)
}

/// The term where there is no lease: nobody else can be the holder.
pub(crate) const ALONE: u64 = 0;

/// A lease that is held.
#[derive(Debug)]
pub(crate) struct Holding {
    /// Later ones are higher.
    pub(crate) term: u64,
    /// Which lease that is a term of; nothing where there is none.
    pub(crate) lease: Option<Uuid>,
    /// Until when work may go on, in milliseconds of the clock that does not stop.
    until: AtomicU64,
    /// How much of it has to be left for something that is sent outside.
    enough: Duration,
}

impl Holding {
    /// Held by the only server that there can be.
    pub(crate) fn alone() -> Self {
        Self {
            term: ALONE,
            lease: None,
            until: AtomicU64::new(u64::MAX),
            enough: Duration::ZERO,
        }
    }

    /// Whether work may go on.
    pub(crate) fn lasts(&self) -> bool {
        now() < self.until.load(Ordering::Acquire)
    }

    /// Whether something may be sent outside: enough is left of the lease for most calls.
    pub(crate) fn lasts_for_a_call(&self) -> bool {
        now().saturating_add(millis(self.enough)) < self.until.load(Ordering::Acquire)
    }

    fn renewed(&self, asked: u64, ttl: Duration) {
        self.until.store(asked + work(ttl), Ordering::Release);
    }
}

/// A time for which this server holds the lease, for what acts outward beside the connectors.
#[derive(Clone, Debug)]
pub struct Term(Arc<Holding>);

impl Term {
    /// A later holder's is higher.
    pub fn number(&self) -> u64 {
        self.0.term
    }

    /// Which lease that is a term of: one in another store is another.
    pub fn lease(&self) -> Option<Uuid> {
        self.0.lease
    }

    /// Whether something may be sent outside: enough is left of the lease for most calls.
    pub fn lasts_for_a_call(&self) -> bool {
        self.0.lasts_for_a_call()
    }
}

/// Whether this server holds a lease. While there is one of these, the lease is not given back:
/// whoever works under it ends first.
#[derive(Debug)]
pub struct Terms(watch::Receiver<Option<Arc<Holding>>>);

impl Terms {
    /// The term for which this server holds it, if it does.
    pub fn current(&mut self) -> Option<Term> {
        self.0.borrow_and_update().clone().map(Term)
    }

    /// Returns when that has changed; never, when it cannot change any more.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

/// The part of a lease in which its holder works.
fn work(ttl: Duration) -> u64 {
    millis(ttl) / 10 * 7
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds of a clock that nobody sets and that goes on while the machine sleeps.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    (time.tv_sec as u64) * 1_000 + (time.tv_nsec as u64) / 1_000_000
}

/// A lease of its own, for something that acts outward and is no connector of the runtime's.
#[derive(Clone)]
pub struct Election {
    journal: Journal,
    stream: String,
    settings: LeaseSettings,
    host: String,
    instance: Uuid,
    clock: Clock,
    held: Arc<watch::Sender<Option<Arc<Holding>>>>,
}

impl fmt::Debug for Election {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Election");
        shown.field("stream", &self.stream).finish_non_exhaustive()
    }
}

impl Election {
    /// The lease of this name, for which this server, called `host`, will ask. `instance` is the
    /// process, as in [`RuntimeSettings`](crate::RuntimeSettings).
    pub fn new(
        journal: Journal,
        name: &str,
        settings: LeaseSettings,
        host: String,
        instance: Uuid,
        clock: Clock,
    ) -> Self {
        Self {
            journal,
            stream: format!("{LEASE_CATEGORY}-{name}"),
            settings,
            host,
            instance,
            clock,
            held: Arc::new(watch::Sender::new(None)),
        }
    }

    /// When this server holds it.
    pub fn terms(&self) -> Terms {
        Terms(self.held.subscribe())
    }

    /// Which server holds it, and its term; nothing if none does.
    pub async fn holder(&self) -> Result<Option<(String, u64)>, JournalError> {
        holder(&self.journal, &self.stream).await
    }

    /// Its stream.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// Asks for it, renews it and gives it back, until stopped.
    pub async fn run(&self, stop: CancellationToken) {
        let candidate = Candidate {
            journal: self.journal.clone(),
            stream: self.stream.clone(),
            settings: self.settings,
            host: self.host.clone(),
            instance: self.instance,
            clock: self.clock.clone(),
        };
        candidate.run(&self.held, stop).await;
    }
}

/// One server's part in who holds the lease.
pub(crate) struct Candidate {
    pub(crate) journal: Journal,
    /// The lease's stream.
    pub(crate) stream: String,
    pub(crate) settings: LeaseSettings,
    pub(crate) host: String,
    /// Of this process alone, and of those before it that it knows to have ended.
    pub(crate) instance: Uuid,
    pub(crate) clock: Clock,
}

/// The last event of the lease's stream, and since when it is.
struct Seen {
    revision: u64,
    since: u64,
}

impl Candidate {
    /// Takes the lease whenever it can be had, renews it, and gives it back at the end.
    pub(crate) async fn run(
        self,
        held: &watch::Sender<Option<Arc<Holding>>>,
        stop: CancellationToken,
    ) {
        let instance = self.instance;
        loop {
            let taken = tokio::select! {
                taken = self.take(instance) => taken,
                () = stop.cancelled() => return,
            };
            let (holding, mut last) = taken;
            let holding = Arc::new(holding);
            tracing::info!(lease = self.stream, term = holding.term, host = %self.host, "this server holds the lease");
            held.send_replace(Some(Arc::clone(&holding)));
            let lost = self.hold(instance, &holding, &mut last);
            let lost = stop.run_until_cancelled(lost).await;
            if lost.is_none() {
                // Whoever works under it ends first.
                held.closed().await;
                held.send_replace(None);
                self.release(instance, &holding, last).await;
                return;
            }
            tracing::warn!(
                lease = self.stream,
                term = holding.term,
                "the lease was lost; another server may hold it"
            );
            held.send_replace(None);
        }
    }

    /// Waits until the lease can be had, and takes it.
    async fn take(&self, instance: Uuid) -> (Holding, u64) {
        let mut seen: Option<Seen> = None;
        loop {
            match self.try_take(instance, &mut seen).await {
                Ok(Some(taken)) => return taken,
                Ok(None) => {}
                Err(error) => {
                    let error = domain::error_chain(&error);
                    tracing::debug!(error, "the lease cannot be asked for");
                    // What was seen before may be another store's by now.
                    seen = None;
                }
            }
            tokio::time::sleep(self.settings.renewal / 2).await;
        }
    }

    async fn try_take(
        &self,
        instance: Uuid,
        seen: &mut Option<Seen>,
    ) -> Result<Option<(Holding, u64)>, JournalError> {
        let latest = self.journal.latest(&self.stream).await?;
        let asked = now();
        let (after, before) = match latest {
            None => {
                self.journal.keep_last(&self.stream, KEPT).await?;
                (None, None)
            }
            Some(latest) => {
                let said = serde_json::from_slice::<Said>(&latest.data).ok();
                // What this server held before it crashed nobody works under any more.
                let is_own = |it: &Said| it.released || it.instance == instance;
                let is_free = said.as_ref().is_none_or(is_own);
                let since = match seen {
                    Some(it) if it.revision == latest.revision => it.since,
                    Some(_) | None => {
                        *seen = Some(Seen {
                            revision: latest.revision,
                            since: asked,
                        });
                        asked
                    }
                };
                if !is_free && asked.saturating_sub(since) < millis(self.settings.ttl) {
                    return Ok(None);
                }
                (Some(latest.revision), said)
            }
        };
        let term = next_term(after, before.as_ref());
        let lease = before.and_then(|it| it.lease);
        let lease = lease.unwrap_or_else(|| self.made(instance));
        let said = self.said(instance, (term, Some(lease)), false);
        let taken = self.say(after, &said).await?;
        Ok(taken.map(|revision| {
            let until = AtomicU64::new(0);
            let holding = Holding {
                term,
                lease: Some(lease),
                until,
                enough: self.settings.ttl / ENOUGH,
            };
            holding.renewed(asked, self.settings.ttl);
            (holding, revision)
        }))
    }

    /// Renews the lease until it is lost.
    async fn hold(&self, instance: Uuid, holding: &Holding, last: &mut u64) {
        loop {
            tokio::time::sleep(self.settings.renewal).await;
            let asked = now();
            let said = self.said(instance, (holding.term, holding.lease), false);
            match self.say(Some(*last), &said).await {
                Ok(Some(revision)) => {
                    *last = revision;
                    holding.renewed(asked, self.settings.ttl);
                }
                Ok(None) => return,
                Err(error) => {
                    let error = domain::error_chain(&error);
                    tracing::debug!(error, "the lease was not renewed");
                    if !holding.lasts() {
                        return;
                    }
                }
            }
        }
    }

    /// Gives the lease back, so that the next one need not wait.
    async fn release(&self, instance: Uuid, holding: &Holding, last: u64) {
        let said = self.said(instance, (holding.term, holding.lease), true);
        if let Err(error) = self.say(Some(last), &said).await {
            let error = domain::error_chain(&error);
            tracing::debug!(error, "the lease was not given back; it ends by itself");
        }
    }

    /// A lease that was never held before in this store.
    fn made(&self, instance: Uuid) -> Uuid {
        let text = format!("{} {}", self.stream, (self.clock)().to_rfc3339());
        Uuid::new_v5(&instance, text.as_bytes())
    }

    fn said(&self, instance: Uuid, (term, lease): (u64, Option<Uuid>), released: bool) -> Said {
        Said {
            host: self.host.clone(),
            instance,
            term: Some(term),
            lease,
            ..Said::of(&self.host, instance, released)
        }
    }

    async fn say(&self, after: Option<u64>, said: &Said) -> Result<Option<u64>, JournalError> {
        let record = record(&self.stream, said, after, (self.clock)());
        let record = record.map_err(|source| JournalError::Encoding {
            operation: "renew the lease",
            event_type: LEASE,
            source,
        })?;
        self.journal.record(&self.stream, after, &[record]).await
    }
}

pub(crate) fn record(
    stream: &str,
    said: &Said,
    after: Option<u64>,
    now: DateTime<Utc>,
) -> Result<Record, serde_json::Error> {
    let data = serde_json::to_value(said)?;
    Ok(Record {
        event_type: LEASE,
        metadata: metadata(stream, after, &data, now)?,
        data,
    })
}

/// Who holds the lease, as its stream says: the host and the term.
pub(crate) async fn holder(
    journal: &Journal,
    stream: &str,
) -> Result<Option<(String, u64)>, JournalError> {
    let latest = journal.latest(stream).await?;
    Ok(latest.and_then(|latest| {
        let said: Said = serde_json::from_slice(&latest.data).ok()?;
        (!said.released).then_some((
            said.host,
            said.term.unwrap_or_else(|| term_at(latest.revision)),
        ))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_holder_has_a_higher_term_even_where_events_are_counted_anew() {
        let by = |term| Said {
            term,
            ..Said::of("db1", Uuid::nil(), false)
        };
        assert_eq!(next_term(None, None), 1);
        // What an older version took has the number of its event for a term.
        assert_eq!(next_term(Some(0), Some(&by(None))), 2);
        assert_eq!(next_term(Some(41), Some(&by(Some(7)))), 43);
        assert_eq!(next_term(Some(2), Some(&by(Some(700)))), 701);
    }

    #[test]
    fn work_ends_before_the_lease_does_and_a_call_is_begun_only_with_enough_of_it_left() {
        let ttl = Duration::from_secs(15);
        let holding = Holding {
            term: 1,
            lease: None,
            until: AtomicU64::new(0),
            enough: ttl / ENOUGH,
        };
        assert!(!holding.lasts() && !holding.lasts_for_a_call());
        let ago = |seconds: u64| holding.renewed(now() - seconds * 1_000, ttl);
        ago(0);
        assert!(holding.lasts() && holding.lasts_for_a_call());
        // 70 % of 15 s are 10.5 s, and a call needs one more.
        ago(9);
        assert!(holding.lasts() && holding.lasts_for_a_call());
        ago(10);
        assert!(holding.lasts() && !holding.lasts_for_a_call());
        ago(11);
        assert!(!holding.lasts() && !holding.lasts_for_a_call());
    }
}
