//! Entries of our own in network ACLs. They have no tags: what is removed is looked at before.

use super::{refusals::Asked, views};
use crate::ec2::{Ec2, NetworkAclEntry};
use cloud::{AccountRegion, CloudError, CloudErrorKind, Operation};
use domain::network::{Denial, PortProtocol};

/// The entry that denies this.
fn entry(denial: &Denial) -> NetworkAclEntry {
    let denies = &denial.denies;
    let protocol = match denies.ports.map(|it| it.protocol) {
        None => views::EVERY_PROTOCOL,
        Some(PortProtocol::Tcp) => "6",
        Some(PortProtocol::Udp) => "17",
    };
    NetworkAclEntry {
        rule_number: denial.number.into(),
        egress: false,
        protocol: protocol.to_owned(),
        ports: denies.ports.map(|it| (it.first.into(), it.last.into())),
        cidr: denies.source.net(),
        allow: false,
    }
}

pub(super) async fn deny(ec2: &Ec2, at: &AccountRegion, denial: &Denial) -> Result<(), CloudError> {
    let asked = Asked::of(Operation::MakeDenial, at)?;
    ec2.deny_in_network_acl(&asked.scope, &denial.list.as_str().into(), &entry(denial))
        .await
        .map_err(|error| asked.failed(error))
}

pub(super) async fn stop(ec2: &Ec2, at: &AccountRegion, denial: &Denial) -> Result<(), CloudError> {
    let asked = Asked::of(Operation::RemoveDenial, at)?;
    let id = denial.list.as_str().into();
    let found = ec2
        .describe_network_acl(&asked.scope, &id)
        .await
        .map_err(|error| asked.failed(error))?;
    let ours = entry(denial);
    let mut entries = found.iter().flat_map(|it| &it.entries);
    if !entries.any(|it| *it == ours) {
        let message = format!("{id} has no such entry {}", denial.number);
        return Err(asked.error(CloudErrorKind::NotFound).message(message));
    }
    ec2.delete_network_acl_entry(&asked.scope, &id, ours.rule_number)
        .await
        .map_err(|error| asked.failed(error))
}
