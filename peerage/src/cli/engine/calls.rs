//! The calls of the API, each said once: its request, the method that takes it, its answer.

use crate::api::v1::{
    self, access_service_client::AccessServiceClient, audit_service_client::AuditServiceClient,
    connector_service_client::ConnectorServiceClient, network_service_client::NetworkServiceClient,
    peering_service_client::PeeringServiceClient,
    projection_service_client::ProjectionServiceClient, server_service_client::ServerServiceClient,
};
use std::{future::Future, time::Duration};
use tonic::{Request, Response, Status, Streaming, transport::Channel};

/// The largest answer that is taken: a page of 4 MB, and what its packing adds.
const LARGEST: usize = 16 << 20;

/// A request with one answer.
pub(in crate::cli) trait Call: prost::Message + Clone + 'static {
    type Answer: Send;
    /// How long one answer may take.
    const DEADLINE: Duration = Duration::from_secs(20);

    fn send(
        request: Request<Self>,
        channel: Channel,
    ) -> impl Future<Output = Result<Response<Self::Answer>, Status>> + Send;
}

/// A call that changes nothing.
pub(in crate::cli) trait Read: Call {
    /// Asks for an answer that includes this position of the log.
    fn at_least(&mut self, position: &str);
}

/// A read whose answer comes in pages.
pub(in crate::cli) trait Page: Read {
    type Item;

    fn turn(&mut self, size: i32, token: String);
    /// What stands on the page, and the token of the next.
    fn split(answer: Self::Answer) -> (Vec<Self::Item>, String);
}

/// A call that changes a network, once for each command id.
pub(in crate::cli) trait Command: Call<Answer = v1::CommandResponse> {
    fn carry(&mut self, context: v1::CommandContext, validate_only: bool);
}

/// A request that is answered until the caller leaves.
pub(in crate::cli) trait Watch: prost::Message + Clone + 'static {
    type Update: Update;

    fn open(
        request: Request<Self>,
        channel: Channel,
    ) -> impl Future<Output = Result<Response<Streaming<Self::Update>>, Status>> + Send;
    /// Goes on after this bookmark, in the log that it is of.
    fn resume(&mut self, after: v1::Bookmark);
    fn at_least(&mut self, position: &str);
}

/// One message of a watch.
pub(in crate::cli) trait Update: prost::Message + Default + 'static {
    fn mark(&self) -> Mark<'_>;
}

/// Where a message of a watch stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::cli) enum Mark<'a> {
    /// An event, by its position.
    Event(&'a str),
    /// Everything up to here was sent: a watch resumes after it.
    Bookmark(&'a v1::Bookmark),
    /// A state: it has no place in the log.
    State,
}

macro_rules! call {
    ($request:ident, $client:ident :: $method:ident, $answer:ident $(, $deadline:expr)?) => {
        impl Call for v1::$request {
            type Answer = v1::$answer;
            $(const DEADLINE: Duration = $deadline;)?

            async fn send(
                request: Request<Self>,
                channel: Channel,
            ) -> Result<Response<v1::$answer>, Status> {
                $client::new(channel).max_decoding_message_size(LARGEST).$method(request).await
            }
        }
    };
}

macro_rules! reads {
    ($($request:ident, $client:ident :: $method:ident, $answer:ident $(, $deadline:expr)?;)*) => {$(
        call!($request, $client::$method, $answer $(, $deadline)?);

        impl Read for v1::$request {
            fn at_least(&mut self, position: &str) {
                if self.min_position.is_empty() {
                    position.clone_into(&mut self.min_position);
                }
            }
        }
    )*};
}

macro_rules! asks {
    ($($request:ident, $client:ident :: $method:ident, $answer:ident $(, $deadline:expr)?;)*) => {$(
        call!($request, $client::$method, $answer $(, $deadline)?);

        /// It is not about the log.
        impl Read for v1::$request {
            fn at_least(&mut self, _: &str) {}
        }
    )*};
}

macro_rules! pages {
    ($how:ident: $($request:ident, $client:ident :: $method:ident, $answer:ident, $field:ident: $item:ident;)*) => {$(
        $how! { $request, $client::$method, $answer; }

        impl Page for v1::$request {
            type Item = v1::$item;

            fn turn(&mut self, size: i32, token: String) {
                (self.page_size, self.page_token) = (size, token);
            }

            fn split(answer: Self::Answer) -> (Vec<v1::$item>, String) {
                (answer.$field, answer.next_page_token)
            }
        }
    )*};
}

macro_rules! commands {
    ($($request:ident, $client:ident :: $method:ident;)*) => {$(
        call!($request, $client::$method, CommandResponse);

        impl Command for v1::$request {
            fn carry(&mut self, context: v1::CommandContext, validate_only: bool) {
                (self.context, self.validate_only) = (Some(context), validate_only);
            }
        }
    )*};
}

macro_rules! watches {
    ($($request:ident, $client:ident :: $method:ident, $answer:ident, $update:ident, $state:ident;)*) => {$(
        impl Watch for v1::$request {
            type Update = v1::$answer;

            async fn open(
                request: Request<Self>,
                channel: Channel,
            ) -> Result<Response<Streaming<v1::$answer>>, Status> {
                $client::new(channel).max_decoding_message_size(LARGEST).$method(request).await
            }

            fn resume(&mut self, after: v1::Bookmark) {
                (self.after, self.known_event) = (after.position, after.known_event);
            }

            fn at_least(&mut self, position: &str) {
                if self.min_position.is_empty() {
                    position.clone_into(&mut self.min_position);
                }
            }
        }

        impl Update for v1::$answer {
            fn mark(&self) -> Mark<'_> {
                use v1::$update::Update;
                match &self.update {
                    Some(Update::Event(event)) => Mark::Event(&event.position),
                    Some(Update::Bookmark(bookmark)) => Mark::Bookmark(bookmark),
                    Some(Update::$state(_)) | None => Mark::State,
                }
            }
        }
    )*};
}

