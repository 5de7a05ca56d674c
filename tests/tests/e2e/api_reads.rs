//! Reads over gRPC: they see what a command has done, every page once, and each event of a watch in
//! its order.

use crate::support::SOON;
use crate::support::api::{self, Api, Command, place};
use embedded::EmbeddedNode;
use peerage::api::v1::{
    Event, EventOrder, ListEventsRequest, ListNetworksRequest, ListPeeringsRequest, Peering,
    PeeringState, WatchEvents, WatchPeeringsRequest, WatchPeeringsResponse,
    watch_peerings_request::Scope, watch_peerings_response::Update,
};
use peerage_tests::engine::Launch;
use peerage_tests::store_proxy::{Stop, StoreProxy};
use peerage_tests::wait;
use std::collections::BTreeSet;
use tempfile::TempDir;
use tokio::time::timeout;
use tonic::{Code, Streaming, transport::Channel};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

#[tokio::test]
async fn a_read_from_the_position_of_a_command_sees_that_command() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let api = Api::connect(&engine.server()).await;
    for round in 0..10 {
        let network = api.done(&Command::Register(api::register())).await;
        assert_eq!(
            api.network(&network.network_id, &network.position)
                .await
                .unwrap()
                .revision,
            0,
            "round {round}"
        );
        let peering = api
            .done(&Command::Request(api::request(&network.network_id, 30)))
            .await;
        assert_eq!(
            api.peering(&peering.peering_id, &peering.position)
                .await
                .unwrap()
                .peer
                .unwrap()
                .ranges,
            ["10.30.0.0/16"]
        );
        let page = ListPeeringsRequest {
            network_id: network.network_id.clone(),
            min_position: peering.position.clone(),
            ..Default::default()
        };
        assert_eq!(
            api.peerings
                .clone()
                .list_peerings(page)
                .await
                .unwrap()
                .into_inner()
                .peerings
                .len(),
            1
        );
        let mut request = ListEventsRequest {
            min_position: peering.position,
            ..Default::default()
        };
        request.command_id = api.history(&network.network_id).await[1].command_id.clone();
        let told: Vec<_> = api
            .events(request)
            .await
            .into_iter()
            .map(|it| it.r#type)
            .collect();
        assert_eq!(
            told,
            [
                "PeeringRequested",
                "FirewallRestricted",
                "FirewallRestricted"
            ]
        );
    }
}

#[tokio::test]
async fn a_read_without_a_position_sees_every_command_that_was_answered_before_it() {
    let (data, node) = (
        TempDir::new().unwrap(),
        EmbeddedNode::builder().in_memory().start().await.unwrap(),
    );
    let proxy = StoreProxy::start(&node.address().to_string(), Stop::Never).await;
    let engine = Launch::new(data.path())
        .store(&proxy.connection_string())
        .start()
        .await;
    let api = Api::connect(&engine.server()).await;
    let network = api
        .done(&Command::Register(api::register()))
        .await
        .network_id;
    let peering = api
        .done(&Command::Request(api::request(&network, 30)))
        .await
        .peering_id;
    api.converged(&peering).await;

    proxy.hold_news();
    let accepted = api
        .done(&Command::Accept(api::accept(
            &network,
            &peering,
            "local",
            "10.30.0.0/16",
        )))
        .await;
    let reads = Read::ALL.map(|read| {
        let (api, network, peering) = (api.clone(), network.clone(), peering.clone());
        tokio::spawn(async move {
            read.knows(&api, &network, &peering, accepted.revision)
                .await
        })
    });
    // A read that does not wait for the news is answered sooner than commands that come after it.
    for destination in ["10.20.1.0/24", "10.20.2.0/24", "10.20.3.0/24"] {
        api.done(&Command::Accept(api::accept(
            &network,
            &peering,
            "remote",
            destination,
        )))
        .await;
    }
    proxy.release_news();
    for (read, knows) in Read::ALL.into_iter().zip(reads) {
        assert!(
            knows.await.unwrap(),
            "{read:?} does not know of a route whose acceptance was answered before"
        );
    }
    engine.stop().await;
    node.shutdown().await;
}

#[derive(Debug, Clone, Copy)]
enum Read {
    Network,
    Peering,
    Peerings,
    Events,
    Watch,
}

