//! What probes and scrapers see: on the API's port, and on one of their own where that is wanted.

use super::{Engine, StartError, listen::limits_of_probes, readiness::Watched};
use crate::{
    api::{self, Services},
    config::Config,
};
use gateway::{Figures, Listen, Probes, Readiness};
use std::sync::Arc;
use tokio::{net::TcpListener, sync::watch};

/// The port of their own, if there is to be one.
pub(super) async fn listen(config: &Config) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = config.probes.listen else {
        return Ok(None);
    };
    let bound = TcpListener::bind(address).await;
    let listener = bound.map_err(|source| StartError::Listen {
        address: Listen::Tcp(address),
        source,
    })?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "probes and figures");
    }
    Ok(Some(listener))
}

impl Engine {
    /// Starts what looks whether the process is ready, and the port for those who ask.
    pub(super) fn probe(
        &mut self,
        services: &Services,
        listener: Option<TcpListener>,
    ) -> (Probes, watch::Receiver<Readiness>) {
        let (told, readiness) = watch::channel(Vec::new());
        let watched = Watched {
            journal: services.journal.clone(),
            projections: services.projections.clone(),
            provisioner: Arc::clone(&services.progress),
        };
        let (draining, stopping) = (self.stop.draining.clone(), self.stopping.clone());
        self.parts.spawn(async move {
            watched.tell(told, draining, stopping).await;
            ("what looks whether calls can be taken", Ok(()))
        });
        let probes = Probes::new(readiness.clone());
        if let Some(listener) = listener {
            let (alone, stop) = (probes.clone().alone(figures(services)), self.stop.clone());
            self.parts.spawn(async move {
                let served = gateway::serve(listener, alone, limits_of_probes(), stop).await;
                ("the port for probes", served.map_err(Into::into))
            });
        }
        (probes, readiness)
    }
}

fn figures(services: &Services) -> Figures {
    let services = services.clone();
    Arc::new(move || {
        let services = services.clone();
        Box::pin(async move { api::exposition(&services).await })
    })
}
