//! The links that the cloud shows at a private network, whoever made them.

use super::{Planner, PreviewError, sides};
use cloud::{Cloud as _, LinkForm, LinkRole, LinkState, LinkView};
use domain::{
    NetworkId, PeeringId, Provider, Region,
    network::{Network, Refusal},
    text::{Account, CloudNetwork, Link},
};
use ipnet::IpNet;

/// A link at a private network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveredLink {
    /// The provider's id of it.
    pub link: Link,
    /// The peering that it is on record for.
    pub peering: Option<PeeringId>,
    /// The provider of the network at the other end.
    pub provider: Provider,
    /// The account of that network.
    pub account: Account,
    /// Its region.
    pub region: Region,
    /// The network itself.
    pub cloud_network: CloudNetwork,
    /// Its ranges, as far as the cloud tells them.
    pub ranges: Vec<IpNet>,
    /// Where the cloud says the link is.
    pub state: LinkState,
    /// Whether the other end asked for it.
    pub asked_by_peer: bool,
}

impl Planner {
    /// The links that the cloud shows at this network and that are not over. That there are none is
    /// said only of the account on record.
    pub async fn links(&self, network: NetworkId) -> Result<Vec<DiscoveredLink>, PreviewError> {
        let _asks = self.ask()?;
        let loaded = self.worker.networks.load(network).await?;
        let Network::Registered(on_record) = &loaded.network else {
            return Err(Refusal::NetworkUnknown.into());
        };
        self.worker.is_here(on_record)?;
        let (own, cloud) = (sides::local_network(on_record), &self.worker.inquiries);
        sides::check_account(cloud, &own.at).await?;
        let links = cloud
            .links(&own.at, std::slice::from_ref(&own.network))
            .await?;
        // Where each side has an object, a network's links are its own.
        let is_two = LinkForm::of(on_record.provider).is_two_objects();
        let is_own = |it: &LinkView| !is_two || it.first.network.is_same(&own);
        let live = links
            .into_iter()
            .filter(|it| it.state.is_live() && is_own(it));
        let found = live.filter_map(|view| {
            let (role, _) = view.end(&own)?;
            let other = match role {
                LinkRole::First => view.second,
                LinkRole::Second => view.first,
            };
            let (at, cloud_network) = (other.network.at, other.network.network);
            Some(DiscoveredLink {
                peering: on_record.owner_of(&view.link),
                link: view.link,
                provider: at.provider,
                account: at.account,
                region: at.region,
                cloud_network,
                ranges: other.ranges,
                state: view.state,
                asked_by_peer: role == LinkRole::Second,
            })
        });
        Ok(found.collect())
    }
}
