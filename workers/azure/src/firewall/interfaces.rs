//! Network security groups that stand before interfaces. Traffic has to be let in by the group of
//! the subnet and by that of the interface.

use crate::{
    arm::{
        Arm, Failure, ResourceId,
        model::{Interface, Subnet},
    },
    refusals::Asked,
};
use cloud::CloudError;
use std::collections::{BTreeMap, BTreeSet};

/// The interfaces of some subnets: each by its id in lower case, with its group's id.
#[derive(Debug, Default)]
pub(super) struct Interfaces(BTreeMap<String, Option<String>>);

impl Interfaces {
    /// Reads those with an address in these subnets, in one list for each resource group. An
    /// interface that the engine may not read has no group that is known.
    pub(super) async fn read(
        arm: &Arm,
        asked: &Asked<'_>,
        subnets: impl Iterator<Item = &Subnet>,
    ) -> Result<Self, CloudError> {
        let told = subnets.flat_map(Subnet::addressed);
        let ids = told.filter_map(|it| ResourceId::interface(it?));
        let lists: BTreeMap<_, _> = ids
            .map(|it| (it.siblings().to_ascii_lowercase(), it))
            .collect();
        let mut known = BTreeMap::new();
        for one in lists.values() {
            let listed = match arm.list::<Interface>(asked.by(), one.siblings()).await {
                Err(error) if error.failure == Failure::Denied => continue,
                listed => listed.map_err(|error| asked.failed(error))?,
            };
            known.extend(listed.into_iter().map(|it| {
                let group = it.properties.network_security_group;
                (it.id.to_ascii_lowercase(), group.map(|it| it.id))
            }));
        }
        Ok(Self(known))
    }

    /// The groups' ids that stand before what has an address in this subnet, and nothing for what
    /// has none before it.
    pub(super) fn groups_in(&self, subnet: &Subnet) -> BTreeSet<Option<&str>> {
        let group = |it: Option<&str>| {
            let interface = ResourceId::interface(it?)?;
            let known = self.0.get(&interface.as_str().to_ascii_lowercase())?;
            known.as_deref()
        };
        subnet.addressed().into_iter().map(group).collect()
    }
}
