//! `peerage audit prove`: that an event is in the log, as a file that anybody can verify.

use super::{
    file,
    place::{self, EventName},
};
use crate::{
    api::v1,
    cli::{CliError, Remote, output},
};
use clap::Args;
use std::path::PathBuf;

/// `peerage audit verify` checks the file, and so does every program that reads C2SP's tlog-proof.
#[derive(Debug, Args)]
pub(super) struct Prove {
    #[command(flatten)]
    remote: Remote,
    /// The event: its id, like 3f0c6a3e-6c5b-4a57-9d4e-0d1c2b3a4f5e, or its position, like
    /// 4711/4711, as `peerage audit log -o json` shows them.
    #[arg(value_name = "EVENT", value_parser = place::event)]
    event: EventName,
    /// Its stream, where several have an event with this id, like
    /// network-3f0c6a3e-6c5b-4a57-9d4e-0d1c2b3a4f5e.
    #[arg(long, value_name = "STREAM")]
    stream: Option<String>,
    /// A file to write the proof to, like opened.tlog-proof. Default: standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Prove {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let stream = self.stream.unwrap_or_default();
        let message = request(&self.event, stream);
        let answer = servers.read(message).await?;
        let said = format!("event {} of {}", answer.index, answer.size);
        file::put(self.out.as_deref(), &answer.proof, &said, || {
            output::message(self.remote.output, &answer, |it| {
                it.proof.trim_end().to_owned()
            })
        })
    }
}

/// Asks for the proof of this event, of this stream if one is named.
pub(super) fn request(event: &EventName, stream: String) -> v1::ProveEventRequest {
    let mut message = v1::ProveEventRequest {
        stream,
        ..Default::default()
    };
    match event {
        EventName::Id(id) => message.event_id = id.to_string(),
        EventName::Position(position) => message.event_position.clone_from(position),
    }
    message
}
