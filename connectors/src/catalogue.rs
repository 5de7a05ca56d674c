//! Which connectors there are, as every server of a store knows it: followed from the log, in
//! memory.

use crate::{built_in::BuiltIns, codec, parked, registry::Executed};
use chrono::{DateTime, Utc};
use domain::{
    EventId,
    connector::{Connector, Defined, evolve},
    text::ConnectorId,
};
use journal::{FollowError, Followed, Journal, Memory, Recorded};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

/// The connectors that there are. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Catalogue(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    entries: Mutex<BTreeMap<ConnectorId, Entry>>,
    is_whole: watch::Sender<bool>,
    built_in: BuiltIns,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    connector: Connector,
    revision: Option<u64>,
    parked: BTreeSet<EventId>,
}

/// A connector that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: ConnectorId,
    /// What its stream says.
    pub defined: Defined,
    /// The number of its stream's last event.
    pub revision: u64,
    /// How many records it has set aside.
    pub parked: usize,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self(Arc::new(Inner {
            entries: Mutex::default(),
            is_whole: watch::Sender::new(false),
            built_in: BuiltIns::default(),
        }))
    }
}

impl Catalogue {
    /// Follows the log, until cancelled.
    pub async fn run(&self, journal: &Journal, stop: CancellationToken) -> Result<(), FollowError> {
        let reading = self.0.built_in.run(journal, &stop);
        let following = journal.remember(Followed::Connectors, self, stop.clone());
        tokio::pin!(following);
        tokio::select! {
            followed = &mut following => followed,
            () = reading => following.await,
        }
    }

    /// Whether the engine's own are stopped.
    pub fn built_in(&self) -> &BuiltIns {
        &self.0.built_in
    }

    /// All that are there, by their ids; nothing if the log is not read so soon.
    pub async fn all(&self, patience: Duration) -> Option<Vec<Listed>> {
        let mut is_whole = self.0.is_whole.subscribe();
        let waited = timeout(patience, is_whole.wait_for(|it| *it)).await;
        if !waited.is_ok_and(|it| it.is_ok()) {
            return None;
        }
        let entries = self.0.entries.lock();
        let each = entries.iter();
        Some(each.filter_map(|(id, it)| it.listed(id)).collect())
    }

    /// What a command of this server has come to: it is known at once, not when it has come back
    /// from the log.
    pub fn learn(&self, id: &ConnectorId, executed: &Executed) {
        let Some(revision) = executed.revision.filter(|_| !executed.repeated) else {
            return;
        };
        let mut entries = self.0.entries.lock();
        let entry = entries.entry(id.clone()).or_default();
        if entry.revision.is_none_or(|it| it < revision) {
            entry.revision = Some(revision);
            entry.connector = executed.connector.clone();
        }
    }
}

impl Memory for Catalogue {
    fn apply(&self, recorded: &Recorded) {
        self.0.built_in.apply(recorded);
        let Some(id) = ConnectorId::of_stream(&recorded.stream) else {
            return;
        };
        let mut entries = self.0.entries.lock();
        let entry = entries.entry(id.clone()).or_default();
        if recorded.stream == id.stream() {
            if entry.revision.is_some_and(|it| recorded.revision <= it) {
                return;
            }
            entry.revision = Some(recorded.revision);
            entry.evolve(recorded, recorded.time());
        } else {
            parked::note(&mut entry.parked, recorded);
        }
    }

    fn is_whole(&self) {
        self.0.is_whole.send_replace(true);
    }

    fn forget(&self) {
        self.0.is_whole.send_replace(false);
        self.0.entries.lock().clear();
        self.0.built_in.forget();
    }
}

impl Entry {
    fn evolve(&mut self, recorded: &Recorded, time: DateTime<Utc>) {
        // One that cannot be read is told where the connector is asked for.
        if let Ok(event) = codec::decode(recorded.event_type(), &recorded.data) {
            let before = std::mem::take(&mut self.connector);
            self.connector = evolve(before, &event, time);
        }
    }

    fn listed(&self, id: &ConnectorId) -> Option<Listed> {
        match &self.connector {
            Connector::Absent | Connector::Deleted { .. } => None,
            Connector::Defined(defined) => Some(Listed {
                id: id.clone(),
                defined: defined.clone(),
                revision: self.revision.unwrap_or_default(),
                parked: self.parked.len(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::connector::{ConnectorCreated, ConnectorEvent};
    use journal::{Body, Position};

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp(1_772_355_600, 0).unwrap()
    }

    fn created() -> ConnectorEvent {
        let settings = serde_json::json!({ "sink": { "type": "stdout" } });
        ConnectorEvent::ConnectorCreated(ConnectorCreated {
            name: "a connector".parse().unwrap(),
            settings: serde_json::from_value(settings).unwrap(),
        })
    }

    fn recorded(revision: u64, event: &ConnectorEvent) -> Recorded {
        let tagged = serde_json::to_value(event).unwrap();
        Recorded {
            stream: "connector-to-auditors".to_owned(),
            network_id: None,
            revision,
            position: Position::START,
            event_id: EventId(uuid::Uuid::from_u128(revision.into())),
            created: at(),
            metadata: None,
            stored: Default::default(),
            data: tagged["data"].to_string().into_bytes().into(),
            body: Body::Undecodable {
                event_type: event.name().to_owned(),
                problem: String::new(),
            },
        }
    }

    #[tokio::test]
    async fn what_a_command_has_come_to_is_listed_before_it_comes_back_from_the_log_and_stays_so() {
        let (catalogue, id) = (Catalogue::default(), "to-auditors".parse().unwrap());
        catalogue.0.is_whole.send_replace(true);
        let listed = async || catalogue.all(Duration::ZERO).await.unwrap();
        let connector = evolve(Connector::default(), &created(), at());
        let executed = |connector: &Connector, revision: u64| Executed {
            connector: connector.clone(),
            revision: Some(revision),
            events: Vec::new(),
            repeated: false,
        };
        catalogue.learn(&id, &executed(&connector, 0));
        assert_eq!(listed().await.len(), 1);
        let started = ConnectorEvent::ConnectorDeleted {};
        let deleted = evolve(connector.clone(), &started, at());
        catalogue.learn(&id, &executed(&deleted, 1));
        assert_eq!(listed().await.len(), 0);
        // What comes from the log afterwards is older, and so is another answer that came late.
        catalogue.apply(&recorded(0, &created()));
        catalogue.learn(&id, &executed(&connector, 0));
        assert_eq!(listed().await.len(), 0);
        catalogue.apply(&recorded(2, &created()));
        assert_eq!(listed().await[0].revision, 2);
    }
}
