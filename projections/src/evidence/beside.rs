//! A tree built anew from the log beside the one that serves, compared with it, and put in its
//! place if it has the same root.
//!
//! It lies in the same file, as what is signed does, and grows in transactions of its own. What is
//! in its way delays it and nothing else.

use super::{
    AuditTree, TreeError, TreeRunError,
    anew::{self, Log, Switch},
    follow::{Broken, next_batch},
    rows::{self, Current},
};
use crate::{
    rebuild::{Comparison, Roots, Stage},
    store::is_damage,
};
use chrono::{DateTime, Utc};
use journal::{FollowError, Follower, Journal, Position};
use rusqlite::Connection;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};

/// How often the log is followed anew to its end that holds less than the tree.
const ASKED: usize = 5;
/// How long it is waited for more once the log's end was seen.
const PATIENCE: Duration = Duration::from_millis(200);
/// How many events are compared at once.
const PORTION: u64 = 2_000;

const ANOTHER_LOG: &str = "the log has not what was built of it; it is built from the beginning";

impl AuditTree {
    /// Builds a tree beside the one that serves; for ever if none is wanted. Before, what is left
    /// of others goes.
    pub(super) async fn build_beside(&self, journal: &Journal, after: Duration) -> Broken {
        match self.try_build_beside(journal, after).await {
            Ok(never) => match never {},
            Err(broken) => broken,
        }
    }

    async fn try_build_beside(
        &self,
        journal: &Journal,
        after: Duration,
    ) -> Result<Infallible, Broken> {
        let build = async {
            sleep(after).await;
            while self.write(anew::clear).await? {}
            // All that is built this way was asked for.
            let asked_at = self.rebuilds.wanted().await.unwrap_or_default();
            self.build(journal, asked_at).await
        };
        tokio::select! {
            biased;
            () = self.rebuilds.cancelling() => Err(match self.ask(anew::throw_away).await {
                Ok(()) => Broken::Ended(Stage::Cancelled, String::new()),
                Err(error) => Broken::Ended(Stage::Failed, domain::error_chain(&error)),
            }),
            broken = build => broken,
        }
    }

    async fn build(
        &self,
        journal: &Journal,
        asked_at: DateTime<Utc>,
    ) -> Result<Infallible, Broken> {
        // The sender lives as long as this.
        let _ = self.caught_up().wait_for(|it| *it).await;
        let mut built = self.write(move |rows| anew::begin(rows, asked_at)).await?;
        self.has_what_was_built(journal, &built).await?;
        let end = journal.end().await.ok().flatten();
        self.rebuilds.begun(built.position, built.size, end);
        tracing::info!(position = %built.position, events = built.size, "a tree is built beside the one that serves");
        let mut signals = follow(journal, built.position);
        let (mut is_at_end, mut asked) = (false, 0);
        let (mut found, mut compared) = (Comparison::default(), 0);
        loop {
            let served = self.write(rows::current).await?;
            if built.size >= served.size || asked > ASKED {
                self.rebuilds.comparing();
                let size = served.size.min(built.size);
                (found, compared) = self
                    .compare(found, (&served, &built), (compared, size))
                    .await?;
                let (tree, sofar) = (built.clone(), found.clone());
                let log = if asked > ASKED {
                    Log::HasNoMore
                } else {
                    Log::Goes
                };
                let switch = move |rows: &Connection| {
                    anew::switch(rows, &tree, sofar.clone(), (compared, PORTION), log)
                };
                match self.write(switch).await? {
                    Switch::Behind(_) => continue,
                    Switch::Done(found) => return Err(self.switched(found)),
                    Switch::Refused(found) => return Err(self.refused(found, &served, &built)),
                }
            }
            let batch = if is_at_end {
                timeout(PATIENCE, next_batch(&mut signals)).await.ok()
            } else {
                Some(next_batch(&mut signals).await)
            };
            let Some(batch) = batch else {
                // Nothing more comes, and it has less than the one that serves.
                (signals, is_at_end) = (follow(journal, built.position), false);
                asked += 1;
                continue;
            };
            is_at_end |= batch.caught_up;
            let (leaves, followed) = (Arc::new(batch.leaves), batch.followed);
            let many = leaves.len() as u64;
            built = self
                .write(move |rows| anew::add(rows, &leaves, followed))
                .await?;
            self.rebuilds.at(built.position, many, served.position);
            asked = if many > 0 { 0 } else { asked };
            if let Some(error) = batch.then {
                return Err(self.cannot_follow(error).await);
            }
            if batch.resumed {
                self.has_what_was_built(journal, &built).await?;
            }
        }
    }

