//! `Backup/Read`: the log's records as they are, for whoever may do everything. No call of
//! KurrentDB's, which has none for it.
//!
//! What is read ends where the log ended when the call came. It is read page by page, so that a
//! slow reader holds one page; scavenges wait meanwhile, and a reader that takes nothing for a
//! while loses its turn. There is one backup at a time.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Poll, ready},
    time::Duration,
};

use backup::wire::{BUSY, Begun, METHOD, ReadReply, ReadRequest, SERVICE};
use futures::future::BoxFuture;
use tokio::sync::{Semaphore, mpsc};
use tonic::{
    Code, Request, Response, Status,
    codec::ProstCodec,
    server::{Grpc, NamedService, ServerStreamingService},
};

use super::{Context, Replies, status};
use crate::{
    log,
    model::Position,
    read::{ReadError, Reader},
};

/// A page ends at so many bytes.
const PAGE: usize = 512 << 10;
/// How long a reader may leave a page where it is.
const PATIENCE: Duration = Duration::from_secs(60);
/// More anchors than any backup has.
const MOST_ANCHORS: usize = 16;

/// The one turn that there is, and how long a reader may do nothing with it. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Backups {
    turn: Arc<Semaphore>,
    patience: Duration,
}

impl Default for Backups {
    fn default() -> Self {
        Self {
            turn: Arc::new(Semaphore::new(1)),
            patience: PATIENCE,
        }
    }
}

#[derive(Clone)]
pub(super) struct Service(pub(super) Arc<Context>);

impl Service {
    async fn read(&self, request: Request<ReadRequest>) -> Result<Replies<ReadReply>, Status> {
        let Context {
            guard,
            backups,
            quiet,
            reader,
            ..
        } = &*self.0;
        let allowed = guard.administer(&status::who(&request));
        allowed.map_err(|denied| status::denied(&denied))?;
        let ReadRequest { from, anchors } = request.into_inner();
        if anchors.len() > MOST_ANCHORS {
            return Err(Status::invalid_argument("Too many anchors."));
        }
        let turn = Arc::clone(&backups.turn).try_acquire_owned();
        let turn = turn.map_err(|_| busy())?;
        let shutdown = reader.shutdown_token();
        let held = shutdown.run_until_cancelled(quiet.hold()).await;
        let held = held.ok_or_else(status::shutting_down)?;
        let end = reader.end();
        let anchors = reader.anchors(anchors).await;
        let begun = Begun {
            end: end.get(),
            log_format: log::FORMAT,
            anchors: anchors.map_err(|error| status::read_failed(&error))?,
        };
        let (to, replies) = mpsc::channel(1);
        let pages = Pages {
            reader: reader.clone(),
            to,
            patience: backups.patience,
        };
        tokio::spawn(async move {
            let until_then = (turn, held);
            let sent = pages.send(begun, Position::new(from), end);
            let sent = shutdown.run_until_cancelled(sent).await;
            // Whoever hears that all came may ask for the next one.
            drop(until_then);
            if let Some(Ok(())) = sent {
                pages.finish().await;
            }
        });
        Ok(taken(replies, reader.clone()))
    }
}

fn busy() -> Status {
    status::with_trailers(
        Code::ResourceExhausted,
        "Another backup is being read of this node; there is one at a time.",
        &[(backup::wire::EXCEPTION, BUSY)],
    )
}

/// What sends the pages of one backup.
struct Pages {
    reader: Reader,
    to: mpsc::Sender<Result<ReadReply, Status>>,
    patience: Duration,
}

/// It cannot be read, or nobody takes it: nothing more is sent.
struct Ended;

impl Pages {
    async fn send(&self, begun: Begun, from: Position, end: Position) -> Result<(), Ended> {
        let begun = ReadReply {
            begun: Some(begun),
            ..ReadReply::default()
        };
        self.put(Ok(begun)).await?;
        let mut from = Some(from.max(Position::FIRST));
        while let Some(at) = from {
            let page = match self.reader.frames(at, end, PAGE).await {
                Ok((frames, next)) => {
                    from = next;
                    Ok(ReadReply {
                        frames,
                        ..ReadReply::default()
                    })
                }
                Err(error) => Err(status::read_failed(&error)),
            };
            let failed = page.is_err();
            self.put(page).await?;
            if failed {
                return Err(Ended);
            }
        }
        Ok(())
    }

    async fn finish(self) {
        let done = ReadReply {
            done: true,
            ..ReadReply::default()
        };
        // Whoever asked may have gone.
        let _ = self.put(Ok(done)).await;
    }

