//! Whatever events are asked for, and in whatever combination: the timeline gives what looking at
//! each event gives, and no way to it goes through all of the log.

use super::*;
use crate::{
    Legible, Order, PageRequest, Part, TimelineEntry, TimelineQuery, ranges, rows::to_json,
};
use domain::text::Ticket;

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.roll(many) == 0
    }
}

const NETWORKS: u64 = 3;
const PEERINGS: u8 = 6;
const RANGES: [&str; 12] = [
    "10.0.0.0/8",
    "10.20.0.0/16",
    "10.20.0.0/24",
    "10.20.7.0/24",
    "10.101.0.0/16",
    "10.101.7.9/32",
    "fd00:20::/48",
    "fd00:20::/56",
    "fd00:20:0:1::7/128",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "fd00::/16",
];

fn network_of(peering: u8) -> NetworkId {
    network_id(1 + u128::from(u64::from(peering) % NETWORKS))
}

/// Events of all kinds, with clocks that go wrong now and then, by years or by seconds.
fn history(dice: &mut Dice, many: u64) -> Log {
    let mut log = Log::default();
    for n in 1..=NETWORKS {
        log.append(network_id(n.into()), n.into(), [registered(n as u8)]);
    }
    for n in 0..PEERINGS {
        let NetworkEvent::PeeringRequested(mut it) = requested(n) else {
            panic!("another event");
        };
        it.peer.account = text(&format!("44445555666{}", n % 2));
        log.append(network_of(n), 100 + u128::from(n), [it.into()]);
    }
    for n in 0..many {
        let peering = dice.roll(PEERINGS.into()) as u8;
        let event = match dice.roll(4) {
            0 => policy_set(1 + (peering % NETWORKS as u8)),
            1 => drift_check(1 + (peering % NETWORKS as u8)),
            2 => ProvisioningUnblocked {
                peering_id: peering_id(peering.into()),
            }
            .into(),
            _ => {
                log.append_garbage(network_of(peering));
                continue;
            }
        };
        log.append(network_of(peering), 1_000 + u128::from(n), [event]);
    }
    for it in &mut log.events {
        let named: Vec<_> = (0..dice.roll(3))
            .map(|_| RANGES[dice.roll(9) as usize])
            .collect();
        it.data = json!({ "named": named }).to_string().into();
        let Some(metadata) = &mut it.metadata else {
            continue;
        };
        let wrong = match dice.roll(40) {
            0 => Duration::days(800),
            1 => Duration::days(-800),
            2..8 => Duration::seconds(-9),
            _ => Duration::zero(),
        };
        metadata.time = metadata.time.map(|it| it + wrong);
        metadata.actor = text(["ada", "bob", "provisioner"][dice.roll(3) as usize]);
        metadata.ticket = dice.one_in(9).then(|| text::<Ticket>("OPS-7"));
    }
    log.events.extend(others(dice, &log));
    log.events.sort_by_key(|it| it.position);
    log
}

/// What is no network's, between the events of networks.
fn others(dice: &mut Dice, log: &Log) -> Vec<Recorded> {
    let between = log.events.iter().filter(|_| dice.one_in(9));
    let between: Vec<_> = between.cloned().collect();
    let mut revision = 0;
    let of = |mut it: Recorded| {
        let streams = [
            "connector-a",
            "connectorParked-a",
            "access-policy",
            "approval-1",
        ];
        it.stream = streams[dice.roll(4) as usize].to_owned();
        it.network_id = None;
        it.event_id = domain::EventId(Uuid::from_u128(revision.into()));
        it.body = Body::Undecodable {
            event_type: "ConnectorTeleported".to_owned(),
            problem: "unknown event type".to_owned(),
        };
        (it.position.commit, it.position.prepare) =
            (it.position.commit + 50, it.position.prepare + 50);
        (it.revision, revision) = (revision, revision + 1);
        it
    };
    between.into_iter().map(of).collect()
}

