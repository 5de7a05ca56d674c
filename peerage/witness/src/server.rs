//! A witness over HTTP: `POST /add-checkpoint`, and `GET /HASH/checkpoint` for whoever watches.

use crate::State;
use bytes::Bytes;
use domain::Clock;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use limits::is_lost;
use parking_lot::Mutex;
use std::{convert::Infallible, io, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tree::{FileError, GrowthProof, Refused, SigningKeys, VerifierKey, cosign};

/// The largest request: 63 hashes and a note.
const LARGEST: usize = 64 * 1024;
/// How long a request may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many callers are served at a time.
const CALLERS: usize = 256;
/// What a conflict's answer is called.
const SIZE: &str = "text/x.tlog.size";
const TEXT: &str = "text/plain; charset=utf-8";

/// What a witness is made of.
pub struct Witness {
    keys: SigningKeys,
    logs: Vec<VerifierKey>,
    clock: Clock,
    state: Mutex<State>,
}

impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Witness").finish_non_exhaustive()
    }
}

/// An answer: its status, what it is, and its text.
type Answer = (StatusCode, &'static str, String);

impl Witness {
    /// One that cosigns for these logs with these keys.
    pub fn new(keys: SigningKeys, logs: Vec<VerifierKey>, state: State, clock: Clock) -> Self {
        Self {
            keys,
            logs,
            clock,
            state: Mutex::new(state),
        }
    }

    /// Takes a request. One at a time: what is compared is what is written.
    fn add(&self, body: &[u8]) -> Answer {
        let text = std::str::from_utf8(body).ok();
        let request = text.ok_or(FileError::Cut).and_then(GrowthProof::parse);
        let request = match request {
            Ok(request) => request,
            Err(error) => return refused(&Refused::Request(error)),
        };
        let time = u64::try_from((self.clock)().timestamp()).unwrap_or_default();
        let origin = request.checkpoint.checkpoint().origin.clone();
        let mut state = self.state.lock();
        let cosigned = cosign(&request, &self.logs, state.seen(&origin), &self.keys, time);
        let (seen, lines) = match cosigned {
            Ok(cosigned) => cosigned,
            Err(error) => {
                tracing::warn!(origin, %error, "a checkpoint is not cosigned");
                return refused(&error);
            }
        };
        let size = seen.size;
        if let Err(error) = state.note(&origin, seen) {
            let error = &error as &dyn std::error::Error;
            tracing::error!(
                error,
                "what was seen cannot be written, so nothing is cosigned"
            );
            let text = "what was seen cannot be written\n".to_owned();
            return (StatusCode::INTERNAL_SERVER_ERROR, TEXT, text);
        }
        tracing::info!(origin, size, "a checkpoint is cosigned");
        (StatusCode::OK, TEXT, lines)
    }

    /// The checkpoint that was cosigned last, of the log whose origin has this hash.
    fn last(&self, hash: &str) -> Answer {
        let state = self.state.lock();
        let mut logs = state.logs();
        let found = logs.find(|(origin, _)| hex(origin) == hash);
        match found {
            Some((_, seen)) => (StatusCode::OK, TEXT, seen.checkpoint.clone()),
            None => unknown(),
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let path = request.uri().path().to_owned();
        match (request.method(), path.as_str()) {
            (&Method::POST, "/add-checkpoint") => {
                let body = Limited::new(request.into_body(), LARGEST).collect();
                match tokio::time::timeout(PATIENCE, body).await {
                    Ok(Ok(body)) => self.add(&body.to_bytes()),
                    Ok(Err(_)) => {
                        let text = format!("a request has {LARGEST} bytes at most\n");
                        (StatusCode::PAYLOAD_TOO_LARGE, TEXT, text)
                    }
                    Err(_) => {
                        let text = "the request did not arrive in time\n".to_owned();
                        (StatusCode::REQUEST_TIMEOUT, TEXT, text)
                    }
                }
            }
            (_, "/add-checkpoint") => {
                let text = "checkpoints are posted\n".to_owned();
                (StatusCode::METHOD_NOT_ALLOWED, TEXT, text)
            }
            (&Method::GET, path) => {
                let hash = path.strip_prefix('/');
                let hash = hash.and_then(|it| it.strip_suffix("/checkpoint"));
                hash.map_or_else(unknown, |it| self.last(it))
            }
            (_, _) => unknown(),
        }
    }
}

fn unknown() -> Answer {
    let text = "nothing is here\n".to_owned();
    (StatusCode::NOT_FOUND, TEXT, text)
}

fn refused(refusal: &Refused) -> Answer {
    let status = StatusCode::from_u16(refusal.status());
    let kind = match refusal {
        Refused::SawAnother(_) => SIZE,
        Refused::Request(_)
        | Refused::Backwards { .. }
        | Refused::UnknownLog(_)
        | Refused::Unsigned(_)
        | Refused::Inconsistent(_) => TEXT,
    };
    let status = status.unwrap_or(StatusCode::BAD_REQUEST);
    (status, kind, refusal.body())
}

/// The hash that a log's checkpoint is asked for by.
fn hex(origin: &str) -> String {
    let hash = tree::Hash::plain(origin.as_bytes());
    hash.0.iter().map(|it| format!("{it:02x}")).collect()
}

/// Answers until it is cancelled; requests that are being answered are answered.
///
/// # Errors
/// When the listener is lost.
pub async fn serve(
    listener: TcpListener,
    witness: Witness,
    stop: CancellationToken,
) -> io::Result<()> {
    let witness = Arc::new(witness);
    let turns = Arc::new(Semaphore::new(CALLERS));
    let mut callers = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        while callers.try_join_next().is_some() {}
        let accepted = match accepted {
            Err(error) if is_lost(&error) => return Err(error),
            accepted => accepted,
        };
        let (Ok((stream, _)), Ok(turn)) = (accepted, Arc::clone(&turns).try_acquire_owned()) else {
            // Too many at a time, or no descriptor left: the next one waits a moment.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (witness, stop) = (Arc::clone(&witness), stop.clone());
        callers.spawn(async move {
            let _turn = turn;
            let answer = service_fn(|request| {
                let witness = Arc::clone(&witness);
                async move { Ok::<_, Infallible>(response(witness.answer(request).await)) }
            });
            let mut server = http1::Builder::new();
            server
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE);
            let mut connection =
                std::pin::pin!(server.serve_connection(TokioIo::new(stream), answer));
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a caller's connection broke");
            }
        });
    }
    while callers.join_next().await.is_some() {}
    Ok(())
}

fn response((status, kind, text): Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
