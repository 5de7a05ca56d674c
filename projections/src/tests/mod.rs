//! A log made of values, and what becomes of it.

#![allow(clippy::unwrap_used)]

mod agreement;
mod files;
mod following;
mod questions;
mod scripted;

use crate::{Projections, models};
use chrono::{DateTime, Duration, TimeZone, Utc};
use domain::{CommandId, Digest, Ids, NetworkId, PeeringId, Provider, Region, Side, network::*};
use journal::{Body, Metadata, Position, Recorded};
use std::{collections::BTreeMap, fmt::Debug, str::FromStr, sync::Arc};
use uuid::Uuid;

/// Events with the places that a store would give them.
#[derive(Default)]
struct Log {
    events: Vec<Recorded>,
    revisions: BTreeMap<NetworkId, u64>,
}

impl Log {
    /// Appends the events of one command to one network.
    fn append(&mut self, network: NetworkId, command: u128, events: impl IntoIterator<Item = NetworkEvent>) -> &mut Self {
        let command_id = CommandId(Uuid::from_u128(command));
        for (index, event) in events.into_iter().enumerate() {
            let metadata = Metadata {
                correlation_id: command_id.0,
                causation_id: command_id.0,
                command_id,
                command_digest: Digest::of(&command.to_string()).unwrap(),
                actor: text("ops@example.com"),
                schema_version: 1,
                traceparent: None,
            };
            let event_id = Ids::of(CommandId(Uuid::new_v5(&network.0, command_id.0.as_bytes()))).event(index);
            self.push(network, event_id, Some(metadata), Body::Event(event));
        }
        self
    }

    /// Appends an event that nobody can read.
    fn append_garbage(&mut self, network: NetworkId) -> &mut Self {
        let event_id = Ids::of(CommandId(Uuid::from_u128(self.events.len() as u128))).event(999);
        let body = Body::Undecodable { event_type: "PeeringTeleported".to_owned(), problem: "unknown event type".to_owned() };
        self.push(network, event_id, None, body);
        self
    }

    fn push(&mut self, network: NetworkId, event_id: domain::EventId, metadata: Option<Metadata>, body: Body) {
        let place = 1_000 + 100 * self.events.len() as u64;
        let revision = self.revisions.entry(network).and_modify(|it| *it += 1).or_insert(0);
        self.events.push(Recorded {
            stream: network.stream(),
            network_id: Some(network),
            revision: *revision,
            position: Position { commit: place, prepare: place },
            event_id,
            created: start() + Duration::seconds(self.events.len() as i64),
            metadata,
            body,
        });
    }

    fn end(&self) -> Position {
        self.events.last().map_or(Position::START, |event| event.position)
    }
}

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 1, 9, 0, 0).unwrap()
}

fn text<T: FromStr<Err: Debug>>(written: &str) -> T {
    written.parse().unwrap()
}

fn network_id(n: u128) -> NetworkId {
    NetworkId(Uuid::from_u128(0x4e00 + n))
}

fn peering_id(n: u128) -> PeeringId {
    PeeringId(Uuid::from_u128(0x9e00 + n))
}

fn registered(n: u8) -> NetworkEvent {
    NetworkRegistered {
        network_id: network_id(n.into()),
        project: text("payments"),
        name: text(&format!("events-{n}")),
        provider: Provider::Aws,
        region: Region::of(Provider::Aws, "eu-west-1").unwrap(),
        account: text("111122223333"),
        cloud_network: text(&format!("vpc-0a1b2c3d4e5f{n:04x}")),
        range: text(&format!("10.{n}.0.0/16")),
        subnets: vec![text("subnet-0aa1")],
    }
    .into()
}

fn requested(n: u8) -> NetworkEvent {
    let peer = Peer {
        provider: Provider::Aws,
        account: text("444455556666"),
        region: Region::of(Provider::Aws, "us-east-1").unwrap(),
        cloud_network: text(&format!("vpc-0f9e8d7c6b5a{n:04x}")),
        ranges: vec![text(&format!("10.{}.0.0/16", 100 + n))],
        subnets: Vec::new(),
    };
    PeeringRequested { peering_id: peering_id(n.into()), peer, requested_at: start() }.into()
}

fn closed(n: u8) -> [NetworkEvent; 2] {
    Side::BOTH.map(|side| FirewallRestricted { peering_id: peering_id(n.into()), side, admit: Vec::new() }.into())
}

/// All that a peering's request appends.
fn request(n: u8) -> Vec<NetworkEvent> {
    std::iter::once(requested(n)).chain(closed(n)).collect()
}

fn clients() -> InboundRule {
    InboundRule { source: text("10.101.0.0/16"), port: 2113 }
}

