//! The engine's own connectors: the provisioner, and the read models and the audit's tree of this
//! server.
//!
//! They are shown as the others are, and refuse most of what the others take: nobody deletes them,
//! and nothing of theirs is parked or begins elsewhere than where it stood. They stop for a time
//! alone, and the tree never: what is signed of the log ends where the tree does. What other
//! servers have is shown by those servers; a command may name any's read models, or all.
//!
//! The tree is `audit-tree@HOST` and never without the host, so that it shares its name with no
//! connector that somebody has made.

use super::{
    Connectors, Known,
    problems::{problem, refused},
};
use crate::api::{
    Services,
    parse::{Fields, caller},
    problem::{Problem, Reason},
    time::{duration, span, timestamp},
    v1,
};
use chrono::SecondsFormat;
use connectors::{ExecuteError, Servers};
use domain::{
    connector::{
        ConnectorRefusal,
        built_in::{BuiltIn, BuiltInCommand, StartBuiltIn, StopBuiltIn},
    },
    text::ActorName,
};
use journal::{Caller, JournalError};
use tonic_types::FieldViolation;

/// The audit's tree, before the host that has it.
const AUDIT_TREE: &str = "audit-tree";

/// One of the engine's own, as it is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    /// One that may be stopped for a time.
    Stoppable(BuiltIn),
    /// What proves the log.
    AuditTree,
}

impl Own {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let stoppable = BuiltIn::ALL.into_iter().map(Self::Stoppable);
        stoppable.chain([Self::AuditTree])
    }
}

/// Which of them is meant, and the host that is named with it.
fn named(text: &str) -> Option<(Own, Option<&str>)> {
    let (own, host) = match text.split_once('@') {
        None => (text, None),
        Some((own, host)) => (own, Some(host)),
    };
    if own == AUDIT_TREE {
        return host.map(|_| (Own::AuditTree, host));
    }
    let own = BuiltIn::ALL.into_iter().find(|it| it.as_str() == own)?;
    match own {
        BuiltIn::Provisioner if host.is_some() => None,
        BuiltIn::Provisioner | BuiltIn::ReadModels => Some((Own::Stoppable(own), host)),
    }
}

/// One of them, as a command means it, of a server or of all of them.
fn meant(
    text: &str,
    action: &'static str,
) -> Result<Option<(BuiltIn, Option<ActorName>)>, Problem> {
    let (which, host) = match named(text) {
        None => return Ok(None),
        Some((Own::AuditTree, _)) => {
            return Err(refused(&ConnectorRefusal::ConnectorBuiltIn { action }));
        }
        Some((Own::Stoppable(which), host)) => (which, host),
    };
    let mut fields = Fields::default();
    let host = match host {
        None => Some(None),
        Some(host) => fields.take::<ActorName>("connector_id", host).map(Some),
    };
    fields.finish(host.map(|host| Some((which, host))))
}

