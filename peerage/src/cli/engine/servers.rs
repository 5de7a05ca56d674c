//! One engine behind several servers.
//!
//! A read goes to the next server where one does not answer. A command whose answer was lost is
//! sent again under its own id, which cannot do it twice; so often and no longer, and the person is
//! told. A watch goes on at the last position that it was told. What is read after a command
//! includes that command, whichever server answers.

use super::{
    Command, Context, Page, Read, Watch,
    calls::{Call, Mark, Update},
    credentials::Credentials,
    failure::{Failure, refused},
};
use crate::{
    api::v1,
    cli::{CliError, terminal},
    telemetry::TraceContext,
};
use backon::{BackoffBuilder, ExponentialBuilder};
use std::{collections::HashSet, ops::ControlFlow, sync::Arc, time::Duration};
use tonic::{
    Request,
    metadata::AsciiMetadataValue,
    transport::{Channel, Endpoint},
};
use uuid::Uuid;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a watch may be silent. The engine sends bookmarks more often than that.
const SILENCE: Duration = Duration::from_secs(60);

/// The pauses between tries: some 15 seconds together.
const PAUSES: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(250))
    .with_max_delay(Duration::from_secs(4))
    .with_max_times(7);

/// The most items of one page.
const PAGE: i32 = 1000;

/// The servers of one engine.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Servers {
    all: Vec<Server>,
    current: usize,
    channel: Option<Channel>,
    /// What answers must include.
    position: String,
    credentials: Arc<Credentials>,
    /// The trace that the calls are part of, as the caller's `TRACEPARENT` says.
    traceparent: Option<AsciiMetadataValue>,
}

/// One server, by its URL.
#[derive(Clone, Debug)]
pub(super) struct Server {
    url: String,
    endpoint: Endpoint,
}

