//! `peerage peering remove` and `peerage peering abandon`: the two ways out.

use super::watch::{self, Goal};
use crate::{
    api::v0 as v1,
    cli::{
        CliError, Output,
        client::{self, About, refused, request},
        output, terminal,
    },
};
use clap::Args;

#[derive(Debug, Args)]
pub(in crate::cli) struct Remove {
    #[command(flatten)]
    about: About,
    /// Why, for the audit.
    #[arg(long)]
    reason: String,
    /// Ask for it, and do not wait until all is gone.
    #[arg(long)]
    no_wait: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Abandon {
    #[command(flatten)]
    about: About,
    /// Why, for the audit.
    #[arg(long)]
    reason: String,
    /// Go on without being asked.
    #[arg(long)]
    yes: bool,
}

impl Remove {
    /// With JSON, waiting prints one document: the peering as it was left.
    pub(super) async fn run(self) -> Result<(), CliError> {
        let (mut networks, peering) = self.about.open().await?;
        let message = v1::RemovePeeringRequest {
            context: Some(self.about.context.message()),
            network_id: peering.network_id,
            peering_id: peering.peering_id,
            reason: self.reason,
        };
        let answer = networks
            .remove_peering(request(message))
            .await
            .map_err(refused)?
            .into_inner();
        let human = self.about.remote.output == Output::Table;
        if self.no_wait || human {
            output::print(self.about.remote.output, &answer, output::command)?;
        }
        if self.no_wait {
            return Ok(());
        }
        if human {
            terminal::line("it goes on whether you watch or not; ^C leaves it at that\n")?;
        }
        let waited = watch::until(
            &mut networks,
            self.about.peering,
            answer.position,
            Goal::Gone,
            |response| {
                if human { watch::line(response) } else { Ok(()) }
            },
        );
        let gone = waited.await?;
        if human {
            return terminal::answer(&format!("\n{}", output::left_behind(&gone)));
        }
        let gone = client::peering(&mut networks, self.about.peering, String::new()).await?;
        output::print(Output::Json, &gone, output::peering)
    }
}

impl Abandon {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let (mut networks, peering) = self.about.open().await?;
        if !self.yes {
            let peer = peering.peer.clone().unwrap_or_default();
            terminal::confirm(&format!(
                "Abandon the peering with {} ({}), which is {}? Whatever stands at the cloud stays there and is nobody's concern here.",
                peer.cloud_network,
                peer.account,
                output::state(&peering)
            ))?;
        }
        let message = v1::AbandonPeeringRequest {
            context: Some(self.about.context.message()),
            network_id: peering.network_id,
            peering_id: peering.peering_id,
            reason: self.reason,
        };
        let answer = networks
            .abandon_peering(request(message))
            .await
            .map_err(refused)?
            .into_inner();
        output::print(self.about.remote.output, &answer, output::command)?;
        if self.about.remote.output == Output::Table {
            let abandoned =
                client::peering(&mut networks, self.about.peering, answer.position).await?;
            terminal::answer(&output::left_behind(&abandoned))?;
        }
        Ok(())
    }
}
