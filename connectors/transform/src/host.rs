//! The children of this process.
//!
//! A child has one record at a time. Who waits for an answer in vain kills it; so does who does not
//! wait any more. What a child was killed over is not known to be at fault: that says whoever tries
//! it again.

use crate::{
    LARGEST, Record, Source, Verdict,
    child::ARGUMENT,
    wire::{Ready, Reply, Request},
};
use parking_lot::Mutex;
use std::{
    collections::HashSet, ffi::OsString, fmt, io, path::PathBuf, process::Stdio, sync::Arc,
    time::Duration,
};
use thiserror::Error;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Semaphore,
    time::timeout,
};

/// How long an answer is waited for. The child ends what computes for longer than 50 ms by itself;
/// this is for what it cannot end.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a child may take to be there.
const START: Duration = Duration::from_secs(20);

/// The most children at a time.
const MOST: usize = 4;

/// The longest answer.
const LONGEST_LINE: u64 = 4 * LARGEST as u64;

/// Why a record has no verdict.
#[derive(Debug, Error)]
pub enum HostError {
    /// No child can be started.
    #[error("no process for transforms can be started")]
    Start(#[source] io::Error),
    /// The child did not answer in time, and was killed.
    #[error("it did not come to an end, and was killed after {} s", PATIENCE.as_secs())]
    Overrun,
    /// The child ended in the middle.
    #[error("its process ended in the middle")]
    Ended(#[source] io::Error),
}

/// Where transforms run: children of this process. Cheap to clone.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    program: PathBuf,
    idle: Mutex<Vec<Worker>>,
    slots: Semaphore,
}

/// A child that waits for a record, or has one.
struct Worker {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    known: HashSet<Arc<str>>,
    is_new: bool,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Host");
        shown
            .field("program", &self.0.program)
            .finish_non_exhaustive()
    }
}

impl Host {
    /// With children of this program, which has to be one that calls [`run`](crate::run) for
    /// [`ARGUMENT`]. None is started before there is something to do.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        Self(Arc::new(Inner {
            program,
            idle: Mutex::default(),
            slots: Semaphore::new(MOST),
        }))
    }

    /// Whether a source can be used; why not, in words.
    pub async fn check(&self, source: &Source) -> Result<Result<(), String>, HostError> {
        Ok(match self.ask(source, None).await? {
            Reply::Unusable(cause) => Err(cause),
            Reply::Usable | Reply::Unknown | Reply::Record(_) => Ok(()),
        })
    }

    /// What becomes of a record.
    pub async fn transform(&self, source: &Source, record: &Record) -> Result<Verdict, HostError> {
        let text = serde_json::to_string(record)
            .map_err(|error| HostError::Ended(io::Error::other(error)))?;
        if text.len() > LARGEST {
            let cause = format!("the record is longer than {LARGEST} bytes");
            return Ok(Verdict::Refused(cause));
        }
        match self.ask(source, Some(text)).await? {
            Reply::Record(verdict) => Ok(verdict),
            Reply::Unusable(cause) => Ok(Verdict::Refused(cause)),
            Reply::Unknown | Reply::Usable => {
                let error = io::Error::other("it answered something else");
                Err(HostError::Ended(error))
            }
        }
    }

    async fn ask(&self, source: &Source, record: Option<String>) -> Result<Reply, HostError> {
        // Closed never: it belongs to this.
        let slot = self.0.slots.acquire().await;
        let _slot = slot.map_err(|error| HostError::Start(io::Error::other(error)))?;
        loop {
            let mut worker = match self.idle(source) {
                Some(worker) => worker,
                None => self.start().await?,
            };
            let is_new = std::mem::take(&mut worker.is_new);
            // Dropped in the middle, the worker goes, and its process with it.
            match timeout(PATIENCE, worker.ask(source, record.as_deref())).await {
                Ok(Ok(reply)) => {
                    self.0.idle.lock().push(worker);
                    return Ok(reply);
                }
                // It may have ended while it waited.
                Ok(Err(_)) if !is_new => {}
                Ok(Err(error)) => return Err(HostError::Ended(error)),
                Err(_) => {
                    let _ = worker.child.kill().await;
                    return Err(HostError::Overrun);
                }
            }
        }
    }

    /// A child that waits; best one that knows the source.
    fn idle(&self, source: &Source) -> Option<Worker> {
        let mut idle = self.0.idle.lock();
        let knowing = idle.iter().position(|it| it.known.contains(&source.key));
        match knowing {
            Some(at) => Some(idle.swap_remove(at)),
            None => idle.pop(),
        }
    }

    async fn start(&self) -> Result<Worker, HostError> {
        let mut command = Command::new(&self.0.program);
        command
            .arg(OsString::from(ARGUMENT))
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // What ends the program by its terminal lets it finish first.
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(HostError::Start)?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(HostError::Start(io::Error::other("it has no pipes")));
        };
        let mut worker = Worker {
            child,
            to,
            from: BufReader::new(from),
            known: HashSet::new(),
            is_new: true,
        };
        let ready = timeout(START, worker.read::<Ready>()).await;
        let ready = ready.map_err(|error| HostError::Start(io::Error::other(error)))?;
        let ready = ready.map_err(HostError::Start)?;
        if ready.version != Ready::new().version {
            let error = format!("it is of version {}", ready.version);
            return Err(HostError::Start(io::Error::other(error)));
        }
        tracing::debug!(pid = worker.child.id(), "a process for transforms is there");
        Ok(worker)
    }
}

impl Worker {
    async fn ask(&mut self, source: &Source, record: Option<&str>) -> io::Result<Reply> {
        let is_known = self.known.contains(&source.key);
        let reply = self.say(source, record, !is_known).await?;
        let reply = match reply {
            // It made room for others meanwhile, or began anew.
            Reply::Unknown => self.say(source, record, true).await?,
            reply @ (Reply::Usable | Reply::Unusable(_) | Reply::Record(_)) => reply,
        };
        self.known.insert(Arc::clone(&source.key));
        Ok(reply)
    }

    async fn say(
        &mut self,
        source: &Source,
        record: Option<&str>,
        with_source: bool,
    ) -> io::Result<Reply> {
        let request = Request {
            key: source.key.to_string(),
            source: with_source.then(|| source.text.to_string()),
            record: record.map(str::to_owned),
        };
        let mut line = serde_json::to_vec(&request)?;
        line.push(b'\n');
        self.to.write_all(&line).await?;
        self.read().await
    }

    async fn read<T: serde::de::DeserializeOwned>(&mut self) -> io::Result<T> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.from).take(LONGEST_LINE);
        bounded.read_until(b'\n', &mut line).await?;
        if line.last() != Some(&b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_slice(&line)?)
    }
}
