//! `ServerFeatures`: the methods a client may call, and the version it takes the server for.

use protocol::server_features::{
    SupportedMethod, SupportedMethods, server_features_server::ServerFeatures,
};
use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::Context;

/// The version whose behaviour the store shows. Clients decide by it what to ask for.
pub(crate) const SERVER_VERSION: &str = "25.0.0";

/// Service, its methods, and the features each of them has: what a real server of this version
/// lists.
const METHODS: &[(&str, &[&str], &[&str])] = &[
    ("event_store.client.gossip.gossip", &["read"], &[]),
    ("event_store.client.monitoring.monitoring", &["stats"], &[]),
    (
        "event_store.client.operations.operations",
        &[
            "mergeindexes",
            "resignnode",
            "restartpersistentsubscriptions",
            "setnodepriority",
            "shutdown",
            "startscavenge",
            "stopscavenge",
        ],
        &[],
    ),
    (
        "event_store.client.persistent_subscriptions.persistentsubscriptions",
        &[
            "create",
            "delete",
            "getinfo",
            "list",
            "read",
            "replayparked",
            "restartsubsystem",
            "update",
        ],
        &["stream", "all"],
    ),
    // Tools for operators, not for clients: listed as on a real server, and answered with
    // UNIMPLEMENTED.
    (
        "event_store.client.redaction.redaction",
        &["geteventpositions", "switchchunks"],
        &[],
    ),
    (
        "event_store.client.server_features.serverfeatures",
        &["getsupportedmethods"],
        &[],
    ),
    (
        "event_store.client.streams.streams",
        &["append", "delete", "tombstone"],
        &[],
    ),
    (
        "event_store.client.streams.streams",
        &["batchappend"],
        &["deadline_duration"],
    ),
    (
        "event_store.client.streams.streams",
        &["read"],
        &["position", "events"],
    ),
    (
        "event_store.client.users.users",
        &[
            "changepassword",
            "create",
            "delete",
            "details",
            "disable",
            "enable",
            "resetpassword",
            "update",
        ],
        &[],
    ),
];

/// Listed by a node that writes the links of the system projections: what it can be asked of them.
const PROJECTIONS: (&str, &[&str], &[&str]) = (
    "event_store.client.projections.projections",
    &["disable", "enable", "statistics"],
    &[],
);

pub(super) struct Service(pub(super) Arc<Context>);

#[tonic::async_trait]
impl ServerFeatures for Service {
    async fn get_supported_methods(
        &self,
        _: Request<()>,
    ) -> Result<Response<SupportedMethods>, Status> {
        let projections = Some(&PROJECTIONS).filter(|_| self.0.has_projections);
        let methods = METHODS
            .iter()
            .chain(projections)
            .flat_map(|(service, methods, features)| {
                methods.iter().map(|method| SupportedMethod {
                    method_name: (*method).to_owned(),
                    service_name: (*service).to_owned(),
                    features: features.iter().map(ToString::to_string).collect(),
                })
            });
        Ok(Response::new(SupportedMethods {
            methods: methods.collect(),
            event_store_server_version: SERVER_VERSION.to_owned(),
        }))
    }
}
