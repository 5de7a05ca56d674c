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
mod projections;
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
    gossip::gossip_server::{GossipServer, SERVICE_NAME as GOSSIP},
    monitoring::monitoring_server::{MonitoringServer, SERVICE_NAME as MONITORING},
    operations::operations_server::{OperationsServer, SERVICE_NAME as OPERATIONS},
    persistent_subscriptions::persistent_subscriptions_server::{
        PersistentSubscriptionsServer, SERVICE_NAME as PERSISTENT_SUBSCRIPTIONS,
    },
    projections::projections_server::{ProjectionsServer, SERVICE_NAME as PROJECTIONS},
    server_features::server_features_server::{
        SERVICE_NAME as SERVER_FEATURES, ServerFeaturesServer,
    },
    streams::streams_server::{SERVICE_NAME as STREAMS, StreamsServer},
    users::users_server::{SERVICE_NAME as USERS, UsersServer},
};
use tonic::{Status, service::Routes};
use uuid::Uuid;

use crate::{
    advertised::Advertised, engine::WriterHandle, persistent::Groups, read::Reader,
    scavenging::Quiet, security::Guard, source::Clock,
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
    pub(crate) advertised: Advertised,
    /// The largest sum of sizes of the events in one append.
    pub(crate) max_append_size: usize,
    pub(crate) clock: Clock,
    /// Whether the links of the system projections are written.
    pub(crate) has_projections: bool,
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

/// The services that there are.
const SERVICES: [&str; 9] = [
    <backup::Service as tonic::server::NamedService>::NAME,
    GOSSIP,
    MONITORING,
    OPERATIONS,
    PERSISTENT_SUBSCRIPTIONS,
    PROJECTIONS,
    SERVER_FEATURES,
    STREAMS,
    USERS,
];

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
    .add_service(ProjectionsServer::new(projections::Service(
        context.clone(),
    )))
    .add_service(ServerFeaturesServer::new(features::Service(
        context.clone(),
    )))
    .add_service(backup::Service(context.clone()))
    .add_service(GossipServer::new(gossip::Service(context)))
    .prepare()
}

/// What a call to a service is told that this store does not have: tonic would say nothing.
pub(crate) fn no_such_service(path: &str) -> Option<Status> {
    let (service, _) = path.strip_prefix('/')?.split_once('/')?;
    if SERVICES.contains(&service) {
        return None;
    }
    let why = match service {
        "event_store.client.redaction.Redaction" => "this store rewrites no events".to_owned(),
        it if it.contains(".v2.") => {
            format!(
                "this store answers as KurrentDB {SERVER_VERSION} does, which has no such service"
            )
        }
        _ => "this store has no such service".to_owned(),
    };
    Some(Status::unimplemented(format!("{service}: {why}")))
}

/// What the owner of the data directory may ask for: a backup.
pub(crate) fn local_routes(context: Arc<Context>) -> Routes {
    Routes::new(backup::Service(context)).prepare()
}
