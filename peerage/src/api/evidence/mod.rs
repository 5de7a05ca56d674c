//! What proves the log: checkpoints, the proof of an event, the proof of growth, and the events as
//! the tree holds them.
//!
//! Whatever is given out of the log is compared with the tree first: an event that is another one
//! than was recorded is told as that, and proved by nothing.

mod notary;

pub use notary::Evidence;

use super::{
    Services,
    access::Caller,
    guard, log_end,
    parse::Fields,
    problem::{Problem, Reason},
    v1,
};
use domain::{EventId, NetworkId};
use journal::{Position, Recorded};
use notary::problem;
use projections::{LeafPlace, leaf_of, read_covered};
use tree::{EventProof, GrowthProof, Leaf, SignedCheckpoint};

/// The most events of a part, and its most bytes.
const MOST: i32 = 1000;
const USUAL: i32 = 100;
const MOST_BYTES: usize = 3 * 1024 * 1024;

/// Waits until the tree holds what the answer must include.
async fn reached(services: &Services, min_position: &str) -> Result<(), Problem> {
    let mut fields = Fields::default();
    let asked = match min_position {
        "" => Some(None),
        text => fields.take::<Position>("min_position", text).map(Some),
    };
    let asked = fields.finish(asked)?;
    let position = asked.unwrap_or_else(|| services.acknowledged.furthest());
    let tree = services.evidence.tree();
    if tree.wait_for(position, services.read_patience).await {
        return Ok(());
    }
    let is_whole = *tree.caught_up().borrow();
    Err(if is_whole {
        log_end::behind(position)
    } else {
        let text = "the tree of the audit is still being built from the log";
        Problem::new(Reason::ReadModelsBuilding, text)
    })
}

pub(super) async fn checkpoint(
    services: &Services,
    _: &Caller,
    request: &v1::GetCheckpointRequest,
) -> Result<v1::GetCheckpointResponse, Problem> {
    reached(services, &request.min_position).await?;
    let evidence = &services.evidence;
    let signed = evidence.signed().await?;
    let of = signed.checkpoint.checkpoint();
    Ok(v1::GetCheckpointResponse {
        checkpoint: signed.checkpoint.to_string(),
        size: of.size,
        root: of.root.to_string(),
        epochs: evidence.epochs().await?,
        witnesses: signed.answers,
        keys: evidence.public().iter().map(ToString::to_string).collect(),
    })
}

pub(super) async fn prove_event(
    services: &Services,
    caller: &Caller,
    request: &v1::ProveEventRequest,
) -> Result<v1::ProveEventResponse, Problem> {
    let event = event(request)?;
    reached(services, &request.min_position).await?;
    let place = match place(services, event, &request.stream).await {
        Ok(place) => place,
        // Whether it is on record is told to those who may look at everything.
        Err(problem) => {
            guard::everything(caller)?;
            return Err(problem);
        }
    };
    may_see(services, caller, &place.stream).await?;
    let evidence = &services.evidence;
    let signed = evidence.signed().await?;
    let of = signed.checkpoint.checkpoint();
    let leaf = stored(services, &place).await?;
    let proof = evidence.tree().inclusion(place.index, of.size).await;
    let proof = proof.map_err(|it| problem(&it))?;
    if proof.root != of.root {
        let text = "another epoch of the log began meanwhile; ask again";
        return Err(Problem::new(Reason::ReadModelsBuilding, text));
    }
    let file = EventProof {
        leaf: Some(leaf.bytes()),
        index: place.index,
        hashes: proof.hashes,
        checkpoint: signed.checkpoint.clone(),
    };
    Ok(v1::ProveEventResponse {
        proof: file.to_string(),
        index: place.index,
        size: of.size,
    })
}

/// An event as it is named.
#[derive(Clone, Copy, Debug)]
enum Named {
    Id(EventId),
    At(Position),
}

fn event(request: &v1::ProveEventRequest) -> Result<Named, Problem> {
    let mut fields = Fields::default();
    let named = match (&*request.event_id, &*request.event_position) {
        (id, "") => fields.id("event_id", id).map(Named::Id),
        ("", position) => fields.take("event_position", position).map(Named::At),
        (_, _) => fields.wrong("event_position", "is named together with event_id"),
    };
    fields.finish(named)
}

/// Where the events with this id are.
pub(super) async fn found(services: &Services, id: EventId) -> Result<Vec<LeafPlace>, Problem> {
    let found = services.evidence.tree().find(id).await;
    found.map_err(|it| problem(&it))
}

/// Where the event is that is meant.
async fn place(services: &Services, event: Named, stream: &str) -> Result<LeafPlace, Problem> {
    let id = match event {
        Named::Id(id) => id,
        Named::At(position) => {
            let found = services.evidence.tree().place_at(position).await;
            return found.map_err(|it| problem(&it))?.ok_or_else(|| {
                let text = format!(
                    "the tree holds no event at {position}: it is of a stream that is not covered, or none is there"
                );
                Problem::new(Reason::EventNotCovered, text)
            });
        }
    };
    let mut found = found(services, id).await?;
    found.retain(|it| stream.is_empty() || it.stream == stream);
    match found.len() {
        0 => {
            let text = format!(
                "the tree holds no event {id}: it is of a stream that is not covered, or of another log"
            );
            Err(Problem::new(Reason::EventNotCovered, text))
        }
        1 => Ok(found.remove(0)),
        many => {
            let first = &found[0].stream;
            let text = format!("{many} streams have an event with this id: name one, like {first}");
            Err(Problem::field("stream", text))
        }
    }
}

