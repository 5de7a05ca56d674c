//! Prefix lists: blocks under one name, which rules and routes may name in their place. Only looked
//! at.

use crate::ec2::action::Action;
use crate::ec2::call::Call;
use crate::ec2::client::Ec2;
use crate::ec2::error::Ec2Error;
use crate::ec2::ids::PrefixListId;
use crate::ec2::pages::every_page;
use crate::ec2::scope::Scope;
use ipnet::IpNet;

/// EC2's upper bound for a page of entries.
const PAGE_OF_ENTRIES: i32 = 100;

impl Ec2 {
    /// The blocks of a list, the account's own, one that is shared with it, or one of AWS's.
    pub async fn get_managed_prefix_list_entries(
        &self,
        at: &Scope,
        list: &PrefixListId,
    ) -> Result<Vec<IpNet>, Ec2Error> {
        let call = Call::start(self, Action::GetManagedPrefixListEntries, at).await;
        let request = call
            .clients
            .ec2
            .get_managed_prefix_list_entries()
            .prefix_list_id(list.as_str())
            .max_results(PAGE_OF_ENTRIES);
        Ok(every_page!(call, request, entries, block))
    }
}

fn block(call: &Call<'_>, found: &aws_sdk_ec2::types::PrefixListEntry) -> Result<IpNet, Ec2Error> {
    Ok(call
        .parsed::<IpNet>("cidr", call.needed("cidr", found.cidr())?)?
        .trunc())
}
