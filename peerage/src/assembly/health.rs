//! What the health service says: commands are taken from the start; what is read alone from the
//! read models serves once they hold the whole log.

use crate::api;
use crate::api::v1::{
    audit_service_server::AuditServiceServer, network_service_server::NetworkServiceServer,
    peering_service_server::PeeringServiceServer, server_service_server::ServerServiceServer,
};
use projections::Projections;
use tokio_util::sync::CancellationToken;
use tonic_health::{ServingStatus, server::HealthReporter};

/// The name under which a probe asks whether this server's read models are whole: for a replica
/// that is to get reads only then.
const READ_MODELS: &str = "peerage.v1.ReadModels";

/// Reports until cancelled.
pub(super) async fn report(
    reporter: HealthReporter,
    projections: Projections,
    cancel: CancellationToken,
) {
    reporter
        .set_serving::<NetworkServiceServer<api::Networks>>()
        .await;
    reporter
        .set_serving::<PeeringServiceServer<api::Peerings>>()
        .await;
    reporter
        .set_serving::<ServerServiceServer<api::Server>>()
        .await;
    let mut caught_up = projections.caught_up();
    loop {
        let whole = *caught_up.borrow_and_update();
        reporter
            .set_service_status(READ_MODELS, status(whole))
            .await;
        if whole {
            reporter
                .set_serving::<AuditServiceServer<api::Audit>>()
                .await;
        } else {
            reporter
                .set_not_serving::<AuditServiceServer<api::Audit>>()
                .await;
        }
        tokio::select! {
            changed = caught_up.changed() => if changed.is_err() { return },
            () = cancel.cancelled() => return,
        }
    }
}

fn status(serving: bool) -> ServingStatus {
    if serving {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    }
}
