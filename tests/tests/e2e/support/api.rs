//! The typed client of peerage.v1, with valid requests to start from: a test changes the one field
//! that it is about.

use super::SOON;
use parking_lot::Mutex;
use peerage::api::v1::{
    AcceptRouteRequest, CommandContext, CommandResponse, Event, GetNetworkRequest,
    GetPeeringRequest, InboundRule, ListEventsRequest, Network, Peer, Peering, PeeringSpec,
    Provider, RegisterNetworkRequest, RequestPeeringRequest, RestrictFirewallRequest, Side,
    audit_service_client::AuditServiceClient, network_service_client::NetworkServiceClient,
    peering_service_client::PeeringServiceClient, server_service_client::ServerServiceClient,
};
use peerage_tests::wait;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

/// The services of one engine.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) networks: NetworkServiceClient<Channel>,
    pub(crate) peerings: PeeringServiceClient<Channel>,
    pub(crate) server: ServerServiceClient<Channel>,
    pub(crate) audit: AuditServiceClient<Channel>,
    /// Where the log was after the last command sent here.
    seen: Arc<Mutex<String>>,
}

/// A command of any kind.
#[expect(
    clippy::large_enum_variant,
    reason = "a few of them are made at a time"
)]
#[derive(Debug, Clone)]
pub(crate) enum Command {
    Register(RegisterNetworkRequest),
    Request(RequestPeeringRequest),
    Accept(AcceptRouteRequest),
    Restrict(RestrictFirewallRequest),
}

impl Api {
    pub(crate) async fn connect(server: &str) -> Self {
        let endpoint = Channel::from_shared(server.to_owned())
            .unwrap()
            .tcp_nodelay(true);
        let channel = wait::until("a connection to the API", SOON, || async {
            endpoint.connect().await.ok()
        })
        .await;
        Self {
            networks: NetworkServiceClient::new(channel.clone()),
            peerings: PeeringServiceClient::new(channel.clone()),
            server: ServerServiceClient::new(channel.clone()),
            audit: AuditServiceClient::new(channel),
            seen: Arc::default(),
        }
    }

    pub(crate) async fn send(&self, command: &Command) -> Result<CommandResponse, Status> {
        let (mut networks, mut peerings) = (self.networks.clone(), self.peerings.clone());
        let answer = match command.clone() {
            Command::Register(request) => networks.register_network(request).await,
            Command::Request(request) => peerings.request_peering(request).await,
            Command::Accept(request) => peerings.accept_route(request).await,
            Command::Restrict(request) => peerings.restrict_firewall(request).await,
        };
        let answer = answer.map(tonic::Response::into_inner);
        if let Ok(answer) = &answer {
            self.seen.lock().clone_from(&answer.position);
        }
        answer
    }

    /// A command that has to be carried out.
    pub(crate) async fn done(&self, command: &Command) -> CommandResponse {
        self.send(command)
            .await
            .unwrap_or_else(|status| panic!("{command:?}: {status:?}"))
    }

    pub(crate) async fn network(&self, id: &str, min_position: &str) -> Result<Network, Status> {
        let request = GetNetworkRequest {
            network_id: id.to_owned(),
            min_position: min_position.to_owned(),
        };
        self.networks
            .clone()
            .get_network(request)
            .await
            .map(|it| it.into_inner().network.expect("a network"))
    }

    pub(crate) async fn peering(&self, id: &str, min_position: &str) -> Result<Peering, Status> {
        let request = GetPeeringRequest {
            peering_id: id.to_owned(),
            min_position: min_position.to_owned(),
        };
        self.peerings
            .clone()
            .get_peering(request)
            .await
            .map(|it| it.into_inner().peering.expect("a peering"))
    }

