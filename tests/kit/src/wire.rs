//! A bad wire in front of an HTTP server on loopback: requests are lost, come twice or late, or are
//! refused by a front end; answers are lost.
//!
//! Which request meets with something is drawn from a number that is given, and by the requests
//! before it: a story is told the same way each time, and no two tries of one thing meet with the
//! same for ever. What it meets with is the next of its kind's own list, so each of them happens in
//! every longer story.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// The connection ends before the server has seen anything.
    Reset,
    /// The server does it, and the connection ends without an answer.
    AnswerLost,
    /// The server does it, and a front end says 500 in its place.
    AnswerSpoilt,
    /// The server gets it twice, and the second answer counts.
    Twice,
    /// It takes a while.
    Slow,
    /// A front end says 503, and the server has seen nothing.
    Unavailable,
    /// A front end says 429 and how long to wait, and the server has seen nothing.
    Throttled,
}

use Trouble::{AnswerLost, AnswerSpoilt, Reset, Slow, Throttled, Twice, Unavailable};

/// What happens to reads, in this order.
const OF_READS: [Trouble; 6] = [
    Unavailable,
    Reset,
    Slow,
    AnswerLost,
    Throttled,
    AnswerSpoilt,
];

/// What happens to changes, in this order.
const OF_CHANGES: [Trouble; 7] = [
    AnswerLost,
    Twice,
    Unavailable,
    Reset,
    AnswerSpoilt,
    Slow,
    Throttled,
];

/// How long a slow request takes more.
const A_WHILE: Duration = Duration::from_millis(40);

/// One of so many reads, and changes, has trouble.
const READS: u64 = 7;
const CHANGES: u64 = 2;

#[derive(Debug, Default)]
struct Behaviour {
    is_bad: bool,
    /// What the next draw is made from.
    seed: u64,
    reads: usize,
    changes: usize,
    /// Requests with one of these words in their path get no further.
    cut: Vec<String>,
    happened: BTreeMap<Trouble, usize>,
}

impl Behaviour {
    fn trouble(&mut self, method: &str, path: &str) -> Option<Trouble> {
        if self.cut.iter().any(|it| path.contains(it.as_str())) {
            return Some(Reset);
        }
        if !self.is_bad {
            return None;
        }
        // What is asked for with POST and changes nothing.
        let questions = ["/login/", ":test", "/listNetworkManager"];
        let is_read = method == "GET" || questions.iter().any(|it| path.contains(it));
        let drawn = self.draw();
        let (count, of, all): (&mut usize, u64, &[Trouble]) = if is_read {
            (&mut self.reads, READS, &OF_READS)
        } else {
            (&mut self.changes, CHANGES, &OF_CHANGES)
        };
        if !drawn.is_multiple_of(of) {
            return None;
        }
        let next = all[*count % all.len()];
        *count += 1;
        *self.happened.entry(next).or_default() += 1;
        Some(next)
    }

