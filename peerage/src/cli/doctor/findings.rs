//! What follows from what was seen.

use super::{
    Asked, Seen, cloud,
    finding::{Finding, Severity, finding},
    output,
};
use crate::api::v1::{
    CloudMode, Connector, ConnectorState, Drift, Exposure, FollowerLag, GetServerInfoResponse,
    HistoryFaultKind, Network, Peering, StoppedConnector, StoreKind,
};
use chrono::{DateTime, TimeDelta, Utc};
use prost_types::Timestamp;
use std::collections::BTreeMap;

/// A clock may be off by this much, which is what the lease and the times on record bear.
const CLOCK: TimeDelta = TimeDelta::seconds(5);

/// Read models may be behind for so long, in seconds.
const LAG: i64 = 30;

/// From so many seconds on a follower counts as behind, as in the alert rules.
const FOLLOWER_LAG: i64 = 300;

/// From so many seconds on a connector does.
const CONNECTOR_LAG: i64 = 300;

/// A certificate is renewed long before this is all that is left of it.
const RENEWED: TimeDelta = TimeDelta::days(14);

/// With less room than this, in bytes, nothing can be kept any more; with less than that, or than
/// so small a part of all, it may soon be so.
const FULL: u64 = 100 << 20;
const SCARCE: u64 = 1 << 30;
const SCARCE_PART: u64 = 20;

/// Everything, the worst first. A check that found nothing says so.
pub(super) fn of(seen: &Seen) -> Vec<Finding> {
    let mut found: Vec<_> = seen.servers.iter().flat_map(server).collect();
    found.extend(each("networks", &seen.networks, network));
    found.extend(each("blocked peerings", &seen.blocked, |it| {
        vec![blocked(it)]
    }));
    found.extend(together("exposures", &seen.exposures, exposures));
    found.extend(together("drift", &seen.drift, drift));
    found.extend(each("connectors", &seen.connectors, connector));
    found.extend(seen.clouds.iter().flat_map(|clouds| match clouds {
        Ok(planned) => cloud::findings(planned),
        Err(why) => vec![not_looked_at(cloud::CHECK, why)],
    }));
    found.sort_by_key(|it| it.severity);
    found
}

/// What each of some says for itself.
fn each<T>(
    check: &'static str,
    seen: &Result<Vec<T>, String>,
    find: impl Fn(&T) -> Vec<Finding>,
) -> Vec<Finding> {
    together(check, seen, |all| all.iter().flat_map(&find).collect())
}

fn not_looked_at(check: &'static str, why: &str) -> Finding {
    let text = format!("not looked at: {}", output::cause(why));
    let remedy = "call again; what goes on not to answer says more in the server's log".to_owned();
    finding(Severity::Problem, check, "", text, [remedy])
}

fn together<T>(
    check: &'static str,
    seen: &Result<Vec<T>, String>,
    find: impl FnOnce(&[T]) -> Vec<Finding>,
) -> Vec<Finding> {
    match seen {
        Err(why) => vec![not_looked_at(check, why)],
        Ok(all) => match find(all) {
            found if found.is_empty() => {
                vec![finding(Severity::Well, check, "", "nothing to do", [])]
            }
            found => found,
        },
    }
}

