//! `peerage projection rebuild`.

use super::{server, show};
use crate::{
    api::v1::{self, RebuildStage},
    cli::{CliError, Remote, engine::Servers, node::Meter, output},
};
use clap::Args;
use std::time::Duration;

/// How often it is asked how far it is.
const EVERY: Duration = Duration::from_millis(500);
/// How often a server that does not answer is asked again: it may be restarted, and goes on.
const ASKED: usize = 120;

/// Those of the server that is named, and of no other. It serves all the while. Rows that are not
/// what the log makes of them are named, and the new ones take over; a tree with another root never
/// does. The build goes on when this command is ended, and when the server is started again;
/// `peerage projection cancel` gives it up.
#[derive(Debug, Args)]
pub(in crate::cli) struct Rebuild {
    #[command(flatten)]
    remote: Remote,
    /// Its name, like read-models or audit-tree.
    #[arg(value_name = "NAME")]
    name: String,
    /// Do not wait for the end; `peerage projection status` shows it.
    #[arg(long)]
    no_wait: bool,
}

impl Rebuild {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut server = server(&self.remote)?;
        let name = self.name.clone();
        let asked = server.read(v1::RebuildProjectionRequest { name }).await?;
        let mut told = asked.projection.unwrap_or_default();
        if !self.no_wait {
            told = self.wait(&mut server, told).await?;
        }
        output::message(self.remote.output, &told, show::shown)?;
        let rebuild = told.rebuild.unwrap_or_default();
        match rebuild.stage() {
            RebuildStage::Asked
            | RebuildStage::Building
            | RebuildStage::Comparing
            | RebuildStage::Switched => Ok(()),
            RebuildStage::Cancelling | RebuildStage::Cancelled => {
                Err(CliError::failed("it was given up, as somebody asked"))
            }
            RebuildStage::Refused | RebuildStage::Failed | RebuildStage::Unspecified => {
                Err(CliError::failed(rebuild.cause))
            }
        }
    }

    /// Shows how far it is, until it has ended.
    async fn wait(
        &self,
        server: &mut Servers,
        asked: v1::Projection,
    ) -> Result<v1::Projection, CliError> {
        let mut meter = Meter::new(&format!("building {}", self.name));
        let (mut told, mut silent) = (asked, 0);
        loop {
            let rebuild = told.rebuild.clone().ok_or_else(|| {
                CliError::failed("the server was started again before it had begun: ask again")
            })?;
            if !show::is_under_way(&rebuild) {
                return Ok(told);
            }
            let (at, end) = (commit(&rebuild.position), commit(&rebuild.end));
            meter.at(at, end, || show::so_far(&rebuild));
            tokio::time::sleep(EVERY).await;
            let name = self.name.clone();
            match server.read(v1::GetProjectionRequest { name }).await {
                Ok(answer) => {
                    let projection = answer.projection.unwrap_or_default();
                    if projection.host != told.host {
                        let text = format!("{} answers now, not {}", projection.host, told.host);
                        return Err(CliError::failed(text));
                    }
                    (told, silent) = (projection, 0);
                }
                Err(error) if silent >= ASKED => return Err(error),
                Err(_) => silent += 1,
            }
        }
    }
}

fn commit(position: &str) -> u64 {
    let commit = position.split('/').next().unwrap_or_default();
    commit.parse().unwrap_or_default()
}
