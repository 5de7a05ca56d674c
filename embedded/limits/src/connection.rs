//! A connection: what it says first, and when it ends.
//!
//! It has to say soon which version of HTTP it speaks, and over HTTP/1.1 each request's head is due
//! in time: one that opens connections and says nothing holds none of them for long. A TLS
//! handshake has as long. One without a call ends after a while, and soon where there are many.

use crate::{
    frames::Frames,
    load::{ARRIVAL, Load, WaitFor},
};
use bytes::Bytes;
use http_body::Body;
use hyper::{Request, Response, body::Incoming};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use std::{
    error::Error,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;

/// The most of an answer that waits for a caller to read it.
const UNREAD: usize = 64 << 10;

/// The most of a request's head over HTTP/1.1, and over HTTP/2.
const HEAD: usize = 64 << 10;
const HEADERS: u32 = 16 << 10;

/// What an HTTP/2 client says first.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Why a connection ended early.
pub type Ended = Box<dyn Error + Send + Sync>;

/// What is a server's own.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// A peer that is gone is noticed after these two.
    pub ping_interval: Duration,
    /// How long it may take to answer a ping.
    pub ping_timeout: Duration,
    /// Calls that a client may give up before they are looked at; more is taken for an attack.
    pub abandoned: usize,
    /// Whom a stop waits for.
    pub stop: WaitFor,
}

/// Opens a connection, unless the server stops before (then there is none), or it takes too long to
/// say what it wants.
pub async fn arrived<S: AsyncRead + Unpin, P>(
    opening: impl Future<Output = io::Result<(S, P)>>,
    load: &Load,
    stop: &CancellationToken,
) -> io::Result<Option<(Opened<S>, P)>> {
    let opening = async {
        let (stream, peer) = opening.await?;
        Ok((open(stream).await?, peer))
    };
    tokio::select! {
        opened = opening => opened.map(Some),
        () = load.run_out(ARRIVAL) => Err(io::ErrorKind::TimedOut.into()),
        () = stop.cancelled() => Ok(None),
    }
}

/// Serves a connection until it ends, is idle for too long, or does not read while the server has
/// no room for its answers; or in an orderly way from the stop on.
pub async fn converse<S, H, B>(
    opened: Opened<S>,
    service: H,
    load: &Load,
    terms: Terms,
    stop: &CancellationToken,
) -> Result<(), Ended>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
    H: hyper::service::Service<Request<Incoming>, Response = Response<B>>,
    H::Future: Send + 'static,
    H::Error: Into<Ended>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Ended>,
{
    let builder = builder(load, terms);
    let connection = builder.serve_connection(TokioIo::new(opened), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = load.unread() => return Err(io::Error::other("its answers are not read").into()),
        () = stop.cancelled() => {}
        () = load.idle() => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        ended = connection => ended,
        () = load.finished(terms.stop) => Ok(()),
    }
}

/// A connection that has said which version it speaks.
#[derive(Debug)]
pub struct Opened<S> {
    /// What it said, of which so much was given on.
    said: [u8; PREFACE.len()],
    given: usize,
    length: usize,
    /// Over HTTP/2.
    frames: Option<Frames>,
    stream: S,
}

async fn open<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<Opened<S>> {
    let mut said = [0; PREFACE.len()];
    let mut length = 0;
    while length < said.len() && said[..length] == PREFACE[..length] {
        match stream.read(&mut said[length..]).await? {
            0 => break,
            more => length += more,
        }
    }
    let frames = (said == *PREFACE && length == said.len()).then(Frames::default);
    Ok(Opened {
        frames,
        said,
        given: 0,
        length,
        stream,
    })
}

impl<S: AsyncRead + Unpin> AsyncRead for Opened<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (given, length) = (self.given, self.length);
        if given == length {
            let before = buffer.filled().len();
            let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
            let came = &buffer.filled()[before..];
            if self.frames.as_mut().is_some_and(|it| !it.take(came)) {
                let text = "it sends DATA frames without data";
                return Poll::Ready(Err(io::Error::other(text)));
            }
            return read;
        }
        let more = (length - given).min(buffer.remaining());
        buffer.put_slice(&self.said[given..given + more]);
        self.given += more;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opened<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

fn builder(load: &Load, terms: Terms) -> auto::Builder<TokioExecutor> {
    let (window, window_of_call) = load.windows();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(ARRIVAL)
        .max_buf_size(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(load.streams())
        .max_pending_accept_reset_streams(terms.abandoned)
        .initial_connection_window_size(window)
        .initial_stream_window_size(window_of_call)
        .max_header_list_size(HEADERS)
        .max_send_buf_size(UNREAD)
        .keep_alive_interval(terms.ping_interval)
        .keep_alive_timeout(terms.ping_timeout);
    builder
}
