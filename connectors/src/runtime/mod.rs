//! Which connectors run in this process: all that are started, while it holds the lease.
//!
//! It follows the connectors' own streams and compares what they say with what runs. Nothing is
//! done on the strength of one event: whatever was missed, by a crash or another holder, shows when
//! the two are compared.

mod lead;

use crate::{
    deliveries::DeliveryLog,
    filter::Matcher,
    gate::PAUSES,
    lease::{Candidate, Holding, LeaseSettings, holder},
    log::Log,
    registry::Connectors,
    run::{Nudge, Transform},
    sink::{Attempt, Item, Parcel, Sinks},
    status::Statuses,
    streams::ParkedStreams,
};
use domain::{
    Clock, EventId,
    connector::{LEASE_STREAM, Settings, Transformer},
    text::ConnectorId,
};
use journal::{Body, FollowError, Journal, JournalError, Position, Recorded};
use lead::Lead;
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use transform::Host;
use uuid::Uuid;

/// Whether other servers may use the same store.
#[derive(Clone, Copy, Debug)]
pub enum Tenancy {
    /// Nobody else can reach it: there is no lease.
    Alone,
    /// They may: one of them at a time delivers.
    Shared(LeaseSettings),
}

/// How connectors are run.
#[derive(Clone, Debug)]
pub struct RuntimeSettings {
    /// What this server is called in the log.
    pub host: String,
    /// Of this process alone: two on one host are two. One that knows that the process before it
    /// has ended may go by its name: then it need not wait until the lease of that one has ended.
    pub instance: Uuid,
    /// Whether other servers may use the same store.
    pub tenancy: Tenancy,
    /// How long deliveries under way may take at the end.
    pub drain: Duration,
    /// How long an endpoint is left alone that is not as it should be: after the first try, after
    /// the second and so on; then always the last.
    pub pauses: Vec<Duration>,
    /// Where transforms run. Not set: a connector that has one cannot run here.
    pub transforms: Option<Host>,
}

impl RuntimeSettings {
    /// As usual, at this server.
    pub fn new(host: String, instance: Uuid, tenancy: Tenancy) -> Self {
        Self {
            host,
            instance,
            tenancy,
            drain: Duration::from_secs(10),
            pauses: PAUSES.to_vec(),
            transforms: None,
        }
    }
}

/// Why no connector can be run any more.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// The log cannot be followed.
    #[error("cannot follow the connectors")]
    Follow(#[from] FollowError),
}

/// The connectors that run in this process. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    journal: Journal,
    registry: Connectors,
    sinks: Arc<dyn Sinks>,
    clock: Clock,
    settings: Arc<RuntimeSettings>,
    statuses: Statuses,
    deliveries: DeliveryLog,
    parked: ParkedStreams,
    nudges: Arc<Mutex<HashMap<ConnectorId, mpsc::Sender<Nudge>>>>,
    /// What all of them read, once they run.
    log: Arc<OnceLock<Arc<Log>>>,
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Runtime");
        shown.field("sinks", &self.sinks).finish_non_exhaustive()
    }
}

impl Runtime {
    /// Runs nothing yet.
    pub fn new(
        journal: Journal,
        sinks: Arc<dyn Sinks>,
        clock: Clock,
        settings: RuntimeSettings,
    ) -> Self {
        Self {
            registry: Connectors::new(journal.clone()),
            parked: ParkedStreams::new(journal.clone()),
            journal,
            sinks,
            clock,
            settings: Arc::new(settings),
            statuses: Statuses::default(),
            deliveries: DeliveryLog::default(),
            nudges: Arc::default(),
            log: Arc::default(),
        }
    }

    /// The same, keeping what came of each attempt.
    #[must_use]
    pub fn keeping(self, deliveries: DeliveryLog) -> Self {
        Self { deliveries, ..self }
    }

    /// The records that connectors have set aside.
    pub fn parked(&self) -> &ParkedStreams {
        &self.parked
    }

    /// What came of attempts that were made here.
    pub fn deliveries(&self) -> &DeliveryLog {
        &self.deliveries
    }

    /// How those do that run here.
    pub fn statuses(&self) -> &Statuses {
        &self.statuses
    }

    /// Up to where the log was read for those that run here; nothing before it was begun.
    pub fn read_up_to(&self) -> Option<Position> {
        self.log.get().and_then(|it| it.read_up_to())
    }

    /// Tries at once what waits for its next attempt; false if the connector does not run here.
    pub fn retry_now(&self, id: &ConnectorId) -> bool {
        self.nudge(id, Nudge::RetryNow)
    }

