//! `peerage audit verify`: whether a file says the truth about a log; offline, with no server.

use super::{file, proved};
use crate::cli::{CliError, Output, output};
use audit::Entry;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use journal::Position;
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _, Seek as _},
    path::PathBuf,
};
use tree::{Against, EXPORT, Leaf, Proved, Purpose, Verdict, VerifierKey};

/// The largest file of evidence that is read.
const LARGEST: u64 = 256 << 20;

/// Takes a .tlog-proof, a checkpoint, a checkpoint with the proof that it follows an older one, an
/// export of events (JSON lines), or a file of evidence. It asks no server, and ends with 1 when
/// something does not hold.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The file, like opened.tlog-proof.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A public key of the log, as `peerage audit key show` prints it, like
    /// example.com/log+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k; again for more.
    #[arg(long = "key", value_name = "KEY", required = true, value_parser = log_key)]
    keys: Vec<VerifierKey>,
    /// A public key of a witness that you trust, like
    /// witness.example/w1+1f2e3d4c+BNKk…; again for more.
    #[arg(long = "witness", value_name = "KEY", value_parser = witness_key)]
    witnesses: Vec<VerifierKey>,
    /// What the log signed earlier, like 2026-02-01.checkpoint: the file must go on from there.
    #[arg(long, value_name = "CHECKPOINT")]
    older: Option<PathBuf>,
    /// What the log is known to hold at least, like 2026-03-01.checkpoint: a file that ends before
    /// it was cut.
    #[arg(long, value_name = "CHECKPOINT")]
    expect: Option<PathBuf>,
    /// How to print the verdict.
    #[arg(long, short, env = "PEERAGE_OUTPUT", default_value = "table")]
    output: Output,
}

fn log_key(text: &str) -> Result<VerifierKey, String> {
    key(
        text,
        Purpose::Log,
        "that is a witness's key: name it as --witness",
    )
}

fn witness_key(text: &str) -> Result<VerifierKey, String> {
    key(
        text,
        Purpose::Witness,
        "that is a log's key: name it as --key",
    )
}

fn key(text: &str, purpose: Purpose, instead: &str) -> Result<VerifierKey, String> {
    let key: VerifierKey = text.parse().map_err(|error| format!("{error}"))?;
    if key.purpose() != purpose {
        return Err(instead.to_owned());
    }
    Ok(key)
}

impl Verify {
    pub(super) fn run(self) -> Result<(), CliError> {
        let unread = |error: io::Error| {
            CliError::usage(format!("{} cannot be read: {error}", self.file.display()))
        };
        let mut opened = BufReader::new(File::open(&self.file).map_err(unread)?);
        let asks_witnesses = !self.witnesses.is_empty();
        let against = Against {
            keys: self.keys.into_iter().chain(self.witnesses).collect(),
            older: self.older.as_deref().map(file::checkpoint).transpose()?,
            expected: self.expect.as_deref().map(file::checkpoint).transpose()?,
        };
        let evidence = evidence(&mut opened).map_err(unread)?;
        let verified = match evidence {
            Some(evidence) => evidence.and_then(|it| it.verify(&against)),
            None => tree::verify(opened, &against).map_err(|error| domain::error_chain(&error)),
        };
        let verified = verified.and_then(|it| match it.vouched.witnesses.is_empty() {
            true if asks_witnesses => Err("no witness that you named has cosigned it".to_owned()),
            true | false => Ok(it),
        });
        let verdict = match verified {
            Ok(verdict) => verdict,
            Err(why) => {
                if self.output == Output::Json {
                    let refused = json!({ "verified": false, "why": why });
                    output::print(self.output, &refused, |_| String::new())?;
                }
                let text = format!("{}: NOT VERIFIED: {why}", self.file.display());
                return Err(CliError::failed(text));
            }
        };
        output::print(self.output, &document(&verdict), |_| in_words(&verdict))
    }
}

/// The file, if it is one of evidence, however its JSON is written. An export is JSON too: its
/// first line is short, and says what it is.
fn evidence(file: &mut BufReader<File>) -> io::Result<Option<Result<proved::File, String>>> {
    let begins = file.fill_buf()?;
    let first = begins.split(|it| *it == b'\n').next().unwrap_or_default();
    let first = serde_json::from_slice::<Value>(first).ok();
    let is_export = first.is_some_and(|it| it["format"] == EXPORT);
    if is_export || begins.trim_ascii_start().first() != Some(&b'{') {
        return Ok(None);
    }
    let mut text = String::new();
    let read = file.by_ref().take(LARGEST).read_to_string(&mut text);
    let found = match read {
        Ok(_) => proved::File::read(&text),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => None,
        Err(error) => return Err(error),
    };
    file.rewind()?;
    Ok(found)
}

