//! `ConnectorService`: commands to connectors, what they have set aside, and how they do.

mod built_in;
mod deliveries;
mod event_types;
mod listing;
mod log_replay;
mod parse;
mod problems;
mod rotate;
mod settings;
mod show;
#[cfg(test)]
mod tests;
mod trial;
mod watch;

pub(in crate::api) use built_in::stopped;
pub(in crate::api) use deliveries::exposition;

use super::{
    Services,
    access::Caller as Known,
    guard,
    problem::{Problem, Reason},
    time::duration,
    v1::{self, connector_service_server::ConnectorService},
};
use connectors::{
    Catalogue, Connectors as Registry, Listed, Outcome, Runtime, Which, secrets::MasterKeys,
};
use domain::{
    EventId,
    access::{Peers, Reach, Target},
    connector::{
        Connector, ConnectorCommand, ConnectorRefusal, CreateConnector, Defined, MOST_CONNECTORS,
        ReconfigureConnector,
    },
    text::ConnectorId,
};
use parse::Asked;
use problems::{parked_problem, problem, refused};
use std::{fmt, sync::Arc};
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// The service's name, which its errors carry.
const NAME: &str = "peerage.v1.ConnectorService";

/// The most items of a page.
const PAGE: usize = 100;

/// What the service works with.
#[derive(Clone)]
pub struct Parts {
    pub registry: Registry,
    pub catalogue: Catalogue,
    pub runtime: Runtime,
    /// What seals and opens the secrets of settings, if there is anything.
    pub keys: Option<Arc<MasterKeys>>,
    /// Who asks for the provisioner's lease; nobody, where this server has its store for itself.
    pub election: Option<::connectors::Election>,
    /// Which servers share the store; nobody does where it is this server's own.
    pub servers: Option<::connectors::Servers>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// The service.
#[derive(Clone, Debug)]
pub struct Connectors(Services);

impl Connectors {
    pub fn new(services: Services) -> Self {
        Self(services)
    }

    fn parts(&self) -> &Parts {
        &self.0.connectors
    }

    /// Carries a command out, or says what it would come to.
    async fn execute(
        &self,
        caller: &Known,
        mut asked: Asked,
        command: ConnectorCommand,
    ) -> Result<v1::CommandResponse, Problem> {
        asked.caller.actor = caller.actor(asked.caller.actor);
        let (id, now) = (&asked.id, (self.0.clock)());
        let registry = &self.parts().registry;
        if asked.validate_only {
            let events = registry.validate(id, &command, now).await;
            let events = events.map_err(|error| problem(&error))?;
            return Ok(v1::CommandResponse {
                connector_id: id.to_string(),
                event_types: events.iter().map(|it| it.name().to_owned()).collect(),
                validated_only: true,
                ..v1::CommandResponse::default()
            });
        }
        let executed = registry.execute(id, &command, &asked.caller, now).await;
        let executed = executed.map_err(|error| problem(&error))?;
        self.parts().catalogue.learn(id, &executed);
        tracing::info!(
            command = command.name(), connector = %id, command_id = %asked.caller.command_id,
            actor = %asked.caller.actor, repeated = executed.repeated, "carried out"
        );
        let revision = match executed.revision {
            Some(revision) => revision,
            None => self.loaded(id).await?.1,
        };
        let events = executed.events.iter();
        Ok(v1::CommandResponse {
            connector_id: id.to_string(),
            revision,
            repeated: executed.repeated,
            event_types: events.map(|it| it.name().to_owned()).collect(),
            ..v1::CommandResponse::default()
        })
    }

    async fn create(
        &self,
        caller: &Known,
        request: v1::CreateConnectorRequest,
        traceparent: Option<String>,
    ) -> Result<v1::CommandResponse, Problem> {
        let (asked, name) = parse::create(&request, traceparent)?;
        if asked.id.is_reserved() {
            return Err(refused(&ConnectorRefusal::ConnectorIdReserved));
        }
        let keys = self.parts().keys.as_deref();
        let settings = settings::read(&asked.id, request.configuration, None, keys)?;
        let all = self.parts().catalogue.all(self.0.read_patience).await;
        let connectors = all.map_or(0, |it| it.len());
        if connectors >= MOST_CONNECTORS {
            let most = MOST_CONNECTORS;
            return Err(refused(&ConnectorRefusal::TooManyConnectors {
                connectors,
                most,
            }));
        }
        self.check(&asked.id, &settings).await?;
        let command = ConnectorCommand::CreateConnector(CreateConnector { name, settings });
        self.execute(caller, asked, command).await
    }

