//! `peerage network nodes`.

use super::Subject;
use crate::{api::v1, cli::CliError};
use clap::Args;

#[derive(Debug, Args)]
pub(in crate::cli) struct Nodes {
    #[command(flatten)]
    subject: Subject,
    /// A node's address or its subnet's range, like 10.20.1.0/24 or 10.20.2.7/32; again for more.
    /// These and no others.
    #[arg(value_name = "RANGE", required_unless_present = "unknown")]
    nodes: Vec<String>,
    /// Forget where they are: connector ingress names its source then.
    #[arg(long, conflicts_with = "nodes")]
    unknown: bool,
}

impl Nodes {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let (mut servers, network_id) = self.subject.open().await?;
        let command = v1::SetNetworkNodesRequest {
            network_id,
            nodes: self.nodes,
            ..Default::default()
        };
        self.subject.send(&mut servers, command).await
    }
}
