//! Security groups as the port wants them: with their rules, the blocks of prefix lists that rules
//! name, and the VPCs of groups that rules name.

use crate::{
    ec2::{Ec2, Ec2ErrorKind, PrefixListId},
    refusals::Asked,
    views::{self, Lists},
    vpcs,
};
use cloud::{AccountRegion, CloudError, GroupView, Operation};
use domain::text::CloudNetwork;
use std::collections::BTreeSet;

/// All groups of these VPCs.
pub(super) async fn all(
    ec2: &Ec2,
    at: &AccountRegion,
    of: &[CloudNetwork],
) -> Result<Vec<GroupView>, CloudError> {
    let asked = Asked::of(Operation::FirewallGroups, at)?;
    let found = ec2
        .describe_security_groups(&asked.scope, &vpcs(of))
        .await
        .map_err(|error| asked.failed(error))?;
    let with_rules: Vec<_> = found
        .iter()
        .filter(|group| group.has_ingress)
        .map(|group| group.id.clone())
        .collect();
    let rules = if with_rules.is_empty() {
        Vec::new()
    } else {
        ec2.describe_security_group_rules(&asked.scope, &with_rules)
            .await
            .map_err(|error| asked.failed(error))?
    };
    let lists = read(ec2, &asked, views::named_lists(&rules)).await?;
    let homeless: Vec<_> = views::homeless(&found, &rules).into_iter().collect();
    let mut homes = views::homes(&found);
    if !homeless.is_empty() {
        let elsewhere = ec2
            .describe_security_groups_by_id(&asked.scope, &homeless)
            .await
            .map_err(|error| asked.failed(error))?;
        homes.extend(views::homes(&elsewhere));
    }
    views::groups(&asked, &found, &rules, &lists, &homes)
}

/// The blocks of these lists. One that is gone, or that we may not read, is left out: what it
/// stands for is not known.
async fn read(
    ec2: &Ec2,
    asked: &Asked<'_>,
    lists: BTreeSet<&PrefixListId>,
) -> Result<Lists, CloudError> {
    let mut read = Lists::new();
    for list in lists {
        let entries = ec2
            .get_managed_prefix_list_entries(&asked.scope, list)
            .await;
        match entries {
            Ok(blocks) => drop(read.insert(list.clone(), blocks)),
            Err(error) if matches!(error.kind, Ec2ErrorKind::NotFound | Ec2ErrorKind::Denied) => {
                tracing::debug!(%list, %error, "a prefix list that cannot be read");
            }
            Err(error) => return Err(asked.failed(error)),
        }
    }
    Ok(read)
}
