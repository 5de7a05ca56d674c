//! One open store: where commands, reads and followers start from.

use crate::{
    Followed, Follower, JournalError, JournalSettings, Networks, OpenError, Position, Recorded,
    Unreachable,
    calls::{PAGE, Page, Store},
    certificate,
    client_pool::ClientPool,
    deadline::Deadline,
    parked::Parked,
    reach, retry, settings,
    transport::Transport,
};
use chrono::{DateTime, Utc};
use domain::NetworkId;
use parking_lot::Mutex;
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

/// How often a log is asked again whether it really ends before a position, and the pauses between.
pub(crate) const ENDS_ASKED: u32 = 6;
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A store, reached through a connection string. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal {
    store: Arc<Store>,
    transport: Arc<Transport>,
    networks: Networks,
    parked: Arc<Parked>,
    settings: Arc<JournalSettings>,
    /// How far the log is by what was put on record here beside networks.
    recorded: Arc<Mutex<Position>>,
    /// How far those parts of the log were read that are kept in memory.
    remembered: Arc<Mutex<Vec<(Followed, Position)>>>,
}

impl Journal {
    /// Checks the settings and reads certificate files. Nothing is dialled.
    pub fn open(settings: JournalSettings) -> Result<Self, OpenError> {
        let client_settings = settings::parse(&settings.connection_string)?;
        let transport = Arc::new(Transport::of(client_settings, &settings)?);
        let store = Arc::new(Store::new(ClientPool::new(Arc::clone(&transport))));
        let parked = Arc::<Parked>::default();
        let networks = Networks::new(Arc::clone(&store), Arc::clone(&parked), &settings);
        Ok(Self {
            store,
            transport,
            networks,
            parked,
            settings: Arc::new(settings),
            recorded: Arc::default(),
            remembered: Arc::default(),
        })
    }

    /// Nothing is appended from now on that a server of this vocabulary could not read
    /// ([`domain::vocabulary`]).
    pub fn write_within(&self, vocabulary: u32) {
        self.store.write_within(vocabulary);
    }

    /// Whether the store answers, by one read that takes no longer than a command may.
    pub async fn ready(&self) -> Result<(), JournalError> {
        let deadline = Deadline::after(self.settings.command_deadline, "ready");
        // No network has this id: the answer is small whatever the store holds.
        self.store
            .ping(&NetworkId(Uuid::nil()).stream(), &deadline)
            .await
    }

    /// Why the store is not reached, where no waiting would mend that; `None` where nothing of the
    /// kind is seen.
    pub async fn unreachable(&self) -> Option<Unreachable> {
        reach::why_not(&self.transport).await
    }

    /// Whether the whole log may be read, which every follower does: one bounded round trip.
    pub async fn may_follow(&self) -> Result<(), JournalError> {
        self.end().await.map(drop)
    }

    /// The store's own version, as it calls it.
    pub async fn store_version(&self) -> Result<String, JournalError> {
        let deadline = Deadline::after(self.settings.command_deadline, "ask for the version");
        self.store.version(&deadline).await
    }

    /// Where the log's last event is; `None` if it has none.
    pub async fn end(&self) -> Result<Option<Position>, JournalError> {
        let deadline = Deadline::after(self.settings.command_deadline, "ask for the log's end");
        self.store.end(&deadline).await
    }

    /// The furthest place of what this handle, or a clone of it, put on record of connectors,
    /// access or approvals: whoever lists them shows it.
    pub fn recorded(&self) -> Position {
        *self.recorded.lock()
    }

    /// The log ends there: what was put on record beyond it is gone from it.
    pub fn ends_at(&self, end: Position) {
        let mut furthest = self.recorded.lock();
        *furthest = end.min(*furthest);
    }

    pub(crate) fn note_recorded(&self, stream: &str, position: Option<Position>) {
        if Followed::Audited.has(stream) {
            let mut furthest = self.recorded.lock();
            *furthest = position.unwrap_or(Position::START).max(*furthest);
        }
    }

