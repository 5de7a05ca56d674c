//! An engine's data directory, its event store, and the journal to that.

use super::{StartError, Storage, reach::Asking};
use crate::{
    config::Config,
    descriptors::{self, Share},
    storage::{make_private, private_directory},
};
use backon::{ExponentialBuilder, Retryable as _};
use embedded::EmbeddedNode;
use journal::{Journal, JournalSettings};
use std::{
    fs::{File, TryLockError},
    os::unix::fs::MetadataExt as _,
    time::Duration,
};
use tokio::time::Instant;
use uuid::Uuid;

/// What the engine calls itself at its own store.
const OWNER: &str = "peerage";

/// Creates the data directory and takes it for this process alone.
pub(super) fn take_directory(
    config: &Config,
    storage: Storage,
) -> Result<Option<File>, StartError> {
    if storage == Storage::InMemory {
        return Ok(None);
    }
    let dir = &config.data.dir;
    let failed = |source| StartError::DataDirectory {
        dir: dir.clone(),
        source,
    };
    if embedded::offline::is_store(dir) {
        return Err(StartError::DataDirectoryIsStore { dir: dir.clone() });
    }
    private_directory(dir).map_err(failed)?;
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("lock"))
        .map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {
            make_private(dir).map_err(failed)?;
            Ok(Some(lock))
        }
        Err(TryLockError::WouldBlock) => Err(StartError::DataDirectoryInUse { dir: dir.clone() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// What this process is called among the servers of a store: the same when it is started again on
/// the same directory of the same running machine, since it holds that directory's lock; anything
/// else has another name, a copy of the directory too.
pub(super) fn instance(directory: Option<&File>) -> Uuid {
    let named = directory.and_then(|lock| {
        let found = lock.metadata().ok()?;
        let boot = std::fs::read_to_string(BOOT_ID).ok()?;
        let name = format!("{} {} {}", boot.trim(), found.dev(), found.ino());
        Some(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()))
    });
    named.unwrap_or_else(Uuid::new_v4)
}

/// Of this machine since it was started.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The event store: what keeps it open, how the engine calls it, and how it may be shown.
pub(super) struct Store {
    pub(super) node: Option<EmbeddedNode>,
    pub(super) connection_string: String,
    pub(super) shown: String,
}

/// What is told of a store that can write no more.
pub(crate) const WRITER_DIED: &str = "what writes its log has died, and nothing can be appended any more; what was acknowledged is kept";

/// How often a store of the engine's own frees what its streams do not keep: leases and checkpoints
/// above all.
pub(crate) const SCAVENGE_EVERY: Duration = Duration::from_secs(86_400);

/// The configured store, or one of our own on a loopback port. That one answers this process alone,
/// by a password that is made here and kept nowhere, unless the configuration opens it to others.
pub(super) async fn start_store(config: &Config, storage: Storage) -> Result<Store, StartError> {
    if !config.store.connection_string.is_empty() {
        let connection_string = config.store.connection_string.clone();
        return Ok(Store {
            node: None,
            shown: shown(&connection_string),
            connection_string,
        });
    }
    let builder = EmbeddedNode::builder()
        .listen(config.store.embedded_listen)
        .limits(descriptors::of_store(descriptors::raise(), Share::Quarter))
        .scavenge_every(SCAVENGE_EVERY);
    let builder = match config.store.embedded_advertise.clone() {
        Some(place) => builder.advertise(place),
        None => builder,
    };
    let builder = match storage {
        Storage::OnDisk => builder
            .data_dir(config.data.dir.join("events"))
            .local_backups(),
        Storage::InMemory => builder.in_memory(),
    };
    let password = [Uuid::new_v4(), Uuid::new_v4()].map(|it| it.simple().to_string());
    let password = password.concat();
    let builder = match config.store.embedded_open {
        true => builder,
        false => builder.owned_by(OWNER, &password),
    };
    let node = builder.start().await.map_err(StartError::Embedded)?;
    let shown = node.connection_string();
    let connection_string = match config.store.embedded_open {
        true => shown.clone(),
        false => shown.replacen("://", &format!("://{OWNER}:{password}@"), 1),
    };
    Ok(Store {
        node: Some(node),
        connection_string,
        shown,
    })
}

/// Opens the journal and waits until the store can be used, unless no waiting mends what is in the
/// way.
pub(super) async fn open_journal(
    config: &Config,
    connection_string: &str,
) -> Result<Journal, StartError> {
    let settings = JournalSettings {
        command_deadline: config.api.command_deadline,
        ..JournalSettings::new(connection_string)
    };
    let journal = Journal::open(settings).map_err(StartError::Journal)?;
    let pauses = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(Duration::from_secs(5))
        .without_max_times();
    let until = Instant::now() + config.store.startup_timeout;
    let asking = Asking::default();
    let answered = (|| asking.ask(&journal)).retry(pauses);
    // The attempts themselves count too: a frozen store takes its time for each.
    let answered =
        answered.adjust(|_, pause| pause.filter(|pause| Instant::now() + *pause < until));
    let answered = answered.when(|why| config.store.wait || asking.may_pass(why));
    let answered = answered.notify(|why, pause| {
        let error = domain::error_chain(why);
        tracing::warn!(store = shown(connection_string), error, again_in = ?pause, "the event store does not answer");
    });
    match answered.await {
        Ok(()) => Ok(journal),
        Err(why) => {
            let after = config.store.startup_timeout;
            Err(why.of_start(shown(connection_string), after))
        }
    }
}

/// A connection string as it may be shown: without what stands before the `@`.
pub(super) fn shown(connection_string: &str) -> String {
    match (connection_string.find("://"), connection_string.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!(
            "{}://…@{}",
            &connection_string[..scheme],
            &connection_string[at + 1..]
        ),
        _ => connection_string.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(
            shown("kurrentdb://admin:changeit@db:2113?tls=true"),
            "kurrentdb://…@db:2113?tls=true"
        );
        assert_eq!(
            shown("kurrentdb://db:2113?tls=true"),
            "kurrentdb://db:2113?tls=true"
        );
    }
}
