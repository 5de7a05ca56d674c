//! The store as whoever uses the engine fills it, and connectors as they are managed.

use chrono::Utc;
use connectors::Connectors;
use domain::{
    CommandId, NetworkId, Provider, Region,
    connector::{
        Connector, ConnectorCommand, CreateConnector, Settings, StartConnector, StartFrom,
    },
    ids::Ids,
    network::{CheckDrift, NetworkCommand, RegisterNetwork},
    text::ConnectorId,
};
use journal::{Caller, Journal, JournalSettings};
use std::time::Duration;
use testkit::wait::until;
use tokio::task::JoinSet;
use uuid::Uuid;

/// The longest that something is waited for.
const LONG: Duration = Duration::from_secs(300);

/// A store.
#[derive(Clone, Debug)]
pub struct Store {
    /// The doorway to it.
    pub journal: Journal,
    connectors: Connectors,
}

impl Store {
    /// The one at this place.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn at(connection_string: &str) -> Self {
        let journal = Journal::open(JournalSettings::new(connection_string)).expect("a journal");
        Self {
            connectors: Connectors::new(journal.clone()),
            journal,
        }
    }

    /// A network, by a number.
    pub async fn network(&self, n: u128) -> NetworkId {
        let command = CommandId(Uuid::from_u128(n));
        let id = Ids::of(command).network();
        let register = RegisterNetwork {
            project: "payments".parse().expect("a project"),
            name: format!("orders-{n}").parse().expect("a name"),
            provider: Provider::Aws,
            region: Region::of(Provider::Aws, "eu-west-1").expect("a region"),
            account: "111122223333".parse().expect("an account"),
            cloud_network: format!("vpc-{n:08x}").parse().expect("a network"),
            range: "10.20.0.0/16".parse().expect("a range"),
            ipv6_ranges: Vec::new(),
            subnets: Vec::new(),
        };
        self.execute(id, register.into(), command).await;
        id
    }

    /// One more event in this network's stream.
    pub async fn happens(&self, network: NetworkId) {
        let command = CommandId(Uuid::new_v4());
        self.execute(network, CheckDrift {}.into(), command).await;
    }

    /// So many networks, and so many events in all of them together, their first ones among those.
    ///
    /// # Panics
    /// When that fails.
    pub async fn filled(&self, networks: usize, events: usize) -> Vec<NetworkId> {
        let mut filling = JoinSet::new();
        for n in 0..networks {
            let store = self.clone();
            let many = (n..events).step_by(networks).len();
            filling.spawn(async move {
                let network = store.network(n as u128 + 1).await;
                for _ in 1..many {
                    store.happens(network).await;
                }
                network
            });
        }
        filling.join_all().await
    }

    async fn execute(&self, id: NetworkId, command: NetworkCommand, command_id: CommandId) {
        let caller = Caller::new(command_id, "anna".parse().expect("a name"));
        let networks = self.journal.networks();
        let executed = networks.execute(id, &command, &caller, Utc::now()).await;
        executed.expect("it is carried out");
    }

    async fn command(&self, id: &ConnectorId, command: ConnectorCommand) {
        let caller = Caller::new(CommandId(Uuid::new_v4()), "anna".parse().expect("a name"));
        let executed = self.connectors.execute(id, &command, &caller, Utc::now());
        executed.await.expect("it is carried out");
    }

    /// A connector with these settings, stopped.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn create(&self, id: &str, settings: serde_json::Value) -> ConnectorId {
        let id: ConnectorId = id.parse().expect("an id");
        let settings: Settings = serde_json::from_value(settings).expect("settings");
        let create = CreateConnector {
            name: "a connector".parse().expect("a name"),
            settings,
        };
        self.command(&id, ConnectorCommand::CreateConnector(create))
            .await;
        id
    }

    /// Starts it from the beginning of the log.
    pub async fn start(&self, id: &ConnectorId, from: StartFrom) {
        let start = StartConnector {
            start_from: Some(from),
        };
        self.command(id, ConnectorCommand::StartConnector(start))
            .await;
    }

    /// Stops it, and waits until it is.
    pub async fn stop(&self, id: &ConnectorId) {
        self.command(id, ConnectorCommand::StopConnector {}).await;
        self.is(id, "stopped").await;
    }

    /// Waits until it is in this state.
    pub async fn is(&self, id: &ConnectorId, state: &str) {
        until(&format!("{id} is {state}"), LONG, async || {
            let loaded = self.connectors.load(id).await.ok()?;
            match loaded.connector {
                Connector::Defined(it) => (it.state.name() == state).then_some(()),
                Connector::Absent | Connector::Deleted { .. } => None,
            }
        })
        .await;
    }
}
