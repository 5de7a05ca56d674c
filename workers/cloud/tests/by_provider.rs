//! One engine with networks at several clouds.
#![allow(clippy::unwrap_used)]

use chrono::DateTime;
use domain::{CloudMode, Provider, Region};
use peerage_cloud::{
    AccountRegion, ByProvider, Calls, ClientPolicy, Cloud, CloudErrorKind, Operation, RateLimited,
};
use simulated::{SimulatedCloud, SimulatedSettings};
use std::sync::Arc;

fn at(provider: Provider) -> AccountRegion {
    let region = match provider {
        Provider::Aws => "eu-west-1",
        Provider::Gcp => "europe-west1",
        Provider::Azure => "westeurope",
    };
    AccountRegion {
        provider,
        account: "111122223333".parse().unwrap(),
        region: Region::of(provider, region).unwrap(),
        external_id: None,
    }
}

/// A cloud whose calls are counted.
fn counted() -> (Arc<dyn Cloud>, Arc<Calls>) {
    let settings = SimulatedSettings::instant(1);
    let cloud = SimulatedCloud::new(settings, Arc::new(|| DateTime::UNIX_EPOCH));
    let counted = RateLimited::new(Arc::new(cloud), ClientPolicy::default());
    let calls = counted.calls();
    (Arc::new(counted), calls)
}

#[tokio::test]
async fn each_call_goes_to_the_provider_that_it_names() {
    let ((aws, at_aws), (gcp, at_gcp)) = (counted(), counted());
    let cloud = ByProvider::new(Provider::Aws, aws).and(Provider::Gcp, gcp);
    cloud.identity(&at(Provider::Aws)).await.unwrap();
    cloud.links(&at(Provider::Gcp), &[]).await.unwrap();
    cloud.subnets(&at(Provider::Gcp), &[]).await.unwrap();
    assert_eq!((at_aws.total(), at_gcp.total()), (1, 2));
}

#[tokio::test]
async fn a_provider_that_is_not_served_is_told_so_and_nobody_else_is_called() {
    let (aws, at_aws) = counted();
    let cloud = ByProvider::new(Provider::Aws, aws);
    let refused = cloud.identity(&at(Provider::Azure)).await.unwrap_err();
    assert_eq!(refused.kind, CloudErrorKind::Unsupported);
    assert_eq!(refused.operation, Operation::Identity);
    assert_eq!(at_aws.total(), 0);
    assert_eq!(cloud.mode(Provider::Azure), None);
    assert_eq!(cloud.mode(Provider::Aws), Some(CloudMode::Simulated));
}

#[tokio::test]
async fn of_two_clouds_for_one_provider_the_later_answers() {
    let ((before, at_before), (later, at_later)) = (counted(), counted());
    let cloud = ByProvider::new(Provider::Aws, before).and(Provider::Aws, later);
    cloud.identity(&at(Provider::Aws)).await.unwrap();
    assert_eq!((at_before.total(), at_later.total()), (0, 1));
}
