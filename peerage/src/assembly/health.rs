//! What the health service says, of each service by itself: what needs the event store serves while
//! that answers; what is read from the read models alone, once they hold the whole log; what tells
//! of this process, always. The empty name is the process, and says nothing of a store that is
//! down: whoever restarts what does not serve would restart it for nothing. Nothing serves any more
//! while the process drains.

use super::readiness::store_answers;
use crate::api;
use crate::api::v1::{
    access_service_server::AccessServiceServer, audit_service_server::AuditServiceServer,
    connector_service_server::ConnectorServiceServer, network_service_server::NetworkServiceServer,
    peering_service_server::PeeringServiceServer,
    projection_service_server::ProjectionServiceServer, server_service_server::ServerServiceServer,
};
use gateway::Readiness;
use projections::Projections;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService as _;
use tonic_health::{ServingStatus, server::HealthReporter};

/// The name under which a probe asks whether this server's read models are whole: for a replica
/// that is to get reads only then.
const READ_MODELS: &str = "peerage.v1.ReadModels";

/// What decides by the log, and writes it.
const OF_THE_STORE: [&str; 4] = [
    NetworkServiceServer::<api::Networks>::NAME,
    PeeringServiceServer::<api::Peerings>::NAME,
    ConnectorServiceServer::<api::Connectors>::NAME,
    AccessServiceServer::<api::Access>::NAME,
];

/// What answers from the read models.
const OF_THE_READ_MODELS: [&str; 2] = [AuditServiceServer::<api::Audit>::NAME, READ_MODELS];

/// What tells of this process.
const OF_THE_PROCESS: [&str; 3] = [
    "",
    ServerServiceServer::<api::Server>::NAME,
    ProjectionServiceServer::<api::Projections>::NAME,
];

/// Reports until cancelled.
pub(super) async fn report(
    reporter: HealthReporter,
    projections: Projections,
    mut readiness: watch::Receiver<Readiness>,
    draining: CancellationToken,
    cancel: CancellationToken,
) {
    let mut caught_up = projections.caught_up();
    while !draining.is_cancelled() {
        let is_whole = *caught_up.borrow_and_update();
        let is_there = store_answers(&readiness.borrow_and_update());
        tell(&reporter, &OF_THE_PROCESS, true).await;
        tell(&reporter, &OF_THE_STORE, is_there).await;
        tell(&reporter, &OF_THE_READ_MODELS, is_whole).await;
        tokio::select! {
            changed = caught_up.changed() => if changed.is_err() { return },
            changed = readiness.changed() => if changed.is_err() { return },
            () = draining.cancelled() => {}
            () = cancel.cancelled() => return,
        }
    }
    // From now on whoever looks is to go to another server.
    for services in [&OF_THE_PROCESS[..], &OF_THE_STORE, &OF_THE_READ_MODELS] {
        tell(&reporter, services, false).await;
    }
}

async fn tell(reporter: &HealthReporter, services: &[&str], serving: bool) {
    for service in services {
        reporter.set_service_status(service, status(serving)).await;
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
    use gateway::PartHealth;
    use std::time::Duration;
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

    const SERVING: i32 = 1;
    const NOT_SERVING: i32 = 2;

    fn of_the_store(ready: bool) -> Readiness {
        vec![PartHealth {
            name: "the event store",
            ready,
            why: "",
        }]
    }

    #[tokio::test]
    async fn each_service_says_whether_it_can_answer_and_none_serves_while_the_process_drains() {
        let (reporter, server) = tonic_health::server::health_reporter();
        let projections = Projections::in_memory().unwrap();
        let (told, readiness) = watch::channel(Vec::new());
        let (draining, cancel) = (CancellationToken::new(), CancellationToken::new());
        let report = report(
            reporter,
            projections,
            readiness,
            draining.clone(),
            cancel.clone(),
        );
        let report = tokio::spawn(report);
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
        all_are(SERVING, &OF_THE_STORE).await;
        all_are(SERVING, &OF_THE_PROCESS).await;
        all_are(NOT_SERVING, &OF_THE_READ_MODELS).await;

        told.send_replace(of_the_store(false));
        all_are(NOT_SERVING, &OF_THE_STORE).await;
        all_are(SERVING, &OF_THE_PROCESS).await;
        told.send_replace(of_the_store(true));
        all_are(SERVING, &OF_THE_STORE).await;

        draining.cancel();
        all_are(NOT_SERVING, &OF_THE_STORE).await;
        all_are(NOT_SERVING, &OF_THE_PROCESS).await;
        all_are(NOT_SERVING, &OF_THE_READ_MODELS).await;
        report.await.unwrap();
        drop(cancel);
    }

    #[test]
    fn every_service_of_the_api_has_its_health() {
        let pool = api::descriptors().unwrap();
        let served = pool.services().map(|it| it.full_name().to_owned());
        let served = served.filter(|it| it.starts_with("peerage."));
        let told: Vec<_> = [&OF_THE_PROCESS[..], &OF_THE_STORE, &OF_THE_READ_MODELS].concat();
        for service in served {
            assert!(told.contains(&&*service), "{service}");
        }
    }
}