impl Read {
    const ALL: [Self; 5] = [
        Self::Network,
        Self::Peering,
        Self::Peerings,
        Self::Events,
        Self::Watch,
    ];

    /// Whether this read, without a position, knows of the route whose acceptance is the network's
    /// event of this revision.
    async fn knows(self, api: &Api, network: &str, peering: &str, revision: u64) -> bool {
        let has_route = |it: &Peering| !it.routes.is_empty();
        match self {
            Self::Network => api.network(network, "").await.unwrap().revision >= revision,
            Self::Peering => has_route(&api.peering(peering, "").await.unwrap()),
            Self::Peerings => {
                let listed = api
                    .peerings
                    .clone()
                    .list_peerings(ListPeeringsRequest::default())
                    .await
                    .unwrap();
                listed.into_inner().peerings.iter().all(has_route)
            }
            Self::Events => {
                let of_peering = ListEventsRequest {
                    peering_id: peering.to_owned(),
                    ..Default::default()
                };
                api.events(of_peering)
                    .await
                    .iter()
                    .any(|it| it.revision == revision)
            }
            Self::Watch => {
                let request = WatchPeeringsRequest {
                    scope: Some(Scope::PeeringId(peering.to_owned())),
                    ..Default::default()
                };
                let mut watch = api
                    .peerings
                    .clone()
                    .watch_peerings(request)
                    .await
                    .unwrap()
                    .into_inner();
                loop {
                    if let Update::Peering(peering) = next(&mut watch).await {
                        return has_route(&peering);
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_called_unknown_by_read_models_that_are_behind_and_what_they_have_is_told() {
    let (data, node) = (
        TempDir::new().unwrap(),
        EmbeddedNode::builder().in_memory().start().await.unwrap(),
    );
    let proxy = StoreProxy::start(&node.address().to_string(), Stop::Never).await;
    proxy.hold_news();
    let engine = Launch::new(data.path())
        .store(&proxy.connection_string())
        .set("api.command_deadline", "1s")
        .start()
        .await;
    let api = Api::connect(&engine.server()).await;
    let nobody = "3f0c6a3e-6c5b-4a57-9d4e-0d1c2b3a4f5e";
    let building = (Code::Unavailable, "READ_MODELS_BUILDING".to_owned());
    assert_eq!(
        api::reason(&api.network(nobody, "").await.unwrap_err()),
        building,
        "the log was never read to its end"
    );
    let said = async |service: &str| said_of_health(&engine.server(), service).await;
    for (service, status) in [
        ("", ServingStatus::Serving),
        ("peerage.v1.NetworkService", ServingStatus::Serving),
        ("peerage.v1.AuditService", ServingStatus::NotServing),
        ("peerage.v1.ReadModels", ServingStatus::NotServing),
    ] {
        assert_eq!(said(service).await, status, "{service:?}");
    }
    let network = wait::until("a registered network", SOON, || async {
        api.send(&Command::Register(api::register())).await.ok()
    });
    let network = network.await.network_id;
    assert_eq!(
        api::reason(&api.network(&network, "").await.unwrap_err()),
        building,
        "it is there, and not shown yet"
    );
    let list = async |allow_catching_up: bool| {
        let request = ListNetworksRequest {
            allow_catching_up,
            ..Default::default()
        };
        let answer = api.networks.clone().list_networks(request).await;
        answer.map(tonic::Response::into_inner)
    };
    assert_eq!(api::reason(&list(false).await.unwrap_err()), building);
    let listed = list(true).await.unwrap();
    assert!(listed.catching_up, "a list that may be short says so");
    assert_eq!(listed.networks, [], "a list has what there is");

    proxy.release_news();
    wait::until("the network", SOON, || async {
        api.network(&network, "").await.ok()
    })
    .await;
    for service in ["peerage.v1.AuditService", "peerage.v1.ReadModels"] {
        wait::until("SERVING", SOON, || async {
            (said(service).await == ServingStatus::Serving).then_some(())
        })
        .await;
    }
    let unknown = api.network(nobody, "").await.unwrap_err();
    assert_eq!(
        api::reason(&unknown),
        (Code::NotFound, "NETWORK_UNKNOWN".to_owned())
    );
    engine.stop().await;
    node.shutdown().await;
}

async fn said_of_health(server: &str, service: &str) -> ServingStatus {
    let channel = Channel::from_shared(server.to_owned()).unwrap();
    let mut health = HealthClient::new(channel.connect().await.unwrap());
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    health.check(request).await.unwrap().into_inner().status()
}

#[tokio::test]
async fn a_read_of_a_position_that_is_not_there_yet_says_so_within_its_patience() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path())
        .set("api.command_deadline", "300ms")
        .start()
        .await;
    let api = Api::connect(&engine.server()).await;
    let network = api.done(&Command::Register(api::register())).await;
    let status = api
        .network(&network.network_id, "999999999/999999999")
        .await
        .unwrap_err();
    assert_eq!(
        api::reason(&status),
        (Code::Unavailable, "READ_MODEL_BEHIND".to_owned())
    );
}

#[tokio::test]
async fn paging_walks_every_network_peering_and_event_exactly_once() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let api = Api::connect(&engine.server()).await;
    let (mut registered, mut requested, mut position) =
        (BTreeSet::new(), BTreeSet::new(), String::new());
    for _ in 0..23 {
        registered.insert(
            api.done(&Command::Register(api::register()))
                .await
                .network_id,
        );
    }
    let network = registered.first().unwrap().clone();
    for number in 30..47 {
        let answer = api
            .done(&Command::Request(api::request(&network, number)))
            .await;
        requested.insert(answer.peering_id);
        position = answer.position;
    }
    let (mut seen, mut request) = (
        Vec::new(),
        ListNetworksRequest {
            page_size: 5,
            min_position: position.clone(),
            ..Default::default()
        },
    );
    loop {
        let page = api
            .networks
            .clone()
            .list_networks(request.clone())
            .await
            .unwrap()
            .into_inner();
        assert!(page.networks.len() <= 5);
        seen.extend(page.networks.into_iter().map(|it| it.network_id));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    once(&seen, &registered);
    let (mut seen, mut request) = (
        Vec::new(),
        ListPeeringsRequest {
            page_size: 4,
            min_position: position,
            ..Default::default()
        },
    );
    loop {
        let page = api
            .peerings
            .clone()
            .list_peerings(request.clone())
            .await
            .unwrap()
            .into_inner();
        seen.extend(page.peerings.into_iter().map(|it| it.peering_id));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    once(&seen, &requested);
    for peering in &requested {
        api.converged(peering).await;
    }
    let all = api.history(&network).await;
    for page_size in [1, 3, 7] {
        let page = |order: EventOrder| ListEventsRequest {
            network_id: network.clone(),
            page_size,
            order: order.into(),
            ..Default::default()
        };
        let forwards = api.events(page(EventOrder::OldestFirst)).await;
        assert_eq!(forwards, all, "pages of {page_size}");
        let mut backwards = api.events(page(EventOrder::NewestFirst)).await;
        backwards.reverse();
        assert_eq!(backwards, all, "pages of {page_size}, newest first");
    }
}

fn once(seen: &[String], wanted: &BTreeSet<String>) {
    assert_eq!(seen.len(), wanted.len(), "each once");
    assert_eq!(&seen.iter().cloned().collect::<BTreeSet<_>>(), wanted);
}

#[tokio::test]
async fn peerings_are_listed_by_their_life() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let api = Api::connect(&engine.server()).await;
    let network = api
        .done(&Command::Register(api::register()))
        .await
        .network_id;
    let peering = api
        .done(&Command::Request(api::request(&network, 30)))
        .await
        .peering_id;
    api.converged(&peering).await;
    let listed = async |states: &[PeeringState]| {
        let request = ListPeeringsRequest {
            states: states.iter().map(|it| (*it).into()).collect(),
            ..Default::default()
        };
        api.peerings
            .clone()
            .list_peerings(request)
            .await
            .unwrap()
            .into_inner()
            .peerings
            .len()
    };
    assert_eq!(
        (
            listed(&[PeeringState::Active, PeeringState::Removing]).await,
            listed(&[PeeringState::Requested]).await,
            listed(&[]).await
        ),
        (1, 0, 1)
    );
}

/// The next message of a watch, bookmarks left out.
async fn next(watch: &mut Streaming<WatchPeeringsResponse>) -> Update {
    loop {
        match any(watch).await {
            Update::Bookmark(_) => {}
            update @ (Update::Event(_) | Update::Peering(_)) => return update,
        }
    }
}

/// The next message of a watch.
async fn any(watch: &mut Streaming<WatchPeeringsResponse>) -> Update {
    let next = timeout(SOON, watch.message())
        .await
        .expect("the next message of a watch");
    let message = next.unwrap().expect("a watch does not end by itself");
    message.update.expect("a message says something")
}

async fn until_converged(watch: &mut Streaming<WatchPeeringsResponse>) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        match next(watch).await {
            Update::Event(event) => events.push(event),
            Update::Peering(peering) if peering.converged => return events,
            Update::Peering(_) | Update::Bookmark(_) => {}
        }
    }
}

/// The messages of a watch up to its next bookmark: the events' positions, and how many states.
async fn until_bookmark(watch: &mut Streaming<WatchPeeringsResponse>) -> (Vec<String>, usize) {
    let (mut events, mut states) = (Vec::new(), 0);
    loop {
        match any(watch).await {
            Update::Event(event) => events.push(event.position),
            Update::Peering(_) => states += 1,
            Update::Bookmark(_) => return (events, states),
        }
    }
}

#[tokio::test]
async fn a_watch_of_a_long_history_leaves_nothing_out_repeats_nothing_and_needs_no_reminder() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let api = Api::connect(&engine.server()).await;
    let network = api.done(&Command::Register(api::register())).await;
    let network = network.network_id;
    let requested = Command::Request(api::request(&network, 30));
    let peering = api.done(&requested).await.peering_id;
    api.converged(&peering).await;
    let change = async |port: u32| {
        let admit = [("10.30.0.0/16", port)];
        let command = Command::Restrict(api::restrict(&network, &peering, &admit));
        api.done(&command).await
    };
    // More than a watch takes at a time.
    for port in 0..70 {
        change(1_000 + port).await;
    }
    api.converged(&peering).await;
    // It says that it is alive long after this test is over.
    let watch = async |scope: Scope, events: WatchEvents| {
        let request = WatchPeeringsRequest {
            scope: Some(scope),
            events: events.into(),
            bookmark_interval: Some(prost_types::Duration {
                seconds: 300,
                nanos: 0,
            }),
            ..Default::default()
        };
        let watch = api.peerings.clone().watch_peerings(request).await;
        watch.unwrap().into_inner()
    };
    let one = || Scope::PeeringId(peering.clone());
    let mut all = watch(one(), WatchEvents::All).await;
    let (told, _) = until_bookmark(&mut all).await;
    let on_record = api.events(ListEventsRequest {
        peering_id: peering.clone(),
        order: EventOrder::OldestFirst.into(),
        ..Default::default()
    });
    let on_record: Vec<_> = on_record.await.into_iter().map(|it| it.position).collect();
    assert!(told.len() > 70, "{told:?}");
    assert_eq!(told, on_record);
    // Of what is over, the state as it is now is all that is told.
    let mut new = watch(one(), WatchEvents::New).await;
    assert_eq!(until_bookmark(&mut new).await, (Vec::new(), 1));
    let mut of_network = watch(Scope::NetworkId(network.clone()), WatchEvents::New).await;
    assert_eq!(until_bookmark(&mut of_network).await, (Vec::new(), 1));
    let position = change(2_000).await.position;
    for watch in [&mut all, &mut new, &mut of_network] {
        match next(watch).await {
            Update::Event(event) => assert_eq!(event.position, position, "{event:?}"),
            other @ (Update::Peering(_) | Update::Bookmark(_)) => panic!("{other:?}"),
        }
    }
    // What holds in the whole network is no event of the peering's, and told all the same.
    api.converged(&peering).await;
    let mut held = watch(one(), WatchEvents::None).await;
    assert_eq!(until_bookmark(&mut held).await, (Vec::new(), 1));
    let freeze = ["freeze", "--network", &network, "--reason", "x"];
    let frozen = engine.cli(&freeze).await;
    assert_eq!(frozen.code, Some(0), "{frozen:?}");
    let told = next(&mut held).await;
    assert!(matches!(told, Update::Peering(_)), "{told:?}");
    engine.stop().await;
}

#[tokio::test]
async fn a_watch_tells_every_event_in_order_goes_on_live_and_resumes_behind_any_of_them() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let api = Api::connect(&engine.server()).await;
    let network = api
        .done(&Command::Register(api::register()))
        .await
        .network_id;
    let answer = api
        .done(&Command::Request(api::request(&network, 30)))
        .await;
    let peering = answer.peering_id;
    api.peering(&peering, &answer.position).await.unwrap();
    let watch = |after: &str| {
        let (mut peerings, request) = (
            api.peerings.clone(),
            WatchPeeringsRequest {
                scope: Some(Scope::PeeringId(peering.clone())),
                after: after.to_owned(),
                events: WatchEvents::All.into(),
                ..Default::default()
            },
        );
        async move { peerings.watch_peerings(request).await.unwrap().into_inner() }
    };
    let mut live = watch("").await;
    let mut told = until_converged(&mut live).await;
    let accepted = api
        .done(&Command::Accept(api::accept(
            &network,
            &peering,
            "local",
            "10.30.0.0/16",
        )))
        .await;
    assert!(!accepted.repeated);
    told.extend(until_converged(&mut live).await);
    // A state may be told before the last event that led to it.
    while told.last().is_none_or(|it| it.r#type != "RoutesEnforced") {
        if let Update::Event(event) = next(&mut live).await {
            told.push(event);
        }
    }
    let types: Vec<_> = told.iter().map(|it| it.r#type.as_str()).collect();
    assert_eq!(
        types[..3],
        [
            "PeeringRequested",
            "FirewallRestricted",
            "FirewallRestricted"
        ],
        "{types:?}"
    );
    assert!(
        types.ends_with(&["RouteInstalled", "RoutesEnforced"]),
        "{types:?}"
    );
    assert!(
        told.windows(2)
            .all(|pair| place(&pair[0]) < place(&pair[1])),
        "{told:#?}"
    );
    let of_peering = ListEventsRequest {
        peering_id: peering.clone(),
        ..Default::default()
    };
    assert_eq!(
        told,
        api.events(of_peering).await,
        "what a watch tells is what the audit has"
    );

    for seen in [0, 3, told.len() - 2] {
        let rest = until_converged(&mut watch(&told[seen].position).await).await;
        // It may have been in place in between; the rest of the rest is still to come then.
        assert_eq!(rest, told[seen + 1..][..rest.len()], "behind event {seen}");
    }
    let last = told[told.len() - 1].position.clone();
    let mut live_end = watch(&last).await;
    let Update::Bookmark(bookmark) = any(&mut live_end).await else {
        panic!("behind the last event there is nothing to tell but that")
    };
    assert_eq!(bookmark.position, last);
    let known = bookmark.known_event.unwrap();
    let end = &told[told.len() - 1];
    assert_eq!(
        (known.position, known.event_id),
        (last, end.event_id.clone())
    );
    assert_eq!(
        (known.stream, known.revision),
        (end.stream.clone(), end.revision)
    );
    let another = api::accept(&network, &peering, "remote", "10.20.1.0/24");
    api.done(&Command::Accept(another)).await;
    let Update::Event(event) = next(&mut watch(&bookmark.position).await).await else {
        panic!("a watch goes on behind its bookmark")
    };
    assert_eq!(event.r#type, "RouteAccepted");
    // What the log is known by goes on with the watch.
    let mut is_told = false;
    loop {
        match any(&mut live_end).await {
            Update::Event(told) => is_told |= told.event_id == event.event_id,
            Update::Bookmark(bookmark) if is_told => {
                let known = bookmark.known_event.unwrap();
                assert!(known.revision >= event.revision, "{known:?}");
                break;
            }
            Update::Bookmark(_) | Update::Peering(_) => {}
        }
    }
}

#[tokio::test]
async fn an_idle_watch_shows_that_it_is_alive() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let api = Api::connect(&engine.server()).await;
    let network = api
        .done(&Command::Register(api::register()))
        .await
        .network_id;
    let request = WatchPeeringsRequest {
        scope: Some(Scope::NetworkId(network.clone())),
        bookmark_interval: Some(prost_types::Duration {
            seconds: 1,
            nanos: 0,
        }),
        ..Default::default()
    };
    let open = async |request| {
        let watch = api.peerings.clone().watch_peerings(request).await;
        watch.unwrap().into_inner()
    };
    let rare = WatchPeeringsRequest {
        bookmark_interval: Some(prost_types::Duration {
            seconds: 60,
            nanos: 0,
        }),
        ..request.clone()
    };
    let mut watch = open(request).await;
    for _ in 0..3 {
        assert!(matches!(any(&mut watch).await, Update::Bookmark(_)));
    }
    let peering = api
        .done(&Command::Request(api::request(&network, 30)))
        .await
        .peering_id;
    let Update::Peering(told) = next(&mut watch).await else {
        panic!("no events were asked for")
    };
    assert_eq!(told.peering_id, peering);
    // However seldom they are asked for: once all is told there is one.
    let mut rare = open(rare).await;
    assert!(matches!(any(&mut rare).await, Update::Peering(_)));
    while !matches!(any(&mut rare).await, Update::Bookmark(_)) {}
    engine.stop().await;
}

#[tokio::test]
async fn a_command_that_is_only_validated_says_what_it_would_do_and_leaves_nothing() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let api = Api::connect(&engine.server()).await;
    let network = api.done(&Command::Register(api::register())).await;
    let mut request = api::request(&network.network_id, 30);
    request.validate_only = true;
    let tried = api.done(&Command::Request(request.clone())).await;
    assert!(tried.validated_only && tried.position.is_empty());
    assert_eq!(tried.event_types.len(), 3);
    let would_be = tried.peering.unwrap();
    assert_eq!(would_be.state(), PeeringState::Requested);
    assert_eq!(api.history(&network.network_id).await.len(), 1);
    request.validate_only = false;
    let done = api.done(&Command::Request(request)).await;
    assert!(!done.repeated, "what was only tried has claimed nothing");
    assert_eq!(done.peering_id, would_be.peering_id);
}

