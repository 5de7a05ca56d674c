//! `peerage audit prove`: that an event is in the log, as a file that anybody can verify.

use super::file;
use crate::{
    api::v1,
    cli::{CliError, Remote, output},
};
use clap::Args;
use std::path::PathBuf;
use uuid::Uuid;

/// `peerage audit verify` checks the file, and so does every program that reads C2SP's tlog-proof.
#[derive(Debug, Args)]
pub(super) struct Prove {
    #[command(flatten)]
    remote: Remote,
    /// The event: its UUID, as `peerage audit -o json` shows it, like
    /// 3f0c6a3e-6c5b-4a57-9d4e-0d1c2b3a4f5e.
    #[arg(value_name = "EVENT")]
    event: Uuid,
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
        let message = v1::ProveEventRequest {
            event_id: self.event.to_string(),
            stream: self.stream.unwrap_or_default(),
            ..Default::default()
        };
        let answer = servers.read(message).await?;
        let said = format!("event {} of {}", answer.index, answer.size);
        file::put(self.out.as_deref(), &answer.proof, &said, || {
            output::message(self.remote.output, &answer, |it| {
                it.proof.trim_end().to_owned()
            })
        })
    }
}
