//! What the health service says: commands are taken from the start; what is read alone from the
//! read models serves once they hold the whole log. Nothing serves any more while the process
//! drains.

use crate::api;
use crate::api::v1::{
    audit_service_server::AuditServiceServer, network_service_server::NetworkServiceServer,
    peering_service_server::PeeringServiceServer, server_service_server::ServerServiceServer,
};
use projections::Projections;
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService as _;
use tonic_health::{ServingStatus, server::HealthReporter};

/// The name under which a probe asks whether this server's read models are whole: for a replica
/// that is to get reads only then.
const READ_MODELS: &str = "peerage.v1.ReadModels";

/// Reports until cancelled.
pub(super) async fn report(
    reporter: HealthReporter,
    projections: Projections,
    draining: CancellationToken,
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
            () = draining.cancelled() => return stop(&reporter).await,
            () = cancel.cancelled() => return,
        }
    }
}

/// From now on whoever looks is to go to another server.
async fn stop(reporter: &HealthReporter) {
    for service in [
        "",
        READ_MODELS,
        NetworkServiceServer::<api::Networks>::NAME,
        PeeringServiceServer::<api::Peerings>::NAME,
        ServerServiceServer::<api::Server>::NAME,
        AuditServiceServer::<api::Audit>::NAME,
    ] {
        reporter
            .set_service_status(service, ServingStatus::NotServing)
            .await;
    }
}

fn status(serving: bool) -> ServingStatus {
    if serving {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

    #[tokio::test]
    async fn no_service_serves_while_the_process_drains() {
        let (reporter, server) = tonic_health::server::health_reporter();
        let projections = Projections::in_memory().unwrap();
        let (draining, cancel) = (CancellationToken::new(), CancellationToken::new());
        let told = report(reporter, projections, draining.clone(), cancel.clone());
        let told = tokio::spawn(told);
        let mut client = HealthClient::new(server);
        let mut all_are = async |status: i32, services: &[&str]| {
            let looked = async {
                for service in services {
                    loop {
                        let service = (*service).to_owned();
                        let answer = client.check(HealthCheckRequest { service }).await;
                        if answer.is_ok_and(|it| it.get_ref().status == status) {
                            break;
                        }
                        tokio::task::yield_now().await;
                    }
                }
            };
            tokio::time::timeout(Duration::from_secs(10), looked)
                .await
                .unwrap();
        };
        let names = [
            "",
            "peerage.v1.NetworkService",
            "peerage.v1.PeeringService",
            "peerage.v1.ServerService",
        ];
        all_are(1, &names).await;
        draining.cancel();
        all_are(2, &names).await;
        all_are(2, &["peerage.v1.AuditService", READ_MODELS]).await;
        told.await.unwrap();
        drop(cancel);
    }
}