#[tokio::test]
async fn who_and_why_stand_beside_each_event_and_events_are_found_by_them() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let api = Api::connect(&engine.server()).await;
    let mut register = api::register();
    let context = register.context.as_mut().unwrap();
    context.reason = "a new team".to_owned();
    context.ticket = "OPS-7".to_owned();
    let network = api.done(&Command::Register(register)).await.network_id;
    api.done(&Command::Request(api::request(&network, 30)))
        .await;
    let history = api.history(&network).await;
    let first = &history[0];
    let actor = first.actor.as_ref().unwrap();
    assert_eq!(
        (actor.claimed.as_str(), actor.subject.as_str()),
        ("e2e", "")
    );
    assert_eq!(
        (first.reason.as_str(), first.ticket.as_str()),
        ("a new team", "OPS-7")
    );
    assert!(first.time.is_some() && first.data.is_some());
    let told = first
        .command
        .as_ref()
        .expect("the command stands beside its first event");
    assert!(told.fields.contains_key("command"), "{told:?}");
    assert!(serde_json::from_slice::<serde_json::Value>(&first.raw_data).is_ok());
    let of_type = ListEventsRequest {
        network_id: network.clone(),
        types: vec!["PeeringRequested".to_owned()],
        actor: "e2e".to_owned(),
        ..Default::default()
    };
    let found = api.events(of_type).await;
    assert_eq!(found.len(), 1);
    let later = ListEventsRequest {
        network_id: network,
        start_time: history[history.len() - 1]
            .time
            .map(|it| prost_types::Timestamp {
                seconds: it.seconds + 3600,
                ..it
            }),
        ..Default::default()
    };
    assert_eq!(api.events(later).await, []);
}

#[tokio::test]
async fn the_server_says_what_it_is() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let api = Api::connect(&engine.server()).await;
    let network = api.done(&Command::Register(api::register())).await;
    let request = peerage::api::v1::GetServerInfoRequest {
        min_position: network.position,
    };
    let info = api
        .server
        .clone()
        .get_server_info(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(info.store(), peerage::api::v1::StoreKind::Embedded);
    assert!(!info.version.is_empty() && !info.store_version.is_empty());
    assert!(!info.position.is_empty() && !info.log_end.is_empty());
    assert!(info.started_at.is_some() && !info.catching_up);
    let history = info.history.unwrap();
    assert!(history.cache_limit_bytes > 0 && history.snapshots_wrong == 0);
}
