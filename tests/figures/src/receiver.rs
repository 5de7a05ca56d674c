//! The receiver: it takes everything, at once or after a while, and knows how many came, from when
//! to when.

use crate::role::{left_alone, say};
use bytes::Bytes;
use chrono::Utc;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo},
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::{convert::Infallible, net::Ipv4Addr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Notify, time::Instant};

/// The argument that makes a process this one.
pub const ROLE: &str = "receiver";

/// The longest that something is waited for.
const LONG: Duration = Duration::from_secs(300);

/// What came, as it came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seen {
    headers: Vec<(String, String)>,
    body: String,
}

impl Seen {
    fn of(headers: &HeaderMap, body: &Bytes) -> Self {
        let text = |it: &[u8]| String::from_utf8_lossy(it).into_owned();
        let each = headers.iter();
        let each = each.map(|(name, value)| (name.to_string(), text(value.as_bytes())));
        Self {
            headers: each.collect(),
            body: text(body),
        }
    }

    /// The same once more. What the client adds by itself it adds again.
    ///
    /// # Panics
    /// When it is no request.
    #[must_use]
    pub fn request(&self, url: &str) -> Request<Full<Bytes>> {
        let mut request = Request::post(url);
        for (name, value) in &self.headers {
            if !["host", "content-length"].contains(&name.as_str()) {
                request = request.header(name, value);
            }
        }
        let body = Bytes::from(self.body.clone());
        request.body(Full::new(body)).expect("a request")
    }

    /// How many bytes its body has, and how many headers it has.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.body.len(), self.headers.len())
    }
}

/// An arrival: the number of the record in its stream, and when, in microseconds since 1970.
pub type Arrival = (u64, i64);

#[derive(Default)]
struct Counted {
    many: usize,
    first: Option<Instant>,
    last: Option<Instant>,
    seen: Option<Seen>,
    arrivals: Option<Vec<Arrival>>,
}

#[derive(Default)]
struct State {
    counted: Mutex<Counted>,
    /// Something is waited for when so many have come.
    wanted: Mutex<usize>,
    there: Notify,
    /// How long it takes over each.
    takes: Mutex<Duration>,
}

/// Serves, and says on which port.
///
/// # Panics
/// When it cannot.
pub async fn serve() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a port");
    say(&listener
        .local_addr()
        .expect("an address")
        .port()
        .to_string());
    let state = Arc::new(State::default());
    tokio::select! {
        () = left_alone() => {}
        () = accept(&listener, &state) => {}
    }
}

async fn accept(listener: &TcpListener, state: &Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let state = Arc::clone(state);
        let service = service_fn(move |request| answer(request, Arc::clone(&state)));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() == Method::POST {
        let takes = *state.takes.lock();
        if !takes.is_zero() {
            testkit::wait::elapse(takes).await;
        }
        state.take(request).await;
        return Ok(Response::default());
    }
    let path = request.uri().path().to_owned();
    let text = match path.trim_matches('/').split_once('/') {
        Some(("took", many)) => state.took(many.parse().unwrap_or(usize::MAX)).await,
        Some(("takes", millis)) => {
            *state.takes.lock() = Duration::from_millis(millis.parse().unwrap_or_default());
            String::new()
        }
        Some(_) | None => state.told(&path),
    };
    Ok(Response::new(text.into()))
}

impl State {
    async fn take(&self, request: Request<Incoming>) {
        let (parts, body) = request.into_parts();
        let Ok(body) = body.collect().await else {
            return;
        };
        let now = Instant::now();
        let mut counted = self.counted.lock();
        counted.many += 1;
        counted.first.get_or_insert(now);
        counted.last = Some(now);
        if counted.seen.is_none() {
            counted.seen = Some(Seen::of(&parts.headers, &body.to_bytes()));
        }
        if let Some(arrivals) = &mut counted.arrivals {
            let revision = parts.headers.get("peerage-record-stream-revision");
            let revision = revision.and_then(|it| it.to_str().ok()?.parse().ok());
            arrivals.extend(revision.map(|it| (it, Utc::now().timestamp_micros())));
        }
        if counted.many >= *self.wanted.lock() {
            self.there.notify_waiters();
        }
    }

    /// How long it took from the first until so many were there, in microseconds.
    async fn took(&self, many: usize) -> String {
        *self.wanted.lock() = many;
        loop {
            let there = self.there.notified();
            {
                let counted = self.counted.lock();
                if let (true, Some(first), Some(last)) =
                    (counted.many >= many, counted.first, counted.last)
                {
                    return (last - first).as_micros().to_string();
                }
            }
            there.await;
        }
    }

    fn told(&self, path: &str) -> String {
        let mut counted = self.counted.lock();
        match path {
            "/begin" | "/begin-noting" => {
                let arrivals = (path == "/begin-noting").then(Vec::new);
                *counted = Counted {
                    arrivals,
                    ..Counted::default()
                };
                String::new()
            }
            "/count" => counted.many.to_string(),
            "/seen" => serde_json::to_string(&counted.seen).unwrap_or_default(),
            "/arrivals" => serde_json::to_string(&counted.arrivals).unwrap_or_default(),
            _ => String::new(),
        }
    }
}

/// Asks a receiver.
#[derive(Clone, Debug)]
pub struct Asker {
    port: String,
    client: Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>,
}

impl Asker {
    /// At this port.
    #[must_use]
    pub fn new(port: &str) -> Self {
        Self {
            port: port.to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Where deliveries go.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    async fn ask(&self, path: &str) -> String {
        let url = format!("http://127.0.0.1:{}/{path}", self.port);
        let request = Request::get(url).body(Full::default()).expect("a request");
        let asking = async {
            let answer = self.client.request(request).await.expect("an answer");
            let body = answer.into_body().collect().await.expect("its body");
            String::from_utf8_lossy(&body.to_bytes()).into_owned()
        };
        let asked = tokio::time::timeout(LONG, asking).await;
        asked.unwrap_or_else(|_| panic!("no answer to {path} within {LONG:?}"))
    }

    /// Counts from nothing.
    pub async fn begin(&self) {
        self.ask("begin").await;
    }

    /// Counts from nothing, and notes when each arrives.
    pub async fn begin_noting(&self) {
        self.ask("begin-noting").await;
    }

    /// From now on it takes so many milliseconds over each.
    pub async fn takes(&self, millis: u64) {
        self.ask(&format!("takes/{millis}")).await;
    }

    /// Waits until so many are there; how long that took from the first.
    pub async fn took(&self, many: usize) -> Duration {
        let micros = self.ask(&format!("took/{many}")).await;
        Duration::from_micros(micros.parse().expect("a number"))
    }

    /// How many are there.
    pub async fn count(&self) -> usize {
        self.ask("count").await.parse().expect("a number")
    }

    /// What came first.
    pub async fn seen(&self) -> Seen {
        serde_json::from_str(&self.ask("seen").await).expect("something came")
    }

    /// When each arrived.
    pub async fn arrivals(&self) -> Vec<Arrival> {
        serde_json::from_str(&self.ask("arrivals").await).expect("they were noted")
    }
}
