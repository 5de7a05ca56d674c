//! `peerage peering plan`: what would be done, and whether it can be.

use super::spec::{Opens, PeerArgs, Terms, adoption, spec};
use crate::{
    api::v1::{self, CheckOutcome, plan_peering_request::Subject},
    cli::{
        CliError, Output, Remote,
        engine::Servers,
        output,
        resolve::{self, Named},
    },
};
use clap::Args;

#[derive(Debug, Args)]
pub(in crate::cli) struct Plan {
    /// A peering on record: its id, the id's first characters, its link's id, the peer's network,
    /// or ACCOUNT/NETWORK. Without one: --network and the other flags of `peering request`, and
    /// --link for a link to adopt.
    #[arg(
        value_name = "PEERING",
        required_unless_present = "network",
        conflicts_with_all = ["network", "link"]
    )]
    peering: Option<Named>,
    /// The provider's id of a link to adopt, like pcx-0a1b2c3d4e5f60718.
    #[arg(long, value_name = "LINK", requires = "network")]
    link: Option<String>,
    #[command(flatten)]
    peer: PeerArgs,
    #[command(flatten)]
    terms: Terms,
    #[command(flatten)]
    opens: Opens,
    #[command(flatten)]
    remote: Remote,
}

impl Plan {
    pub(super) async fn run(self) -> Result<(), CliError> {
        if self.peering.is_none() {
            self.peer.check()?;
        }
        let mut servers = self.remote.servers()?;
        let subject = self.subject(&mut servers).await?;
        let plan = ask(&mut servers, subject).await?;
        show(self.remote.output, &plan)
    }

    async fn subject(&self, servers: &mut Servers) -> Result<Subject, CliError> {
        if let Some(named) = &self.peering {
            return Ok(Subject::PeeringId(resolve::peering(servers, named).await?));
        }
        let network_id = resolve::given(servers, self.peer.network.as_ref()).await?;
        Ok(match &self.link {
            Some(link) => {
                let adoption = Some(adoption(
                    &self.peer,
                    link,
                    self.terms.consent,
                    &self.terms.tenure,
                ));
                Subject::Adoption(v1::PlanAdoption {
                    network_id,
                    adoption,
                })
            }
            None => {
                let peering = Some(spec(&self.peer, &self.terms, &self.opens));
                Subject::Request(v1::PlanRequest {
                    network_id,
                    peering,
                })
            }
        })
    }
}

pub(in crate::cli) async fn ask(
    servers: &mut Servers,
    subject: Subject,
) -> Result<v1::PlanPeeringResponse, CliError> {
    let message = v1::PlanPeeringRequest {
        subject: Some(subject),
        ..Default::default()
    };
    servers.read(message).await
}

/// Prints the plan. One that cannot be carried out is a failure, for scripts that look before they
/// leap.
pub(super) fn show(output: Output, plan: &v1::PlanPeeringResponse) -> Result<(), CliError> {
    output::message(output, plan, output::plan)?;
    match plan
        .checks
        .iter()
        .filter(|it| it.outcome() == CheckOutcome::Failed)
        .count()
    {
        0 => Ok(()),
        1 => Err(CliError::failed("a check failed")),
        failed => Err(CliError::failed(format!("{failed} checks failed"))),
    }
}
