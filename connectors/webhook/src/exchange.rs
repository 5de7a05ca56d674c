//! A request and its answer, through the connector that dials, in bounded time and size.

use crate::{
    attempt::{Body, BodyEnd, Fault, Outcome},
    dial::{DialError, Dialer, Peer},
};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use parking_lot::Mutex;
use rustls::ClientConfig;
use std::{error::Error, fmt::Write as _, net::SocketAddr, time::Duration};
use tokio::time::{Instant, timeout_at};

/// How long a connection is used, as the Connectors' `pooledConnectionLifetime`: after that the
/// name is resolved again.
pub const CONNECTION_LIFETIME: Duration = Duration::from_secs(300);

/// How long a connection is kept without use.
const IDLE: Duration = Duration::from_secs(60);

/// How many idle connections are kept to one host.
const MOST_IDLE: usize = 256;

/// The longest head of an answer.
const LONGEST_HEAD: usize = 64 * 1024;

/// How long a body may take once its head is there: it changes nothing any more.
const BODY: Duration = Duration::from_secs(2);

/// The most bytes of an answer that are read so that its connection can be used again.
const DRAINED: usize = 64 * 1024;

type Pool = legacy::Client<HttpsConnector<Dialer>, Full<Bytes>>;

/// A client that knows no other way to a socket than its dialer. Its connections are given up as a
/// whole when their time is over: those in use end with what they are used for.
#[derive(Debug)]
pub(crate) struct Client {
    connector: HttpsConnector<Dialer>,
    pool: Mutex<(Pool, Instant)>,
}

impl Client {
    pub(crate) fn new(config: ClientConfig, dialer: Dialer) -> Self {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .wrap_connector(dialer);
        let pool = Mutex::new((pool(&connector), Instant::now()));
        Self { connector, pool }
    }

    fn pool(&self) -> Pool {
        let (current, since) = &mut *self.pool.lock();
        if since.elapsed() > CONNECTION_LIFETIME {
            (*current, *since) = (pool(&self.connector), Instant::now());
        }
        current.clone()
    }
}

fn pool(connector: &HttpsConnector<Dialer>) -> Pool {
    legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(MOST_IDLE)
        .http1_max_buf_size(LONGEST_HEAD)
        .build(connector.clone())
}

/// An answer, read as far as it is worth.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<HeaderValue>,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) body: Body,
}

/// Why there is no answer, and what follows.
pub(crate) type Failure = (Outcome, Fault);

/// Sends a request and reads its answer, of the body at most `keep` bytes.
pub(crate) async fn exchange(
    client: &Client,
    request: Request<Full<Bytes>>,
    deadline: Instant,
    patience: Duration,
    keep: usize,
) -> Result<Answer, Failure> {
    let answer = match timeout_at(deadline, client.pool().request(request)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(fault_of(&error)),
        Err(_) => {
            let transient = Outcome::Transient { retry_after: None };
            return Err((transient, Fault::Timeout(patience)));
        }
    };
    let peer = answer.extensions().get::<Peer>().copied();
    Ok(Answer {
        status: answer.status(),
        retry_after: answer.headers().get(header::RETRY_AFTER).cloned(),
        peer: peer.map(|Peer(address)| address),
        body: read(answer, deadline.min(Instant::now() + BODY), keep).await,
    })
}

/// The beginning of the body. A moderate rest is read and dropped, so that the connection can be
/// used again; a longer one ends it.
async fn read(answer: Response<Incoming>, deadline: Instant, keep: usize) -> Body {
    let mut body = answer.into_body();
    let (mut kept, mut seen) = (Vec::new(), 0);
    let broken = loop {
        if body.is_end_stream() || seen > DRAINED.max(keep) {
            break false;
        }
        match timeout_at(deadline, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                let data = frame.into_data().unwrap_or_default();
                seen += data.len();
                let room = keep - kept.len();
                kept.extend_from_slice(&data[..data.len().min(room)]);
            }
            Ok(None) => break false,
            Ok(Some(Err(_))) | Err(_) => break true,
        }
    };
    let end = match (seen > keep, broken) {
        (true, _) => BodyEnd::Cut,
        (false, true) => BodyEnd::Broken,
        (false, false) => BodyEnd::Whole,
    };
    let mut text = String::from_utf8_lossy(&kept).into_owned();
    // What is replaced is longer than what it replaces.
    text.truncate(text.floor_char_boundary(keep));
    Body { text, end }
}

/// Why the client has no answer, by the types of what it says.
fn fault_of(error: &hyper_util::client::legacy::Error) -> Failure {
    let transient = Outcome::Transient { retry_after: None };
    if let Some(dial) = chain(error).find_map(|error| error.downcast_ref::<DialError>()) {
        return match dial {
            DialError::Refused(refused) => (Outcome::EndpointRefused, refused.clone().into()),
            DialError::Resolve { .. } | DialError::Addresses { .. } => {
                (transient, Fault::Resolve(said(dial)))
            }
            DialError::Connect { .. } | DialError::NoHost(_) => {
                (transient, Fault::Connect(said(dial)))
            }
        };
    }
    // rustls's own error travels inside of an I/O error, whose source skips it.
    let tls = chain(error).find_map(|error| {
        let error = error.downcast_ref::<std::io::Error>()?;
        error.get_ref()?.downcast_ref::<rustls::Error>()
    });
    if let Some(tls) = tls {
        return (transient, Fault::Tls(said(tls)));
    }
    if error.is_connect() {
        return (transient, Fault::Tls(said(error)));
    }
    (transient, Fault::Answer(said(error)))
}

/// An error and its sources.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// An error and its sources as one line.
fn said(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}
