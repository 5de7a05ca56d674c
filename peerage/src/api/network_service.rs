//! `NetworkService`: commands go to the log, reads to the read models.

use super::{
    Rooms, answer,
    parse::{self, Addressed, Fields},
    show,
    v1::{self, network_service_server::NetworkService},
};
use domain::{CommandId, NetworkId, PeeringId, network::NetworkCommand};
use futures::future::try_join_all;
use journal::Position;
use moka::sync::Cache;
use projections::{LifeName, PageRequest, PeeringFilter, PeeringView, Projections, QueryError, TimelineQuery};
use std::{pin::Pin, sync::Arc};
use tokio::sync::watch;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Code, Request, Response, Status};

/// How many commands are remembered for telling a `command_id` that is used for two networks; older ones are in the read models.
const REMEMBERED: u64 = 100_000;

/// The service.
#[derive(Clone, Debug)]
pub struct Networks {
    rooms: Rooms,
    recent: Cache<CommandId, NetworkId>,
    /// The furthest position that a caller was told of.
    acknowledged: Arc<watch::Sender<Position>>,
}

impl Networks {
    pub fn new(rooms: Rooms) -> Self {
        Self { rooms, recent: Cache::new(REMEMBERED), acknowledged: Arc::new(watch::Sender::new(Position::START)) }
    }

    async fn execute<C>(
        &self,
        addressed: Addressed<C>,
        wrap: impl FnOnce(C) -> NetworkCommand,
        peering: Option<PeeringId>,
    ) -> Result<Response<v1::CommandResponse>, Status> {
        let Addressed { caller, network_id, command } = addressed;
        let command = wrap(command);
        self.one_network_per_command(caller.command_id, network_id).await?;
        let now = (self.rooms.clock)();
        let outcome = self.rooms.journal.networks().execute(network_id, &command, &caller, now).await;
        let executed = outcome.map_err(|error| {
            tracing::debug!(command = command.name(), %network_id, command_id = %caller.command_id, error = %answer::full_text(&error), "not carried out");
            answer::failed(&error)
        })?;
        tracing::info!(
            command = command.name(), %network_id, command_id = %caller.command_id, actor = %caller.actor,
            repeated = executed.repeated, "carried out"
        );
        if let Some(position) = executed.position {
            self.acknowledged.send_modify(|furthest| *furthest = position.max(*furthest));
        }
        Ok(Response::new(show::command_response(&executed, peering)))
    }

    /// Whoever was told that something is there may ask for it at once: before it is called unknown, the read models catch up with
    /// what was acknowledged here.
    async fn catch_up(&self) {
        let position = *self.acknowledged.borrow();
        self.rooms.projections.wait_for(position, self.rooms.read_patience).await;
    }

    async fn peering(&self, id: PeeringId) -> Result<v1::Peering, Status> {
        match peering(&self.rooms.projections, id).await {
            Err(status) if status.code() == Code::NotFound => {
                self.catch_up().await;
                peering(&self.rooms.projections, id).await
            }
            found => found,
        }
    }

    /// A command id stands for one command. Within a network the log itself tells; this tells across networks.
    async fn one_network_per_command(&self, command_id: CommandId, network_id: NetworkId) -> Result<(), Status> {
        let used = match self.recent.get(&command_id) {
            Some(used) => Some(used),
            None => {
                let uses = read(self.rooms.projections.find_command(command_id).await)?;
                uses.into_iter().map(|it| it.network_id).find(|used| *used != network_id)
            }
        };
        match used {
            Some(used) if used != network_id => {
                let facts = [("command_id", command_id.to_string()), ("network_id", used.to_string())];
                let text = format!("command {command_id} was for network {used}; give each command a UUID of its own");
                Err(answer::status(Code::AlreadyExists, "COMMAND_ID_REUSED", text, &facts))
            }
            _ => {
                self.recent.insert(command_id, network_id);
                Ok(())
            }
        }
    }
}

/// Waits until the read models show at least this position.
pub(super) async fn reached(rooms: &Rooms, min_position: Option<Position>) -> Result<(), Status> {
    let Some(position) = min_position else { return Ok(()) };
    if rooms.projections.wait_for(position, rooms.read_patience).await {
        return Ok(());
    }
    let text = format!("the read models have not reached {position} yet; try again");
    Err(answer::status(Code::Unavailable, "READ_MODEL_BEHIND", text, &[("min_position", position.to_string())]))
}

