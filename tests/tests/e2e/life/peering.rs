//! One network, its engine and its peering in a world: what a scenario tells it to do, and what it
//! asks of it.

use super::host::Host;
use super::people::People;
use super::worlds::RunningWorld;
use crate::support::SOON;
use crate::support::api::{Api, assert_valid};
use crate::support::world::Pair;
use peerage::api::v1::{Event, Peering};
use peerage_tests::engine::{Finished, Launch};
use peerage_tests::oracle::{Expected, Place};
use peerage_tests::wait;
use serde_json::Value;
use std::sync::Arc;
use tempfile::TempDir;

/// The port and the reason of the exception that scenarios declare.
pub(super) const INGRESS: (u16, &str) = (9092, "orders go to the peer's broker");

/// An engine that serves one network.
pub(super) struct Life {
    pub(super) running: Arc<RunningWorld>,
    pub(super) pair: Pair,
    pub(super) launch: Launch,
    pub(super) engine: Host,
    pub(super) api: Api,
    pub(super) network: String,
    /// Empty before one was asked for.
    pub(super) peering: String,
    _data: TempDir,
}

impl Life {
    /// A network on record, and no peering yet.
    pub(super) async fn registered(running: Arc<RunningWorld>) -> Self {
        Self::with(running, |launch| launch).await
    }

    /// The same, with an engine that is set up otherwise.
    pub(super) async fn with(
        running: Arc<RunningWorld>,
        set: impl FnOnce(Launch) -> Launch,
    ) -> Self {
        let mut life = Self::begun(running, set).await;
        let second = life.pair.local.subnets[1].clone();
        life.registers(&[&second]).await;
        life
    }

    /// An engine, and nothing on record.
    pub(super) async fn begun(
        running: Arc<RunningWorld>,
        set: impl FnOnce(Launch) -> Launch,
    ) -> Self {
        let (pair, data) = (running.pair(), TempDir::new().unwrap());
        let launch = set(running.launch(data.path()));
        let engine = running.host(&launch).await;
        let api = Api::connect(&engine.server()).await;
        Self {
            running,
            pair,
            launch,
            engine,
            api,
            network: String::new(),
            peering: String::new(),
            _data: data,
        }
    }

    /// Puts the network on record; its clusters live in these subnets.
    pub(super) async fn registers(&mut self, subnets: &[&str]) {
        let own = &self.pair.local;
        let place = [
            "--account",
            &own.place.account,
            "--region",
            &own.place.region,
            "--vpc",
            &own.vpc,
            "--range",
            &own.cidr,
        ];
        let subnets: Vec<_> = subnets.iter().flat_map(|it| ["--subnet", *it]).collect();
        let register = [
            &["network", "register", "--name", "orders"][..],
            &place,
            &subnets,
        ]
        .concat();
        self.network = text(&self.engine.json(&register).await["networkId"]);
        // The read models may be behind what was acknowledged.
        self.told("NetworkRegistered", 1).await;
    }

    /// Both sides in place: a route each way, and the peer's clients admitted to port 2113.
    pub(super) async fn active(running: Arc<RunningWorld>) -> Self {
        let mut life = Self::registered(running).await;
        life.asks(&[]).await;
        life.agrees().await;
        life.converged().await;
        life
    }

    /// The flags that name the peer.
    pub(super) fn peer(&self) -> Vec<String> {
        let peer = &self.pair.remote;
        let flags = [
            ("--network", &self.network),
            ("--account", &peer.place.account),
            ("--region", &peer.place.region),
            ("--vpc", &peer.vpc),
            ("--range", &peer.cidr),
        ];
        flags
            .into_iter()
            .flat_map(|(flag, value)| [flag.to_owned(), value.clone()])
            .collect()
    }

    /// Asks for a peering.
    pub(super) async fn asks(&mut self, terms: &[&str]) {
        self.begins("request", terms).await;
    }

    /// Puts a peering on record, with this word of the command line.
    pub(super) async fn begins(&mut self, word: &str, terms: &[&str]) {
        let peer = self.peer();
        let peer: Vec<&str> = peer.iter().map(String::as_str).collect();
        let answer = self
            .says(&[&["peering", word][..], &peer, terms].concat())
            .await;
        self.peering = text(&answer["peeringId"]);
    }

    /// Accepts a route each way, and lets the peer's clients in.
    pub(super) async fn agrees(&self) {
        let (local, remote) = (&self.pair.local.cidr, &self.pair.remote.cidr);
        self.says(&[
            "route",
            "accept",
            &self.peering,
            "--side",
            "local",
            "--destination",
            remote,
        ])
        .await;
        self.says(&[
            "route",
            "accept",
            &self.peering,
            "--side",
            "remote",
            "--destination",
            local,
        ])
        .await;
        self.says(&[
            "firewall",
            "restrict",
            &self.peering,
            "--admit",
            &format!("{remote}:2113"),
        ])
        .await;
    }

    /// A command that has to be carried out, and its answer.
    pub(super) async fn says(&self, command: &[&str]) -> Value {
        self.engine.json(command).await
    }

