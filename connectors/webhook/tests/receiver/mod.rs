//! A receiver that does as it is told: it reads a whole request, keeps it, and answers with bytes
//! of the test's choice, whether they are HTTP or not.
#![allow(dead_code, reason = "each of the tests uses a part of it")]

use parking_lot::Mutex;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Which connection it came over, from 1.
    pub(crate) connection: usize,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(it, _)| it.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// What follows the bytes of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    /// The next request.
    Next,
    /// The end of the connection.
    Close,
    /// A reset of it.
    Reset,
    /// Nothing, and no end.
    Hang,
    /// The same bytes again, for ever.
    Again,
}

#[derive(Clone, Debug)]
pub(crate) struct Reply(pub(crate) Vec<u8>, pub(crate) Then);

impl Reply {
    /// A whole answer.
    pub(crate) fn whole(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        let text =
            format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}");
        Self(text.into(), Then::Next)
    }

    pub(crate) fn raw(bytes: &str, then: Then) -> Self {
        Self(bytes.into(), then)
    }
}

pub(crate) struct Receiver {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub(crate) async fn start(reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(None, reply).await
    }

    pub(crate) async fn with(
        tls: Option<TlsAcceptor>,
        reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let (kept, counted, reply) = (Arc::clone(&seen), Arc::clone(&connections), Arc::new(reply));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *counted.lock() += 1;
                let number = *counted.lock();
                let (kept, reply, tls) = (Arc::clone(&kept), Arc::clone(&reply), tls.clone());
                tokio::spawn(async move {
                    let reply = |mut seen: Seen| {
                        seen.connection = number;
                        kept.lock().push(seen.clone());
                        reply(&seen)
                    };
                    match tls {
                        None => serve_plain(stream, reply).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, reply).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            port,
            seen,
            connections,
            task,
        }
    }

    /// Always the same whole answer.
    pub(crate) async fn answering(status: u16) -> Self {
        Self::start(move |_| Reply::whole(status, "", "")).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock()
    }
}

async fn serve_plain(stream: TcpStream, reply: impl Fn(Seen) -> Reply) {
    if let Some(stream) = serve(stream, reply).await {
        // With nothing to linger for, the close is a reset.
        let _ = stream.set_zero_linger();
    }
}

/// Answers until something else follows. The stream comes back when it is to be reset.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    reply: impl Fn(Seen) -> Reply,
) -> Option<S> {
    let mut buffer = Vec::new();
    loop {
        let seen = request(&mut stream, &mut buffer).await?;
        let Reply(bytes, then) = reply(seen);
        stream.write_all(&bytes).await.ok()?;
        stream.flush().await.ok()?;
        match then {
            Then::Next => {}
            Then::Close => {
                let _ = stream.shutdown().await;
                return None;
            }
            Then::Reset => return Some(stream),
            Then::Hang => {
                let mut end = [0; 16];
                while stream.read(&mut end).await.ok()? > 0 {}
                return None;
            }
            Then::Again => loop {
                stream.write_all(&bytes).await.ok()?;
                tokio::task::yield_now().await;
            },
        }
    }
}

async fn request<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> Option<Seen> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|it| it == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut seen = Seen {
        method,
        target,
        headers,
        ..Seen::default()
    };
    let length: usize = seen
        .header("content-length")
        .map_or(0, |it| it.parse().unwrap());
    while buffer.len() < end + 4 + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    seen.body = buffer[end + 4..end + 4 + length].to_vec();
    buffer.drain(..end + 4 + length);
    Some(seen)
}
