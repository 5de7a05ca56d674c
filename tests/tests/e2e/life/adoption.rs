//! A link that somebody else made: previewed without a write, kept from then on, and never removed.

use super::peering::{Life, text};
use super::worlds::RunningWorld;
use peerage::api::v1::{Origin, PeeringState};
use peerage_tests::oracle::{Expected, Route};
use serde_json::Value;
use std::sync::Arc;

in_every_world!(an_adopted_link_is_previewed_without_a_write_kept_and_left_with_what_it_had);

in_world!(
    in_a_file,
    Strict,
    of: what_stands_at_the_cloud_is_discovered_and_adopted_by_the_file_that_is_printed
);
in_world!(
    in_a_file_on_the_simulated_cloud,
    Simulated,
    of: what_stands_at_the_cloud_is_discovered_and_adopted_by_the_file_that_is_printed
);

impl Life {
    /// A link and its route at the peer, made by hand.
    async fn somebody_joins_the_networks(&self) -> String {
        let (local, remote) = (&self.pair.local, &self.pair.remote);
        let link = self.people().ask_for_link(local, remote);
        self.owner_accepts(&link).await;
        for place in self.pair.places() {
            self.shows(&place, &link, "active").await;
        }
        self.people()
            .route_over(remote, &remote.main_route_table, &local.cidr, &link);
        link
    }

    /// The link with the route that came with it, and nothing else.
    fn as_it_was(&self, link: &str) -> Expected {
        let mut expected = self.pair.expected(link);
        expected.peerings[0].tags = None;
        expected.route_tables[1].routes.clear();
        expected.security_groups.clear();
        expected
    }

    /// The same, with what the engine adds.
    fn kept(&self, link: &str) -> Expected {
        let mut expected = self.expected();
        (expected.peerings, expected.route_tables) = (
            self.as_it_was(link).peerings,
            self.as_it_was(link).route_tables,
        );
        expected.route_tables[1].routes = vec![Route {
            destination: self.pair.remote.cidr.clone(),
            peering: link.to_owned(),
        }];
        expected
    }
}

async fn an_adopted_link_is_previewed_without_a_write_kept_and_left_with_what_it_had(
    running: Arc<RunningWorld>,
) {
    let mut life = Life::registered(running).await;
    let link = life.somebody_joins_the_networks().await;
    life.judge(&life.as_it_was(&link));
    let before = (
        life.history().await,
        life.running.changes(&life.pair).await.map(|it| it.len()),
    );
    let peer = life.peer();
    let peer: Vec<&str> = peer.iter().map(String::as_str).collect();
    let preview = life
        .says(
            &[
                &["peering", "adopt", "--link", &link, "--dry-run"][..],
                &peer,
            ]
            .concat(),
        )
        .await;
    let actions: Vec<_> = preview["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| text(&it["kind"]))
        .collect();
    assert!(
        actions.contains(&"ACTION_KIND_CREATE_GROUP".to_owned())
            && !actions.contains(&"ACTION_KIND_CREATE_LINK".to_owned()),
        "{actions:?}"
    );
    assert_eq!(
        (
            life.history().await,
            life.running.changes(&life.pair).await.map(|it| it.len())
        ),
        before,
        "nothing was written"
    );
    life.judge(&life.as_it_was(&link));

    life.begins("adopt", &["--link", &link, "--yes"]).await;
    life.agrees().await;
    let peering = life.converged().await;
    assert_eq!(
        (peering.state(), peering.link.as_str(), peering.origin()),
        (PeeringState::Active, link.as_str(), Origin::Adopted)
    );
    life.judge(&life.kept(&link));
    let gone = life
        .says(&[
            "peering",
            "remove",
            &life.peering,
            "--reason",
            "no longer ours to keep",
        ])
        .await;
    assert_eq!(
        gone["peering"]["state"], "PEERING_STATE_ABANDONED",
        "{gone:#}"
    );
    assert_eq!(
        gone["peering"]["leftovers"][0]["link"]["link"],
        link.as_str(),
        "{gone:#}"
    );
    life.judge(&life.as_it_was(&link));
    life.ends().await;
}

async fn what_stands_at_the_cloud_is_discovered_and_adopted_by_the_file_that_is_printed(
    running: Arc<RunningWorld>,
) {
    let mut life = Life::registered(running).await;
    assert_eq!(
        life.says(&["discover", &life.network]).await,
        Value::Array(Vec::new())
    );
    let link = life.somebody_joins_the_networks().await;
    let before = life.history().await;
    let found = life.says(&["discover", &life.network]).await;
    let one = &found[0];
    assert_eq!(
        (&one["link"], &one["adoptable"], &one["state"]),
        (
            &link.as_str().into(),
            &true.into(),
            &"LINK_STATE_ACTIVE".into()
        ),
        "{found:#}"
    );
    assert_eq!(
        one["peer"]["cloudNetwork"],
        life.pair.remote.vpc.as_str(),
        "{found:#}"
    );
    let file = life
        .engine
        .cli(&["discover", &life.network, "--as-file"])
        .await;
    assert_eq!(life.history().await, before, "to discover writes nothing");
    let place = tempfile::TempDir::new().unwrap();
    let path = place.path().join("adopt.toml");
    std::fs::write(&path, file.done()).unwrap();
    let path = path.display().to_string();
    let applied = life.says(&["apply", "--file", &path, "--yes"]).await;
    let adopted = &applied["changes"][0];
    assert_eq!(adopted["change"], format!("+ adopt {link}"), "{applied:#}");
    life.peering = text(&adopted["peeringId"]);
    life.agrees().await;
    life.converged().await;
    life.judge(&life.kept(&link));
    let found = life.says(&["discover", &life.network]).await;
    assert_eq!(found[0]["peeringId"], life.peering.as_str(), "{found:#}");
    assert_ne!(found[0]["adoptable"], true, "{found:#}");
    let again = life.says(&["apply", "--file", &path, "--yes"]).await;
    assert_eq!(again["changes"], Value::Array(Vec::new()), "{again:#}");
    life.ends().await;
}
