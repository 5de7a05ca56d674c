//! What an account allows: what AWS gives everybody, what it tells, and what is configured.

use crate::{
    AwsCloud,
    ec2::{Ec2, Ec2ErrorKind},
    refusals::Asked,
    views,
};
use cloud::{AccountRegion, CloudError, CloudErrorKind, Limits, Operation};
use domain::{Provider, QuotaOverrides, SeenQuotas};

/// What AWS gives every account (VPC quotas, 2026); more can be had for the asking.
pub const DEFAULT_LIMITS: Limits = Limits {
    links: 50,
    pending_links: 25,
    routes: 500,
    rules: 60,
    groups_of_interface: 5,
    access_entries: 20,
    access_numbers: (1, 99),
    acceptance_window: None,
};

/// What holds in this account, where this was told there.
pub(super) fn limits(cloud: &AwsCloud, at: &AccountRegion, seen: QuotaOverrides) -> Limits {
    let Some(places) = &cloud.places else {
        return cloud.limits.seeing(&seen);
    };
    let quotas = places.quotas_seeing(Provider::Aws, &at.account, seen);
    Limits {
        links: quotas.links,
        pending_links: quotas.pending_links,
        routes: quotas.routes,
        rules: quotas.rules,
        groups_of_interface: quotas.groups_of_interface,
        acceptance_window: quotas.unusual_window(Provider::Aws),
        ..cloud.limits
    }
}

/// Asks Service Quotas.
pub(super) async fn told(ec2: &Ec2, at: &AccountRegion) -> Result<SeenQuotas, CloudError> {
    let asked = Asked::of(Operation::Quotas, at)?;
    let told = ec2.list_vpc_quotas(&asked.scope).await;
    told.map(|all| views::quotas(&all)).map_err(|error| {
        // What answers without a code does not know the call: an emulator without it.
        if error.kind == Ec2ErrorKind::Unknown && error.code.is_none() {
            asked.error(CloudErrorKind::Unsupported)
        } else {
            asked.failed(error)
        }
    })
}
