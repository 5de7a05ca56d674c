//! `peerage audit replay`: the past as it unfolded, with a picture of the links.

use super::{
    place::{in_order, is_past, place},
    seen::Seen,
};
use crate::{
    api::v1::{self, Event, EventOrder, LogPlace},
    cli::{
        CliError, Output, Remote,
        engine::Servers,
        output,
        resolve::{self, Named},
        terminal,
    },
};
use chrono::{TimeDelta, Utc};
use clap::Args;
use prost_types::Timestamp;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// A silence is told and cut to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(super) struct Replay {
    #[command(flatten)]
    remote: Remote,
    /// From where: a position like 4711/4711, a time like 2026-03-01T09:00:00Z, or how long ago,
    /// like 24h. Default: the log's beginning.
    #[arg(long, value_name = "POSITION|TIME|DURATION", value_parser = place)]
    from: Option<LogPlace>,
    /// Up to where, in the same forms, like 1h. Default: the log's end.
    #[arg(long, value_name = "POSITION|TIME|DURATION", value_parser = place)]
    to: Option<LogPlace>,
    /// Only this network: its id, the id's first characters, its name, or PROJECT/NAME, like
    /// orders.
    #[arg(long, value_name = "NETWORK")]
    network: Option<Named>,
    /// How many times faster than it was, like 60x. Silences are cut to two seconds.
    #[arg(long, value_name = "TIMES", default_value = "60x", value_parser = speed)]
    speed: f64,
}

fn speed(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.trim_end_matches('x').parse().ok();
    number
        .filter(|it| it.is_finite() && *it > 0.0)
        .ok_or_else(|| "write how many times faster, like 60x".to_owned())
}

impl Replay {
    pub(super) async fn run(self) -> Result<(), CliError> {
        in_order(self.from.as_ref(), self.to.as_ref())?;
        is_past(self.from.as_ref(), Utc::now())?;
        let mut servers = self.remote.servers()?;
        let network_id = resolve::network_if_any(&mut servers, self.network.as_ref()).await?;
        let (from, to) = (self.from.unwrap_or_default(), self.to.unwrap_or_default());
        let mut page = v1::ListEventsRequest {
            order: EventOrder::OldestFirst.into(),
            network_id,
            after_position: from.position,
            start_time: from.time,
            until_position: to.position,
            end_time: to.time,
            page_size: 1000,
            ..Default::default()
        };
        let (mut before, mut links) = (None, Links::default());
        let mut told = 0;
        for event in earlier(&mut servers, &page).await? {
            links.follow(&event);
        }
        if !links.0.is_empty() && self.remote.output == Output::Table {
            terminal::line(&links.picture())?;
        }
        loop {
            let answer = servers.read(page.clone()).await?;
            for event in &answer.events {
                let pause = pause(before.as_ref(), event.time.as_ref(), self.speed);
                before = event.time.or(before);
                if let Some(cut) = pause.cut
                    && self.remote.output == Output::Table
                {
                    let later = output::span(TimeDelta::from_std(cut).unwrap_or_default());
                    terminal::line(&format!("  … {later} later"))?;
                }
                tokio::time::sleep(pause.waits).await;
                tell(self.remote.output, event, &mut links)?;
                told += 1;
                page.known_event = Seen::of_event(event)
                    .map(|it| it.message())
                    .or(page.known_event);
            }
            if answer.next_page_token.is_empty() {
                if told == 0 && self.remote.output == Output::Table {
                    terminal::line("(none)")?;
                }
                return Ok(());
            }
            page.page_token = answer.next_page_token;
        }
    }
}

/// What changed how links are drawn, before the first event that is played.
async fn earlier(
    servers: &mut Servers,
    page: &v1::ListEventsRequest,
) -> Result<Vec<Event>, CliError> {
    if page.after_position.is_empty() && page.start_time.is_none() {
        return Ok(Vec::new());
    }
    let message = v1::ListEventsRequest {
        order: page.order,
        network_id: page.network_id.clone(),
        until_position: page.after_position.clone(),
        end_time: page.start_time,
        types: DRAWN.map(str::to_owned).to_vec(),
        ..Default::default()
    };
    servers.list(message, usize::MAX).await
}

fn tell(form: Output, event: &Event, links: &mut Links) -> Result<(), CliError> {
    if form == Output::Json {
        return output::json_line(event);
    }
    let when = output::when(event.time.as_ref());
    let whose = if event.network_name.is_empty() {
        &event.network_id
    } else {
        &event.network_name
    };
    terminal::line(&output::hanging(&format!(
        "{when}  {whose}: {}",
        event.sentence
    )))?;
    if links.follow(event) {
        terminal::line(&links.picture())?;
    }
    Ok(())
}

/// How long to wait for the next event, and how long a silence was that is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pause {
    waits: Duration,
    cut: Option<Duration>,
}

/// Clocks of several servers may differ: what seems to be earlier comes at once.
fn pause(before: Option<&Timestamp>, now: Option<&Timestamp>, speed: f64) -> Pause {
    let at = |it: &Timestamp| it.seconds as f64 + f64::from(it.nanos) / 1e9;
    let gap = match (before, now) {
        (Some(before), Some(now)) => (at(now) - at(before)).max(0.0),
        (None, _) | (_, None) => 0.0,
    };
    let scaled = Duration::try_from_secs_f64(gap / speed).unwrap_or(Duration::MAX);
    Pause {
        waits: scaled.min(LONGEST_PAUSE),
        cut: (scaled > LONGEST_PAUSE)
            .then(|| Duration::try_from_secs_f64(gap).unwrap_or(Duration::MAX)),
    }
}

