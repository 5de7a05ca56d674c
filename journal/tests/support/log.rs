//! The server's log, what it was asked, and what is to go wrong next.

use parking_lot::{Mutex, MutexGuard};
use protocol::gossip::member_info::VNodeState;
use std::collections::{BTreeMap, VecDeque};
use tokio::sync::{broadcast, watch};
use uuid::Uuid;

#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) stream: String,
    pub(crate) revision: u64,
    pub(crate) position: u64,
    pub(crate) id: Uuid,
    pub(crate) event_type: String,
    pub(crate) metadata: Vec<u8>,
    pub(crate) data: Vec<u8>,
}

/// An event on its way into the log.
#[derive(Clone, Debug)]
pub(crate) struct Proposed {
    pub(crate) id: Uuid,
    pub(crate) event_type: String,
    pub(crate) metadata: Vec<u8>,
    pub(crate) data: Vec<u8>,
}

/// What an append looked like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenAppend {
    pub(crate) stream: String,
    pub(crate) expected: Option<u64>,
    pub(crate) ids: Vec<Uuid>,
}

/// What goes wrong with the next append.
pub(crate) enum OnAppend {
    /// It is written, and the answer is this status instead.
    LoseAnswer(tonic::Code),
    /// Nothing is written, and the answer is this status.
    Refuse(tonic::Code),
    /// Nothing is written, and the answer is that the node on this port leads.
    NotLeader(u16),
    /// It is written and never answered.
    WriteAndHang,
    /// Somebody else does this first.
    After(Box<dyn FnOnce(&mut Log) + Send>),
}

/// What goes wrong with the next read.
pub(crate) enum OnRead {
    /// So many events, and then the end without a status.
    CutAfter(usize),
    /// Everything, and then the end without the stream's last number and without a status.
    CutAtEnd,
}

#[derive(Default)]
pub(crate) struct Log {
    pub(crate) events: Vec<Stored>,
    pub(crate) on_append: VecDeque<OnAppend>,
    pub(crate) on_read: VecDeque<OnRead>,
    pub(crate) appends: Vec<SeenAppend>,
    /// The first number that each stream read asked for.
    pub(crate) reads: Vec<u64>,
    /// The position or revision that each subscription asked for.
    pub(crate) subscriptions: Vec<Option<u64>>,
    /// Whether subscriptions are refused as a server does that is not ready.
    pub(crate) not_ready: bool,
    /// How many of the next subscriptions end behind their first event, as if that were all.
    pub(crate) breaks: usize,
    /// The cluster as gossip tells it: port, state, alive.
    pub(crate) members: Vec<(u16, VNodeState, bool)>,
    /// The port of the node of each subscription.
    pub(crate) subscribed_at: Vec<u16>,
    /// Whether there is no call for many appends.
    pub(crate) has_no_shared_call: bool,
    /// How many such calls there were, and how many appends came over them.
    pub(crate) shared_calls: usize,
    pub(crate) shared_appends: usize,
    /// Whether everybody is a stranger.
    pub(crate) closed_to_all: bool,
    /// Reads that were refused for that.
    pub(crate) turned_away: usize,
    /// How many events the log's end is behind, each time it is asked for.
    pub(crate) lags: VecDeque<usize>,
    /// Of streams that somebody cut, the first event that can still be read.
    pub(crate) cut: BTreeMap<String, u64>,
}

pub(crate) struct Shared {
    log: Mutex<Log>,
    pub(crate) changed: watch::Sender<u64>,
    pub(crate) endings: broadcast::Sender<super::Ending>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            log: Mutex::default(),
            changed: watch::Sender::default(),
            endings: broadcast::channel(16).0,
        }
    }
}

impl Shared {
    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock()
    }

    /// Puts an event into the log behind everybody's back.
    pub(crate) fn put(&self, stream: &str, event_type: &str, metadata: &str, data: &str) {
        self.log().put(stream, event_type, metadata, data);
        self.changed.send_modify(|it| *it += 1);
    }

    /// Ends every open subscription.
    pub(crate) fn end_subscriptions(&self, ending: super::Ending) {
        self.endings.send(ending).unwrap();
    }
}

impl Log {
    /// What the next append is refused with, whichever way it comes: the refusal is still to come.
    pub(crate) fn refusal(&self) -> Option<tonic::Status> {
        match self.on_append.front()? {
            OnAppend::Refuse(code) => Some(tonic::Status::new(*code, "scripted")),
            OnAppend::NotLeader(port) => Some(not_leader(*port)),
            OnAppend::LoseAnswer(_) | OnAppend::WriteAndHang | OnAppend::After(_) => None,
        }
    }

    pub(crate) fn stream(&self, stream: &str) -> Vec<Stored> {
        self.events
            .iter()
            .filter(|it| it.stream == stream)
            .cloned()
            .collect()
    }

    pub(crate) fn put(&mut self, stream: &str, event_type: &str, metadata: &str, data: &str) {
        let id = Uuid::from_u128(0xffff_0000 + self.events.len() as u128);
        let (metadata, data) = (metadata.as_bytes().to_vec(), data.as_bytes().to_vec());
        self.write(
            stream,
            Proposed {
                id,
                event_type: event_type.to_owned(),
                metadata,
                data,
            },
        );
    }

    /// Appends, or says what the stream's last number is instead.
    pub(crate) fn append(
        &mut self,
        stream: &str,
        expected: Option<u64>,
        proposed: &[Proposed],
    ) -> Result<Stored, Option<u64>> {
        let existing = self.stream(stream);
        let actual = existing.last().map(|it| it.revision);
        if actual != expected {
            let first = expected.map_or(0, |it| it as usize + 1);
            let stored = existing.get(first..first + proposed.len()).ok_or(actual)?;
            let same = stored
                .iter()
                .zip(proposed)
                .all(|(stored, proposed)| stored.id == proposed.id);
            return if same {
                Ok(stored.last().unwrap().clone())
            } else {
                Err(actual)
            };
        }
        proposed
            .iter()
            .for_each(|event| self.write(stream, event.clone()));
        Ok(self.events.last().unwrap().clone())
    }

    fn write(&mut self, stream: &str, event: Proposed) {
        let revision = self.events.iter().filter(|it| it.stream == stream).count() as u64;
        let position = (self.events.len() as u64 + 1) * 100;
        let Proposed {
            id,
            event_type,
            metadata,
            data,
        } = event;
        self.events.push(Stored {
            stream: stream.to_owned(),
            revision,
            position,
            id,
            event_type,
            metadata,
            data,
        });
    }
}

/// For mishaps, which are handed the log itself.
pub(crate) fn put(log: &mut Log, stream: &str, event_type: &str, metadata: &str, data: &str) {
    log.put(stream, event_type, metadata, data);
}

pub(crate) fn not_leader(port: u16) -> tonic::Status {
    let mut status = tonic::Status::not_found("Leader info available");
    let trailers = [
        ("exception", "not-leader".to_owned()),
        ("leader-endpoint-host", "127.0.0.1".to_owned()),
        ("leader-endpoint-port", port.to_string()),
    ];
    for (name, value) in trailers {
        status.metadata_mut().insert(name, value.parse().unwrap());
    }
    status
}
