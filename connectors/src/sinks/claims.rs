//! Which connector writes which file: of two that wrote one, each would put aside what the other
//! has just written.

use domain::text::ConnectorId;
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The files that are written in this process, each with its connector and how often it has it
/// open.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims(Arc<Mutex<BTreeMap<PathBuf, (ConnectorId, usize)>>>);

/// A file that is one connector's as long as this lasts.
#[derive(Debug)]
pub(super) struct Claim {
    claims: Claims,
    file: PathBuf,
}

impl Claims {
    /// Claims the file, and all that it becomes when it is put aside. A connector that has it
    /// already may have it once more: its settings have changed.
    pub(super) fn claim(&self, file: &Path, id: &ConnectorId) -> Result<Claim, String> {
        let file = without_turn(file);
        let mut claimed = self.0.lock();
        let (owner, times) = claimed
            .entry(file.clone())
            .or_insert_with(|| (id.clone(), 0));
        if owner != id {
            return Err(format!(
                "{} is written by connector {owner}: name another file",
                file.display()
            ));
        }
        *times += 1;
        Ok(Claim {
            claims: self.clone(),
            file,
        })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claimed = self.claims.0.lock();
        if let Some((_, times)) = claimed.get_mut(&self.file) {
            *times -= 1;
            if *times == 0 {
                claimed.remove(&self.file);
            }
        }
    }
}

/// The file before it was put aside: `name.2` was `name`.
fn without_turn(file: &Path) -> PathBuf {
    let turn = file.extension().and_then(|it| it.to_str());
    let is_turn = turn.is_some_and(|it| it.bytes().all(|b| b.is_ascii_digit()));
    if is_turn {
        file.with_extension("")
    } else {
        file.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ConnectorId {
        text.parse().unwrap()
    }

    #[test]
    fn a_file_is_one_connectors_until_the_last_of_its_claims_is_given_up() {
        let claims = Claims::default();
        let file = Path::new("/out/events.jsonl");
        let first = claims.claim(file, &id("first-files")).unwrap();
        let refused = claims.claim(file, &id("other-files")).unwrap_err();
        assert!(refused.contains("connector first-files"), "{refused}");
        let again = claims.claim(file, &id("first-files")).unwrap();
        drop(first);
        claims.claim(file, &id("other-files")).unwrap_err();
        drop(again);
        claims.claim(file, &id("other-files")).unwrap();
    }

    #[test]
    fn what_a_file_becomes_when_it_is_put_aside_is_nobody_elses_either() {
        let claims = Claims::default();
        let _held = claims.claim(Path::new("/out/events.jsonl"), &id("first-files"));
        for taken in ["/out/events.jsonl.1", "/out/events.jsonl.12"] {
            claims
                .claim(Path::new(taken), &id("other-files"))
                .unwrap_err();
        }
        for free in ["/out/events.json", "/out/events", "/in/events.jsonl"] {
            claims.claim(Path::new(free), &id("other-files")).unwrap();
        }
    }
}
