//! Free ports for child processes. Servers in this process bind port 0 themselves and say where
//! they are.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::Ipv4Addr;
use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpSocket;

/// Below the ports that systems give to outgoing connections (Linux: from 32768 on, others: from
/// 49152): one of those could take a port between its choice and its use.
const PORTS: Range<u16> = 10_000..32_000;

/// Counts through the range from a place by chance, so that no port is given twice, and test
/// processes keep out of each other's way.
static NEXT: LazyLock<AtomicU64> =
    LazyLock::new(|| AtomicU64::new(RandomState::new().hash_one("ports") >> 1));

/// A loopback port that nothing listens on, and that nobody else was given.
///
/// # Panics
/// When the machine has no free port left.
#[must_use]
pub fn free() -> u16 {
    let next = |_| {
        let turn = NEXT.fetch_add(1, Ordering::Relaxed) % PORTS.len() as u64;
        PORTS.start + u16::try_from(turn).expect("a place in the range")
    };
    PORTS
        .map(next)
        .find(|port| is_free(*port))
        .expect("a free loopback port")
}

/// Without listening: a process that is started meanwhile has a copy of the socket until its own
/// program runs, and whoever called there would be taken in.
fn is_free(port: u16) -> bool {
    let is_bound = || -> io::Result<()> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind((Ipv4Addr::LOCALHOST, port).into())
    };
    is_bound().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_free_port_can_be_bound_and_is_no_ones_else() {
        let ports: Vec<u16> = (0..100).map(|_| free()).collect();
        assert!(ports.iter().all(|port| PORTS.contains(port)), "{ports:?}");
        assert_eq!(
            ports.iter().collect::<BTreeSet<_>>().len(),
            ports.len(),
            "{ports:?}"
        );
    }

    /// As it is while another process begins, with a copy of the socket.
    #[test]
    fn nobody_is_taken_in_at_a_port_that_is_looked_at() {
        let port = free();
        let calls = std::thread::spawn(move || {
            let mut calls = (0..2000).map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)));
            calls.all(|it| it.is_err())
        });
        while !calls.is_finished() {
            assert!(is_free(port));
        }
        assert!(calls.join().unwrap());
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_not_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, free())).unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
    }
}