    /// A command that has to be refused for this reason.
    pub(super) async fn is_refused(&self, command: &[&str], reason: &str) {
        let finished = self.engine.cli(command).await;
        assert!(
            finished.code == Some(1) && finished.stderr.contains(&format!("[{reason}]")),
            "{finished:?}"
        );
    }

    /// A look at everything, now.
    pub(super) async fn checks(&self) {
        self.says(&["network", "check", &self.network]).await;
    }

    pub(super) async fn converged(&self) -> Peering {
        self.api.converged(&self.peering).await
    }

    pub(super) async fn lives(&self, life: &str) -> Peering {
        self.api
            .peering_when(&format!("a peering that is {life}"), &self.peering, |it| {
                crate::support::api::is_in(it, life)
            })
            .await
    }

    pub(super) async fn is_blocked(&self, cause: &str) -> Peering {
        let is = |it: &Peering| crate::support::api::is_blocked_by(it, cause);
        self.api
            .peering_when(&format!("a peering blocked by {cause}"), &self.peering, is)
            .await
    }

    /// What has happened so far.
    pub(super) async fn history(&self) -> Vec<Event> {
        let history = self.api.history(&self.network).await;
        assert_valid(&history);
        history
    }

    /// The types of all events behind the first `skipped` ones.
    pub(super) async fn types(&self, skipped: usize) -> Vec<String> {
        self.history()
            .await
            .into_iter()
            .skip(skipped)
            .map(|it| it.r#type)
            .collect()
    }

    /// All events of this type once there are so many.
    pub(super) async fn told(&self, event: &str, times: usize) -> Vec<Value> {
        let found = wait::within(SOON, || async {
            let told = data(&self.api.history(&self.network).await, event);
            (told.len() >= times).then_some(told)
        });
        match found.await {
            Some(told) => {
                assert_eq!(told.len(), times, "{event}: {told:#?}");
                told
            }
            None => panic!(
                "{event}, {times} times: not within {SOON:?}: {:#?}",
                self.types(0).await
            ),
        }
    }

    /// Judges everything in both accounts.
    pub(super) fn judge(&self, expected: &Expected) {
        let judged = self.people().judge(&self.pair.places(), expected);
        judged.unwrap_or_else(|wrong| {
            panic!(
                "the cloud is not as it should be:\n{wrong}\n{}",
                self.engine.output()
            )
        });
    }

    /// Judges that there is nothing of the engine's.
    pub(super) fn judge_clean(&self) {
        self.judge(&Expected::default());
    }

    /// What stands there once both sides are in place.
    pub(super) fn expected(&self) -> Expected {
        self.pair
            .expected(&format!("{}/{}", self.network, self.peering))
    }

    /// What somebody does by hand, and sees.
    pub(super) fn people(&self) -> &dyn People {
        self.running.people()
    }

    /// Waits until this account sees a link in this state.
    pub(super) async fn shows(&self, place: &Place, link: &str, state: &str) {
        wait::until(
            &format!("{link} as {state} in {}", place.account),
            SOON,
            || async {
                let seen = self.people().dump(std::slice::from_ref(place));
                let links = seen[0]["peerings"].as_array().unwrap();
                links
                    .iter()
                    .any(|it| it["id"] == link && it["state"] == state)
                    .then_some(())
            },
        )
        .await;
    }

    /// What the owner of the peer does with a request.
    pub(super) async fn owner_accepts(&self, link: &str) {
        self.accepted_by(&self.pair.remote.place, link).await;
    }

    /// The account that was asked for a link sees it, and accepts it.
    pub(super) async fn accepted_by(&self, place: &Place, link: &str) {
        self.shows(place, link, "pending-acceptance").await;
        self.people().accept_link(place, link);
    }

    /// Kills the engine as a crash would, and starts it again.
    pub(super) async fn crashes(&mut self) {
        self.engine.crash().await;
        self.engine = self.running.host(&self.launch).await;
        self.api = Api::connect(&self.engine.server()).await;
    }

    /// The end of a scenario: the engine called nothing that no policy allows, stops in good order,
    /// and this world was what it is called.
    pub(super) async fn ends(self) {
        self.kept_to_the_policies().await;
        self.engine.stop().await;
        self.running.assert_it_was_faulty().await;
    }
}

/// The data of all events of this type.
pub(super) fn data(history: &[Event], event: &str) -> Vec<Value> {
    history
        .iter()
        .filter(|it| it.r#type == event)
        .map(crate::support::api::data)
        .collect()
}

/// Where an event of this type stands first, and where last.
pub(super) fn first(types: &[String], event: &str) -> usize {
    types
        .iter()
        .position(|it| it == event)
        .unwrap_or_else(|| panic!("no {event} in {types:?}"))
}

pub(super) fn last(types: &[String], event: &str) -> usize {
    types
        .iter()
        .rposition(|it| it == event)
        .unwrap_or_else(|| panic!("no {event} in {types:?}"))
}

pub(super) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a text, not {value}"))
        .to_owned()
}

/// The failed command's answer as JSON: a plan that cannot be carried out is printed all the same.
pub(super) fn printed(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout)
        .unwrap_or_else(|error| panic!("no JSON ({error}): {finished:?}"))
}
