//! `peerage audit checkpoint`: what the log signs of itself, and that it has done nothing but grow.

use super::file;
use crate::{
    api::v1::{self, Epoch},
    cli::{CliError, Output, Remote, output, terminal},
};
use clap::Args;
use std::path::PathBuf;

/// Keep it: what the log holds up to it can never be changed again without that showing.
#[derive(Debug, Args)]
pub(super) struct Checkpoint {
    #[command(flatten)]
    remote: Remote,
    /// A file to write it to, like 2026-03-01.checkpoint. Default: standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// An older checkpoint, like 2026-02-01.checkpoint: the file then proves as well that the log
    /// has done nothing but grow since.
    #[arg(long, value_name = "FILE")]
    older: Option<PathBuf>,
}

impl Checkpoint {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let form = self.remote.output;
        let older = self.older.as_deref().map(file::text).transpose()?;
        let mut servers = self.remote.servers()?;
        if let Some(older) = older {
            let message = v1::ProveGrowthRequest {
                older,
                ..Default::default()
            };
            let answer = servers.read(message).await?;
            let (old, size) = (answer.old_size, answer.size);
            let said = format!("{size} events, grown from {old}");
            return file::put(self.out.as_deref(), &answer.proof, &said, || {
                shown(form, &answer, &answer.proof)
            });
        }
        let answer = servers.read(v1::GetCheckpointRequest::default()).await?;
        file::put(
            self.out.as_deref(),
            &answer.checkpoint,
            &told(&answer),
            || {
                terminal::note(&told(&answer));
                shown(form, &answer, &answer.checkpoint)
            },
        )
    }
}

fn shown<M: prost::Message + prost::Name>(
    form: Output,
    answer: &M,
    note: &str,
) -> Result<(), CliError> {
    output::message(form, answer, |_| note.trim_end().to_owned())
}

/// How many events, who stands for it, and what became of earlier epochs.
fn told(it: &v1::GetCheckpointResponse) -> String {
    let mut lines = vec![format!("{} events", it.size)];
    lines.extend(it.epochs.iter().filter_map(epoch));
    if it.witnesses.is_empty() {
        lines.push("SELF-ATTESTED: no witness is configured (audit.witnesses)".to_owned());
    } else if it.witnesses.iter().all(|it| !it.problem.is_empty()) {
        lines.push("SELF-ATTESTED: no witness has cosigned it".to_owned());
    }
    lines.extend(it.witnesses.iter().map(|it| match it.problem.as_str() {
        "" => format!("cosigned by {}", it.name),
        why => format!("not cosigned by {}: {why}", it.name),
    }));
    lines.join("\n")
}

/// What was lost between two epochs.
fn epoch(it: &Epoch) -> Option<String> {
    let shared = it.shared?;
    let before = it.number.saturating_sub(1);
    Some(format!(
        "epoch {}: the store lost events of epoch {before}, of which it still had the first {shared}",
        it.number
    ))
}
