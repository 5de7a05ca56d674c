//! The API over plain HTTP: requests with any head that a caller or a web page could send, in both
//! versions.

use super::SOON;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

/// Which version of HTTP a request is sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http1,
    Http2,
}

impl Version {
    pub(crate) const ALL: [Self; 2] = [Self::Http1, Self::Http2];
}

/// What a request says beside its body.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) verb: &'static str,
    pub(crate) path: String,
    /// `Host`, or `:authority`. Empty: the server's own.
    pub(crate) host: String,
    /// What it says besides, the content type too.
    pub(crate) fields: Vec<(&'static str, String)>,
}

impl Head {
    /// A call in JSON.
    pub(crate) fn json(path: &str) -> Self {
        Self::new("POST", path).with("content-type", "application/json")
    }

    pub(crate) fn new(verb: &'static str, path: &str) -> Self {
        Self {
            verb,
            path: path.to_owned(),
            host: String::new(),
            fields: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.fields.push((name, value.to_owned()));
        self
    }

    pub(crate) fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }
}

/// Everything of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// Empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The answer of a call that had to succeed.
    pub(crate) fn done(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        self.json()
    }

    /// The detail of an error of this type.
    pub(crate) fn detail(&self, name: &str) -> Value {
        let wanted = format!("type.googleapis.com/google.rpc.{name}");
        let body = self.json();
        let details = body["details"].as_array().cloned().unwrap_or_default();
        let found = details.into_iter().find(|it| it["@type"] == wanted);
        found.unwrap_or_else(|| panic!("no {name} in {body}"))
    }

    pub(crate) fn reason(&self) -> String {
        self.detail("ErrorInfo")["reason"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// Sends a request to the engine at this URL over a connection of its own; the body is still to
/// be read, and the connection ends with the answer.
pub(crate) async fn send(
    server: &str,
    version: Version,
    head: &Head,
    body: impl Into<Bytes>,
) -> Response<Incoming> {
    let own = server.parse::<Uri>().unwrap();
    let own = own.authority().unwrap().as_str();
    let host = if head.host.is_empty() {
        own
    } else {
        &head.host
    };
    let mut request = Request::builder().method(head.verb);
    request = match version {
        Version::Http1 => request.uri(&head.path).header(header::HOST, host),
        Version::Http2 => request.uri(format!("http://{host}{}", head.path)),
    };
    for (name, value) in &head.fields {
        request = request.header(*name, value);
    }
    let request = request.body(Full::new(body.into())).unwrap();
    let stream = TcpStream::connect(own).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let io = TokioIo::new(stream);
    let answer = async {
        match version {
            Version::Http1 => {
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(io).await.unwrap();
                tokio::spawn(connection);
                sender.send_request(request).await.unwrap()
            }
            Version::Http2 => {
                let executor = TokioExecutor::new();
                let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
                    .await
                    .unwrap();
                tokio::spawn(connection);
                sender.send_request(request).await.unwrap()
            }
        }
    };
    timeout(SOON, answer).await.expect("an answer in time")
}

/// The same, to the answer's end.
pub(crate) async fn ask(
    server: &str,
    version: Version,
    head: &Head,
    body: impl Into<Bytes>,
) -> Answer {
    let (head, body) = send(server, version, head, body).await.into_parts();
    let body = timeout(SOON, body.collect()).await.expect("an end in time");
    Answer {
        status: head.status,
        headers: head.headers,
        body: body.unwrap().to_bytes(),
    }
}

/// Calls a method in JSON.
pub(crate) async fn call(server: &str, method: &str, request: &Value) -> Answer {
    let head = Head::json(&format!("/peerage.v1.{method}"));
    ask(server, Version::Http1, &head, request.to_string()).await
}

/// The lines of a stream, as they come.
#[derive(Debug)]
pub(crate) struct Lines {
    body: Incoming,
    rest: Vec<u8>,
}

impl Lines {
    pub(crate) fn of(answer: Response<Incoming>) -> Self {
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(
            answer.headers()[header::CONTENT_TYPE],
            "application/x-ndjson"
        );
        Self {
            body: answer.into_body(),
            rest: Vec::new(),
        }
    }

    /// The next line; `None` when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<_> = self.rest.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            let frame = timeout(SOON, self.body.frame())
                .await
                .expect("a line in time")?;
            if let Ok(data) = frame.unwrap().into_data() {
                self.rest.extend_from_slice(&data);
            }
        }
    }

    /// The first line for which this holds.
    pub(crate) async fn until(&mut self, holds: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.next().await.expect("the stream goes on");
            if holds(&line) {
                return line;
            }
        }
    }
}