    /// The peering once it is as the test wants it; what it was last is told when it never is.
    pub(crate) async fn peering_when(
        &self,
        what: &str,
        id: &str,
        is: impl Fn(&Peering) -> bool,
    ) -> Peering {
        let found = wait::within(SOON, || async {
            self.peering(id, "").await.ok().filter(|it| is(it))
        })
        .await;
        match found {
            Some(peering) => peering,
            None => panic!(
                "{what}: not within {SOON:?}; it is: {:#?}",
                self.peering(id, "").await
            ),
        }
    }

    /// The peering once all that was asked for is in place.
    pub(crate) async fn converged(&self, id: &str) -> Peering {
        self.peering_when("a peering in place", id, |it| it.converged)
            .await
    }

    /// Every event, page by page.
    pub(crate) async fn events(&self, filter: ListEventsRequest) -> Vec<Event> {
        let (mut events, mut request) = (Vec::new(), filter);
        loop {
            // After a restart the log is read first; the longer, the more others have in it.
            let page = wait::until("read models that are whole", SOON, || async {
                let answer = self.audit.clone().list_events(request.clone()).await;
                match answer.map(tonic::Response::into_inner) {
                    Err(status) if reason(&status).1 == "READ_MODELS_BUILDING" => None,
                    answer => Some(answer.unwrap()),
                }
            })
            .await;
            events.extend(page.events);
            if page.next_page_token.is_empty() {
                return events;
            }
            request.page_token = page.next_page_token;
        }
    }

    /// What has happened to a network, the last command sent here included: the read models may be
    /// behind.
    pub(crate) async fn history(&self, network_id: &str) -> Vec<Event> {
        let min_position = self.seen.lock().clone();
        self.events(ListEventsRequest {
            network_id: network_id.to_owned(),
            min_position,
            ..Default::default()
        })
        .await
    }
}

/// A command id of its own.
pub(crate) fn context() -> Option<CommandContext> {
    Some(CommandContext {
        command_id: Uuid::new_v4().to_string(),
        actor: "e2e".to_owned(),
        ..Default::default()
    })
}

/// Registers a network that is no other's at the cloud.
pub(crate) fn register() -> RegisterNetworkRequest {
    static NETWORKS: AtomicU32 = AtomicU32::new(1);
    let number = NETWORKS.fetch_add(1, Ordering::Relaxed);
    RegisterNetworkRequest {
        context: context(),
        project: "payments".to_owned(),
        name: "orders".to_owned(),
        provider: Provider::Aws.into(),
        region: "eu-west-1".to_owned(),
        account: "111122223333".to_owned(),
        cloud_network: format!("vpc-0a1b{number:08x}"),
        range: "10.20.0.0/16".to_owned(),
        ..Default::default()
    }
}

/// A request for a link to the peer number `number`, which has range 10.`number`.0.0/16.
pub(crate) fn request(network_id: &str, number: u8) -> RequestPeeringRequest {
    let peer = Peer {
        provider: Provider::Aws.into(),
        account: "444455556666".to_owned(),
        region: "us-east-1".to_owned(),
        cloud_network: format!("vpc-0d4c3b{number:02x}"),
        ranges: vec![format!("10.{number}.0.0/16")],
        subnets: Vec::new(),
    };
    RequestPeeringRequest {
        context: context(),
        network_id: network_id.to_owned(),
        peering: Some(PeeringSpec {
            peer: Some(peer),
            ..Default::default()
        }),
        ..Default::default()
    }
}

pub(crate) fn accept(
    network_id: &str,
    peering_id: &str,
    side: &str,
    destination: &str,
) -> AcceptRouteRequest {
    AcceptRouteRequest {
        context: context(),
        network_id: network_id.to_owned(),
        peering_id: peering_id.to_owned(),
        side: named_side(side).into(),
        destination: destination.to_owned(),
        ..Default::default()
    }
}

