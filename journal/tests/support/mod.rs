//! A server of the public protocol that does what a test tells it to, mishaps included.
//!
//! It keeps a small log with the store's rules for expected revisions and repeated ids, and runs on
//! a thread of its own, so that it can be frozen as a whole: then its connections are open, and
//! nobody answers.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::result_large_err,
    reason = "each test file uses its part"
)]

mod log;
mod service;
mod wire;

pub(crate) use log::{OnAppend, OnRead, SeenAppend, put};
pub(crate) use service::Ending;

use chrono::{DateTime, Utc};
use domain::network::{NetworkCommand, RegisterNetwork, RequestPeering, Setup, Terms};
use domain::{CommandId, NetworkId, Provider, Region, ids::Ids, network::Peer};
use log::Shared;
use peerage_journal::{Caller, Journal, JournalSettings};
use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

/// A running server, or one that was stopped and keeps its log.
pub(crate) struct Server {
    pub(crate) shared: Arc<Shared>,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    running: Option<wire::Running>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::on(Arc::default())
    }

    /// Another node with the same log.
    pub(crate) fn on(shared: Arc<Shared>) -> Self {
        Self::listening(shared, None)
    }

    /// A server with this certificate.
    pub(crate) fn with_tls(tls: TlsAcceptor) -> Self {
        Self::listening(Arc::default(), Some(tls))
    }

    fn listening(shared: Arc<Shared>, tls: Option<TlsAcceptor>) -> Self {
        let running = wire::run(
            Arc::clone(&shared),
            SocketAddr::from(([127, 0, 0, 1], 0)),
            tls.clone(),
        );
        Self {
            shared,
            address: running.address,
            tls,
            running: Some(running),
        }
    }

    pub(crate) fn connection_string(&self) -> String {
        format!("kurrentdb://{}?tls=false&discoveryInterval=0", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// A journal with short patience.
    pub(crate) fn journal(&self) -> Journal {
        Journal::open(settings(&self.connection_string())).unwrap()
    }

    /// Drops every connection and the listener, as a killed process does.
    pub(crate) fn kill(&mut self) {
        drop(self.running.take());
    }

    /// Listens again on the same address, with the same log.
    pub(crate) fn restart(&mut self) {
        self.running = Some(wire::run(
            Arc::clone(&self.shared),
            self.address,
            self.tls.clone(),
        ));
    }

    /// Stops everything in the server until the answer is dropped; connections stay open.
    pub(crate) fn freeze(&self) -> oneshot::Sender<()> {
        self.running.as_ref().unwrap().freeze()
    }
}

/// Settings for tests: what takes seconds in life takes a fraction of one here.
pub(crate) fn settings(connection_string: &str) -> JournalSettings {
    JournalSettings {
        command_deadline: Duration::from_secs(2),
        follow_backoff: Duration::from_millis(200),
        follow_keep_alive: Some(Duration::from_millis(300)),
        denied_patience: Duration::from_secs(3),
        ..JournalSettings::new(connection_string)
    }
}

pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

pub(crate) fn caller(command: u128) -> Caller {
    Caller::new(CommandId(Uuid::from_u128(command)), "anna".parse().unwrap())
}

/// The network that this command registers.
pub(crate) fn network_of(command: u128) -> NetworkId {
    Ids::of(CommandId(Uuid::from_u128(command))).network()
}

pub(crate) fn register(name: &str) -> NetworkCommand {
    NetworkCommand::RegisterNetwork(RegisterNetwork {
        project: "orders".parse().unwrap(),
        name: name.parse().unwrap(),
        provider: Provider::Aws,
        region: Region::of(Provider::Aws, "eu-west-1").unwrap(),
        account: "111122223333".parse().unwrap(),
        cloud_network: "vpc-0a1b2c3d4e5f60718".parse().unwrap(),
        range: "10.0.0.0/16".parse().unwrap(),
        ipv6_ranges: Vec::new(),
        subnets: Vec::new(),
    })
}

/// Asks for a link to the `n`-th peer.
pub(crate) fn request_peering(n: u8) -> NetworkCommand {
    NetworkCommand::RequestPeering(RequestPeering {
        peer: Peer {
            provider: Provider::Aws,
            account: "444455556666".parse().unwrap(),
            cloud_network: format!("vpc-0000000{n}").parse().unwrap(),
            region: Region::of(Provider::Aws, "eu-west-1").unwrap(),
            ranges: vec![format!("10.{n}.0.0/16").parse().unwrap()],
            subnets: Vec::new(),
        },
        terms: Terms::default(),
        setup: Setup::default(),
    })
}