commands! {
    RegisterNetworkRequest, NetworkServiceClient::register_network;
    SetPolicyRequest, NetworkServiceClient::set_policy;
    ChangeNetworkSubnetsRequest, NetworkServiceClient::change_network_subnets;
    SetNetworkNodesRequest, NetworkServiceClient::set_network_nodes;
    SetNetworkIpv6RangesRequest, NetworkServiceClient::set_network_ipv6_ranges;
    CheckDriftRequest, NetworkServiceClient::check_drift;
    RetireNetworkRequest, NetworkServiceClient::retire_network;
    FreezeNetworksRequest, NetworkServiceClient::freeze_networks;
    ThawNetworksRequest, NetworkServiceClient::thaw_networks;
    ImposeQuarantineRequest, NetworkServiceClient::impose_quarantine;
    LiftQuarantineRequest, NetworkServiceClient::lift_quarantine;
    RemoveOrphanRequest, NetworkServiceClient::remove_orphan;
    RequestPeeringRequest, PeeringServiceClient::request_peering;
    AdoptPeeringRequest, PeeringServiceClient::adopt_peering;
    RemovePeeringRequest, PeeringServiceClient::remove_peering;
    AbandonPeeringRequest, PeeringServiceClient::abandon_peering;
    AddPeerRangesRequest, PeeringServiceClient::add_peer_ranges;
    DropPeerRangesRequest, PeeringServiceClient::drop_peer_ranges;
    ChangePeerSubnetsRequest, PeeringServiceClient::change_peer_subnets;
    AcceptRouteRequest, PeeringServiceClient::accept_route;
    WithdrawRouteRequest, PeeringServiceClient::withdraw_route;
    ReplaceRouteRequest, PeeringServiceClient::replace_route;
    RestrictFirewallRequest, PeeringServiceClient::restrict_firewall;
    AttachFirewallRequest, PeeringServiceClient::attach_firewall;
    DetachFirewallRequest, PeeringServiceClient::detach_firewall;
    DenyWithListsRequest, PeeringServiceClient::deny_with_lists;
    StopDenyingRequest, PeeringServiceClient::stop_denying;
    AllowConnectorIngressRequest, PeeringServiceClient::allow_connector_ingress;
    RevokeConnectorIngressRequest, PeeringServiceClient::revoke_connector_ingress;
    SetDnsResolutionRequest, PeeringServiceClient::set_dns_resolution;
    SetLinkOptionRequest, PeeringServiceClient::set_link_option;
    SetTenureRequest, PeeringServiceClient::set_tenure;
    ConfirmOpeningRequest, PeeringServiceClient::confirm_opening;
    CreateConnectorRequest, ConnectorServiceClient::create_connector;
    StartConnectorRequest, ConnectorServiceClient::start_connector;
    StopConnectorRequest, ConnectorServiceClient::stop_connector;
    ResetConnectorRequest, ConnectorServiceClient::reset_connector;
    ReconfigureConnectorRequest, ConnectorServiceClient::reconfigure_connector;
    RenameConnectorRequest, ConnectorServiceClient::rename_connector;
    DeleteConnectorRequest, ConnectorServiceClient::delete_connector;
    ReplayParkedRecordsRequest, ConnectorServiceClient::replay_parked_records;
    DiscardParkedRecordsRequest, ConnectorServiceClient::discard_parked_records;
    ReplayLogRequest, ConnectorServiceClient::replay_log;
    RotateSigningKeyRequest, ConnectorServiceClient::rotate_signing_key;
    ResealSecretsRequest, ConnectorServiceClient::reseal_secrets;
}

