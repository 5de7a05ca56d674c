//! The one writer: a thread of its own, because every group ends with a flush that blocks.
//!
//! Commands that arrive while a group is being flushed make up the next one, so that appends in
//! flight share a flush and one alone waits for nobody ([`queue`](super::queue)). A command is
//! answered only after its group is committed, a repeat too: what it repeats may be in the same
//! group.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use thiserror::Error;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::{
    Heads,
    backfill::{found, prepare},
    queue::{Closed, Limits, NotTaken, Queued, Receiver, Sender, queue},
    recent::RecentIds,
    scavenge::{self, Scavenged},
    settings::{Settings, SystemProjections},
    transaction::{Changes, Transaction},
};
use crate::{
    log::{Log, LogError},
    model::{Expected, NewEvent, Position, StreamName, Ticks},
};

/// A group ends at this many commands or bytes.
const GROUP_COMMANDS: usize = 1024;
const GROUP_BYTES: usize = 8 << 20;
/// The longest that a group waits for as many commands as came last time; less if a flush takes
/// less.
const COMPANY: Duration = Duration::from_millis(1);
/// How long a log that cannot be recovered is left alone, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What came of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AppendOutcome {
    /// Written. `revision` is the stream's last number: `None` if it has no events, nor had the
    /// append.
    Written {
        revision: Option<u64>,
        position: Position,
    },
    /// Was there already; `position` is none if the event is no longer visible.
    Repeated {
        revision: u64,
        position: Option<Position>,
    },
    WrongExpected {
        current: Option<u64>,
    },
    Deleted,
}

/// What came of a delete or tombstone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeleteOutcome {
    Done { position: Position },
    WrongExpected { current: Option<u64> },
    Deleted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deletion {
    Soft,
    Tombstone,
}

/// A command was not carried out.
#[derive(Debug, Clone, Error)]
pub(crate) enum Failure {
    #[error("the store is shutting down")]
    ShuttingDown,
    /// As many commands as may wait for the writer do: nothing was written.
    #[error("as many writes as this store takes wait already: ask again later")]
    Busy,
    #[error("the log failed")]
    Log(#[source] Arc<LogError>),
}

type Reply<T> = oneshot::Sender<Result<T, Failure>>;

#[derive(Debug)]
enum Command {
    Append {
        stream: StreamName,
        expected: Expected,
        events: Vec<NewEvent>,
        reply: Reply<AppendOutcome>,
    },
    Delete {
        stream: StreamName,
        expected: Expected,
        deletion: Deletion,
        reply: Reply<DeleteOutcome>,
    },
    Scavenge {
        from: Position,
        reply: Reply<Scavenged>,
    },
    Stop,
}

/// Sends commands to the writer. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct WriterHandle(Sender<Command>);

/// The writer and what readers need to follow it. Dropped, it ends the writer after the commands
/// already sent, and does not wait.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) writer: WriterHandle,
    pub(crate) heads: Arc<Heads>,
    pub(crate) end: watch::Receiver<Position>,
    /// On or off.
    pub(crate) projections: SystemProjections,
    /// Cancelled when the writer has died, which it does of its own mistakes alone.
    pub(crate) died: CancellationToken,
    /// `None` once somebody has waited for it.
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Begins to write after the last record of `log`.
    pub(crate) fn start(log: Arc<dyn Log>, mut settings: Settings) -> Result<Self, LogError> {
        settings.projections = found(&*log, settings.projections)?;
        let projections = settings.projections;
        let (commands, received) = queue();
        let heads = Arc::new(Heads::new(log.clone()));
        let end = prepare(&*log, &heads, &settings, log.end()?)?;
        let (end, followed) = watch::channel(end);
        let (recent, heads_kept) = (RecentIds::new(), heads.clone());
        let writer = Writer {
            commands: received,
            log,
            heads: heads_kept,
            recent,
            settings,
            end,
            failed: false,
            flush: Duration::ZERO,
        };
        let died = CancellationToken::new();
        let dies = died.clone();
        let thread = Some(thread::spawn(move || {
            if let Err(panicked) = catch_unwind(AssertUnwindSafe(|| writer.run())) {
                tracing::error!("the writer has died: nothing can be appended any more");
                dies.cancel();
                resume_unwind(panicked);
            }
        }));
        Ok(Self {
            died,
            writer: WriterHandle(commands),
            heads,
            end: followed,
            projections,
            thread,
        })
    }

    /// Finishes the commands already sent, then ends the writer. Blocks until it has.
    pub(crate) fn stop(mut self) {
        let thread = self.thread.take();
        // A writer that is not there any more has closed the queue.
        let is_told = self.writer.0.put(Command::Stop).is_ok();
        if is_told && thread.is_some_and(|it| it.join().is_err()) {
            tracing::error!("the writer panicked");
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.writer.0.put(Command::Stop);
    }
}

impl WriterHandle {
    pub(crate) async fn append(
        &self,
        stream: StreamName,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<AppendOutcome, Failure> {
        self.ask(|reply| Command::Append {
            stream,
            expected,
            events,
            reply,
        })
        .await
    }

    pub(crate) async fn delete(
        &self,
        stream: StreamName,
        expected: Expected,
        deletion: Deletion,
    ) -> Result<DeleteOutcome, Failure> {
        self.ask(|reply| Command::Delete {
            stream,
            expected,
            deletion,
            reply,
        })
        .await
    }

    /// Frees what can be freed among a few records from a position on.
    pub(crate) async fn scavenge(&self, from: Position) -> Result<Scavenged, Failure> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Scavenge { from, reply };
        let sent = self.0.send(command).await;
        sent.map_err(|Closed| Failure::ShuttingDown)?;
        answer.await.map_err(|_| Failure::ShuttingDown)?
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Failure> {
        let (reply, answer) = oneshot::channel();
        self.0
            .try_send(command(reply))
            .map_err(|error| match error {
                NotTaken::Full => Failure::Busy,
                NotTaken::Closed => Failure::ShuttingDown,
            })?;
        answer.await.map_err(|_| Failure::ShuttingDown)?
    }
}

impl Queued for Command {
    fn size(&self) -> usize {
        match self {
            Self::Append { events, .. } => events.iter().map(NewEvent::size).sum(),
            Self::Delete { .. } | Self::Scavenge { .. } | Self::Stop => 0,
        }
    }

