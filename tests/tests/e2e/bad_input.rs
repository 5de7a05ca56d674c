//! Bad input gets a clear answer: a code, a reason that does not change, the fields by name, and
//! nothing in the log.

use crate::support::api::{self, Api, Command, assert_valid, fields, reason};
use peerage::api::v1::{
    AcceptRouteRequest, CommandContext, GetNetworkRequest, GetPeeringRequest, InboundRule,
    ListEventsRequest, ListNetworksRequest, ListPeeringsRequest, Provider, RegisterNetworkRequest,
    RequestPeeringRequest, RestrictFirewallRequest, Side, WatchPeeringsRequest,
    watch_peerings_request::Scope,
};
use peerage_tests::engine::{Engine, Launch};
use tempfile::TempDir;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

/// A network with one peering, on record before anything bad is sent.
struct Given {
    engine: Engine,
    _data: TempDir,
    api: Api,
    network: String,
    peering: String,
    /// The command ids of the two.
    register: String,
    request: String,
}

impl Given {
    async fn new() -> Self {
        let data = TempDir::new().unwrap();
        // An endpoint where nobody is: the worker finds nothing to record but that, once.
        let engine = Launch::new(data.path()).start().await;
        let api = Api::connect(&engine.server()).await;
        let (register, network) = register(&api).await;
        let message = api::request(&network, 30);
        let request = message.context.clone().unwrap().command_id;
        let peering = api.done(&Command::Request(message)).await.peering_id;
        api.converged(&peering).await;
        Self {
            engine,
            _data: data,
            api,
            network,
            peering,
            register,
            request,
        }
    }
}

/// The private network that every case is about.
const OWN: &str = "vpc-0a1b2c3d";

async fn register(api: &Api) -> (String, String) {
    let message = RegisterNetworkRequest {
        cloud_network: OWN.to_owned(),
        ..api::register()
    };
    let command = message.context.clone().unwrap().command_id;
    (
        command,
        api.done(&Command::Register(message)).await.network_id,
    )
}

/// A bad command and the answer it must get.
struct Case {
    what: &'static str,
    command: Command,
    code: Code,
    reason: &'static str,
    fields: Vec<String>,
}

impl Case {
    fn refused(what: &'static str, command: Command, code: Code, reason: &'static str) -> Self {
        Self {
            what,
            command,
            code,
            reason,
            fields: Vec::new(),
        }
    }

    fn wrong(what: &'static str, command: Command, fields: &[&str]) -> Self {
        let fields = fields.iter().map(|it| (*it).to_owned()).collect();
        Self {
            what,
            command,
            code: Code::InvalidArgument,
            reason: "INVALID_FIELDS",
            fields,
        }
    }

    fn judge(&self, status: &Status) {
        let what = self.what;
        assert_eq!(
            reason(status),
            (self.code, self.reason.to_owned()),
            "{what}: {status:?}"
        );
        assert_eq!(fields(status), self.fields, "{what}: {status:?}");
        assert!(
            status.message().len() > 10 && status.message().len() < 2000,
            "{what}: says what to do, in a few words: {status:?}"
        );
        let info = status.get_details_error_info().unwrap();
        let service = match self.command {
            Command::Register(_) => "peerage.v1.NetworkService",
            Command::Request(_) | Command::Accept(_) | Command::Restrict(_) => {
                "peerage.v1.PeeringService"
            }
        };
        assert_eq!(info.domain, service, "{what}");
    }
}

fn bad_register(change: impl FnOnce(&mut RegisterNetworkRequest)) -> Command {
    let mut message = api::register();
    change(&mut message);
    Command::Register(message)
}

fn bad_context(change: impl FnOnce(&mut CommandContext)) -> Command {
    bad_register(|it| change(it.context.as_mut().unwrap()))
}