impl Connectors {
    /// Which of the engine's own is meant, if one is.
    pub(super) fn built_in(&self, id: &str) -> Result<Option<Own>, Problem> {
        let own = self.0.server.host.to_string();
        match named(id) {
            Some((_, Some(host))) if host != own => {
                let text = format!(
                    "what {host} has is told by that server, not by {own}; name it with --server"
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

    /// Stops one of the engine's own for a time, if one is meant.
    pub(super) async fn stop_built_in(
        &self,
        known: &Known,
        request: &v1::StopConnectorRequest,
        traceparent: Option<String>,
    ) -> Result<Option<v1::CommandResponse>, Problem> {
        let Some((which, host)) = meant(&request.connector_id, "stopped")? else {
            if request.stop_for.is_some() {
                let text = "is for the engine's own connectors; others stop until they are started";
                let wrong = FieldViolation::new("stop_for", text);
                return Err(Problem::fields(vec![wrong]));
            }
            return Ok(None);
        };
        let for_ms = request.stop_for.as_ref().map(span);
        let command = BuiltInCommand::StopBuiltIn(StopBuiltIn {
            host: host.as_ref().map(ToString::to_string),
            for_ms: for_ms.map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)),
        });
        let caller = built_in_caller(known, request.context.as_ref(), traceparent)?;
        let named = (which, &*request.connector_id);
        let done = self.command_built_in(named, &command, caller, request.validate_only);
        done.await.map(Some)
    }

    /// Ends the stop of one of the engine's own, if one is meant.
    pub(super) async fn start_built_in(
        &self,
        known: &Known,
        request: &v1::StartConnectorRequest,
        traceparent: Option<String>,
    ) -> Result<Option<v1::CommandResponse>, Problem> {
        let Some((which, host)) = meant(&request.connector_id, "started")? else {
            return Ok(None);
        };
        if request.start.is_some() {
            let action = "started elsewhere than where it stood";
            return Err(refused(&ConnectorRefusal::ConnectorBuiltIn { action }));
        }
        let command = BuiltInCommand::StartBuiltIn(StartBuiltIn {
            host: host.as_ref().map(ToString::to_string),
        });
        let caller = built_in_caller(known, request.context.as_ref(), traceparent)?;
        let named = (which, &*request.connector_id);
        let done = self.command_built_in(named, &command, caller, request.validate_only);
        done.await.map(Some)
    }

    async fn command_built_in(
        &self,
        (which, named): (BuiltIn, &str),
        command: &BuiltInCommand,
        caller: Caller,
        validate_only: bool,
    ) -> Result<v1::CommandResponse, Problem> {
        let (parts, now) = (self.parts(), (self.0.clock)());
        let answer = v1::CommandResponse {
            connector_id: named.to_owned(),
            validated_only: validate_only,
            ..v1::CommandResponse::default()
        };
        if validate_only {
            let events = parts.registry.validate_built_in(which, command, now).await;
            let events = events.map_err(|error| problem(&error))?;
            return Ok(v1::CommandResponse {
                event_types: events.iter().map(|it| it.name().to_owned()).collect(),
                ..answer
            });
        }
        self.look_for_older().await?;
        let registry = &parts.registry;
        let executed = registry
            .execute_built_in(which, command, &caller, now)
            .await;
        let executed = executed.map_err(|error| self.told(&error))?;
        parts.catalogue.built_in().learn(which, &executed);
        tracing::warn!(
            command = command.name(), connector = named, command_id = %caller.command_id,
            actor = %caller.actor, repeated = executed.repeated, "carried out"
        );
        Ok(v1::CommandResponse {
            revision: executed.revision.unwrap_or_default(),
            repeated: executed.repeated,
            event_types: executed
                .events
                .iter()
                .map(|it| it.name().to_owned())
                .collect(),
            ..answer
        })
    }

    /// Whether an older server is there is looked at once more before something is written that it
    /// could not read.
    async fn look_for_older(&self) -> Result<(), Problem> {
        match &self.parts().servers {
            Some(servers) => servers.look().await.map_err(|error| Problem::from(&error)),
            None => Ok(()),
        }
    }

    /// Why a command was not carried out; if that is an older server, which.
    fn told(&self, error: &ExecuteError) -> Problem {
        let problem = problem(error);
        let ExecuteError::Journal(JournalError::NotYetReadable { .. }) = error else {
            return problem;
        };
        let servers = self.parts().servers.as_ref();
        let older = servers.map(Servers::older).unwrap_or_default();
        let each = older
            .iter()
            .map(|it| format!("{} ({})", it.host, it.version));
        problem.with("servers", each.collect::<Vec<_>>().join(", "))
    }

    /// One of the engine's own, as it is shown.
    pub(super) async fn own(&self, own: Own) -> v1::Connector {
        let which = match own {
            Own::AuditTree => return self.audit_tree(),
            Own::Stoppable(which) => which,
        };
        let own = self.running(which).await;
        let Some(stop) = self.0.stop_of(which) else {
            return own;
        };
        v1::Connector {
            state: v1::ConnectorState::Stopped.into(),
            since: Some(timestamp(stop.since)),
            stopped_until: Some(timestamp(stop.until)),
            cause: format!(
                "stopped by command until {}",
                stop.until.to_rfc3339_opts(SecondsFormat::Secs, true)
            ),
            ..own
        }
    }

    /// The same, as if nobody had stopped it.
    async fn running(&self, which: BuiltIn) -> v1::Connector {
        match which {
            BuiltIn::Provisioner => self.provisioner(self.started()).await,
            BuiltIn::ReadModels => v1::Connector {
                name: "what can be looked up".to_owned(),
                progress: Some(self.read_models()),
                ..self.of_this_server(which.as_str())
            },
        }
    }

    /// What all of them have: they run from the server's start on.
    fn started(&self) -> v1::Connector {
        v1::Connector {
            state: v1::ConnectorState::Running.into(),
            since: Some(timestamp(self.0.server.started_at)),
            built_in: true,
            ..v1::Connector::default()
        }
    }

    /// One that each server has for itself.
    fn of_this_server(&self, name: &str) -> v1::Connector {
        let host = self.0.server.host.to_string();
        v1::Connector {
            connector_id: format!("{name}@{host}"),
            host,
            ..self.started()
        }
    }

    /// The tree over the log's events. While it is built from its beginning it signs nothing.
    fn audit_tree(&self) -> v1::Connector {
        let tree = self.0.evidence.tree();
        let is_whole = *tree.caught_up().borrow();
        let progress = v1::ConnectorProgress {
            position: tree.position().borrow().to_string(),
            behind: is_whole.then_some(0),
            ..v1::ConnectorProgress::default()
        };
        let own = v1::Connector {
            name: "what proves the log".to_owned(),
            progress: Some(progress),
            ..self.of_this_server(AUDIT_TREE)
        };
        if is_whole {
            return own;
        }
        v1::Connector {
            state: v1::ConnectorState::Activating.into(),
            cause: "the tree is being read from the log, and proves and signs nothing until it is whole"
                .to_owned(),
            ..own
        }
    }

    /// It works at the server that holds the lease, as all that acts outward does.
    async fn provisioner(&self, own: v1::Connector) -> v1::Connector {
        let own = v1::Connector {
            connector_id: BuiltIn::Provisioner.to_string(),
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

    fn read_models(&self) -> v1::ConnectorProgress {
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

/// The engine's own that are stopped at this server now.
pub(in crate::api) fn stopped(services: &Services) -> Vec<v1::StoppedConnector> {
    let each = BuiltIn::ALL.into_iter().filter_map(|which| {
        let stop = services.stop_of(which)?;
        Some(v1::StoppedConnector {
            connector_id: match which {
                BuiltIn::Provisioner => which.to_string(),
                BuiltIn::ReadModels => format!("{which}@{}", services.server.host),
            },
            since: Some(timestamp(stop.since)),
            until: Some(timestamp(stop.until)),
        })
    });
    each.collect()
}

fn built_in_caller(
    known: &Known,
    context: Option<&v1::CommandContext>,
    traceparent: Option<String>,
) -> Result<Caller, Problem> {
    let mut fields = Fields::default();
    let sent = caller(&mut fields, context, traceparent);
    let mut caller = fields.finish(sent)?;
    caller.actor = known.actor(caller.actor);
    Ok(caller)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_own_are_known_by_their_names_and_what_a_server_has_by_a_host_too() {
        let (provisioner, read_models) = (
            Own::Stoppable(BuiltIn::Provisioner),
            Own::Stoppable(BuiltIn::ReadModels),
        );
        assert_eq!(named("provisioner"), Some((provisioner, None)));
        assert_eq!(named("read-models"), Some((read_models, None)));
        let host = Some("db1 127.0.0.1:2114");
        let at = named("read-models@db1 127.0.0.1:2114");
        assert_eq!(at, Some((read_models, host)));
        let at = named("audit-tree@db1 127.0.0.1:2114");
        assert_eq!(at, Some((Own::AuditTree, host)));
        for other in [
            "provisioner@db1",
            "to-auditors",
            "read-model",
            "outward",
            // It may be somebody's connector.
            "audit-tree",
            "",
        ] {
            assert_eq!(named(other), None, "{other}");
        }
    }

    #[test]
    fn the_audits_tree_is_never_stopped_nor_started() {
        for action in ["stopped", "started"] {
            let refused = meant("audit-tree@db1 127.0.0.1:2114", action).unwrap_err();
            let status = refused.status("of the test");
            let is_told = status.message().contains(&format!("cannot be {action}"));
            assert!(is_told, "{status}");
        }
    }
}