    fn is_last(&self) -> bool {
        matches!(self, Self::Stop)
    }
}

struct Writer {
    commands: Receiver<Command>,
    log: Arc<dyn Log>,
    heads: Arc<Heads>,
    recent: RecentIds,
    settings: Settings,
    end: watch::Sender<Position>,
    /// Whether the log has to be recovered first.
    failed: bool,
    /// How long the last commit took.
    flush: Duration,
}

/// An answer that waits for the group to be committed.
type Answer = Box<dyn FnOnce(Option<&Arc<LogError>>)>;

impl Writer {
    fn run(mut self) {
        let (mut company, mut pause) = (1, FIRST_PAUSE);
        loop {
            let until = self.failed.then(|| Instant::now() + pause);
            let limits = Limits {
                commands: GROUP_COMMANDS,
                bytes: GROUP_BYTES,
                wait: COMPANY.min(self.flush),
            };
            let group = self.commands.group_until(company, limits, until);
            if group.is_empty() {
                // Nobody writes, and the log is brought back all the same: readers wait for it.
                pause = match self.recover() {
                    Ok(()) => FIRST_PAUSE,
                    Err(_) => (pause * 2).min(LONGEST_PAUSE),
                };
                continue;
            }
            company = group.len();
            let stop = group.last().is_some_and(Queued::is_last);
            self.carry_out(group);
            if stop {
                break;
            }
        }
        self.log.close();
    }

    fn carry_out(&mut self, commands: Vec<Command>) {
        let now = Ticks::of((self.settings.clock)());
        let recovered = self.recover().err();
        let start = *self.end.borrow();
        let mut transaction = Transaction::new(
            &*self.log,
            &self.heads,
            &self.recent,
            &self.settings,
            now,
            start,
        );
        let (mut answers, mut scavenges): (Vec<Answer>, Vec<_>) = Default::default();
        for command in commands {
            match command {
                Command::Scavenge { from, reply } => scavenges.push((from, reply)),
                command @ (Command::Append { .. } | Command::Delete { .. } | Command::Stop) => {
                    answers.extend(apply(&mut transaction, command));
                }
            }
        }
        let changes = match recovered {
            Some(error) => Err(error),
            None => transaction.finish(),
        };
        let failure = changes
            .and_then(|changes| self.commit(start, changes))
            .err()
            .map(Arc::new);
        if let Some(error) = &failure {
            tracing::error!(
                error = &**error as &dyn std::error::Error,
                "a group of appends failed"
            );
        }
        for answer in answers {
            answer(failure.as_ref());
        }
        for (from, reply) in scavenges {
            let end = *self.end.borrow();
            let scavenged = scavenge::chunk(&*self.log, &self.heads, now, from, end);
            self.failed |= scavenged.is_err();
            // Whoever asked may have gone.
            let _ = reply.send(scavenged.map_err(|error| Failure::Log(Arc::new(error))));
        }
    }
}

impl Writer {
    /// After a failed write the log is brought back first; it may then hold the group that failed.
    fn recover(&mut self) -> Result<(), LogError> {
        if self.failed {
            self.heads.forget();
            self.log.recover()?;
            self.end.send_replace(self.log.end()?);
            self.failed = false;
            tracing::info!("the log is brought back, and written again");
        }
        Ok(())
    }

    /// Writes a group, then lets readers and later groups know of it.
    fn commit(&mut self, start: Position, changes: Changes) -> Result<(), LogError> {
        if changes.end == start {
            return Ok(());
        }
        let begun = Instant::now();
        if let Err(error) = self.log.commit(changes.group) {
            self.failed = true;
            return Err(error);
        }
        self.flush = begun.elapsed();
        for (stream, head) in changes.heads {
            self.heads.keep(stream, head);
        }
        for (stream, id, number) in changes.ids {
            self.recent.keep(&stream, id, number);
        }
        self.end.send_replace(changes.end);
        Ok(())
    }
}

fn apply(transaction: &mut Transaction<'_>, command: Command) -> Option<Answer> {
    match command {
        Command::Append {
            stream,
            expected,
            events,
            reply,
        } => Some(later(reply, transaction.append(&stream, expected, &events))),
        Command::Delete {
            stream,
            expected,
            deletion,
            reply,
        } => Some(later(
            reply,
            transaction.delete(&stream, expected, deletion),
        )),
        Command::Scavenge { .. } | Command::Stop => None,
    }
}

fn later<T: 'static>(reply: Reply<T>, outcome: Result<T, LogError>) -> Answer {
    Box::new(move |failure| {
        let answer = match (failure, outcome) {
            (Some(failure), _) => Err(Failure::Log(failure.clone())),
            (None, Err(error)) => Err(Failure::Log(Arc::new(error))),
            (None, Ok(outcome)) => Ok(outcome),
        };
        // Whoever asked may have gone: the command is carried out all the same.
        let _ = reply.send(answer);
    })
}

#[cfg(test)]
mod tests;
