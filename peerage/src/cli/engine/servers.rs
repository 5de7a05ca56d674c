//! One engine behind several servers.
//!
//! A read goes to the next server where one does not answer. A command whose answer was lost is
//! sent again under its own id, which cannot do it twice; so often and no longer, and the person is
//! told. A watch goes on at the last position that it was told. What is read after a command
//! includes that command, whichever server answers.

use super::{
    Command, Context, Page, Read, Update, Watch,
    calls::Call,
    failure::{Failure, is_lost, refused},
};
use crate::{
    api::v1,
    cli::{CliError, terminal},
};
use backon::{BackoffBuilder, ExponentialBuilder};
use std::{ops::ControlFlow, time::Duration};
use tonic::{
    Request,
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
    endpoints: Vec<Endpoint>,
    current: usize,
    channel: Option<Channel>,
    /// What answers must include.
    position: String,
}

/// A command that was carried out.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cli) struct Done {
    pub(in crate::cli) command_id: Uuid,
    pub(in crate::cli) answer: v1::CommandResponse,
}

impl Servers {
    pub(super) fn new(endpoints: Vec<Endpoint>, position: String) -> Self {
        Self {
            endpoints,
            current: 0,
            channel: None,
            position,
        }
    }

    /// Each by itself.
    pub(in crate::cli) fn each(&self) -> Vec<(String, Self)> {
        let alone = |it: &Endpoint| Self::new(vec![it.clone()], self.position.clone());
        self.endpoints
            .iter()
            .map(|it| (url(it), alone(it)))
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
            if !failure.is_passing() || tried >= self.endpoints.len() {
                return Err(self.error(&failure));
            }
            self.next(&failure);
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
        let (mut pauses, mut tried, mut lost) = (PAUSES.build(), 0, false);
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
            let was_sent = !matches!(failure, Failure::Unreachable);
            let is_new = was_sent && !lost && failure.is_passing();
            lost |= was_sent && failure.is_passing();
            if !failure.is_passing() {
                return Err(self.error(&failure));
            }
            // Where nothing was ever sent, each server is tried once.
            let pause = if !lost && tried < self.endpoints.len() {
                Some(Duration::ZERO)
            } else if lost {
                pauses.next()
            } else {
                None
            };
            let Some(pause) = pause else {
                return Err(self.given_up(&failure, command_id, lost));
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

    /// Follows a watch until `each` has seen enough. A watch that breaks goes on where it was, here
    /// or at the next server.
    pub(in crate::cli) async fn watch<W: Watch, T>(
        &mut self,
        mut message: W,
        mut each: impl FnMut(W::Update) -> Result<ControlFlow<T>, CliError>,
    ) -> Result<T, CliError> {
        message.at_least(&self.position);
        let mut pauses = PAUSES.build();
        loop {
            let failure = match self.open(message.clone()).await {
                Err(failure) => failure,
                Ok(mut stream) => loop {
                    let update = match tokio::time::timeout(SILENCE, stream.message()).await {
                        Ok(Ok(Some(update))) => update,
                        Ok(Ok(None)) => break tonic::Status::unavailable("it ended").into(),
                        Ok(Err(status)) => break status.into(),
                        Err(_) => break tonic::Status::deadline_exceeded("it was silent").into(),
                    };
                    pauses = PAUSES.build();
                    if let Some(position) = update.position() {
                        message.resume(position.to_owned());
                    }
                    if let ControlFlow::Break(seen) = each(update)? {
                        return Ok(seen);
                    }
                },
            };
            if !failure.is_passing() {
                return Err(self.error(&failure));
            }
            let Some(pause) = pauses.next() else {
                return Err(self.error(&failure));
            };
            if !matches!(failure, Failure::Unreachable) {
                terminal::note(&format!(
                    "the watch broke ({}); going on",
                    failure.in_short()
                ));
            }
            self.next(&failure);
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt<C: Call>(&mut self, message: C) -> Result<C::Answer, Failure> {
        let channel = self.connect().await?;
        let mut request = Request::new(message);
        request.set_timeout(C::DEADLINE);
        let answered = tokio::time::timeout(C::DEADLINE, C::send(request, channel)).await;
        match answered {
            Ok(answer) => Ok(answer?.into_inner()),
            Err(_) => Err(tonic::Status::deadline_exceeded("no answer in time").into()),
        }
    }

    async fn open<W: Watch>(&mut self, message: W) -> Result<tonic::Streaming<W::Update>, Failure> {
        let channel = self.connect().await?;
        match tokio::time::timeout(SILENCE, W::open(message, channel)).await {
            Ok(answer) => Ok(answer?.into_inner()),
            Err(_) => Err(tonic::Status::deadline_exceeded("no answer in time").into()),
        }
    }

    async fn connect(&mut self) -> Result<Channel, Failure> {
        if let Some(channel) = &self.channel {
            return Ok(channel.clone());
        }
        let endpoint = self.endpoints[self.current].clone();
        let connecting = endpoint
            .connect_timeout(CONNECT)
            .tcp_nodelay(true)
            .connect()
            .await;
        let channel = connecting.map_err(|_| Failure::Unreachable)?;
        self.channel = Some(channel.clone());
        Ok(channel)
    }

    /// Turns to the next server, and tells where there is another.
    fn next(&mut self, failure: &Failure) {
        self.channel = None;
        let before = self.current;
        self.current = (before + 1) % self.endpoints.len();
        if self.current != before {
            let (from, to) = (
                url(&self.endpoints[before]),
                url(&self.endpoints[self.current]),
            );
            terminal::note(&format!("{from}: {}; trying {to}", failure.in_short()));
        }
    }

    fn error(&self, failure: &Failure) -> CliError {
        match failure {
            Failure::Unreachable => {
                let urls: Vec<_> = self.endpoints.iter().map(url).collect();
                CliError::failed(format!("no engine answers at {}", urls.join(", "))).with_hint(
                    Some("`peerage serve` starts one; --server or PEERAGE_SERVER names another"),
                )
            }
            Failure::Status(status) => refused(status),
        }
    }

    /// A command that is given up: where it was sent, it may have been carried out.
    fn given_up(&self, failure: &Failure, command_id: Uuid, lost: bool) -> CliError {
        let error = self.error(failure);
        let is_unknown = match failure {
            Failure::Unreachable => lost,
            Failure::Status(status) => lost && is_lost(status),
        };
        if is_unknown {
            let text = format!("{}; the command may have been carried out", error.text);
            let hint = format!(
                "the same again with --command-id {command_id} tells, and does nothing twice"
            );
            CliError { text, ..error }.with_hint(Some(hint))
        } else {
            let hint = format!("the same again with --command-id {command_id} does nothing twice");
            error.with_hint(lost.then_some(hint))
        }
    }
}

fn url(endpoint: &Endpoint) -> String {
    endpoint.uri().to_string().trim_end_matches('/').to_owned()
}
