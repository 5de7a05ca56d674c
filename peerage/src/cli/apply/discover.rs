//! `peerage discover`: the links that stand at the cloud already, and the file that adopts them.

use super::{
    document::{Document, Network, Peering},
    networks,
};
use crate::{
    api::v1,
    cli::{CliError, Remote, output, resolve::Named},
};
use clap::Args;

#[derive(Debug, Args)]
pub(in crate::cli) struct Discover {
    /// Only at this network: its id, the id's first characters, its name, or PROJECT/NAME, like
    /// orders. Default: at every network that is not retired.
    #[arg(value_name = "NETWORK")]
    network: Option<Named>,
    /// Print, in place of the list, the file that adopts what can be adopted, for `peerage apply`.
    #[arg(long)]
    as_file: bool,
    #[command(flatten)]
    remote: Remote,
}

impl Discover {
    pub(in crate::cli) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let (mut document, mut found) = (Document::default(), Vec::new());
        for network in networks(&mut servers, self.network.as_ref()).await? {
            let ask = v1::DiscoverLinksRequest {
                network_id: network.network_id.clone(),
                ..Default::default()
            };
            let links = servers.read(ask).await?.links;
            let adoptable = links.iter().filter(|it| it.adoptable);
            let peerings: Vec<_> = adoptable.map(Peering::to_adopt).collect();
            if !peerings.is_empty() {
                let mut wanted = Network::on_record(&network, &[]);
                (wanted.policy, wanted.peerings) = (None, peerings);
                document.networks.push(wanted);
            }
            found.extend(links.into_iter().map(|it| (network.name.clone(), it)));
        }
        if self.as_file {
            return output::print(self.remote.output, &document, Document::written);
        }
        let links: Vec<_> = found.iter().map(|(_, it)| it.clone()).collect();
        output::messages(self.remote.output, &links, |_| output::links(&found))
    }
}
