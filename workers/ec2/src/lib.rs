//! The one place that knows the EC2 SDK.
//!
//! `aws-sdk-ec2` is the largest crate of the build by far. It stays behind this boundary: a narrow interface in EC2's own words,
//! plain small types, errors told apart by EC2's codes. No type of the SDK is public, so nothing else compiles against it.
//!
//! What a caller can rely on:
//!
//! - **One attempt per call.** The SDK never retries here: a create that is sent twice makes two things. Whoever calls decides.
//! - **[`Ec2ErrorKind`] says what may have happened.** `ConnectFailed` was not sent, for certain. `Ambiguous` may have been
//!   applied, and only reading can tell.
//! - **What is listed is what was asked for.** Filters are sent to the service and applied again to its answer, since there are
//!   endpoints that ignore them. Every list is read to its last page.
//! - **Each account is entered by its own role** (`sts:AssumeRole`, with an external id), each (account, region) once per session.
//!
//! Read first: [`Ec2`], then [`Ec2ErrorKind`].

mod call;
mod client;
mod connect;
mod error;
mod ids;
mod peering;
mod routes;
mod security;
mod settings;
mod tags;
mod vpcs;

pub use client::{CallerIdentity, Ec2};
pub use error::{Ec2Error, Ec2ErrorKind};
pub use ids::{PeeringConnectionId, RouteTableId, SecurityGroupId, SecurityGroupRuleId, SubnetId, VpcId};
pub use ipnet::{IpNet, Ipv4Net};
pub use peering::{CreatePeering, PeeringConnection, PeeringEnd, PeeringFilter, PeeringStatus};
pub use routes::{Route, RouteDestination, RouteState, RouteTable, RouteTarget};
pub use security::{IngressRule, RuleSource, SecurityGroup, SecurityGroupRule};
pub use settings::{AccountAccess, BaseCredentials, Ec2Settings, Place, StaticKeys};
pub use tags::Tags;
pub use vpcs::{CreateVpc, Subnet, Vpc};
