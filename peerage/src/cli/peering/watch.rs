//! `peerage peering watch`: one peering live, and whatever else waits for one.

use crate::{
    api::v0::{self, network_service_client::NetworkServiceClient},
    cli::{CliError, Output, Remote, client::refused, output, terminal},
};
use clap::Args;
use tonic::transport::Channel;
use uuid::Uuid;

#[derive(Debug, Args)]
pub(in crate::cli) struct Watch {
    #[command(flatten)]
    remote: Remote,
    peering: Uuid,
    /// Go on watching when all is in place.
    #[arg(long)]
    follow: bool,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// All that was asked for is in place; of a peering that is being taken back, that it is gone.
    InPlace,
    /// It is gone.
    Gone,
    /// Its end, whatever happens before.
    Over,
}

impl Watch {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut networks = self.remote.networks().await?;
        let goal = if self.follow {
            Goal::Over
        } else {
            Goal::InPlace
        };
        let show = |response: &v0::WatchPeeringResponse| self.show(response);
        until(&mut networks, self.peering, String::new(), goal, show)
            .await
            .map(drop)
    }

    fn show(&self, response: &v0::WatchPeeringResponse) -> Result<(), CliError> {
        if self.remote.output == Output::Json {
            let json = serde_json::to_string(response).map_err(CliError::failed)?;
            return terminal::line(&terminal::json(json));
        }
        line(response)
    }
}

/// Follows a peering until the goal is reached, and returns what it is then; a peering that ends
/// otherwise is a failure.
pub(super) async fn until(
    networks: &mut NetworkServiceClient<Channel>,
    id: Uuid,
    after: String,
    mut goal: Goal,
    show: impl Fn(&v0::WatchPeeringResponse) -> Result<(), CliError>,
) -> Result<v0::Peering, CliError> {
    let message = v0::WatchPeeringRequest {
        peering_id: id.to_string(),
        after,
    };
    let mut stream = networks
        .watch_peering(message)
        .await
        .map_err(refused)?
        .into_inner();
    while let Some(response) = stream.message().await.map_err(refused)? {
        show(&response)?;
        let Some(peering) = response.peering else {
            continue;
        };
        if peering.life == "removing" && goal == Goal::InPlace {
            goal = Goal::Gone;
        }
        if ended(&peering) {
            let wanted =
                goal == Goal::Gone && matches!(peering.life.as_str(), "removed" | "abandoned");
            return if wanted {
                Ok(peering)
            } else {
                Err(CliError::failed(format!(
                    "the peering {}",
                    ending(&peering)
                )))
            };
        }
        if peering.converged && goal == Goal::InPlace {
            return Ok(peering);
        }
    }
    Err(CliError::failed("the engine ended the watch; run it again"))
}

/// One line for what happened, and one for what it came to.
pub(super) fn line(response: &v0::WatchPeeringResponse) -> Result<(), CliError> {
    if let Some(event) = &response.event {
        let facts = output::cause(&output::brief(&event.data));
        terminal::line(&format!("{}  {:<26} {facts}", event.created, event.r#type))?;
    }
    if let Some(peering) = &response.peering {
        terminal::line(&format!("{:>20}  {}", "now", output::state(peering)))?;
        if let Some(blocked) = &peering.blocked {
            let message = output::cause(&blocked.message);
            terminal::line(&format!("{:>20}  {} side: {message}", "", blocked.side))?;
            for remedy in &blocked.remedy {
                terminal::line(&format!("{:>20}  $ {remedy}", ""))?;
            }
        }
        if peering.life == "awaiting_acceptance" {
            let id = &peering.peering_id;
            terminal::line(&format!(
                "{:>20}  `peerage peering show {id}` prints what to run",
                ""
            ))?;
        }
    }
    Ok(())
}

/// Whether nothing more will come of it.
pub(in crate::cli) fn ended(peering: &v0::Peering) -> bool {
    matches!(
        peering.life.as_str(),
        "rejected" | "expired" | "failed" | "removed" | "abandoned"
    )
}

/// How it ended, in words.
pub(in crate::cli) fn ending(peering: &v0::Peering) -> String {
    let how = match peering.life.as_str() {
        life @ ("expired" | "failed") => format!("has {life}"),
        life => format!("was {life}"),
    };
    if peering.failure.is_empty() {
        how
    } else {
        format!("{how}: {}", peering.failure)
    }
}
