//! `peerage peering watch`: peerings live, and whatever else waits for one.

use crate::{
    api::v1::{
        self, PeeringState, WatchEvents, watch_peerings_request::Scope,
        watch_peerings_response::Update,
    },
    cli::{
        CliError, Output, Remote,
        bookmark::After,
        engine::Servers,
        output,
        resolve::{self, Named},
        states::has_ended,
        terminal,
    },
};
use clap::{ArgGroup, Args};
use std::{convert::Infallible, ops::ControlFlow};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("scope").required(true))]
pub(in crate::cli) struct Watch {
    #[command(flatten)]
    remote: Remote,
    /// One peering, until it is in place or has ended: its id, the id's first characters, its
    /// link's id, the peer's network, or ACCOUNT/NETWORK.
    #[arg(value_name = "PEERING", group = "scope")]
    peering: Option<Named>,
    /// The peerings of this network, until you stop: its id, the id's first characters, its name,
    /// or PROJECT/NAME, like orders.
    #[arg(long, value_name = "NETWORK", group = "scope")]
    network: Option<Named>,
    /// All peerings, until you stop.
    #[arg(long, group = "scope")]
    all: bool,
    /// Of one peering: go on when everything is in place, until it has ended.
    #[arg(long, requires = "peering")]
    follow: bool,
    /// Continue after this bookmark, as `--output json` has it: the whole object, which is refused
    /// in another log, or its position alone, like 4711/4711.
    #[arg(long, value_name = "BOOKMARK")]
    after: Option<After>,
    /// Show changes of state alone, no events.
    #[arg(long)]
    no_events: bool,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// Everything requested is in place; of a peering that is being removed, that it is gone.
    InPlace,
    /// It is gone.
    Gone,
    /// Its end, whatever happens before.
    Over,
}

impl Watch {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let after = After::bookmark(self.after.as_ref());
        let several = self.peering.is_none();
        let (output, no_events) = (self.remote.output, self.no_events);
        let each = |update: &v1::WatchPeeringsResponse| match (output, &update.update) {
            (_, Some(Update::Event(_))) if no_events => Ok(()),
            (Output::Json, _) => output::json_line(update),
            (Output::Table, _) => show(update, several),
        };
        if let Some(named) = &self.peering {
            let peering_id = resolve::peering(&mut servers, named).await?;
            let goal = if self.follow {
                Goal::Over
            } else {
                Goal::InPlace
            };
            return until(&mut servers, peering_id, after, goal, each)
                .await
                .map(drop);
        }
        let scope = match &self.network {
            Some(named) => Some(Scope::NetworkId(
                resolve::network(&mut servers, named).await?,
            )),
            None => None,
        };
        let events = if no_events {
            WatchEvents::None
        } else {
            WatchEvents::New
        };
        let message = v1::WatchPeeringsRequest {
            scope,
            after: after.position,
            known_event: after.known_event,
            events: events.into(),
            ..Default::default()
        };
        let each = |update| each(&update).map(|()| ControlFlow::<Infallible>::Continue(()));
        match servers.watch(message, each).await? {}
    }
}

/// Follows a peering until the goal is reached, and returns what it is then; a peering that ends
/// otherwise is a failure.
pub(super) async fn until(
    servers: &mut Servers,
    peering_id: String,
    after: v1::Bookmark,
    mut goal: Goal,
    show: impl Fn(&v1::WatchPeeringsResponse) -> Result<(), CliError>,
) -> Result<v1::Peering, CliError> {
    let message = v1::WatchPeeringsRequest {
        scope: Some(Scope::PeeringId(peering_id)),
        after: after.position,
        known_event: after.known_event,
        events: WatchEvents::All.into(),
        ..Default::default()
    };
    let each = |update: v1::WatchPeeringsResponse| {
        show(&update)?;
        let Some(Update::Peering(peering)) = update.update else {
            return Ok(ControlFlow::Continue(()));
        };
        let is_going = matches!(
            peering.state(),
            PeeringState::Removing | PeeringState::Abandoning
        );
        if is_going && goal == Goal::InPlace {
            goal = Goal::Gone;
        }
        if has_ended(peering.state()) {
            let is_gone = matches!(
                peering.state(),
                PeeringState::Removed | PeeringState::Abandoned
            );
            return if is_gone && goal == Goal::Gone {
                Ok(ControlFlow::Break(peering))
            } else {
                Err(CliError::failed(format!(
                    "the peering {}",
                    ending(&peering)
                )))
            };
        }
        Ok(match peering.converged && goal == Goal::InPlace {
            true => ControlFlow::Break(peering),
            false => ControlFlow::Continue(()),
        })
    };
    servers.watch(message, each).await
}

/// A line for what happened, or for what it came to.
pub(super) fn show(update: &v1::WatchPeeringsResponse, several: bool) -> Result<(), CliError> {
    match &update.update {
        Some(Update::Event(event)) => terminal::line(&output::event(event)),
        Some(Update::Peering(peering)) => terminal::line(&output::peering_update(peering, several)),
        Some(Update::Bookmark(_)) | None => Ok(()),
    }
}

/// How it ended, in words.
pub(in crate::cli) fn ending(peering: &v1::Peering) -> String {
    let state = output::word(peering.state());
    let how = match peering.state() {
        PeeringState::Expired | PeeringState::Failed => format!("has {state}"),
        PeeringState::Rejected | PeeringState::Removed | PeeringState::Abandoned => {
            format!("was {state}")
        }
        PeeringState::Unspecified
        | PeeringState::Requested
        | PeeringState::Initiating
        | PeeringState::AwaitingAcceptance
        | PeeringState::Provisioning
        | PeeringState::Active
        | PeeringState::Removing => format!("is {state}"),
        PeeringState::Abandoning => "is being abandoned".to_owned(),
    };
    match peering.failure.as_str() {
        "" => how,
        failure => format!("{how}: {}", output::cause(failure)),
    }
}
