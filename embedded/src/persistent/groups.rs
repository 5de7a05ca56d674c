//! All groups of a node: created, changed, found, dropped.

use std::{collections::BTreeMap, sync::Arc};

use thiserror::Error;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{
    config::{self, CONFIG_EVENT, CONFIG_STREAM},
    delivery::NackAction,
    figures::{Caller, GroupInfo},
    group::{Ask, Dropped, Group, NewConsumer, Pushed},
    held::{Budget, Held},
    settings::{GroupConfig, GroupName},
};
use crate::{
    engine::{Deletion, Failure, WriterHandle},
    model::{Expected, NewEvent, StreamName},
    read::{ReadError, Reader},
    vital::Vital,
};

/// How many questions may wait for a group.
const WAITING: usize = 64;

/// How many groups there may be. They are all written down together.
const MOST: usize = 500;

/// What was asked of the groups cannot be done.
#[derive(Debug, Clone, Error)]
pub(crate) enum GroupError {
    #[error("the group exists")]
    Exists,
    #[error("the group does not exist")]
    Missing,
    #[error("the group has as many consumers as it may have")]
    Full,
    #[error("there are {MOST} groups, and there may be no more")]
    TooMany,
    #[error("the group cannot be written down")]
    Write(#[source] Failure),
}

/// The groups of a node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Groups {
    reader: Reader,
    writer: WriterHandle,
    running: Arc<Mutex<BTreeMap<GroupName, Running>>>,
    held: Budget,
    vital: Vital,
}

struct Running {
    config: GroupConfig,
    asks: mpsc::Sender<Ask>,
    task: JoinHandle<()>,
}

/// A consumer's connection to its group.
pub(crate) struct Connection {
    id: Uuid,
    asks: mpsc::Sender<Ask>,
    /// What the group hands out. An error, or the end, is the end.
    pub(crate) events: mpsc::UnboundedReceiver<Result<Pushed, Dropped>>,
}

impl Groups {
    /// Starts the groups that were there when the store was last open.
    pub(crate) async fn start(
        reader: Reader,
        writer: WriterHandle,
        vital: Vital,
    ) -> Result<Self, ReadError> {
        let groups = Self {
            reader,
            writer,
            vital,
            running: Arc::default(),
            held: Budget::default(),
        };
        let newest = groups
            .reader
            .newest(&StreamName::new(CONFIG_STREAM))
            .await?;
        if let Some(record) = newest {
            match config::read(&record.data()) {
                Ok(configs) => {
                    let mut running = groups.running.lock().await;
                    for config in configs {
                        running.insert(config.name.clone(), groups.run(config).0);
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "the persistent subscriptions cannot be read: there are none")
                }
            }
        }
        Ok(groups)
    }

    pub(crate) async fn create(&self, config: GroupConfig) -> Result<(), GroupError> {
        let mut running = self.running.lock().await;
        if running.contains_key(&config.name) {
            return Err(GroupError::Exists);
        }
        if running.len() >= MOST {
            return Err(GroupError::TooMany);
        }
        let configs = running
            .values()
            .map(|running| &running.config)
            .chain([&config]);
        self.write(configs).await?;
        let (group, ready) = self.run(config);
        running.insert(group.config.name.clone(), group);
        drop(running);
        // What is there already shows in the group from the start.
        let _ = ready.await;
        Ok(())
    }

    /// Changes a group. Its consumers are dropped; its progress is kept.
    pub(crate) async fn update(&self, config: GroupConfig) -> Result<(), GroupError> {
        let mut running = self.running.lock().await;
        if !running.contains_key(&config.name) {
            return Err(GroupError::Missing);
        }
        let others = running
            .values()
            .map(|running| &running.config)
            .filter(|other| other.name != config.name);
        self.write(others.chain([&config])).await?;
        if let Some(old) = running.remove(&config.name) {
            old.stop().await;
        }
        running.insert(config.name.clone(), self.run(config).0);
        Ok(())
    }

    /// Forgets a group, its progress and what it has parked. Its consumers are dropped.
    pub(crate) async fn delete(&self, name: &GroupName) -> Result<(), GroupError> {
        let mut running = self.running.lock().await;
        let Some(group) = running.remove(name) else {
            return Err(GroupError::Missing);
        };
        self.write(running.values().map(|running| &running.config))
            .await?;
        group.stop().await;
        for stream in [name.checkpoint_stream(), name.parked_stream()] {
            self.writer
                .delete(stream, Expected::Any, Deletion::Soft)
                .await
                .map_err(GroupError::Write)?;
        }
        Ok(())
    }