/// A read model's answer, or the status of its failure.
pub(super) fn read<T>(result: Result<T, QueryError>) -> Result<T, Status> {
    result.map_err(|error| {
        if let QueryError::PageToken = error {
            return parse::wrong_token();
        }
        tracing::error!(error = %answer::full_text(&error), "read model failed");
        answer::status(Code::Internal, "READ_MODEL_FAILED", answer::full_text(&error), &[])
    })
}

fn traceparent<T>(request: &Request<T>) -> Option<String> {
    request.metadata().get("traceparent").and_then(|it| it.to_str().ok()).filter(|it| it.len() <= 128).map(str::to_owned)
}

fn unknown(what: &str, id: impl std::fmt::Display) -> Status {
    let (reason, command) = match what {
        "network" => ("NETWORK_UNKNOWN", "network"),
        _ => ("PEERING_UNKNOWN", "peering"),
    };
    let text = format!("no such {what}; `peerage {command} list` shows those on record");
    answer::status(Code::NotFound, reason, text, &[("id", id.to_string())])
}

async fn peering(projections: &Projections, id: PeeringId) -> Result<v1::Peering, Status> {
    let Some(view) = read(projections.peering(id).await)? else { return Err(unknown("peering", id)) };
    read(show::peering(projections, &view).await)
}

async fn peerings(projections: &Projections, views: &[PeeringView]) -> Result<Vec<v1::Peering>, Status> {
    read(try_join_all(views.iter().map(|view| show::peering(projections, view))).await)
}

#[tonic::async_trait]
impl NetworkService for Networks {
    async fn register_network(&self, request: Request<v1::RegisterNetworkRequest>) -> Result<Response<v1::CommandResponse>, Status> {
        let addressed = parse::register_network(request.get_ref(), traceparent(&request))?;
        self.execute(addressed, NetworkCommand::RegisterNetwork, None).await
    }

    async fn request_peering(&self, request: Request<v1::RequestPeeringRequest>) -> Result<Response<v1::CommandResponse>, Status> {
        let addressed = parse::request_peering(request.get_ref(), traceparent(&request))?;
        let requested = domain::Ids::of(addressed.caller.command_id).peering(addressed.network_id);
        self.execute(addressed, NetworkCommand::RequestPeering, Some(requested)).await
    }

    async fn accept_route(&self, request: Request<v1::AcceptRouteRequest>) -> Result<Response<v1::CommandResponse>, Status> {
        let addressed = parse::accept_route(request.get_ref(), traceparent(&request))?;
        let peering_id = addressed.command.peering_id;
        self.execute(addressed, NetworkCommand::AcceptRoute, Some(peering_id)).await
    }

    async fn restrict_firewall(&self, request: Request<v1::RestrictFirewallRequest>) -> Result<Response<v1::CommandResponse>, Status> {
        let addressed = parse::restrict_firewall(request.get_ref(), traceparent(&request))?;
        let peering_id = addressed.command.peering_id;
        self.execute(addressed, NetworkCommand::RestrictFirewall, Some(peering_id)).await
    }

