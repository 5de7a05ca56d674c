//! What a store says of itself: its version, and where its log ends.

use crate::{
    JournalError, Position,
    calls::{CallError, Store},
    client_pool::Borrowed,
    deadline::Deadline,
    transport::Http,
    wire,
};
use protocol::{
    server_features::server_features_client::ServerFeaturesClient,
    streams::{
        ReadReq,
        read_req::{
            Options,
            options::{
                AllOptions, ControlOption, CountOption, FilterOption, ReadDirection, StreamOption,
                UuidOption, all_options::AllOption, uuid_option,
            },
        },
        read_resp::Content,
        streams_client::StreamsClient,
    },
};

/// What the calls are about, where no stream is.
const LOG: &str = "$all";

impl Store {
    pub(crate) async fn version(&self, deadline: &Deadline) -> Result<String, JournalError> {
        self.repeat(LOG, deadline, async |borrowed: Borrowed| {
            let mut client = ServerFeaturesClient::<Http>::with_origin(
                borrowed.http.clone(),
                borrowed.uri.clone(),
            );
            let mut request = self.request(());
            request.set_timeout(deadline.attempt());
            let methods = client.get_supported_methods(request).await?.into_inner();
            Ok(methods.event_store_server_version)
        })
        .await
    }

    /// One event read from the end. An answer without one is believed only if it says where the
    /// log ends.
    pub(crate) async fn end(&self, deadline: &Deadline) -> Result<Option<Position>, JournalError> {
        self.repeat(LOG, deadline, async |borrowed: Borrowed| {
            let mut client =
                StreamsClient::<Http>::with_origin(borrowed.http.clone(), borrowed.uri.clone())
                    .max_decoding_message_size(wire::LARGEST_MESSAGE);
            let mut request = self.request(ReadReq {
                options: Some(last_event()),
            });
            request.set_timeout(deadline.attempt());
            let mut messages = client.read(request).await?.into_inner();
            let mut end = None;
            while let Some(message) = messages.message().await? {
                if let Some(Content::Event(event)) = message.content {
                    let event = event.event.ok_or(CallError::Cut)?;
                    end = Some(Position {
                        commit: event.commit_position,
                        prepare: event.prepare_position,
                    });
                }
            }
            Ok(end)
        })
        .await
    }
}

fn last_event() -> Options {
    Options {
        read_direction: ReadDirection::Backwards.into(),
        resolve_links: false,
        uuid_option: Some(UuidOption {
            content: Some(uuid_option::Content::Structured(())),
        }),
        control_option: Some(ControlOption { compatibility: 1 }),
        stream_option: Some(StreamOption::All(AllOptions {
            all_option: Some(AllOption::End(())),
        })),
        count_option: Some(CountOption::Count(1)),
        filter_option: Some(FilterOption::NoFilter(())),
    }
}