    pub(crate) async fn connect(
        &self,
        name: &GroupName,
        capacity: usize,
        caller: Caller,
    ) -> Result<Connection, GroupError> {
        let asks = self.asks(name).await?;
        let (events, received) = mpsc::unbounded_channel();
        let id = self.reader.new_id();
        let consumer = NewConsumer {
            id,
            capacity,
            caller,
            events,
        };
        let (reply, answer) = oneshot::channel();
        asks.send(Ask::Connect { consumer, reply })
            .await
            .map_err(|_| GroupError::Missing)?;
        if answer.await.map_err(|_| GroupError::Missing)? {
            Ok(Connection {
                id,
                asks,
                events: received,
            })
        } else {
            Err(GroupError::Full)
        }
    }

    pub(crate) async fn info(&self, name: &GroupName) -> Result<GroupInfo, GroupError> {
        let asks = self.asks(name).await?;
        let (reply, answer) = oneshot::channel();
        asks.send(Ask::Info(reply))
            .await
            .map_err(|_| GroupError::Missing)?;
        answer.await.map_err(|_| GroupError::Missing)
    }

    /// All groups, or those on one source.
    pub(crate) async fn list(&self, source: Option<&StreamName>) -> Vec<GroupInfo> {
        let names: Vec<GroupName> = self.running.lock().await.keys().cloned().collect();
        let mut infos = Vec::new();
        for name in names
            .into_iter()
            .filter(|name| source.is_none_or(|source| *source == name.source))
        {
            if let Ok(info) = self.info(&name).await {
                infos.push(info);
            }
        }
        infos
    }

    /// Hands out the parked events again, up to this many.
    pub(crate) async fn replay(
        &self,
        name: &GroupName,
        stop_at: Option<u64>,
    ) -> Result<(), GroupError> {
        let asks = self.asks(name).await?;
        let (reply, answer) = oneshot::channel();
        asks.send(Ask::Replay { stop_at, reply })
            .await
            .map_err(|_| GroupError::Missing)?;
        answer.await.map_err(|_| GroupError::Missing)
    }

    /// Drops all consumers and starts every group from its checkpoint.
    pub(crate) async fn restart(&self) {
        let mut running = self.running.lock().await;
        for (name, old) in std::mem::take(&mut *running) {
            let config = old.config.clone();
            old.stop().await;
            running.insert(name, self.run(config).0);
        }
    }

    /// Stops every group, its progress written down.
    pub(crate) async fn stop(&self) {
        for (_, group) in std::mem::take(&mut *self.running.lock().await) {
            group.stop().await;
        }
    }

    async fn asks(&self, name: &GroupName) -> Result<mpsc::Sender<Ask>, GroupError> {
        let running = self.running.lock().await;
        running
            .get(name)
            .map(|group| group.asks.clone())
            .ok_or(GroupError::Missing)
    }

    /// Starts a group; the second part is told when it has read what there is.
    fn run(&self, config: GroupConfig) -> (Running, oneshot::Receiver<()>) {
        let (asks, asked) = mpsc::channel(WAITING);
        let (ready, is_ready) = oneshot::channel();
        let group = Group::new(
            config.clone(),
            self.reader.clone(),
            self.writer.clone(),
            asked,
            ready,
            Held::of(self.held.clone()),
        );
        (
            Running {
                config,
                asks,
                task: self.vital.spawn("a persistent subscription", group.run()),
            },
            is_ready,
        )
    }

    async fn write<'a>(
        &self,
        groups: impl Iterator<Item = &'a GroupConfig>,
    ) -> Result<(), GroupError> {
        let Ok(data) = config::write(groups) else {
            return Ok(());
        };
        let event = NewEvent {
            id: self.reader.new_id(),
            event_type: CONFIG_EVENT.into(),
            is_json: true,
            data: data.into(),
            metadata: bytes::Bytes::new(),
        };
        let stream = StreamName::new(CONFIG_STREAM);
        self.writer
            .append(stream, Expected::Any, vec![event])
            .await
            .map_err(GroupError::Write)?;
        Ok(())
    }
}

impl Running {
    async fn stop(self) {
        if self.asks.send(Ask::Stop).await.is_ok() && self.task.await.is_err() {
            tracing::error!(group = %self.config.name, "a persistent subscription panicked");
        }
    }
}

impl Connection {
    pub(crate) async fn ack(&self, events: Vec<Uuid>) {
        // A group that has gone drops the connection too.
        let _ = self.asks.send(Ask::Ack(events)).await;
    }

    pub(crate) async fn nack(&self, events: Vec<Uuid>, action: NackAction, reason: String) {
        let _ = self
            .asks
            .send(Ask::Nack {
                events,
                action,
                reason,
            })
            .await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let (id, asks) = (self.id, self.asks.clone());
        if let Err(mpsc::error::TrySendError::Full(ask)) =
            asks.clone().try_send(Ask::Disconnect(id))
        {
            tokio::spawn(async move {
                let _ = asks.send(ask).await;
            });
        }
    }
}
