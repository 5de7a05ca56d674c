//! Looking at peering connections. EC2 shows an ended one for hours or days, then no more.

use super::{PeeringConnection, PeeringEnd, connection, multipath::Told};
use crate::ec2::action::Action;
use crate::ec2::call::Call;
use crate::ec2::client::Ec2;
use crate::ec2::error::Ec2Error;
use crate::ec2::ids::VpcId;
use crate::ec2::pages::{PAGE, every_page};
use crate::ec2::scope::Scope;
use std::collections::HashSet;

impl Ec2 {
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
        let call = Call::start(self, Action::DescribeVpcPeeringConnections, at).await;
        let request = call.clients.ec2.describe_vpc_peering_connections();
        let request = request.max_results(PAGE);
        let told = Told::default();
        let mut all = every_page!(call, request, vpc_peering_connections, connection, told);
        told.add_to(&mut all);
        all.retain(|found| among(&found.requester) || among(&found.accepter));
        Ok(all)
    }
}
