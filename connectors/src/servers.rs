//! The servers on one store, and what each of them can read.
//!
//! Each says of itself now and then that it is there, in a stream that all share; a holder of a
//! lease says it with each renewal, those of older versions too. While one of them could not read
//! all that this version writes, this server writes none of what that one could not read
//! ([`Journal::write_within`]). One that has not been heard of for a while is gone, by the clock of
//! whoever listens; one that says good-bye is gone at once.

use crate::lease::{LeaseSettings, Said, millis, now, record};
use domain::{
    Clock,
    connector::{LEASE_CATEGORY, LEASE_STREAM},
    vocabulary::{FIRST_VOCABULARY, VOCABULARY},
};
use journal::{Journal, JournalError, Kept};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How many words of servers the store keeps.
const KEPT: usize = 200;

/// How often a server says that it is there, and after how long one is gone that does not.
const SAYS: Duration = Duration::from_secs(60);
const GONE: Duration = Duration::from_secs(180);

/// How often it is looked who is there.
const LOOK: Duration = Duration::from_secs(5);

/// What was said so long before this server began, by the time that stands beside it, is no news of
/// anybody; what comes later is, whatever time it names.
const LONG_AGO: chrono::TimeDelta = chrono::TimeDelta::hours(1);

/// How often an append is made again because somebody else was first.
const ATTEMPTS: usize = 16;

/// A server that is there, and reads less than this one writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OlderServer {
    /// What it is called.
    pub host: String,
    /// Its version.
    pub version: String,
}

/// Who is there. Cheap to clone.
#[derive(Clone)]
pub struct Servers(Arc<Inner>);

struct Inner {
    journal: Journal,
    /// The streams of leases that are asked for here.
    leases: Vec<String>,
    settings: LeaseSettings,
    host: String,
    instance: Uuid,
    clock: Clock,
    heard: Mutex<Heard>,
}

/// What was heard, by stream and process.
#[derive(Debug, Default)]
struct Heard {
    others: BTreeMap<(String, Uuid), Other>,
    is_begun: bool,
}

#[derive(Clone, Debug)]
struct Other {
    revision: u64,
    /// When it was heard, by a clock that nobody sets.
    at: u64,
    said: Said,
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servers").finish_non_exhaustive()
    }
}

/// The stream in which servers say that they are there.
fn stream() -> String {
    format!("{LEASE_CATEGORY}-servers")
}

impl Servers {
    /// Those that share this store with the server `host`, whose process is `instance`. Until it
    /// was looked who is there, nothing is written that the first version could not read.
    pub fn new(
        journal: Journal,
        leases: Vec<String>,
        settings: LeaseSettings,
        host: String,
        instance: Uuid,
        clock: Clock,
    ) -> Self {
        journal.write_within(FIRST_VOCABULARY);
        let all = [LEASE_STREAM.to_owned()].into_iter().chain(leases);
        Self(Arc::new(Inner {
            journal,
            leases: all.collect(),
            settings,
            host,
            instance,
            clock,
            heard: Mutex::default(),
        }))
    }

    /// Says that this server is there, and looks who else is, until stopped.
    pub async fn run(&self, stop: CancellationToken) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said: Option<u64> = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = looks.tick() => {}
            }
            if said.is_none_or(|at| now().saturating_sub(at) >= millis(SAYS)) {
                match self.say(false).await {
                    Ok(()) => said = Some(now()),
                    Err(error) => unheard(&error),
                }
            }
            if let Err(error) = self.look().await {
                unheard(&error);
            }
        }
        if said.is_some()
            && let Err(error) = self.say(true).await
        {
            unheard(&error);
        }
    }

    /// The servers that read less than this one writes, as far as they were heard of.
    pub fn older(&self) -> Vec<OlderServer> {
        let heard = self.0.heard.lock();
        let others = heard.others.iter();
        let older =
            others.filter(|(key, it)| self.is_there(key, it) && reads(&it.said) < VOCABULARY);
        let mut all: Vec<_> = older
            .map(|(_, it)| OlderServer {
                host: it.said.host.clone(),
                version: it.said.version.clone(),
            })
            .collect();
        all.dedup();
        all
    }

    /// What the other servers are called that are there, as far as they were heard of.
    pub fn others(&self) -> BTreeSet<String> {
        let heard = self.0.heard.lock();
        let there = heard
            .others
            .iter()
            .filter(|(key, it)| self.is_there(key, it));
        there.map(|(_, it)| it.said.host.clone()).collect()
    }

    /// Looks who is there now, and says what may be written from now on.
    pub async fn look(&self) -> Result<(), JournalError> {
        let inner = &self.0;
        let servers = stream();
        let mut told = Vec::new();
        for kept in inner.journal.records(&servers).await? {
            told.push((servers.clone(), kept));
        }
        for lease in &inner.leases {
            let latest = inner.journal.latest(lease).await?;
            told.extend(latest.map(|it| (lease.clone(), it)));
        }
        for (stream, kept) in &told {
            self.hear(stream, kept);
        }
        let mut heard = inner.heard.lock();
        heard.is_begun = true;
        heard.others.retain(|key, it| self.is_there(key, it));
        let others = heard.others.values();
        let least = others.map(|it| reads(&it.said)).min();
        drop(heard);
        let writes = least.unwrap_or(VOCABULARY).min(VOCABULARY);
        inner.journal.write_within(writes);
        Ok(())
    }

    fn hear(&self, stream: &str, kept: &Kept) {
        let Ok(said) = serde_json::from_slice::<Said>(&kept.data) else {
            return;
        };
        if said.instance == self.0.instance {
            return;
        }
        let mut heard = self.0.heard.lock();
        let is_news = heard.is_begun || (self.0.clock)() - kept.time < LONG_AGO;
        let key = (stream.to_owned(), said.instance);
        let known = heard.others.get(&key).map(|it| it.revision);
        if known.is_some_and(|it| it >= kept.revision) || !is_news {
            return;
        }
        let (revision, at) = (kept.revision, now());
        heard.others.insert(key, Other { revision, at, said });
    }

    /// Whether it may live: a lease that was given back says nothing of its server, which says by
    /// itself that it leaves.
    fn is_there(&self, (stream, _): &(String, Uuid), other: &Other) -> bool {
        let is_lease = self.0.leases.contains(stream);
        let gone = if is_lease {
            self.0.settings.ttl * 2
        } else {
            GONE
        };
        !other.said.released && now().saturating_sub(other.at) < millis(gone)
    }

    async fn say(&self, is_leaving: bool) -> Result<(), JournalError> {
        let inner = &self.0;
        let stream = stream();
        let said = Said::of(&inner.host, inner.instance, is_leaving);
        for _ in 0..ATTEMPTS {
            let after = inner.journal.last_record(&stream).await?;
            if after.is_none() {
                inner.journal.keep_last(&stream, KEPT).await?;
            }
            let record = record(&stream, &said, after, (inner.clock)());
            let record = record.map_err(|source| JournalError::Encoding {
                operation: "say that this server is there",
                event_type: "ConnectorLease",
                source,
            })?;
            if inner
                .journal
                .record(&stream, after, &[record])
                .await?
                .is_some()
            {
                return Ok(());
            }
        }
        Ok(())
    }
}

fn reads(said: &Said) -> u32 {
    said.reads.unwrap_or(FIRST_VOCABULARY)
}

fn unheard(error: &JournalError) {
    let error = domain::error_chain(error);
    tracing::debug!(error, "the servers on this store were not asked for");
}
