//! What this server signs: checkpoints of the audit's tree, with the cosignatures of witnesses.
//!
//! A checkpoint is signed when one is asked for and there are new events, and now and then anyway.
//! Nothing is signed that does not go on from what was signed before in the same epoch.

use crate::api::{
    problem::{Problem, Reason},
    time::timestamp,
    v1,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use http::Uri;
use journal::Clock;
use projections::{AuditTree, Head, TreeError};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tree::{Checkpoint, SignedCheckpoint, SigningKeys, VerifierKey, origin_of};
use witness::Client;

/// How long a witness that did not cosign is left alone.
const AGAIN: TimeDelta = TimeDelta::seconds(10);

/// The audit's tree, and what signs it. Clones share everything.
#[derive(Clone, Debug)]
pub struct Evidence(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tree: AuditTree,
    keys: Option<SigningKeys>,
    witnesses: Client,
    publish: Vec<Uri>,
    clock: Clock_,
    told: Mutex<Told>,
}

/// A clock that shows as one.
struct Clock_(Clock);

impl std::fmt::Debug for Clock_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a clock")
    }
}

/// What became of the last checkpoint.
#[derive(Debug, Default)]
struct Told {
    /// Of which one witnesses were asked last, and when.
    asked: Option<(u64, u64, DateTime<Utc>)>,
    answers: Vec<v1::WitnessAnswer>,
}

/// What was signed.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) checkpoint: SignedCheckpoint,
    pub(super) answers: Vec<v1::WitnessAnswer>,
}

impl Evidence {
    pub fn new(
        tree: AuditTree,
        keys: Option<SigningKeys>,
        witnesses: Client,
        publish: Vec<Uri>,
        clock: Clock,
    ) -> Self {
        Self(Arc::new(Inner {
            tree,
            keys,
            witnesses,
            publish,
            clock: Clock_(clock),
            told: Mutex::default(),
        }))
    }

    pub(in crate::api) fn tree(&self) -> &AuditTree {
        &self.0.tree
    }

    fn keys(&self) -> Result<&SigningKeys, Problem> {
        self.0.keys.as_ref().ok_or_else(|| {
            let text = "this server has no key to sign with: make one with `peerage audit key new`, and name it as audit.key_file";
            Problem::new(Reason::AuditKeyMissing, text)
        })
    }

    /// The keys that verify what is signed now.
    pub(super) fn public(&self) -> Vec<VerifierKey> {
        let keys = self.0.keys.iter().flat_map(SigningKeys::keys);
        keys.map(|it| it.public().clone()).collect()
    }

    /// The log's name.
    pub(super) fn name(&self) -> &str {
        self.0.keys.as_ref().map_or("", SigningKeys::name)
    }

    /// The checkpoint of everything that the tree holds now.
    pub(super) async fn signed(&self) -> Result<Signed, Problem> {
        let keys = self.keys()?;
        // One at a time: what is compared is what is kept.
        let mut told = self.0.told.lock().await;
        let head = self.tree().head().await.map_err(|it| problem(&it))?;
        let mut checkpoint = match self.kept(&head, keys).await? {
            Some(kept) => kept,
            None => {
                let checkpoint = Checkpoint {
                    origin: origin_of(keys.name(), head.epoch),
                    size: head.size,
                    root: head.root,
                };
                let signed = checkpoint.sign(keys);
                let keep = self.tree().keep(head.epoch, signed.clone());
                keep.await.map_err(|it| problem(&it))?;
                signed
            }
        };
        self.ask(&mut told, &head, &mut checkpoint).await?;
        Ok(Signed {
            checkpoint,
            answers: told.answers.clone(),
        })
    }

    /// What is kept of the tree as it is, signed with every key of now. Nothing that was signed
    /// before may be taken back.
    async fn kept(
        &self,
        head: &Head,
        keys: &SigningKeys,
    ) -> Result<Option<SignedCheckpoint>, Problem> {
        let newest = self.tree().checkpoint(head.epoch, 0).await;
        let Some(newest) = newest.map_err(|it| problem(&it))? else {
            return Ok(None);
        };
        let Ok(newest) = SignedCheckpoint::parse(&newest.note) else {
            return Ok(None);
        };
        let before = newest.checkpoint();
        if before.origin != origin_of(keys.name(), head.epoch) {
            // Of another name: another log to whoever verifies.
            return Ok(None);
        }
        let then = self.tree().consistency(before.size, before.size).await;
        if !then.as_ref().is_ok_and(|it| it.root == before.root) {
            let text = format!(
                "the tree does not go on from the checkpoint of {} events that was signed before, so nothing more is signed",
                before.size
            );
            tracing::error!(size = before.size, root = %before.root, "{text}");
            return Err(Problem::new(Reason::HistoryChanged, text));
        }
        let signed = newest.note().verify(&self.public());
        let by_all = signed.is_ok_and(|it| it.len() == keys.keys().len());
        // A key that was retired signs nothing more.
        let own = newest
            .note()
            .names()
            .filter(|it| *it == keys.name())
            .count();
        let by_all = by_all && own == keys.keys().len();
        Ok((before.size == head.size && by_all).then_some(newest))
    }

