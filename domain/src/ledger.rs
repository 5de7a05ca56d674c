//! Which commands a stream has already answered.
//!
//! Every event carries the id and the digest of the command that made it. Folding those gives the
//! ledger, and the ledger says whether a command is new, is the same one again (then its first
//! outcome is the answer), or is another one under a used id. A refused command leaves no event and
//! so no receipt: sent again, it is decided again.

use crate::ids::CommandId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{collections::HashMap, fmt};

/// A fingerprint of a command's body: the first 16 bytes of the SHA-256 of its JSON, in
/// hexadecimal.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of this body. The same body gives the same digest on every machine.
    pub fn of(body: &impl Serialize) -> Result<Self, serde_json::Error> {
        let hash = Sha256::digest(serde_json::to_vec(body)?);
        Ok(Self(
            hash.iter()
                .take(16)
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        ))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a command did, the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub digest: Digest,
    /// The revisions of the first and of the last event that it appended.
    pub first_revision: u64,
    pub last_revision: u64,
}

/// What the ledger knows of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Never seen.
    Fresh,
    /// Seen with this very body.
    Repeated(Receipt),
    /// Seen with another body.
    Reused(Receipt),
}

/// The receipts of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    receipts: HashMap<CommandId, Receipt>,
}

impl Ledger {
    pub fn look_up(&self, command: CommandId, digest: &Digest) -> Entry {
        match self.receipts.get(&command) {
            None => Entry::Fresh,
            Some(receipt) if receipt.digest == *digest => Entry::Repeated(receipt.clone()),
            Some(receipt) => Entry::Reused(receipt.clone()),
        }
    }

    /// Notes that the event at `revision` came from this command.
    pub fn note(&mut self, command: CommandId, digest: Digest, revision: u64) {
        self.receipts
            .entry(command)
            .and_modify(|receipt| receipt.last_revision = revision)
            .or_insert(Receipt {
                digest,
                first_revision: revision,
                last_revision: revision,
            });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_command_is_fresh_once_then_repeated_and_with_another_body_reused() {
        let (command, body, other) = (
            CommandId(Uuid::from_u128(1)),
            Digest::of(&"a").expect("json"),
            Digest::of(&"b").expect("json"),
        );
        let mut ledger = Ledger::default();
        assert_eq!(ledger.look_up(command, &body), Entry::Fresh);
        ledger.note(command, body.clone(), 4);
        ledger.note(command, body.clone(), 5);
        let receipt = Receipt {
            digest: body.clone(),
            first_revision: 4,
            last_revision: 5,
        };
        assert_eq!(
            ledger.look_up(command, &body),
            Entry::Repeated(receipt.clone())
        );
        assert_eq!(ledger.look_up(command, &other), Entry::Reused(receipt));
        assert_eq!(
            ledger.look_up(CommandId(Uuid::from_u128(2)), &body),
            Entry::Fresh
        );
    }
}
