//! `peerage peering watch`: one peering live, and whatever else waits for one.

use crate::{
    api::v0::{self as v1, network_service_client::NetworkServiceClient},
    cli::{CliError, Output, Remote, client::refused, output},
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
        let show = |response: &v1::WatchPeeringResponse| self.show(response);
        until(&mut networks, self.peering, String::new(), goal, show)
            .await
            .map(drop)
    }

    fn show(&self, response: &v1::WatchPeeringResponse) -> Result<(), CliError> {
        if self.remote.output == Output::Json {
            println!(
                "{}",
                serde_json::to_string(response).map_err(CliError::failed)?
            );
            return Ok(());
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
    show: impl Fn(&v1::WatchPeeringResponse) -> Result<(), CliError>,
) -> Result<v1::Peering, CliError> {
    let message = v1::WatchPeeringRequest {
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
pub(super) fn line(response: &v1::WatchPeeringResponse) -> Result<(), CliError> {
    if let Some(event) = &response.event {
        println!(
            "{}  {:<26} {}",
            event.created,
            event.r#type,
            output::brief(&event.data)
        );
    }
    if let Some(peering) = &response.peering {
        println!("{:>34}  {}", "now", output::state(peering));
        if let Some(blocked) = &peering.blocked {
            println!("{:>34}  {} side: {}", "", blocked.side, blocked.message);
            blocked
                .remedy
                .iter()
                .for_each(|it| println!("{:>34}  $ {it}", ""));
        }
        if peering.life == "awaiting_acceptance" {
            println!(
                "{:>34}  `peerage peering show {}` prints what to run",
                "", peering.peering_id
            );
        }
    }
    Ok(())
}

/// Whether nothing more will come of it.
pub(in crate::cli) fn ended(peering: &v1::Peering) -> bool {
    matches!(
        peering.life.as_str(),
        "rejected" | "expired" | "failed" | "removed" | "abandoned"
    )
}

/// How it ended, in words.
pub(in crate::cli) fn ending(peering: &v1::Peering) -> String {
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