asks! {
    WhoAmIRequest, AccessServiceClient::who_am_i, WhoAmIResponse;
    ExplainAccessRequest, AccessServiceClient::explain_access, ExplainAccessResponse;
    GetApprovalRequest, AccessServiceClient::get_approval, GetApprovalResponse;
    ApproveCommandRequest, AccessServiceClient::approve_command, ApproveCommandResponse, Duration::from_secs(60);
    RejectCommandRequest, AccessServiceClient::reject_command, RejectCommandResponse;
    WithdrawCommandRequest, AccessServiceClient::withdraw_command, WithdrawCommandResponse;
    RetryConnectorRequest, ConnectorServiceClient::retry_connector, RetryConnectorResponse;
    TestConnectorRequest, ConnectorServiceClient::test_connector, TestConnectorResponse, Duration::from_secs(90);
    TryFilterRequest, ConnectorServiceClient::try_filter, TryFilterResponse;
    GetConnectorRequest, ConnectorServiceClient::get_connector, GetConnectorResponse;
    ListProjectionsRequest, ProjectionServiceClient::list_projections, ListProjectionsResponse;
    GetProjectionRequest, ProjectionServiceClient::get_projection, GetProjectionResponse;
    RebuildProjectionRequest, ProjectionServiceClient::rebuild_projection, RebuildProjectionResponse;
    CancelRebuildRequest, ProjectionServiceClient::cancel_rebuild, CancelRebuildResponse;
}

reads! {
    GetNetworkAtRequest, AuditServiceClient::get_network_at, GetNetworkAtResponse, Duration::from_secs(60);
    CompareNetworkRequest, AuditServiceClient::compare_network, CompareNetworkResponse, Duration::from_secs(60);
    WhoCanReachRequest, AuditServiceClient::who_can_reach, WhoCanReachResponse, Duration::from_secs(60);
    ReadLogRequest, AuditServiceClient::read_log, ReadLogResponse, Duration::from_secs(60);
    ExplainRequest, AuditServiceClient::explain, ExplainResponse, Duration::from_secs(60);
    GetCheckpointRequest, AuditServiceClient::get_checkpoint, GetCheckpointResponse, Duration::from_secs(60);
    ProveEventRequest, AuditServiceClient::prove_event, ProveEventResponse, Duration::from_secs(60);
    ProveGrowthRequest, AuditServiceClient::prove_growth, ProveGrowthResponse, Duration::from_secs(60);
    GetNetworkRequest, NetworkServiceClient::get_network, GetNetworkResponse;
    GetPeeringRequest, PeeringServiceClient::get_peering, GetPeeringResponse;
    DiscoverLinksRequest, NetworkServiceClient::discover_links, DiscoverLinksResponse, Duration::from_secs(60);
    PlanPeeringRequest, PeeringServiceClient::plan_peering, PlanPeeringResponse, Duration::from_secs(60);
    GetServerInfoRequest, ServerServiceClient::get_server_info, GetServerInfoResponse;
}

pages! { asks:
    ListApprovalsRequest, AccessServiceClient::list_approvals, ListApprovalsResponse, approvals: Approval;
    ListConnectorsRequest, ConnectorServiceClient::list_connectors, ListConnectorsResponse, connectors: Connector;
    ListParkedRecordsRequest, ConnectorServiceClient::list_parked_records, ListParkedRecordsResponse, records: ParkedRecord;
    ListEventTypesRequest, ConnectorServiceClient::list_event_types, ListEventTypesResponse, event_types: EventType;
    ListDeliveriesRequest, ConnectorServiceClient::list_deliveries, ListDeliveriesResponse, deliveries: Delivery;
}

pages! { reads:
    ListNetworksRequest, NetworkServiceClient::list_networks, ListNetworksResponse, networks: Network;
    ListPeeringsRequest, PeeringServiceClient::list_peerings, ListPeeringsResponse, peerings: Peering;
    ListExposuresRequest, PeeringServiceClient::list_exposures, ListExposuresResponse, exposures: Exposure;
    ListOrphansRequest, NetworkServiceClient::list_orphans, ListOrphansResponse, orphans: Orphan;
    ListDriftRequest, PeeringServiceClient::list_drift, ListDriftResponse, drift: Drift;
    ListEventsRequest, AuditServiceClient::list_events, ListEventsResponse, events: Event;
    ListOpeningsRequest, AuditServiceClient::list_openings, ListOpeningsResponse, openings: ReviewedOpening;
}

watches! {
    WatchNetworksRequest, NetworkServiceClient::watch_networks, WatchNetworksResponse, watch_networks_response, Network;
    WatchPeeringsRequest, PeeringServiceClient::watch_peerings, WatchPeeringsResponse, watch_peerings_response, Peering;
}

impl Watch for v1::WatchConnectorsRequest {
    type Update = v1::WatchConnectorsResponse;

    async fn open(
        request: Request<Self>,
        channel: Channel,
    ) -> Result<Response<Streaming<v1::WatchConnectorsResponse>>, Status> {
        ConnectorServiceClient::new(channel)
            .max_decoding_message_size(LARGEST)
            .watch_connectors(request)
            .await
    }

    /// It begins with everything again.
    fn resume(&mut self, _: v1::Bookmark) {}

    fn at_least(&mut self, _: &str) {}
}

impl Update for v1::WatchConnectorsResponse {
    fn mark(&self) -> Mark<'_> {
        Mark::State
    }
}
