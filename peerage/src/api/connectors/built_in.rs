//! The engine's own connectors: the provisioner, and the read models of this server.
//!
//! They are shown as the others are, and refuse what the others take: nobody deletes them, and
//! nothing of theirs is parked or begins elsewhere than where it stood. Other servers' read models
//! are shown by those servers.

use super::{Connectors, problems::refused};
use crate::api::{
    problem::{Problem, Reason},
    time::{duration, timestamp},
    v1,
};
use domain::connector::ConnectorRefusal;

const PROVISIONER: &str = "provisioner";
const READ_MODELS: &str = "read-models";

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BuiltIn {
    Provisioner,
    ReadModels,
}

impl BuiltIn {
    pub(super) const ALL: [Self; 2] = [Self::Provisioner, Self::ReadModels];
}

/// Which of them is meant, and the host that is named with it.
fn named(text: &str) -> Option<(BuiltIn, Option<&str>)> {
    match text.split_once('@') {
        None if text == PROVISIONER => Some((BuiltIn::Provisioner, None)),
        None if text == READ_MODELS => Some((BuiltIn::ReadModels, None)),
        Some((READ_MODELS, host)) => Some((BuiltIn::ReadModels, Some(host))),
        Some(_) | None => None,
    }
}

impl Connectors {
    /// Which of the engine's own is meant, if one is.
    pub(super) fn built_in(&self, id: &str) -> Result<Option<BuiltIn>, Problem> {
        let own = self.0.server.host.to_string();
        match named(id) {
            Some((_, Some(host))) if host != own => {
                let text = format!(
                    "the read models of {host} are told by that server, not by {own}; name it with --server"
                );
                Err(Problem::new(Reason::ConnectorUnusable, text))
            }
            found => Ok(found.map(|(it, _)| it)),
        }
    }

    /// Refuses what the engine's own connectors do not take.
    pub(super) fn is_not_built_in(&self, id: &str, action: &'static str) -> Result<(), Problem> {
        match named(id) {
            Some(_) => Err(refused(&ConnectorRefusal::ConnectorBuiltIn { action })),
            None => Ok(()),
        }
    }

    /// One of the engine's own, as it is shown.
    pub(super) async fn own(&self, which: BuiltIn) -> v1::Connector {
        let services = &self.0;
        let own = v1::Connector {
            state: v1::ConnectorState::Running.into(),
            since: Some(timestamp(services.server.started_at)),
            built_in: true,
            ..v1::Connector::default()
        };
        match which {
            BuiltIn::Provisioner => self.provisioner(own).await,
            BuiltIn::ReadModels => {
                let host = services.server.host.to_string();
                v1::Connector {
                    connector_id: format!("{READ_MODELS}@{host}"),
                    name: "what can be looked up".to_owned(),
                    host,
                    progress: Some(self.read_models().await),
                    ..own
                }
            }
        }
    }

    /// It works at the server that holds the lease, as all that acts outward does.
    async fn provisioner(&self, own: v1::Connector) -> v1::Connector {
        let own = v1::Connector {
            connector_id: PROVISIONER.to_owned(),
            name: "what makes the cloud match".to_owned(),
            ..own
        };
        let Some(election) = &self.parts().election else {
            // Nobody else can reach the store.
            let host = self.0.server.host.to_string();
            return v1::Connector { host, ..own };
        };
        match election.holder().await {
            Ok(Some((host, term))) => v1::Connector { host, term, ..own },
            Ok(None) => v1::Connector {
                state: v1::ConnectorState::Activating.into(),
                cause: "no server holds the lease".to_owned(),
                ..own
            },
            Err(error) => v1::Connector {
                state: v1::ConnectorState::Activating.into(),
                cause: domain::error_chain(&error),
                ..own
            },
        }
    }

    async fn read_models(&self) -> v1::ConnectorProgress {
        let services = &self.0;
        let caught_up = *services.projections.caught_up().borrow();
        let since = services.lag.behind_since().filter(|_| !caught_up);
        let lag = since.and_then(|since| ((services.clock)() - since).to_std().ok());
        v1::ConnectorProgress {
            position: services.projections.position().borrow().to_string(),
            behind: caught_up.then_some(0),
            lag: lag.map(duration),
            ..v1::ConnectorProgress::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_own_are_known_by_their_names_and_the_read_models_by_a_host_too() {
        assert_eq!(named("provisioner"), Some((BuiltIn::Provisioner, None)));
        assert_eq!(named("read-models"), Some((BuiltIn::ReadModels, None)));
        let at = Some((BuiltIn::ReadModels, Some("db1 127.0.0.1:2114")));
        assert_eq!(named("read-models@db1 127.0.0.1:2114"), at);
        for other in [
            "provisioner@db1",
            "to-auditors",
            "read-model",
            "outward",
            "",
        ] {
            assert_eq!(named(other), None, "{other}");
        }
    }
}