fn registrations() -> Vec<Case> {
    let range = |what: &'static str, text: &str| {
        Case::wrong(
            what,
            bad_register(|it| it.range = text.to_owned()),
            &["range"],
        )
    };
    let ipv6 = |what: &'static str, text: &str| {
        Case::wrong(
            what,
            bad_register(|it| it.ipv6_ranges = vec![text.to_owned()]),
            &["ipv6_ranges[0]"],
        )
    };
    vec![
        range("a malformed range", "ten"),
        range("a range without a prefix", "10.20.0.0"),
        range("an empty range", ""),
        range("a range with host bits", "10.20.3.4/16"),
        range("a public range", "8.8.8.0/24"),
        range("an IPv6 range", "fd00::/8"),
        range("an IPv6 range of a network", "fd00:20::/56"),
        ipv6("an IPv4 range among those of IPv6", "10.21.0.0/16"),
        ipv6("an IPv6 range with host bits", "fd00:20::1/56"),
        ipv6("link-local addresses", "fe80::/64"),
        ipv6("IPv4 in IPv6", "::ffff:10.20.0.0/112"),
        range("a /7", "10.0.0.0/7"),
        range("a /26", "10.0.0.0/26"),
        range("an oversize range", &"9".repeat(100_000)),
        Case::wrong(
            "no context",
            bad_register(|it| it.context = None),
            &["context"],
        ),
        Case::wrong(
            "a command id that is none",
            bad_context(|it| it.command_id = "1".to_owned()),
            &["context.command_id"],
        ),
        Case::wrong(
            "no actor",
            bad_context(|it| it.actor.clear()),
            &["context.actor"],
        ),
        Case::wrong(
            "an oversize actor",
            bad_context(|it| it.actor = "a".repeat(257)),
            &["context.actor"],
        ),
        Case::wrong(
            "the engine's own name as an actor",
            bad_context(|it| it.actor = "provisioner".to_owned()),
            &["context.actor"],
        ),
        Case::wrong(
            "an actor with control characters",
            bad_context(|it| it.actor = "a\nb".to_owned()),
            &["context.actor"],
        ),
        Case::wrong(
            "an unknown provider",
            bad_register(|it| it.provider = 77),
            &["provider"],
        ),
        Case::wrong(
            "an unknown region",
            bad_register(|it| it.region = "eu-west-11".to_owned()),
            &["region"],
        ),
        Case::wrong(
            "another provider's region",
            bad_register(|it| it.region = "europe-west1".to_owned()),
            &["region"],
        ),
        Case::wrong(
            "an oversize name",
            bad_register(|it| it.name = "n".repeat(64)),
            &["name"],
        ),
        Case::wrong(
            "an oversize project",
            bad_register(|it| it.project = "p".repeat(64)),
            &["project"],
        ),
        Case::wrong(
            "an oversize network id",
            bad_register(|it| it.cloud_network = "v".repeat(513)),
            &["cloud_network"],
        ),
        Case::wrong(
            "too many subnets",
            bad_register(|it| it.subnets = vec!["subnet-1".to_owned(); 1001]),
            &["subnets"],
        ),
        Case::wrong(
            "a malformed subnet",
            bad_register(|it| it.subnets = vec!["subnet-1".to_owned(), String::new()]),
            &["subnets[1]"],
        ),
        Case::wrong(
            "several wrong fields, all of them named",
            bad_register(|it| {
                it.context.as_mut().unwrap().command_id.clear();
                it.provider = 77;
                it.name.clear();
                it.range = "10.0.0.0/26".to_owned();
            }),
            &["context.command_id", "provider", "name", "range"],
        ),
        Case::refused(
            "an account that is none",
            bad_register(|it| it.account = "1".to_owned()),
            Code::InvalidArgument,
            "ACCOUNT_MALFORMED",
        ),
        Case::refused(
            "a network id of another form",
            bad_register(|it| it.cloud_network = "vpc-XYZ".to_owned()),
            Code::InvalidArgument,
            "CLOUD_NETWORK_MALFORMED",
        ),
    ]
}

