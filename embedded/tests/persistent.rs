//! What a group holds in memory, whatever sizes of buffers its creator and its consumers ask for.
//!
//! The figures: a group holds 16 MiB and all groups together 128 MiB, beside one event each
//! (`persistent/held.rs`). Here events are of 64 KiB, so that a group may hold some 250 of 600.
#![allow(clippy::unwrap_used)]

use kurrentdb::{AppendToStreamOptions, Client, EventData};
use peerage_embedded::EmbeddedNode;
use protocol::{
    persistent_subscriptions::{
        CreateReq, GetInfoReq, ReadReq, ReadResp, ReplayParkedReq, SubscriptionInfo,
        create_req::{
            self, Settings,
            settings::{CheckpointAfter, MessageTimeout},
        },
        get_info_req,
        persistent_subscriptions_client::PersistentSubscriptionsClient,
        read_req::{
            self, Ack, Content as Asked, Nack,
            nack::Action,
            options::{self, UuidOption, uuid_option},
        },
        read_resp::Content,
        replay_parked_req,
    },
    shared::{StreamIdentifier, Uuid as WireUuid, uuid as wire_uuid},
};
use testkit::wait::{self, SOON, soon};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming, transport::Channel};
use uuid::Uuid;

const SIZE: usize = 64 << 10;
const EVENTS: usize = 600;
/// How many events a group may hold: 16 MiB of them, and the one that it read last.
const MOST: i32 = (16 << 20) / (64 << 10) + 1;
/// What it holds at least when it holds what it may.
const MANY: i32 = MOST - 10;
/// What buffers of HTTP/2 and of sockets take of what is sent: some 2 MiB of it are on the way.
const IN_BUFFERS: i32 = (4 << 20) / (64 << 10);
/// How many events a message may name.
const MOST_IDS: usize = 10_000;

type Groups = PersistentSubscriptionsClient<Channel>;

async fn connect(node: &EmbeddedNode) -> Groups {
    let address = format!("http://{}", node.address());
    PersistentSubscriptionsClient::connect(address)
        .await
        .unwrap()
}

fn stream() -> StreamIdentifier {
    StreamIdentifier {
        stream_name: "s".into(),
    }
}

/// A node with so many events, and a group on them whose buffers have no bounds.
async fn crowded() -> (EmbeddedNode, Groups, Vec<Uuid>) {
    let node = EmbeddedNode::builder().start().await.unwrap();
    let client = Client::new(node.connection_string().parse().unwrap()).unwrap();
    let ids: Vec<_> = (1..=EVENTS as u128).map(Uuid::from_u128).collect();
    for some in ids.chunks(10) {
        let event = |id: &Uuid| EventData::binary("Tested", vec![7; SIZE].into()).id(*id);
        let events: Vec<_> = some.iter().map(event).collect();
        let options = AppendToStreamOptions::default();
        soon(client.append_to_stream("s", &options, events))
            .await
            .unwrap();
    }
    let mut groups = connect(&node).await;
    soon(create(&mut groups, "g")).await.unwrap();
    (node, groups, ids)
}

async fn create(groups: &mut Groups, name: &str) -> Result<(), Status> {
    let settings = Settings {
        max_retry_count: i32::MAX,
        max_subscriber_count: i32::MAX,
        live_buffer_size: i32::MAX,
        read_batch_size: i32::MAX - 1,
        history_buffer_size: i32::MAX,
        message_timeout: Some(MessageTimeout::MessageTimeoutMs(0)),
        checkpoint_after: Some(CheckpointAfter::CheckpointAfterMs(i32::MAX)),
        min_checkpoint_count: i32::MAX,
        max_checkpoint_count: i32::MAX,
        consumer_strategy: "RoundRobin".into(),
        ..Settings::default()
    };
    let start = create_req::stream_options::RevisionOption::Start(());
    let options = create_req::StreamOptions {
        stream_identifier: Some(stream()),
        revision_option: Some(start),
    };
    let options = create_req::Options {
        group_name: name.into(),
        settings: Some(settings),
        stream_option: Some(create_req::options::StreamOption::Stream(options)),
        ..create_req::Options::default()
    };
    let request = CreateReq {
        options: Some(options),
    };
    groups.create(request).await.map(drop)
}

