//! `peerage audit export`: the log as a file, for other systems and for strangers.
//!
//! Beside the file stands, as long as it is not whole, how far it is: the length up to which it is
//! good, and the place in the log. What goes on cuts the file there, so that a process that was
//! killed leaves no part of an event and nothing twice.

use super::{
    form::Form,
    place::{in_order, is_past, place},
    seen::Seen,
};
use crate::{
    api::{
        Reason,
        v1::{self, LogPlace},
    },
    cli::{
        CliError, Remote,
        engine::Servers,
        node::{Meter, grouped},
        output, terminal,
    },
};
use audit::Entry;
use chrono::{DateTime, Utc};
use clap::Args;
use domain::CloudMode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    remote: Remote,
    /// The form: jsonl has each event as it is stored, csv a row for each, ocsf API Activity of the
    /// Open Cybersecurity Schema Framework.
    #[arg(long, value_name = "FORM", default_value = "jsonl")]
    format: Form,
    /// The file to write, like audit.jsonl.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Only from here: behind a position like 4711/4711, or since a time like 2026-03-01T09:00:00Z,
    /// or how long ago, like 24h.
    #[arg(long, value_name = "POSITION|TIME|DURATION", value_parser = place)]
    from: Option<LogPlace>,
    /// Only up to here, in the same forms, like 1h.
    #[arg(long, value_name = "POSITION|TIME|DURATION", value_parser = place)]
    to: Option<LogPlace>,
    /// Go on with a file that was not finished.
    #[arg(long)]
    resume: bool,
}

/// How far a file is. Times that were said as how long ago are kept as what they were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress {
    format: Form,
    from: Bound,
    to: Bound,
    /// Up to which place of the log it is; empty: nothing was read.
    position: String,
    /// How many events of the log were looked at.
    index: u64,
    /// How many are in the file.
    events: u64,
    /// How long the file is then.
    bytes: u64,
    /// How many events the log had signed when the file was begun, which holds these and no more.
    /// Not set: it holds what there is, and nothing of it is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed: Option<u64>,
    /// The last event that was looked at: in another log it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    known: Option<Seen>,
}

/// One end of what is wanted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bound {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    position: Option<(u64, u64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<DateTime<Utc>>,
}

impl Bound {
    fn of(place: Option<&LogPlace>) -> Self {
        let Some(place) = place else {
            return Self::default();
        };
        Self {
            position: parsed(&place.position),
            time: place
                .time
                .as_ref()
                .and_then(|it| DateTime::from_timestamp(it.seconds, u32::try_from(it.nanos).ok()?)),
        }
    }
}

fn parsed(position: &str) -> Option<(u64, u64)> {
    let (commit, prepare) = position.split_once('/')?;
    Some((commit.parse().ok()?, prepare.parse().ok()?))
}

impl Progress {
    fn wants(&self, entry: &Entry) -> bool {
        let at = (entry.position.commit, entry.position.prepare);
        let time = entry.time();
        self.signed.is_none_or(|it| self.index < it)
            && self.from.position.is_none_or(|it| at > it)
            && self.to.position.is_none_or(|it| at <= it)
            && self.from.time.is_none_or(|it| time >= it)
            && self.to.time.is_none_or(|it| time < it)
    }

    /// Whether the file is to be verified as the whole log: each event as it is stored, from the
    /// first on.
    fn is_whole_log(&self) -> bool {
        let unbounded = Bound::default();
        self.format == Form::Jsonl && self.from == unbounded && self.to == unbounded
    }

    /// Whether nothing that lies behind is wanted.
    fn is_over(&self) -> bool {
        if self.signed.is_some_and(|it| self.index >= it) {
            return true;
        }
        let at = parsed(&self.position);
        matches!((at, self.to.position), (Some(at), Some(to)) if at >= to)
    }
}

