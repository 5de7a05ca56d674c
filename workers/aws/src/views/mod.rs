//! What EC2 shows, in the words of the port; a file for each kind of thing.

mod firewall;
mod interfaces;
mod links;
mod networks;
mod quotas;
mod routes;

pub(super) use firewall::{
    EVERY_PROTOCOL, Lists, access_list, groups, homeless, homes, named_lists,
};
pub(super) use interfaces::interface;
pub(super) use links::{link, made};
pub(super) use networks::{network, subnet};
pub(super) use quotas::quotas;
pub(super) use routes::route_table;

use super::refusals::Asked;
use crate::ec2::{Tags, VpcId};
use cloud::{CloudError, OWNER_TAG, Owner};
use domain::text::CloudNetwork;

fn owner(tags: &Tags) -> Option<Owner> {
    tags.get(OWNER_TAG)?.parse().ok()
}

/// The network that a thing belongs to; lists of the things of networks name it for each.
fn home(asked: &Asked<'_>, vpc: Option<&VpcId>) -> Result<CloudNetwork, CloudError> {
    asked.name("VPC", vpc.map_or("", VpcId::as_str))
}