fn in_words(it: &Verdict) -> String {
    let mut lines = vec![output::behind("VERIFIED: ", &what(it))];
    if let Proved::Event { leaf, .. } = &it.what {
        lines.extend(told(leaf));
    }
    lines.push(format!("log        {}, {} events", it.origin, it.size));
    lines.push(format!("root       {}", it.root));
    let signed = it.vouched.log.iter();
    lines
        .extend(signed.map(|it| format!("signed by  {} (key {:08x})", it.key.name(), it.key.id())));
    for signed in &it.vouched.witnesses {
        let time = signed.time.and_then(time).map(shown).unwrap_or_default();
        lines.push(format!("cosigned   {} at {time}", signed.key.name()));
    }
    if it.vouched.witnesses.is_empty() {
        let others = match it.vouched.unknown {
            0 => String::new(),
            1 => "; 1 signature is of a key that you did not name".to_owned(),
            many => format!("; {many} signatures are of keys that you did not name"),
        };
        let nobody = format!("SELF-ATTESTED: nobody but the log itself stands for this{others}");
        lines.push(output::behind("witnesses  ", &nobody));
    }
    lines.push(output::behind("complete   ", &complete(it)));
    lines.join("\n")
}

/// What a proved event says, and who it was, as its leaf has it.
fn told(leaf: &Leaf) -> Vec<String> {
    let entry = Entry {
        position: Position::START,
        stream: leaf.stream.clone(),
        revision: leaf.revision,
        id: leaf.id,
        event_type: leaf.event_type.clone(),
        created: DateTime::UNIX_EPOCH,
        data: leaf.data.clone(),
        metadata: leaf.metadata.clone(),
        cloud: None,
    };
    let about = entry.about();
    let by = about.as_ref().map(|it| match (&it.reason, &it.ticket) {
        (None, None) => it.actor.to_string(),
        (Some(why), None) => format!("{}: {why}", it.actor),
        (None, Some(ticket)) => format!("{} ({ticket})", it.actor),
        (Some(why), Some(ticket)) => format!("{}: {why} ({ticket})", it.actor),
    });
    let time = about.and_then(|it| it.time).map(shown);
    [
        Some(output::behind("says       ", &entry.sentence())),
        time.map(|it| format!("time       {it}")),
        by.map(|it| output::behind("by         ", &it)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn what(it: &Verdict) -> String {
    match &it.what {
        Proved::Event { index, leaf } => format!(
            "event {index} of the log is {} {}, event {} of {}",
            leaf.event_type, leaf.id, leaf.revision, leaf.stream
        ),
        Proved::Checkpoint => "the log signed this checkpoint".to_owned(),
        Proved::AllEvents => format!("these are all {} events of the log, as signed", it.size),
        Proved::SomeEvents(many) => {
            let (many, are) = match many {
                1 => ("this event".to_owned(), "is"),
                many => (format!("these {many} events"), "are"),
            };
            format!(
                "{many} {are} in the log; of others the file says nothing, and what it explains beside its events is the server's word"
            )
        }
    }
}

/// How far it goes, and what is known of what came later.
fn complete(it: &Verdict) -> String {
    let size = it.size;
    let follows = match it.follows {
        Some(old) => format!("; it goes on from the older checkpoint of {old} events"),
        None => String::new(),
    };
    match it.reaches {
        Some(expected) => {
            format!("up to {size} events, the {expected} that were expected among them{follows}")
        }
        None => format!("up to {size} events; what came later is unknown{follows}"),
    }
}

fn time(seconds: u64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)
}

fn shown(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn document(it: &Verdict) -> Value {
    let what = match &it.what {
        Proved::Event { index, leaf } => json!({
            "kind": "event", "index": index, "stream": leaf.stream, "revision": leaf.revision,
            "id": leaf.id, "type": leaf.event_type,
            "data": String::from_utf8_lossy(&leaf.data), "metadata": String::from_utf8_lossy(&leaf.metadata),
        }),
        Proved::Checkpoint => json!({ "kind": "checkpoint" }),
        Proved::AllEvents => json!({ "kind": "all_events" }),
        Proved::SomeEvents(many) => json!({ "kind": "some_events", "events": many }),
    };
    let witnesses = it.vouched.witnesses.iter().map(|it| {
        let time = it.time.and_then(time).map(shown);
        json!({ "name": it.key.name(), "key": it.key.to_string(), "time": time })
    });
    json!({
        "verified": true,
        "what": what,
        "log": it.origin,
        "size": it.size,
        "root": it.root.to_string(),
        "signed_by": it.vouched.log.iter().map(|it| it.key.to_string()).collect::<Vec<_>>(),
        "witnesses": witnesses.collect::<Vec<_>>(),
        "self_attested": it.vouched.witnesses.is_empty(),
        "follows": it.follows,
        "reaches": it.reaches,
    })
}