/// Some conditions, most often few.
fn question(dice: &mut Dice, log: &Log) -> TimelineQuery {
    let mut wanted = TimelineQuery::default();
    let events = &log.events;
    let some = |dice: &mut Dice| &events[dice.roll(events.len() as u64) as usize];
    for _ in 0..1 + dice.roll(3) {
        match dice.roll(14) {
            0 => wanted.network = Some(network_id(1 + u128::from(dice.roll(NETWORKS + 1)))),
            1 => wanted.peering = Some(peering_id(u128::from(dice.roll(7)))),
            2 => {
                let it = some(dice).metadata.as_ref();
                wanted.command = it.map(|it| it.command_id);
            }
            3 => wanted.actor = Some(["ada", "bob", "nobody"][dice.roll(3) as usize].to_owned()),
            4 => {
                let types = [
                    "NetworkPolicySet",
                    "PeeringRequested",
                    "PeeringTeleported",
                    "No",
                ];
                let types = types.into_iter().filter(|_| dice.one_in(2));
                wanted.event_types = types.map(str::to_owned).collect();
            }
            5 => wanted.since = Some(some(dice).time()),
            6 => wanted.until = Some(some(dice).time()),
            7 => wanted.of = Legible::Undecodable,
            8 => wanted.ticket = Some("OPS-7".to_owned()),
            9 => wanted.account = Some(format!("44445555666{}", dice.roll(3))),
            11 | 12 => {
                let all = [
                    Part::Networks,
                    Part::Connectors,
                    Part::Access,
                    Part::Approvals,
                ];
                wanted.parts = all.into_iter().filter(|_| dice.one_in(2)).collect();
            }
            10 => wanted.range = Some(text(RANGES[dice.roll(12) as usize])),
            _ => {
                let place = some(dice).position;
                match dice.roll(3) {
                    0 => wanted.from = Some(place),
                    1 => wanted.to = Some(place),
                    _ => wanted.after = Some(place),
                }
            }
        }
    }
    if dice.one_in(2) {
        wanted.order = Order::NewestFirst;
    }
    wanted
}

/// Whether this event is asked for: by looking at it.
fn is_wanted(
    it: &TimelineEntry,
    query: &TimelineQuery,
    accounts: &BTreeMap<PeeringId, String>,
) -> bool {
    fn holds<T>(wanted: &Option<T>, holds: impl Fn(&T) -> bool) -> bool {
        wanted.as_ref().is_none_or(holds)
    }
    let meets = |range: &domain::Range| {
        let (first, last) = ranges::bounds(range.net());
        let unsaid = it.unsaid.as_ref().map(|it| to_json(it).unwrap());
        let unsaid = unsaid.map(|it| ranges::named(it.as_bytes()));
        ranges::named(&it.raw)
            .into_iter()
            .chain(unsaid.into_iter().flatten())
            .any(|(from, to)| (first <= from && to <= last) || (from <= first && last <= to))
    };
    let part = match it.stream.split('-').next() {
        Some("network") => Part::Networks,
        Some("access") => Part::Access,
        Some("approval") => Part::Approvals,
        _ => Part::Connectors,
    };
    let parts = match query.parts.as_slice() {
        [] => &[Part::Networks],
        some => some,
    };
    let account = it.peering_id.and_then(|id| accounts.get(&id));
    parts.contains(&part)
        && holds(&query.network, |id| it.network_id == Some(*id))
        && holds(&query.peering, |id| it.peering_id == Some(*id))
        && holds(&query.command, |id| it.command_id == Some(*id))
        && holds(&query.actor, |name| {
            let actor = it.actor.as_ref().and_then(domain::Actor::name);
            actor.is_some_and(|it| it.as_str() == name)
        })
        && (query.event_types.is_empty() || query.event_types.contains(&it.event_type))
        && holds(&query.since, |time| it.time >= *time)
        && holds(&query.until, |time| it.time < *time)
        && (query.of == Legible::All || it.problem.is_some())
        && holds(&query.ticket, |ticket| {
            it.ticket.as_ref().is_some_and(|it| it.as_str() == ticket)
        })
        && holds(&query.account, |wanted| account == Some(wanted))
        && holds(&query.range, meets)
        && holds(&query.from, |place| it.position > *place)
        && holds(&query.to, |place| it.position <= *place)
        && holds(&query.after, |place| match query.order {
            Order::OldestFirst => it.position > *place,
            Order::NewestFirst => it.position < *place,
        })
}

async fn all_of(
    projections: &Projections,
    query: &TimelineQuery,
    size: usize,
) -> Vec<TimelineEntry> {
    let (mut all, mut token) = (Vec::new(), None);
    loop {
        let request = PageRequest {
            size,
            token: token.take(),
            ..PageRequest::default()
        };
        let page = projections.timeline(query, &request).await.unwrap();
        assert!(page.items.len() <= size);
        all.extend(page.items);
        match page.next_token {
            Some(next) => token = Some(next),
            None => return all,
        }
    }
}

