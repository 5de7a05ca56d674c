//! The program on Google Cloud and Azure, and on all three providers at once: each is a stand-in on
//! loopback that recordings and the field's own clients have judged, and that knows nothing of the
//! engine.

use crate::support::{SOON, world::World};
use gcp_fake::{FakeCompute, Temper};
use peerage_tests::engine::{Engine, Launch};
use peerage_tests::wait;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};
use tempfile::TempDir;
use testkit::arm::{FakeArm, SECRET};

/// A network at a provider, as the command line is told of it.
struct Place {
    provider: &'static str,
    account: &'static str,
    region: &'static str,
    network: String,
    range: &'static str,
}

impl Place {
    fn arguments(&self) -> [&str; 10] {
        [
            "--provider",
            self.provider,
            "--account",
            self.account,
            "--region",
            self.region,
            "--cloud-network",
            &self.network,
            "--range",
            self.range,
        ]
    }
}

/// Google Cloud with two projects, each with a network of one subnet.
struct Google {
    fake: FakeCompute,
    own: Place,
    peer: Place,
}

impl Google {
    async fn start(temper: Temper) -> Self {
        let place = |account, region, network: &str, range| Place {
            provider: "gcp",
            account,
            region,
            network: network.to_owned(),
            range,
        };
        let own = place("orders-prod", "europe-west1", "orders", "10.20.0.0/16");
        let peer = place("billing-prod", "us-central1", "billing", "10.30.0.0/16");
        let fake = FakeCompute::start(temper).await;
        for it in [&own, &peer] {
            fake.network(it.account, &it.network);
            fake.subnet(it.account, &it.network, it.region, "main", it.range);
        }
        Self { fake, own, peer }
    }

    fn configured(&self, launch: Launch) -> Launch {
        launch.set("cloud.gcp.endpoint", &self.fake.endpoint())
    }

    /// How many halves there are on each side.
    fn halves(&self) -> [usize; 2] {
        [&self.own, &self.peer].map(|it| self.fake.halves_of(it.account, &it.network).len())
    }
}

/// Azure with two tenants, each with a network of one subnet that has interfaces behind a network
/// security group that the engine may write into.
struct Azure {
    fake: FakeArm,
    own: Place,
    peer: Place,
}

const OWN_TENANT: &str = "11111111-1111-4111-8111-111111111111";
const OTHER_TENANT: &str = "22222222-2222-4222-8222-222222222222";

fn resource(tenant: &str, kind: &str, name: &str) -> String {
    let subscription = tenant.replace("-4", "-5");
    format!(
        "/subscriptions/{subscription}/resourceGroups/rg/providers/Microsoft.Network/{kind}/{name}"
    )
}

impl Azure {
    async fn start() -> Self {
        let place = |account, region, range| Place {
            provider: "azure",
            account,
            region,
            network: resource(account, "virtualNetworks", "net"),
            range,
        };
        let own = place(OWN_TENANT, "westeurope", "10.20.0.0/16");
        let peer = place(OTHER_TENANT, "northeurope", "10.30.0.0/16");
        let fake = FakeArm::start().await;
        for it in [&own, &peer] {
            let group = resource(it.account, "networkSecurityGroups", "guard");
            fake.subscription(&it.account.replace("-4", "-5"), it.account);
            fake.plant(&group, &json!({ "location": it.region, "properties": {} }));
            let used = json!({
                "addressPrefix": it.range,
                "ipConfigurations": [{ "id": "nic" }],
                "networkSecurityGroup": { "id": group },
            });
            let properties = json!({
                "addressSpace": { "addressPrefixes": [it.range] },
                "subnets": [{ "name": "used", "properties": used }],
            });
            let body = json!({ "location": it.region, "properties": properties });
            fake.plant(&it.network, &body);
        }
        Self { fake, own, peer }
    }

    fn configured(&self, launch: Launch, folder: &Path) -> Launch {
        let secret = folder.join("azure.secret");
        fs::write(&secret, format!("{SECRET}\n")).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let groups =
            [OWN_TENANT, OTHER_TENANT].map(|it| resource(it, "networkSecurityGroups", "guard"));
        launch
            .set("cloud.azure.endpoint", self.fake.endpoint())
            .set("cloud.azure.login", &self.fake.login())
            .set("cloud.azure.client_id", "the-engine")
            .set("cloud.azure.secret_file", &secret.display().to_string())
            .set("cloud.azure.security_groups", &json!(groups).to_string())
    }

