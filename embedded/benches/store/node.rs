//! The node as a process of its own, or the stub: its memory and processor time are then its alone.
//! The process is this same program.

use crate::stub;
use peerage_embedded::{Durability, EmbeddedNode};
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::time::{interval, timeout};

/// The argument that makes this program a node, and the one that makes it the stub.
pub(crate) const NODE: &str = "node";
pub(crate) const STUB: &str = "stub";

const UNSYNCED: &str = "unsynced";

/// The kernel counts processor time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// Serves until the other process goes away.
pub(crate) async fn serve(data: &str, durability: &str) {
    let durability = if durability == UNSYNCED {
        Durability::Unsynced
    } else {
        Durability::Synced
    };
    let begun = Instant::now();
    let node = EmbeddedNode::builder()
        .data_dir(data)
        .durability(durability)
        .start()
        .await
        .unwrap();
    println!(
        "{} {}",
        begun.elapsed().as_micros(),
        node.connection_string()
    );
    left_alone().await;
    node.shutdown().await;
}

/// Serves the stub until the other process goes away.
pub(crate) async fn serve_stub(events: &str) {
    let address = stub::serve(events.parse().unwrap()).await;
    println!("0 kurrentdb://{address}?tls=false&discoveryInterval=0");
    left_alone().await;
}

async fn left_alone() {
    tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]))
        .await
        .unwrap()
        .unwrap();
}

pub(crate) struct NodeProcess {
    child: Child,
    pub(crate) connection_string: String,
    pub(crate) opened_in: Duration,
}

impl NodeProcess {
    pub(crate) fn start(data: &Path, durability: Durability) -> Self {
        let durability = if durability == Durability::Unsynced {
            UNSYNCED
        } else {
            "synced"
        };
        Self::run(&[NODE.as_ref(), data.as_ref(), durability.as_ref()])
    }

    /// A stub that gives so many events to each subscription.
    pub(crate) fn stub(events: usize) -> Self {
        Self::run(&[STUB.as_ref(), events.to_string().as_ref()])
    }

    fn run(arguments: &[&OsStr]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let (opened, connection_string) = line.trim().split_once(' ').expect("the node to serve");
        Self {
            child,
            connection_string: connection_string.to_owned(),
            opened_in: Duration::from_micros(opened.parse().unwrap()),
        }
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) {
        drop(self.child.stdin.take());
        tokio::task::spawn_blocking(move || self.child.wait())
            .await
            .unwrap()
            .unwrap();
    }

    /// Megabytes in memory.
    pub(crate) fn resident(&self) -> f64 {
        self.megabytes("VmRSS:")
    }

    /// The most megabytes it ever had in memory.
    pub(crate) fn peak(&self) -> f64 {
        self.megabytes("VmHWM:")
    }

    fn megabytes(&self, what: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(what))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1_024.0
    }

    /// Once it no longer changes, or after a while.
    pub(crate) async fn resident_when_idle(&self) -> f64 {
        let settled = async {
            let (mut look, mut last) = (interval(Duration::from_millis(500)), f64::MAX);
            loop {
                look.tick().await;
                let now = self.resident();
                if (now - last).abs() < 0.5 {
                    return;
                }
                last = now;
            }
        };
        let _ = timeout(Duration::from_secs(10), settled).await;
        self.resident()
    }

    /// The most it was over a time.
    pub(crate) async fn most_resident(&self, span: Duration) -> f64 {
        let (begun, mut look, mut most) =
            (Instant::now(), interval(Duration::from_millis(50)), 0.0_f64);
        while begun.elapsed() < span {
            look.tick().await;
            most = most.max(self.resident());
        }
        most
    }

    /// Waits until it has nothing left to do: what a fill leaves to be put in order is no cost of
    /// what comes after.
    pub(crate) async fn settled(&self) {
        let settled = async {
            let (mut look, mut last) = (interval(Duration::from_millis(700)), Duration::ZERO);
            loop {
                look.tick().await;
                let now = self.cpu();
                if now - last <= TICK {
                    return;
                }
                last = now;
            }
        };
        let _ = timeout(Duration::from_secs(30), settled).await;
    }

    /// Processor time so far.
    pub(crate) fn cpu(&self) -> Duration {
        cpu_of(&self.child.id().to_string())
    }
}

/// Processor time of this process so far: the client's.
pub(crate) fn own_cpu() -> Duration {
    cpu_of("self")
}

fn cpu_of(process: &str) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: u32 = fields[11].parse::<u32>().unwrap() + fields[12].parse::<u32>().unwrap();
    TICK * ticks
}
