//! Why something is as it is: a peering's history, or one event's part of it, as a tree with the
//! calls to the cloud. Read from the log itself. An event that is no network's is told with all
//! that its command put on record.

use super::{
    Services,
    access::Caller,
    evidence, guard, history, log_end,
    parse::{self, About, Events},
    problem::Problem,
    rows, show, v1,
};
use domain::{CommandId, EventId, NetworkId, PeeringId};
use journal::{Body, Position, Recorded};
use projections::{LeafPlace, Order, PageRequest, Part, TimelineEntry};
use std::ops::ControlFlow;

/// The most events of a peering that are told at once.
const EVENTS: usize = 10_000;

/// The most events of a command that is no network's.
const OF_COMMAND: usize = 100;

/// What is told of.
struct Subject {
    network: NetworkId,
    peering: Option<PeeringId>,
    /// Only what leads to the event of this number.
    only: Option<u64>,
}

/// Whose history tells it.
enum Found {
    OfNetwork(Subject),
    /// An event of connectors, of access or of approvals.
    Other(Box<TimelineEntry>),
}

pub(super) async fn explain(
    services: &Services,
    caller: &Caller,
    request: &v1::ExplainRequest,
) -> Result<v1::ExplainResponse, Problem> {
    let (about, min_position) = parse::explain(request)?;
    log_end::is_reached(services, min_position).await?;
    let subject = match subject(services, about).await {
        Ok(Found::OfNetwork(subject)) => subject,
        Ok(Found::Other(event)) => return other(services, caller, &event).await,
        // Whether it is on record is told to those who may look at everything.
        Err(problem) => {
            guard::everything(caller)?;
            return Err(problem);
        }
    };
    guard::network(services, caller, subject.network).await?;
    let events = events(services, &subject).await?;
    let mut commands = audit::explain(&events);
    if let Some(revision) = subject.only {
        commands = audit::around(commands, revision);
    }
    let network_name = guard::called(services, subject.network).await?;
    let cloud = guard::cloud(services, subject.network).await?;
    let answer = v1::ExplainResponse {
        network_id: subject.network.to_string(),
        network_name: network_name
            .map(|(project, name)| format!("{project}/{name}"))
            .unwrap_or_default(),
        peering_id: subject.peering.map(|it| it.to_string()).unwrap_or_default(),
        commands: commands
            .iter()
            .map(|it| show::explained(it, cloud.as_ref()))
            .collect(),
    };
    history::small_enough(&answer, "peering_id", "name one event")?;
    Ok(answer)
}

async fn subject(services: &Services, about: About) -> Result<Found, Problem> {
    match about {
        About::Peering(peering, network) => Ok(Found::OfNetwork(Subject {
            network: match network {
                Some(network) => network,
                None => rows::network_of(services, peering).await?,
            },
            peering: Some(peering),
            only: None,
        })),
        About::Event(position) => event_at(services, position).await,
        About::Id(id) => match rows::network_of(services, PeeringId(id)).await {
            Ok(network) => Ok(Found::OfNetwork(Subject {
                network,
                peering: Some(PeeringId(id)),
                only: None,
            })),
            Err(unknown) => event_of(services, EventId(id)).await?.ok_or(unknown),
        },
    }
}

/// The event with this id.
async fn event_of(services: &Services, id: EventId) -> Result<Option<Found>, Problem> {
    let mut found = evidence::found(services, id).await?;
    let of_network = |it: &LeafPlace| NetworkId::from_stream(&it.stream).is_some();
    found.sort_by_key(|it| !of_network(it));
    let Some(place) = found.into_iter().next() else {
        return Ok(None);
    };
    let Some(network) = NetworkId::from_stream(&place.stream) else {
        return event_at(services, place.position).await.map(Some);
    };
    let read = services
        .journal
        .read_some(&place.stream, place.revision, 1)
        .await;
    let read = read.map_err(|error| Problem::from(&error))?;
    let event = read.first().filter(|it| it.revision == place.revision);
    Ok(event.map(|it| {
        Found::OfNetwork(Subject {
            network,
            peering: self::about(it),
            only: Some(place.revision),
        })
    }))
}

