//! The protocol's services. Each turns requests into commands and reads, and outcomes into replies;
//! none decides.

#![allow(
    clippy::result_large_err,
    reason = "the generated services return statuses by value"
)]

mod append;
mod backup;
mod batch_append;
mod convert;
mod delete;
mod features;
mod gossip;
mod monitoring;
mod operations;
mod persistent;
mod proposed;
mod read;
mod read_request;
mod recorded;
mod status;
mod streams;
mod users;

use std::{net::SocketAddr, pin::Pin, sync::Arc};

use futures::Stream;

pub(crate) use self::backup::Backups;
pub(crate) use features::SERVER_VERSION;
pub(crate) use status::{unauthenticated, unreadable_credentials};

use protocol::{
    gossip::gossip_server::GossipServer,
    monitoring::monitoring_server::MonitoringServer,
    operations::operations_server::OperationsServer,
    persistent_subscriptions::persistent_subscriptions_server::{
        PersistentSubscriptionsServer, SERVICE_NAME as PERSISTENT_SUBSCRIPTIONS,
    },
    server_features::server_features_server::ServerFeaturesServer,
    streams::streams_server::{SERVICE_NAME as STREAMS, StreamsServer},
    users::users_server::UsersServer,
};
use tonic::{Status, service::Routes};
use uuid::Uuid;

use crate::{
    engine::WriterHandle, persistent::Groups, read::Reader, scavenging::Quiet, security::Guard,
    source::Clock,
};

/// The largest message a real server takes: 16 MiB less 10,000 bytes.
pub(crate) const MAX_MESSAGE: usize = 16_767_216;

/// The other end of the connection that a call came over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// What a call answers with, one message after the other.
type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What the services share.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) writer: WriterHandle,
    pub(crate) reader: Reader,
    pub(crate) groups: Groups,
    pub(crate) guard: Guard,
    /// The node's own id, as gossip tells it.
    pub(crate) instance: Uuid,
    /// Where clients reach the node.
    pub(crate) advertised: SocketAddr,
    /// The largest sum of sizes of the events in one append.
    pub(crate) max_append_size: usize,
    pub(crate) clock: Clock,
    pub(crate) quiet: Quiet,
    pub(crate) backups: Backups,
}

/// Whether callers of this method go on sending for as long as they like.
pub(crate) fn is_conversation(path: &str) -> bool {
    let methods = [
        (STREAMS, "/BatchAppend"),
        (PERSISTENT_SUBSCRIPTIONS, "/Read"),
    ];
    methods.iter().any(|(service, method)| {
        path.strip_prefix('/')
            .and_then(|it| it.strip_prefix(service))
            == Some(method)
    })
}

/// All services, ready to be served.
pub(crate) fn routes(context: Arc<Context>) -> Routes {
    Routes::new(
        StreamsServer::new(streams::Service(context.clone()))
            .max_decoding_message_size(MAX_MESSAGE),
    )
    .add_service(
        PersistentSubscriptionsServer::new(persistent::Service(context.clone()))
            .max_decoding_message_size(MAX_MESSAGE),
    )
    .add_service(UsersServer::new(users::Service(context.clone())))
    .add_service(MonitoringServer::new(monitoring::Service(context.clone())))
    .add_service(OperationsServer::new(operations::Service::new(
        context.clone(),
    )))
    .add_service(ServerFeaturesServer::new(features::Service))
    .add_service(backup::Service(context.clone()))
    .add_service(GossipServer::new(gossip::Service(context)))
    .prepare()
}

/// What the owner of the data directory may ask for: a backup.
pub(crate) fn local_routes(context: Arc<Context>) -> Routes {
    Routes::new(backup::Service(context)).prepare()
}
