//! Where the rooms meet: one engine, from its configuration, in the order in which each part needs
//! the one before.
//!
//! The API's port and the data directory are taken first, so a second engine is told so before
//! anything else happens. The store comes next, and nothing starts before it answers. Stopping goes
//! the other way: calls in flight are finished, workers end after the step they are in, the store
//! is closed last.

mod access;
mod attend;
mod connectors;
mod evidence;
mod health;
mod lease;
mod listen;
mod probes;
mod projections;
mod reach;
mod readiness;
mod rest;
mod risks;
mod start_error;
mod stop;
mod store;
#[cfg(test)]
mod tests;

pub use crate::storage::Storage;
use crate::{
    api::{
        self, Services,
        v1::{
            self, access_service_server::AccessServiceServer,
            audit_service_server::AuditServiceServer,
            connector_service_server::ConnectorServiceServer,
            network_service_server::NetworkServiceServer,
            peering_service_server::PeeringServiceServer,
            projection_service_server::ProjectionServiceServer,
            server_service_server::ServerServiceServer,
        },
    },
    clouds::{Clouds, CloudsError},
    config::Config,
};
use ::connectors::{Election, secrets};
use chrono::Utc;
use domain::connector::built_in::BuiltIn;
use embedded::{EmbeddedNode, Stopped};
use gateway::{Gateway, Listen, Listener, Probes, Readiness, Stop, Tls};
use journal::{Clock, Journal, Retention};
use moka::sync::Cache;
pub use start_error::StartError;
use std::{fs::File, io, path::PathBuf, sync::Arc, time::Duration};
pub(crate) use store::{SCAVENGE_EVERY, WRITER_DIED};
use store::{open_journal, start_store, take_directory};
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use workers::{
    Provisioner, ProvisionerSettings,
    provisioner::{Directory, Planner, Progress},
};

/// How many peerings that were begun lately are remembered with their networks.
const BEGUN: u64 = 10_000;

/// Of how many networks it is remembered what they are called, and at which cloud they are.
const CALLED: u64 = 100_000;

/// How often it is looked at whether the process is ready for calls.
const READINESS_LOOK: Duration = Duration::from_secs(5);

/// How often the files of TLS are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A running engine.
#[derive(Debug)]
pub struct Engine {
    address: Listen,
    is_secure: bool,
    store: String,
    clouds: Clouds,
    stop: Stop,
    stopping: CancellationToken,
    parts: JoinSet<Part>,
    node: Option<EmbeddedNode>,
    /// The lock on the data directory.
    lock: Option<File>,
}

type Part = (
    &'static str,
    Result<(), Box<dyn std::error::Error + Send + Sync>>,
);

impl Engine {
    /// Starts everything on the cloud that the configuration names, and returns once the API
    /// answers.
    pub async fn start(config: &Config, storage: Storage) -> Result<Self, StartError> {
        Self::begin(config, storage, || {
            Clouds::of(config, storage, clock()).map_err(StartError::Clouds)
        })
        .await
    }

    /// The same on a cloud that is there already, and outlives this engine.
    pub async fn start_on(
        config: &Config,
        storage: Storage,
        clouds: Clouds,
    ) -> Result<Self, StartError> {
        Self::begin(config, storage, || Ok(clouds)).await
    }

