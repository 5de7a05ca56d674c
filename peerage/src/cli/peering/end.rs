//! `peerage peering remove` and `peerage peering abandon`: the two ways out.

use super::{
    Subject, get,
    watch::{self, Goal},
};
use crate::{
    api::v1,
    cli::{
        CliError, Output,
        args::Side,
        bookmark::After,
        engine::{Done, Servers},
        output, terminal,
    },
};
use clap::Args;

#[derive(Debug, Args)]
#[command(mut_arg("reason", |it| it.required(true)))]
pub(in crate::cli) struct Remove {
    #[command(flatten)]
    subject: Subject,
    /// Return at once: do not wait until all is gone.
    #[arg(long)]
    no_wait: bool,
}

#[derive(Debug, Args)]
#[command(mut_arg("reason", |it| it.required(true)))]
pub(in crate::cli) struct Abandon {
    #[command(flatten)]
    subject: Subject,
    /// Clean up this side first, as far as it can be reached: its routes and rules, and the link
    /// where the cloud lets this side delete it.
    #[arg(long, value_name = "SIDE")]
    clean: Option<Side>,
    /// Do it without being asked.
    #[arg(long)]
    yes: bool,
    /// Return at once: do not wait for the last look at what stands.
    #[arg(long)]
    no_wait: bool,
}

impl Remove {
    /// With JSON, waiting prints one document: the peering as it was left.
    pub(super) async fn run(self) -> Result<(), CliError> {
        let (mut servers, peering_id) = self.subject.open().await?;
        let (output, context) = (self.subject.remote.output, &self.subject.context);
        let message = v1::RemovePeeringRequest {
            peering_id: peering_id.clone(),
            ..Default::default()
        };
        let done = servers.command(message, context).await?;
        let waits = !self.no_wait && !context.validate_only;
        let told = "removal continues whether you watch or not; ^C ends the watch alone";
        gone(
            &mut servers,
            peering_id,
            output,
            done,
            waits.then_some(told),
        )
        .await
    }
}

/// Shows the answer, and where it is waited for, what follows until the peering has ended.
async fn gone(
    servers: &mut Servers,
    peering_id: String,
    output: Output,
    done: Done,
    waits: Option<&str>,
) -> Result<(), CliError> {
    let human = output == Output::Table;
    if waits.is_none() || human {
        output::command(output, &done)?;
    }
    let Some(told) = waits else {
        return Ok(());
    };
    if human {
        terminal::line(&format!("\n{told}\n"))?;
    }
    let show = |update: &v1::WatchPeeringsResponse| {
        if human {
            watch::show(update, false)
        } else {
            Ok(())
        }
    };
    let after = After::position(done.answer.position);
    let gone = watch::until(servers, peering_id.clone(), after, Goal::Gone, show).await?;
    if human {
        return terminal::answer(&format!("\n{}", output::leftovers(&gone)));
    }
    let gone = get(servers, peering_id).await?;
    output::message(output, &gone, output::peering)
}

impl Abandon {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let (mut servers, peering_id) = self.subject.open().await?;
        let (output, context) = (self.subject.remote.output, &self.subject.context);
        if !self.yes && !context.validate_only {
            let peering = get(&mut servers, peering_id.clone())
                .await?
                .peering
                .unwrap_or_default();
            let peer = peering.peer.clone().unwrap_or_default();
            terminal::confirm(&format!(
                "Abandon the peering with {}/{}, which is {}? What stands at the cloud stays there.",
                peer.account,
                peer.cloud_network,
                output::state(&peering)
            ))?;
        }
        let message = v1::AbandonPeeringRequest {
            peering_id: peering_id.clone(),
            clean: self.clean.map(v1::Side::from).unwrap_or_default().into(),
            ..Default::default()
        };
        let done = servers.command(message, context).await?;
        let waits = !self.no_wait && !context.validate_only;
        let told = "it ends after one more look at what stands, or in five minutes; ^C ends the watch alone";
        gone(
            &mut servers,
            peering_id,
            output,
            done,
            waits.then_some(told),
        )
        .await
    }
}
