//! The audit's tree, what it is signed with, and who is asked to cosign.

use super::{Engine, Storage, clock};
use crate::{
    api::Evidence,
    config::Config,
    note_keys::{self, NoteKeysError},
};
use journal::Journal;
use projections::{AuditTree, TreeError};
use std::io;
use thiserror::Error;
use tree::{Purpose, SigningKeys};
use witness::Client;

/// The tree's file, in the data directory.
const FILE: &str = "audit-tree.sqlite";

/// Why the log cannot be proved here.
#[derive(Debug, Error)]
pub enum EvidenceError {
    #[error("cannot use audit.key_file")]
    Keys(#[source] NoteKeysError),
    #[error("cannot open the audit's tree")]
    Tree(#[source] TreeError),
    #[error("cannot ask witnesses: the system's certificates cannot be read")]
    Witnesses(#[source] io::Error),
}

impl EvidenceError {
    /// Whether the caller asked for something that cannot be.
    pub(super) fn is_usage(&self) -> bool {
        match self {
            Self::Keys(_) => true,
            Self::Tree(_) | Self::Witnesses(_) => false,
        }
    }
}

/// Starts what follows the log into the tree, and what signs it now and then.
pub(super) fn start(
    engine: &mut Engine,
    config: &Config,
    storage: Storage,
    journal: &Journal,
) -> Result<Evidence, EvidenceError> {
    let keys = keys(config)?;
    let tree = match storage {
        Storage::OnDisk => AuditTree::open(&config.data.dir.join(FILE)),
        Storage::InMemory => AuditTree::in_memory(),
    };
    let tree = tree.map_err(EvidenceError::Tree)?;
    let audit = &config.audit;
    // Both were looked at when the configuration was read.
    let witnesses = audit.witness_addresses().unwrap_or_default();
    let publish = audit.publish_addresses().unwrap_or_default();
    let client = Client::new(witnesses).map_err(EvidenceError::Witnesses)?;
    let evidence = Evidence::new(tree.clone(), keys, client, publish, clock());
    let (followed, stopping) = (journal.clone(), engine.stopping.clone());
    engine.parts.spawn(async move {
        let ended = tree.run(&followed, clock(), stopping).await;
        ("the tree of the audit", ended.map_err(Into::into))
    });
    let (signing, stopping) = (evidence.clone(), engine.stopping.clone());
    let interval = audit.checkpoint_interval;
    engine.parts.spawn(async move {
        signing.run(interval, stopping).await;
        ("what signs checkpoints", Ok(()))
    });
    Ok(evidence)
}

/// The keys of the configured file, which lies elsewhere than the data.
fn keys(config: &Config) -> Result<Option<SigningKeys>, EvidenceError> {
    let path = &config.audit.key_file;
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    if note_keys::lies_in(path, &config.data.dir) {
        return Err(EvidenceError::Keys(NoteKeysError::InData(path.clone())));
    }
    let keys = note_keys::load(path, Purpose::Log);
    keys.map(Some).map_err(EvidenceError::Keys)
}