    /// Sends one message that is no record of the log, or says why it cannot be sent.
    pub async fn test(
        &self,
        id: &ConnectorId,
        settings: &Settings,
        event_id: EventId,
    ) -> Result<Attempt, String> {
        let sink = self.sinks.open(id, settings)?;
        let now = (self.clock)();
        let recorded = Recorded {
            stream: id.stream(),
            network_id: None,
            revision: 0,
            position: Position::START,
            event_id,
            created: now,
            metadata: None,
            stored: Default::default(),
            data: br#"{"message":"a test of this connector; no record of the log"}"#
                .to_vec()
                .into(),
            body: Body::Undecodable {
                event_type: "ConnectorTested".to_owned(),
                problem: String::new(),
            },
        };
        let item = Item {
            recorded: Arc::new(recorded),
            sequence: 0,
            names: None,
            changed: None,
        };
        let parcel = Parcel {
            connector: id.clone(),
            lane: "test".to_owned(),
            items: vec![item],
            attempt: 1,
            is_replay: false,
        };
        let attempt = sink.deliver(&parcel).await;
        self.deliveries.note(&parcel, &attempt);
        Ok(attempt)
    }

    /// Whether a sink can be made of these settings here; why not, in words.
    pub fn check(&self, id: &ConnectorId, settings: &Settings) -> Result<(), String> {
        Matcher::new(settings.filter.as_ref()).map_err(|error| error.to_string())?;
        self.sinks.check(id, settings)
    }

    /// Whether the transform of these settings can be used; why not, in words.
    pub async fn check_transform(&self, settings: &Settings) -> Result<(), String> {
        match &settings.transformer {
            Some(wanted) => self.transform(wanted)?.check().await,
            None => Ok(()),
        }
    }

    /// What a transform makes of a record like this; if it cannot be said, why, in words.
    pub async fn try_transform(
        &self,
        wanted: &Transformer,
        record: &transform::Record,
    ) -> Result<transform::Verdict, String> {
        self.transform(wanted)?.of(record).await
    }

    fn transform(&self, wanted: &Transformer) -> Result<Transform, String> {
        let host = self.settings.transforms.clone();
        let host = host.ok_or("this server runs no transforms")?;
        Ok(Transform::new(host, wanted))
    }

    /// Which server delivers, and its term; nothing if none does, or none is asked for.
    pub async fn holder(&self) -> Result<Option<(String, u64)>, JournalError> {
        match self.settings.tenancy {
            Tenancy::Alone => Ok(Some((self.settings.host.clone(), 0))),
            Tenancy::Shared(_) => holder(&self.journal, LEASE_STREAM).await,
        }
    }

    fn nudge(&self, id: &ConnectorId, nudge: Nudge) -> bool {
        let nudges = self.nudges.lock();
        // A connector that has so many waiting will look anyway.
        nudges.get(id).is_some_and(|it| {
            let _ = it.try_send(nudge);
            true
        })
    }

    /// Runs connectors, until cancelled.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), RuntimeError> {
        let log = self.log.get_or_init(|| Log::new(self.journal.clone()));
        let (held, mut holds) = watch::channel(None);
        let logging = CancellationToken::new();
        let leading = async {
            while let Some(holding) = next_holding(&mut holds, &stop).await {
                let lead = Lead::new(self, Arc::clone(log), holding);
                lead.run(&mut holds, &stop).await?;
            }
            // Gives the lease back.
            drop(holds);
            logging.cancel();
            Ok::<_, RuntimeError>(())
        };
        let leasing = async {
            match self.settings.tenancy {
                Tenancy::Alone => {
                    held.send_replace(Some(Arc::new(Holding::alone())));
                    stop.cancelled().await;
                    held.closed().await;
                }
                Tenancy::Shared(settings) => {
                    let candidate = Candidate {
                        journal: self.journal.clone(),
                        stream: LEASE_STREAM.to_owned(),
                        settings,
                        host: self.settings.host.clone(),
                        instance: self.settings.instance,
                        clock: self.clock.clone(),
                    };
                    candidate.run(&held, stop.clone()).await;
                }
            }
            Ok(())
        };
        let reading = async { Ok(log.run(logging.clone()).await?) };
        let ((), (), ()) = tokio::try_join!(leading, leasing, reading)?;
        Ok(())
    }
}

async fn next_holding(
    holds: &mut watch::Receiver<Option<Arc<Holding>>>,
    stop: &CancellationToken,
) -> Option<Arc<Holding>> {
    loop {
        let holding = holds.borrow_and_update().clone();
        if holding.is_some() && !stop.is_cancelled() {
            return holding;
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            changed = holds.changed() => changed.ok()?,
        }
    }
}
