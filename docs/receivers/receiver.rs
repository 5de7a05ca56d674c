//! A receiver of Peerage's webhooks: it verifies, keeps order in sight, and takes each event once.
//!
//! ```text
//! WEBHOOK_KEYS="whsec_..." PORT=8080 cargo run -p peerage-webhook --example receiver
//! ```
//!
//! Several keys, separated by spaces, are good at the same time: that is how a key is changed. A
//! key that begins with `whpk_` is a public one (v1a).
#![allow(
    clippy::disallowed_methods,
    missing_debug_implementations,
    reason = "a program of its own reads its environment and the clock, and shows no key"
)]

use aws_lc_rs::{
    hmac,
    signature::{ED25519, UnparsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    env, io,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::net::TcpListener;

/// How far the clocks of sender and receiver may be apart, in seconds. An older message could be a
/// recorded one.
const TOLERANCE: u64 = 300;

/// The largest body that is read.
const LARGEST: usize = 1024 * 1024;

/// A key that verifies.
pub enum Key {
    /// `whsec_…`
    Secret(Vec<u8>),
    /// `whpk_…`
    Public(UnparsedPublicKey<Vec<u8>>),
}

impl Key {
    /// Reads a key in its written form.
    pub fn parse(written: &str) -> Option<Self> {
        let (kind, encoded) = written.split_once('_')?;
        let raw = STANDARD.decode(encoded).ok()?;
        match kind {
            "whsec" => Some(Self::Secret(raw)),
            "whpk" => Some(Self::Public(UnparsedPublicKey::new(&ED25519, raw))),
            _ => None,
        }
    }

    fn matches(&self, version: &str, given: &[u8], content: &[u8]) -> bool {
        match self {
            Self::Secret(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                version == "v1" && hmac::verify(&key, content, given).is_ok()
            }
            Self::Public(key) => version == "v1a" && key.verify(content, given).is_ok(),
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

/// Holds the signatures against every key, and gives the message's id. `body` is what came over the
/// wire, byte by byte: never parse it before.
fn verify<'a>(keys: &[Key], headers: &'a HeaderMap, body: &[u8]) -> Result<&'a str, &'static str> {
    let (id, timestamp) = (
        header(headers, "webhook-id"),
        header(headers, "webhook-timestamp"),
    );
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |it| it.as_secs());
    let is_now = timestamp
        .parse::<u64>()
        .is_ok_and(|at| at.abs_diff(now) <= TOLERANCE);
    if id.is_empty() || !is_now {
        return Err("no id, or too old or too new");
    }
    let content = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    let is_known = header(headers, "webhook-signature")
        .split(' ')
        .any(|signature| {
            let (version, encoded) = signature.split_once(',').unwrap_or_default();
            let given = STANDARD.decode(encoded).unwrap_or_default();
            keys.iter()
                .any(|key| key.matches(version, &given, &content))
        });
    if is_known {
        Ok(id)
    } else {
        Err("no signature of a key that is known")
    }
}

/// What was taken. Keep it where your effects are, in the same transaction: then each event has its
/// effect exactly once.
#[derive(Default)]
struct Lanes {
    taken: HashSet<String>,
    last: HashMap<String, u64>,
}

impl Lanes {
    fn take(&mut self, id: &str, headers: &HeaderMap, body: Value) -> String {
        let events = match body.as_array() {
            Some(events) => events.clone(),
            None => vec![body],
        };
        let lane = header(headers, "peerage-lane").to_owned();
        let sequence = header(headers, "peerage-lane-sequence")
            .parse::<u64>()
            .unwrap_or(0);
        let first = (sequence + 1).saturating_sub(events.len() as u64);
        let is_new = |event: &Value| {
            self.taken
                .insert(event["id"].as_str().unwrap_or(id).to_owned())
        };
        let new: Vec<Value> = events.into_iter().filter(is_new).collect();
        let mut said = if new.is_empty() { "repeat" } else { "accepted" }.to_owned();
        // A replay repeats what was there before, outside of the order. Of a batch the number is
        // its last record's.
        if header(headers, "peerage-replay") != "true" && !new.is_empty() {
            let expected = self.last.get(&lane).map_or(first, |last| last + 1);
            if first > expected {
                said = format!("accepted after a gap: expected {expected}");
            }
            let last = self.last.entry(lane.clone()).or_default();
            *last = sequence.max(*last);
        }
        for event in new {
            // Your effect goes here.
            println!(
                "{}",
                json!({ "lane": lane, "sequence": sequence, "event": event })
            );
        }
        said
    }
}

async fn receive(keys: &[Key], lanes: &Mutex<Lanes>, request: Request<Incoming>) -> (u16, String) {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST).collect().await else {
        // This record is parked.
        return (413, "too large".to_owned());
    };
    let body = body.to_bytes();
    let id = match verify(keys, &head.headers, &body) {
        Ok(id) => id,
        // The connector pauses: no record is to blame.
        Err(why) => return (401, why.to_owned()),
    };
    match serde_json::from_slice(&body) {
        Ok(event) => (200, lanes.lock().take(id, &head.headers, event)),
        // This record is parked.
        Err(_) => (400, "not JSON".to_owned()),
    }
}

/// Receives until the listener ends.
pub async fn serve(listener: TcpListener, keys: Vec<Key>) -> io::Result<()> {
    let shared = Arc::new((keys, Mutex::new(Lanes::default())));
    loop {
        let (stream, _) = listener.accept().await?;
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(|request| async {
                let (keys, lanes) = &*shared;
                let (status, text) = receive(keys, lanes, request).await;
                let mut answer = Response::new(Full::new(Bytes::from(text)));
                *answer.status_mut() = status.try_into().unwrap_or_default();
                Ok::<_, Infallible>(answer)
            });
            // A sender that goes away in the middle comes again.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

#[tokio::main]
#[allow(dead_code, reason = "tests take the rest of this file without it")]
async fn main() -> io::Result<()> {
    let keys = env::var("WEBHOOK_KEYS").unwrap_or_default();
    let keys = keys.split(' ').filter_map(Key::parse).collect();
    let port = env::var("PORT").ok().and_then(|port| port.parse().ok());
    let listener = TcpListener::bind(("127.0.0.1", port.unwrap_or(0))).await?;
    println!("listening on {}", listener.local_addr()?.port());
    serve(listener, keys).await
}
