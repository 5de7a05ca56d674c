//! The calls of the API's services, a line each: commands go to the log, reads to the read models,
//! plans to the planner. What a call may do and what it says stands in `proto/`.

use super::{
    Services, commands, evidence, explain, guard, history, plan, read_log, reads, review,
    v1::{
        self, audit_service_server::AuditService, network_service_server::NetworkService,
        peering_service_server::PeeringService,
    },
    watch,
};
use tonic::{Request, Response, Status};

/// What a call is answered with.
type Answer<T> = Result<Response<T>, Status>;

/// A service, its name, which its errors carry, and its calls: each with its request, and, other
/// than commands, its answer and what gives it.
macro_rules! service {
    (
        $(#[$doc:meta])*
        $service:ident: $of:ident, $name:literal;
        commands { $($command:ident($sent:ident);)* }
        reads { $($read:ident($asked:ident) -> $answer:ident: $by:path;)* }
        watches { $($watch:ident($watched:ident) -> $stream:ident of $update:ident: $with:path;)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $service(Services);

        impl $service {
            pub fn new(services: Services) -> Self {
                Self(services)
            }
        }

        #[tonic::async_trait]
        impl $of for $service {
            $(async fn $command(&self, request: Request<v1::$sent>) -> Answer<v1::CommandResponse> {
                let answer = commands::execute(&self.0, request).await;
                answer.map(Response::new).map_err(|it| it.status($name))
            })*

            $(async fn $read(&self, request: Request<v1::$asked>) -> Answer<v1::$answer> {
                let answer = $by(&self.0, &guard::caller(&request), request.get_ref()).await;
                answer.map(Response::new).map_err(|it| it.status($name))
            })*

            $(type $stream = watch::Stream<v1::$update>;

            async fn $watch(&self, request: Request<v1::$watched>) -> Answer<Self::$stream> {
                let caller = guard::caller(&request);
                let answer = $with(&self.0, caller, request.get_ref(), $name).await;
                answer.map(Response::new).map_err(|it| it.status($name))
            })*
        }
    };
}

service! {
    /// Networks, and what is done in them as a whole.
    Networks: NetworkService, "peerage.v1.NetworkService";
    commands {
        register_network(RegisterNetworkRequest);
        set_policy(SetPolicyRequest);
        change_network_subnets(ChangeNetworkSubnetsRequest);
        set_network_nodes(SetNetworkNodesRequest);
        set_network_ipv6_ranges(SetNetworkIpv6RangesRequest);
        check_drift(CheckDriftRequest);
        freeze_networks(FreezeNetworksRequest);
        thaw_networks(ThawNetworksRequest);
        impose_quarantine(ImposeQuarantineRequest);
        lift_quarantine(LiftQuarantineRequest);
        remove_orphan(RemoveOrphanRequest);
        retire_network(RetireNetworkRequest);
    }
    reads {
        list_orphans(ListOrphansRequest) -> ListOrphansResponse: reads::list_orphans;
        get_network(GetNetworkRequest) -> GetNetworkResponse: reads::get_network;
        list_networks(ListNetworksRequest) -> ListNetworksResponse: reads::list_networks;
        discover_links(DiscoverLinksRequest) -> DiscoverLinksResponse: plan::links;
    }
    watches {
        watch_networks(WatchNetworksRequest) -> WatchNetworksStream of WatchNetworksResponse: watch::networks;
    }
}

service! {
    /// Peerings, and what was found at them.
    Peerings: PeeringService, "peerage.v1.PeeringService";
    commands {
        request_peering(RequestPeeringRequest);
        adopt_peering(AdoptPeeringRequest);
        remove_peering(RemovePeeringRequest);
        abandon_peering(AbandonPeeringRequest);
        add_peer_ranges(AddPeerRangesRequest);
        drop_peer_ranges(DropPeerRangesRequest);
        change_peer_subnets(ChangePeerSubnetsRequest);
        accept_route(AcceptRouteRequest);
        withdraw_route(WithdrawRouteRequest);
        replace_route(ReplaceRouteRequest);
        restrict_firewall(RestrictFirewallRequest);
        attach_firewall(AttachFirewallRequest);
        detach_firewall(DetachFirewallRequest);
        deny_with_lists(DenyWithListsRequest);
        stop_denying(StopDenyingRequest);
        allow_connector_ingress(AllowConnectorIngressRequest);
        revoke_connector_ingress(RevokeConnectorIngressRequest);
        set_dns_resolution(SetDnsResolutionRequest);
        set_link_option(SetLinkOptionRequest);
        set_tenure(SetTenureRequest);
        confirm_opening(ConfirmOpeningRequest);
    }
    reads {
        get_peering(GetPeeringRequest) -> GetPeeringResponse: reads::get_peering;
        list_peerings(ListPeeringsRequest) -> ListPeeringsResponse: reads::list_peerings;
        list_exposures(ListExposuresRequest) -> ListExposuresResponse: reads::list_exposures;
        list_drift(ListDriftRequest) -> ListDriftResponse: reads::list_drift;
        plan_peering(PlanPeeringRequest) -> PlanPeeringResponse: plan::plan;
    }
    watches {
        watch_peerings(WatchPeeringsRequest) -> WatchPeeringsStream of WatchPeeringsResponse: watch::peerings;
    }
}

service! {
    /// The log, page by page.
    Audit: AuditService, "peerage.v1.AuditService";
    commands {}
    reads {
        list_events(ListEventsRequest) -> ListEventsResponse: reads::list_events;
        get_network_at(GetNetworkAtRequest) -> GetNetworkAtResponse: history::at;
        compare_network(CompareNetworkRequest) -> CompareNetworkResponse: history::compare;
        who_can_reach(WhoCanReachRequest) -> WhoCanReachResponse: history::who_can_reach;
        explain(ExplainRequest) -> ExplainResponse: explain::explain;
        read_log(ReadLogRequest) -> ReadLogResponse: read_log::read_log;
        list_openings(ListOpeningsRequest) -> ListOpeningsResponse: review::list_openings;
        get_checkpoint(GetCheckpointRequest) -> GetCheckpointResponse: evidence::checkpoint;
        prove_event(ProveEventRequest) -> ProveEventResponse: evidence::prove_event;
        prove_growth(ProveGrowthRequest) -> ProveGrowthResponse: evidence::prove_growth;
        read_leaves(ReadLeavesRequest) -> ReadLeavesResponse: evidence::read_leaves;
    }
    watches {}
}
