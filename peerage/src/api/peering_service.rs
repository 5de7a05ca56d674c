//! `PeeringService`: commands to peerings go to the log, reads to the read models, plans to the
//! planner.

use super::{
    Services, commands, guard, plan, reads,
    v1::{self, peering_service_server::PeeringService},
    watch,
};
use tonic::{Request, Response, Status};

/// The service's name, which its errors carry.
pub(super) const NAME: &str = "peerage.v1.PeeringService";

/// The service.
#[derive(Clone, Debug)]
pub struct Peerings(Services);

/// What a call is answered with.
type Answer<T> = Result<Response<T>, Status>;

impl Peerings {
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
impl PeeringService for Peerings {
    async fn request_peering(
        &self,
        request: Request<v1::RequestPeeringRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn adopt_peering(
        &self,
        request: Request<v1::AdoptPeeringRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn remove_peering(
        &self,
        request: Request<v1::RemovePeeringRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn abandon_peering(
        &self,
        request: Request<v1::AbandonPeeringRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn accept_route(
        &self,
        request: Request<v1::AcceptRouteRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn withdraw_route(
        &self,
        request: Request<v1::WithdrawRouteRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn replace_route(
        &self,
        request: Request<v1::ReplaceRouteRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn restrict_firewall(
        &self,
        request: Request<v1::RestrictFirewallRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn allow_connector_ingress(
        &self,
        request: Request<v1::AllowConnectorIngressRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn revoke_connector_ingress(
        &self,
        request: Request<v1::RevokeConnectorIngressRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn set_dns_resolution(
        &self,
        request: Request<v1::SetDnsResolutionRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request).await
    }

    async fn get_peering(
        &self,
        request: Request<v1::GetPeeringRequest>,
    ) -> Answer<v1::GetPeeringResponse> {
        let answer = reads::get_peering(&self.0, &guard::caller(&request), request.get_ref()).await;
        answer.map(Response::new).map_err(|it| it.status(NAME))
    }

    async fn list_peerings(
        &self,
        request: Request<v1::ListPeeringsRequest>,
    ) -> Answer<v1::ListPeeringsResponse> {
        let answer =
            reads::list_peerings(&self.0, &guard::caller(&request), request.get_ref()).await;
        answer.map(Response::new).map_err(|it| it.status(NAME))
    }

    async fn list_exposures(
        &self,
        request: Request<v1::ListExposuresRequest>,
    ) -> Answer<v1::ListExposuresResponse> {
        let answer =
            reads::list_exposures(&self.0, &guard::caller(&request), request.get_ref()).await;
        answer.map(Response::new).map_err(|it| it.status(NAME))
    }

    async fn list_drift(
        &self,
        request: Request<v1::ListDriftRequest>,
    ) -> Answer<v1::ListDriftResponse> {
        let answer = reads::list_drift(&self.0, &guard::caller(&request), request.get_ref()).await;
        answer.map(Response::new).map_err(|it| it.status(NAME))
    }

    async fn plan_peering(
        &self,
        request: Request<v1::PlanPeeringRequest>,
    ) -> Answer<v1::PlanPeeringResponse> {
        let answer = plan::plan(&self.0, &guard::caller(&request), request.get_ref()).await;
        answer.map(Response::new).map_err(|it| it.status(NAME))
    }

    type WatchPeeringsStream = watch::Stream<v1::WatchPeeringsResponse>;

    async fn watch_peerings(
        &self,
        request: Request<v1::WatchPeeringsRequest>,
    ) -> Answer<Self::WatchPeeringsStream> {
        let answer =
            watch::peerings(&self.0, guard::caller(&request), request.get_ref(), NAME).await;
        answer.map(Response::new).map_err(|it| it.status(NAME))
    }
}