#[tokio::test]
async fn whatever_is_asked_for_is_what_looking_at_each_event_gives() {
    // Fewer than a block has, which are looked at one by one; and more than two blocks.
    for (seed, many, questions) in [(1, 700, 250), (2, 8_600, 120)] {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let log = history(&mut dice, many);
        let projections = written(&log).await;
        let everything = TimelineQuery {
            parts: vec![
                Part::Networks,
                Part::Connectors,
                Part::Access,
                Part::Approvals,
            ],
            ..TimelineQuery::default()
        };
        let all = all_of(&projections, &everything, 1_000).await;
        assert_eq!(all.len(), log.events.len());
        let accounts = (0..PEERINGS)
            .map(|n| (peering_id(n.into()), format!("44445555666{}", n % 2)))
            .collect();
        let mut found_any = 0;
        for _ in 0..questions {
            let query = question(&mut dice, &log);
            let size = [1, 7, 100, 1_000][dice.roll(4) as usize];
            let mut wanted: Vec<_> = all
                .iter()
                .filter(|it| is_wanted(it, &query, &accounts))
                .collect();
            if query.order == Order::NewestFirst {
                wanted.reverse();
            }
            // Page by page of one there are very many.
            let size = size.max(wanted.len() / 20);
            found_any += usize::from(!wanted.is_empty());
            let found = all_of(&projections, &query, size).await;
            let places = |all: &mut dyn Iterator<Item = Position>| all.collect::<Vec<_>>();
            assert_eq!(
                places(&mut found.iter().map(|it| it.position)),
                places(&mut wanted.iter().map(|it| it.position)),
                "seed {seed}: {query:?}"
            );
        }
        assert!(found_any > questions / 3, "{found_any}");
    }
}

#[tokio::test]
async fn whatever_is_asked_for_rows_are_reached_by_their_numbers_and_in_the_order_of_the_log() {
    let mut dice = Dice(7);
    let log = history(&mut dice, 300);
    let projections = written(&log).await;
    let mut asked = vec![TimelineQuery::default()];
    asked.extend((0..300).map(|_| question(&mut dice, &log)));
    for query in asked {
        let wanted = query.clone();
        let plan = projections.store.read("explain", move |rows| {
            crate::queries::search::plan(rows, &wanted)
        });
        let plan = plan.await.unwrap();
        let of_rows: Vec<_> = plan
            .iter()
            .filter(|it| it.contains(" timeline ") || it.ends_with(" timeline"))
            .collect();
        let are_reached = of_rows
            .iter()
            .all(|it| it.starts_with("SEARCH timeline USING INTEGER PRIMARY KEY"));
        let are_sorted = plan
            .iter()
            .any(|it| it.contains("TEMP B-TREE FOR ORDER BY"));
        let of_block = "timeline_blocks USING PRIMARY KEY (block=? AND field=? AND value=?)";
        let in_blocks = plan.iter().any(|it| it.ends_with(of_block));
        assert!(!of_rows.is_empty() && are_reached, "{query:?}: {plan:#?}");
        assert!(!are_sorted && in_blocks, "{query:?}: {plan:#?}");
    }
}

type Block = (i64, String, String, Vec<u8>);

async fn blocks(projections: &Projections) -> Vec<Block> {
    let read = projections.store.read("look", |rows| {
        let mut select = rows.prepare("SELECT block, field, value, found FROM timeline_blocks")?;
        let read = select.query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        read.collect::<rusqlite::Result<Vec<Block>>>()
    });
    read.await.unwrap()
}

#[tokio::test]
async fn a_block_is_written_with_its_last_row_and_is_the_same_however_its_rows_came() {
    let log = history(&mut Dice(11), 8_300);
    let rows = crate::blocks::ROWS as usize;
    let at_once = written(&log).await;
    let all = blocks(&at_once).await;
    let numbers: std::collections::BTreeSet<_> = all.iter().map(|it| it.0).collect();
    assert_eq!(numbers.len(), (log.events.len() + 1) / rows);
    let in_parts = Projections::in_memory().unwrap();
    let mut left = log.events.as_slice();
    // Up to the row before the last one of a block, that row, and some more.
    for many in [100, rows - 102, 1, 7, rows - 8, 1, 1, 50] {
        let (now, later) = left.split_at(many);
        left = later;
        write(&in_parts, now).await;
        let so_far = log.events.len() - left.len();
        let whole = ((so_far + 1) / rows) as i64;
        let expected: Vec<_> = all.iter().filter(|it| it.0 < whole).cloned().collect();
        assert_eq!(blocks(&in_parts).await, expected, "{so_far}");
    }
    write(&in_parts, left).await;
    assert_eq!(blocks(&in_parts).await, all);
}

