//! `NetworkService`: commands go to the log, reads to the read models.

use super::{
    Rooms,
    commands::Commands,
    guidance, parse,
    parse::{Addressed, Fields},
    plan,
    reads::{self, reached, read, unknown},
    show,
    v1::{self, network_service_server::NetworkService},
    watch,
};
use domain::{NetworkId, PeeringId};
use journal::Position;
use projections::PeeringView;
use std::pin::Pin;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Response, Status};

/// The service.
#[derive(Clone, Debug)]
pub struct Networks {
    rooms: Rooms,
    commands: Commands,
}

/// What a call is answered with.
type Answer<T> = Result<Response<T>, Status>;

/// How a message becomes a command.
type Parse<R> = fn(&R, Option<String>) -> Result<Addressed, Status>;

impl Networks {
    pub fn new(rooms: Rooms) -> Self {
        Self {
            commands: Commands::new(rooms.clone()),
            rooms,
        }
    }

    async fn command<R>(
        &self,
        request: Request<R>,
        parse: Parse<R>,
    ) -> Answer<v1::CommandResponse> {
        let addressed = parse(request.get_ref(), traceparent(&request))?;
        self.commands.execute(addressed).await
    }

    /// The peering's row.
    async fn row(
        &self,
        id: PeeringId,
        min_position: Option<Position>,
    ) -> Result<PeeringView, Status> {
        reached(&self.rooms, min_position).await?;
        if let Some(view) = read(self.rooms.projections.peering(id).await)? {
            return Ok(view);
        }
        reads::whole(&self.rooms).await?;
        read(self.rooms.projections.peering(id).await)?.ok_or_else(|| unknown("peering", id))
    }
}

fn traceparent<T>(request: &Request<T>) -> Option<String> {
    request
        .metadata()
        .get("traceparent")
        .and_then(|it| it.to_str().ok())
        .filter(|it| it.len() <= 128)
        .map(str::to_owned)
}

#[tonic::async_trait]
impl NetworkService for Networks {
    async fn register_network(
        &self,
        request: Request<v1::RegisterNetworkRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request, parse::register_network).await
    }

    async fn set_policy(
        &self,
        request: Request<v1::SetPolicyRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request, parse::set_policy).await
    }

    async fn check_drift(
        &self,
        request: Request<v1::CheckDriftRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request, parse::check_drift).await
    }

    async fn retire_network(
        &self,
        request: Request<v1::RetireNetworkRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request, parse::retire_network).await
    }

    async fn request_peering(
        &self,
        request: Request<v1::RequestPeeringRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request, parse::request_peering).await
    }

    async fn adopt_peering(
        &self,
        request: Request<v1::AdoptPeeringRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request, parse::adopt_peering).await
    }

    async fn remove_peering(
        &self,
        request: Request<v1::RemovePeeringRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request, parse::remove_peering).await
    }

    async fn abandon_peering(
        &self,
        request: Request<v1::AbandonPeeringRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request, parse::abandon_peering).await
    }

    async fn accept_route(
        &self,
        request: Request<v1::AcceptRouteRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request, parse::accept_route).await
    }

    async fn withdraw_route(
        &self,
        request: Request<v1::WithdrawRouteRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request, parse::withdraw_route).await
    }

    async fn replace_route(
        &self,
        request: Request<v1::ReplaceRouteRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request, parse::replace_route).await
    }

    async fn restrict_firewall(
        &self,
        request: Request<v1::RestrictFirewallRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request, parse::restrict_firewall).await
    }

    async fn allow_connector_ingress(
        &self,
        request: Request<v1::AllowConnectorIngressRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request, parse::allow_connector_ingress).await
    }

    async fn revoke_connector_ingress(
        &self,
        request: Request<v1::RevokeConnectorIngressRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request, parse::revoke_connector_ingress).await
    }

    async fn set_dns_resolution(
        &self,
        request: Request<v1::SetDnsResolutionRequest>,
    ) -> Answer<v1::CommandResponse> {
        self.command(request, parse::set_dns_resolution).await
    }

    async fn get_network(&self, request: Request<v1::GetNetworkRequest>) -> Answer<v1::Network> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let id = parse::id::<NetworkId>(&mut fields, "network_id", &request.network_id);
        let min_position = fields.optional("min_position", &request.min_position);
        let id = fields.finish(id)?;
        reached(&self.rooms, min_position).await?;
        let network = match read(self.rooms.projections.network(id).await)? {
            Some(network) => network,
            None => {
                reads::whole(&self.rooms).await?;
                read(self.rooms.projections.network(id).await)?
                    .ok_or_else(|| unknown("network", id))?
            }
        };
        Ok(Response::new(show::network(&network)))
    }

    async fn list_networks(
        &self,
        request: Request<v1::ListNetworksRequest>,
    ) -> Answer<v1::ListNetworksResponse> {
        reads::list_networks(&self.rooms, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn get_peering(&self, request: Request<v1::GetPeeringRequest>) -> Answer<v1::Peering> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let id = parse::id::<PeeringId>(&mut fields, "peering_id", &request.peering_id);
        let min_position = fields.optional("min_position", &request.min_position);
        let id = fields.finish(id)?;
        let view = self.row(id, min_position).await?;
        let mut peering = show::peering(&view);
        guidance::add(&self.rooms, &view, &mut peering).await;
        Ok(Response::new(peering))
    }

    async fn list_peerings(
        &self,
        request: Request<v1::ListPeeringsRequest>,
    ) -> Answer<v1::ListPeeringsResponse> {
        reads::list_peerings(&self.rooms, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn list_exposures(
        &self,
        request: Request<v1::ListExposuresRequest>,
    ) -> Answer<v1::ListExposuresResponse> {
        reads::list_exposures(&self.rooms, request.into_inner())
            .await
            .map(Response::new)
    }

    type WatchPeeringStream =
        Pin<Box<dyn Stream<Item = Result<v1::WatchPeeringResponse, Status>> + Send>>;

    async fn watch_peering(
        &self,
        request: Request<v1::WatchPeeringRequest>,
    ) -> Answer<Self::WatchPeeringStream> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let id = parse::id::<PeeringId>(&mut fields, "peering_id", &request.peering_id);
        let after = fields.optional::<Position>("after", &request.after);
        let id = fields.finish(id)?;
        self.row(id, None).await?;
        let (sender, receiver) = tokio::sync::mpsc::channel(64);
        tokio::spawn(watch::follow(self.rooms.clone(), id, after, sender));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn plan_peering(
        &self,
        request: Request<v1::PlanPeeringRequest>,
    ) -> Answer<v1::PlanPeeringResponse> {
        let planned = parse::plan_peering(request.get_ref())?;
        if let parse::Planned::OnRecord(id) = planned {
            self.row(id, None).await?;
        }
        plan::plan(&self.rooms, planned).await.map(Response::new)
    }
}