impl Server {
    pub(super) fn new(url: &str, endpoint: Endpoint) -> Self {
        Self {
            url: url.to_owned(),
            endpoint,
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

/// A command that was carried out.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cli) struct Done {
    pub(in crate::cli) command_id: Uuid,
    pub(in crate::cli) answer: v1::CommandResponse,
}

impl Servers {
    pub(super) fn new(all: Vec<Server>, position: String, credentials: Arc<Credentials>) -> Self {
        Self {
            all,
            current: 0,
            channel: None,
            position,
            credentials,
            traceparent: None,
        }
    }

    /// The same, whose calls are part of this trace, if it is one.
    pub(super) fn within_trace(self, traceparent: Option<&str>) -> Self {
        let context = traceparent.and_then(|it| it.parse::<TraceContext>().ok());
        let traceparent = context.and_then(|it| it.to_string().parse().ok());
        Self {
            traceparent,
            ..self
        }
    }

    /// Each by itself.
    pub(in crate::cli) fn each(&self) -> Vec<(String, Self)> {
        let alone = |it: &Server| {
            let (position, credentials) = (self.position.clone(), Arc::clone(&self.credentials));
            let traceparent = self.traceparent.clone();
            Self {
                traceparent,
                ..Self::new(vec![it.clone()], position, credentials)
            }
        };
        self.all
            .iter()
            .map(|it| (it.url.clone(), alone(it)))
            .collect()
    }

    /// Asks for an answer that includes all that was done here.
    pub(in crate::cli) async fn read<R: Read>(
        &mut self,
        mut message: R,
    ) -> Result<R::Answer, CliError> {
        message.at_least(&self.position);
        let mut tried = 0;
        loop {
            tried += 1;
            let failure = match self.attempt(message.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if !failure.is_passing() || tried >= self.all.len() {
                return Err(self.error(&failure));
            }
            self.next(&failure);
        }
    }

    /// The same for whoever follows what comes: a server that starts again is waited for, as a
    /// watch waits.
    pub(in crate::cli) async fn read_on<R: Read>(
        &mut self,
        mut message: R,
    ) -> Result<R::Answer, CliError> {
        message.at_least(&self.position);
        let mut pauses = PAUSES.build();
        let mut is_told = false;
        loop {
            let failure = match self.attempt(message.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let Some(pause) = pauses.next().filter(|_| failure.is_passing()) else {
                return Err(self.error(&failure));
            };
            if !std::mem::replace(&mut is_told, true) {
                let why = failure.in_short();
                terminal::note(&format!("the log cannot be read for now ({why}); going on"));
            }
            self.next(&failure);
            tokio::time::sleep(pause).await;
        }
    }

    /// All pages of a list, up to so many items.
    pub(in crate::cli) async fn list<P: Page>(
        &mut self,
        mut message: P,
        most: usize,
    ) -> Result<Vec<P::Item>, CliError> {
        let (mut items, mut token) = (Vec::new(), String::new());
        while items.len() < most {
            let size = i32::try_from(most - items.len()).unwrap_or(PAGE).min(PAGE);
            message.turn(size, token);
            let (page, next) = P::split(self.read(message.clone()).await?);
            items.extend(page);
            token = next;
            if token.is_empty() {
                break;
            }
        }
        items.truncate(most);
        Ok(items)
    }

    /// Has a command carried out.
    pub(in crate::cli) async fn command<C: Command>(
        &mut self,
        mut message: C,
        context: &Context,
    ) -> Result<Done, CliError> {
        let command_id = context.command_id.unwrap_or_else(Uuid::new_v4);
        message.carry(context.message(command_id), context.validate_only);
        let (mut pauses, mut tried, mut lost, mut unknown) = (PAUSES.build(), 0, false, false);
        loop {
            tried += 1;
            let failure = match self.attempt(message.clone()).await {
                Ok(answer) => {
                    if lost {
                        terminal::note("answered now: the command was carried out once");
                    }
                    if !answer.position.is_empty() {
                        answer.position.clone_into(&mut self.position);
                    }
                    return Ok(Done { command_id, answer });
                }
                Err(failure) => failure,
            };
            let was_sent = failure.was_sent();
            let is_new = was_sent && !lost && failure.is_passing();
            lost |= was_sent && failure.is_passing();
            unknown |= failure.is_lost();
            if !failure.is_passing() {
                return Err(self.error(&failure));
            }
            // Where nothing was ever sent, each server is tried once.
            let pause = if !lost && tried < self.all.len() {
                Some(Duration::ZERO)
            } else if lost {
                pauses.next()
            } else {
                None
            };
            let Some(pause) = pause else {
                return Err(self.given_up(&failure, command_id, lost, unknown));
            };
            if is_new {
                let why = failure.in_short();
                terminal::note(&format!(
                    "no outcome yet ({why}); asking again as command {command_id}"
                ));
            }
            self.next(&failure);
            tokio::time::sleep(pause).await;
        }
    }

    /// Follows a watch until `each` has seen enough. A watch that breaks resumes at its last
    /// bookmark, here or at the next server; what came after that is not shown twice.
    pub(in crate::cli) async fn watch<W: Watch, T>(
        &mut self,
        mut message: W,
        mut each: impl FnMut(W::Update) -> Result<ControlFlow<T>, CliError>,
    ) -> Result<T, CliError> {
        message.at_least(&self.position);
        let (mut pauses, mut tried, mut was_open) = (PAUSES.build(), 0, false);
        let mut shown = HashSet::new();
        loop {
            tried += 1;
            let failure = match self.open(message.clone()).await {
                Err(failure) => failure,
                Ok(mut stream) => loop {
                    was_open = true;
                    let update = match tokio::time::timeout(SILENCE, stream.message()).await {
                        Ok(Ok(Some(update))) => update,
                        Ok(Ok(None)) => break tonic::Status::unavailable("it ended").into(),
                        Ok(Err(status)) => break status.into(),
                        Err(_) => break tonic::Status::deadline_exceeded("it was silent").into(),
                    };
                    pauses = PAUSES.build();
                    match update.mark() {
                        Mark::Event(position) if !shown.insert(position.to_owned()) => continue,
                        Mark::Bookmark(bookmark) if !bookmark.position.is_empty() => {
                            message.resume(bookmark.clone());
                            shown.clear();
                        }
                        Mark::Event(_) | Mark::Bookmark(_) | Mark::State => {}
                    }
                    if let ControlFlow::Break(seen) = each(update)? {
                        return Ok(seen);
                    }
                },
            };
            // Where it was never open, each server is tried once.
            let pause = match (failure.is_passing(), was_open) {
                (false, _) => None,
                (true, true) => pauses.next(),
                (true, false) => (tried < self.all.len()).then_some(Duration::ZERO),
            };
            let Some(pause) = pause else {
                return Err(self.error(&failure));
            };
            if was_open && failure.was_sent() {
                terminal::note(&format!(
                    "the watch broke ({}); resuming",
                    failure.in_short()
                ));
            }
            self.next(&failure);
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt<C: Call>(&mut self, message: C) -> Result<C::Answer, Failure> {
        let mut request = self.request(message).await?;
        let channel = self.connect().await?;
        request.set_timeout(C::DEADLINE);
        let answered = tokio::time::timeout(C::DEADLINE, C::send(request, channel)).await;
        match answered {
            Ok(answer) => Ok(answer?.into_inner()),
            Err(_) => Err(tonic::Status::deadline_exceeded("no answer in time").into()),
        }
    }

    async fn open<W: Watch>(&mut self, message: W) -> Result<tonic::Streaming<W::Update>, Failure> {
        let request = self.request(message).await?;
        let channel = self.connect().await?;
        match tokio::time::timeout(SILENCE, W::open(request, channel)).await {
            Ok(answer) => Ok(answer?.into_inner()),
            Err(_) => Err(tonic::Status::deadline_exceeded("no answer in time").into()),
        }
    }

    /// The message, with what proves who sends it, and the trace that it is part of.
    async fn request<M>(&self, message: M) -> Result<Request<M>, Failure> {
        let mut request = Request::new(message);
        if let Some(traceparent) = &self.traceparent {
            let metadata = request.metadata_mut();
            metadata.insert("traceparent", traceparent.clone());
        }
        let bearer = self.credentials.bearer().await;
        if let Some(bearer) = bearer.map_err(Failure::Credentials)? {
            request.metadata_mut().insert("authorization", bearer);
        }
        Ok(request)
    }

    async fn connect(&mut self) -> Result<Channel, Failure> {
        if let Some(channel) = &self.channel {
            return Ok(channel.clone());
        }
        let endpoint = self.all[self.current].endpoint.clone();
        let connecting = endpoint
            .connect_timeout(CONNECT)
            .tcp_nodelay(true)
            .connect()
            .await;
        let channel = connecting.map_err(|error| Failure::Unreachable(why(&error)))?;
        self.channel = Some(channel.clone());
        Ok(channel)
    }

    /// Turns to the next server, and tells where there is another.
    fn next(&mut self, failure: &Failure) {
        self.channel = None;
        let before = self.current;
        self.current = (before + 1) % self.all.len();
        if self.current != before {
            let (from, to) = (&self.all[before].url, &self.all[self.current].url);
            terminal::note(&format!("{from}: {}; trying {to}", failure.in_short()));
        }
    }

    fn error(&self, failure: &Failure) -> CliError {
        match failure {
            Failure::Unreachable(why) => {
                let urls: Vec<_> = self.all.iter().map(Server::url).collect();
                let text = format!("no engine answers at {}: {why}", urls.join(", "));
                CliError::failed(text).with_hint(Some(
                    "`peerage serve` starts one; --server or PEERAGE_SERVER names another",
                ))
            }
            Failure::Credentials(why) => CliError::failed(why),
            Failure::Status(status) => {
                let is_plain = self.all.iter().any(|it| it.url.starts_with("http://"));
                let other = "no gRPC came back; if the server speaks TLS, name it as https://…";
                let hint = (is_plain && failure.is_no_grpc()).then_some(other);
                refused(status).with_hint(hint)
            }
        }
    }

    /// A command that is given up: where an answer was lost, it may have been carried out.
    fn given_up(&self, failure: &Failure, id: Uuid, was_sent: bool, is_unknown: bool) -> CliError {
        let error = self.error(failure);
        let hint = format!("the same again with --command-id {id} does nothing twice");
        let hint = was_sent.then_some(hint);
        if is_unknown {
            let text = format!("{}; the command may have been carried out", error.text);
            return CliError { text, ..error }.with_hint(hint);
        }
        error.with_hint(hint)
    }
}

/// Why there is no connection: the innermost cause, which is the one that helps.
fn why(error: &tonic::transport::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