#[tokio::test]
async fn what_is_in_a_block_is_found_there_and_not_by_looking_at_each_row() {
    let log = history(&mut Dice(5), 4_400);
    let projections = written(&log).await;
    let of_network = TimelineQuery {
        network: Some(network_id(1)),
        ..TimelineQuery::default()
    };
    let before = all_of(&projections, &of_network, 1_000).await;
    let store = &projections.store;
    let forgotten = store.write(store.generation(), |rows| {
        rows.execute(
            "DELETE FROM timeline_blocks WHERE field = 'network_id' AND value = ?1",
            [network_id(1).to_string()],
        )
    });
    assert_eq!(forgotten.await.unwrap().unwrap(), 1);
    let after = all_of(&projections, &of_network, 1_000).await;
    let rows = crate::blocks::ROWS as usize;
    let beyond = log.events[rows - 1..].iter();
    let beyond = beyond.filter(|it| it.network_id == Some(network_id(1)));
    assert_eq!(after.len(), beyond.count());
    assert!(!after.is_empty() && after.len() < before.len());
    assert!(before.ends_with(&after));
}

#[tokio::test]
async fn what_an_event_closes_is_found_by_its_range_also_where_the_event_names_an_id_or_nothing() {
    let restricted = |rules: &[&str]| {
        let admit = rules.iter().map(|source| InboundRule {
            source: text(source),
            port: 443,
            target: None,
        });
        NetworkEvent::from(FirewallRestricted {
            peering_id: peering_id(1),
            side: Side::Local,
            admit: admit.collect(),
            tenure: Default::default(),
        })
    };
    let confirmed = OpeningConfirmed {
        peering_id: peering_id(1),
        opening: Reviewed::Ingress {
            ingress_id: domain::IngressId(Uuid::from_u128(0x1e01)),
        },
    };
    let mut log = Log::default();
    let events = [
        registered(1),
        requested(1),
        ingress_allowed(1, 5432),
        ingress_allowed(2, 9092),
        confirmed.into(),
        ingress_revoked(2, IngressEnd::Expired),
        restricted(&["10.77.0.0/16", "10.78.0.0/16"]),
        restricted(&["10.77.0.0/16", "10.78.0.0/16"]),
        restricted(&["10.78.0.0/16"]),
        restricted(&[]),
        ingress_revoked(1, IngressEnd::Revoked),
        // Nothing is there any more, and so nothing more is closed.
        ingress_revoked(1, IngressEnd::Revoked),
        restricted(&[]),
    ];
    log.append(network_id(1), 1, events);
    let projections = written(&log).await;
    for (range, expected) in [
        ("10.101.7.0/24", &[1, 2, 3, 4, 5, 10][..]),
        ("10.77.0.0/16", &[6, 7, 8]),
        ("10.78.9.0/24", &[6, 7, 8, 9]),
    ] {
        let query = TimelineQuery {
            range: Some(text(range)),
            ..TimelineQuery::default()
        };
        let found = all_of(&projections, &query, 100).await;
        let found: Vec<_> = found.iter().map(|it| it.revision).collect();
        assert_eq!(found, expected, "{range}");
    }
    let all = all_of(&projections, &TimelineQuery::default(), 100).await;
    let ports = |it: &TimelineEntry| {
        let unsaid = it.unsaid.as_ref();
        unsaid.map(|it| it.rules.iter().map(|it| it.port).collect::<Vec<_>>())
    };
    let told: Vec<_> = all.iter().map(ports).collect();
    let (none, of) = (None::<Vec<u16>>, |port| Some(vec![port]));
    let expected = [
        [none.clone(), none.clone(), none.clone(), none.clone()],
        [of(5432), of(9092), none.clone(), none.clone()],
        [of(443), of(443), of(5432), none.clone()],
    ];
    assert_eq!(told[..12], expected.concat());
    assert_eq!(told[12], none);
}
