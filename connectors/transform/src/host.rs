//! The children of this process.
//!
//! A child is asked about one record, or about several that it answers one after the other. Who
//! waits for an answer in vain kills it; so does who does not wait any more. What a child was
//! killed over is not known to be at fault: that says whoever tries it again.

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

/// The most records that a child is asked about at once, and their most bytes: what it is asked
/// fits into a pipe, so that it never waits for somebody who waits for it.
const AT_ONCE: usize = 16;
const BYTES_AT_ONCE: usize = 48 << 10;

/// What a request has beside the record and the source.
const ENVELOPE: usize = 64;

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

    /// What becomes of several records, of which a child is asked about the first ones at once: so
    /// many answers, in their order. Nothing of one that has to be asked about by itself, since the
    /// function did not come to an end with one before it.
    pub async fn transform_first(
        &self,
        source: &Source,
        records: &[Record],
    ) -> Result<Vec<Option<Verdict>>, HostError> {
        let texts = at_once(source, records)?;
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let slot = self.0.slots.acquire().await;
        let _slot = slot.map_err(|error| HostError::Start(io::Error::other(error)))?;
        let mut worker = match self.idle(source) {
            Some(worker) => worker,
            None => self.start().await?,
        };
        worker.is_new = false;
        // Dropped in the middle, the worker goes, and its process with it.
        match timeout(PATIENCE, worker.ask_all(source, &texts)).await {
            Ok(Ok(verdicts)) => {
                self.0.idle.lock().push(worker);
                Ok(verdicts)
            }
            Ok(Err(error)) => Err(HostError::Ended(error)),
            Err(_) => {
                let _ = worker.child.kill().await;
                Err(HostError::Overrun)
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
        let line = line(source, record, with_source)?;
        self.to.write_all(&line).await?;
        self.read().await
    }

    /// Asks about all of them before it waits for the first answer.
    async fn ask_all(
        &mut self,
        source: &Source,
        records: &[String],
    ) -> io::Result<Vec<Option<Verdict>>> {
        let mut lines = Vec::new();
        let is_known = self.known.contains(&source.key);
        for (at, record) in records.iter().enumerate() {
            lines.extend(line(source, Some(record), !is_known && at == 0)?);
        }
        self.to.write_all(&lines).await?;
        let mut verdicts = Vec::with_capacity(records.len());
        for _ in records {
            verdicts.push(match self.read().await? {
                Reply::Record(verdict) => Some(verdict),
                Reply::Unknown | Reply::Usable | Reply::Unusable(_) => None,
            });
        }
        Ok(verdicts)
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

/// The first of these records as text: those that a child is asked about at once.
fn at_once(source: &Source, records: &[Record]) -> Result<Vec<String>, HostError> {
    let mut texts = Vec::new();
    let mut bytes = written(&source.text);
    for record in records.iter().take(AT_ONCE) {
        let text = serde_json::to_string(record)
            .map_err(|error| HostError::Ended(io::Error::other(error)))?;
        bytes += written(&text) + source.key.len() + ENVELOPE;
        if bytes > BYTES_AT_ONCE {
            break;
        }
        texts.push(text);
    }
    Ok(texts)
}

/// The most bytes that a text is written in, inside of JSON.
fn written(text: &str) -> usize {
    let escaped = |byte: &u8| match byte {
        b'"' | b'\\' | 0x20..=0x7e | 0x80.. => 0,
        0..=0x1f | 0x7f => 4,
    };
    2 * text.len() + text.as_bytes().iter().map(escaped).sum::<usize>()
}

fn line(source: &Source, record: Option<&str>, with_source: bool) -> io::Result<Vec<u8>> {
    let request = Request {
        key: source.key.to_string(),
        source: with_source.then(|| source.text.to_string()),
        record: record.map(str::to_owned),
    };
    let mut line = serde_json::to_vec(&request)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Position, SchemaInfo};
    use serde_json::{Value, json};

    fn record(value: Value) -> Record {
        Record {
            record_id: "1".to_owned(),
            position: Position {
                stream_id: "network-1".to_owned(),
                stream_revision: 1,
                log_position: 1,
            },
            is_redacted: false,
            schema_info: SchemaInfo {
                subject: "A".to_owned(),
                form: "json",
            },
            headers: [].into(),
            value,
        }
    }

    #[test]
    fn what_is_asked_at_once_fits_into_a_pipe_whatever_it_holds_and_is_so_many_at_most() {
        let plain = Source::new("function transform(r) {}");
        let long = Source::new(&"\n\u{1}\u{7f}\"".repeat(2_000));
        let small = vec![record(json!(1)); 100];
        assert_eq!(at_once(&plain, &small).unwrap().len(), AT_ONCE);
        for source in [&plain, &long] {
            for text in ["\"", "\\", "\u{1}", "é", "x"] {
                for length in [1, 100, 1_000, 5_000, 60_000] {
                    let records = vec![record(json!(text.repeat(length))); 100];
                    let texts = at_once(source, &records).unwrap();
                    let lines = texts.iter().enumerate().map(|(at, text)| {
                        let line = line(source, Some(text), at == 0).unwrap();
                        line.len()
                    });
                    assert!(lines.sum::<usize>() <= 64 << 10, "{text:?} {length}");
                }
            }
        }
        // What does not fit is asked about by itself.
        let large = vec![record(json!("x".repeat(60_000)))];
        assert_eq!(at_once(&plain, &large).unwrap().len(), 0);
    }
}