    async fn begin(
        config: &Config,
        storage: Storage,
        clouds: impl FnOnce() -> Result<Clouds, StartError>,
    ) -> Result<Self, StartError> {
        let door = listen::open(config).await?;
        let directory = take_directory(config, storage)?;
        let store = start_store(config, storage).await?;
        let journal = open_journal(config, &store.connection_string).await?;
        let (projections, states) = projections::open(config, storage)?;
        let mut engine = Self {
            address: door.address,
            is_secure: door.tls.is_some(),
            store: store.shown,
            clouds: clouds()?,
            stop: Stop::default(),
            stopping: CancellationToken::new(),
            parts: JoinSet::new(),
            node: store.node,
            lock: directory,
        };
        engine.watch_store();
        let host = access::host(&engine.address);
        let (opened, others) = access::open(&mut engine, config, &journal, &host).await?;
        engine.keep_states(&states, &projections, &journal);
        let probes = probes::listen(config).await?;
        let evidence = evidence::start(&mut engine, config, storage, &journal)?;
        let connectors = connectors::start(&mut engine, config, storage, &journal, &host)?;
        let own = |which| rest::Stopped::of(which, connectors.catalogue.built_in(), &host);
        engine.project(&projections, &journal, own(BuiltIn::ReadModels));
        let election = connectors.election.clone();
        let rests = Box::new(own(BuiltIn::Provisioner));
        let (planner, directory, progress) =
            engine.provision(config, &journal, election.as_ref(), rests);
        let services = Services {
            journal,
            projections,
            states,
            planner,
            directory,
            progress,
            connectors,
            evidence,
            begun: Cache::new(BEGUN),
            called: Cache::new(CALLED),
            at: Cache::new(CALLED),
            doors: opened,
            policies: api::KnownPolicies::default(),
            commands: api::CommandFigures::default(),
            waiting: api::Waiting::default(),
            executing: Arc::default(),
            clock: clock(),
            read_patience: config.api.command_deadline,
            acknowledged: api::Acknowledged::default(),
            hub: api::Hub::default(),
            lag: api::Lag::since(Utc::now()),
            followers: api::Followers::default(),
            store_certificate: api::StoreCertificate::default(),
            retention: Retention::default(),
            server: Arc::new(api::ServerFacts {
                store: (engine.node.as_ref())
                    .map_or(v1::StoreKind::Kurrentdb, |_| v1::StoreKind::Embedded),
                store_address: engine.store.clone(),
                started_at: Utc::now(),
                host,
                warnings: risks::all(door.warnings, config, others),
                notes: risks::notes(config),
                tls: door.tls.clone(),
                data: (storage == Storage::OnDisk).then(|| config.data.dir.clone()),
                clouds: Arc::new(engine.clouds.served()),
                simulation_claims_unmarked: config.simulation_claims_unmarked(),
                tags: config.cloud.aws.tags.clone(),
            }),
            draining: engine.stop.draining.clone(),
        };
        engine.attend(&services);
        engine.approve(&services);
        if let Some(tls) = door.tls {
            engine.renew(tls);
        }
        let (pages, readiness) = engine.probe(&services, probes);
        engine.answer(config, door.listener, services, pages, readiness)?;
        Ok(engine)
    }

    /// The URL of its API.
    pub fn url(&self) -> String {
        self.address.url(self.is_secure)
    }

    /// The event store's connection string, without its password.
    pub fn store(&self) -> &str {
        &self.store
    }

    /// The cloud that this engine works on.
    pub fn clouds(&self) -> &Clouds {
        &self.clouds
    }

    /// Returns when a part of the engine ended by itself, which it should not.
    pub async fn failed(&mut self) -> StartError {
        match self.parts.join_next().await {
            Some(Ok((part, Err(source)))) => StartError::Ended { part, source },
            Some(Ok((part, Ok(())))) => StartError::Ended {
                part,
                source: "it was not asked to".into(),
            },
            Some(Err(error)) => StartError::Ended {
                part: "a part",
                source: Box::<JoinError>::new(error),
            },
            None => std::future::pending().await,
        }
    }

    /// The end of the store inside is the end of the engine.
    fn watch_store(&mut self) {
        let Some(node) = &self.node else {
            return;
        };
        let (ended, stopping) = (node.stopping(), self.stopping.clone());
        self.parts.spawn(async move {
            let ended = stopping.run_until_cancelled(ended).await;
            let why = match ended {
                None => Ok(()),
                Some(Stopped::Asked) => Err("a caller shut it down".into()),
                Some(Stopped::WriterDied) => Err(WRITER_DIED.into()),
                Some(Stopped::PartDied(part)) => Err(format!("{part} has died").into()),
            };
            ("the event store", why)
        });
    }