fn server(asked: &Asked) -> Vec<Finding> {
    let url = &asked.url;
    let it = match &asked.answer {
        Ok(it) => it,
        Err(why) => {
            let text = format!("does not answer: {}", output::cause(why));
            let remedy =
                "see that `peerage serve` runs there, and that --server names it".to_owned();
            return vec![finding(Severity::Problem, "server", url, text, [remedy])];
        }
    };
    let mut found = Vec::new();
    if it.store_version.is_empty() {
        let text = format!("{} does not answer", it.store_address);
        let remedy = "see that it runs; the server goes on by itself once it does".to_owned();
        found.push(finding(
            Severity::Problem,
            "event store",
            url,
            text,
            [remedy],
        ));
    }
    found.extend(it.stopped.iter().map(|it| stopped(url, it)));
    found.extend(read_models(url, it));
    found.extend(it.followers.iter().filter_map(|it| follower(url, it)));
    found.extend(clock(asked, it));
    let warnings = it.warnings.iter();
    found.extend(warnings.map(|text| finding(Severity::Risk, "configuration", url, text, [])));
    let notes = it.notes.iter();
    found.extend(notes.map(|text| finding(Severity::Note, "configuration", url, text, [])));
    found.extend(certificate(url, it));
    found.extend(store_certificate(url, it));
    found.extend(disk(url, it));
    let wrong = it.history.as_ref().map_or(0, |it| it.snapshots_wrong);
    if wrong > 0 {
        let text = format!("{wrong} snapshots differ from their logs: nothing is opened there");
        let remedy =
            "restart the server: it makes them anew; report it if that comes again".to_owned();
        found.push(finding(Severity::Problem, "snapshots", url, text, [remedy]));
    }
    if it.orphans > 0 {
        let text = format!(
            "{} things at the cloud that no live peering accounts for",
            it.orphans
        );
        let remedy = "peerage orphans list".to_owned();
        found.push(finding(Severity::Risk, "orphans", url, text, [remedy]));
    }
    if it.denied_calls + it.unauthenticated_calls > 0 {
        let text = format!(
            "since its start {} calls of unknown callers were turned away, and {} were denied",
            it.unauthenticated_calls, it.denied_calls
        );
        found.push(finding(Severity::Note, "access", url, text, []));
    }
    let stand_ins = it.clouds.iter().filter(|served| {
        let mode = served
            .cloud
            .as_ref()
            .map_or(CloudMode::Unspecified, |it| it.mode());
        matches!(mode, CloudMode::Emulator | CloudMode::Simulated)
    });
    let stand_ins: Vec<_> = stand_ins.map(|it| output::word(it.provider())).collect();
    if !stand_ins.is_empty() {
        let text = format!("not the provider's own: {}", stand_ins.join(", "));
        let remedy = "set cloud.mode where networks are to be joined in earnest".to_owned();
        found.push(finding(Severity::Note, "clouds", url, text, [remedy]));
    }
    if it.store() == StoreKind::Kurrentdb {
        let text = "what the engine writes over and over is freed by the store's scavenge alone";
        let remedy = "have the store scavenged regularly".to_owned();
        found.push(finding(Severity::Note, "event store", url, text, [remedy]));
    }
    let ours = env!("CARGO_PKG_VERSION");
    if it.version != ours {
        let text = format!("it is {}, this command line {ours}", it.version);
        found.push(finding(Severity::Note, "version", url, text, []));
    }
    if found.iter().all(|it| it.severity == Severity::Note) {
        let text = format!("answers: {}, {}", it.version, output::word(it.store()));
        found.push(finding(Severity::Well, "server", url, text, []));
    }
    found
}

/// Somebody has stopped one of the engine's own connectors at this server.
fn stopped(url: &str, it: &StoppedConnector) -> Finding {
    let until = output::when(it.until.as_ref());
    let does = if it.connector_id == "provisioner" {
        "it opens and repairs nothing meanwhile, and closes what is to be closed"
    } else {
        "what can be looked up stays as it is meanwhile"
    };
    let text = format!(
        "{} is stopped by command until {until}: {does}",
        it.connector_id
    );
    let remedy = format!("peerage connector start '{}'", it.connector_id);
    finding(Severity::Risk, "connectors", url, text, [remedy])
}

/// What does not take in what is written. Of the read models there is a finding of their own, and
/// what is built anew is behind until it is built.
fn follower(url: &str, it: &FollowerLag) -> Option<Finding> {
    let is_known = it.follower == "read-models" || it.follower.ends_with("-rebuild");
    let lag = it.lag.as_ref().map_or(0, |it| it.seconds);
    if is_known || lag < FOLLOWER_LAG {
        return None;
    }
    let text = format!(
        "{} has not taken in {} events, the first of {lag} s ago",
        it.follower, it.events
    );
    let remedy = "see the server's log for what it waits for".to_owned();
    Some(finding(Severity::Risk, "followers", url, text, [remedy]))
}

fn read_models(url: &str, it: &GetServerInfoResponse) -> Option<Finding> {
    // Those that somebody has stopped are told as that.
    let mut stopped = it.stopped.iter();
    if stopped.any(|it| it.connector_id != "provisioner") {
        return None;
    }
    let lag = it.lag.as_ref().map_or(0, |it| it.seconds);
    let text = match (it.catching_up, lag) {
        (true, _) => "are being built: lists are not whole yet".to_owned(),
        (false, LAG..) => format!("are {lag} s behind the log"),
        (false, _) => return None,
    };
    let remedy = "peerage status shows how far they are".to_owned();
    Some(finding(Severity::Risk, "read models", url, text, [remedy]))
}

