//! `peerage network ipv6`.

use super::Subject;
use crate::{api::v1, cli::CliError};
use clap::Args;

#[derive(Debug, Args)]
pub(in crate::cli) struct Ipv6 {
    #[command(flatten)]
    subject: Subject,
    /// An IPv6 range of the network, like fd00:20::/56; again for more. These and no others: what
    /// needs one that goes is closed with it.
    #[arg(value_name = "RANGE", required_unless_present = "none")]
    ranges: Vec<String>,
    /// The network has none: all of IPv6 is closed.
    #[arg(long, conflicts_with = "ranges")]
    none: bool,
}

impl Ipv6 {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let (mut servers, network_id) = self.subject.open().await?;
        let command = v1::SetNetworkIpv6RangesRequest {
            network_id,
            ipv6_ranges: self.ranges,
            ..Default::default()
        };
        self.subject.send(&mut servers, command).await
    }
}
