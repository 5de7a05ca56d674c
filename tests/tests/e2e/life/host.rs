//! Where an engine runs: as a user's process, or in this one, on a simulated cloud that outlives
//! it.
//!
//! Either way it has the same settings, the same data directory and the same command line in front
//! of it, and can be killed.

use futures::FutureExt;
use peerage::assembly::{Engine as Inside, Storage};
use peerage::clouds::Clouds;
use peerage::config::Config;
use peerage_tests::engine::{self, Engine, Finished, Launch};
use peerage_tests::wait;
use serde_json::Value;
use simulated::SimulatedCloud;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// How long an end, good or bad, may take on a busy machine.
const END: Duration = Duration::from_secs(30);

/// A running engine. Dropping it kills it hard.
#[derive(Debug)]
pub(super) enum Host {
    Process(Engine),
    Here(Box<Here>),
}

impl Host {
    /// The URL of its API.
    pub(super) fn server(&self) -> String {
        match self {
            Self::Process(engine) => engine.server(),
            Self::Here(here) => here.server.clone(),
        }
    }

    /// Runs a command of the command line against it.
    pub(super) async fn cli(&self, arguments: &[&str]) -> Finished {
        engine::ask(&self.server(), arguments).await
    }

    /// The same, with its answer as JSON.
    pub(super) async fn json(&self, arguments: &[&str]) -> Value {
        engine::ask_json(&self.server(), arguments).await
    }

    /// What it has printed so far, where it prints.
    pub(super) fn output(&self) -> String {
        match self {
            Self::Process(engine) => engine.process.output(),
            Self::Here(_) => String::new(),
        }
    }

    /// Kills it as a crash would; its data directory is free when this returns.
    pub(super) async fn crash(&mut self) {
        match self {
            Self::Process(engine) => engine.process.kill(),
            Self::Here(here) => here.crash().await,
        }
    }

    /// Stops it in good order.
    pub(super) async fn stop(self) {
        match self {
            Self::Process(engine) => engine.stop().await,
            Self::Here(here) => here.stop().await,
        }
    }
}

/// An engine in this process, with threads of its own.
#[derive(Debug)]
pub(super) struct Here {
    server: String,
    /// What the event store inside it locks, if that is its store.
    lock: Option<PathBuf>,
    /// `None` once it has ended.
    running: Option<(Runtime, Inside)>,
}

impl Here {
    /// Starts one with these settings on this cloud.
    pub(super) async fn start(launch: &Launch, cloud: &SimulatedCloud) -> Self {
        let config = Config::of_flags(&launch.keys()).unwrap();
        let clouds = Clouds {
            cloud: Arc::new(cloud.clone()),
            groundwork: Some(Arc::new(cloud.clone())),
            places: domain::Places::default(),
        };
        let is_inside = config.store.connection_string.is_empty();
        let lock = is_inside.then(|| config.data.dir.join("events/store/lock"));
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("engine")
            .enable_all()
            .build()
            .unwrap();
        let starting =
            runtime.spawn(async move { Inside::start_on(&config, Storage::OnDisk, clouds).await });
        let engine = starting.await.unwrap().unwrap();
        Self {
            server: engine.url(),
            lock,
            running: Some((runtime, engine)),
        }
    }

    /// All its tasks end where they are; what blocks a thread is waited for, as an operating system
    /// does for a write to its disk.
    async fn crash(&mut self) {
        let (runtime, engine) = self.running.take().expect("a running engine");
        let ending = tokio::task::spawn_blocking(move || {
            runtime.shutdown_timeout(END);
            drop(engine);
        });
        ending.await.expect("an engine that ends");
        let Some(lock) = &self.lock else { return };
        let is_free = || async {
            File::options()
                .read(true)
                .write(true)
                .open(lock)
                .ok()?
                .try_lock()
                .ok()
        };
        wait::until("an event store that nobody uses", END, is_free).await;
    }

    async fn stop(mut self) {
        let (runtime, mut engine) = self.running.take().expect("a running engine");
        if let Some(failed) = engine.failed().now_or_never() {
            panic!("a part of the engine ended by itself: {failed:?}");
        }
        let stopped = tokio::time::timeout(END, runtime.spawn(engine.stop(END))).await;
        runtime.shutdown_background();
        stopped
            .expect("an engine that stops in time")
            .expect("an engine that stops");
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        if let Some((runtime, _)) = self.running.take() {
            runtime.shutdown_background();
        }
    }
}
