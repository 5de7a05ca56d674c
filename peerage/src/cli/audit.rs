//! `peerage audit`: who opened this, when and why.

use super::{
    CliError, Remote,
    client::{refused, request},
    output,
};
use crate::api::v0 as v1;
use clap::Args;
use uuid::Uuid;

#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(flatten)]
    remote: Remote,
    /// Only this network.
    #[arg(long)]
    network: Option<Uuid>,
    /// Only this peering.
    #[arg(long)]
    peering: Option<Uuid>,
    /// Only what this command did.
    #[arg(long)]
    command: Option<Uuid>,
    /// The newest first.
    #[arg(long)]
    newest_first: bool,
    /// How many events at most.
    #[arg(long, default_value_t = 1000)]
    limit: usize,
}

impl Audit {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let text = |id: Option<Uuid>| id.map(|it| it.to_string()).unwrap_or_default();
        let mut message = v1::ListEventsRequest {
            network_id: text(self.network),
            peering_id: text(self.peering),
            command_id: text(self.command),
            newest_first: self.newest_first,
            ..Default::default()
        };
        let mut client = self.remote.audit().await?;
        let mut events = Vec::new();
        while events.len() < self.limit {
            message.page_size = u32::try_from(self.limit - events.len())
                .unwrap_or(u32::MAX)
                .min(1000);
            let page = client
                .list_events(request(message.clone()))
                .await
                .map_err(refused)?
                .into_inner();
            events.extend(page.events);
            message.page_token = page.next_page_token;
            if message.page_token.is_empty() {
                break;
            }
        }
        output::print(self.remote.output, &events, |it| output::events(it))
    }
}