    /// Compares portion by portion, so that nobody waits long.
    async fn compare(
        &self,
        mut found: Comparison,
        (served, built): (&Current, &Current),
        (from, to): (u64, u64),
    ) -> Result<(Comparison, u64), Broken> {
        let (trees, mut from) = ((served.tree, built.tree), from);
        while to > from {
            let (portion, sofar) = ((from, to.min(from + PORTION)), found.clone());
            let compare = move |rows: &Connection| {
                let mut found = sofar.clone();
                anew::compare(rows, &mut found, trees, portion)?;
                Ok(found)
            };
            found = self.write(compare).await?;
            from = portion.1;
        }
        Ok((found, from))
    }

    fn switched(&self, found: Comparison) -> Broken {
        let (rows, differences) = (found.rows, found.differences);
        if differences == 0 {
            tracing::info!(
                rows,
                "the new tree of the audit serves; it is the same as the old one"
            );
        } else {
            let examples = found.first.iter().take(10);
            let examples = examples.map(|it| format!("{}: {}", it.table, it.key));
            let examples = examples.collect::<Vec<_>>().join("; ");
            tracing::warn!(
                rows,
                differences,
                examples,
                "rows of the audit's tree were not what the log makes of them, though its root was; the new one serves"
            );
        }
        self.rebuilds.compared(found);
        Broken::Ended(Stage::Switched, String::new())
    }

    fn refused(&self, found: Comparison, served: &Current, built: &Current) -> Broken {
        let cause = told(found.roots.as_ref(), served.size, built.size);
        tracing::error!(
            cause,
            "the tree that the log makes now is not put in the place of the audit's tree"
        );
        self.rebuilds.compared(found);
        Broken::Ended(Stage::Refused, cause)
    }

    /// Whether the log still has the last event of what was built; what it has not is thrown away.
    async fn has_what_was_built(&self, journal: &Journal, built: &Current) -> Result<(), Broken> {
        let of = built.clone();
        let Some(last) = self.write(move |rows| rows::last_of(rows, &of)).await? else {
            return Ok(());
        };
        let found = journal.event_at(&last.stream, last.revision).await;
        let found = found.map_err(|error| Broken::Beside(error.into()))?;
        let found = found.map(|it| (it.event_id, it.position));
        if found == Some((last.event_id, last.position)) {
            return Ok(());
        }
        self.write(anew::throw_away).await?;
        Err(Broken::Beside(ANOTHER_LOG.into()))
    }

    async fn cannot_follow(&self, error: FollowError) -> Broken {
        match error {
            FollowError::PositionRefused { from: Some(_), .. } => {
                match self.write(anew::throw_away).await {
                    Ok(()) => Broken::Beside(ANOTHER_LOG.into()),
                    Err(broken) => broken,
                }
            }
            FollowError::PositionRefused { from: None, .. }
            | FollowError::AccessDenied { .. }
            | FollowError::StreamDeleted { .. }
            | FollowError::Ended { .. } => Broken::Stop(error.into()),
        }
    }

    /// What is built is of no use any more, as the tree that serves is not either.
    pub(super) async fn rebuild_failed(&self, why: &str) {
        let is_under_way = self
            .rebuilds
            .last()
            .is_some_and(|it| it.stage.is_under_way());
        if !is_under_way {
            return;
        }
        // In a file that is damaged, it goes with the file.
        let _ = self.write(anew::throw_away).await;
        let cause = format!("the tree that serves is built again itself: {why}");
        self.rebuilds.ended(Stage::Failed, cause);
    }

    /// One transaction; what is in its way is told, and tried again by whoever builds.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Broken> {
        self.ask(work).await.map_err(|error| match error {
            TreeError::File(error) if is_damage(&error) => Broken::Damaged(error),
            TreeError::Interrupted => Broken::Stop(TreeRunError::Tree(TreeError::Interrupted)),
            error @ (TreeError::File(_)
            | TreeError::Building { .. }
            | TreeError::Beyond { .. }
            | TreeError::Aside(_)) => Broken::Beside(error.into()),
        })
    }
}

fn follow(journal: &Journal, from: Position) -> Follower {
    let from = (from != Position::START).then_some(from);
    journal.follow(from, AuditTree::followed())
}

/// Both roots, and which of them is the one that was signed.
fn told(roots: Option<&Roots>, served: u64, built: u64) -> String {
    let Some(roots) = roots else {
        return String::new();
    };
    let Roots {
        size,
        served: kept,
        built: made,
        signed,
    } = roots;
    let mut text = if built < served {
        format!("the log has {built} events of the {served} that the tree has; ")
    } else {
        String::new()
    };
    text += &format!(
        "of {size} events the tree that serves has the root {kept}, and the log makes {made}"
    );
    if let Some(it) = signed {
        let whose = if it.signed == it.built {
            "is what the log makes: the tree was changed, not the log"
        } else {
            "is not what the log makes: the log was changed after it was signed"
        };
        text += &format!(
            "; the root {} that was signed of {} events {whose}",
            it.signed, it.size
        );
    }
    text
}
