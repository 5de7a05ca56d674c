//! A client that does nothing but send: the same bytes each time, so many at a time.

use crate::{receiver::Seen, role::say};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::io::BufRead as _;

/// The argument that makes a process this one.
pub const ROLE: &str = "bare";

/// Sends as often as each line of standard input says, so many at a time, to this URL; and says
/// when that is done. The first line is what it sends.
///
/// # Panics
/// When something is not taken.
pub async fn run(url: &str, at_a_time: usize) {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    say("ready");
    let mut lines = std::io::stdin().lock().lines().map_while(Result::ok);
    let seen: Seen = serde_json::from_str(&lines.next().expect("what to send")).expect("a request");
    let request = seen.request(url);
    while let Some(many) = tokio::task::block_in_place(|| lines.next()) {
        let many: usize = many.parse().expect("how many");
        let senders = (0..at_a_time).map(|sender| {
            let (client, request) = (client.clone(), request.clone());
            tokio::spawn(send(
                client,
                request,
                (sender..many).step_by(at_a_time).len(),
            ))
        });
        for sender in senders.collect::<Vec<_>>() {
            sender.await.expect("it is taken");
        }
        say("done");
    }
}

async fn send(
    client: Client<HttpConnector, Full<Bytes>>,
    request: Request<Full<Bytes>>,
    many: usize,
) {
    for _ in 0..many {
        let answer = client.request(request.clone()).await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.into_body().collect().await.expect("its body");
    }
}