/// A link as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    network: String,
    peer: String,
    line: &'static str,
}

const ASKED: &str = "· · · ·";
const WAITS: &str = "─ ─ ─ ─";
const OPEN: &str = "═══════";
const CLOSING: &str = "─ ╳ ╳ ─";

/// The events that change how a link is drawn.
const DRAWN: [&str; 13] = [
    "PeeringRequested",
    "PeeringAdopted",
    "PeeringInitiated",
    "PeeringAccepted",
    "PeeringActivated",
    "PeeringRemovalRequested",
    "PeeringAbandonmentRequested",
    "PeeringRemoved",
    "PeeringAbandoned",
    "PeeringRejected",
    "PeeringExpired",
    "PeeringFailed",
    "PeeringDeadlinePassed",
];

/// The links that there were, by their peerings.
#[derive(Debug, Default)]
struct Links(BTreeMap<String, Link>);

impl Links {
    /// Takes an event in, and says whether a link is drawn another way after it.
    fn follow(&mut self, event: &Event) -> bool {
        let id = &event.peering_id;
        let line = match event.r#type.as_str() {
            "PeeringRequested" | "PeeringAdopted" => {
                let link = Link {
                    network: event.network_name.clone(),
                    peer: peer(event),
                    line: ASKED,
                };
                self.0.insert(id.clone(), link);
                return true;
            }
            "PeeringRemoved"
            | "PeeringAbandoned"
            | "PeeringRejected"
            | "PeeringExpired"
            | "PeeringFailed"
            | "PeeringDeadlinePassed" => {
                return self.0.remove(id).is_some();
            }
            "PeeringInitiated" | "PeeringAccepted" => WAITS,
            "PeeringActivated" => OPEN,
            "PeeringRemovalRequested" | "PeeringAbandonmentRequested" => CLOSING,
            _ => return false,
        };
        match self.0.get_mut(id) {
            Some(link) if link.line != line => {
                link.line = line;
                true
            }
            Some(_) | None => false,
        }
    }

    /// A line for each link.
    fn picture(&self) -> String {
        if self.0.is_empty() {
            return "      (no link)".to_owned();
        }
        let lines = self
            .0
            .values()
            .map(|it| output::line(&format!("      {} {} {}", it.network, it.line, it.peer)));
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn peer(event: &Event) -> String {
    let data: Value = serde_json::from_slice(&event.raw_data).unwrap_or_default();
    let of = |name: &str| data["peer"][name].as_str().unwrap_or("?").to_owned();
    format!("{}/{}", of("account"), of("cloud_network"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp { seconds, nanos: 0 })
    }

    #[test]
    fn a_gap_is_as_many_times_shorter_and_a_long_one_is_cut() {
        let of = |from, to, speed| pause(at(from).as_ref(), at(to).as_ref(), speed);
        assert_eq!(of(0, 30, 60.0).waits, Duration::from_millis(500));
        assert_eq!(of(0, 30, 60.0).cut, None);
        let long = of(0, 3_600, 60.0);
        assert_eq!(long.waits, LONGEST_PAUSE);
        assert_eq!(long.cut, Some(Duration::from_secs(3_600)));
        assert_eq!(of(30, 0, 60.0).waits, Duration::ZERO, "clocks differ");
        assert_eq!(pause(None, at(9).as_ref(), 1.0).waits, Duration::ZERO);
    }

    #[test]
    fn a_speed_is_a_number_that_is_more_than_nothing() {
        assert_eq!(speed("60x"), Ok(60.0));
        assert_eq!(speed("0.5"), Ok(0.5));
        for wrong in ["", "x", "0", "-1x", "inf", "fast"] {
            assert!(speed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_asked_for_of_the_time_before_is_all_that_draws_a_link() {
        for kind in DRAWN {
            let mut links = Links::default();
            let of = |kind: &str| Event {
                r#type: kind.to_owned(),
                ..Event::default()
            };
            links.follow(&of("PeeringRequested"));
            let link = links.0.values_mut().next().expect("a link");
            link.line = "as nothing is drawn";
            assert!(links.follow(&of(kind)), "{kind}");
        }
    }

    #[test]
    fn links_are_drawn_as_they_open_and_close() {
        let event = |kind: &str| Event {
            r#type: kind.to_owned(),
            peering_id: "p".to_owned(),
            network_name: "default/orders".to_owned(),
            raw_data: br#"{"peer":{"account":"4444","cloud_network":"vpc-1"}}"#.to_vec(),
            ..Event::default()
        };
        let mut links = Links::default();
        assert!(
            !links.follow(&event("PeeringActivated")),
            "of no link that is known"
        );
        assert!(links.follow(&event("PeeringRequested")));
        assert!(
            links
                .picture()
                .contains("default/orders · · · · 4444/vpc-1")
        );
        assert!(links.follow(&event("PeeringInitiated")));
        assert!(!links.follow(&event("PeeringAccepted")), "drawn as it is");
        assert!(links.follow(&event("PeeringActivated")));
        assert!(links.picture().contains("═══════"));
        assert!(!links.follow(&event("RouteInstalled")));
        assert!(links.follow(&event("PeeringRemovalRequested")));
        assert!(links.follow(&event("PeeringRemoved")));
        assert_eq!(links.picture().trim(), "(no link)");
    }
}
