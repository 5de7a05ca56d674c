//! VPC peering connections: what one is, how it is looked at (`describe`) and how it is changed
//! (`change`).

mod change;
mod describe;
mod multipath;

pub use change::{CreatePeering, PeeringOption, PeeringRole};
pub(crate) use change::{accept, create};

use crate::ec2::call::Call;
use crate::ec2::error::Ec2Error;
use crate::ec2::ids::{PeeringConnectionId, VpcId};
use crate::ec2::tags::{self, Tags};
use aws_sdk_ec2::types::{VpcPeeringConnection, VpcPeeringConnectionVpcInfo};
use chrono::{DateTime, Utc};
use ipnet::IpNet;
use std::fmt;

/// A peering connection as it is seen from one account and region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeeringConnection {
    /// `pcx-…`.
    pub id: PeeringConnectionId,
    /// Where it is in its life.
    pub status: PeeringStatus,
    /// The service's words on the status; may be empty.
    pub status_message: String,
    /// The side that asked.
    pub requester: PeeringEnd,
    /// The side that was asked.
    pub accepter: PeeringEnd,
    /// AWS: 168 h after the request, while it waits for the accepter.
    pub expires: Option<DateTime<Utc>>,
    /// What comes of multipath resilience. `None`: not told, as by every answer but that of a list.
    pub multipath: Option<MultipathStatus>,
    /// Tags stay in the account and region that made them: the other end does not see these.
    pub tags: Tags,
}

/// One end of a peering connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeeringEnd {
    /// The account that owns the VPC; empty if not told.
    pub account: String,
    /// The region of the VPC; empty if not told.
    pub region: String,
    /// The VPC.
    pub vpc: Option<VpcId>,
    /// All blocks of the VPC, as far as told: EC2 documents them for active connections only.
    pub cidrs: Vec<IpNet>,
    /// The end's option of this name: whether private names of this end are resolved for the other.
    /// `None`: not told.
    pub allow_dns_resolution_from_remote_vpc: Option<bool>,
    /// The end's option of this name: whether its traffic may go over several paths at once.
    /// `None`: not told, as by every answer but that of a list.
    pub allow_multipath_resilience: Option<bool>,
}

/// What comes of multipath resilience, of both ends together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultipathStatus {
    /// One end allows it.
    Pending,
    /// Both ends allow it: traffic goes over several paths.
    Enabled,
    /// Neither end allows it.
    Disabled,
}

impl MultipathStatus {
    /// `None` for a word that EC2 did not have when this was written.
    fn from_code(code: &str) -> Option<Self> {
        match code {
            "pending" => Some(Self::Pending),
            "enabled" => Some(Self::Enabled),
            "disabled" => Some(Self::Disabled),
            _ => None,
        }
    }
}

/// EC2's states of a peering connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeeringStatus {
    /// EC2 is still looking at the request.
    InitiatingRequest,
    /// It waits for its accepter, for 168 h.
    PendingAcceptance,
    /// Accepted, and being set up.
    Provisioning,
    /// In place.
    Active,
    /// Its accepter did not want it.
    Rejected,
    /// Nobody accepted it in time.
    Expired,
    /// The request could never have worked.
    Failed,
    /// Being taken down.
    Deleting,
    /// Gone, and shown for a while.
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

fn connection(
    call: &Call<'_>,
    found: &VpcPeeringConnection,
) -> Result<PeeringConnection, Ec2Error> {
    let status = found.status();
    let code = status
        .and_then(|status| status.code())
        .map_or("", |code| code.as_str());
    Ok(PeeringConnection {
        id: call
            .needed("vpcPeeringConnectionId", found.vpc_peering_connection_id())?
            .into(),
        status: PeeringStatus::from_code(code),
        status_message: status
            .and_then(|status| status.message())
            .unwrap_or_default()
            .to_owned(),
        requester: end(call, found.requester_vpc_info())?,
        accepter: end(call, found.accepter_vpc_info())?,
        expires: found
            .expiration_time()
            .and_then(|time| DateTime::from_timestamp(time.secs(), time.subsec_nanos())),
        multipath: None,
        tags: tags::from_sdk(found.tags()),
    })
}

fn end(
    call: &Call<'_>,
    info: Option<&VpcPeeringConnectionVpcInfo>,
) -> Result<PeeringEnd, Ec2Error> {
    let Some(info) = info else {
        return Ok(PeeringEnd::default());
    };
    let v4 = info
        .cidr_block_set()
        .iter()
        .filter_map(|block| block.cidr_block());
    let v6 = info
        .ipv6_cidr_block_set()
        .iter()
        .filter_map(|block| block.ipv6_cidr_block());
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
        allow_dns_resolution_from_remote_vpc: info
            .peering_options()
            .and_then(|options| options.allow_dns_resolution_from_remote_vpc()),
        allow_multipath_resilience: None,
    })
}