    async fn reconfigure(
        &self,
        caller: &Known,
        request: v1::ReconfigureConnectorRequest,
        traceparent: Option<String>,
    ) -> Result<v1::CommandResponse, Problem> {
        self.is_not_built_in(&request.connector_id, "reconfigured")?;
        let asked = parse::asked(
            request.context.as_ref(),
            &request.connector_id,
            request.validate_only,
            traceparent,
        )?;
        let (defined, _) = self.loaded(&asked.id).await?;
        let keys = self.parts().keys.as_deref();
        let present = Some(&defined.settings);
        let settings = settings::read(&asked.id, request.configuration, present, keys)?;
        self.check(&asked.id, &settings).await?;
        let command = ConnectorCommand::ReconfigureConnector(ReconfigureConnector { settings });
        self.execute(caller, asked, command).await
    }

    async fn start(
        &self,
        caller: &Known,
        message: v1::StartConnectorRequest,
        trace: Option<String>,
    ) -> Result<v1::CommandResponse, Problem> {
        let own = self.start_built_in(caller, &message, trace.clone());
        if let Some(answer) = own.await? {
            return Ok(answer);
        }
        let (context, id) = (message.context.as_ref(), &message.connector_id);
        let asked = parse::asked(context, id, message.validate_only, trace)?;
        let command = parse::start(message.start.as_ref())?;
        self.execute(caller, asked, command).await
    }

    async fn stop(
        &self,
        caller: &Known,
        message: v1::StopConnectorRequest,
        trace: Option<String>,
    ) -> Result<v1::CommandResponse, Problem> {
        let own = self.stop_built_in(caller, &message, trace.clone());
        if let Some(answer) = own.await? {
            return Ok(answer);
        }
        let (context, id) = (message.context.as_ref(), &message.connector_id);
        let asked = parse::asked(context, id, message.validate_only, trace)?;
        let command = ConnectorCommand::StopConnector {};
        self.execute(caller, asked, command).await
    }

    /// Whether a sink and a transform can be made of these settings.
    async fn check(
        &self,
        id: &ConnectorId,
        settings: &domain::connector::Settings,
    ) -> Result<(), Problem> {
        let wrong = settings.check();
        if !wrong.is_empty() {
            return Err(refused(&ConnectorRefusal::ConnectorSettingsWrong { wrong }));
        }
        let runtime = &self.parts().runtime;
        let checked = match runtime.check(id, settings) {
            Ok(()) => runtime.check_transform(settings).await,
            wrong @ Err(_) => wrong,
        };
        checked.map_err(|text| Problem::new(Reason::ConnectorUnusable, text))
    }

    /// A connector that is there, and the number of its stream's last event.
    async fn loaded(&self, id: &ConnectorId) -> Result<(Defined, u64), Problem> {
        let loaded = self.parts().registry.load(id).await;
        let loaded = loaded.map_err(|error| problem(&error))?;
        match loaded.connector {
            Connector::Defined(defined) => Ok((defined, loaded.revision.unwrap_or_default())),
            Connector::Absent | Connector::Deleted { .. } => {
                Err(refused(&ConnectorRefusal::ConnectorUnknown))
            }
        }
    }

    async fn parked(
        &self,
        caller: &Known,
        mut asked: Asked,
        which: Which,
        wanted: Wanted,
    ) -> Result<v1::CommandResponse, Problem> {
        asked.caller.actor = caller.actor(asked.caller.actor);
        let (_, revision) = self.loaded(&asked.id).await?;
        let (streams, id) = (self.parts().runtime.parked(), &asked.id);
        let mut answer = v1::CommandResponse {
            connector_id: id.to_string(),
            revision,
            validated_only: asked.validate_only,
            ..v1::CommandResponse::default()
        };
        let (event_type, many) = if asked.validate_only {
            let parked = streams.of(id).await;
            let parked = parked.map_err(|error| Problem::from(&error))?;
            let many = parked.meant(&which);
            (wanted.event_type(), many)
        } else {
            let now = (self.0.clock)();
            let by = &asked.caller;
            let many = match wanted {
                Wanted::Replayed => streams.replay(id, &which, by, now).await,
                Wanted::Discarded => streams.discard(id, &which, by, now).await,
            };
            (wanted.event_type(), many.map_err(|it| parked_problem(&it))?)
        };
        if many > 0 {
            answer.event_types.push(event_type.to_owned());
        }
        answer.records = u32::try_from(many).unwrap_or(u32::MAX);
        Ok(answer)
    }

    async fn retry(
        &self,
        request: &v1::RetryConnectorRequest,
    ) -> Result<v1::RetryConnectorResponse, Problem> {
        let id = parse::id(&request.connector_id)?;
        self.loaded(&id).await?;
        let runtime = &self.parts().runtime;
        let holder = runtime.holder().await;
        let holder = holder.map_err(|error| Problem::from(&error))?;
        Ok(v1::RetryConnectorResponse {
            runs_here: runtime.retry_now(&id),
            host: holder.map(|(host, _)| host).unwrap_or_default(),
        })
    }