async fn info(groups: &mut Groups) -> SubscriptionInfo {
    let source = get_info_req::options::StreamOption::StreamIdentifier(stream());
    let request = GetInfoReq {
        options: Some(get_info_req::Options {
            group_name: "g".into(),
            stream_option: Some(source),
        }),
    };
    let answer = soon(groups.get_info(request)).await.unwrap().into_inner();
    answer.subscription_info.unwrap()
}

/// What the group holds itself.
fn held(info: &SubscriptionInfo) -> i32 {
    info.read_buffer_count + info.retry_buffer_count + info.total_in_flight_messages
}

/// A consumer; by itself with room for everything.
struct Consumer {
    asks: mpsc::Sender<ReadReq>,
    replies: Streaming<ReadResp>,
}

impl Consumer {
    async fn of(groups: &mut Groups) -> Self {
        Self::with_room_for(groups, i32::MAX).await
    }

    async fn with_room_for(groups: &mut Groups, buffer_size: i32) -> Self {
        let (asks, asked) = mpsc::channel(8);
        let options = read_req::Options {
            group_name: "g".into(),
            buffer_size,
            uuid_option: Some(UuidOption {
                content: Some(uuid_option::Content::String(())),
            }),
            stream_option: Some(options::StreamOption::StreamIdentifier(stream())),
        };
        asks.send(message(Asked::Options(options))).await.unwrap();
        let replies = soon(groups.read(ReceiverStream::new(asked))).await;
        let replies = replies.unwrap().into_inner();
        Self { asks, replies }
    }

    /// The id of the next event, and that by which it is acknowledged: its link's, if it has one.
    async fn next_of(&mut self) -> (Uuid, Uuid) {
        loop {
            let reply = soon(self.replies.message()).await.unwrap().unwrap();
            let Some(Content::Event(event)) = reply.content else {
                continue;
            };
            let link = event.link.map(|it| read(it.id));
            let own = read(event.event.unwrap().id);
            return (own, link.unwrap_or(own));
        }
    }

    async fn next(&mut self) -> Uuid {
        self.next_of().await.0
    }

    async fn ack(&self, ids: &[Uuid]) {
        let ack = Ack {
            ids: ids.iter().map(wire).collect(),
            ..Ack::default()
        };
        self.asks.send(message(Asked::Ack(ack))).await.unwrap();
    }

    async fn park(&self, ids: &[Uuid]) {
        let nack = Nack {
            ids: ids.iter().map(wire).collect(),
            action: Action::Park.into(),
            reason: "x".repeat(100_000),
            ..Nack::default()
        };
        self.asks.send(message(Asked::Nack(nack))).await.unwrap();
    }
}

fn message(content: Asked) -> ReadReq {
    ReadReq {
        content: Some(content),
    }
}

fn read(id: Option<WireUuid>) -> Uuid {
    let id = id.unwrap();
    let Some(wire_uuid::Value::String(id)) = id.value else {
        panic!("{id:?}")
    };
    id.parse().unwrap()
}

fn wire(id: &Uuid) -> WireUuid {
    WireUuid {
        value: Some(wire_uuid::Value::String(id.to_string())),
    }
}

/// Waits until the group holds what it may, and no more than that.
async fn full(groups: &mut Groups) -> SubscriptionInfo {
    let mut fullest = info(groups).await;
    while held(&fullest) < MANY {
        fullest = info(groups).await;
    }
    // So often is it asked again: it reads a page between two answers.
    for _ in 0..50 {
        fullest = info(groups).await;
        assert!(held(&fullest) <= MOST, "{fullest:?}");
    }
    fullest
}

#[tokio::test]
async fn a_group_that_nobody_reads_or_acknowledges_holds_its_part_and_goes_on_when_somebody_does() {
    let (node, mut groups, ids) = crowded().await;
    let unread = tokio::time::timeout(SOON, full(&mut groups)).await.unwrap();
    assert_eq!(unread.total_in_flight_messages, 0);
    let mut consumer = Consumer::of(&mut groups).await;
    let mut came = Vec::new();
    while came.len() < usize::try_from(MANY).unwrap() {
        came.push(consumer.next().await);
    }
    let unacked = tokio::time::timeout(SOON, full(&mut groups)).await.unwrap();
    assert!(unacked.total_in_flight_messages >= MANY, "{unacked:?}");
    // Nothing is lost for that.
    let mut done = 0;
    while came.len() < EVENTS {
        consumer.ack(&came[done..]).await;
        done = came.len();
        came.push(consumer.next().await);
        assert!(held(&info(&mut groups).await) <= MOST);
    }
    assert_eq!(came, ids);
    node.shutdown().await;
}

