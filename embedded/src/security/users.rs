//! The users of a secured node, each in a stream of its own.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use futures::StreamExt as _;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    identity::{ADMINS, Identity, OPS},
    passwords::{Busy, Hashed, Turns},
};
use crate::{
    engine::{Deletion, Failure, WriterHandle},
    log::Direction,
    model::{Expected, NewEvent, StreamName, Ticks},
    read::{Bounds, Links, Message, ReadError, Reader, StreamRead, StreamStart},
};

/// The stream that names every user there has been.
const USERS: &str = "$users";
const USER_NAMED: &str = "$User";
const USER_CHANGED: &str = "$UserChanged";

/// A user as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) login: String,
    pub(crate) full_name: String,
    pub(crate) groups: Vec<String>,
    pub(crate) disabled: bool,
    pub(crate) changed: Ticks,
}

/// What is changed about a user.
#[derive(Debug, Clone)]
pub(crate) enum UserChange {
    Details {
        full_name: String,
        groups: Vec<String>,
    },
    Password(String),
    Enable,
    Disable,
}

#[derive(Debug, Clone, Error)]
pub(crate) enum UserError {
    #[error("there is no user {0}")]
    NotFound(String),
    #[error("the user cannot be written down")]
    Write(#[source] Failure),
    #[error("the users cannot be read")]
    Read(#[source] ReadError),
}

/// What a user's stream says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    login_name: String,
    full_name: String,
    groups: Vec<String>,
    disabled: bool,
    password: Hashed,
    changed: i64,
}

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Users {
    reader: Reader,
    writer: WriterHandle,
    state: Arc<Mutex<State>>,
    /// Changes are made one after the other.
    changing: Arc<tokio::sync::Mutex<()>>,
    /// Hashes are made in turns.
    turns: Arc<Turns>,
}

#[derive(Default)]
struct State {
    users: BTreeMap<String, Kept>,
    /// Digests of passwords that were found right, so that only the first call of a user is slow.
    checked: HashMap<String, Vec<u8>>,
}

impl Users {
    /// Loads the users. A store without any gets the two that a real server begins with.
    pub(crate) async fn start(
        reader: Reader,
        writer: WriterHandle,
        admin_password: &str,
        ops_password: &str,
    ) -> Result<Self, UserError> {
        let users = Self {
            reader,
            writer,
            state: Arc::default(),
            changing: Arc::default(),
            turns: Arc::default(),
        };
        users.load().await?;
        if users.state.lock().users.is_empty() {
            users
                .create(
                    "admin",
                    "KurrentDB Administrator",
                    admin_password,
                    vec![ADMINS.to_owned()],
                )
                .await?;
            users
                .create(
                    "ops",
                    "KurrentDB Operations",
                    ops_password,
                    vec![OPS.to_owned()],
                )
                .await?;
        }
        Ok(users)
    }

    /// Who this is. None: no such user, a disabled one, or another password; which of them, the
    /// time that it takes does not tell.
    pub(crate) async fn authenticate(
        &self,
        login: String,
        password: String,
    ) -> Result<Option<Identity>, Busy> {
        let digest = digest(&SHA256, format!("{login}\0{password}").as_bytes())
            .as_ref()
            .to_vec();
        let (kept, checked) = {
            let state = self.state.lock();
            let kept = state.users.get(&login).filter(|user| !user.disabled);
            let checked = kept.is_some() && state.checked.get(&login) == Some(&digest);
            (kept.cloned(), checked)
        };
        if checked {
            return Ok(kept.map(|it| Identity::User {
                login,
                groups: it.groups,
            }));
        }
        let hashed = kept.as_ref().map(|it| it.password.clone());
        let hashed = hashed.unwrap_or_else(Hashed::of_nobody);
        let shown = password.clone();
        let is_right = self.turns.take(move || hashed.is(&shown)).await?;
        let Some(kept) = kept.filter(|_| is_right) else {
            return Ok(None);
        };
        if kept.password.is_outdated() {
            self.renew(&kept, password).await;
        } else {
            let mut state = self.state.lock();
            // It may have been changed meanwhile.
            let now = state.users.get(&login);
            if now.is_some_and(|user| user.password == kept.password) {
                state.checked.insert(login.clone(), digest);
            }
        }
        Ok(Some(Identity::User {
            login,
            groups: kept.groups,
        }))
    }