    /// Starts the provisioner, and returns its planner, which only reads, and how it is doing.
    fn provision(
        &mut self,
        config: &Config,
        journal: &Journal,
        election: Option<&Election>,
        rest: Box<dyn workers::Rest>,
    ) -> (Planner, Directory, Arc<Progress>) {
        let settings = ProvisionerSettings {
            parallel_networks: config.provisioner.parallel_networks,
            visibility_window: config.provisioner.visibility_window,
            drift_interval: config.provisioner.drift_interval,
            repair_pause: config.provisioner.repair_pause,
            longest_poll: config.provisioner.poll_interval,
            longest_backoff: config.provisioner.retry_ceiling,
            refusal_pause: config.provisioner.refusal_pause,
            block_patience: config.provisioner.block_patience,
            owner_patience: config.provisioner.owner_patience,
            simulation_claims_unmarked: config.simulation_claims_unmarked(),
            places: self.clouds.places.clone(),
            ..ProvisionerSettings::default()
        };
        if let Some(election) = election.cloned() {
            let stopping = self.stopping.clone();
            self.parts.spawn(async move {
                election.run(stopping).await;
                ("what asks for the provisioner's lease", Ok(()))
            });
        }
        let cloud = Arc::clone(&self.clouds.cloud);
        let provisioner = Provisioner::new(
            journal.clone(),
            cloud,
            clock(),
            settings,
            self.stopping.clone(),
        )
        .under(lease::of(election))
        .resting(rest);
        let (planner, directory) = (provisioner.planner(), provisioner.directory());
        let progress = provisioner.progress();
        self.parts.spawn(async move {
            (
                "the provisioner",
                provisioner.run().await.map_err(Into::into),
            )
        });
        (planner, directory, progress)
    }

    /// Starts what takes new TLS files.
    fn renew(&mut self, tls: Tls) {
        let stopping = self.stopping.clone();
        self.parts.spawn(async move {
            tls.follow(LOOK, stopping).await;
            ("what follows the TLS files", Ok(()))
        });
    }

    /// What stands in front of the services: other protocols, and who may come near.
    fn gateway(
        &self,
        config: &Config,
        services: api::Guarded<Routes>,
        pages: Probes,
    ) -> Result<Gateway, StartError> {
        let access = listen::access(config, &self.address, self.is_secure);
        let pool = api::descriptors().map_err(StartError::Descriptors)?;
        let description = &api::DESCRIPTION;
        Ok(Gateway::new(
            services,
            &pool,
            access,
            description,
            api::routes().with_probes(pages),
        ))
    }

    fn answer(
        &mut self,
        config: &Config,
        listener: Listener,
        services: Services,
        pages: Probes,
        readiness: watch::Receiver<Readiness>,
    ) -> Result<(), StartError> {
        let (reporter, health) = tonic_health::server::health_reporter();
        let projections = services.projections.clone();
        let doors = services.doors.clone();
        let routes = routes(services)
            .map_err(StartError::Reflection)?
            .add_service(health);
        let gateway = self.gateway(config, api::Guarded::new(doors, routes), pages)?;
        let (stop, limits) = (self.stop.clone(), listen::limits());
        let (draining, stopping) = (self.stop.draining.clone(), self.stopping.clone());
        let reported = health::report(reporter, projections, readiness, draining, stopping);
        self.parts.spawn(async move {
            reported.await;
            ("what reports health", Ok(()))
        });
        self.parts.spawn(async move {
            let served = gateway::serve(listener, gateway, limits, stop).await;
            ("the API's listener", served.map_err(Into::into))
        });
        Ok(())
    }
}

/// Every service but health, and what describes them.
fn routes(services: Services) -> Result<Routes, tonic_reflection::server::Error> {
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(v1::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let networks = NetworkServiceServer::new(api::Networks::new(services.clone()));
    let peerings = PeeringServiceServer::new(api::Peerings::new(services.clone()));
    let audit = AuditServiceServer::new(api::Audit::new(services.clone()));
    let access = AccessServiceServer::new(api::Access::new(services.clone()));
    let connectors = ConnectorServiceServer::new(api::Connectors::new(services.clone()));
    let projections = ProjectionServiceServer::new(api::Projections::new(services.clone()));
    let server = ServerServiceServer::new(api::Server::new(services));
    Ok(Routes::new(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .add_service(networks)
        .add_service(peerings)
        .add_service(audit)
        .add_service(access)
        .add_service(connectors)
        .add_service(projections)
        .add_service(server))
}

/// The wall clock; this room's to read.
fn clock() -> Clock {
    Arc::new(Utc::now)
}
