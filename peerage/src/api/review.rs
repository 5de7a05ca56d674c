//! What is open by somebody's decision, with whose word it goes back to and when a review last
//! confirmed it.

use super::{
    Services,
    access::Caller,
    guard,
    page::Filling,
    parse::{self, Events, Openings, Peerings},
    problem::Problem,
    reads, rows, show, v1,
};
use audit::{Decision, Review};
use chrono::{DateTime, Utc};
use domain::network::{Life, Peering};
use journal::Body;
use projections::{Order, Page, PageRequest, PeeringView, TimelineEntry};

/// How many events are read at once.
const PART: usize = 500;

/// How many pages of events of one peering are read: what is older is told without whose word it
/// was.
const PARTS: usize = 40;

pub(super) async fn list_openings(
    services: &Services,
    caller: &Caller,
    request: &v1::ListOpeningsRequest,
) -> Result<v1::ListOpeningsResponse, Problem> {
    let (wanted, reading) = parse::list_openings(request)?;
    reads::reached(services, reading.fresh).await?;
    if let Some(network) = wanted.found.network {
        known(services, caller, network).await?;
    }
    if let Some(peering) = wanted.found.peering
        && rows::peering(services, peering).await?.is_none()
    {
        return Err(Problem::unknown_peering(peering));
    }
    let filter = Peerings {
        network: wanted.found.network,
        id_prefix: wanted.found.peering.map(|it| it.to_string()),
        ..Peerings::default()
    };
    let mut filling = Filling::new(&reading.page);
    while let Some(part) = filling.next() {
        let rows = rows::peerings(services, &filter, &part).await?;
        let rows = guard::shown(services, caller, rows, |it| Some(it.network.id)).await?;
        let mut items = Vec::new();
        for view in &rows.items {
            items.push(v1::ListOpeningsResponse {
                openings: openings(services, view, &wanted).await?,
                ..Default::default()
            });
        }
        let rows = Page {
            items,
            next_token: rows.next_token,
            as_of: rows.as_of,
            catching_up: rows.catching_up,
        };
        filling.add(rows, |it| it);
    }
    let filled = filling.finish();
    Ok(v1::ListOpeningsResponse {
        openings: filled
            .items
            .into_iter()
            .flat_map(|it| it.openings)
            .collect(),
        next_page_token: filled.next_token,
        as_of: filled.as_of,
        catching_up: filled.catching_up,
    })
}

/// A network that nobody registered has nothing open, which is another answer than none.
async fn known(
    services: &Services,
    caller: &Caller,
    network: domain::NetworkId,
) -> Result<(), Problem> {
    guard::network(services, caller, network).await?;
    match rows::network(services, network).await? {
        Some(_) => Ok(()),
        None => Err(Problem::unknown_network(network)),
    }
}

/// What of one peering is open and wanted.
async fn openings(
    services: &Services,
    view: &PeeringView,
    wanted: &Openings,
) -> Result<Vec<v1::ReviewedOpening>, Problem> {
    if !stands(&view.peering) {
        return Ok(Vec::new());
    }
    let review = review(services, view).await?;
    let now = (services.clock)();
    let opened = view.peering.openings();
    let all = opened.map(|opening| show::opening(view, opening, &review));
    let is_wanted = |it: &v1::ReviewedOpening| match wanted.unconfirmed_for {
        None => true,
        Some(age) => last_word(it).is_none_or(|at| now - at >= age),
    };
    Ok(all.filter(is_wanted).collect())
}

/// What is on its way out is not reviewed any more.
fn stands(peering: &Peering) -> bool {
    let is_leaving = matches!(
        peering.life,
        Life::Removing { .. } | Life::Abandoning { .. }
    );
    peering.life.is_live() && !is_leaving
}

fn last_word(it: &v1::ReviewedOpening) -> Option<DateTime<Utc>> {
    let at = it.confirmed_at.as_ref().or(it.opened_at.as_ref())?;
    super::time::time(at)
}

/// The decisions on what is open, oldest first.
async fn review(services: &Services, view: &PeeringView) -> Result<Review, Problem> {
    let filter = Events {
        network: Some(view.network.id),
        peering: Some(view.peering.id),
        types: Review::TYPES.map(str::to_owned).to_vec(),
        order: Order::OldestFirst,
        ..Events::default()
    };
    let mut review = Review::default();
    let mut token = None;
    for _ in 0..PARTS {
        let part = PageRequest {
            size: PART,
            token,
            ..PageRequest::default()
        };
        let page = rows::events(services, &filter, None, &part).await?;
        page.items.iter().for_each(|it| follow(&mut review, it));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    Ok(review)
}

fn follow(review: &mut Review, row: &TimelineEntry) {
    let version = row.schema_version.unwrap_or(journal::SCHEMA_VERSION);
    if let Body::Event(event) = journal::decode(&row.event_type, version, &row.raw) {
        let decision = Decision {
            position: row.position,
            revision: row.revision,
            event_id: row.event_id,
            peering: row.peering_id,
            event_type: event.name().to_owned(),
            time: row.time,
            sentence: audit::sentence(&event),
            command_id: row.command_id,
            actor: row.actor.clone(),
            reason: row.reason.clone(),
            ticket: row.ticket.clone(),
        };
        review.follow(&event, decision);
    }
}
