//! A listener that is gone ends its process: nobody is left with a door that opens no more.

use crate::support::SOON;
use peerage_tests::{
    engine::{Launch, peerage},
    ports, preload,
    process::Running,
    wait,
};
use std::{fs, os::unix::net::UnixStream, path::PathBuf};
use tempfile::TempDir;
use tokio::net::TcpStream;

/// What loses listeners, and where it is told which.
struct Loss {
    folder: TempDir,
    library: PathBuf,
}

impl Loss {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let library = preload::library(folder.path(), "listeners", include_str!("listeners.c"));
        Self { folder, library }
    }

    fn told(&self) -> PathBuf {
        self.folder.path().join("lost")
    }

    fn environment(&self) -> [(&'static str, String); 2] {
        let text = |it: PathBuf| it.into_os_string().into_string().unwrap();
        [
            ("LD_PRELOAD", text(self.library.clone())),
            ("LOST_LISTENER", text(self.told())),
        ]
    }

    /// Somebody knocks at one that is gone: what the process says at its end.
    async fn comes(&self, lost: &str, mut process: Running, knock: impl Fn() -> bool) -> String {
        wait::until("it listens", SOON, || {
            let listens = knock();
            async move { listens.then_some(()) }
        })
        .await;
        assert!(process.ended().is_none(), "{}", process.output());
        fs::write(self.told(), lost).unwrap();
        // Whoever listens in vain may be asked once more before it is told.
        let ended = wait::until("its end", SOON, || {
            knock();
            let ended = process.ended();
            async move { ended }
        })
        .await;
        fs::remove_file(self.told()).unwrap();
        let printed = process.output();
        assert_eq!(ended.code(), Some(1), "{printed}");
        assert!(printed.contains("Bad file descriptor"), "{printed}");
        printed
    }
}

fn calls(port: u16) -> impl Fn() -> bool {
    move || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[tokio::test]
async fn an_engine_ends_with_its_cause_when_its_api_its_probes_or_the_store_inside_listen_no_more()
{
    let loss = Loss::new();
    for (lost, named) in [
        ("api", "the API's listener"),
        ("probes", "the port for probes"),
        ("store", "its listener"),
        ("socket", "the API's listener"),
    ] {
        let data = TempDir::new().unwrap();
        let (probes, store) = (ports::free(), ports::free());
        let mut launch = Launch::new(data.path())
            .own_store()
            .set("probes.listen", &format!("127.0.0.1:{probes}"))
            .set("store.embedded_listen", &format!("127.0.0.1:{store}"));
        for (name, value) in loss.environment() {
            launch = launch.env(name, &value);
        }
        let socket = data.path().join("api.sock");
        if lost == "socket" {
            launch = launch.listening(&format!("unix://{}", socket.display()));
        }
        let port = match lost {
            "probes" => probes,
            "store" => store,
            _ => launch.port(),
        };
        let engine = launch.start_guarded().await;
        let printed = if lost == "socket" {
            let knock = || UnixStream::connect(&socket).is_ok();
            loss.comes("api.sock", engine.process, knock).await
        } else {
            let at = port.to_string();
            loss.comes(&at, engine.process, calls(port)).await
        };
        assert!(printed.contains(named), "{lost}: {printed}");
    }
}

#[tokio::test]
async fn a_node_ends_with_its_cause_when_its_port_or_its_socket_for_backups_listens_no_more() {
    let loss = Loss::new();
    for (lost, named) in [
        ("port", "its listener"),
        ("socket", "the listener in its data directory"),
    ] {
        let data = TempDir::new().unwrap();
        let port = ports::free();
        let mut command = peerage();
        command.args(["node", "--listen", &format!("127.0.0.1:{port}"), "--data"]);
        command.arg(data.path()).envs(loss.environment());
        let mut process = Running::start("node", &mut command);
        let reached = || async move { TcpStream::connect(("127.0.0.1", port)).await.ok() };
        process.until_ready(SOON, reached).await;
        let socket = data.path().join("backup.sock");
        let printed = if lost == "port" {
            loss.comes(&port.to_string(), process, calls(port)).await
        } else {
            let knock = || UnixStream::connect(&socket).is_ok();
            loss.comes("backup.sock", process, knock).await
        };
        assert!(printed.contains(named), "{lost}: {printed}");
    }
}
