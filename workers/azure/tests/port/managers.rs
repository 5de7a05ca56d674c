//! What network managers have in force is told before anything is made, and holds nothing up.

use crate::support::{LOCAL, OWNER, World, vnet_id};
use cloud::{Cloud as _, CloudErrorKind, Rehearsal, Rehearsed};
use serde_json::json;
use testkit::arm::{Answer, Fault};

impl World {
    fn rehearsal(&self) -> Rehearsal {
        Rehearsal::CreateGroup {
            network: self.local.clone(),
            owner: OWNER,
        }
    }

    fn is_managed_by(&self, ids: &[&str]) {
        let of = |id: &&str| {
            let properties = json!({"deleteExistingPeering": "True"});
            json!({"id": id, "properties": properties, "configurationGroups": []})
        };
        let all = ids.iter().map(of).collect();
        let key = vnet_id(LOCAL).to_lowercase();
        self.fake.with(|it| it.managed.insert(key, all));
    }
}

#[tokio::test]
async fn what_network_managers_have_in_force_is_told_with_what_to_do_about_it() {
    let world = World::new().await;
    let said = world.cloud.rehearse(&world.rehearsal()).await.unwrap();
    assert_eq!(said, Rehearsed::NotAvailable, "nobody manages it");
    world.is_managed_by(&["/one", "/two", "/three"]);
    world.fake.with(|it| it.page = Some(2));
    let said = world.cloud.rehearse(&world.rehearsal()).await.unwrap();
    let Rehearsed::ToBeKnown { message } = said else {
        panic!("{said:?}");
    };
    for word in [
        "/one ",
        "/two ",
        "/three ",
        "deleteExistingPeering",
        "take the network out",
    ] {
        assert!(message.contains(word), "{word}: {message}");
    }
    let seen = world.fake.take_seen();
    let asked = seen.iter().filter(|it| it.method == "POST");
    assert!(asked.clone().count() == 3, "once, and in two pages");
    for one in asked {
        assert_eq!(one.query["api-version"], "2025-05-01");
    }
}

#[tokio::test]
async fn where_the_engine_may_not_ask_nothing_is_told_and_a_failure_is_one() {
    let world = World::new().await;
    world.is_managed_by(&["/one"]);
    let ill = Answer::of_manager(503, "ServerTimeout", "later");
    world
        .fake
        .fail_next("POST", "listNetworkManager", Fault::Refused(ill));
    let failed = world.cloud.rehearse(&world.rehearsal()).await.unwrap_err();
    assert_eq!(failed.kind, CloudErrorKind::Ambiguous);
    let words = "no registered resource provider for that version";
    let unknown = Answer::of_manager(400, "NoRegisteredProviderFound", words);
    let unknown = Fault::Refused(unknown);
    world.fake.fail_next("POST", "listNetworkManager", unknown);
    let said = world.cloud.rehearse(&world.rehearsal()).await.unwrap();
    assert_eq!(said, Rehearsed::NotAvailable, "another cloud's");
    let denied = (LOCAL.to_owned(), "listNetworkManager".to_owned());
    world.fake.with(|it| it.denied.push(denied));
    let said = world.cloud.rehearse(&world.rehearsal()).await.unwrap();
    assert_eq!(said, Rehearsed::NotAvailable);
}