/// The certificate that the API shows, by the server's own clock.
fn certificate(url: &str, it: &GetServerInfoResponse) -> Option<Finding> {
    let (severity, text) = ending(it.certificate_expires_at.as_ref()?, it)?;
    let remedy = "renew the files of api.tls: they are taken while it runs".to_owned();
    Some(finding(severity, "certificate", url, text, [remedy]))
}

/// The certificate that the event store presents: with it ends every connection.
fn store_certificate(url: &str, it: &GetServerInfoResponse) -> Option<Finding> {
    let (severity, text) = ending(it.store_certificate_expires_at.as_ref()?, it)?;
    let text = format!("the certificate of {} {text}", it.store_address);
    let remedy = "renew the certificate of each of the store's nodes: KurrentDB takes new files at a reload of its configuration, \
                  `peerage node` at its next start; the server connects again by itself";
    let part = "store certificate";
    Some(finding(severity, part, url, text, [remedy.to_owned()]))
}

/// How a certificate is that ends then, unless that is long hence.
fn ending(ends: &Timestamp, it: &GetServerInfoResponse) -> Option<(Severity, String)> {
    let left = TimeDelta::try_seconds(ends.seconds - it.now.as_ref()?.seconds)?;
    match left {
        over if over <= TimeDelta::zero() => Some((Severity::Problem, "has expired".to_owned())),
        soon if soon < RENEWED => {
            let text = format!("expires in {} days", soon.num_days());
            Some((Severity::Risk, text))
        }
        _ => None,
    }
}

fn disk(url: &str, it: &GetServerInfoResponse) -> Option<Finding> {
    let room = it.disk.as_ref()?;
    let part = room.total_bytes / SCARCE_PART;
    let severity = match room.free_bytes {
        ..FULL => Severity::Problem,
        free if free < SCARCE || free < part => Severity::Risk,
        _ => return None,
    };
    let text = format!(
        "{} MB are left where it keeps its files",
        room.free_bytes >> 20
    );
    let remedy =
        "make room: a store that cannot write takes no command, and goes on by itself once it can";
    Some(finding(severity, "disk", url, text, [remedy.to_owned()]))
}

/// The server looked at its clock between the question and the answer.
fn clock(asked: &Asked, it: &GetServerInfoResponse) -> Option<Finding> {
    let now = it.now.as_ref()?;
    let there = DateTime::<Utc>::from_timestamp(now.seconds, now.nanos.try_into().ok()?)?;
    let off = match there {
        early if early < asked.from => asked.from - early,
        late if late > asked.until => late - asked.until,
        _ => return None,
    };
    (off > CLOCK).then(|| {
        let text = format!(
            "its clock and this machine's differ by {} s",
            off.num_seconds()
        );
        let remedy =
            "have both follow a time server: expiries and the audit go by the server's clock"
                .to_owned();
        finding(Severity::Risk, "clock", &asked.url, text, [remedy])
    })
}

fn network(it: &Network) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(hold) = &it.frozen {
        let text = format!("is frozen: {}", output::cause(&hold.reason));
        let remedy = format!("peerage thaw --network {}", it.network_id);
        found.push(finding(
            Severity::Note,
            "networks",
            &it.name,
            text,
            [remedy],
        ));
    }
    if !it.quarantines.is_empty() {
        let text = "has peerings in quarantine";
        let remedy = format!("peerage network show {}", it.network_id);
        found.push(finding(
            Severity::Note,
            "networks",
            &it.name,
            text,
            [remedy],
        ));
    }
    if let Some(fault) = &it.history_fault {
        let severity = match fault.kind() {
            HistoryFaultKind::AtRisk => Severity::Risk,
            HistoryFaultKind::Unreadable | HistoryFaultKind::Unspecified => Severity::Problem,
        };
        let text = output::cause(&fault.message);
        let remedy = fault.remedy.clone();
        found.push(finding(severity, "networks", &it.name, text, remedy));
    }
    if !it.left_alone.is_empty() {
        let text = format!("is left alone: {}", it.left_alone);
        let remedy = "start the engine with the clouds that this network was made in, or retire it"
            .to_owned();
        found.push(finding(
            Severity::Risk,
            "networks",
            &it.name,
            text,
            [remedy],
        ));
    }
    found
}

