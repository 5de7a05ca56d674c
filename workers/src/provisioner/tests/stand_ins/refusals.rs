//! What a person is told of each refusal of a half at Azure: whose turn it is, and what they do.

use super::{Life, azure::Azure, world::World};
use domain::{Provider, Side, network::BlockCause};
use std::sync::Arc;

/// Status and code, the cause that is on record, whose turn it is, and a part of what they do.
const REFUSALS: [(u16, &str, BlockCause, Side, &str); 8] = {
    use BlockCause as Cause;
    use Side::{Local, Remote};
    [
        (
            403,
            "AuthorizationFailed",
            Cause::PermissionDenied,
            Local,
            "virtualNetworkPeerings/write",
        ),
        (
            403,
            "LinkedAuthorizationFailed",
            Cause::PermissionDenied,
            Remote,
            "virtualNetworks/peer/action on /subscriptions/6fa459ea-",
        ),
        (
            400,
            "RemotePeeringIsDisconnected",
            Cause::Conflict,
            Remote,
            "az network vnet peering delete",
        ),
        (
            400,
            "VnetAddressSpacesOverlap",
            Cause::RangeOverlap,
            Local,
            "addresses that",
        ),
        (
            400,
            "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet",
            Cause::RangeOverlap,
            Local,
            "end that peering",
        ),
        (
            409,
            "MissingSubscriptionRegistration",
            Cause::PermissionDenied,
            Local,
            "az provider register --namespace Microsoft.Network --subscription '7c9e6679-",
        ),
        (
            409,
            "QuotaExceeded",
            Cause::QuotaExceeded,
            Local,
            "raise the quota",
        ),
        (400, "NeverHeardOf", Cause::Unexpected, Local, "look up"),
    ]
};

#[tokio::test]
async fn each_refusal_names_its_cause_whose_turn_it_is_and_what_they_do() {
    for (status, code, cause, side, remedy) in REFUSALS {
        let world = Arc::new(Azure::start().await);
        world.refuses_halves(status, code, 1000);
        let mut life = Life::in_world(Arc::clone(&world) as Arc<dyn World>);
        life.blocks(cause, side).await;
        let blocked = life.log.peering().blocked.unwrap();
        assert!(blocked.message.contains(code), "{}", blocked.message);
        let told = blocked.remedy.join("\n");
        assert!(told.contains(remedy), "{code}: {told}");
        assert!(!told.contains("switch the option off"), "{code}: {told}");
        world.refuses_nothing();
        life.converges().await;
        life.is_joined_once(code);
    }
}

in_world!(at_google_cloud, Google, Good: an_operation_that_is_given_up_without_a_reason_is_a_persons_to_look_up);
in_world!(at_azure, Azure, Good: an_operation_that_is_given_up_without_a_reason_is_a_persons_to_look_up);

async fn an_operation_that_is_given_up_without_a_reason_is_a_persons_to_look_up(mut life: Life) {
    for side in Side::BOTH {
        life.world.gives_up(side);
        life.blocks(BlockCause::Unexpected, side).await;
        let remedy = life.log.peering().blocked.unwrap().remedy.join("\n");
        let look = match life.provider() {
            Provider::Azure => "az monitor activity-log list",
            Provider::Gcp => "gcloud compute operations list",
            Provider::Aws => panic!("no stand-in of this suite"),
        };
        for told in [look, "peerage network check"] {
            assert!(remedy.contains(told), "{told}: {remedy}");
        }
        // It is tried again by itself, and seldom.
        life.until("another try", |it| it.blocked.is_none()).await;
    }
    life.converges().await;
    life.is_joined_once("given up twice");
}

#[tokio::test]
async fn what_passes_by_itself_is_waited_for_and_told_to_nobody() {
    for (status, code) in [
        (409, "Conflict"),
        (409, "GatewayOperationFailedRetry"),
        (409, "AnotherOperationInProgress"),
        (400, "ReferencedResourceNotProvisioned"),
        (429, "RetryableError"),
    ] {
        let world = Arc::new(Azure::start().await);
        world.refuses_halves(status, code, 4);
        let mut life = Life::in_world(Arc::clone(&world) as Arc<dyn World>);
        life.converges().await;
        life.is_joined_once(code);
        assert_eq!(life.count("ProvisioningBlocked"), 0, "{code}");
    }
}
