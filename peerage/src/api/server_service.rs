//! `ServerService`: what this server is, and how far it is.

use super::{
    Services,
    log_end::behind,
    parse,
    problem::Problem,
    process_figures, show,
    time::{duration, timestamp},
    v1::{self, server_service_server::ServerService},
    words::number,
};
use domain::ServedClouds;
use journal::{Figures, Position};
use std::{path::Path, time::Duration};
use tokio::time::timeout;
use tonic::{Request, Response, Status};

/// The service's name, which its errors carry.
pub(super) const NAME: &str = "peerage.v1.ServerService";

/// How long the event store has to say what it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// The service.
#[derive(Clone, Debug)]
pub struct Server(Services);

impl Server {
    pub fn new(services: Services) -> Self {
        Self(services)
    }

    async fn info(
        &self,
        request: &v1::GetServerInfoRequest,
    ) -> Result<v1::GetServerInfoResponse, Problem> {
        let services = &self.0;
        if let Some(position) = parse::server_info(request)? {
            let patience = services.read_patience;
            if !services.projections.wait_for(position, patience).await {
                return Err(behind(position));
            }
        }
        let orphans = services.projections.count_orphans().await;
        let now = (services.clock)();
        let position = *services.projections.position().borrow();
        let asked = async {
            let version = services.journal.store_version().await.ok();
            let end = services.journal.end().await.ok().flatten();
            (version, end)
        };
        let (asked, followers) =
            tokio::join!(timeout(PATIENCE, asked), services.followers.lags(services));
        let (version, end): (Option<String>, Option<Position>) = asked.unwrap_or_default();
        let caught_up = *services.projections.caught_up().borrow();
        let behind_since = services.lag.behind_since();
        let lag = behind_since
            .filter(|_| !caught_up)
            .and_then(|since| (now - since).to_std().ok())
            .unwrap_or_default();
        Ok(v1::GetServerInfoResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            store: services.server.store.into(),
            store_address: services.server.store_address.clone(),
            store_version: version.unwrap_or_default(),
            position: position.to_string(),
            log_end: end.map(|it| it.to_string()).unwrap_or_default(),
            lag: Some(duration(lag)),
            catching_up: !caught_up,
            started_at: Some(timestamp(services.server.started_at)),
            now: Some(timestamp(now)),
            history: Some(history(services.journal.networks().settled_figures().await)),
            warnings: [services.server.warnings.clone(), services.risky_streams()].concat(),
            unauthenticated_calls: services.doors.turned_away().0,
            denied_calls: services.doors.turned_away().1,
            // Read models of an older form have none until they are built again.
            orphans: orphans.unwrap_or_default(),
            clouds: served(&services.server.clouds),
            notes: services.server.notes.clone(),
            certificate_expires_at: expiry(services.server.tls.as_ref()),
            disk: services.server.data.as_deref().and_then(space),
            stopped: super::connectors::stopped(services),
            store_certificate_expires_at: services.store_certificate.ends().map(timestamp),
            followers: followers.shown(now),
        })
    }
}

fn expiry(tls: Option<&gateway::Tls>) -> Option<prost_types::Timestamp> {
    let seconds = tls?.expires_at()?;
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

fn space(data: &Path) -> Option<v1::DiskSpace> {
    let (free_bytes, total_bytes) = process_figures::space(data)?;
    Some(v1::DiskSpace {
        free_bytes,
        total_bytes,
    })
}

fn served(clouds: &ServedClouds) -> Vec<v1::ServedCloud> {
    let served = |provider| v1::ServedCloud {
        provider: number::<v1::Provider>(provider),
        cloud: clouds.mode(provider).map(show::cloud),
    };
    clouds.providers().map(served).collect()
}

fn history(it: Figures) -> v1::HistoryFigures {
    v1::HistoryFigures {
        cached_networks: it.cached_networks,
        cached_bytes: it.cached_bytes,
        cache_limit_bytes: it.cache_limit,
        evicted: it.evicted,
        loaded_from_snapshot: it.loaded_from_snapshot,
        loaded_from_start: it.loaded_from_start,
        snapshots_written: it.snapshots_written,
        snapshots_not_written: it.snapshots_too_large + it.snapshots_failed,
        snapshots_passed_over: it.snapshots_damaged
            + it.snapshots_of_another_fold
            + it.snapshots_of_another_log,
        snapshots_to_check: it.snapshots_to_check,
        snapshots_checked: it.snapshots_checked,
        snapshots_wrong: it.snapshots_wrong,
    }
}

#[tonic::async_trait]
impl ServerService for Server {
    async fn get_server_info(
        &self,
        request: Request<v1::GetServerInfoRequest>,
    ) -> Result<Response<v1::GetServerInfoResponse>, Status> {
        let answer = self.info(request.get_ref()).await;
        answer.map(Response::new).map_err(|it| it.status(NAME))
    }
}
