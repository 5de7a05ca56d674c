//! Snapshots and checkpoints of more than a server takes at once.

use super::*;
use domain::EventId;
use journal::Checkpoint;

/// So many subnets' ids do not fit into one event, compressed or not.
const SUBNETS: u128 = 20_000;

const PART: &str = "NetworkSnapshotPart";

/// A network with more in it than an event of ours holds. A command would not make one like it, so
/// its first event stands for what many years bring together.
async fn large(world: &World) -> NetworkId {
    let id = NetworkId(Uuid::new_v5(&Uuid::nil(), b"large"));
    let subnet = |n: u128| {
        let id = Uuid::new_v5(&Uuid::nil(), &n.to_be_bytes());
        format!("subnet-{}", id.simple())
    };
    let registered = json!({
        "network_id": id, "project": "payments", "name": "large", "provider": "aws",
        "region": "eu-west-1", "account": "111122223333",
        "cloud_network": "vpc-0a1b2c3d", "range": "10.20.0.0/16",
        "subnets": (0..SUBNETS).map(subnet).collect::<Vec<_>>(),
    });
    let stream = id.stream();
    world
        .append(&stream, "NetworkRegistered", &registered)
        .await;
    let journal = world.journal(EVERY);
    for n in 1..EVERY {
        policy(&journal, id, n).await.unwrap();
    }
    holds("a snapshot", || {
        journal.networks().figures().snapshots_written == 1
    })
    .await;
    id
}

#[tokio::test]
async fn a_snapshot_of_more_than_an_event_holds_is_read_whole_or_not_at_all() {
    let world = World::new().await;
    let id = large(&world).await;
    let written = world.read(&snapshots(id)).await;
    assert!(written.len() > 1, "{}", written.len());
    for (number, (event_type, part)) in written.iter().enumerate() {
        assert_eq!(event_type, PART);
        assert_eq!(
            (part["part"].as_u64(), part["of"].as_u64()),
            (Some(number as u64), Some(written.len() as u64))
        );
        assert!(part.to_string().len() <= 512 << 10);
    }
    // Two of them are kept, whatever each takes.
    let kept = world.read(&format!("$${}", snapshots(id))).await;
    assert_eq!(
        kept.last().unwrap().1["$maxCount"],
        json!(2 * written.len())
    );

    let expected = folded(&world, id).await;
    let is_used = async || {
        let (loaded, figures) = fresh(&world, id).await;
        assert_eq!(*loaded, expected);
        assert_eq!(figures.loaded_from_snapshot + figures.loaded_from_start, 1);
        figures.loaded_from_snapshot == 1
    };
    assert!(is_used().await);
    // The next one was broken off after its first part: the one before it counts.
    let part = |document: &Value, part: u64, of: u64| json!({"document": document, "part": part, "of": of, "text": "{}"});
    let other = json!(Uuid::max());
    world
        .append(&snapshots(id), PART, &part(&other, 0, 2))
        .await;
    assert!(is_used().await);
    // Its end is another one's, or it does not begin in this stream.
    for (document, number, of) in [
        (&written[0].1["document"], 1, 2),
        (&other, 7, 8),
        (&other, 3, 2),
    ] {
        world
            .append(&snapshots(id), PART, &part(document, number, of))
            .await;
        assert!(!is_used().await, "part {number} of {of}");
    }

    // All parts are there and fit together, but they are not of one document.
    for (number, (_, whole)) in written.iter().enumerate() {
        let mut part = whole.clone();
        if number == 0 {
            part["document"] = other.clone();
        }
        world.append(&snapshots(id), PART, &part).await;
    }
    assert!(!is_used().await, "parts of two documents");

    // The next snapshot is whole again, and what was broken off costs it nothing.
    let journal = world.journal(EVERY);
    load(&journal, id).await;
    for n in EVERY..2 * EVERY {
        policy(&journal, id, n).await.unwrap();
    }
    holds("a snapshot", || {
        journal.networks().figures().snapshots_written > 0
    })
    .await;
    let (_, figures) = fresh(&world, id).await;
    assert_eq!(figures.loaded_from_snapshot, 1);
    world.node.shutdown().await;
}

#[tokio::test]
async fn a_checkpoint_names_more_networks_than_an_event_holds() {
    let world = World::new().await;
    let journal = world.journal(0);
    let id = registered(&journal).await;
    let events = journal.read_stream(&id.stream(), None).await.unwrap();
    let mut event = events[0].clone();
    let mut checkpoint = Checkpoint::default();
    for n in 0..60_000_u128 {
        event.network_id = Some(NetworkId(Uuid::new_v5(&id.0, &n.to_be_bytes())));
        event.event_id = EventId(Uuid::from_u128(n));
        checkpoint.advance(&event);
    }
    checkpoint.advance(&events[0]);
    let mut small = Checkpoint::default();
    small.advance(&events[0]);
    assert!(journal.set_checkpoint(&small).await.unwrap());
    let before = world.everything().await.len();
    assert!(journal.set_checkpoint(&checkpoint).await.unwrap());
    let stream = "connectorCheckpoint-provisioner";
    let written = world.read(stream).await.split_off(1);
    assert!(written.len() > 1);
    // Whoever stops in the middle of it leaves the one before it: room was made first.
    let (stream, kept) = world.everything().await.swap_remove(before);
    assert_eq!(stream, "$$connectorCheckpoint-provisioner");
    assert_eq!(kept["$maxCount"], json!(2 * written.len()));
    for (event_type, part) in &written {
        assert_eq!(event_type, "ProvisionerCheckpointPart");
        assert!(part.to_string().len() <= 512 << 10);
    }
    assert_eq!(
        world.journal(0).checkpoint().await.unwrap(),
        Some(checkpoint.clone())
    );
    // Another one, of fewer, takes its place.
    assert!(journal.set_checkpoint(&small).await.unwrap());
    assert_eq!(world.journal(0).checkpoint().await.unwrap(), Some(small));
    assert!(journal.set_checkpoint(&checkpoint).await.unwrap());
    assert_eq!(
        world.journal(0).checkpoint().await.unwrap(),
        Some(checkpoint)
    );
    world.node.shutdown().await;
}
