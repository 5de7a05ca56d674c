//! The Resource Manager of the test kit, driven by Azure's own library: a stranger to it and to the
//! engine, which polls operations by itself and reads what is answered into types of its own.

#![allow(clippy::unwrap_used)]

use serde_json::json;
use std::{collections::BTreeSet, path::Path};
use testkit::{
    arm::{Asked, FakeArm, endpoints},
    venv,
};

const TENANT: &str = "11111111-1111-4111-8111-111111111111";
const SUBSCRIPTION: &str = "11111111-1111-5111-8111-111111111111";

/// What the script has to say, at the least.
const HELD: usize = 46;

#[tokio::test(flavor = "multi_thread")]
async fn azures_own_library_drives_each_endpoint_and_makes_sense_of_every_answer() {
    let fake = FakeArm::start().await;
    fake.subscription(SUBSCRIPTION, TENANT);
    let vnet = format!(
        "/subscriptions/{SUBSCRIPTION}/resourcegroups/rg/providers/microsoft.network/virtualnetworks/a"
    );
    let properties = json!({
        "appliesToGroups": [], "connectivityTopology": "HubAndSpoke", "deleteExistingPeering": "True",
        "connectivityCapabilities": {
            "connectedGroupPrivateEndpointsScale": "Standard",
            "connectedGroupAddressOverlap": "Disallowed", "peeringEnforcement": "Enforced",
        },
    });
    let configuration = json!({ "id": "/one", "properties": properties });
    fake.with(|it| it.managed.insert(vnet, vec![configuration]));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk/drive.py");
    let (endpoint, token) = (fake.endpoint().to_owned(), fake.token(TENANT));
    let run = tokio::task::spawn_blocking(move || {
        let mut command = venv::command("python");
        command.arg(script).args([&endpoint, SUBSCRIPTION, &token]);
        command.output().unwrap()
    });
    let run = run.await.unwrap();
    let (said, errors) = (
        String::from_utf8_lossy(&run.stdout).into_owned(),
        String::from_utf8_lossy(&run.stderr).into_owned(),
    );
    assert!(run.status.success(), "{said}\n{errors}");
    assert!(said.lines().count() >= HELD, "{said}");
    let seen = fake.take_seen();
    let driven: BTreeSet<_> = seen.iter().map(Asked::endpoint).collect();
    for endpoint in endpoints() {
        assert!(driven.contains(&endpoint), "{endpoint} is not driven");
    }
}
