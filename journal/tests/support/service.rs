//! The protocol's services over the log.

use super::log::{OnAppend, OnRead, Proposed, SeenAppend, Shared, Stored};
use super::wire::Cut;
use ::uuid::Uuid;
use protocol::{
    gossip::{ClusterInfo, EndPoint, MemberInfo, gossip_server::Gossip},
    rpc,
    server_features::{SupportedMethods, server_features_server::ServerFeatures},
    shared::{AllStreamPosition, StreamIdentifier, uuid},
    streams::{
        AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteReq, DeleteResp, ReadReq,
        ReadResp, TombstoneReq, TombstoneResp, append_req, append_resp, batch_append_req,
        batch_append_resp,
        read_req::options::{
            CountOption, FilterOption, StreamOption, all_options::AllOption,
            filter_options::Filter, stream_options::RevisionOption,
        },
        read_resp::{self, Content},
        streams_server::Streams,
    },
};
use std::{collections::BTreeMap, pin::Pin, sync::Arc};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// How subscriptions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As a real server's do when it shuts down in good order.
    WithoutStatus,
    Ok,
    Unavailable,
}

#[derive(Clone)]
pub(super) struct Service {
    pub(super) shared: Arc<Shared>,
    pub(super) port: u16,
}

#[tonic::async_trait]
impl Gossip for Service {
    async fn read(&self, _: Request<()>) -> Result<Response<ClusterInfo>, Status> {
        let members =
            self.shared
                .log()
                .members
                .clone()
                .into_iter()
                .map(|(port, state, is_alive)| MemberInfo {
                    state: state.into(),
                    is_alive,
                    http_end_point: Some(EndPoint {
                        address: "127.0.0.1".to_owned(),
                        port: port.into(),
                    }),
                    ..MemberInfo::default()
                });
        Ok(Response::new(ClusterInfo {
            members: members.collect(),
        }))
    }
}

#[tonic::async_trait]
impl ServerFeatures for Service {
    async fn get_supported_methods(
        &self,
        _: Request<()>,
    ) -> Result<Response<SupportedMethods>, Status> {
        Ok(Response::new(SupportedMethods {
            methods: Vec::new(),
            event_store_server_version: "25.0.0".to_owned(),
        }))
    }
}

#[tonic::async_trait]
impl Streams for Service {
    type ReadStream = Answers<ReadResp>;
    type BatchAppendStream = Answers<BatchAppendResp>;

    async fn read(&self, request: Request<ReadReq>) -> Result<Response<Self::ReadStream>, Status> {
        let options = request.into_inner().options.unwrap();
        {
            let mut log = self.shared.log();
            if log.closed_to_all {
                log.turned_away += 1;
                // As a node does that does not know its users yet, or the user's groups.
                return Err(match log.turned_away % 2 {
                    0 => Status::unauthenticated("Access Denied"),
                    _ => Status::permission_denied("Access Denied"),
                });
            }
        }
        let cut = Cut::default();
        let answers = match (
            options.count_option.unwrap(),
            options.stream_option.unwrap(),
        ) {
            (CountOption::Count(count), StreamOption::Stream(stream)) => {
                let name = name(stream.stream_identifier);
                match stream.revision_option.unwrap() {
                    RevisionOption::Revision(from) => self.page(&name, from, count, &cut),
                    RevisionOption::Start(()) => self.page(&name, 0, count, &cut),
                    // Asked for one event from the end, whatever the direction.
                    RevisionOption::End(()) => self.last(&name),
                }
            }
            (CountOption::Count(_), StreamOption::All(_)) => self.end(),
            (CountOption::Subscription(_), StreamOption::Stream(stream)) => {
                let after = match stream.revision_option.unwrap() {
                    RevisionOption::Revision(revision) => Some(revision),
                    RevisionOption::Start(()) | RevisionOption::End(()) => None,
                };
                let stream = name(stream.stream_identifier);
                self.subscription(after, cut.clone(), move |it| {
                    (it.stream == stream).then_some(it.revision)
                })?
            }
            (CountOption::Subscription(_), StreamOption::All(all)) => {
                let after = match all.all_option.unwrap() {
                    AllOption::Position(position) => Some(position.commit_position),
                    AllOption::Start(()) | AllOption::End(()) => None,
                };
                let prefixes = match options.filter_option.unwrap() {
                    FilterOption::Filter(filter) => match filter.filter.unwrap() {
                        Filter::StreamIdentifier(it) | Filter::EventType(it) => it.prefix,
                    },
                    FilterOption::NoFilter(()) => vec![String::new()],
                };
                assert!(!prefixes.is_empty());
                self.subscription(after, cut.clone(), |it| Some(it.position))?
            }
        };
        let mut response = Response::new(answers);
        response.extensions_mut().insert(cut);
        Ok(response)
    }