fn requests(given: &Given) -> Vec<Case> {
    let bad = |change: &dyn Fn(&mut RequestPeeringRequest)| {
        let mut message = api::request(&given.network, 40);
        change(&mut message);
        Command::Request(message)
    };
    let peer = |change: &dyn Fn(&mut peerage::api::v1::Peer)| {
        bad(&|it| change(it.peering.as_mut().unwrap().peer.as_mut().unwrap()))
    };
    let ranges = |ranges: &[&str]| {
        let ranges: Vec<_> = ranges.iter().map(|it| (*it).to_owned()).collect();
        peer(&|it| it.ranges = ranges.clone())
    };
    let many: Vec<_> = (0..33)
        .map(|number| format!("10.40.{number}.0/24"))
        .collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    vec![
        Case::refused(
            "an unknown network",
            bad(&|it| it.network_id = Uuid::new_v4().to_string()),
            Code::NotFound,
            "NETWORK_UNKNOWN",
        ),
        Case::wrong(
            "a network id that is none",
            bad(&|it| it.network_id = "orders".to_owned()),
            &["network_id"],
        ),
        Case::wrong(
            "nothing that is requested",
            bad(&|it| it.peering = None),
            &["peering"],
        ),
        Case::wrong(
            "no peer",
            bad(&|it| it.peering.as_mut().unwrap().peer = None),
            &["peering.peer"],
        ),
        Case::wrong(
            "an unknown provider",
            peer(&|it| it.provider = 77),
            &["peering.peer.provider"],
        ),
        Case::wrong(
            "an unknown region",
            peer(&|it| it.region = "mars-1".to_owned()),
            &["peering.peer.region"],
        ),
        Case::wrong(
            "a wrong range among others",
            ranges(&["10.40.0.0/16", "10.41.1.1/16"]),
            &["peering.peer.ranges[1]"],
        ),
        Case::wrong(
            "far too many ranges",
            ranges(&["10.40.0.0/16"; 1001]),
            &["peering.peer.ranges"],
        ),
        Case::refused(
            "too many ranges",
            ranges(&many),
            Code::InvalidArgument,
            "TOO_MANY_RANGES",
        ),
        Case::refused(
            "no range",
            ranges(&[]),
            Code::InvalidArgument,
            "PEER_RANGES_MISSING",
        ),
        Case::refused(
            "a range smaller than a network is",
            ranges(&["10.40.0.0/29"]),
            Code::InvalidArgument,
            "PEER_RANGE_NOT_ALLOWED",
        ),
        Case::refused(
            "a range of no network",
            ranges(&["169.254.0.0/16"]),
            Code::InvalidArgument,
            "PEER_RANGE_NOT_ALLOWED",
        ),
        Case::refused(
            "ranges that overlap",
            ranges(&["10.40.0.0/16", "10.40.1.0/24"]),
            Code::InvalidArgument,
            "RANGES_OVERLAP_EACH_OTHER",
        ),
        Case::refused(
            "the network's own range",
            ranges(&["10.20.0.0/16"]),
            Code::FailedPrecondition,
            "RANGE_OVERLAPS_NETWORK",
        ),
        Case::refused(
            "a part of that",
            ranges(&["10.20.7.0/24"]),
            Code::FailedPrecondition,
            "RANGE_OVERLAPS_NETWORK",
        ),
        Case::refused(
            "all around that",
            ranges(&["10.0.0.0/8"]),
            Code::FailedPrecondition,
            "RANGE_OVERLAPS_NETWORK",
        ),
        Case::refused(
            "a second live link to the same peer",
            again(given),
            Code::AlreadyExists,
            "PEER_ALREADY_LINKED",
        ),
        Case::refused(
            "a peer at another provider",
            gcp(given),
            Code::InvalidArgument,
            "PROVIDER_MISMATCH",
        ),
        Case::refused(
            "the network itself",
            peer(&|it| {
                it.account = "111122223333".to_owned();
                it.region = "eu-west-1".to_owned();
                it.cloud_network = OWN.to_owned();
            }),
            Code::InvalidArgument,
            "PEER_IS_THE_NETWORK",
        ),
        Case::refused(
            "another revision than expected",
            bad(&|it| it.context.as_mut().unwrap().expected_revision = Some(0)),
            Code::FailedPrecondition,
            "WRONG_EXPECTED_REVISION",
        ),
        Case::refused(
            "a used command id with another body",
            bad(&|it| {
                it.context
                    .as_mut()
                    .unwrap()
                    .command_id
                    .clone_from(&given.request)
            }),
            Code::AlreadyExists,
            "COMMAND_ID_REUSED",
        ),
        Case::refused(
            "the command id of another command",
            bad(&|it| {
                it.context
                    .as_mut()
                    .unwrap()
                    .command_id
                    .clone_from(&given.register)
            }),
            Code::AlreadyExists,
            "COMMAND_ID_REUSED",
        ),
    ]
}