    /// The next number (`SplitMix64`).
    fn draw(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// The wire; it is gone with this.
#[derive(Debug)]
pub struct Wire {
    port: u16,
    behaviour: Arc<Mutex<Behaviour>>,
    serving: AbortHandle,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Wire {
    /// A good wire to `127.0.0.1:{behind}`.
    ///
    /// # Panics
    /// When this machine has no free port.
    pub async fn to(behind: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let port = listener.local_addr().expect("a bound socket").port();
        let behaviour = Arc::new(Mutex::new(Behaviour::default()));
        let shared = Arc::clone(&behaviour);
        let serving = tokio::spawn(async move {
            // Dropped with this task: connections do not outlive the wire.
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let behaviour = Arc::clone(&shared);
                connections.spawn(async move {
                    let _ = carry(near, behind, &behaviour).await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self {
            port,
            behaviour,
            serving: serving.abort_handle(),
        }
    }

    /// Where it begins, without a scheme.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// From now on it is bad, each number in its own way.
    pub fn goes_bad(&self, seed: u64) {
        let mut behaviour = self.behaviour.lock();
        behaviour.is_bad = true;
        behaviour.seed = seed;
    }

    /// From now on it is good.
    pub fn is_mended(&self) {
        let mut behaviour = self.behaviour.lock();
        behaviour.is_bad = false;
        behaviour.cut.clear();
    }

    /// From now on no request with this word in its path gets through.
    pub fn cut(&self, word: &str) {
        self.behaviour.lock().cut.push(word.to_owned());
    }

    /// How often each trouble has happened.
    #[must_use]
    pub fn happened(&self) -> BTreeMap<Trouble, usize> {
        self.behaviour.lock().happened.clone()
    }
}

async fn carry(
    mut near: TcpStream,
    behind: u16,
    behaviour: &Mutex<Behaviour>,
) -> std::io::Result<()> {
    near.set_nodelay(true)?;
    let mut far = None;
    let (mut asked, mut told) = (Vec::new(), Vec::new());
    while let Some(request) = message(&mut near, &mut asked, false).await? {
        let head = String::from_utf8_lossy(&request);
        let mut words = head.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let path = words.next().unwrap_or_default().to_owned();
        let is_last = head.to_ascii_lowercase().contains("connection: close");
        let trouble = behaviour.lock().trouble(&method, &path);
        match trouble {
            Some(Reset) => return Ok(()),
            Some(Unavailable) => {
                near.write_all(&front_end(503, "")).await?;
                if is_last {
                    return Ok(());
                }
                continue;
            }
            Some(Throttled) => {
                near.write_all(&front_end(429, "Retry-After: 1\r\n"))
                    .await?;
                if is_last {
                    return Ok(());
                }
                continue;
            }
            Some(Slow) => crate::wait::elapse(A_WHILE).await,
            Some(AnswerLost | AnswerSpoilt | Twice) | None => {}
        }
        let to = match &mut far {
            Some(far) => far,
            None => {
                let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, behind)).await?;
                stream.set_nodelay(true)?;
                far.insert(stream)
            }
        };
        let times = if trouble == Some(Twice) { 2 } else { 1 };
        let mut answer = None;
        for _ in 0..times {
            to.write_all(&request).await?;
            answer = message(to, &mut told, true).await?;
        }
        let Some(answer) = answer else {
            return Ok(());
        };
        match trouble {
            Some(AnswerLost) => return Ok(()),
            Some(AnswerSpoilt) => near.write_all(&front_end(500, "")).await?,
            Some(Reset | Twice | Slow | Unavailable | Throttled) | None => {
                near.write_all(&answer).await?;
            }
        }
        if is_last {
            return Ok(());
        }
    }
    Ok(())
}

/// An answer of something in between: it is no JSON.
fn front_end(status: u16, header: &str) -> Vec<u8> {
    let body = "<html><body>try again</body></html>";
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Type: text/html\r\n{header}");
    format!("{head}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// One whole message; `None` when the other end has gone. Bodies have a length, or there is none.
async fn message(
    stream: &mut TcpStream,
    bytes: &mut Vec<u8>,
    is_answer: bool,
) -> std::io::Result<Option<Vec<u8>>> {
    loop {
        let end = bytes.windows(4).position(|it| it == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            assert!(
                !is_answer || length.is_some() || head.contains(" 204 "),
                "an answer without a length: {head}"
            );
            let whole = end + 4 + length.unwrap_or(0);
            if bytes.len() >= whole {
                return Ok(Some(bytes.drain(..whole).collect()));
            }
        }
        let mut more = [0; 16384];
        let count = stream.read(&mut more).await?;
        if count == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&more[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A server that counts what reaches it, and the wire to it.
    async fn counted() -> (Wire, Arc<AtomicUsize>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let count = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&count);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let counts = Arc::clone(&counts);
                tokio::spawn(async move {
                    let mut bytes = Vec::new();
                    while let Ok(Some(_)) = message(&mut stream, &mut bytes, false).await {
                        let number = counts.fetch_add(1, Ordering::Relaxed) + 1;
                        let body = format!("answer {number}");
                        let length = body.len();
                        let answer =
                            format!("HTTP/1.1 200 X\r\nContent-Length: {length}\r\n\r\n{body}");
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        (Wire::to(port).await, count)
    }

    #[tokio::test]
    async fn a_good_wire_carries_every_request_once_and_brings_its_answer() {
        let (wire, count) = counted().await;
        for number in 1..=20 {
            let told = http::ask(wire.port, "POST", "/", "{}").await;
            assert_eq!(told, Some((200, format!("answer {number}"))));
        }
        assert_eq!(count.load(Ordering::Relaxed), 20);
        assert!(wire.happened().is_empty());
    }

    #[tokio::test]
    async fn a_bad_wire_does_to_changes_each_thing_that_wires_do_and_then_the_next() {
        let (wire, count) = counted().await;
        wire.goes_bad(0);
        let mut told = BTreeMap::new();
        for _ in 0..100 {
            let before = count.load(Ordering::Relaxed);
            let answer = http::ask(wire.port, "POST", "/", "{}").await;
            let carried = count.load(Ordering::Relaxed) - before;
            let met = (answer.map(|(status, _)| status), carried);
            *told.entry(met).or_insert(0) += 1;
        }
        let wanted = [
            (None, 0),
            (None, 1),
            (Some(200), 1),
            (Some(200), 2),
            (Some(429), 0),
            (Some(500), 1),
            (Some(503), 0),
        ];
        assert_eq!(told.keys().copied().collect::<Vec<_>>(), wanted);
        let happened = wire.happened();
        assert_eq!(happened.len(), OF_CHANGES.len());
        let times = happened.values().sum::<usize>();
        assert!((30..70).contains(&times), "{times} of 100");
        wire.is_mended();
        assert!(http::ask(wire.port, "POST", "/", "").await.is_some());
    }

    #[tokio::test]
    async fn what_is_cut_off_is_not_reached_and_the_rest_is() {
        let (wire, count) = counted().await;
        wire.cut("/one/");
        assert_eq!(http::ask(wire.port, "GET", "/one/a", "").await, None);
        assert!(http::ask(wire.port, "GET", "/other/a", "").await.is_some());
        assert_eq!(count.load(Ordering::Relaxed), 1);
        wire.is_mended();
        assert!(http::ask(wire.port, "GET", "/one/a", "").await.is_some());
    }
}
