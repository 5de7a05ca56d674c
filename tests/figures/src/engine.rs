//! The connectors of one server as the program runs them: with its sinks, its keys, and its log of
//! attempts in a file.

use crate::role::{left_alone, say};
use chrono::Utc;
use connectors::{
    DeliveryLog, DeliveryLogSettings, Runtime, RuntimeSettings, StandardSinks, Tenancy,
    secrets::MasterKeys, transform::Host,
};
use domain::Clock;
use journal::{Journal, JournalSettings};
use std::{path::Path, sync::Arc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The argument that makes a process this one.
pub const ROLE: &str = "engine";

/// The file of the keys, and that of the attempts, in the engine's folder.
pub const KEYS: &str = "keys";
const ATTEMPTS: &str = "deliveries.sqlite";

/// Runs what the store says is started.
///
/// # Panics
/// When it cannot.
pub async fn run(connection_string: &str, folder: &Path) {
    let clock: Clock = Arc::new(Utc::now);
    let keys = MasterKeys::load(&folder.join(KEYS)).expect("keys");
    let sinks = StandardSinks::new(None, Some(Arc::new(keys)), clock.clone());
    let program = std::env::current_exe().expect("this program's path");
    let settings = RuntimeSettings {
        transforms: Some(Host::new(program)),
        ..RuntimeSettings::new("one".to_owned(), Uuid::new_v4(), Tenancy::Alone)
    };
    let journal = Journal::open(JournalSettings::new(connection_string)).expect("a journal");
    let attempts = folder.join(ATTEMPTS);
    let attempts = DeliveryLog::open(
        Some(&attempts),
        DeliveryLogSettings::default(),
        clock.clone(),
    );
    let runtime = Runtime::new(journal, Arc::new(sinks), clock, settings);
    let runtime = runtime.keeping(attempts.expect("a log of attempts"));
    say("ready");
    tokio::select! {
        ended = runtime.run(CancellationToken::new()) => ended.expect("connectors run"),
        () = left_alone() => {}
    }
}