/// The peer of the live peering, with another range.
fn again(given: &Given) -> Command {
    let mut message = api::request(&given.network, 30);
    let peer = message.peering.as_mut().unwrap().peer.as_mut().unwrap();
    peer.ranges = vec!["10.41.0.0/16".to_owned()];
    Command::Request(message)
}

fn gcp(given: &Given) -> Command {
    let mut message = api::request(&given.network, 40);
    let peer = message.peering.as_mut().unwrap().peer.as_mut().unwrap();
    (peer.provider, peer.region) = (Provider::Gcp.into(), "europe-west1".to_owned());
    (peer.account, peer.cloud_network) = ("partner-project".to_owned(), "default".to_owned());
    Command::Request(message)
}

fn routes(given: &Given) -> Vec<Case> {
    let bad = |change: &dyn Fn(&mut AcceptRouteRequest)| {
        let mut message = api::accept(&given.network, &given.peering, "local", "10.30.0.0/16");
        change(&mut message);
        Command::Accept(message)
    };
    vec![
        Case::refused(
            "an unknown peering",
            bad(&|it| it.peering_id = Uuid::new_v4().to_string()),
            Code::NotFound,
            "PEERING_UNKNOWN",
        ),
        Case::refused(
            "an unknown network",
            bad(&|it| it.network_id = Uuid::new_v4().to_string()),
            Code::NotFound,
            "NETWORK_UNKNOWN",
        ),
        Case::wrong("a side that is none", bad(&|it| it.side = 7), &["side"]),
        Case::wrong(
            "a malformed destination",
            bad(&|it| it.destination = "10.30.0.0/33".to_owned()),
            &["destination"],
        ),
        Case::refused(
            "a destination behind nobody",
            bad(&|it| it.destination = "10.99.0.0/16".to_owned()),
            Code::InvalidArgument,
            "DESTINATION_OUT_OF_REACH",
        ),
    ]
}

fn firewalls(given: &Given) -> Vec<Case> {
    let bad = |admit: &[(&str, u32)], change: &dyn Fn(&mut RestrictFirewallRequest)| {
        let mut message = api::restrict(&given.network, &given.peering, admit);
        change(&mut message);
        Command::Restrict(message)
    };
    let admits = |admit: &[(&str, u32)]| bad(admit, &|_| ());
    let rule = InboundRule {
        source: "10.30.0.0/16".to_owned(),
        port: 2113,
        target: String::new(),
    };
    vec![
        Case::wrong("port 0", admits(&[("10.30.0.0/16", 0)]), &["admit[0].port"]),
        Case::wrong(
            "port 65536",
            admits(&[("10.30.0.0/16", 2113), ("10.30.0.0/16", 65_536)]),
            &["admit[1].port"],
        ),
        Case::wrong(
            "a malformed source and port",
            admits(&[("here", 0)]),
            &["admit[0].source", "admit[0].port"],
        ),
        Case::wrong(
            "far too many rules",
            bad(&[], &|it| it.admit = vec![rule.clone(); 1001]),
            &["admit"],
        ),
        Case::refused(
            "a source outside of the peer",
            admits(&[("10.31.0.0/16", 2113)]),
            Code::InvalidArgument,
            "SOURCE_OUTSIDE_PEER",
        ),
        Case::refused(
            "something let in at the remote side",
            bad(&[("10.30.0.0/16", 2113)], &|it| {
                it.side = Side::Remote.into()
            }),
            Code::InvalidArgument,
            "REMOTE_INBOUND_DENIED",
        ),
        Case::refused(
            "an unknown peering",
            bad(&[], &|it| it.peering_id = Uuid::new_v4().to_string()),
            Code::NotFound,
            "PEERING_UNKNOWN",
        ),
    ]
}

