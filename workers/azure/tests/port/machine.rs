//! Tokens of the machine's own identity, from its metadata service.

use crate::support::{LOCAL, REMOTE, World, settings};
use cloud::{Cloud as _, CloudErrorKind};
use domain::Side;
use peerage_azure::{AzureCloud, AzureSettings, Credential, MachineIdentity};

const ASSIGNED: &str = "33333333-3333-4333-8333-333333333333";

impl World {
    fn as_machine(&self, assigned: Option<&str>) -> MachineIdentity {
        MachineIdentity {
            assigned: assigned.map(str::to_owned),
            metadata: format!("{}/", self.fake.endpoint()),
        }
    }

    fn by(&self, credential: Credential) -> AzureCloud {
        AzureCloud::new(AzureSettings {
            credential,
            ..settings(&self.fake)
        })
    }
}

#[tokio::test]
async fn the_machines_identity_works_in_its_own_tenant_and_says_what_helps_in_another() {
    let world = World::new().await;
    world.fake.identity(None, LOCAL);
    let cloud = world.by(Credential::Managed(world.as_machine(None)));
    let at = &world.local.at;
    assert_eq!(cloud.identity(at).await.as_ref(), Ok(&at.account));
    let of = std::slice::from_ref(&world.local.network);
    for _ in 0..3 {
        assert_eq!(cloud.networks(at, of).await.unwrap().len(), 1);
    }
    assert_eq!(world.fake.tokens_given(), 1, "a token is kept");
    let refused = cloud.identity(&world.remote.at).await.unwrap_err();
    assert_eq!(refused.kind, CloudErrorKind::CredentialsRefused);
    for word in [LOCAL, REMOTE, "cloud.azure.client_id"] {
        assert!(refused.message.contains(word), "{refused}");
    }
}

#[tokio::test]
async fn an_assigned_identity_is_asked_for_by_its_client_id_and_missed_by_name() {
    let world = World::new().await;
    world.fake.identity(Some(ASSIGNED), LOCAL);
    let at = &world.local.at;
    let assigned = Credential::Managed(world.as_machine(Some(ASSIGNED)));
    assert_eq!(
        world.by(assigned).identity(at).await.as_ref(),
        Ok(&at.account)
    );
    let own = Credential::Managed(world.as_machine(None));
    let refused = world.by(own).identity(at).await.unwrap_err();
    assert_eq!(refused.kind, CloudErrorKind::CredentialsRefused);
    assert!(
        refused.message.contains("no managed identity of its own"),
        "{refused}"
    );
    let other = Credential::Managed(world.as_machine(Some("another")));
    let refused = world.by(other).identity(at).await.unwrap_err();
    assert!(refused.message.contains("`another`"), "{refused}");
}

/// The whole life of a link over two tenants, without a secret.
#[tokio::test]
async fn an_application_that_trusts_the_machine_works_in_every_tenant_that_knows_it() {
    let mut world = World::new().await;
    world.fake.identity(Some(ASSIGNED), LOCAL);
    world.cloud = world.by(Credential::Trusting {
        client_id: "the-engine".to_owned(),
        identity: world.as_machine(Some(ASSIGNED)),
    });
    for at in [&world.local.at, &world.remote.at] {
        assert_eq!(world.cloud.identity(at).await.as_ref(), Ok(&at.account));
    }
    world.both().await;
    for side in Side::BOTH {
        assert!(world.half(side).is_some());
        world.remove(side).await;
    }
}

#[tokio::test]
async fn where_no_metadata_service_answers_it_is_said_what_to_name_instead() {
    let world = World::new().await;
    let nobody = testkit::ports::free();
    let credential = Credential::Managed(MachineIdentity {
        metadata: format!("http://127.0.0.1:{nobody}"),
        ..MachineIdentity::of_machine()
    });
    let refused = world
        .by(credential)
        .identity(&world.local.at)
        .await
        .unwrap_err();
    assert_eq!(refused.kind, CloudErrorKind::CredentialsRefused);
    for word in ["Azure's own machines", "secret_file or token_file"] {
        assert!(refused.message.contains(word), "{refused}");
    }
}

#[tokio::test]
async fn a_metadata_service_that_is_ill_is_asked_again_and_one_that_refuses_is_not() {
    let world = World::new().await;
    world.fake.identity(None, LOCAL);
    let cloud = world.by(Credential::Managed(world.as_machine(None)));
    let at = &world.local.at;
    for status in [404, 410, 429, 500, 503] {
        world.fake.metadata_is_ill(Some(status));
        let later = cloud.identity(at).await.unwrap_err();
        assert_eq!(later.kind, CloudErrorKind::Unreachable, "{status}: {later}");
    }
    world.fake.metadata_is_ill(Some(403));
    let refused = cloud.identity(at).await.unwrap_err();
    assert_eq!(refused.kind, CloudErrorKind::CredentialsRefused);
    // What it answers is never told: it may hold a token.
    assert!(!refused.message.contains("try again"), "{refused}");
    world.fake.metadata_is_ill(None);
    assert_eq!(cloud.identity(at).await.as_ref(), Ok(&at.account));
}
