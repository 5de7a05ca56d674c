//! `NetworkService`: commands go to the log, reads to the read models.

use super::{
    Rooms, answer,
    parse::{self, Addressed, Fields},
    show,
    v1::{self, network_service_server::NetworkService},
};
use domain::{CommandId, NetworkId, PeeringId, network::NetworkCommand};
use journal::Position;
use moka::sync::Cache;
use projections::{PageToken, PeeringFilter, Projections};
use std::{pin::Pin, time::Duration};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Code, Request, Response, Status};

/// How many commands are remembered for telling a `command_id` that is used for two networks; older ones are in the read models.
const REMEMBERED: u64 = 100_000;

/// The service.
#[derive(Clone, Debug)]
pub struct Networks {
    rooms: Rooms,
    recent: Cache<CommandId, NetworkId>,
}

impl Networks {
    pub fn new(rooms: Rooms) -> Self {
        Self { rooms, recent: Cache::new(REMEMBERED) }
    }

    async fn execute<C>(
        &self,
        addressed: Addressed<C>,
        wrap: impl FnOnce(C) -> NetworkCommand,
        peering: impl FnOnce(&NetworkCommand, &journal::Caller) -> Option<PeeringId>,
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
        Ok(Response::new(show::command_response(&executed, peering(&command, &caller))))
    }