    async fn put(&self, reply: Result<ReadReply, Status>) -> Result<(), Ended> {
        let put = self.to.send_timeout(reply, self.patience).await;
        put.map_err(|_| Ended)
    }
}

/// The pages, as they are taken. If they end too early, that is said.
fn taken(
    mut replies: mpsc::Receiver<Result<ReadReply, Status>>,
    reader: Reader,
) -> Replies<ReadReply> {
    let mut is_over = false;
    Box::pin(futures::stream::poll_fn(move |cx| {
        if is_over {
            return Poll::Ready(None);
        }
        let reply = match ready!(replies.poll_recv(cx)) {
            Some(reply) => reply,
            None if reader.shutdown_token().is_cancelled() => {
                Err(status::read_failed(&ReadError::ShuttingDown))
            }
            None => Err(Status::deadline_exceeded(
                "The backup was not read for too long.",
            )),
        };
        is_over = !matches!(&reply, Ok(reply) if !reply.done);
        Poll::Ready(Some(reply))
    }))
}

impl ServerStreamingService<ReadRequest> for Service {
    type Response = ReadReply;
    type ResponseStream = Replies<ReadReply>;
    type Future = BoxFuture<'static, Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<ReadRequest>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { service.read(request).await.map(Response::new) })
    }
}

impl NamedService for Service {
    const NAME: &'static str = SERVICE;
}

/// What the compiler of protocols would make of it.
impl tower::Service<http::Request<tonic::body::Body>> for Service {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            if request.uri().path() != METHOD {
                return Ok(Status::unimplemented("").into_http());
            }
            let codec = ProstCodec::<ReadReply, ReadRequest>::default();
            Ok(Grpc::new(codec).server_streaming(service, request).await)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{Engine, Settings, SystemProjections},
        log::{Group, Log, MemoryLog},
        model::{NewEvent, StreamName, Ticks, encode_event},
        source::{random_ids, wall_clock},
    };
    use bytes::Bytes;
    use futures::StreamExt as _;
    use tokio_util::sync::CancellationToken;
    use uuid::Uuid;

    /// A log of records that fill a page each.
    fn log(records: u64) -> Arc<dyn Log> {
        let (log, mut position) = (MemoryLog::default(), Position::FIRST);
        for number in 0..records {
            let event = NewEvent {
                id: Uuid::from_u128(number.into()),
                event_type: "Large".into(),
                is_json: false,
                data: Bytes::from(vec![7; PAGE]),
                metadata: Bytes::new(),
            };
            let record = encode_event(&StreamName::new("s"), number, Ticks(0), &event);
            let at = position;
            position = at.after(record.len());
            let group = Group {
                records: vec![(at, record)],
                ..Group::default()
            };
            log.commit(group).unwrap();
        }
        Arc::new(log)
    }

    fn reader(log: Arc<dyn Log>, shutdown: CancellationToken) -> (Reader, Engine) {
        let settings = Settings {
            clock: wall_clock(),
            new_id: random_ids(),
            projections: SystemProjections::Off,
        };
        let engine = Engine::start(log.clone(), settings).unwrap();
        let reader = Reader::new(log, &engine, wall_clock(), random_ids(), shutdown);
        (reader, engine)
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_loses_its_turn_and_is_told_that_not_all_came() {
        let (reader, _engine) = reader(log(10), CancellationToken::new());
        let (to, replies) = mpsc::channel(1);
        let pages = Pages {
            reader: reader.clone(),
            to,
            patience: Duration::from_millis(20),
        };
        let end = reader.end();
        let sent = tokio::spawn(async move {
            let sent = pages.send(Begun::default(), Position::START, end).await;
            sent.is_ok()
        });
        let mut taken = taken(replies, reader);
        assert!(taken.next().await.unwrap().unwrap().begun.is_some());
        assert!(!sent.await.unwrap(), "it does not wait for ever");
        let mut pages = 0;
        let status = loop {
            match taken.next().await.unwrap() {
                Ok(page) => pages += u32::from(!page.frames.is_empty()),
                Err(status) => break status,
            }
        };
        assert!(pages < 3, "only a page or two is held: {pages}");
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert!(taken.next().await.is_none());
    }

    #[tokio::test]
    async fn a_page_is_never_larger_than_its_bound_and_a_record() {
        let (reader, _engine) = reader(log(4), CancellationToken::new());
        let (mut from, mut pages) = (Some(Position::START), 0);
        while let Some(at) = from {
            let page = reader.frames(at, reader.end(), PAGE).await.unwrap();
            assert!(page.0.len() < 2 * PAGE + 200);
            (from, pages) = (page.1, pages + 1);
        }
        assert!((4..=5).contains(&pages), "{pages}");
    }
}