    /// Keeps a password that was right as one is kept today. Where that fails, the next login does
    /// it.
    async fn renew(&self, known: &Kept, password: String) {
        let _one_at_a_time = self.changing.lock().await;
        let hashed = self.hashed(password).await;
        match self.find(&known.login_name) {
            Ok(now) if now.password == known.password => {
                let kept = Kept {
                    password: hashed,
                    ..now
                };
                if let Err(error) = self.keep(kept).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "a password is kept as it was");
                }
            }
            // Somebody has changed it, or the user is gone.
            Ok(_) | Err(_) => {}
        }
    }

    /// Creates a user. One that is there already stays as it is.
    pub(crate) async fn create(
        &self,
        login: &str,
        full_name: &str,
        password: &str,
        groups: Vec<String>,
    ) -> Result<(), UserError> {
        let _one_at_a_time = self.changing.lock().await;
        if self.state.lock().users.contains_key(login) {
            return Ok(());
        }
        let kept = Kept {
            login_name: login.to_owned(),
            full_name: full_name.to_owned(),
            groups,
            disabled: false,
            password: self.hashed(password.to_owned()).await,
            changed: self.reader.now().0,
        };
        self.append(
            StreamName::new(USERS),
            USER_NAMED,
            serde_json::to_vec(login),
        )
        .await?;
        self.keep(kept).await
    }

    pub(crate) async fn change(&self, login: &str, change: UserChange) -> Result<(), UserError> {
        let _one_at_a_time = self.changing.lock().await;
        let mut kept = self.find(login)?;
        match change {
            UserChange::Details { full_name, groups } => {
                (kept.full_name, kept.groups) = (full_name, groups)
            }
            UserChange::Password(password) => kept.password = self.hashed(password).await,
            UserChange::Enable => kept.disabled = false,
            UserChange::Disable => kept.disabled = true,
        }
        kept.changed = self.reader.now().0;
        self.keep(kept).await
    }

    pub(crate) async fn delete(&self, login: &str) -> Result<(), UserError> {
        let _one_at_a_time = self.changing.lock().await;
        self.find(login)?;
        let deleted = self
            .writer
            .delete(user_stream(login), Expected::Any, Deletion::Soft)
            .await;
        deleted.map_err(UserError::Write)?;
        let mut state = self.state.lock();
        state.users.remove(login);
        state.checked.remove(login);
        Ok(())
    }

    pub(crate) fn details(&self, login: &str) -> Result<User, UserError> {
        Ok(self.find(login)?.into())
    }

    pub(crate) fn all(&self) -> Vec<User> {
        self.state
            .lock()
            .users
            .values()
            .cloned()
            .map(User::from)
            .collect()
    }

    fn find(&self, login: &str) -> Result<Kept, UserError> {
        let state = self.state.lock();
        state
            .users
            .get(login)
            .cloned()
            .ok_or_else(|| UserError::NotFound(login.to_owned()))
    }

    async fn hashed(&self, password: String) -> Hashed {
        let salt = self.reader.new_id();
        let work = move || Hashed::new(&password, salt);
        self.turns.patiently(work).await
    }

    async fn keep(&self, kept: Kept) -> Result<(), UserError> {
        self.append(
            user_stream(&kept.login_name),
            USER_CHANGED,
            serde_json::to_vec(&kept),
        )
        .await?;
        let mut state = self.state.lock();
        state.checked.remove(&kept.login_name);
        state.users.insert(kept.login_name.clone(), kept);
        Ok(())
    }

    async fn append(
        &self,
        stream: StreamName,
        event_type: &str,
        data: serde_json::Result<Vec<u8>>,
    ) -> Result<(), UserError> {
        let event = NewEvent {
            id: self.reader.new_id(),
            event_type: event_type.into(),
            is_json: true,
            data: data.unwrap_or_default().into(),
            metadata: Bytes::new(),
        };
        self.writer
            .append(stream, Expected::Any, vec![event])
            .await
            .map_err(UserError::Write)?;
        Ok(())
    }

    async fn load(&self) -> Result<(), UserError> {
        for login in self.events::<String>(StreamName::new(USERS)).await? {
            if let Some(kept) = self.events::<Kept>(user_stream(&login)).await?.pop() {
                self.state.lock().users.insert(login, kept);
            }
        }
        Ok(())
    }

    /// The visible events of a stream, as far as they can be read.
    async fn events<T: for<'de> Deserialize<'de>>(
        &self,
        stream: StreamName,
    ) -> Result<Vec<T>, UserError> {
        let read = StreamRead {
            stream,
            start: StreamStart::Start,
            direction: Direction::Forwards,
            count: u64::MAX,
            links: Links::Kept,
            bounds: Bounds::Untold,
        };
        let mut messages = self
            .reader
            .read_stream(read)
            .await
            .map_err(UserError::Read)?;
        let mut events = Vec::new();
        while let Some(message) = messages.next().await {
            if let Message::Event(event) = message.map_err(UserError::Read)? {
                let data = event.event.map(|record| record.data()).unwrap_or_default();
                events.extend(serde_json::from_slice(&data).ok());
            }
        }
        Ok(events)
    }
}

