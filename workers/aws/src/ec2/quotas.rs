//! Quotas: what an account allows in a region, as Service Quotas tells of the service `vpc`.

use crate::ec2::action::Action;
use crate::ec2::call::Call;
use crate::ec2::client::Ec2;
use crate::ec2::error::Ec2Error;
use crate::ec2::pages::every_page;
use crate::ec2::scope::Scope;
use aws_sdk_servicequotas::types::ServiceQuota;

/// How many quotas a page may have: the upper bound of Service Quotas.
const PAGE: i32 = 100;

/// A quota of the service `vpc`, as it is in an account and region.
#[derive(Clone, Debug, PartialEq)]
pub struct VpcQuota {
    /// Which one, like `L-7E9ECCDB`.
    pub code: String,
    /// How much it allows.
    pub value: f64,
}

impl Ec2 {
    /// The quotas of the service `vpc` as they are in this account and region; those that were
    /// raised are as they were raised.
    pub async fn list_vpc_quotas(&self, at: &Scope) -> Result<Vec<VpcQuota>, Ec2Error> {
        let call = Call::start(self, Action::ListServiceQuotas, at).await;
        let request = call.clients.quotas.list_service_quotas();
        let request = request.service_code("vpc").max_results(PAGE);
        let all = every_page!(call, request, quotas, quota);
        Ok(all.into_iter().flatten().collect())
    }
}

/// A quota whose value is not told says nothing.
fn quota(_: &Call<'_>, found: &ServiceQuota) -> Result<Option<VpcQuota>, Ec2Error> {
    let told = found.quota_code.clone().zip(found.value);
    Ok(told.map(|(code, value)| VpcQuota { code, value }))
}