    async fn append(
        &self,
        request: Request<Streaming<AppendReq>>,
    ) -> Result<Response<AppendResp>, Status> {
        let mut messages = request.into_inner();
        let (mut stream, mut expected, mut proposed) = (String::new(), None, Vec::new());
        while let Some(message) = messages.message().await? {
            match message.content.unwrap() {
                append_req::Content::Options(options) => {
                    stream = name(options.stream_identifier);
                    use append_req::options::ExpectedStreamRevision as Expected;
                    expected = match options.expected_stream_revision.unwrap() {
                        Expected::Revision(revision) => Some(revision),
                        Expected::NoStream(()) => None,
                        Expected::Any(()) | Expected::StreamExists(()) => {
                            return Err(Status::unimplemented("not needed here"));
                        }
                    };
                }
                append_req::Content::ProposedMessage(message) => proposed.push(Proposed {
                    id: id(message.id),
                    event_type: message.metadata["type"].clone(),
                    metadata: message.custom_metadata.to_vec(),
                    data: message.data.to_vec(),
                }),
            }
        }
        let result = self.carry_out(&stream, expected, &proposed).await?;
        Ok(Response::new(AppendResp {
            result: Some(result),
        }))
    }

    async fn delete(&self, _: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        Err(Status::unimplemented("not needed here"))
    }

    async fn tombstone(&self, _: Request<TombstoneReq>) -> Result<Response<TombstoneResp>, Status> {
        Err(Status::unimplemented("not needed here"))
    }

    async fn batch_append(
        &self,
        request: Request<Streaming<BatchAppendReq>>,
    ) -> Result<Response<Self::BatchAppendStream>, Status> {
        if self.shared.log().has_no_shared_call {
            return Err(Status::unimplemented("no such call"));
        }
        self.shared.log().shared_calls += 1;
        let service = self.clone();
        Ok(Response::new(Box::pin(async_stream::stream! {
            let mut requests = request.into_inner();
            while let Ok(Some(request)) = requests.message().await {
                let hangs = matches!(
                    service.shared.log().on_append.front(),
                    Some(OnAppend::WriteAndHang)
                );
                let answer = service.batch(request);
                if hangs {
                    // Others are answered.
                    tokio::spawn(answer);
                } else {
                    yield answer.await;
                }
            }
        })))
    }
}

