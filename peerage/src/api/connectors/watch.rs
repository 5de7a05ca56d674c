//! Connectors live: each as it is, and again whenever something of it has changed.
//!
//! What runs is measured, not told, so it is looked at each second; the log's own news come with
//! the same look. A watch that breaks begins with everything again: there is no place to resume at.

use super::{Connectors, NAME, parse};
use crate::api::{
    access::Caller,
    parse::Scope,
    problem::{Problem, Reason},
    v1::{self, watch_connectors_response::Update},
    watch::Seat,
};
use futures::{Stream, stream};
use std::{collections::BTreeMap, pin::Pin, time::Duration};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use tonic::Status;

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(1);

/// After so long without news the caller is told that there is none.
const SILENCE: Duration = Duration::from_secs(15);

pub(super) type Updates =
    Pin<Box<dyn Stream<Item = Result<v1::WatchConnectorsResponse, Status>> + Send>>;

struct Watch {
    service: Connectors,
    /// Whoever was let in by something that holds no more is judged again.
    caller: Caller,
    _seat: Seat,
    wanted: String,
    looks: Interval,
    /// As they were told last.
    told: BTreeMap<String, v1::Connector>,
    waiting: Vec<v1::WatchConnectorsResponse>,
    spoke: Instant,
    is_over: bool,
}

impl Connectors {
    /// Begins a watch.
    pub(super) async fn watched(
        &self,
        caller: Caller,
        request: v1::WatchConnectorsRequest,
    ) -> Result<Updates, Problem> {
        let seat = self.0.hub.watch(Scope::All)?;
        if !request.connector_id.is_empty() {
            let id = parse::id(&request.connector_id)?;
            self.loaded(&id).await?;
        }
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let watch = Watch {
            service: self.clone(),
            caller,
            _seat: seat,
            wanted: request.connector_id,
            looks,
            told: BTreeMap::new(),
            waiting: Vec::new(),
            spoke: Instant::now(),
            is_over: false,
        };
        Ok(Box::pin(stream::unfold(watch, async |mut watch| {
            let next = watch.next().await?;
            Some((next, watch))
        })))
    }
}

impl Watch {
    /// What comes next; nothing once the server drains, or the caller was told of the end.
    async fn next(&mut self) -> Option<Result<v1::WatchConnectorsResponse, Status>> {
        if self.is_over {
            return None;
        }
        let draining = self.service.0.draining.clone();
        loop {
            if let Some(update) = self.waiting.pop() {
                self.spoke = Instant::now();
                return Some(Ok(update));
            }
            if self.spoke.elapsed() >= SILENCE {
                self.spoke = Instant::now();
                return Some(Ok(v1::WatchConnectorsResponse::default()));
            }
            tokio::select! {
                () = draining.cancelled() => return None,
                ended = self.caller.ended() => {
                    self.is_over = true;
                    return Some(Err(ended.status(NAME)));
                }
                _ = self.looks.tick() => {}
            }
            if let Err(problem) = self.look().await {
                self.is_over = true;
                return Some(Err(problem.status(NAME)));
            }
        }
    }

    async fn look(&mut self) -> Result<(), Problem> {
        let parts = self.service.parts();
        let all = parts.catalogue.all(self.service.0.read_patience).await;
        let all = all.ok_or_else(|| {
            let text = "the log is still being read, and not every connector is known yet";
            Problem::new(Reason::DirectoryBuilding, text)
        })?;
        let wanted = |id: &str| self.wanted.is_empty() || self.wanted == id;
        let now = all.iter().filter(|it| wanted(it.id.as_str()));
        let now: BTreeMap<_, _> = now
            .map(|it| (it.id.to_string(), self.service.shown(it)))
            .collect();
        // Taken from the end.
        for (id, connector) in now.iter().rev() {
            if self.told.get(id) != Some(connector) {
                self.waiting.push(v1::WatchConnectorsResponse {
                    update: Some(Update::Connector(connector.clone())),
                });
            }
        }
        for id in self.told.keys().filter(|it| !now.contains_key(*it)) {
            self.waiting.push(v1::WatchConnectorsResponse {
                update: Some(Update::Deleted(id.clone())),
            });
        }
        self.told = now;
        Ok(())
    }
}