    /// A command id stands for one command. Within a network the log itself tells; this tells across networks.
    async fn one_network_per_command(&self, command_id: CommandId, network_id: NetworkId) -> Result<(), Status> {
        let used = match self.recent.get(&command_id) {
            Some(used) => Some(used),
            None => read(self.rooms.projections.find_command(command_id).await)?.into_iter().find(|used| *used != network_id),
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
pub(super) fn read<T>(result: Result<T, projections::ReadError>) -> Result<T, Status> {
    result.map_err(|error| {
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
    let Some(peering) = read(projections.peering(id).await)? else { return Err(unknown("peering", id)) };
    Ok(show::peering(&peering))
}

#[tonic::async_trait]
impl NetworkService for Networks {
    async fn register_network(&self, request: Request<v1::RegisterNetworkRequest>) -> Result<Response<v1::CommandResponse>, Status> {
        let addressed = parse::register_network(request.get_ref(), traceparent(&request))?;
        self.execute(addressed, NetworkCommand::RegisterNetwork, |_, _| None).await
    }

    async fn request_peering(&self, request: Request<v1::RequestPeeringRequest>) -> Result<Response<v1::CommandResponse>, Status> {
        let addressed = parse::request_peering(request.get_ref(), traceparent(&request))?;
        let requested = |_: &NetworkCommand, caller: &journal::Caller| Some(domain::Ids::of(caller.command_id).peering());
        self.execute(addressed, NetworkCommand::RequestPeering, requested).await
    }

    async fn accept_route(&self, request: Request<v1::AcceptRouteRequest>) -> Result<Response<v1::CommandResponse>, Status> {
        let addressed = parse::accept_route(request.get_ref(), traceparent(&request))?;
        let peering_id = addressed.command.peering_id;
        self.execute(addressed, NetworkCommand::AcceptRoute, |_, _| Some(peering_id)).await
    }

    async fn restrict_firewall(&self, request: Request<v1::RestrictFirewallRequest>) -> Result<Response<v1::CommandResponse>, Status> {
        let addressed = parse::restrict_firewall(request.get_ref(), traceparent(&request))?;
        let peering_id = addressed.command.peering_id;
        self.execute(addressed, NetworkCommand::RestrictFirewall, |_, _| Some(peering_id)).await
    }

    async fn get_network(&self, request: Request<v1::GetNetworkRequest>) -> Result<Response<v1::Network>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let id = parse::id::<NetworkId>(&mut fields, "network_id", &request.network_id);
        let page = parse::page(&mut fields, 0, &request.min_position);
        let (id, page) = fields.finish(id.zip(page))?;
        reached(&self.rooms, page.min_position).await?;
        let network = read(self.rooms.projections.network(id).await)?.ok_or_else(|| unknown("network", id))?;
        Ok(Response::new(show::network(&network)))
    }

    async fn list_networks(&self, request: Request<v1::ListNetworksRequest>) -> Result<Response<v1::ListNetworksResponse>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let token = fields.optional::<PageToken>("page_token", &request.page_token);
        let page = parse::page(&mut fields, request.page_size, &request.min_position);
        let page = fields.finish(page)?;
        reached(&self.rooms, page.min_position).await?;
        let networks = read(self.rooms.projections.list_networks(token, page.size).await)?;
        Ok(Response::new(v1::ListNetworksResponse {
            networks: networks.items.iter().map(show::network).collect(),
            next_page_token: show::token(networks.next),
        }))
    }

    async fn get_peering(&self, request: Request<v1::GetPeeringRequest>) -> Result<Response<v1::Peering>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let id = parse::id::<PeeringId>(&mut fields, "peering_id", &request.peering_id);
        let page = parse::page(&mut fields, 0, &request.min_position);
        let (id, page) = fields.finish(id.zip(page))?;
        reached(&self.rooms, page.min_position).await?;
        peering(&self.rooms.projections, id).await.map(Response::new)
    }

    async fn list_peerings(&self, request: Request<v1::ListPeeringsRequest>) -> Result<Response<v1::ListPeeringsResponse>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let network_id = parse::optional_id::<NetworkId>(&mut fields, "network_id", &request.network_id);
        let token = fields.optional::<PageToken>("page_token", &request.page_token);
        let page = parse::page(&mut fields, request.page_size, &request.min_position);
        let page = fields.finish(page)?;
        reached(&self.rooms, page.min_position).await?;
        let life = Some(request.life).filter(|it| !it.is_empty());
        let peerings = read(self.rooms.projections.list_peerings(PeeringFilter { network_id, life }, token, page.size).await)?;
        Ok(Response::new(v1::ListPeeringsResponse {
            peerings: peerings.items.iter().map(show::peering).collect(),
            next_page_token: show::token(peerings.next),
        }))
    }

    type WatchPeeringStream = Pin<Box<dyn Stream<Item = Result<v1::WatchPeeringResponse, Status>> + Send>>;

    async fn watch_peering(&self, request: Request<v1::WatchPeeringRequest>) -> Result<Response<Self::WatchPeeringStream>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let id = parse::id::<PeeringId>(&mut fields, "peering_id", &request.peering_id);
        let after = fields.optional::<Position>("after", &request.after);
        let id = fields.finish(id)?;
        peering(&self.rooms.projections, id).await?;
        let (sender, receiver) = tokio::sync::mpsc::channel(64);
        tokio::spawn(watch(self.rooms.clone(), id, after, sender));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

type Watched = tokio::sync::mpsc::Sender<Result<v1::WatchPeeringResponse, Status>>;

/// How many events one look at the timeline takes.
const WATCH_PAGE: usize = 200;

/// Sends the peering's events as the read models reach them, until the caller leaves or the process drains.
async fn watch(rooms: Rooms, id: PeeringId, mut after: Option<Position>, sender: Watched) {
    let mut position = rooms.projections.position();
    let mut first = true;
    loop {
        position.borrow_and_update();
        match look(&rooms, id, after, first).await {
            Ok(responses) => {
                first = false;
                for (at, response) in responses {
                    after = at.or(after);
                    if sender.send(Ok(response)).await.is_err() {
                        return;
                    }
                }
            }
            Err(status) => {
                let _ = sender.send(Err(status)).await;
                return;
            }
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
        // What comes in a burst is looked at once.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

type Look = Vec<(Option<Position>, v1::WatchPeeringResponse)>;

async fn look(rooms: &Rooms, id: PeeringId, mut after: Option<Position>, first: bool) -> Result<Look, Status> {
    let mut responses = Vec::new();
    loop {
        let query = projections::TimelineQuery { peering_id: Some(id), after, ..Default::default() };
        let page = read(rooms.projections.timeline(query, WATCH_PAGE).await)?;
        let full = page.items.len() == WATCH_PAGE;
        after = page.items.last().map(|it| it.position).or(after);
        responses.extend(page.items.iter().map(|it| (Some(it.position), v1::WatchPeeringResponse { event: Some(show::event(it)), peering: None })));
        if !full {
            break;
        }
    }
    let state = peering(&rooms.projections, id).await?;
    match responses.last_mut() {
        Some((_, last)) => last.peering = Some(state),
        None if first => responses.push((None, v1::WatchPeeringResponse { event: None, peering: Some(state) })),
        None => {}
    }
    Ok(responses)
}