    /// Whether each side's half lets traffic through, as far as there is a half.
    fn access(&self, link: &str) -> [Option<bool>; 2] {
        [&self.own, &self.peer].map(|it| {
            let half = self
                .fake
                .child(&it.network, "virtualNetworkPeerings", link)?;
            half["allowVirtualNetworkAccess"].as_bool()
        })
    }
}

async fn register(engine: &Engine, name: &str, own: &Place) {
    let register = ["network", "register", "--name", name];
    let _ = engine
        .json(&[&register[..], &own.arguments()].concat())
        .await;
}

/// Asks for a peering with routes and one client, and returns its id.
async fn request(engine: &Engine, name: &str, own: &Place, peer: &Place) -> String {
    let admit = format!("{}:2113", peer.range);
    let what = [
        "peering",
        "request",
        "--network",
        name,
        "--local-route",
        peer.range,
        "--remote-route",
        own.range,
        "--admit",
        &admit,
    ];
    let asked = engine.json(&[&what[..], &peer.arguments()].concat()).await;
    asked["peeringId"].as_str().unwrap().to_owned()
}

async fn peering(engine: &Engine, id: &str) -> Value {
    engine.json(&["peering", "show", id]).await["peering"].clone()
}

async fn in_place(engine: &Engine, id: &str) -> Value {
    wait::until("the peering in place", SOON, || async {
        let shown = peering(engine, id).await;
        let is_so = shown["state"] == "PEERING_STATE_ACTIVE" && shown["converged"] == true;
        if shown["block"].is_object() {
            panic!("blocked: {:#}", shown["block"]);
        }
        is_so.then_some(shown)
    })
    .await
}