    async fn test(
        &self,
        request: &v1::TestConnectorRequest,
    ) -> Result<v1::TestConnectorResponse, Problem> {
        let id = parse::id(&request.connector_id)?;
        let (defined, revision) = self.loaded(&id).await?;
        let now = (self.0.clock)();
        let name = format!("{id}/{revision}/{now:?}");
        let event_id = EventId(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()));
        let tested = self.parts().runtime.test(&id, &defined.settings, event_id);
        let attempt = tested
            .await
            .map_err(|text| Problem::new(Reason::ConnectorUnusable, text))?;
        let cause = match &attempt.outcome {
            Outcome::Delivered => String::new(),
            Outcome::RecordRefused(cause)
            | Outcome::EndpointFailed { cause, .. }
            | Outcome::Busy { cause, .. } => cause.clone(),
            Outcome::Gone => "the endpoint is gone for good".to_owned(),
        };
        Ok(v1::TestConnectorResponse {
            delivered: attempt.outcome == Outcome::Delivered,
            status: attempt.status.map(u32::from).unwrap_or_default(),
            cause,
            body: attempt.body,
            took: Some(duration(attempt.took)),
        })
    }

    async fn get(
        &self,
        request: &v1::GetConnectorRequest,
    ) -> Result<v1::GetConnectorResponse, Problem> {
        if let Some(own) = self.built_in(&request.connector_id)? {
            return Ok(v1::GetConnectorResponse {
                connector: Some(self.own(own).await),
            });
        }
        let id = parse::id(&request.connector_id)?;
        let (defined, revision) = self.loaded(&id).await?;
        let all = self.parts().catalogue.all(self.0.read_patience).await;
        let known = all.into_iter().flatten().find(|it| it.id == id);
        let listed = Listed {
            parked: known.map_or(0, |it| it.parked),
            id,
            defined,
            revision,
        };
        Ok(v1::GetConnectorResponse {
            connector: Some(self.shown(&listed)),
        })
    }

    fn shown(&self, listed: &Listed) -> v1::Connector {
        let live = self.parts().runtime.statuses().get(&listed.id);
        show::connector(listed, live.as_ref(), (self.0.clock)())
    }

    async fn list_parked(
        &self,
        request: &v1::ListParkedRecordsRequest,
    ) -> Result<v1::ListParkedRecordsResponse, Problem> {
        let id = parse::id(&request.connector_id)?;
        let (size, token) = parse::page(request.page_size, &request.page_token)?;
        self.loaded(&id).await?;
        let parked = self.parts().runtime.parked().of(&id).await;
        let parked = parked.map_err(|error| Problem::from(&error))?;
        let mut all: Vec<_> = parked.records.values().collect();
        all.sort_by_key(|it| it.record.position);
        let key = |it: &connectors::ParkedState| {
            let position = it.record.position;
            format!("{:020}/{:020}", position.commit, position.prepare)
        };
        let mut rest = all.into_iter().filter(|it| key(it) > token);
        let page: Vec<_> = rest.by_ref().take(size).collect();
        let next = rest.next().and(page.last()).map(|it| key(it));
        Ok(v1::ListParkedRecordsResponse {
            log_replays: show::log_replays(&parked),
            records: page.into_iter().map(show::parked).collect(),
            next_page_token: next.unwrap_or_default(),
        })
    }
}

/// What somebody wants done with parked records.
#[derive(Clone, Copy)]
enum Wanted {
    Replayed,
    Discarded,
}

impl Wanted {
    fn event_type(self) -> &'static str {
        match self {
            Self::Replayed => "ConnectorReplayRequested",
            Self::Discarded => "ConnectorRecordsDiscarded",
        }
    }
}

/// Connectors are of all networks: who may use them may use them everywhere.
fn judge(caller: &Known) -> Result<(), Problem> {
    let target = Target {
        reach: Reach::Everything,
        peers: Peers::None,
    };
    caller.judge(target, None)
}

fn traceparent<T>(request: &Request<T>) -> Option<String> {
    super::traced::traceparent(request)
}

/// The calls, each judged before anything of it is looked at.
macro_rules! calls {
    ($($call:ident($request:ident) -> $answer:ident: |$this:ident, $caller:ident, $message:ident, $trace:ident| $body:expr;)*) => {
        #[tonic::async_trait]
        impl ConnectorService for Connectors {
            $(async fn $call(
                &self,
                request: Request<v1::$request>,
            ) -> Result<Response<v1::$answer>, Status> {
                let ($this, $caller, $trace) = (self, guard::caller(&request), traceparent(&request));
                let $message = request.into_inner();
                let answer = async {
                    judge(&$caller)?;
                    let _ = (&$this, &$trace);
                    $body.await
                };
                answer.await.map(Response::new).map_err(|it: Problem| it.status(NAME))
            })*

            type WatchConnectorsStream = watch::Updates;

            async fn watch_connectors(
                &self,
                request: Request<v1::WatchConnectorsRequest>,
            ) -> Result<Response<Self::WatchConnectorsStream>, Status> {
                let caller = guard::caller(&request);
                let watched = async {
                    judge(&caller)?;
                    self.watched(caller, request.into_inner()).await
                };
                watched.await.map(Response::new).map_err(|it: Problem| it.status(NAME))
            }
        }
    };
}