/// Whether the caller may look at what stands in this stream.
async fn may_see(services: &Services, caller: &Caller, stream: &str) -> Result<(), Problem> {
    match NetworkId::from_stream(stream) {
        Some(network) => guard::network(services, caller, network).await,
        None => guard::everything(caller),
    }
}

/// The event as the store has it, if that is what the tree has.
async fn stored(services: &Services, place: &LeafPlace) -> Result<Leaf, Problem> {
    let read = services.journal.read_some(&place.stream, place.revision, 1);
    let read = read.await.map_err(|error| Problem::from(&error))?;
    let found = read.first().filter(|it| it.revision == place.revision);
    same(place, found)
}

fn same(place: &LeafPlace, found: Option<&Recorded>) -> Result<Leaf, Problem> {
    let leaf = found.map(leaf_of);
    leaf.filter(|it| it.hash() == place.hash).ok_or_else(|| {
        let LeafPlace {
            index,
            stream,
            revision,
            ..
        } = place;
        let text = format!(
            "event {revision} of {stream} (event {index} of the tree) is not what was recorded: the store holds another, or none"
        );
        tracing::error!(stream, revision, index, "an event of the store is not what was recorded");
        Problem::new(Reason::HistoryChanged, text)
    })
}

pub(super) async fn prove_growth(
    services: &Services,
    _: &Caller,
    request: &v1::ProveGrowthRequest,
) -> Result<v1::ProveGrowthResponse, Problem> {
    let older = SignedCheckpoint::parse(&request.older);
    let older = older.map_err(|error| Problem::field("older", domain::error_chain(&error)))?;
    let older = older.checkpoint();
    reached(services, &request.min_position).await?;
    let signed = services.evidence.signed().await?;
    let of = signed.checkpoint.checkpoint();
    if older.origin != of.origin {
        let text = format!(
            "is of {}, and the log is {} now: nothing shows that the one goes on from the other",
            older.origin, of.origin
        );
        return Err(Problem::field("older", text));
    }
    if older.size > of.size {
        let text = format!(
            "has {} events, and the log {}: it lost some, or another server is ahead",
            older.size, of.size
        );
        return Err(Problem::new(Reason::HistoryChanged, text));
    }
    let tree = services.evidence.tree();
    let then = tree.consistency(older.size, older.size).await;
    let proof = tree.consistency(older.size, of.size).await;
    let (then, proof) = (
        then.map_err(|it| problem(&it))?,
        proof.map_err(|it| problem(&it))?,
    );
    if then.root != older.root {
        let text = format!(
            "the log's first {} events are not those of the older checkpoint: it was changed, or the checkpoint is of another log",
            older.size
        );
        return Err(Problem::new(Reason::HistoryChanged, text));
    }
    let file = GrowthProof {
        old: older.size,
        hashes: proof.hashes,
        checkpoint: signed.checkpoint.clone(),
    };
    Ok(v1::ProveGrowthResponse {
        proof: file.to_string(),
        old_size: older.size,
        size: of.size,
    })
}

pub(super) async fn read_leaves(
    services: &Services,
    caller: &Caller,
    request: &v1::ReadLeavesRequest,
) -> Result<v1::ReadLeavesResponse, Problem> {
    guard::everything(caller)?;
    let most = match request.most {
        0 => USUAL,
        1..=MOST => request.most,
        _ => return Err(Problem::field("most", format!("must be 1 to {MOST}"))),
    };
    reached(services, &request.min_position).await?;
    let tree = services.evidence.tree();
    let head = tree.head().await.map_err(|it| problem(&it))?;
    // With the one before, behind which is read.
    let from = request.first.saturating_sub(1);
    let most = usize::try_from(most).unwrap_or_default();
    let places = tree.places(from, most + 1).await;
    let mut places = places.map_err(|it| problem(&it))?;
    let after = (request.first > 0)
        .then(|| places.first().map(|it| it.position))
        .flatten();
    places.retain(|it| it.index >= request.first);
    places.truncate(most);
    let mut leaves = Vec::with_capacity(places.len());
    if !places.is_empty() {
        let read = read_covered(&services.journal, after, places.len());
        let read = tokio::time::timeout(services.read_patience * 4, read).await;
        let read = read.map_err(|_| {
            let text = "the store did not give the events in time";
            Problem::new(Reason::EventStoreUnavailable, text)
        })?;
        let read = read.map_err(|error| {
            Problem::new(Reason::EventStoreUnavailable, domain::error_chain(&error))
        })?;
        let mut bytes = 0;
        for (at, place) in places.iter().enumerate() {
            let leaf = same(place, read.get(at))?;
            bytes += leaf.data.len() + leaf.metadata.len() + leaf.stream.len() + 128;
            if bytes > MOST_BYTES && !leaves.is_empty() {
                break;
            }
            leaves.push(shown(place.index, leaf));
        }
    }
    Ok(v1::ReadLeavesResponse {
        leaves,
        size: head.size,
    })
}

fn shown(index: u64, leaf: Leaf) -> v1::Leaf {
    v1::Leaf {
        index,
        stream: leaf.stream,
        revision: leaf.revision,
        event_id: leaf.id.to_string(),
        event_type: leaf.event_type,
        data: leaf.data,
        metadata: leaf.metadata,
    }
}
