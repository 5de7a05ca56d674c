//! Changing peering connections: asked for, accepted, given options, deleted.

use super::{PeeringConnection, connection, multipath::Said};
use crate::ec2::action::Action;
use crate::ec2::call::{Call, sent};
use crate::ec2::client::Ec2;
use crate::ec2::error::Ec2Error;
use crate::ec2::ids::{PeeringConnectionId, VpcId};
use crate::ec2::scope::Scope;
use crate::ec2::tags::{self, Tags};
use aws_sdk_ec2::operation::accept_vpc_peering_connection::builders::AcceptVpcPeeringConnectionFluentBuilder;
use aws_sdk_ec2::operation::create_vpc_peering_connection::builders::CreateVpcPeeringConnectionFluentBuilder;
use aws_sdk_ec2::types::{PeeringConnectionOptionsRequest, ResourceType};

/// A request for a peering connection; the requester is where the call goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePeering {
    /// The requester's VPC.
    pub vpc: VpcId,
    /// The accepter's account and region.
    pub peer: Scope,
    /// The accepter's VPC.
    pub peer_vpc: VpcId,
    /// The tags on the requester's side.
    pub tags: Tags,
}

/// Which end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeeringRole {
    /// The side that asked.
    Requester,
    /// The side that was asked.
    Accepter,
}

/// An option of an end of an active connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeeringOption {
    /// Private names of this end are resolved for the other.
    AllowDnsResolutionFromRemoteVpc,
    /// Traffic may go over several paths at once, where both ends say so; between regions only.
    AllowMultipathResilience,
}

impl Ec2 {
    /// Asks for a connection, tagged in the same call. EC2 has no idempotency token for this: after
    /// [`Ambiguous`](crate::ec2::Ec2ErrorKind::Ambiguous) look whether it is there before asking
    /// again.
    pub async fn create_vpc_peering_connection(
        &self,
        at: &Scope,
        wanted: &CreatePeering,
    ) -> Result<PeeringConnection, Ec2Error> {
        let call = Call::start(self, Action::CreateVpcPeeringConnection, at).await;
        let request = create(&call, wanted);
        let answer = sent!(call, request);
        connection(
            &call,
            &call.needed("vpcPeeringConnection", answer.vpc_peering_connection)?,
        )
    }

    /// Accepts a request, in the accepter's account and region.
    pub async fn accept_vpc_peering_connection(
        &self,
        at: &Scope,
        id: &PeeringConnectionId,
    ) -> Result<PeeringConnection, Ec2Error> {
        let call = Call::start(self, Action::AcceptVpcPeeringConnection, at).await;
        let request = accept(&call, id);
        let answer = sent!(call, request);
        connection(
            &call,
            &call.needed("vpcPeeringConnection", answer.vpc_peering_connection)?,
        )
    }

    /// Sets an option of one end of an active connection, in that end's account and region: EC2
    /// refuses the other end's.
    ///
    /// Reads show the change with a delay. Names of a VPC without both of
    /// [`VpcDns`](crate::ec2::VpcDns) are a
    /// [`DnsPrecondition`](crate::ec2::Ec2ErrorKind::DnsPrecondition).
    pub async fn modify_vpc_peering_connection_options(
        &self,
        at: &Scope,
        id: &PeeringConnectionId,
        role: PeeringRole,
        option: PeeringOption,
        allow: bool,
    ) -> Result<(), Ec2Error> {
        let call = Call::start(self, Action::ModifyVpcPeeringConnectionOptions, at).await;
        let request = call.clients.ec2.modify_vpc_peering_connection_options();
        let request = request.vpc_peering_connection_id(id.as_str());
        if option == PeeringOption::AllowMultipathResilience {
            sent!(call, request, Said { role, allow });
            return Ok(());
        }
        let options = PeeringConnectionOptionsRequest::builder()
            .allow_dns_resolution_from_remote_vpc(allow)
            .build();
        let request = match role {
            PeeringRole::Requester => request.requester_peering_connection_options(options),
            PeeringRole::Accepter => request.accepter_peering_connection_options(options),
        };
        sent!(call, request);
        Ok(())
    }

    /// Deletes a connection. Routes that lead into it stay behind as blackholes: remove them first.
    pub async fn delete_vpc_peering_connection(
        &self,
        at: &Scope,
        id: &PeeringConnectionId,
    ) -> Result<(), Ec2Error> {
        let call = Call::start(self, Action::DeleteVpcPeeringConnection, at).await;
        let request = call.clients.ec2.delete_vpc_peering_connection();
        let request = request.vpc_peering_connection_id(id.as_str());
        sent!(call, request);
        Ok(())
    }
}

pub(crate) fn create(
    call: &Call<'_>,
    wanted: &CreatePeering,
) -> CreateVpcPeeringConnectionFluentBuilder {
    let request = call
        .clients
        .ec2
        .create_vpc_peering_connection()
        .vpc_id(wanted.vpc.as_str())
        .peer_vpc_id(wanted.peer_vpc.as_str());
    let request = request
        .peer_owner_id(&wanted.peer.account)
        .peer_region(&wanted.peer.region);
    request.set_tag_specifications(tags::on_create(
        ResourceType::VpcPeeringConnection,
        &wanted.tags,
    ))
}

pub(crate) fn accept(
    call: &Call<'_>,
    id: &PeeringConnectionId,
) -> AcceptVpcPeeringConnectionFluentBuilder {
    call.clients
        .ec2
        .accept_vpc_peering_connection()
        .vpc_peering_connection_id(id.as_str())
}