async fn ends(engine: &Engine, id: &str) {
    let remove = ["peering", "remove", id, "--reason", "no longer needed"];
    let _ = engine.cli(&remove).await.done();
    let ended = peering(engine, id).await;
    assert_eq!(ended["state"], "PEERING_STATE_REMOVED", "{ended:#}");
    assert_eq!(ended["leftovers"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn a_life_at_google_cloud_is_made_on_both_sides_and_leaves_nothing() {
    let (data, google) = (
        TempDir::new().unwrap(),
        Google::start(Temper::default()).await,
    );
    let launch = Launch::new(data.path()).own_store();
    let launch = google.configured(launch).set("cloud.mode", "gcp");
    let engine = launch.start().await;
    register(&engine, "orders", &google.own).await;
    let id = request(&engine, "orders", &google.own, &google.peer).await;
    let shown = in_place(&engine, &id).await;
    assert_eq!(shown["cloud"]["mode"], "CLOUD_MODE_EMULATOR", "{shown:#}");
    assert_eq!(google.halves(), [1, 1]);
    let rules = google.fake.firewalls_of(google.own.account);
    assert!(
        rules
            .iter()
            .any(|it| it.starts_with(&format!("peerage-{id}"))),
        "{rules:?}"
    );
    ends(&engine, &id).await;
    assert_eq!(google.halves(), [0, 0]);
    for account in [google.own.account, google.peer.account] {
        assert_eq!(google.fake.firewalls_of(account), [""; 0], "{account}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn an_engine_that_is_killed_between_the_halves_at_google_cloud_makes_no_third() {
    let (data, google) = (
        TempDir::new().unwrap(),
        Google::start(Temper::default()).await,
    );
    let launch = Launch::new(data.path()).own_store();
    let launch = google.configured(launch).set("cloud.mode", "gcp");
    let mut engine = launch.start().await;
    register(&engine, "orders", &google.own).await;
    let id = request(&engine, "orders", &google.own, &google.peer).await;
    wait::until("the first half", SOON, || async {
        (google.halves() != [0, 0]).then_some(())
    })
    .await;
    engine.process.kill();
    let engine = launch.start().await;
    let _ = in_place(&engine, &id).await;
    assert_eq!(google.halves(), [1, 1]);
    let calls = google.fake.calls();
    let asked = calls.iter().filter(|it| it.method == "networks.addPeering");
    assert!(asked.count() <= 3, "one of them may have been repeated");
    ends(&engine, &id).await;
    assert_eq!(google.halves(), [0, 0]);
    engine.stop().await;
}

#[tokio::test]
async fn halves_at_azure_open_once_the_denials_stand_on_both_sides_and_close_when_that_is_asked_for()
 {
    let (data, azure) = (TempDir::new().unwrap(), Azure::start().await);
    let launch = Launch::new(data.path()).own_store();
    let launch = azure
        .configured(launch, data.path())
        .set("cloud.mode", "azure");
    let engine = launch.start().await;
    register(&engine, "orders", &azure.own).await;
    let id = request(&engine, "orders", &azure.own, &azure.peer).await;
    let shown = in_place(&engine, &id).await;
    let link = shown["link"].as_str().unwrap_or_default().to_owned();
    assert_eq!(azure.access(&link), [Some(true); 2], "{shown:#}");
    for side in ["local", "remote"] {
        let off = [
            "peering",
            "option",
            &id,
            "--side",
            side,
            "virtual-network-access",
            "off",
        ];
        let _ = engine.cli(&off).await.done();
    }
    wait::until("both halves to be closed", SOON, || async {
        let shown = peering(&engine, &id).await;
        assert!(!shown["block"].is_object(), "{:#}", shown["block"]);
        (azure.access(&link) == [Some(false); 2]).then_some(())
    })
    .await;
    ends(&engine, &id).await;
    assert_eq!(azure.access(&link), [None; 2]);
    engine.stop().await;
}

#[tokio::test]
async fn one_engine_works_on_all_three_providers_and_one_that_does_not_answer_holds_up_no_other() {
    let data = TempDir::new().unwrap();
    let (google, azure) = (Google::start(Temper::default()).await, Azure::start().await);
    let amazon = World::new().await;
    let launch = Launch::new(data.path()).own_store();
    let launch = azure.configured(google.configured(launch), data.path());
    let launch = launch
        .set("cloud.aws.endpoint", &amazon.moto.endpoint())
        .set("cloud.mode", "aws,azure,gcp");
    let engine = launch.start().await;
    let info = engine.json(&["server", "info"]).await;
    assert_eq!(info["clouds"].as_array().map(Vec::len), Some(3), "{info:#}");

    // Google Cloud is gone; the others are not.
    register(&engine, "g", &google.own).await;
    let at_google = request(&engine, "g", &google.own, &google.peer).await;
    let _ = in_place(&engine, &at_google).await;
    drop(google.fake);
    register(&engine, "a", &azure.own).await;
    let at_azure = request(&engine, "a", &azure.own, &azure.peer).await;
    let pair = amazon.pair();
    let story = pair.commands();
    let api = crate::support::api::Api::connect(&engine.server()).await;
    for command in &story.commands {
        api.done(command).await;
    }
    api.converged(&story.peering_id).await;
    amazon.judge(&pair, &story.owner());
    let _ = in_place(&engine, &at_azure).await;
    ends(&engine, &at_azure).await;
    engine.stop().await;
}

#[tokio::test]
async fn a_simulated_cloud_stands_beside_one_that_is_called_and_each_network_says_at_which_it_is() {
    let (data, azure) = (TempDir::new().unwrap(), Azure::start().await);
    let google = Google::start(Temper::default()).await;
    let launch = google.configured(Launch::new(data.path()).own_store());
    let launch = launch.set("cloud.mode", "gcp,azure=simulated");
    let engine = launch.start().await;
    for (name, own, peer, mode) in [
        ("g", &google.own, &google.peer, "CLOUD_MODE_EMULATOR"),
        ("a", &azure.own, &azure.peer, "CLOUD_MODE_SIMULATED"),
    ] {
        register(&engine, name, own).await;
        let id = request(&engine, name, own, peer).await;
        let shown = in_place(&engine, &id).await;
        assert_eq!(shown["cloud"]["mode"], mode, "{shown:#}");
        let events = engine.json(&["audit", "--network", name]).await;
        let events = events.as_array().unwrap();
        assert!(
            events.iter().all(|it| it["cloud"]["mode"] == mode),
            "{events:#?}"
        );
    }
    assert_eq!(google.halves(), [1, 1]);
    engine.stop().await;
}
