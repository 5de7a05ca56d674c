//! An event store whose appends a test can stop at an exact number, in front of any node.
//!
//! A crash between two events cannot be timed from outside. Here it is enumerated: from the chosen
//! append on, none is let through (or its answer never comes), the writer hangs there with
//! everything done that comes before, and the test kills it. Everything else passes unchanged. Only
//! appends to networks' streams count, or to those that are named, one at a time.
//!
//! What subscriptions tell can be held back too: then whoever follows the log is behind it for as
//! long as a test likes.
//!
//! The way to it is a plain relay, which acknowledges late, as the kernel does where nobody asks it
//! otherwise: an ordinary server behind an ordinary network. [`StoreProxy::plain`] is nothing more
//! than that.

use protocol::gossip::{
    ClusterInfo, gossip_client::GossipClient, gossip_server::Gossip, gossip_server::GossipServer,
};
use protocol::server_features::SupportedMethods;
use protocol::server_features::server_features_client::ServerFeaturesClient;
use protocol::server_features::server_features_server::{ServerFeatures, ServerFeaturesServer};
use protocol::streams::streams_client::StreamsClient;
use protocol::streams::streams_server::{Streams, StreamsServer};
use protocol::streams::{
    AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteReq, DeleteResp, ReadReq,
    ReadResp, TombstoneReq, TombstoneResp, append_req, append_resp, read_req,
};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use testkit::forwarder::Door;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::task::AbortHandle;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status, Streaming};

/// Which appends count, by how their streams begin.
const COUNTED: &str = "network-";

/// Where appends stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Nowhere.
    Never,
    /// So many are answered; the next one does not reach the store.
    BeforeNext(u64),
    /// So many are answered; the next one reaches the store, and its answer never comes.
    AfterNext(u64),
    /// Nowhere, but each answer comes so much later.
    Late(Duration),
}

/// A running proxy.
#[derive(Debug)]
pub struct StoreProxy {
    relay: Door,
    progress: watch::Receiver<Progress>,
    /// Whether subscriptions are told what happens.
    news: watch::Sender<bool>,
    /// Whether appends that count go their way.
    way: watch::Sender<bool>,
    /// What looks at the calls behind the relay; none if nobody does.
    task: Option<AbortHandle>,
}

/// What has passed so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Appends that the store accepted and whose answer was passed on.
    pub answered: u64,
    /// Whether somebody waits at the stop, or has waited to be released.
    pub held: bool,
}

impl StoreProxy {
    /// A plain relay in front of the node at this port: everything passes as it comes.
    pub async fn plain(node: u16) -> Self {
        let (_, progress) = watch::channel(Progress::default());
        Self {
            relay: relay(node).await,
            progress,
            news: watch::Sender::new(true),
            way: watch::Sender::new(true),
            task: None,
        }
    }

    /// Starts one in front of the node at `host:port`.
    ///
    /// # Panics
    /// When the node does not answer.
    pub async fn start(node: &str, stop: Stop) -> Self {
        Self::counting(node, stop, COUNTED).await
    }

    /// The same, for appends to streams that begin so.
    ///
    /// # Panics
    /// When the node does not answer.
    pub async fn counting(node: &str, stop: Stop, streams: &'static str) -> Self {
        let channel = Channel::from_shared(format!("http://{node}"))
            .expect("a URL")
            .tcp_nodelay(true)
            .connect()
            .await;
        let (sender, progress) = watch::channel(Progress::default());
        let (news, way) = (watch::Sender::new(true), watch::Sender::new(true));
        let channel = channel.expect("a connection to the node");
        let forward = Forward {
            channel,
            gate: Arc::new(Mutex::new(Gate { stop, sender })),
            counted: streams,
            news: news.subscribe(),
            way: way.subscribe(),
        };
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("address of a bound socket");
        let relay = relay(address.port()).await;
        let server = Server::builder()
            .add_service(StreamsServer::new(forward.clone()).max_decoding_message_size(usize::MAX))
            .add_service(GossipServer::new(forward.clone()))
            .add_service(ServerFeaturesServer::new(forward))
            .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
        let task = tokio::spawn(server).abort_handle();
        Self {
            relay,
            progress,
            news,
            way,
            task: Some(task),
        }
    }

    /// The way to it.
    #[must_use]
    pub fn connection_string(&self) -> String {
        let port = self.relay.port();
        format!("kurrentdb://127.0.0.1:{port}?tls=false&discoveryInterval=0")
    }

    /// From now on subscriptions are told nothing.
    pub fn hold_news(&self) {
        self.news.send_replace(false);
    }

    /// They are told all that was held back, and go on.
    pub fn release_news(&self) {
        self.news.send_replace(true);
    }

    /// From now on appends that count wait before they reach the store: [`Progress::held`] says
    /// when one does.
    pub fn hold_appends(&self) {
        self.way.send_replace(false);
    }

    /// They go their way.
    pub fn release_appends(&self) {
        self.way.send_replace(true);
    }

    /// What has passed so far.
    #[must_use]
    pub fn progress(&self) -> Progress {
        *self.progress.borrow()
    }
}

impl Drop for StoreProxy {
    fn drop(&mut self) {
        self.task.iter().for_each(AbortHandle::abort);
    }
}

async fn relay(behind: u16) -> Door {
    let mut relay = Door::closed(behind);
    relay.open().await;
    relay
}

/// Decides on one append after the other.
#[derive(Debug)]
struct Gate {
    stop: Stop,
    sender: watch::Sender<Progress>,
}