/// A command whose request says no more than which connector, and what comes of that.
macro_rules! command {
    ($this:ident, $caller:ident, $message:ident, $trace:ident, $action:literal => $command:expr) => {
        async {
            $this.is_not_built_in(&$message.connector_id, $action)?;
            let asked = parse::asked(
                $message.context.as_ref(),
                &$message.connector_id,
                $message.validate_only,
                $trace.clone(),
            )?;
            let command: ConnectorCommand = $command;
            $this.execute(&$caller, asked, command).await
        }
    };
}

macro_rules! parked {
    ($this:ident, $caller:ident, $message:ident, $trace:ident, $wanted:expr) => {
        async {
            $this.is_not_built_in(&$message.connector_id, "parked")?;
            let asked = parse::asked(
                $message.context.as_ref(),
                &$message.connector_id,
                $message.validate_only,
                $trace.clone(),
            )?;
            let bounds = (&*$message.after, &*$message.until);
            let which = parse::which(&$message.event_ids, $message.all_records, bounds)?;
            $this.parked(&$caller, asked, which, $wanted).await
        }
    };
}

calls! {
    create_connector(CreateConnectorRequest) -> CommandResponse: |this, caller, message, trace| this.create(&caller, message, trace.clone());
    start_connector(StartConnectorRequest) -> CommandResponse: |this, caller, message, trace| this.start(&caller, message, trace.clone());
    stop_connector(StopConnectorRequest) -> CommandResponse: |this, caller, message, trace| this.stop(&caller, message, trace.clone());
    reset_connector(ResetConnectorRequest) -> CommandResponse: |this, caller, message, trace| command!(this, caller, message, trace, "reset" => parse::reset(message.start.as_ref())?);
    reconfigure_connector(ReconfigureConnectorRequest) -> CommandResponse: |this, caller, message, trace| this.reconfigure(&caller, message, trace.clone());
    rotate_signing_key(RotateSigningKeyRequest) -> CommandResponse: |this, caller, message, trace| this.rotate_key(&caller, message, trace.clone());
    reseal_secrets(ResealSecretsRequest) -> CommandResponse: |this, caller, message, trace| this.reseal(&caller, &message, trace.clone());
    rename_connector(RenameConnectorRequest) -> CommandResponse: |this, caller, message, trace| command!(this, caller, message, trace, "renamed" => parse::rename(&message.name)?);
    delete_connector(DeleteConnectorRequest) -> CommandResponse: |this, caller, message, trace| command!(this, caller, message, trace, "deleted" => ConnectorCommand::DeleteConnector {});
    replay_parked_records(ReplayParkedRecordsRequest) -> CommandResponse: |this, caller, message, trace| parked!(this, caller, message, trace, Wanted::Replayed);
    discard_parked_records(DiscardParkedRecordsRequest) -> CommandResponse: |this, caller, message, trace| parked!(this, caller, message, trace, Wanted::Discarded);
    replay_log(ReplayLogRequest) -> CommandResponse: |this, caller, message, trace| this.replay_log(&caller, &message, trace.clone());
    retry_connector(RetryConnectorRequest) -> RetryConnectorResponse: |this, caller, message, trace| this.retry(&message);
    test_connector(TestConnectorRequest) -> TestConnectorResponse: |this, caller, message, trace| this.test(&message);
    try_filter(TryFilterRequest) -> TryFilterResponse: |this, caller, message, trace| this.try_filter(message);
    get_connector(GetConnectorRequest) -> GetConnectorResponse: |this, caller, message, trace| this.get(&message);
    list_connectors(ListConnectorsRequest) -> ListConnectorsResponse: |this, caller, message, trace| this.list(&message);
    list_event_types(ListEventTypesRequest) -> ListEventTypesResponse: |this, caller, message, trace| std::future::ready(event_types::list(&message));
    list_deliveries(ListDeliveriesRequest) -> ListDeliveriesResponse: |this, caller, message, trace| this.deliveries(&message);
    get_metrics(GetMetricsRequest) -> GetMetricsResponse: |this, caller, message, trace| async {
        let v1::GetMetricsRequest {} = message;
        this.metrics().await
    };
    list_parked_records(ListParkedRecordsRequest) -> ListParkedRecordsResponse: |this, caller, message, trace| this.list_parked(&message);
}
