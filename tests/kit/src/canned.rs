//! A server that gives the answers it was told to, in order: for what no emulator answers.

use std::net::Ipv4Addr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Serves the answers in order, each a status and a body in XML, one connection each. Gives the
/// endpoint, and a task that ends with the bodies of the requests once all answers are given.
///
/// # Panics
/// When this machine has no free port. The task panics when a client goes before its request is
/// whole.
pub async fn serve(answers: Vec<(u16, String)>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let endpoint = format!(
        "http://{}",
        listener.local_addr().expect("address of a bound socket")
    );
    let serving = tokio::spawn(async move {
        let mut asked = Vec::new();
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            asked.push(request(&mut stream).await.expect("a whole request"));
            let head = format!(
                "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Type: text/xml\r\nx-amzn-RequestId: req-1\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let sent = stream.write_all((head + &body).as_bytes()).await;
            sent.expect("a client that waits for its answer");
        }
        asked
    });
    (endpoint, serving)
}

/// Reads one whole request and gives its body; `None` when the client has gone.
pub async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(body.to_owned());
            }
        }
        let mut more = [0; 4096];
        match stream.read(&mut more).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&more[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http;

    #[tokio::test]
    async fn the_answers_come_in_order_and_the_questions_are_kept() {
        let answers = vec![(200, "<one/>".to_owned()), (503, "<two/>".to_owned())];
        let (endpoint, serving) = serve(answers).await;
        let port = endpoint.rsplit(':').next().unwrap().parse().unwrap();
        let first = http::ask(port, "POST", "/", "first").await;
        assert_eq!(first, Some((200, "<one/>".to_owned())));
        let second = http::ask(port, "POST", "/", "second").await;
        assert_eq!(second, Some((503, "<two/>".to_owned())));
        assert_eq!(serving.await.unwrap(), ["first", "second"]);
    }
}