pub(crate) fn restrict(
    network_id: &str,
    peering_id: &str,
    admit: &[(&str, u32)],
) -> RestrictFirewallRequest {
    RestrictFirewallRequest {
        context: context(),
        network_id: network_id.to_owned(),
        peering_id: peering_id.to_owned(),
        side: Side::Local.into(),
        admit: admit
            .iter()
            .map(|(source, port)| InboundRule {
                source: (*source).to_owned(),
                port: *port,
                target: String::new(),
            })
            .collect(),
        ..Default::default()
    }
}

fn named_side(side: &str) -> Side {
    match side {
        "local" => Side::Local,
        "remote" => Side::Remote,
        other => panic!("{other} is no side"),
    }
}

/// Whether the peering is in the state of this name, like `active`.
pub(crate) fn is_in(peering: &Peering, state: &str) -> bool {
    let name = format!("PEERING_STATE_{}", state.to_uppercase());
    peering.state().as_str_name() == name
}

/// Whether the peering is blocked by the cause of this name, like `permission_denied`.
pub(crate) fn is_blocked_by(peering: &Peering, cause: &str) -> bool {
    let name = format!("BLOCK_CAUSE_{}", cause.to_uppercase());
    let block = peering.block.as_ref();
    block.is_some_and(|it| it.cause().as_str_name() == name)
}

/// An event's data.
pub(crate) fn data(event: &Event) -> serde_json::Value {
    serde_json::from_slice(&event.raw_data).unwrap()
}

/// Code and stable reason of a refusal.
pub(crate) fn reason(status: &Status) -> (Code, String) {
    let reason = status
        .get_details_error_info()
        .map(|it| it.reason)
        .unwrap_or_default();
    (status.code(), reason)
}

/// A history is valid when nothing is missing, out of order or there twice.
pub(crate) fn assert_valid(history: &[Event]) {
    for (index, event) in history.iter().enumerate() {
        assert_eq!(
            event.revision, index as u64,
            "revisions have no gap: {history:#?}"
        );
        assert_eq!(event.problem, "", "every event is readable: {event:?}");
    }
    let places: Vec<_> = history.iter().map(place).collect();
    assert!(
        places.is_sorted() && places.windows(2).all(|pair| pair[0] != pair[1]),
        "positions ascend: {places:?}"
    );
    // What was blocked and then unblocked may be so again, in the same words; so may what was
    // denied, and then no longer.
    let opposite = |it: &Event| match it.r#type.as_str() {
        "ProvisioningBlocked" => "ProvisioningUnblocked",
        "ProvisioningUnblocked" => "ProvisioningBlocked",
        "DenialRequested" | "DenialEnforced" => "DenialWithdrawn",
        "DenialWithdrawn" => "DenialRequested",
        "DenialLapsed" => "DenialEnforced",
        "DenialMade" => "DenialRemoved",
        "DenialRemoved" => "DenialMade",
        _ => "",
    };
    let turns = |index: usize, it: &Event| {
        history[..index]
            .iter()
            .filter(|earlier| earlier.r#type == opposite(it))
            .count()
    };
    let mut told: Vec<_> = history
        .iter()
        .enumerate()
        .map(|(index, it)| (it.r#type.as_str(), it.raw_data.as_slice(), turns(index, it)))
        .collect();
    told.sort_unstable();
    let twice: Vec<_> = told
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
        .collect();
    assert!(twice.is_empty(), "told twice: {twice:?}");
}

/// An event's position as numbers.
pub(crate) fn place(event: &Event) -> (u64, u64, u64) {
    let (commit, prepare) = event
        .position
        .split_once('/')
        .unwrap_or_else(|| panic!("a position: {event:?}"));
    (
        commit.parse().unwrap(),
        prepare.parse().unwrap(),
        event.revision,
    )
}

/// The fields that a refusal names.
pub(crate) fn fields(status: &Status) -> Vec<String> {
    let violations = status
        .get_details_bad_request()
        .map(|it| it.field_violations)
        .unwrap_or_default();
    violations.into_iter().map(|it| it.field).collect()
}
