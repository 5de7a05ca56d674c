//! What a demonstration needs: a network, made and awaited until reads show it.

use crate::{
    AwsCloud, NAME_TAG,
    ec2::{CreateVpc, IpNet, Tags, VpcId},
    refusals::Asked,
};
use async_trait::async_trait;
use cloud::{AccountRegion, CloudError, CloudErrorKind, Groundwork, Operation};
use domain::{Range, text::CloudNetwork};
use std::time::Duration;

/// How long a network that was just made may take to be shown by reads, and how often that is
/// looked at.
const SHOWN_WITHIN: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[async_trait]
impl Groundwork for AwsCloud {
    async fn create_network(
        &self,
        at: &AccountRegion,
        range: Range,
        name: &str,
    ) -> Result<CloudNetwork, CloudError> {
        let asked = Asked::of(Operation::CreateNetwork, at)?;
        let IpNet::V4(cidr) = range.net() else {
            return Err(asked.error(CloudErrorKind::Unsupported));
        };
        let wanted = CreateVpc {
            cidr,
            tags: Tags::from([(NAME_TAG.to_owned(), name.to_owned())]),
        };
        let made = self
            .ec2
            .create_vpc(&asked.scope, &wanted)
            .await
            .map_err(|error| asked.failed(error))?;
        let shown = tokio::time::timeout(SHOWN_WITHIN, self.until_shown(&asked, &made.id)).await;
        shown.unwrap_or_else(|_| {
            Err(asked
                .error(CloudErrorKind::NotFound)
                .message(format!("{} was made and is not shown", made.id)))
        })?;
        asked.name("VPC", made.id.as_str())
    }
}

impl AwsCloud {
    async fn until_shown(&self, asked: &Asked<'_>, id: &VpcId) -> Result<(), CloudError> {
        loop {
            let vpc = self
                .ec2
                .describe_vpc(&asked.scope, id)
                .await
                .map_err(|error| asked.failed(error))?;
            let tables = self
                .ec2
                .describe_route_tables(&asked.scope, std::slice::from_ref(id))
                .await
                .map_err(|error| asked.failed(error))?;
            if vpc.is_some_and(|vpc| vpc.available) && tables.iter().any(|table| table.main) {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