impl Export {
    pub(super) async fn run(self) -> Result<(), CliError> {
        in_order(self.from.as_ref(), self.to.as_ref())?;
        is_past(self.from.as_ref(), Utc::now())?;
        let mut servers = self.remote.servers()?;
        let wanted = Progress {
            format: self.format,
            from: Bound::of(self.from.as_ref()),
            to: Bound::of(self.to.as_ref()),
            position: String::new(),
            index: 0,
            events: 0,
            bytes: 0,
            signed: None,
            known: None,
        };
        let mut target = Target::open(&self.out, wanted, self.resume)?;
        check(&mut servers, &target.progress).await?;
        if target.is_new() && target.progress.is_whole_log() {
            target.sign(signed(&mut servers).await?);
        }
        let mut meter = Meter::new("exporting");
        loop {
            if target.progress.is_over() {
                break;
            }
            let message = v1::ReadLogRequest {
                after_position: target.progress.position.clone(),
                known_event: target.progress.known.as_ref().map(Seen::message),
                ..Default::default()
            };
            let part = servers.read(message).await?;
            let is_end = part.is_end;
            let end = parsed(&part.end_position).map_or(0, |it| it.0);
            target.take(part)?;
            let at = parsed(&target.progress.position).map_or(0, |it| it.0);
            let events = target.progress.events;
            meter.at(at, end, || format!("{} events", grouped(events)));
            if is_end {
                break;
            }
        }
        drop(meter);
        let events = target.finish()?;
        let made = json!({ "file": self.out, "events": events });
        output::print(self.remote.output, &made, |_| {
            let s = if events == 1 { "" } else { "s" };
            format!("{} event{s}, in {}", grouped(events), self.out.display())
        })
    }
}

/// What the log signs of itself, if it signs.
async fn signed(servers: &mut Servers) -> Result<Option<v1::GetCheckpointResponse>, CliError> {
    match servers.read(v1::GetCheckpointRequest::default()).await {
        Ok(signed) => Ok(Some(signed)),
        Err(error) if error.reason.as_deref() == Some(Reason::AuditKeyMissing.as_str()) => {
            terminal::note(
                "the server has no key to sign with (audit.key_file): the file can be verified against a checkpoint alone (--expect)",
            );
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// A bound that the log does not have is refused before anything is written.
async fn check(servers: &mut Servers, progress: &Progress) -> Result<(), CliError> {
    for bound in [&progress.from, &progress.to] {
        if let Some((commit, prepare)) = bound.position {
            let message = v1::ReadLogRequest {
                after_position: format!("{commit}/{prepare}"),
                most: 1,
                ..Default::default()
            };
            servers.read(message).await?;
        }
    }
    Ok(())
}

/// The file that is written, and how far it is.
struct Target {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    progress: Progress,
    /// What the log signed, which stands at the file's beginning.
    checkpoint: Option<String>,
}

impl Target {
    fn open(path: &Path, wanted: Progress, resume: bool) -> Result<Self, CliError> {
        let failed = |error: io::Error| failed(path, error);
        let mut target = Self {
            path: path.to_owned(),
            file: None,
            progress: wanted,
            checkpoint: None,
        };
        if resume {
            target.progress = target.resumed()?;
        } else if path.exists() {
            let text = format!(
                "--out {} is there already: name another file, or go on with --resume",
                path.display()
            );
            return Err(CliError::usage(text));
        }
        if resume {
            let mut file = OpenOptions::new().write(true).open(path).map_err(failed)?;
            file.set_len(target.progress.bytes).map_err(failed)?;
            file.seek(SeekFrom::End(0)).map_err(failed)?;
            target.file = Some(BufWriter::new(file));
        }
        Ok(target)
    }

    /// Whether nothing of it was written yet.
    fn is_new(&self) -> bool {
        self.file.is_none()
    }

    /// Has the file hold what the log signed, and no event that came later.
    fn sign(&mut self, signed: Option<v1::GetCheckpointResponse>) {
        self.progress.signed = signed.as_ref().map(|it| it.size);
        self.checkpoint = signed.map(|it| it.checkpoint);
    }

    /// What stands beside the file, if it is of the same question and the file is as long as that.
    fn resumed(&self) -> Result<Progress, CliError> {
        let beside = self.beside();
        let stored = fs::read(&beside).map_err(|_| {
            let text = format!(
                "--resume: {} is whole, or was not begun: {} is missing",
                self.path.display(),
                beside.display()
            );
            CliError::usage(text)
        })?;
        let known: Progress = serde_json::from_slice(&stored).map_err(|error| {
            CliError::usage(format!(
                "--resume: {} is damaged: {error}",
                beside.display()
            ))
        })?;
        let asked = Progress {
            format: self.progress.format,
            from: self.progress.from.clone(),
            to: self.progress.to.clone(),
            ..known.clone()
        };
        let names_none = self.progress.from == Bound::default()
            && self.progress.to == Bound::default()
            && known.format == self.progress.format;
        if asked != known && !names_none {
            let text = "--resume: the file was begun with another --format, --from or --to";
            return Err(CliError::usage(text.to_owned()));
        }
        let length = fs::metadata(&self.path).map_or(0, |it| it.len());
        if length < known.bytes {
            let text = format!(
                "--resume: {} has been cut: it has {length} bytes of {}",
                self.path.display(),
                known.bytes
            );
            return Err(CliError::usage(text));
        }
        Ok(known)
    }

    /// Where it stands how far the file is.
    fn beside(&self) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".progress");
        self.path.with_file_name(name)
    }

    /// Writes a part of the log down, and then how far the file is.
    fn take(&mut self, part: v1::ReadLogResponse) -> Result<(), CliError> {
        let mut text = Vec::new();
        let mut next = self.progress.clone();
        if self.file.is_none() {
            next.format.begin(&mut text, self.checkpoint.as_deref())?;
        }
        for record in part.records {
            next.known = Seen::of(&record).or(next.known);
            let entry = entry(record)?;
            if next.wants(&entry) {
                next.format.write(&mut text, next.index, &entry)?;
                next.events += 1;
            }
            next.index += 1;
        }
        next.position = part.position;
        next.bytes += text.len() as u64;
        let path = self.path.clone();
        let failed = |error: io::Error| failed(&path, error);
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let new = File::create_new(&path).map_err(failed)?;
                self.file.insert(BufWriter::new(new))
            }
        };
        file.write_all(&text).map_err(failed)?;
        file.flush().map_err(failed)?;
        file.get_ref().sync_data().map_err(failed)?;
        self.progress = next;
        self.note().map_err(failed)
    }

    /// Puts down how far the file is: the old word, or the new one.
    fn note(&self) -> io::Result<()> {
        let beside = self.beside();
        let mut name = beside.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = beside.with_file_name(name);
        fs::write(&part, serde_json::to_vec(&self.progress)?)?;
        fs::rename(part, beside)
    }

    /// The file is whole.
    fn finish(self) -> Result<u64, CliError> {
        match fs::remove_file(self.beside()) {
            Ok(()) => Ok(self.progress.events),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(self.progress.events),
            Err(error) => Err(failed(&self.path, error)),
        }
    }
}

