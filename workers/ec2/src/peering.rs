//! VPC peering connections.

use crate::call::Call;
use crate::client::Ec2;
use crate::error::{Ec2Error, Ec2ErrorKind};
use crate::ids::{PeeringConnectionId, VpcId};
use crate::settings::Place;
use crate::tags::{self, Tags};
use crate::vpcs::{PAGE, filter};
use aws_sdk_ec2::types::{ResourceType, VpcPeeringConnection, VpcPeeringConnectionVpcInfo};
use chrono::{DateTime, Utc};
use ipnet::IpNet;
use std::fmt;

/// A peering connection as it is seen from one account and region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeeringConnection {
    pub id: PeeringConnectionId,
    pub status: PeeringStatus,
    /// The service's words on the status; may be empty.
    pub status_message: String,
    pub requester: PeeringEnd,
    pub accepter: PeeringEnd,
    /// AWS: 168 h after the request, while it waits for the accepter.
    pub expires: Option<DateTime<Utc>>,
    /// Tags stay in the account and region that made them: the other end does not see these.
    pub tags: Tags,
}

/// One end of a peering connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeeringEnd {
    pub account: String,
    pub region: String,
    pub vpc: Option<VpcId>,
    /// All blocks of the VPC, as far as told: EC2 documents them for active connections only.
    pub cidrs: Vec<IpNet>,
}

/// EC2's states of a peering connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeeringStatus {
    InitiatingRequest,
    PendingAcceptance,
    Provisioning,
    Active,
    Rejected,
    Expired,
    Failed,
    Deleting,
    Deleted,
    /// A state that EC2 did not have when this was written.
    Other(String),
}

impl PeeringStatus {
    fn from_code(code: &str) -> Self {
        match code {
            "initiating-request" => Self::InitiatingRequest,
            "pending-acceptance" => Self::PendingAcceptance,
            "provisioning" => Self::Provisioning,
            "active" => Self::Active,
            "rejected" => Self::Rejected,
            "expired" => Self::Expired,
            "failed" => Self::Failed,
            "deleting" => Self::Deleting,
            "deleted" => Self::Deleted,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for PeeringStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InitiatingRequest => "initiating-request",
            Self::PendingAcceptance => "pending-acceptance",
            Self::Provisioning => "provisioning",
            Self::Active => "active",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
            Self::Other(code) => code,
        })
    }
}

/// Which connections to list: those whose requester and accepter are among these. An empty list means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeeringFilter {
    pub requesters: Vec<VpcId>,
    pub accepters: Vec<VpcId>,
}

impl PeeringFilter {
    /// Connections between these two, whichever asked.
    pub fn between(one: &VpcId, other: &VpcId) -> Self {
        let both = vec![one.clone(), other.clone()];
        Self { requesters: both.clone(), accepters: both }
    }

    fn admits(&self, connection: &PeeringConnection) -> bool {
        let among = |wanted: &[VpcId], end: &PeeringEnd| wanted.is_empty() || end.vpc.as_ref().is_some_and(|vpc| wanted.contains(vpc));
        among(&self.requesters, &connection.requester) && among(&self.accepters, &connection.accepter)
    }
}

/// A request for a peering connection; the requester is where the call goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePeering {
    pub vpc: VpcId,
    pub peer: Place,
    pub peer_vpc: VpcId,
    pub tags: Tags,
}