impl Gate {
    fn answered(&self) -> u64 {
        self.sender.borrow().answered
    }

    fn is_over(&self) -> bool {
        match self.stop {
            Stop::Never | Stop::Late(_) => false,
            Stop::BeforeNext(most) => self.answered() >= most,
            // The one more that was let through is the last, whether it was answered or not.
            Stop::AfterNext(most) => self.answered() >= most && self.sender.borrow().held,
        }
    }

    fn swallows_answer(&self) -> bool {
        matches!(self.stop, Stop::AfterNext(most) if self.answered() >= most)
    }

    fn note(&self, change: impl FnOnce(&mut Progress)) {
        self.sender.send_modify(change);
    }
}

#[derive(Debug, Clone)]
struct Forward {
    channel: Channel,
    gate: Arc<Mutex<Gate>>,
    counted: &'static str,
    news: watch::Receiver<bool>,
    way: watch::Receiver<bool>,
}

impl Forward {
    fn streams(&self) -> StreamsClient<Channel> {
        StreamsClient::new(self.channel.clone()).max_decoding_message_size(usize::MAX)
    }

    async fn pass(&self, request: Request<Vec<AppendReq>>) -> Result<Response<AppendResp>, Status> {
        let (metadata, _, messages) = request.into_parts();
        let mut request = Request::new(tokio_stream::iter(messages));
        *request.metadata_mut() = metadata;
        self.streams().append(request).await
    }
}

fn counts(messages: &[AppendReq], counted: &str) -> bool {
    let options = messages.iter().find_map(|message| match &message.content {
        Some(append_req::Content::Options(options)) => options.stream_identifier.as_ref(),
        Some(append_req::Content::ProposedMessage(_)) | None => None,
    });
    options.is_some_and(|stream| stream.stream_name.starts_with(counted.as_bytes()))
}

fn subscribes(request: &ReadReq) -> bool {
    let count = request
        .options
        .as_ref()
        .and_then(|options| options.count_option.as_ref());
    matches!(count, Some(read_req::options::CountOption::Subscription(_)))
}

#[tonic::async_trait]
impl Streams for Forward {
    type ReadStream = Pin<Box<dyn Stream<Item = Result<ReadResp, Status>> + Send>>;
    type BatchAppendStream = Streaming<BatchAppendResp>;

    async fn read(&self, request: Request<ReadReq>) -> Result<Response<Self::ReadStream>, Status> {
        let subscribes = subscribes(request.get_ref());
        let (metadata, messages, extensions) = self.streams().read(request).await?.into_parts();
        let messages: Self::ReadStream = if subscribes {
            let news = self.news.clone();
            Box::pin(messages.then(move |message| {
                let mut news = news.clone();
                async move {
                    // Nobody can hold back any more when the proxy is gone.
                    let _ = news.wait_for(|flow| *flow).await;
                    message
                }
            }))
        } else {
            Box::pin(messages)
        };
        Ok(Response::from_parts(metadata, messages, extensions))
    }

    async fn append(
        &self,
        request: Request<Streaming<AppendReq>>,
    ) -> Result<Response<AppendResp>, Status> {
        let (metadata, extensions, mut incoming) = request.into_parts();
        let mut messages = Vec::new();
        while let Some(message) = incoming.message().await? {
            messages.push(message);
        }
        let counted = counts(&messages, self.counted);
        let request = Request::from_parts(metadata, extensions, messages);
        if !counted {
            return self.pass(request).await;
        }
        let mut way = self.way.clone();
        let is_held = !*way.borrow_and_update();
        if is_held {
            self.gate.lock().await.note(|progress| progress.held = true);
            // Nobody can hold back any more when the proxy is gone.
            let _ = way.wait_for(|open| *open).await;
        }
        let gate = self.gate.lock().await;
        if let Stop::Late(late) = gate.stop {
            let answer = self.pass(request).await;
            crate::wait::elapse(late).await;
            gate.note(|progress| progress.answered += u64::from(answer.is_ok()));
            return answer;
        }
        if gate.is_over() {
            gate.note(|progress| progress.held = true);
            drop(gate);
            return std::future::pending().await;
        }
        let answer = self.pass(request).await;
        let accepted = answer
            .as_ref()
            .is_ok_and(|it| matches!(it.get_ref().result, Some(append_resp::Result::Success(_))));
        if accepted && gate.swallows_answer() {
            gate.note(|progress| progress.held = true);
            drop(gate);
            return std::future::pending().await;
        }
        gate.note(|progress| progress.answered += u64::from(accepted));
        answer
    }

    async fn delete(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        self.streams().delete(request).await
    }

    async fn tombstone(
        &self,
        request: Request<TombstoneReq>,
    ) -> Result<Response<TombstoneResp>, Status> {
        self.streams().tombstone(request).await
    }

    async fn batch_append(
        &self,
        _: Request<Streaming<BatchAppendReq>>,
    ) -> Result<Response<Self::BatchAppendStream>, Status> {
        Err(Status::unimplemented(
            "this proxy counts plain appends only",
        ))
    }
}

#[tonic::async_trait]
impl ServerFeatures for Forward {
    async fn get_supported_methods(
        &self,
        request: Request<()>,
    ) -> Result<Response<SupportedMethods>, Status> {
        ServerFeaturesClient::new(self.channel.clone())
            .get_supported_methods(request)
            .await
    }
}

#[tonic::async_trait]
impl Gossip for Forward {
    async fn read(&self, request: Request<()>) -> Result<Response<ClusterInfo>, Status> {
        GossipClient::new(self.channel.clone()).read(request).await
    }
}