fn blocked(it: &Peering) -> Finding {
    let (text, remedy) = match (&it.block, &it.history_fault) {
        (None, Some(fault)) => (output::cause(&fault.message), fault.remedy.clone()),
        (block, _) => {
            let block = block.clone().unwrap_or_default();
            let (why, cause) = (output::cause(&block.message), output::word(block.cause()));
            (format!("{why} ({cause})"), block.remedy)
        }
    };
    let peer = it.peer.as_ref().map_or("", |it| &*it.cloud_network);
    let subject = format!("{} to {peer}, {}", it.network_name, it.peering_id);
    finding(Severity::Problem, "blocked peerings", subject, text, remedy)
}

fn by_peering<'a>(all: impl Iterator<Item = &'a String>) -> BTreeMap<&'a String, usize> {
    let mut counted = BTreeMap::new();
    for id in all {
        *counted.entry(id).or_default() += 1;
    }
    counted
}

fn exposures(all: &[Exposure]) -> Vec<Finding> {
    let counted = by_peering(
        all.iter()
            .filter(|it| !it.cannot_tell)
            .map(|it| &it.peering_id),
    );
    let untold = by_peering(
        all.iter()
            .filter(|it| it.cannot_tell)
            .map(|it| &it.peering_id),
    );
    let exposed = counted.into_iter().map(|(id, count)| {
        let text = format!("{count} rules of others let the other side in");
        let remedy = format!("peerage firewall exposures {id}");
        finding(Severity::Problem, "exposures", id, text, [remedy])
    });
    let unknown = untold.into_iter().map(|(id, count)| {
        let text = format!("of {count} rules it cannot be told whether they let the other side in");
        let remedy = format!("peerage firewall exposures {id}");
        finding(Severity::Risk, "exposures", id, text, [remedy])
    });
    exposed.chain(unknown).collect()
}

fn drift(all: &[Drift]) -> Vec<Finding> {
    let counted = by_peering(all.iter().map(|it| &it.peering_id)).into_iter();
    let found = counted.map(|(id, count)| {
        let text = format!("{count} differences between the cloud and the record stand open");
        let remedy = format!("peerage peering show {id}");
        finding(Severity::Risk, "drift", id, text, [remedy])
    });
    found.collect()
}

fn connector(it: &Connector) -> Vec<Finding> {
    let mut found = Vec::new();
    let (id, name) = (&it.connector_id, &it.name);
    match it.state() {
        ConnectorState::Failed => {
            let text = format!("failed: {}", output::cause(&it.cause));
            let remedy = format!("peerage connector start {id}");
            found.push(finding(
                Severity::Problem,
                "connectors",
                name,
                text,
                [remedy],
            ));
        }
        ConnectorState::Paused => {
            let error = it.progress.as_ref().map_or("", |it| &*it.last_error);
            let text = format!("is paused: {}", output::cause(error));
            let remedy = format!("peerage connector retry-now {id}");
            found.push(finding(
                Severity::Problem,
                "connectors",
                name,
                text,
                [remedy],
            ));
        }
        ConnectorState::Unspecified
        | ConnectorState::Activating
        | ConnectorState::Running
        | ConnectorState::Deactivating
        | ConnectorState::Stopped => {}
    }
    let lag = it.progress.as_ref().and_then(|it| it.lag.as_ref());
    let lag = lag.map_or(0, |it| it.seconds);
    if it.state() == ConnectorState::Running && lag >= CONNECTOR_LAG {
        let text = format!("delivers what was written {lag} s ago");
        let remedy = format!("peerage connector show {id}");
        found.push(finding(Severity::Risk, "connectors", name, text, [remedy]));
    }
    if it.parked > 0 {
        let text = format!(
            "{} records could not be delivered and are parked",
            it.parked
        );
        let remedy = format!("peerage connector parked {id}");
        found.push(finding(Severity::Risk, "connectors", name, text, [remedy]));
    }
    found
}

/// One finding a paragraph: how bad, of what, what is so, and below it what to do.
pub(super) fn in_words(found: &[Finding]) -> String {
    let mut text = String::new();
    for it in found {
        let word = match it.severity {
            Severity::Problem => "PROBLEM",
            Severity::Risk => "risk",
            Severity::Note => "note",
            Severity::Well => "ok",
        };
        let subject = match &*it.subject {
            "" => String::new(),
            subject => format!("{subject}: "),
        };
        text.push_str(&format!(
            "{word:<8} {:<17} {subject}{}\n",
            it.check, it.text
        ));
        for remedy in &it.remedy {
            text.push_str(&format!("{:27}do: {remedy}\n", ""));
        }
    }
    text.trim_end().to_owned()
}