fn user_stream(login: &str) -> StreamName {
    StreamName::new(&format!("$user-{login}"))
}

impl From<Kept> for User {
    fn from(kept: Kept) -> Self {
        Self {
            login: kept.login_name,
            full_name: kept.full_name,
            groups: kept.groups,
            disabled: kept.disabled,
            changed: Ticks(kept.changed),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::{super::passwords::counted, *};
    use crate::{
        engine::{Engine, Settings, SystemProjections},
        log::{Log, MemoryLog},
        source::{random_ids, wall_clock},
    };

    async fn users() -> (Users, Engine) {
        let clock = wall_clock();
        let settings = Settings {
            clock: clock.clone(),
            new_id: random_ids(),
            projections: SystemProjections::Off,
        };
        let log: Arc<dyn Log> = Arc::new(MemoryLog::default());
        let engine = Engine::start(log.clone(), settings).unwrap();
        let stop = CancellationToken::new();
        let reader = Reader::new(log, &engine, clock, random_ids(), stop);
        let writer = engine.writer.clone();
        let users = Users::start(reader, writer, "of-admin", "of-ops").await;
        (users.unwrap(), engine)
    }

    /// Counted, since a time says little on a busy machine: whoever returns early for a name that
    /// there is not tells by it which names there are.
    #[tokio::test]
    async fn a_login_that_fails_costs_one_whole_hash_whoever_is_named() {
        let (users, _engine) = users().await;
        let create = users.create("gone", "Gone", "of-gone", Vec::new());
        create.await.unwrap();
        users.change("gone", UserChange::Disable).await.unwrap();
        let mut costs = Vec::new();
        for (login, password) in [
            ("admin", "wrong-for-admin"),
            ("nobody", "wrong-for-nobody"),
            ("", "wrong-for-no-name"),
            ("gone", "wrong-for-gone"),
        ] {
            let found = users.authenticate(login.into(), password.into()).await;
            assert_eq!(found.unwrap(), None, "{login}");
            costs.push((login, counted::rounds(password)));
        }
        let whole = costs[0].1;
        assert!(whole >= 600_000, "{costs:?}");
        assert!(costs.iter().all(|(_, it)| *it == whole), "{costs:?}");

        let before = counted::rounds("of-gone");
        let disabled = users.authenticate("gone".into(), "of-gone".into()).await;
        assert_eq!(disabled.unwrap(), None);
        assert_eq!(counted::rounds("of-gone") - before, whole);
    }
}
