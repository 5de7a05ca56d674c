//! One watch: what there is, then what changes.

use super::hub::Seat;
use crate::api::{
    Services,
    access::Caller,
    guard,
    parse::{Events, Known, Scope, Watch},
    problem::{Problem, Reason},
    reads, rows, show,
    time::timestamp,
    v1,
};
use chrono::{DateTime, Utc};
use domain::NetworkId;
use journal::Position;
use projections::{Order, Page, PageRequest, TimelineEntry};
use std::{
    collections::{BTreeSet, HashMap},
    future::Future,
    hash::Hash,
};
use tokio::{
    sync::mpsc::Sender,
    time::{Instant, sleep_until},
};
use tonic::Status;

/// For how many things it is remembered which state was sent last, so that none is sent twice.
const REMEMBERED: usize = 50_000;

/// What is watched: networks or peerings.
pub(super) trait Kind: Send + 'static {
    type Message: Send + 'static;
    type Id: Copy + Eq + Hash + Ord + Send + Sync + 'static;

    /// Whether what is watched is on record.
    fn check(services: &Services, scope: Scope)
    -> impl Future<Output = Result<(), Problem>> + Send;

    /// The states of the scope, in parts.
    fn states(
        services: &Services,
        scope: Scope,
        part: &PageRequest,
    ) -> impl Future<Output = Result<Page<State<Self>>, Problem>> + Send;

    /// One state as it is now.
    fn state(
        services: &Services,
        id: Self::Id,
    ) -> impl Future<Output = Result<Option<State<Self>>, Problem>> + Send;

    /// What an event has changed.
    fn changed_by(event: &TimelineEntry) -> Option<Self::Id>;

    /// The network in which an event may have changed everything that is watched.
    fn changed_in(event: &TimelineEntry) -> Option<NetworkId>;

    /// The network that a message is of; `None`: of none.
    fn network(message: &Self::Message) -> Option<&str>;

    fn event(event: v1::Event) -> Self::Message;

    fn bookmark(bookmark: v1::Bookmark) -> Self::Message;
}

/// A state and which one it is.
pub(super) struct State<K: Kind + ?Sized> {
    pub(super) id: K::Id,
    /// What tells this state from the one before.
    pub(super) version: Version,
    pub(super) message: K::Message,
}

/// The revision of what is watched, and what is told of it that is no event of its own.
pub(super) type Version = (u64, Beside);

/// What is told of a state that is no event of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Beside {
    /// How many holds of its network concern it, and since when the latest does.
    pub(super) holds: usize,
    pub(super) since: Option<DateTime<Utc>>,
    /// The kind of what is wrong with the history; 0 for nothing.
    pub(super) fault: i32,
}

/// The caller has left.
struct Left;

/// What a watch does until it ends: the caller has left, or there is a problem to tell.
pub(super) async fn follow<K: Kind>(
    services: &Services,
    caller: &Caller,
    watch: Watch,
    seat: &Seat,
    sender: &Sender<Result<K::Message, Status>>,
) -> Result<(), Problem> {
    let (after, bookmarks) = (watch.after, watch.bookmarks);
    let mut session = Session::<K> {
        services,
        caller,
        seat,
        sender,
        position: after,
        known: watch.known.as_ref().map(Known::message),
        watch,
        sent: HashMap::new(),
    };
    if after.is_none() && !session.begin().await? {
        return Ok(());
    }
    loop {
        if !session.catch_up().await? {
            return Ok(());
        }
        if session.bookmark().await.is_err() {
            return Ok(());
        }
        let mut silence = Instant::now() + bookmarks;
        loop {
            tokio::select! {
                () = seat.changed() => break,
                () = sleep_until(silence) => {
                    // What a watch has not been told of is not said to have been sent.
                    if !session.catch_up().await? || session.bookmark().await.is_err() {
                        return Ok(());
                    }
                    silence = Instant::now() + bookmarks;
                }
                () = sender.closed() => return Ok(()),
                () = services.draining.cancelled() => {
                    let text = "the server is stopping; watch again after the last bookmark";
                    return Err(Problem::new(Reason::Stopping, text));
                }
            }
        }
    }
}

struct Session<'a, K: Kind> {
    services: &'a Services,
    caller: &'a Caller,
    watch: Watch,
    seat: &'a Seat,
    sender: &'a Sender<Result<K::Message, Status>>,
    /// Everything up to here was sent.
    position: Option<Position>,
    /// The last event up to there that the caller sees.
    known: Option<v1::KnownEvent>,
    sent: HashMap<K::Id, Version>,
}

