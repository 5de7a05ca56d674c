//! `NetworkService`: commands to networks go to the log, reads to the read models.

use super::{
    Services, commands, guard, reads,
    v1::{self, network_service_server::NetworkService},
    watch,
};
use tonic::{Request, Response, Status};

/// The service's name, which its errors carry.
pub(super) const NAME: &str = "peerage.v1.NetworkService";

/// The service.
#[derive(Clone, Debug)]
pub struct Networks(Services);

/// What a call is answered with.
type Answer<T> = Result<Response<T>, Status>;

impl Networks {
    pub fn new(services: Services) -> Self {
        Self(services)
    }

    async fn command<R: super::parse::Command>(
        &self,
        request: Request<R>,
    ) -> Answer<v1::CommandResponse> {
        let answer = commands::execute(&self.0, request).await;
        answer.map(Response::new).map_err(|it| it.status(NAME))
    }
}

#[tonic::async_trait]
impl NetworkService for Networks {
    async fn register_network(
        &self,
        request: Request<v1::RegisterNetworkRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn set_policy(
        &self,
        request: Request<v1::SetPolicyRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn check_drift(
        &self,
        request: Request<v1::CheckDriftRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn freeze_networks(
        &self,
        request: Request<v1::FreezeNetworksRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn thaw_networks(
        &self,
        request: Request<v1::ThawNetworksRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn impose_quarantine(
        &self,
        request: Request<v1::ImposeQuarantineRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn lift_quarantine(
        &self,
        request: Request<v1::LiftQuarantineRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn remove_orphan(
        &self,
        request: Request<v1::RemoveOrphanRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn list_orphans(
        &self,
        request: Request<v1::ListOrphansRequest>,
    ) -> Answer<v1::ListOrphansResponse> {
        let answer =
            reads::list_orphans(&self.0, &guard::caller(&request), request.get_ref()).await;
        answer.map(Response::new).map_err(|it| it.status(NAME))
    }

    async fn retire_network(
        &self,
        request: Request<v1::RetireNetworkRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn get_network(
        &self,
        request: Request<v1::GetNetworkRequest>,
    ) -> Answer<v1::GetNetworkResponse> {
        let answer = reads::get_network(&self.0, &guard::caller(&request), request.get_ref()).await;
        answer.map(Response::new).map_err(|it| it.status(NAME))
    }

    async fn list_networks(
        &self,
        request: Request<v1::ListNetworksRequest>,
    ) -> Answer<v1::ListNetworksResponse> {
        let answer =
            reads::list_networks(&self.0, &guard::caller(&request), request.get_ref()).await;
        answer.map(Response::new).map_err(|it| it.status(NAME))
    }

    type WatchNetworksStream = watch::Stream<v1::WatchNetworksResponse>;

    async fn watch_networks(
        &self,
        request: Request<v1::WatchNetworksRequest>,
    ) -> Answer<Self::WatchNetworksStream> {
        let answer =
            watch::networks(&self.0, guard::caller(&request), request.get_ref(), NAME).await;
        answer.map(Response::new).map_err(|it| it.status(NAME))
    }
}
