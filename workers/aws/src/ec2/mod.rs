//! The one place that knows the EC2 SDK.
//!
//! `aws-sdk-ec2` is the largest crate of the build by far. It stays behind this boundary: a narrow
//! interface in EC2's own words, plain small types, errors told apart by EC2's codes. No type of
//! the SDK is public, so nothing else compiles against it.
//!
//! What a caller can rely on:
//!
//! - **One attempt per call.** The SDK never retries here: a create that is sent twice makes two
//!   things. Whoever calls decides.
//! - **[`Ec2ErrorKind`] says what may have happened.** `ConnectFailed` was not sent, for certain.
//!   `Ambiguous` may have been applied, and only reading can tell.
//! - **What is listed is what was asked for.** Filters are sent to the service and applied again to
//!   its answer, since there are endpoints that ignore them. Every list is read to its last page.
//! - **Each account is entered by its own role** (`sts:AssumeRole`), with the external id of the
//!   account or of the call; who shows another external id never shares a session.
//! - **Many at once.** What is read is read for all VPCs of a place in one list, however many they
//!   are; a missing one is left out.
//! - **A rehearsal is never a performance.** A dry run is sent only to an endpoint that honours it:
//!   see [`Rehearsal`].
//!
//! Read first: [`Ec2`], then [`Ec2ErrorKind`].

mod action;
mod call;
mod client;
mod codes;
mod connect;
mod error;
mod identity;
mod ids;
mod network_acls;
mod network_interfaces;
mod pages;
mod peering;
mod prefix_lists;
mod quotas;
mod rehearsal;
mod routes;
mod scope;
mod security_group_rules;
mod security_groups;
mod settings;
mod subnets;
mod tags;
mod vpcs;

pub use action::Action;
pub use client::Ec2;
pub use error::{Ec2Error, Ec2ErrorKind};
pub use identity::CallerIdentity;
pub use ids::{
    NetworkAclId, NetworkInterfaceId, PeeringConnectionId, PrefixListId, RouteTableId,
    SecurityGroupId, SecurityGroupRuleId, SubnetId, VpcId,
};
pub use ipnet::{IpNet, Ipv4Net, Ipv6Net};
pub use network_acls::{NetworkAcl, NetworkAclEntry};
pub use network_interfaces::NetworkInterface;
pub use peering::{
    CreatePeering, MultipathStatus, PeeringConnection, PeeringEnd, PeeringOption, PeeringRole,
    PeeringStatus,
};
pub use quotas::VpcQuota;
pub use rehearsal::{Rehearsal, Rehearsed};
pub use routes::{Route, RouteDestination, RouteState, RouteTable, RouteTarget};
pub use scope::{ExternalId, Scope};
pub use security_group_rules::{IngressRule, IngressSource, RuleSource, SecurityGroupRule};
pub use security_groups::{CreateSecurityGroup, SecurityGroup};
pub use settings::{AccountAccess, BaseCredentials, Ec2Settings, StaticKeys};
pub use subnets::Subnet;
pub use tags::Tags;
pub use vpcs::{CreateVpc, Vpc, VpcDns};
