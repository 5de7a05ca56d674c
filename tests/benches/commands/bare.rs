//! Bare appends: to a plain store over a connection that waits for no acknowledgement, as the
//! journal's own; to one with TLS through the official client.

use kurrentdb::{
    AppendToStreamOptions, Client, ClientSettings, EventData, ReadStreamOptions, StreamPosition,
};
use protocol::{
    shared::{StreamIdentifier, Uuid as WireUuid, uuid::Structured, uuid::Value},
    streams::{
        AppendReq,
        append_req::{Content, Options, ProposedMessage, options::ExpectedStreamRevision},
        append_resp,
        streams_client::StreamsClient,
    },
};
use tonic::transport::Channel;
use uuid::Uuid;

/// What is appended.
#[derive(Clone)]
pub(crate) struct Event {
    name: String,
    data: bytes::Bytes,
    metadata: bytes::Bytes,
}

/// A store without anything before it.
#[derive(Clone)]
pub(crate) enum Bare {
    Plain(StreamsClient<Channel>, Client),
    Official(Client),
}

impl Bare {
    pub(crate) async fn connect(store: &str) -> Self {
        let settings: ClientSettings = store.parse().expect("a connection string");
        let node = settings.hosts().first().cloned();
        let is_plain = !settings.is_secure_mode_enabled();
        let official = Client::new(settings).expect("a client");
        match node.filter(|_| is_plain) {
            None => Self::Official(official),
            Some(node) => {
                let channel = Channel::from_shared(format!("http://{}:{}", node.host, node.port))
                    .expect("a URL")
                    .tcp_nodelay(true);
                let channel = channel.connect().await.expect("the store");
                Self::Plain(StreamsClient::new(channel), official)
            }
        }
    }

    /// Appends it under an id of its own, wherever the stream is.
    pub(crate) async fn append(&self, stream: &str, event: &Event) {
        match self {
            Self::Plain(streams, _) => {
                let messages = tokio_stream::iter(messages(stream, event));
                let answer = streams.clone().append(messages).await.expect("an append");
                let result = answer.into_inner().result;
                assert!(
                    matches!(result, Some(append_resp::Result::Success(_))),
                    "{result:?}"
                );
            }
            Self::Official(client) => {
                let data = EventData::binary(event.name.clone(), event.data.clone());
                let data = data.metadata(event.metadata.clone()).id(Uuid::new_v4());
                let options = AppendToStreamOptions::default();
                let appended = client.append_to_stream(stream, &options, data).await;
                appended.expect("an append");
            }
        }
    }

    /// The last event of a stream, as it lies in the log.
    pub(crate) async fn last_event(&self, stream: &str) -> Event {
        let (Self::Plain(_, client) | Self::Official(client)) = self;
        let options = ReadStreamOptions::default()
            .backwards()
            .position(StreamPosition::End)
            .max_count(1);
        let mut events = client
            .read_stream(stream, &options)
            .await
            .expect("a stream");
        let event = events.next().await.expect("a stream").expect("an event");
        let event = event.get_original_event();
        Event {
            name: event.event_type.clone(),
            data: event.data.clone(),
            metadata: event.custom_metadata.clone(),
        }
    }
}

fn messages(stream: &str, event: &Event) -> [AppendReq; 2] {
    let (most, least) = Uuid::new_v4().as_u64_pair();
    let metadata = [
        ("type".to_owned(), event.name.clone()),
        ("content-type".to_owned(), "application/json".to_owned()),
    ];
    let options = Options {
        stream_identifier: Some(StreamIdentifier {
            stream_name: stream.to_owned().into_bytes().into(),
        }),
        expected_stream_revision: Some(ExpectedStreamRevision::Any(())),
    };
    let proposed = ProposedMessage {
        id: Some(WireUuid {
            value: Some(Value::Structured(Structured {
                most_significant_bits: most.cast_signed(),
                least_significant_bits: least.cast_signed(),
            })),
        }),
        metadata: metadata.into(),
        custom_metadata: event.metadata.clone(),
        data: event.data.clone(),
    };
    [
        Content::Options(options),
        Content::ProposedMessage(proposed),
    ]
    .map(|content| AppendReq {
        content: Some(content),
    })
}
