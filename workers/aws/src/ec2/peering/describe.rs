//! Looking at peering connections. EC2 shows an ended one for hours or days, then no more.

use super::{PeeringConnection, PeeringEnd, connection};
use crate::ec2::action::Action;
use crate::ec2::call::Call;
use crate::ec2::client::Ec2;
use crate::ec2::error::{Ec2Error, Ec2ErrorKind};
use crate::ec2::ids::{PeeringConnectionId, VpcId};
use crate::ec2::pages::{PAGE, every_page, filter};
use crate::ec2::scope::Scope;
use aws_sdk_ec2::types::Filter;
use std::collections::HashSet;

/// Which connections to list: those whose requester and accepter are among these. An empty list
/// means any.
///
/// AWS: a filter has at most 200 values, so neither list may be longer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeeringFilter {
    /// VPCs that asked.
    pub requesters: Vec<VpcId>,
    /// VPCs that were asked.
    pub accepters: Vec<VpcId>,
}

impl PeeringFilter {
    /// Connections between these two, whichever asked.
    pub fn between(one: &VpcId, other: &VpcId) -> Self {
        let both = vec![one.clone(), other.clone()];
        Self {
            requesters: both.clone(),
            accepters: both,
        }
    }

    fn admits(&self, connection: &PeeringConnection) -> bool {
        let among = |wanted: &[VpcId], end: &PeeringEnd| {
            wanted.is_empty() || end.vpc.as_ref().is_some_and(|vpc| wanted.contains(vpc))
        };
        among(&self.requesters, &connection.requester)
            && among(&self.accepters, &connection.accepter)
    }
}

impl Ec2 {
    /// The connection of this id, in whatever state it is shown. `None`: it is gone, or not visible
    /// yet.
    pub async fn describe_vpc_peering_connection(
        &self,
        at: &Scope,
        id: &PeeringConnectionId,
    ) -> Result<Option<PeeringConnection>, Ec2Error> {
        let call = Call::start(self, Action::DescribeVpcPeeringConnections, at).await;
        let request = call
            .clients
            .ec2
            .describe_vpc_peering_connections()
            .vpc_peering_connection_ids(id.as_str());
        let answer = match request
            .customize()
            .interceptor(call.watch())
            .send()
            .await
            .map_err(|error| call.failed(error))
        {
            Ok(answer) => answer,
            Err(error) if error.kind == Ec2ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let found: Vec<_> = answer
            .vpc_peering_connections()
            .iter()
            .map(|found| connection(&call, found))
            .collect::<Result<_, _>>()?;
        Ok(found.into_iter().find(|found| found.id == *id))
    }

    /// All connections that the filter admits, in every state that is still shown.
    pub async fn describe_vpc_peering_connections(
        &self,
        at: &Scope,
        only: &PeeringFilter,
    ) -> Result<Vec<PeeringConnection>, Ec2Error> {
        let ends = [
            ("requester-vpc-info.vpc-id", &only.requesters),
            ("accepter-vpc-info.vpc-id", &only.accepters),
        ];
        let named = ends.into_iter().filter(|(_, vpcs)| !vpcs.is_empty());
        let filters = named
            .map(|(name, vpcs)| filter(name, vpcs.iter().map(VpcId::as_str)))
            .collect();
        let mut all = self.every_peering(at, filters).await?;
        all.retain(|found| only.admits(found));
        Ok(all)
    }

    /// All connections that have one of these VPCs at either end, in every state that is still
    /// shown.
    ///
    /// One list of all there are, from which these are taken here: EC2 knows no "either", and two
    /// filtered lists would be two calls.
    pub async fn describe_vpc_peering_connections_of(
        &self,
        at: &Scope,
        vpcs: &[VpcId],
    ) -> Result<Vec<PeeringConnection>, Ec2Error> {
        if vpcs.is_empty() {
            return Ok(Vec::new());
        }
        let vpcs: HashSet<&VpcId> = vpcs.iter().collect();
        let among = |end: &PeeringEnd| end.vpc.as_ref().is_some_and(|vpc| vpcs.contains(vpc));
        let mut all = self.every_peering(at, Vec::new()).await?;
        all.retain(|found| among(&found.requester) || among(&found.accepter));
        Ok(all)
    }

    async fn every_peering(
        &self,
        at: &Scope,
        filters: Vec<Filter>,
    ) -> Result<Vec<PeeringConnection>, Ec2Error> {
        let call = Call::start(self, Action::DescribeVpcPeeringConnections, at).await;
        let request = call
            .clients
            .ec2
            .describe_vpc_peering_connections()
            .max_results(PAGE)
            .set_filters(Some(filters));
        Ok(every_page!(
            call,
            request,
            vpc_peering_connections,
            connection
        ))
    }
}
