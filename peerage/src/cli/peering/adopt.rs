//! `peerage peering adopt`: a link that another tool or person made comes on record.

use super::{
    plan,
    spec::{Consent, PeerArgs, adoption},
};
use crate::{
    api::v1::{self, plan_peering_request::Subject},
    cli::{
        CliError, Output, Remote, engine::Context, output, resolve, tenure::TenureArgs, terminal,
    },
};
use clap::Args;

#[derive(Debug, Args)]
#[command(
    mut_arg("network", |it| it.required(true)),
    mut_arg("account", |it| it.required(true)),
    mut_arg("cloud_network", |it| it.required(true)),
    mut_arg("ranges", |it| it.required(true))
)]
pub(in crate::cli) struct Adopt {
    /// The provider's id of the link, like pcx-0a1b2c3d4e5f60718.
    #[arg(long, value_name = "LINK")]
    link: String,
    /// Who keeps the peer's side.
    #[arg(long, default_value = "delegated", value_name = "WHO")]
    consent: Consent,
    #[command(flatten)]
    tenure: TenureArgs,
    /// Adopt it without a preview, and without being asked.
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Show the preview, and stop there.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    peer: PeerArgs,
    #[command(flatten)]
    context: Context,
    #[command(flatten)]
    remote: Remote,
}

impl Adopt {
    pub(super) async fn run(self) -> Result<(), CliError> {
        self.peer.check()?;
        let mut servers = self.remote.servers()?;
        let network_id = resolve::given(&mut servers, self.peer.network.as_ref()).await?;
        let adoption = Some(adoption(&self.peer, &self.link, self.consent, &self.tenure));
        if !self.yes {
            let (network_id, adoption) = (network_id.clone(), adoption.clone());
            let subject = Subject::Adoption(v1::PlanAdoption {
                network_id,
                adoption,
            });
            let preview = plan::ask(&mut servers, subject).await?;
            if self.dry_run {
                return plan::show(self.remote.output, &preview);
            }
            if self.remote.output == Output::Table {
                terminal::line(&format!("{}\n", output::plan(&preview)))?;
            }
            terminal::confirm(&format!(
                "Adopt {}? The engine will never remove the link itself.",
                self.link
            ))?;
        }
        let message = v1::AdoptPeeringRequest {
            network_id,
            adoption,
            ..Default::default()
        };
        let done = servers.command(message, &self.context).await?;
        output::command(self.remote.output, &done)
    }
}
