//! What a demonstration needs: a network with one subnet.

use crate::{Asked, GcpCloud, compute::NetworkName};
use async_trait::async_trait;
use cloud::{AccountRegion, CloudError, Groundwork, Operation};
use domain::{Range, text::CloudNetwork};

#[async_trait]
impl Groundwork for GcpCloud {
    /// A network of this name, with a subnet of the same name and this range in the region.
    async fn create_network(
        &self,
        at: &AccountRegion,
        range: Range,
        name: &str,
    ) -> Result<CloudNetwork, CloudError> {
        let asked = Asked::of(Operation::CreateNetwork, at)?;
        let network: CloudNetwork = asked.name("network", name)?;
        let project = asked.project();
        let compute = &self.compute;
        let of_network = async {
            let begun = compute.insert_network(project, name).await?;
            compute.finish("networks.insert", project, begun).await?;
            let full = NetworkName::new(project, name);
            let range = range.to_string();
            let region = at.region.as_str();
            let begun = compute
                .insert_subnetwork(&full, region, name, &range)
                .await?;
            compute.finish("subnetworks.insert", project, begun).await
        };
        of_network.await.map_err(|error| asked.failed(error))?;
        Ok(network)
    }
}