fn failed(path: &Path, error: io::Error) -> CliError {
    CliError::failed(format!("--out {}: {error}", path.display()))
}

pub(super) fn entry(record: v1::LogRecord) -> Result<Entry, CliError> {
    let unread = |what: &str| CliError::failed(format!("the server tells no {what} of an event"));
    let created = record.created.as_ref();
    Ok(Entry {
        position: record.position.parse().map_err(|_| unread("position"))?,
        id: record.event_id.parse().map_err(|_| unread("id"))?,
        created: created
            .and_then(|it| DateTime::from_timestamp(it.seconds, u32::try_from(it.nanos).ok()?))
            .ok_or_else(|| unread("time"))?,
        stream: record.stream,
        revision: record.revision,
        event_type: record.r#type,
        data: record.data,
        metadata: record.metadata,
        cloud: record.cloud.as_ref().and_then(cloud),
    })
}

/// The cloud as it is stored; `None` of one that this version does not know.
fn cloud(it: &v1::Cloud) -> Option<CloudMode> {
    match it.mode() {
        v1::CloudMode::Unspecified => None,
        v1::CloudMode::Real => Some(CloudMode::Real),
        v1::CloudMode::Simulated => Some(CloudMode::Simulated),
        v1::CloudMode::Emulator => {
            let endpoint = it.endpoint.parse().ok()?;
            Some(CloudMode::Emulator { endpoint })
        }
    }
}

#[cfg(test)]
mod tests;
