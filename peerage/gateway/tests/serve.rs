//! The gateway on a real port: what connections may and may not do.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod support;

use peerage_gateway::{Gateway, Limits, Stop};
use std::{io, net::SocketAddr, time::Duration};
use support::Answer;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

async fn start() -> (SocketAddr, CancellationToken, JoinHandle<io::Result<()>>) {
    start_with(support::gateway()).await
}

async fn start_with(
    gateway: Gateway,
) -> (SocketAddr, CancellationToken, JoinHandle<io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let draining = CancellationToken::new();
    let stop = Stop {
        draining: draining.clone(),
        ..Stop::default()
    };
    let serving = peerage_gateway::serve(listener, gateway, Limits::default(), stop);
    (address, draining, tokio::spawn(serving))
}

#[tokio::test]
async fn both_http_versions_are_served_on_one_port() {
    let (address, draining, served) = start().await;
    let channel = Channel::from_shared(format!("http://{address}")).unwrap();
    let mut health = HealthClient::new(channel.connect().await.unwrap());
    health.check(HealthCheckRequest::default()).await.unwrap();

    let mut plain = TcpStream::connect(address).await.unwrap();
    let call = "POST /grpc.health.v1.Health/Check HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    for _ in 0..2 {
        plain.write_all(call.as_bytes()).await.unwrap();
        let mut answer = String::new();
        while !answer.ends_with("{\"status\":\"SERVING\"}") {
            let mut some = [0; 1024];
            let length = plain.read(&mut some).await.unwrap();
            assert_ne!(length, 0, "{answer}");
            answer.push_str(std::str::from_utf8(&some[..length]).unwrap());
        }
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }

    // Idle connections of both versions hold nothing up.
    draining.cancel();
    tokio::time::timeout(Duration::from_secs(10), served)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_does_not_say_what_it_wants_is_closed() {
    let (address, _, _) = start().await;
    for said in [
        "",
        "PRI * HTTP/2.0\r\n\r\n",
        "POST /grpc.health.v1.Health/Check HTTP/1.1\r\nHost: loc",
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), "", "{said:?}");
    }
}

#[tokio::test]
async fn a_call_ends_when_its_connection_does() {
    for (method, answer) in [("Check", Answer::Silent), ("Watch", Answer::Pending)] {
        let (service, dropped) = support::canned(answer);
        let called = CancellationToken::new();
        let heard = called.clone();
        let service = tower::ServiceBuilder::new()
            .map_request(move |request| {
                heard.cancel();
                request
            })
            .service(service);
        let (address, _, _) = start_with(support::canned_gateway(service)).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let call = format!(
            "POST /grpc.health.v1.Health/{method} HTTP/1.1\r\nHost: localhost\r\n\
             Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        stream.write_all(call.as_bytes()).await.unwrap();
        let within = Duration::from_secs(10);
        tokio::time::timeout(within, called.cancelled())
            .await
            .unwrap();
        assert!(!dropped.is_cancelled(), "{method}");
        drop(stream);
        tokio::time::timeout(within, dropped.cancelled())
            .await
            .unwrap();
    }
}