#[tokio::test]
async fn what_one_consumer_acknowledges_for_another_that_reads_nothing_counts_until_it_is_read() {
    let (node, mut groups, ids) = crowded().await;
    // Buffers on the way take some; the rest waits for it in the node.
    let mut idle = Consumer::of(&mut groups).await;
    let mut other = Consumer::with_room_for(&mut connect(&node).await, 1).await;
    let acks = other.asks.clone();
    let reading =
        tokio::spawn(async move { while let Ok(Some(_)) = other.replies.message().await {} });
    let ack = || async {
        let ack = Ack {
            ids: ids.iter().map(wire).collect(),
            ..Ack::default()
        };
        acks.send(message(Asked::Ack(ack))).await.unwrap();
    };
    let sent = |seen: &SubscriptionInfo| {
        let idle = seen.connections.first().unwrap();
        (
            i32::try_from(idle.total_items).unwrap(),
            idle.in_flight_messages,
        )
    };
    let acked_unread = async {
        loop {
            ack().await;
            let (total, in_flight) = sent(&info(&mut groups).await);
            if total >= MANY - 10 && in_flight == 0 {
                return;
            }
        }
    };
    tokio::time::timeout(SOON, acked_unread).await.unwrap();
    for _ in 0..50 {
        ack().await;
        let seen = info(&mut groups).await;
        assert!(sent(&seen).0 <= MOST + IN_BUFFERS, "{seen:?}");
    }
    // All goes on once it reads.
    let all = async {
        while info(&mut groups.clone()).await.total_items < i64::try_from(EVENTS).unwrap() {
            idle.next().await;
            ack().await;
        }
    };
    tokio::time::timeout(SOON, all).await.unwrap();
    reading.abort();
    node.shutdown().await;
}

#[tokio::test]
async fn what_was_parked_comes_again_as_there_is_room_for_it() {
    let (node, mut groups, ids) = crowded().await;
    let mut consumer = Consumer::of(&mut groups).await;
    for id in &ids {
        assert_eq!(consumer.next().await, *id);
        consumer.park(&[*id]).await;
    }
    wait::until("all to be parked", SOON, || {
        let mut groups = groups.clone();
        async move {
            let seen = info(&mut groups).await;
            (seen.parked_message_count == i64::try_from(EVENTS).unwrap()).then_some(())
        }
    })
    .await;
    let source = replay_parked_req::options::StreamOption::StreamIdentifier(stream());
    let request = ReplayParkedReq {
        options: Some(replay_parked_req::Options {
            group_name: "g".into(),
            stream_option: Some(source),
            stop_at_option: Some(replay_parked_req::options::StopAtOption::NoLimit(())),
        }),
    };
    soon(groups.replay_parked(request)).await.unwrap();
    let mut came = Vec::new();
    while came.len() < EVENTS {
        let (own, by) = consumer.next_of().await;
        came.push(own);
        assert!(held(&info(&mut groups).await) <= MOST);
        consumer.ack(&[by]).await;
    }
    assert_eq!(came, ids);
    assert_eq!(info(&mut groups).await.parked_message_count, 0);
    node.shutdown().await;
}

#[tokio::test]
async fn one_message_acknowledges_so_many_events_and_no_more() {
    let (node, mut groups, _) = crowded().await;
    let mut consumer = Consumer::of(&mut groups).await;
    consumer.ack(&vec![Uuid::from_u128(1); MOST_IDS]).await;
    consumer.next().await;
    consumer.ack(&vec![Uuid::from_u128(1); MOST_IDS + 1]).await;
    let ended = async {
        loop {
            if let Err(status) = consumer.replies.message().await {
                return status;
            }
        }
    };
    let status = soon(ended).await;
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    node.shutdown().await;
}

#[tokio::test]
async fn there_are_so_many_groups_and_no_more() {
    let node = EmbeddedNode::builder().start().await.unwrap();
    let mut groups = connect(&node).await;
    for number in 0..500 {
        create(&mut groups, &format!("g{number}")).await.unwrap();
    }
    let refused = create(&mut groups, "one-more").await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    assert_eq!(
        refused.message(),
        "there are 500 groups, and there may be no more"
    );
    node.shutdown().await;
}