#[tokio::test]
async fn every_bad_command_is_refused_with_its_code_reason_and_fields_and_leaves_nothing_in_the_log()
 {
    let given = Given::new().await;
    let api = &given.api;
    let before = api.events(ListEventsRequest::default()).await;
    let cases = [
        registrations(),
        requests(&given),
        routes(&given),
        firewalls(&given),
    ]
    .concat_all();
    for case in &cases {
        match api.send(&case.command).await {
            Ok(answer) => panic!("{}: accepted: {answer:?}", case.what),
            Err(status) => case.judge(&status),
        }
    }
    // One good command shows how far the read models are, and that the engine is none the worse.
    let good = api
        .done(&Command::Accept(api::accept(
            &given.network,
            &given.peering,
            "local",
            "10.30.0.0/16",
        )))
        .await;
    let network = api.network(&given.network, &good.position).await.unwrap();
    assert_eq!(
        (network.revision, network.live_peerings),
        (good.revision, 1),
        "nothing else on the network"
    );
    assert_eq!(
        good.revision as usize,
        before.len(),
        "nothing between the last event before and this one"
    );
    let by_people = |event: &&peerage::api::v1::Event| {
        event.actor.as_ref().is_some_and(|it| it.claimed == "e2e")
    };
    let after = api
        .events(ListEventsRequest {
            min_position: good.position,
            ..Default::default()
        })
        .await;
    assert_eq!(
        after.iter().filter(by_people).count(),
        before.iter().filter(by_people).count() + 1,
        "{after:#?}"
    );
    assert_eq!(
        api.networks
            .clone()
            .list_networks(ListNetworksRequest::default())
            .await
            .unwrap()
            .into_inner()
            .networks
            .len(),
        1
    );
    assert_valid(&api.history(&given.network).await);
    given.engine.stop().await;
}

/// Several tables as one.
trait Together {
    fn concat_all(self) -> Vec<Case>;
}

impl<const N: usize> Together for [Vec<Case>; N] {
    fn concat_all(self) -> Vec<Case> {
        self.into_iter().flatten().collect()
    }
}

#[tokio::test]
async fn a_route_that_is_on_record_is_not_accepted_again_by_another_command() {
    let given = Given::new().await;
    let accept = || {
        Command::Accept(api::accept(
            &given.network,
            &given.peering,
            "remote",
            "10.20.0.0/16",
        ))
    };
    given.api.done(&accept()).await;
    let status = given.api.send(&accept()).await.unwrap_err();
    assert_eq!(
        reason(&status),
        (Code::AlreadyExists, "ROUTE_ALREADY_ACCEPTED".to_owned())
    );
    // Saying the same posture again is no change, and no event.
    let first = given
        .api
        .done(&Command::Restrict(api::restrict(
            &given.network,
            &given.peering,
            &[("10.30.0.0/16", 2113)],
        )))
        .await;
    assert_eq!(first.event_types, ["FirewallRestricted"]);
    given.api.converged(&given.peering).await;
    let same = given
        .api
        .done(&Command::Restrict(api::restrict(
            &given.network,
            &given.peering,
            &[("10.30.0.0/16", 2113)],
        )))
        .await;
    assert_eq!(same.event_types, Vec::<String>::new());
}

#[tokio::test]
async fn forty_wrong_fields_are_told_in_an_answer_that_clients_can_read() {
    let given = Given::new().await;
    let subnets = vec!["ü".repeat(600); 40];
    let command = bad_register(|it| it.subnets = subnets);
    let status = given.api.send(&command).await.unwrap_err();
    assert_eq!(
        reason(&status),
        (Code::InvalidArgument, "INVALID_FIELDS".to_owned())
    );
    let named = fields(&status);
    assert!(!named.is_empty() && named.len() <= 10, "{named:?}");
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.metadata["violations"], "40");
    assert!(status.details().len() < 4_096 && status.message().contains("40"));
}