impl<K: Kind> Session<'_, K> {
    /// The states as they are now; with all events, those come first.
    async fn begin(&mut self) -> Result<bool, Problem> {
        if self.watch.events == v1::WatchEvents::All {
            return Ok(true);
        }
        let mut part = self.part();
        let mut as_of = None;
        loop {
            let rows = K::states(self.services, self.watch.scope, &part).await?;
            // What changes between two parts is told again afterwards.
            as_of = as_of.or(Some(rows.as_of));
            for state in rows.items {
                if self.tell(state).await.is_err() {
                    return Ok(false);
                }
            }
            match rows.next_token {
                Some(token) => part.token = Some(token),
                None => break,
            }
        }
        self.position = as_of;
        Ok(true)
    }

    /// Everything since; `false` once the caller has left.
    async fn catch_up(&mut self) -> Result<bool, Problem> {
        loop {
            let part = self.part();
            let looks = &self.services.hub.looks;
            let (scope, after) = (self.watch.scope, self.position);
            let rows = looks.events(self.services, scope, after, &part).await?;
            let is_last = rows.next_token.is_none();
            let changed: BTreeSet<K::Id> = rows.items.iter().filter_map(K::changed_by).collect();
            let held: BTreeSet<_> = rows.items.iter().filter_map(K::changed_in).collect();
            let last = rows.items.last().map(|it| it.position);
            self.know(&rows.items).await;
            if self.wants_events() {
                for event in &rows.items {
                    let mut event = show::event(event);
                    reads::name(self.services, &mut event).await?;
                    if self.send(K::event(event)).await.is_err() {
                        return Ok(false);
                    }
                }
            }
            for id in changed {
                if let Some(state) = K::state(self.services, id).await?
                    && self.tell(state).await.is_err()
                {
                    return Ok(false);
                }
            }
            for network in held {
                if !self.states_of(Scope::Network(network)).await? {
                    return Ok(false);
                }
            }
            let reached = if is_last { Some(rows.as_of) } else { last };
            self.position = self.position.max(reached);
            if is_last {
                return match self.watch.scope {
                    Scope::Peering(_) => self.held().await,
                    Scope::All | Scope::Network(_) => Ok(true),
                };
            }
        }
    }

    /// What holds in a whole network is no event of one peering's: its state is told when that has
    /// changed since it was told last, or holds when a watch is resumed.
    async fn held(&mut self) -> Result<bool, Problem> {
        let part = self.part();
        let rows = K::states(self.services, self.watch.scope, &part).await?;
        for state in rows.items {
            let (_, beside) = state.version;
            let told = self.sent.get(&state.id).map(|(_, told)| *told);
            let is_told = told.unwrap_or_default() == beside;
            if is_told {
                self.sent.entry(state.id).or_insert(state.version);
            } else if self.tell(state).await.is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The states of this scope as they are now, unless they were sent; `false` once the caller has
    /// left.
    async fn states_of(&mut self, scope: Scope) -> Result<bool, Problem> {
        let mut part = self.part();
        loop {
            let rows = K::states(self.services, scope, &part).await?;
            for state in rows.items {
                if self.tell(state).await.is_err() {
                    return Ok(false);
                }
            }
            match rows.next_token {
                Some(token) => part.token = Some(token),
                None => return Ok(true),
            }
        }
    }

    /// What one look takes of events or states: less where many watch.
    fn part(&self) -> PageRequest {
        PageRequest {
            size: self.seat.part(),
            ..PageRequest::default()
        }
    }

    fn wants_events(&self) -> bool {
        match self.watch.events {
            v1::WatchEvents::Unspecified | v1::WatchEvents::None => false,
            v1::WatchEvents::New | v1::WatchEvents::All => true,
        }
    }

    /// Sends a state, unless this very one was sent last.
    async fn tell(&mut self, state: State<K>) -> Result<(), Left> {
        if self.sent.get(&state.id) == Some(&state.version) {
            return Ok(());
        }
        if self.sent.len() >= REMEMBERED {
            self.sent.clear();
        }
        self.sent.insert(state.id, state.version);
        self.send(state.message).await
    }

    async fn bookmark(&mut self) -> Result<(), Left> {
        if self.known.is_none() {
            self.know_the_last().await;
        }
        let bookmark = v1::Bookmark {
            position: self.position.map(|it| it.to_string()).unwrap_or_default(),
            sent_at: Some(timestamp((self.services.clock)())),
            known_event: self.known.clone(),
        };
        self.send(K::bookmark(bookmark)).await
    }

    /// Takes the last of these events that the caller sees, in the log's order, for what the log is
    /// known by.
    async fn know(&mut self, events: &[TimelineEntry]) {
        for event in events.iter().rev() {
            if self.sees(event.network_id).await {
                self.known = Some(show::known_event(event));
                return;
            }
        }
    }

    /// Looks for one that came before this watch began. A bookmark without any serves as well.
    async fn know_the_last(&mut self) {
        let (network, peering) = match self.watch.scope {
            Scope::All => (None, None),
            Scope::Network(id) => (Some(id), None),
            Scope::Peering(id) => (None, Some(id)),
        };
        let asked = Events {
            network,
            peering,
            to: self.position,
            order: Order::NewestFirst,
            ..Events::default()
        };
        if let Ok(mut last) = rows::events(self.services, &asked, None, &self.part()).await {
            last.items.reverse();
            self.know(&last.items).await;
        }
    }

    /// Sends what the caller may see; the rest does not show.
    async fn send(&self, message: K::Message) -> Result<(), Left> {
        if let Some(network) = K::network(&message)
            && !self.sees(network.parse().ok()).await
        {
            return Ok(());
        }
        self.sender.send(Ok(message)).await.map_err(|_| Left)
    }

    /// Whether the caller may see what is of this network; what is of none is for who may see all.
    async fn sees(&self, network: Option<NetworkId>) -> bool {
        if self.caller.is_unbounded() {
            return true;
        }
        let Some(id) = network else {
            return false;
        };
        let sees = guard::sees(self.services, self.caller, id).await;
        sees.unwrap_or_default()
    }
}