impl Service {
    /// One append of many over the same call.
    fn batch(
        &self,
        request: BatchAppendReq,
    ) -> impl Future<Output = Result<BatchAppendResp, Status>> + Send + 'static {
        let service = self.clone();
        async move {
            assert!(request.is_final, "in one message");
            let options = request.options.unwrap();
            let stream = name(options.stream_identifier);
            use batch_append_req::options::ExpectedStreamPosition as Expected;
            let expected = match options.expected_stream_position.unwrap() {
                Expected::StreamPosition(revision) => Some(revision),
                Expected::NoStream(()) => None,
                Expected::Any(()) | Expected::StreamExists(()) => {
                    return Err(Status::unimplemented("not needed here"));
                }
            };
            let proposed = request.proposed_messages.into_iter().map(|it| Proposed {
                id: id(it.id),
                event_type: it.metadata["type"].clone(),
                metadata: it.custom_metadata.to_vec(),
                data: it.data.to_vec(),
            });
            let proposed: Vec<_> = proposed.collect();
            service.shared.log().shared_appends += 1;
            let refused = service.shared.log().refusal();
            let result = match refused {
                Some(status) => Err(status),
                None => service.carry_out(&stream, expected, &proposed).await,
            };
            let is_led = |status: &Status| status.metadata().contains_key("leader-endpoint-port");
            let result = match result {
                Ok(result) => batched(result),
                // A real server ends the whole call with it.
                Err(status) if is_led(&status) => return Err(status),
                Err(status) => batch_append_resp::Result::Error(rpc::Status {
                    code: status.code().into(),
                    message: status.message().to_owned(),
                    details: None,
                }),
            };
            Ok(BatchAppendResp {
                correlation_id: request.correlation_id,
                result: Some(result),
                ..BatchAppendResp::default()
            })
        }
    }

    async fn carry_out(
        &self,
        stream: &str,
        expected: Option<u64>,
        proposed: &[Proposed],
    ) -> Result<append_resp::Result, Status> {
        let ids = proposed.iter().map(|it| it.id).collect();
        let mishap = {
            let mut log = self.shared.log();
            log.appends.push(SeenAppend {
                stream: stream.to_owned(),
                expected,
                ids,
            });
            log.on_append.pop_front()
        };
        match mishap {
            None => self.write(stream, expected, proposed),
            Some(OnAppend::After(first)) => {
                first(&mut self.shared.log());
                self.write(stream, expected, proposed)
            }
            Some(OnAppend::Refuse(code)) => Err(Status::new(code, "scripted")),
            Some(OnAppend::NotLeader(port)) => Err(super::log::not_leader(port)),
            Some(OnAppend::LoseAnswer(code)) => {
                self.write(stream, expected, proposed)?;
                Err(Status::new(code, "scripted"))
            }
            Some(OnAppend::WriteAndHang) => {
                self.write(stream, expected, proposed)?;
                std::future::pending().await
            }
        }
    }

    fn write(
        &self,
        stream: &str,
        expected: Option<u64>,
        proposed: &[Proposed],
    ) -> Result<append_resp::Result, Status> {
        use append_resp::{Result::*, success, wrong_expected_version as wrong};
        let result = match self.shared.log().append(stream, expected, proposed) {
            Ok(last) => Success(append_resp::Success {
                current_revision_option: Some(success::CurrentRevisionOption::CurrentRevision(
                    last.revision,
                )),
                position_option: Some(success::PositionOption::Position(append_resp::Position {
                    commit_position: last.position,
                    prepare_position: last.position,
                })),
            }),
            Err(actual) => WrongExpectedVersion(append_resp::WrongExpectedVersion {
                current_revision_option: Some(actual.map_or(
                    wrong::CurrentRevisionOption::CurrentNoStream(()),
                    wrong::CurrentRevisionOption::CurrentRevision,
                )),
                expected_revision_option: Some(expected.map_or(
                    wrong::ExpectedRevisionOption::ExpectedNoStream(()),
                    wrong::ExpectedRevisionOption::ExpectedRevision,
                )),
                ..append_resp::WrongExpectedVersion::default()
            }),
        };
        self.shared.changed.send_modify(|it| *it += 1);
        Ok(result)
    }

    fn page(&self, stream: &str, from: u64, count: u64, cut: &Cut) -> Answers<ReadResp> {
        let mut log = self.shared.log();
        log.reads.push(from);
        let mishap = log.on_read.pop_front();
        let existing = log.stream(stream);
        let Some(last) = existing.last().map(|it| it.revision) else {
            let missing = Content::StreamNotFound(read_resp::StreamNotFound {
                stream_identifier: identifier(stream),
            });
            return Box::pin(tokio_stream::iter([Ok(of(missing))]));
        };
        let first = log.cut.get(stream).copied().unwrap_or_default();
        let mut answers: Vec<_> = existing
            .iter()
            .filter(|it| it.revision >= from.max(first))
            .map(event)
            .collect();
        answers.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        match mishap {
            None => answers.push(of(Content::LastStreamPosition(last))),
            Some(OnRead::CutAfter(most)) => {
                answers.truncate(most);
                cut.set();
            }
            Some(OnRead::CutAtEnd) => cut.set(),
        }
        Box::pin(tokio_stream::iter(answers.into_iter().map(Ok)))
    }

    /// The last event of all, or of those that a node has which lags.
    fn end(&self) -> Answers<ReadResp> {
        let mut log = self.shared.log();
        let behind = log.lags.pop_front().unwrap_or_default();
        let shown = log.events.len().saturating_sub(behind);
        let answers: Vec<_> = log.events[..shown].last().map(event).into_iter().collect();
        Box::pin(tokio_stream::iter(answers.into_iter().map(Ok)))
    }

    fn last(&self, stream: &str) -> Answers<ReadResp> {
        let existing = self.shared.log().stream(stream);
        let answers = match existing.last() {
            None => vec![of(Content::StreamNotFound(read_resp::StreamNotFound {
                stream_identifier: identifier(stream),
            }))],
            Some(last) => vec![event(last), of(Content::LastStreamPosition(last.revision))],
        };
        Box::pin(tokio_stream::iter(answers.into_iter().map(Ok)))
    }

    /// What the log holds after this place, then caught-up, then what comes, until an ending.
    /// `place` says where an event is, if the subscription is about it at all.
    fn subscription(
        &self,
        after: Option<u64>,
        cut: Cut,
        place: impl Fn(&Stored) -> Option<u64> + Send + 'static,
    ) -> Result<Answers<ReadResp>, Status> {
        let shared = Arc::clone(&self.shared);
        let breaks = {
            let mut log = shared.log();
            log.subscriptions.push(after);
            log.subscribed_at.push(self.port);
            if log.not_ready {
                return Err(Status::unavailable("Server Is Not Ready"));
            }
            let breaks = log.breaks > 0;
            log.breaks = log.breaks.saturating_sub(1);
            breaks
        };
        let (mut changed, mut endings) = (shared.changed.subscribe(), shared.endings.subscribe());
        let answers = async_stream::stream! {
            yield Ok(of(Content::Confirmation(read_resp::SubscriptionConfirmation { subscription_id: Uuid::nil().to_string() })));
            let mut reached = after;
            let mut caught_up = false;
            loop {
                changed.mark_unchanged();
                let new = news(&shared, reached, &place);
                for stored in new {
                    reached = place(&stored);
                    if !filtered(&stored) {
                        yield Ok(event(&stored));
                        if breaks {
                            return;
                        }
                    } else {
                        yield Ok(of(Content::Checkpoint(read_resp::Checkpoint { commit_position: stored.position, ..Default::default() })));
                    }
                }
                if !caught_up {
                    caught_up = true;
                    yield Ok(of(Content::CaughtUp(read_resp::CaughtUp::default())));
                }
                tokio::select! {
                    biased;
                    ending = endings.recv() => {
                        match ending {
                            Ok(Ending::WithoutStatus) => cut.set(),
                            Ok(Ending::Unavailable) => yield Err(Status::unavailable("going away")),
                            Ok(Ending::Ok) | Err(_) => {}
                        }
                        break;
                    }
                    _ = changed.changed() => {}
                }
            }
        };
        Ok(Box::pin(answers.fuse()))
    }
}