#[tokio::test]
async fn a_command_id_belongs_to_its_network_and_one_that_was_refused_claims_nothing() {
    let given = Given::new().await;
    let api = &given.api;
    let mut refused = api::request(&given.network, 30);
    let refusal = api.send(&Command::Request(refused.clone())).await;
    assert_eq!(
        reason(&refusal.unwrap_err()).1,
        "PEER_ALREADY_LINKED".to_owned()
    );
    let other = api::request(&given.network, 51).peering;
    refused.peering = other;
    api.done(&Command::Request(refused)).await;
    let network = api.done(&Command::Register(api::register())).await;
    let network = network.network_id;
    let mut same = api::request(&network, 50);
    same.context
        .as_mut()
        .unwrap()
        .command_id
        .clone_from(&given.request);
    let answer = api.done(&Command::Request(same)).await;
    assert!(!answer.repeated, "{answer:?}");
}

#[tokio::test]
async fn every_bad_question_is_refused_with_its_fields() {
    let given = Given::new().await;
    let (mut networks, mut audit) = (given.api.networks.clone(), given.api.audit.clone());
    let mut peerings = given.api.peerings.clone();
    let nobody = Uuid::new_v4().to_string();
    let wrong = |status: Status, named: &[&str]| {
        assert_eq!(
            (reason(&status), fields(&status)),
            (
                (Code::InvalidArgument, "INVALID_FIELDS".to_owned()),
                named.iter().map(|it| (*it).to_owned()).collect()
            ),
            "{status:?}"
        );
    };
    let unknown = |status: Status, what: &str| {
        assert_eq!(
            reason(&status),
            (Code::NotFound, what.to_owned()),
            "{status:?}"
        )
    };

    let ask = GetNetworkRequest {
        network_id: "x".to_owned(),
        min_position: "y".to_owned(),
    };
    wrong(
        networks.get_network(ask).await.unwrap_err(),
        &["network_id", "min_position"],
    );
    let ask = GetNetworkRequest {
        network_id: nobody.clone(),
        ..Default::default()
    };
    unknown(
        networks.get_network(ask).await.unwrap_err(),
        "NETWORK_UNKNOWN",
    );
    let ask = GetPeeringRequest {
        peering_id: nobody.clone(),
        ..Default::default()
    };
    unknown(
        peerings.get_peering(ask).await.unwrap_err(),
        "PEERING_UNKNOWN",
    );
    let ask = WatchPeeringsRequest {
        scope: Some(Scope::PeeringId(nobody.clone())),
        ..Default::default()
    };
    unknown(
        peerings.watch_peerings(ask).await.unwrap_err(),
        "PEERING_UNKNOWN",
    );
    let ask = WatchPeeringsRequest {
        scope: Some(Scope::PeeringId("x".to_owned())),
        after: "y".to_owned(),
        ..Default::default()
    };
    wrong(
        peerings.watch_peerings(ask).await.unwrap_err(),
        &["peering_id", "after"],
    );
    let ask = ListNetworksRequest {
        page_size: -1,
        min_position: "?".to_owned(),
        ..Default::default()
    };
    wrong(
        networks.list_networks(ask).await.unwrap_err(),
        &["min_position", "page_size"],
    );
    let ask = ListNetworksRequest {
        page_token: "?".to_owned(),
        ..Default::default()
    };
    wrong(
        networks.list_networks(ask).await.unwrap_err(),
        &["page_token"],
    );
    let ask = ListPeeringsRequest {
        network_id: "x".to_owned(),
        page_size: -1,
        ..Default::default()
    };
    wrong(
        peerings.list_peerings(ask).await.unwrap_err(),
        &["page_size", "network_id"],
    );
    let ask = ListPeeringsRequest {
        states: vec![1, 77],
        ..Default::default()
    };
    wrong(
        peerings.list_peerings(ask).await.unwrap_err(),
        &["states[1]"],
    );
    let ask = ListEventsRequest {
        command_id: "x".to_owned(),
        peering_id: "y".to_owned(),
        ..Default::default()
    };
    wrong(
        audit.list_events(ask).await.unwrap_err(),
        &["peering_id", "command_id"],
    );
    let ask = ListEventsRequest {
        page_token: "z".to_owned(),
        ..Default::default()
    };
    wrong(audit.list_events(ask).await.unwrap_err(), &["page_token"]);
}
