//! A node as its user meets it: started, restarted, in the way of another, and stopped while in
//! use.

#![allow(clippy::unwrap_used)]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use kurrentdb::{
    AppendToStreamOptions, BatchAppendOptions, Client, EventData, ReadStreamOptions,
    StreamPosition, StreamState, SubscribeToStreamOptions,
};
use peerage_embedded::{EmbeddedNode, StartError, Stopped};
use testkit::wait::{SOON, soon};

fn client(node: &EmbeddedNode) -> Client {
    Client::new(node.connection_string().parse().unwrap()).unwrap()
}

fn event(n: usize) -> EventData {
    EventData::json("Tested", &serde_json::json!({ "n": n })).unwrap()
}

async fn read_all(client: &Client, stream: &str) -> Vec<serde_json::Value> {
    let options = ReadStreamOptions::default()
        .position(StreamPosition::Start)
        .forwards();
    let mut read = client.read_stream(stream, &options).await.unwrap();
    let mut events = Vec::new();
    while let Some(event) = read.next().await.unwrap() {
        events.push(event.get_original_event().as_json().unwrap());
    }
    events
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_appended_is_there_after_a_restart_and_goes_on_where_it_ended() {
    let directory = tempfile::tempdir().unwrap();
    let node = EmbeddedNode::builder()
        .data_dir(directory.path())
        .start()
        .await
        .unwrap();
    let options = AppendToStreamOptions::default();
    let first = client(&node)
        .append_to_stream("s", &options, vec![event(0), event(1)])
        .await
        .unwrap();
    node.shutdown().await;

    let node = EmbeddedNode::builder()
        .data_dir(directory.path())
        .start()
        .await
        .unwrap();
    let client = client(&node);
    let options = options.stream_state(StreamState::StreamRevision(1));
    let second = client
        .append_to_stream("s", &options, event(2))
        .await
        .unwrap();
    assert_eq!(second.next_expected_version, 2);
    assert!(second.position.commit > first.position.commit);
    assert_eq!(read_all(&client, "s").await.len(), 3);
    node.shutdown().await;
}

#[tokio::test]
async fn a_data_directory_in_use_is_refused_until_it_is_free() {
    let directory = tempfile::tempdir().unwrap();
    let builder = EmbeddedNode::builder().data_dir(directory.path());
    let node = builder.clone().start().await.unwrap();
    let error = builder.clone().start().await.unwrap_err();
    assert!(
        matches!(&error, StartError::DirectoryInUse { path } if path == directory.path()),
        "{error:?}"
    );
    node.shutdown().await;
    builder.start().await.unwrap().shutdown().await;
}

#[tokio::test]
async fn a_node_whose_runtime_ends_under_it_lets_go_of_its_directory() {
    let directory = tempfile::tempdir().unwrap();
    let builder = EmbeddedNode::builder().data_dir(directory.path());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let node = runtime
        .spawn(builder.clone().start())
        .await
        .unwrap()
        .unwrap();
    tokio::task::spawn_blocking(move || runtime.shutdown_timeout(SOON))
        .await
        .unwrap();
    drop(node);
    let free = soon(async {
        loop {
            match builder.clone().start().await {
                Err(StartError::DirectoryInUse { .. }) => tokio::task::yield_now().await,
                started => return started,
            }
        }
    });
    free.await.unwrap().shutdown().await;
}

#[tokio::test]
async fn an_address_in_use_is_refused() {
    let node = EmbeddedNode::builder().start().await.unwrap();
    let error = EmbeddedNode::builder()
        .listen(node.address())
        .start()
        .await
        .unwrap_err();
    assert!(
        matches!(error, StartError::AddressInUse { address } if address == node.address()),
        "{error:?}"
    );
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_ends_an_open_subscription_with_an_error() {
    let node = EmbeddedNode::builder().start().await.unwrap();
    let client = client(&node);
    client
        .append_to_stream("s", &AppendToStreamOptions::default(), event(0))
        .await
        .unwrap();
    let options = SubscribeToStreamOptions::default().start_from(StreamPosition::Start);
    let mut subscription = client.subscribe_to_stream("s", &options).await;
    subscription.next().await.unwrap();
    let started = Instant::now();
    node.shutdown().await;
    let error = soon(subscription.next()).await.unwrap_err();
    assert!(
        matches!(&error, kurrentdb::Error::ServerError(text) if text.contains("shutting down")),
        "{error:?}"
    );
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "an open subscription held up the shutdown"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_answers_the_batches_that_came_and_ends_the_call_that_they_came_over() {
    let node = EmbeddedNode::builder().in_memory().start().await.unwrap();
    let client = client(&node);
    let batches = client
        .batch_append(&BatchAppendOptions::default())
        .await
        .unwrap();
    let appended = batches.append_to_stream("s", StreamState::NoStream, vec![event(0)]);
    soon(appended).await.unwrap();
    let began = Instant::now();
    node.shutdown().await;
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "an open call for batches held up the shutdown"
    );
    let late = batches.append_to_stream("s", StreamState::Any, vec![event(1)]);
    soon(late).await.unwrap_err();
}

#[tokio::test]
async fn a_health_check_over_plain_http_is_answered_on_the_same_port() {
    let node = EmbeddedNode::builder().start().await.unwrap();
    let address = node.address();
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream
            .write_all(b"GET /health/live HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_on_an_idle_connection_do_not_wait_for_delayed_acknowledgements() {
    let node = EmbeddedNode::builder().start().await.unwrap();
    let client = client(&node);
    let options = AppendToStreamOptions::default();
    client
        .append_to_stream("s", &options, event(0))
        .await
        .unwrap();
    let started = Instant::now();
    for n in 0..50 {
        client
            .append_to_stream("s", &options, event(n))
            .await
            .unwrap();
    }
    // With the stall fifty calls take two seconds at the very least.
    assert!(
        started.elapsed() < Duration::from_millis(1500),
        "{:?}",
        started.elapsed()
    );
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_subscription_sees_every_event_once_while_many_write() {
    const WRITERS: usize = 8;
    const EACH: usize = 50;
    let directory = tempfile::tempdir().unwrap();
    let node = EmbeddedNode::builder()
        .data_dir(directory.path())
        .start()
        .await
        .unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let client = client(&node);
            tokio::spawn(async move {
                for n in 0..EACH {
                    client
                        .append_to_stream("s", &AppendToStreamOptions::default(), event(n))
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    let client = client(&node);
    let options = SubscribeToStreamOptions::default().start_from(StreamPosition::Start);
    let mut subscription = client.subscribe_to_stream("s", &options).await;
    for number in 0..(WRITERS * EACH) as u64 {
        let event = soon(subscription.next()).await.unwrap();
        assert_eq!(event.get_original_event().revision, number);
    }
    for writer in writers {
        writer.await.unwrap();
    }
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_written_while_the_system_projections_were_off_are_linked_once_when_they_are_on() {
    let directory = tempfile::tempdir().unwrap();
    let off = EmbeddedNode::builder().data_dir(directory.path());
    let on = off.clone().system_projections();
    for (round, builder) in [&off, &on, &on, &off, &on].into_iter().enumerate() {
        let node = builder.clone().start().await.unwrap();
        let options = AppendToStreamOptions::default();
        client(&node)
            .append_to_stream(format!("order-{round}"), &options, event(round))
            .await
            .unwrap();
        node.shutdown().await;
    }
    let node = on.start().await.unwrap();
    let options = ReadStreamOptions::default()
        .position(StreamPosition::Start)
        .forwards();
    let mut links = client(&node)
        .read_stream("$ce-order", &options)
        .await
        .unwrap();
    for round in 0..5 {
        let link = links.next().await.unwrap().unwrap();
        assert_eq!(link.get_original_event().data, format!("0@order-{round}"));
    }
    assert!(links.next().await.unwrap().is_none());
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scavenge_frees_what_no_reader_of_a_stream_can_see_and_keeps_how_it_goes_on() {
    frees(EmbeddedNode::builder(), Scavenged::WhenAsked).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_scavenges_now_and_then_needs_nobody_to_ask() {
    let often = std::time::Duration::from_millis(20);
    let builder = EmbeddedNode::builder().scavenge_every(often);
    frees(builder, Scavenged::ByItself).await;
}

#[derive(PartialEq)]
enum Scavenged {
    WhenAsked,
    ByItself,
}

async fn frees(builder: peerage_embedded::Builder, scavenged: Scavenged) {
    let directory = tempfile::tempdir().unwrap();
    let node = builder.data_dir(directory.path()).start().await.unwrap();
    let client = client(&node);
    let options = AppendToStreamOptions::default();
    for stream in ["cut", "hidden", "whole"] {
        client
            .append_to_stream(stream, &options, (0..4).map(event).collect::<Vec<_>>())
            .await
            .unwrap();
    }
    let cut = kurrentdb::StreamMetadataBuilder::new().max_count(2).build();
    client
        .set_stream_metadata("cut", &Default::default(), &cut)
        .await
        .unwrap();
    client
        .delete_stream("hidden", &Default::default())
        .await
        .unwrap();
    if scavenged == Scavenged::WhenAsked {
        let settings = node.connection_string().parse().unwrap();
        let operations = kurrentdb::operations::Client::new(settings).unwrap();
        operations
            .start_scavenge(1, 0, &Default::default())
            .await
            .unwrap();
    }

    let remaining = || async {
        let options = kurrentdb::ReadAllOptions::default()
            .position(StreamPosition::Start)
            .forwards();
        let mut all = client.read_all(&options).await.unwrap();
        let mut seen = Vec::new();
        while let Some(event) = all.next().await.unwrap() {
            let event = event.get_original_event();
            if !event.stream_id().starts_with('$') {
                seen.push(format!("{}@{}", event.revision, event.stream_id()));
            }
        }
        seen
    };
    let expected = [
        "2@cut", "3@cut", "3@hidden", "0@whole", "1@whole", "2@whole", "3@whole",
    ];
    let started = Instant::now();
    while remaining().await != expected {
        assert!(started.elapsed() < SOON, "{:?}", remaining().await);
        tokio::task::yield_now().await;
    }
    let again = client
        .append_to_stream("hidden", &options, event(4))
        .await
        .unwrap();
    assert_eq!(again.next_expected_version, 4);
    assert_eq!(read_all(&client, "cut").await.len(), 2);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_users_and_tls_lets_in_only_whom_it_knows() {
    let node = EmbeddedNode::builder()
        .tls(
            include_bytes!("tls/node.pem"),
            include_bytes!("tls/node.key"),
        )
        .users("first", "second")
        .start()
        .await
        .unwrap();
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/ca.pem");
    let as_user = |user: &str| {
        let text = node
            .connection_string()
            .replace("kurrentdb://", &format!("kurrentdb://{user}@"));
        Client::new(format!("{text}&tlsCaFile={authority}").parse().unwrap()).unwrap()
    };
    let options = AppendToStreamOptions::default();
    as_user("admin:first")
        .append_to_stream("s", &options, event(0))
        .await
        .unwrap();
    assert_eq!(read_all(&as_user("ops:second"), "s").await.len(), 1);
    let refused = as_user("admin:wrong")
        .append_to_stream("s", &options, event(1))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, kurrentdb::Error::AccessDenied),
        "{refused:?}"
    );
    node.shutdown().await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_refused() {
    for (certificates, key) in [
        ("", "key"),
        ("nonsense", "nonsense"),
        (include_str!("tls/node.pem"), "nonsense"),
    ] {
        let error = EmbeddedNode::builder()
            .tls(certificates, key)
            .start()
            .await
            .unwrap_err();
        assert!(matches!(error, StartError::Tls(_)), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_subscriber_keeps_no_writer_waiting_and_misses_nothing() {
    const APPENDS: u64 = 40;
    const EACH: u64 = 25;
    let node = EmbeddedNode::builder().start().await.unwrap();
    let slow = client(&node);
    let options = SubscribeToStreamOptions::default().start_from(StreamPosition::Start);
    let mut subscription = slow.subscribe_to_stream("s", &options).await;
    let writer = client(&node);
    let large = || EventData::binary("Tested", vec![7; 20_000].into());
    writer
        .append_to_stream("s", &AppendToStreamOptions::default(), large())
        .await
        .unwrap();
    soon(subscription.next()).await.unwrap();
    // Far more than the connection of the subscriber, who now looks away, can hold.
    for _ in 0..APPENDS {
        let events: Vec<_> = (0..EACH).map(|_| large()).collect();
        let append = writer
            .append_to_stream("s", &AppendToStreamOptions::default(), events)
            .await;
        append.unwrap();
    }
    for number in 1..=APPENDS * EACH {
        let event = soon(subscription.next()).await.unwrap();
        assert_eq!(event.get_original_event().revision, number);
    }
    node.shutdown().await;
}

/// Whether a client that discovers its node through this port reads and writes.
async fn discovers(port: u16) -> bool {
    let text = format!(
        "kurrentdb+discover://127.0.0.1:{port}?tls=false&maxDiscoverAttempts=3&discoveryInterval=50"
    );
    let client = Client::new(text.parse().unwrap()).unwrap();
    let stream = format!("discovered-{port}");
    let appended = client
        .append_to_stream(&*stream, &AppendToStreamOptions::default(), event(0))
        .await;
    appended.is_ok() && read_all(&client, &stream).await.len() == 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_listens_everywhere_is_found_by_discovery_and_never_says_everywhere() {
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let Ok(node) = EmbeddedNode::builder()
            .listen(listen.parse().unwrap())
            .start()
            .await
        else {
            assert_eq!(listen, "[::]:0", "a machine without IPv6");
            continue;
        };
        let port = node.address().port();
        assert_eq!(
            node.advertised_connection_string(),
            format!("kurrentdb://127.0.0.1:{port}?tls=false")
        );
        assert!(soon(discovers(port)).await, "{listen}");
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_discovers_its_node_calls_it_where_it_is_advertised() {
    let port = testkit::ports::free();
    let mut door = testkit::forwarder::Door::closed(port);
    let advertised = format!("localhost:{}", door.port());
    let node = EmbeddedNode::builder()
        .listen(([127, 0, 0, 1], port).into())
        .advertise(advertised.parse().unwrap())
        .start()
        .await
        .unwrap();
    assert_eq!(
        node.advertised_connection_string(),
        format!("kurrentdb://{advertised}?tls=false")
    );
    // It answers who asks for the members, and what it says is behind a door that is closed.
    assert!(!soon(discovers(port)).await);
    door.open().await;
    assert!(soon(discovers(port)).await);
    node.shutdown().await;
}

/// What the plain page of the node says of its features.
async fn features(node: &EmbeddedNode) -> serde_json::Value {
    let (address, page) = (
        node.address(),
        "GET /info HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n",
    );
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(page.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let (from, to) = (body.find('{').unwrap(), body.rfind('}').unwrap());
    serde_json::from_str::<serde_json::Value>(&body[from..=to]).unwrap()["features"].clone()
}

/// The methods of the service of projections that the node says it has.
async fn listed(node: &EmbeddedNode) -> Vec<String> {
    use protocol::server_features::server_features_client::ServerFeaturesClient;
    let mut client = ServerFeaturesClient::connect(format!("http://{}", node.address()))
        .await
        .unwrap();
    let all = client.get_supported_methods(()).await.unwrap().into_inner();
    let mut methods: Vec<_> = all
        .methods
        .into_iter()
        .filter(|it| it.service_name == "event_store.client.projections.projections")
        .map(|it| it.method_name)
        .collect();
    methods.sort();
    methods
}

const BUILT_IN: [&str; 4] = [
    "$by_category",
    "$by_correlation_id",
    "$by_event_type",
    "$stream_by_category",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_built_in_projections_are_listed_and_switched_as_far_as_they_can_be() {
    use futures::TryStreamExt as _;
    let options = kurrentdb::GenericProjectionOptions::default();
    for on in [true, false] {
        let builder = EmbeddedNode::builder();
        let builder = if on {
            builder.system_projections()
        } else {
            builder
        };
        let node = builder.start().await.unwrap();
        assert_eq!(features(&node).await["projections"], on);
        let methods: &[&str] = if on {
            &["disable", "enable", "statistics"]
        } else {
            &[]
        };
        assert_eq!(listed(&node).await, methods);

        let settings = node.connection_string().parse().unwrap();
        let projections = kurrentdb::ProjectionClient::new(settings).unwrap();
        let all: Vec<_> = soon(projections.list(&options))
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        let names: Vec<_> = all.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, BUILT_IN);
        let status = if on { "Running" } else { "Stopped" };
        for name in BUILT_IN {
            let told = soon(projections.get_status(name, &options))
                .await
                .unwrap()
                .unwrap();
            assert_eq!(
                (told.status.as_str(), told.mode.as_str()),
                (status, "Continuous")
            );
            assert_eq!(told.progress, if on { 100.0 } else { 0.0 });
            // What is so already is done; the other is told to be a matter of the start.
            assert_eq!(soon(projections.enable(name, &options)).await.is_ok(), on);
            assert_eq!(soon(projections.disable(name, &options)).await.is_ok(), !on);
        }
        for unknown in ["mine", "$streams", ""] {
            let told = soon(projections.get_status(unknown, &options)).await;
            assert!(
                matches!(told, Err(kurrentdb::Error::ResourceNotFound)),
                "{unknown}"
            );
            let enabled = soon(projections.enable(unknown, &options)).await;
            assert!(
                matches!(enabled, Err(kurrentdb::Error::ResourceNotFound)),
                "{unknown}"
            );
        }
        node.shutdown().await;
    }
}

#[tokio::test]
async fn what_the_store_does_not_do_is_told_with_the_reason() {
    use protocol::projections::{
        CreateReq, DeleteReq, EnableReq, ResetReq, ResultReq, StateReq, UpdateReq, enable_req,
        projections_client::ProjectionsClient,
    };
    use tonic::Code;
    let node = EmbeddedNode::builder().start().await.unwrap();
    let url = format!("http://{}", node.address());
    let mut client = ProjectionsClient::connect(url.clone()).await.unwrap();
    let options = Some(enable_req::Options {
        name: "$by_category".to_owned(),
    });
    let told = [
        client.create(CreateReq::default()).await.unwrap_err(),
        client.update(UpdateReq::default()).await.unwrap_err(),
        client.delete(DeleteReq::default()).await.unwrap_err(),
        client.reset(ResetReq::default()).await.unwrap_err(),
        client.state(StateReq::default()).await.unwrap_err(),
        client.result(ResultReq::default()).await.unwrap_err(),
        client.restart_subsystem(()).await.unwrap_err(),
        client.enable(EnableReq { options }).await.unwrap_err(),
    ];
    for status in told {
        assert_eq!(status.code(), Code::Unimplemented, "{status:?}");
        assert!(status.message().len() > 20, "{status:?}");
    }
    let channel = tonic::transport::Channel::from_shared(url).unwrap();
    let channel = channel.connect().await.unwrap();
    for (path, why) in [
        (
            "/event_store.client.redaction.Redaction/SwitchChunks",
            "rewrites no events",
        ),
        (
            "/kurrentdb.protocol.v2.streams.StreamsService/AppendSession",
            "25.0",
        ),
        ("/somebody.elses.Service/Call", "no such service"),
    ] {
        let mut grpc = tonic::client::Grpc::new(channel.clone());
        grpc.ready().await.unwrap();
        let codec = tonic::codec::ProstCodec::<(), ()>::default();
        let call = grpc.unary(tonic::Request::new(()), path.parse().unwrap(), codec);
        let status = call.await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented, "{status:?}");
        assert!(status.message().contains(why), "{status:?}");
    }
    node.shutdown().await;
}

/// A name of so many bytes that no stream can have it: what the log's index holds is shorter.
fn too_long() -> String {
    "x".repeat(70_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_or_a_correlation_too_long_to_name_a_stream_harms_neither_the_writer_nor_an_opening()
{
    let directory = tempfile::tempdir().unwrap();
    let off = EmbeddedNode::builder().data_dir(directory.path());
    let on = off.clone().system_projections();
    for (round, builder) in [&off, &on, &off, &on].into_iter().enumerate() {
        let node = builder.clone().start().await.unwrap();
        let client = client(&node);
        let options = AppendToStreamOptions::default();
        let correlated = serde_json::json!({ "$correlationId": too_long() });
        for event in [
            EventData::json(too_long(), &serde_json::json!({ "n": round })).unwrap(),
            event(round).metadata_as_json(&correlated).unwrap(),
            event(round),
        ] {
            let appended = client.append_to_stream("order-1", &options, event);
            soon(appended).await.unwrap();
        }
        node.shutdown().await;
    }
    let node = on.start().await.unwrap();
    let client = client(&node);
    let all = read_all(&client, "order-1").await;
    assert_eq!(all.len(), 12);
    assert_eq!(links(&client, "$ce-order").await, 12, "of all of them");
    assert_eq!(
        links(&client, "$et-Tested").await,
        8,
        "of what has a short type"
    );
    node.shutdown().await;
}

async fn links(client: &Client, stream: &str) -> usize {
    let options = ReadStreamOptions::default()
        .position(StreamPosition::Start)
        .forwards();
    let mut read = client.read_stream(stream, &options).await.unwrap();
    let mut found = 0;
    while read.next().await.unwrap().is_some() {
        found += 1;
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_or_a_user_with_a_name_too_long_for_its_streams_is_refused_and_others_go_on() {
    use protocol::users::{CreateReq, create_req, users_client::UsersClient};
    let node = EmbeddedNode::builder().users("changeit", "changeit");
    let node = node.start().await.unwrap();
    let address = node.address();
    let as_admin = format!("kurrentdb://admin:changeit@{address}?tls=false");
    let client = Client::new(as_admin.parse().unwrap()).unwrap();
    let options = kurrentdb::PersistentSubscriptionOptions::default();
    for (length, is_made) in [(70_000, false), (8 * 1024 + 1, false), (8 * 1024, true)] {
        let group = "g".repeat(length);
        let made = client.create_persistent_subscription("order-1", &group, &options);
        assert_eq!(soon(made).await.is_ok(), is_made, "{length}");
    }
    let url = format!("http://{address}");
    let mut users = UsersClient::connect(url).await.unwrap();
    for (length, is_made) in [(70_000, false), (8 * 1024 + 1, false), (64, true)] {
        let options = create_req::Options {
            login_name: "u".repeat(length),
            password: "a-password".to_owned(),
            full_name: "somebody".to_owned(),
            groups: Vec::new(),
        };
        let mut request = tonic::Request::new(CreateReq {
            options: Some(options),
        });
        let admin = "Basic YWRtaW46Y2hhbmdlaXQ=".parse().unwrap();
        request.metadata_mut().insert("authorization", admin);
        let made = soon(users.create(request)).await;
        assert_eq!(made.is_ok(), is_made, "{length}: {made:?}");
        let code = made.err().map(|it| it.code());
        assert!(
            is_made || code == Some(tonic::Code::InvalidArgument),
            "{code:?}"
        );
    }
    let options = AppendToStreamOptions::default();
    let appended = client.append_to_stream("order-1", &options, event(0));
    soon(appended).await.unwrap();
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_writer_has_died_shuts_down_by_itself_and_says_why() {
    let is_broken = Arc::new(AtomicBool::new(false));
    let broken = Arc::clone(&is_broken);
    let node = EmbeddedNode::builder().clock(move || {
        assert!(!broken.load(Ordering::SeqCst), "no time is told any more");
        chrono::DateTime::UNIX_EPOCH
    });
    let node = node.start().await.unwrap();
    let client = client(&node);
    let options = AppendToStreamOptions::default();
    let appended = client.append_to_stream("s", &options, event(0));
    soon(appended).await.unwrap();
    is_broken.store(true, Ordering::SeqCst);
    let failed = client.append_to_stream("s", &options, event(1));
    assert!(soon(failed).await.is_err());
    assert_eq!(soon(node.stopping()).await, Stopped::WriterDied);
    node.shutdown().await;
}

#[tokio::test]
async fn a_node_that_is_asked_to_stop_says_so() {
    let node = EmbeddedNode::builder().start().await.unwrap();
    let settings = node.connection_string().parse().unwrap();
    let operations = kurrentdb::operations::Client::new(settings).unwrap();
    operations.shutdown(&Default::default()).await.unwrap();
    assert_eq!(soon(node.stopping()).await, Stopped::Asked);
    node.shutdown().await;
}