    async fn get_network(&self, request: Request<v1::GetNetworkRequest>) -> Result<Response<v1::Network>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let id = parse::id::<NetworkId>(&mut fields, "network_id", &request.network_id);
        let min_position = fields.optional("min_position", &request.min_position);
        let id = fields.finish(id)?;
        reached(&self.rooms, min_position).await?;
        let network = match read(self.rooms.projections.network(id).await)? {
            Some(network) => network,
            None => {
                self.catch_up().await;
                read(self.rooms.projections.network(id).await)?.ok_or_else(|| unknown("network", id))?
            }
        };
        Ok(Response::new(show::network(&network)))
    }

    async fn list_networks(&self, request: Request<v1::ListNetworksRequest>) -> Result<Response<v1::ListNetworksResponse>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let reading = parse::reading(&mut fields, request.page_size, request.page_token, &request.min_position);
        let reading = fields.finish(reading)?;
        reached(&self.rooms, reading.min_position).await?;
        let page = read(self.rooms.projections.list_networks(&reading.page).await)?;
        let networks = page.items.iter().map(show::network).collect();
        Ok(Response::new(v1::ListNetworksResponse { networks, next_page_token: page.next_token.unwrap_or_default() }))
    }

    async fn get_peering(&self, request: Request<v1::GetPeeringRequest>) -> Result<Response<v1::Peering>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let id = parse::id::<PeeringId>(&mut fields, "peering_id", &request.peering_id);
        let min_position = fields.optional("min_position", &request.min_position);
        let id = fields.finish(id)?;
        reached(&self.rooms, min_position).await?;
        self.peering(id).await.map(Response::new)
    }

    async fn list_peerings(&self, request: Request<v1::ListPeeringsRequest>) -> Result<Response<v1::ListPeeringsResponse>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let network = parse::optional_id::<NetworkId>(&mut fields, "network_id", &request.network_id);
        let life = fields.optional::<LifeName>("life", &request.life);
        let reading = parse::reading(&mut fields, request.page_size, request.page_token, &request.min_position);
        let reading = fields.finish(reading)?;
        reached(&self.rooms, reading.min_position).await?;
        let filter = PeeringFilter { network, lives: life.into_iter().collect() };
        let page = read(self.rooms.projections.list_peerings(&filter, &reading.page).await)?;
        let peerings = peerings(&self.rooms.projections, &page.items).await?;
        Ok(Response::new(v1::ListPeeringsResponse { peerings, next_page_token: page.next_token.unwrap_or_default() }))
    }

    type WatchPeeringStream = Pin<Box<dyn Stream<Item = Result<v1::WatchPeeringResponse, Status>> + Send>>;

    async fn watch_peering(&self, request: Request<v1::WatchPeeringRequest>) -> Result<Response<Self::WatchPeeringStream>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let id = parse::id::<PeeringId>(&mut fields, "peering_id", &request.peering_id);
        let after = fields.optional::<Position>("after", &request.after);
        let id = fields.finish(id)?;
        self.peering(id).await?;
        let (sender, receiver) = tokio::sync::mpsc::channel(64);
        tokio::spawn(follow(self.rooms.clone(), id, after, sender));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

type Watched = tokio::sync::mpsc::Sender<Result<v1::WatchPeeringResponse, Status>>;

/// How many events one look at the timeline takes.
const WATCH_PAGE: usize = 200;

/// Sends the peering's events as the read models reach them, until the caller leaves or the process drains.
async fn follow(rooms: Rooms, id: PeeringId, after: Option<Position>, sender: Watched) {
    let mut position = rooms.projections.position();
    let mut shown = Shown { after, state: None };
    loop {
        position.borrow_and_update();
        let looked = look(&rooms, id, &mut shown).await;
        let failed = looked.is_err();
        for response in looked.map_or_else(|status| vec![Err(status)], |found| found.into_iter().map(Ok).collect()) {
            if sender.send(response).await.is_err() {
                return;
            }
        }
        if failed {
            return;
        }
        tokio::select! {
            changed = position.changed() => if changed.is_err() { return },
            () = sender.closed() => return,
            () = rooms.draining.cancelled() => {
                let text = "the server is stopping; watch again with `after`";
                let _ = sender.send(Err(answer::status(Code::Unavailable, "STOPPING", text, &[]))).await;
                return;
            }
        }
    }
}

/// What a watcher has seen.
struct Shown {
    after: Option<Position>,
    state: Option<v1::Peering>,
}

/// The events since, and the state if it is another. The state is read first, so it never tells of an event that is not there yet.
async fn look(rooms: &Rooms, id: PeeringId, shown: &mut Shown) -> Result<Vec<v1::WatchPeeringResponse>, Status> {
    let state = peering(&rooms.projections, id).await?;
    let mut responses = Vec::new();
    loop {
        let query = TimelineQuery { peering: Some(id), after: shown.after, ..Default::default() };
        let page = read(rooms.projections.timeline(&query, &PageRequest { size: WATCH_PAGE, token: None }).await)?;
        shown.after = page.items.last().map(|it| it.position).or(shown.after);
        responses.extend(page.items.iter().map(|it| v1::WatchPeeringResponse { event: Some(show::event(it)), peering: None }));
        if page.items.len() < WATCH_PAGE {
            break;
        }
    }
    if shown.state.as_ref() != Some(&state) {
        match responses.last_mut() {
            Some(last) => last.peering = Some(state.clone()),
            None => responses.push(v1::WatchPeeringResponse { event: None, peering: Some(state.clone()) }),
        }
        shown.state = Some(state);
    }
    Ok(responses)
}
