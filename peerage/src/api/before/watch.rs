//! Following one peering: its events, and the peering whenever it is another.

use super::{
    Rooms, answer,
    reads::{peering, read},
    show, v1,
};
use domain::PeeringId;
use journal::Position;
use projections::{PageRequest, TimelineQuery, WhileBuilding};
use tonic::{Code, Status};

pub(super) type Watched = tokio::sync::mpsc::Sender<Result<v1::WatchPeeringResponse, Status>>;

/// How many events one look at the timeline takes.
const WATCH_PAGE: usize = 200;

/// Sends the peering's events as the read models reach them, until the caller leaves or the process
/// drains.
pub(super) async fn follow(rooms: Rooms, id: PeeringId, after: Option<Position>, sender: Watched) {
    let mut position = rooms.projections.position();
    let mut shown = Shown { after, state: None };
    loop {
        position.borrow_and_update();
        let looked = look(&rooms, id, &mut shown).await;
        let failed = looked.is_err();
        for response in looked.map_or_else(
            |status| vec![Err(status)],
            |found| found.into_iter().map(Ok).collect(),
        ) {
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

/// The events since, and the state if it is another. The state is read first, so it never tells of
/// an event that is not there yet.
async fn look(
    rooms: &Rooms,
    id: PeeringId,
    shown: &mut Shown,
) -> Result<Vec<v1::WatchPeeringResponse>, Status> {
    let state = peering(&rooms.projections, id).await?;
    let mut responses = Vec::new();
    loop {
        let query = TimelineQuery {
            peering: Some(id),
            after: shown.after,
            ..Default::default()
        };
        let page = read(
            rooms
                .projections
                .timeline(
                    &query,
                    &PageRequest {
                        size: WATCH_PAGE,
                        token: None,
                        while_building: WhileBuilding::Answer,
                    },
                )
                .await,
        )?;
        shown.after = page.items.last().map(|it| it.position).or(shown.after);
        responses.extend(page.items.iter().map(|it| v1::WatchPeeringResponse {
            event: Some(show::event(it)),
            peering: None,
        }));
        if page.items.len() < WATCH_PAGE {
            break;
        }
    }
    if shown.state.as_ref() != Some(&state) {
        match responses.last_mut() {
            Some(last) => last.peering = Some(state.clone()),
            None => responses.push(v1::WatchPeeringResponse {
                event: None,
                peering: Some(state.clone()),
            }),
        }
        shown.state = Some(state);
    }
    Ok(responses)
}