/// The event at this place: the last one up to there, which is there itself.
async fn event_at(services: &Services, position: Position) -> Result<Found, Problem> {
    let place = audit::Until::Position(position);
    log_end::is_within(services, "event_", place, None).await?;
    services
        .projections
        .wait_for(position, services.read_patience)
        .await;
    let up_to_there = Events {
        to: Some(position),
        order: Order::NewestFirst,
        parts: Part::ALL.to_vec(),
        ..Events::default()
    };
    let one = PageRequest {
        size: 1,
        ..PageRequest::default()
    };
    let found = rows::events(services, &up_to_there, None, &one).await?;
    let found = found.items.into_iter().find(|it| it.position == position);
    let Some(event) = found else {
        let text = "is the place of no event that is audited";
        return Err(Problem::field("event_position", text));
    };
    Ok(match event.network_id {
        Some(network) => Found::OfNetwork(Subject {
            network,
            peering: event.peering_id,
            only: Some(event.revision),
        }),
        None => Found::Other(Box::new(event)),
    })
}

/// What the event's command put on record, in whichever part of the log.
async fn other(
    services: &Services,
    caller: &Caller,
    event: &TimelineEntry,
) -> Result<v1::ExplainResponse, Problem> {
    guard::everything(caller)?;
    let mut events = match event.command_id {
        Some(command) => of_command(services, command).await?,
        None => Vec::new(),
    };
    if !events.iter().any(|it| it.position == event.position) {
        events = vec![event.clone()];
    }
    let name = events.iter().find_map(|it| {
        let name = it.command.as_ref()?.get("command")?.as_str()?;
        Some(name.to_owned())
    });
    let decision = |it: &TimelineEntry| v1::ExplainedDecision {
        event: Some(show::event(it)),
        outcomes: Vec::new(),
    };
    let command = v1::ExplainedCommand {
        command_id: event
            .command_id
            .map(|it| it.to_string())
            .unwrap_or_default(),
        name: name.unwrap_or_default(),
        decisions: events.iter().map(decision).collect(),
    };
    let answer = v1::ExplainResponse {
        commands: vec![command],
        ..Default::default()
    };
    history::small_enough(&answer, "event_position", "read it as part of the log")?;
    Ok(answer)
}

async fn of_command(
    services: &Services,
    command: CommandId,
) -> Result<Vec<TimelineEntry>, Problem> {
    let all = Events {
        command: Some(command),
        parts: Part::ALL.to_vec(),
        ..Events::default()
    };
    let page = PageRequest {
        size: OF_COMMAND,
        ..PageRequest::default()
    };
    Ok(rows::events(services, &all, None, &page).await?.items)
}

/// All that is on record of the peering; of a network, what one command did.
async fn events(services: &Services, subject: &Subject) -> Result<Vec<Recorded>, Problem> {
    let mut events: Vec<Recorded> = Vec::new();
    let mut is_known = false;
    let mut too_many = false;
    let walked = audit::walk(&services.journal, subject.network, |event| {
        is_known = true;
        if about(event) != subject.peering {
            return ControlFlow::Continue(());
        }
        let is_it = subject.only.is_none_or(|it| it == event.revision);
        if subject.peering.is_none() && !is_it {
            return ControlFlow::Continue(());
        }
        too_many = events.len() == EVENTS;
        if too_many {
            return ControlFlow::Break(());
        }
        events.push(event.clone());
        ControlFlow::Continue(())
    });
    walked.await.map_err(|error| Problem::from(&error))?;
    if !is_known {
        return Err(Problem::unknown_network(subject.network));
    }
    if too_many {
        let text = format!("has more than {EVENTS} events: name the position of one");
        return Err(Problem::field("peering_id", text));
    }
    match (events.is_empty(), subject.peering) {
        (true, Some(peering)) => Err(Problem::unknown_peering(peering)),
        (true | false, None) | (false, Some(_)) => Ok(events),
    }
}

fn about(event: &Recorded) -> Option<PeeringId> {
    match &event.body {
        Body::Event(it) => it.peering_id(),
        Body::Undecodable { .. } => None,
    }
}