    /// Up to where those parts of the log were read that are kept in memory ([`crate::Memory`]);
    /// [`Position::START`] means nothing yet.
    pub fn remembered(&self) -> Vec<(Followed, Position)> {
        self.remembered.lock().clone()
    }

    pub(crate) fn note_remembered(&self, followed: &Followed, position: Position) {
        let mut all = self.remembered.lock();
        match all.iter_mut().find(|(it, _)| it == followed) {
            Some((_, reached)) => *reached = position,
            None => all.push((followed.clone(), position)),
        }
    }

    /// When the first of the certificates ends that the nodes of the connection string present now,
    /// over or not; `None` without TLS, or if no node answers.
    pub async fn certificate_ends(&self) -> Option<DateTime<Utc>> {
        let settings = &self.transport.settings;
        if !settings.is_secure_mode_enabled() {
            return None;
        }
        let nodes = settings.hosts().iter();
        let nodes = nodes.map(|it| (it.host.clone(), u16::try_from(it.port).unwrap_or_default()));
        certificate::first_end(nodes.collect()).await
    }

    /// Whether the log ends before this position, and goes on doing so: a node may lag behind its
    /// cluster for a moment, and one that was put back from a backup for longer.
    pub async fn ends_before(&self, position: Position) -> Result<bool, JournalError> {
        let mut pauses = retry::pauses(FIRST_PAUSE, LONGEST_PAUSE);
        for asked in 1..=ENDS_ASKED {
            if self.end().await?.is_some_and(|end| end >= position) {
                return Ok(false);
            }
            if asked < ENDS_ASKED {
                tokio::time::sleep(pauses.next().unwrap_or(LONGEST_PAUSE)).await;
            }
        }
        Ok(true)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn settings(&self) -> &JournalSettings {
        &self.settings
    }

    /// Commands, and networks as they stand.
    pub fn networks(&self) -> &Networks {
        &self.networks
    }

    /// Follows the log after this position; `None` is from its beginning. Needs a tokio runtime
    /// around it.
    pub fn follow(&self, from: Option<Position>, followed: Followed) -> Follower {
        Follower::start(
            Arc::clone(&self.transport),
            Arc::clone(&self.parked),
            &self.settings,
            from,
            followed,
        )
    }

    /// The next part of this stream after this event number (`None`: from the beginning), and
    /// whether there is more. What is long is read part by part, and never held as a whole.
    pub async fn read_part(
        &self,
        stream: &str,
        after: Option<u64>,
    ) -> Result<(Vec<Recorded>, bool), JournalError> {
        let deadline = Deadline::after(self.settings.command_deadline, "read part of a stream");
        let from = after.map_or(0, |it| it.saturating_add(1));
        match self.store.read_page(stream, from, PAGE, &deadline).await? {
            Page::Missing => Ok((Vec::new(), false)),
            Page::Found { events, last } => {
                let reached = events.last().map(|it| it.revision);
                let more = reached.is_some_and(|it| it < last);
                Ok((events, more))
            }
        }
    }

    /// Everything in this stream after this event number (`None`: from the beginning), up to its
    /// end at some moment of the call. A stream that does not exist holds nothing.
    pub async fn read_stream(
        &self,
        stream: &str,
        after: Option<u64>,
    ) -> Result<Vec<Recorded>, JournalError> {
        let deadline = Deadline::after(self.settings.command_deadline, "read stream");
        let mut all = Vec::new();
        let mut from = after.map_or(0, |it| it.saturating_add(1));
        loop {
            let (events, last) = match self.store.read_page(stream, from, PAGE, &deadline).await? {
                Page::Missing => return Ok(all),
                Page::Found { events, last } => (events, last),
            };
            let reached = events.last().map(|it| it.revision);
            all.extend(events);
            match reached {
                Some(revision) if revision < last => from = revision + 1,
                Some(_) | None => return Ok(all),
            }
        }
    }
}