/// The life of peering 1 of network 1 until all is in place, and then what is asked for next.
fn a_whole_life() -> Vec<NetworkEvent> {
    let peering_id = peering_id(1);
    let side = Side::Local;
    let (destination, route_table) = (text("10.101.0.0/16"), text("rtb-0a1"));
    let rule = clients();
    vec![
        RouteAccepted { peering_id, side, destination }.into(),
        FirewallRestricted { peering_id, side, admit: vec![rule] }.into(),
        PeeringInitiationStarted { peering_id, attempt: 1, started_at: start() }.into(),
        ProvisioningBlocked {
            peering_id,
            cause: BlockCause::CredentialsRefused,
            side,
            message: "the key was refused".to_owned(),
            remedy: vec!["renew the key".to_owned()],
        }
        .into(),
        ProvisioningUnblocked { peering_id }.into(),
        PeeringInitiationRefused { peering_id, attempt: 1 }.into(),
        PeeringInitiationStarted { peering_id, attempt: 2, started_at: start() }.into(),
        PeeringInitiated { peering_id, link: text("pcx-01"), expires_at: Some(start() + Duration::days(7)) }.into(),
        PeeringAccepted { peering_id, link: text("pcx-01") }.into(),
        PeeringActivated { peering_id, link: text("pcx-01") }.into(),
        RouteConflicted { peering_id, side, destination, route_table: text("rtb-0b2"), target: "tgw-07".to_owned() }.into(),
        RouteInstalled { peering_id, side, destination, route_table }.into(),
        RouteInstalled { peering_id, side, destination, route_table: text("rtb-0b2") }.into(),
        FirewallGroupCreated { peering_id, side, group: text("sg-0a1") }.into(),
        FirewallRuleAuthorized { peering_id, side, rule, rule_id: text("sgr-0a1") }.into(),
        FirewallEnforced { peering_id, side, group: text("sg-0a1"), admit: vec![rule] }.into(),
        FirewallEnforced { peering_id, side: Side::Remote, group: text("sg-0b2"), admit: Vec::new() }.into(),
    ]
}

/// Two networks; peering 1 is in place, peering 2 waits for a person, peering 3 has failed, and one event cannot be read.
fn story() -> Log {
    let mut log = Log::default();
    let (first, second) = (network_id(1), network_id(2));
    log.append(first, 1, [registered(1)]).append(second, 2, [registered(2)]).append(first, 3, request(1));
    for (step, event) in a_whole_life().into_iter().enumerate() {
        log.append(first, 100 + step as u128, [event]);
    }
    log.append(first, 4, request(2)).append_garbage(second).append(second, 5, request(3));
    let blocked = ProvisioningBlocked {
        peering_id: peering_id(2),
        cause: BlockCause::PermissionDenied,
        side: Side::Remote,
        message: "the role may not create a peering".to_owned(),
        remedy: vec!["allow ec2:CreateVpcPeeringConnection".to_owned(), "peerage peering retry".to_owned()],
    };
    let failed = PeeringFailed { peering_id: peering_id(3), link: None, message: "no such VPC".to_owned() };
    log.append(first, 6, [blocked.into()]).append(second, 7, [failed.into()]);
    log
}

/// Writes these events in one transaction.
async fn write(projections: &Projections, events: &[Recorded]) -> Position {
    write_with(projections, events, None).await
}

async fn write_with(projections: &Projections, events: &[Recorded], checkpoint: Option<Position>) -> Position {
    let events = Arc::new(events.to_vec());
    projections.store.write(move |rows| models::apply(rows, &events, checkpoint)).await.unwrap().unwrap()
}

async fn written(log: &Log) -> Projections {
    let projections = Projections::in_memory().unwrap();
    write(&projections, &log.events).await;
    projections
}

/// Every row of every table, as text.
async fn dump(projections: &Projections) -> Vec<String> {
    let tables = ["networks", "peerings", "routes", "route_tables", "firewalls", "firewall_rules", "timeline", "checkpoint"];
    let all = projections.store.read("dump", move |rows| {
        let mut all = Vec::new();
        for table in tables {
            let mut select = rows.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2, 3"))?;
            let columns = select.column_count();
            let lines = select.query_map([], |row| {
                let values = (0..columns).map(|at| row.get_ref(at).map(|it| format!("{it:?}")));
                Ok(format!("{table}: {}", values.collect::<rusqlite::Result<Vec<_>>>()?.join(" | ")))
            })?;
            all.extend(lines.collect::<rusqlite::Result<Vec<_>>>()?);
        }
        all.sort();
        Ok(all)
    });
    all.await.unwrap()
}