    /// Asks those witnesses that have not cosigned.
    async fn ask(
        &self,
        told: &mut Told,
        head: &Head,
        checkpoint: &mut SignedCheckpoint,
    ) -> Result<(), Problem> {
        let client = &self.0.witnesses;
        let keys: Vec<_> = client.witnesses().iter().map(|it| it.key.clone()).collect();
        let cosigned = checkpoint.note().verify(&keys).unwrap_or_default();
        let now = (self.0.clock.0)();
        let was_asked = told.asked.is_some_and(|(epoch, size, at)| {
            (epoch, size) == (head.epoch, head.size) && now - at < AGAIN
        });
        if cosigned.len() == keys.len() {
            let answer = |key: &VerifierKey| v1::WitnessAnswer {
                name: key.name().to_owned(),
                problem: String::new(),
            };
            told.answers = keys.iter().map(answer).collect();
            return Ok(());
        }
        if was_asked {
            return Ok(());
        }
        let size = head.size;
        let proof = |old| async move {
            let proof = self.tree().consistency(old, size).await;
            proof.ok().map(|it| it.hashes)
        };
        let asked = client.cosign(checkpoint, proof).await;
        told.asked = Some((head.epoch, head.size, now));
        told.answers = asked
            .iter()
            .map(|it| {
                let problem = it.problem.as_ref().map(|it| domain::error_chain(it));
                if let Some(problem) = &problem {
                    tracing::warn!(witness = it.name, problem, "a witness does not cosign");
                }
                v1::WitnessAnswer {
                    name: it.name.clone(),
                    problem: problem.unwrap_or_default(),
                }
            })
            .collect();
        let keep = self.tree().keep(head.epoch, checkpoint.clone());
        keep.await.map_err(|it| problem(&it))
    }

    /// Posts a checkpoint to each address that has not taken it, all at once: one that does not
    /// answer holds up no other, and gets the newest one when it is back.
    async fn publish(&self, taken: &mut HashMap<Uri, Checkpoint>, signed: &SignedCheckpoint) {
        let of = signed.checkpoint();
        let wanting: Vec<_> = self
            .0
            .publish
            .iter()
            .filter(|it| taken.get(*it) != Some(of))
            .collect();
        let posting = wanting
            .iter()
            .map(|url| self.0.witnesses.publish(url, signed));
        let answers = join_all(posting).await;
        for (url, answer) in wanting.into_iter().zip(answers) {
            match answer {
                Ok(()) => {
                    taken.insert(url.clone(), of.clone());
                }
                Err(error) => {
                    let error = domain::error_chain(&error);
                    tracing::warn!(%url, error, "a checkpoint is not published; it is tried again");
                }
            }
        }
    }

    /// Signs what is new now and then, until it is cancelled.
    pub(crate) async fn run(&self, interval: Duration, stop: CancellationToken) {
        if self.0.keys.is_none() {
            stop.cancelled().await;
            return;
        }
        let mut turns = tokio::time::interval(interval.max(Duration::from_millis(100)));
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut whole = self.tree().caught_up();
        let mut taken = HashMap::new();
        let work = async {
            loop {
                turns.tick().await;
                if whole.wait_for(|it| *it).await.is_err() {
                    return;
                }
                match self.signed().await {
                    Ok(signed) => self.publish(&mut taken, &signed.checkpoint).await,
                    Err(problem) => {
                        let why = problem.text();
                        tracing::warn!(why, "no checkpoint is signed for now");
                    }
                }
            }
        };
        let _ = stop.run_until_cancelled(work).await;
    }

    /// All epochs, as the API shows them.
    pub(super) async fn epochs(&self) -> Result<Vec<v1::Epoch>, Problem> {
        let epochs = self.tree().epochs().await.map_err(|it| problem(&it))?;
        let shown = epochs.into_iter().map(|it| v1::Epoch {
            number: it.epoch,
            log_name: origin_of(self.name(), it.epoch),
            began: (it.began > DateTime::UNIX_EPOCH).then(|| timestamp(it.began)),
            size: it.size,
            root: it.root.to_string(),
            shared: it.shared,
            signed_size: it.signed.unwrap_or_default(),
        });
        Ok(shown.collect())
    }
}

/// Why the tree does not answer, as a caller is told.
pub(super) fn problem(error: &TreeError) -> Problem {
    let reason = match error {
        TreeError::Building { .. } => Reason::ReadModelsBuilding,
        TreeError::Beyond { .. } => Reason::InvalidFields,
        TreeError::File(_) | TreeError::Aside(_) => Reason::ReadModelFailed,
        TreeError::Interrupted => Reason::Stopping,
    };
    Problem::new(reason, domain::error_chain(error))
}
