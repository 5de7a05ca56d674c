//! The connectors' part of an engine: what opens their secrets, which sinks there are, and whether
//! other servers may share the store.

use super::{Engine, StartError, Storage, clock, lease, store};
use crate::{api, config::Config};
use aws_lc_rs::rand::SystemRandom;
use chrono::TimeDelta;
use connectors::{
    Catalogue, Connectors, DeliveryLog, DeliveryLogSettings, LeaseSettings, Runtime,
    RuntimeSettings, Servers, StandardSinks, Tenancy,
    secrets::{KeyFileError, MasterKeys},
    transform::Host,
};
use domain::text::ActorName;
use journal::Journal;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// The key file of an engine with a store of its own, in its data directory.
const KEY_FILE: &str = "secrets.key";

/// The attempts to deliver, in the data directory.
const DELIVERIES: &str = "deliveries.sqlite";

/// The id of the first master key.
const FIRST: &str = "k1";

/// Starts what runs connectors, and what knows which there are.
pub(super) fn start(
    engine: &mut Engine,
    config: &Config,
    storage: Storage,
    journal: &Journal,
    host: &ActorName,
) -> Result<api::ConnectorParts, StartError> {
    let keys = keys(config, storage)?.map(Arc::new);
    let is_alone = engine.node.is_some() && !config.store.embedded_open;
    let tenancy = if is_alone {
        Tenancy::Alone
    } else {
        Tenancy::Shared(LeaseSettings::default())
    };
    let instance = store::instance(engine.lock.as_ref());
    let files = &config.connectors.files;
    let files = (!files.as_os_str().is_empty()).then(|| files.clone());
    let sinks = StandardSinks::new(files, keys.clone(), clock());
    let settings = RuntimeSettings {
        drain: config.api.drain,
        transforms: Some(Host::new(program())),
        ..RuntimeSettings::new(host.to_string(), instance, tenancy)
    };
    let runtime = Runtime::new(journal.clone(), Arc::new(sinks), clock(), settings);
    let deliveries = deliveries(config, storage)?;
    let runtime = runtime.keeping(deliveries.clone());
    let stopping = engine.stopping.clone();
    engine.parts.spawn(async move {
        let died = stopping.run_until_cancelled(deliveries.died()).await;
        let died = died.map_or(Ok(()), |()| Err("what writes it has died".into()));
        ("the log of deliveries", died)
    });
    let catalogue = Catalogue::default();
    let (run, stopping) = (runtime.clone(), engine.stopping.clone());
    engine.parts.spawn(async move {
        let ended = run.run(stopping).await;
        ("what runs the connectors", ended.map_err(Into::into))
    });
    let (listing, log, stopping) = (catalogue.clone(), journal.clone(), engine.stopping.clone());
    engine.parts.spawn(async move {
        let ended = listing.run(&log, stopping).await;
        ("what lists the connectors", ended.map_err(Into::into))
    });
    let election = lease::election(engine, journal, is_alone, host);
    let servers = election.as_ref().map(|election| {
        let leases = vec![election.stream().to_owned()];
        let (lease, host) = (LeaseSettings::default(), host.to_string());
        Servers::new(journal.clone(), leases, lease, host, instance, clock())
    });
    if let Some(servers) = servers.clone() {
        let stopping = engine.stopping.clone();
        engine.parts.spawn(async move {
            servers.run(stopping).await;
            ("what looks which servers there are", Ok(()))
        });
    }
    Ok(api::ConnectorParts {
        registry: Connectors::new(journal.clone()),
        catalogue,
        runtime,
        election,
        servers,
        keys,
    })
}

/// Where this server keeps its attempts to deliver.
fn deliveries(config: &Config, storage: Storage) -> Result<DeliveryLog, StartError> {
    let wanted = &config.connectors;
    if wanted.keep_deliveries.is_zero() {
        return Ok(DeliveryLog::default());
    }
    let settings = DeliveryLogSettings {
        keep_for: TimeDelta::from_std(wanted.keep_deliveries).unwrap_or(TimeDelta::MAX),
        max_bytes: wanted.most_delivery_bytes,
    };
    let path = match storage {
        Storage::OnDisk => Some(config.data.dir.join(DELIVERIES)),
        Storage::InMemory => None,
    };
    DeliveryLog::open(path.as_deref(), settings, clock()).map_err(StartError::Deliveries)
}

/// This program, which runs transforms as children of its own: as it was when it was started,
/// though another version may have taken its place since.
fn program() -> PathBuf {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() {
        return running;
    }
    // A child that cannot be started says so where a transform is wanted.
    std::env::current_exe().unwrap_or_default()
}

/// The keys of the configured file; of the engine's own, made at its first start, if the store is
/// its own too.
fn keys(config: &Config, storage: Storage) -> Result<Option<MasterKeys>, StartError> {
    let configured = &config.secrets.key_file;
    if !configured.as_os_str().is_empty() {
        return load(configured).map(Some);
    }
    let is_own = config.store.connection_string.is_empty();
    match storage {
        Storage::OnDisk if is_own => {
            let path = config.data.dir.join(KEY_FILE);
            match MasterKeys::load(&path) {
                Err(KeyFileError::Missing(_)) => {
                    let made = MasterKeys::create(&path, FIRST, &SystemRandom::new());
                    made.map(Some).map_err(|source| wrong(&path, source))
                }
                Ok(keys) => Ok(Some(keys)),
                Err(source) => Err(wrong(&path, source)),
            }
        }
        Storage::OnDisk | Storage::InMemory => Ok(None),
    }
}

fn load(path: &Path) -> Result<MasterKeys, StartError> {
    MasterKeys::load(path).map_err(|source| wrong(path, source))
}

fn wrong(path: &Path, source: KeyFileError) -> StartError {
    StartError::Keys {
        path: PathBuf::from(path),
        source,
    }
}