impl Ec2 {
    /// The connection of this id, in whatever state it is shown. `None`: it is gone, or not visible yet.
    pub async fn describe_vpc_peering_connection(
        &self,
        at: &Place,
        id: &PeeringConnectionId,
    ) -> Result<Option<PeeringConnection>, Ec2Error> {
        let call = Call::start(self, "DescribeVpcPeeringConnections", at).await;
        let request = call.clients.ec2.describe_vpc_peering_connections().vpc_peering_connection_ids(id.as_str());
        let answer = match request.customize().interceptor(call.watch()).send().await.map_err(|error| call.failed(error)) {
            Ok(answer) => answer,
            Err(error) if error.kind == Ec2ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let found: Vec<_> = answer.vpc_peering_connections().iter().map(|found| connection(&call, found)).collect::<Result<_, _>>()?;
        Ok(found.into_iter().find(|found| found.id == *id))
    }

    /// All connections that the filter admits, in every state that is still shown.
    pub async fn describe_vpc_peering_connections(&self, at: &Place, only: &PeeringFilter) -> Result<Vec<PeeringConnection>, Ec2Error> {
        let call = Call::start(self, "DescribeVpcPeeringConnections", at).await;
        let requesters = filter("requester-vpc-info.vpc-id", only.requesters.iter().map(VpcId::as_str));
        let filters: Vec<_> =
            requesters.into_iter().chain(filter("accepter-vpc-info.vpc-id", only.accepters.iter().map(VpcId::as_str))).collect();
        let mut all = Vec::new();
        let mut token = None;
        loop {
            let request = call.clients.ec2.describe_vpc_peering_connections().max_results(PAGE).set_next_token(token.clone());
            let request = request.set_filters(Some(filters.clone()));
            let answer = request.customize().interceptor(call.watch()).send().await.map_err(|error| call.failed(error))?;
            for found in answer.vpc_peering_connections() {
                all.push(connection(&call, found)?);
            }
            token = call.next_page(token, answer.next_token)?;
            if token.is_none() {
                break;
            }
        }
        all.retain(|found| only.admits(found));
        Ok(all)
    }

    /// Asks for a connection, tagged in the same call. EC2 has no idempotency token for this: after
    /// [`Ambiguous`](Ec2ErrorKind::Ambiguous) look whether it is there before asking again.
    pub async fn create_vpc_peering_connection(&self, at: &Place, wanted: &CreatePeering) -> Result<PeeringConnection, Ec2Error> {
        let call = Call::start(self, "CreateVpcPeeringConnection", at).await;
        let request = call
            .clients
            .ec2
            .create_vpc_peering_connection()
            .vpc_id(wanted.vpc.as_str())
            .peer_owner_id(&wanted.peer.account)
            .peer_region(&wanted.peer.region)
            .peer_vpc_id(wanted.peer_vpc.as_str())
            .set_tag_specifications(tags::on_create(ResourceType::VpcPeeringConnection, &wanted.tags));
        let answer = request.customize().interceptor(call.watch()).send().await.map_err(|error| call.failed(error))?;
        connection(&call, &call.needed("vpcPeeringConnection", answer.vpc_peering_connection)?)
    }

    /// Accepts a request, in the accepter's account and region.
    pub async fn accept_vpc_peering_connection(&self, at: &Place, id: &PeeringConnectionId) -> Result<PeeringConnection, Ec2Error> {
        let call = Call::start(self, "AcceptVpcPeeringConnection", at).await;
        let request = call.clients.ec2.accept_vpc_peering_connection().vpc_peering_connection_id(id.as_str());
        let answer = request.customize().interceptor(call.watch()).send().await.map_err(|error| call.failed(error))?;
        connection(&call, &call.needed("vpcPeeringConnection", answer.vpc_peering_connection)?)
    }

    /// Deletes a connection. Routes that lead into it stay behind as blackholes: remove them first.
    pub async fn delete_vpc_peering_connection(&self, at: &Place, id: &PeeringConnectionId) -> Result<(), Ec2Error> {
        let call = Call::start(self, "DeleteVpcPeeringConnection", at).await;
        let request = call.clients.ec2.delete_vpc_peering_connection().vpc_peering_connection_id(id.as_str());
        request.customize().interceptor(call.watch()).send().await.map_err(|error| call.failed(error))?;
        Ok(())
    }
}

fn connection(call: &Call<'_>, found: &VpcPeeringConnection) -> Result<PeeringConnection, Ec2Error> {
    let status = found.status();
    let code = status.and_then(|status| status.code()).map_or("", |code| code.as_str());
    Ok(PeeringConnection {
        id: call.needed("vpcPeeringConnectionId", found.vpc_peering_connection_id())?.into(),
        status: PeeringStatus::from_code(code),
        status_message: status.and_then(|status| status.message()).unwrap_or_default().to_owned(),
        requester: end(call, found.requester_vpc_info())?,
        accepter: end(call, found.accepter_vpc_info())?,
        expires: found.expiration_time().and_then(|time| DateTime::from_timestamp(time.secs(), time.subsec_nanos())),
        tags: tags::from_sdk(found.tags()),
    })
}

fn end(call: &Call<'_>, info: Option<&VpcPeeringConnectionVpcInfo>) -> Result<PeeringEnd, Ec2Error> {
    let Some(info) = info else { return Ok(PeeringEnd::default()) };
    let v4 = info.cidr_block_set().iter().filter_map(|block| block.cidr_block());
    let v6 = info.ipv6_cidr_block_set().iter().filter_map(|block| block.ipv6_cidr_block());
    let mut cidrs: Vec<IpNet> = Vec::new();
    for text in info.cidr_block().into_iter().chain(v4).chain(v6) {
        let cidr = call.parsed::<IpNet>("cidrBlock", text)?;
        if !cidrs.contains(&cidr) {
            cidrs.push(cidr);
        }
    }
    Ok(PeeringEnd {
        account: info.owner_id().unwrap_or_default().to_owned(),
        region: info.region().unwrap_or_default().to_owned(),
        vpc: info.vpc_id().map(VpcId::from),
        cidrs,
    })
}