fn news(
    shared: &Shared,
    reached: Option<u64>,
    place: &impl Fn(&Stored) -> Option<u64>,
) -> Vec<Stored> {
    shared
        .log()
        .events
        .iter()
        .filter(|it| place(it).is_some_and(|at| reached.is_none_or(|reached| at > reached)))
        .cloned()
        .collect()
}

/// Whether a filter for networks leaves this event out; a checkpoint stands for it.
fn filtered(stored: &Stored) -> bool {
    stored.stream.starts_with("other")
}

fn event(stored: &Stored) -> ReadResp {
    let recorded = read_resp::read_event::RecordedEvent {
        id: Some(protocol::shared::Uuid {
            value: Some(uuid::Value::String(stored.id.to_string())),
        }),
        stream_identifier: identifier(&stored.stream),
        stream_revision: stored.revision,
        prepare_position: stored.position,
        commit_position: stored.position,
        metadata: BTreeMap::from([
            ("type".to_owned(), stored.event_type.clone()),
            ("created".to_owned(), "17000000000000000".to_owned()),
            ("content-type".to_owned(), "application/json".to_owned()),
        ]),
        custom_metadata: stored.metadata.clone().into(),
        data: stored.data.clone().into(),
    };
    let position = Some(read_resp::read_event::Position::CommitPosition(
        stored.position,
    ));
    of(Content::Event(read_resp::ReadEvent {
        event: Some(recorded),
        link: None,
        position,
    }))
}

fn of(content: Content) -> ReadResp {
    ReadResp {
        content: Some(content),
    }
}

fn identifier(stream: &str) -> Option<StreamIdentifier> {
    Some(StreamIdentifier {
        stream_name: stream.to_owned().into_bytes().into(),
    })
}

fn name(identifier: Option<StreamIdentifier>) -> String {
    String::from_utf8(identifier.unwrap().stream_name.to_vec()).unwrap()
}

fn id(id: Option<protocol::shared::Uuid>) -> Uuid {
    match id.unwrap().value.unwrap() {
        uuid::Value::Structured(it) => Uuid::from_u64_pair(
            it.most_significant_bits as u64,
            it.least_significant_bits as u64,
        ),
        uuid::Value::String(text) => text.parse().unwrap(),
    }
}

/// The same answer as one of many.
fn batched(result: append_resp::Result) -> batch_append_resp::Result {
    use append_resp::success::{CurrentRevisionOption, PositionOption};
    use batch_append_resp::success as many;
    match result {
        append_resp::Result::Success(success) => {
            batch_append_resp::Result::Success(batch_append_resp::Success {
                current_revision_option: success.current_revision_option.map(|it| match it {
                    CurrentRevisionOption::CurrentRevision(revision) => {
                        many::CurrentRevisionOption::CurrentRevision(revision)
                    }
                    CurrentRevisionOption::NoStream(()) => {
                        many::CurrentRevisionOption::NoStream(())
                    }
                }),
                position_option: success.position_option.map(|it| match it {
                    PositionOption::Position(at) => {
                        many::PositionOption::Position(AllStreamPosition {
                            commit_position: at.commit_position,
                            prepare_position: at.prepare_position,
                        })
                    }
                    PositionOption::NoPosition(()) => many::PositionOption::NoPosition(()),
                }),
            })
        }
        append_resp::Result::WrongExpectedVersion(_) => {
            batch_append_resp::Result::Error(rpc::Status {
                code: rpc::Code::AlreadyExists.into(),
                message: "WrongExpectedVersion".to_owned(),
                details: Some(prost_types::Any {
                    type_url: "type.googleapis.com/event_store.client.WrongExpectedVersion"
                        .to_owned(),
                    value: Vec::new(),
                }),
            })
        }
    }
}
