//! `peerage audit log`: what happened, in sentences.

use super::{
    filter::{Filter, mistyped, unknown_types},
    others::Part,
    seen::Seen,
};
use crate::{
    api::v1::{self, EventOrder},
    cli::{CliError, Output, Remote, engine::Servers, output, terminal},
};
use clap::Args;
use std::time::Duration;

/// How long nothing is asked for where nothing was new.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(super) struct Log {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    filter: Filter,
    /// The most events, like 50: the last ones. With --follow, how many are told before new ones.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    limit: usize,
    /// Go on with what is new, until interrupted.
    #[arg(long)]
    follow: bool,
    /// Whose events: of networks, of connectors, of access, of approvals, or all of them.
    #[arg(long, value_name = "PART", default_value = "all")]
    of: Part,
}

impl Log {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let newest = self.filter.request(&mut servers, EventOrder::NewestFirst);
        let message = v1::ListEventsRequest {
            parts: self.of.parts(),
            ..newest.await?
        };
        // Asked for first: what comes while the last ones are fetched is new.
        let seen = if self.follow {
            let one = v1::ListEventsRequest {
                page_size: 1,
                ..message.clone()
            };
            servers.read(one).await?.as_of
        } else {
            message.until_position.clone()
        };
        let until_seen = v1::ListEventsRequest {
            until_position: seen.clone(),
            ..message.clone()
        };
        let mut events = servers
            .list(until_seen, self.limit.saturating_add(1))
            .await?;
        if events.len() > self.limit {
            events.truncate(self.limit);
            let many = output::counted(self.limit as u64, "event");
            terminal::note(&format!(
                "these are the last {many}: earlier ones are left out (--limit)"
            ));
        }
        events.reverse();
        for unknown in unknown_types(&message.types) {
            let of_it = v1::ListEventsRequest {
                types: vec![unknown.clone()],
                ..message.clone()
            };
            if servers.list(of_it, 1).await?.is_empty() {
                return Err(mistyped(unknown));
            }
        }
        if !self.follow {
            return output::messages(self.remote.output, &events, output::log);
        }
        for event in &events {
            tell(self.remote.output, event)?;
        }
        let known_event = known(&events);
        let message = v1::ListEventsRequest {
            known_event,
            ..message
        };
        follow(servers, message, seen, self.remote.output).await
    }
}

/// Where the log ends, as far as the server has read it.
async fn end(servers: &mut Servers, message: &v1::ListEventsRequest) -> Result<String, CliError> {
    let one = v1::ListEventsRequest {
        page_size: 1,
        ..message.clone()
    };
    Ok(servers.read_on(one).await?.as_of)
}

/// Tells what lies behind this position, and goes on with what is new.
async fn follow(
    mut servers: Servers,
    mut message: v1::ListEventsRequest,
    mut seen: String,
    output: Output,
) -> Result<(), CliError> {
    let mut pauses = tokio::time::interval(PAUSE);
    loop {
        pauses.tick().await;
        let end = end(&mut servers, &message).await?;
        let mut page = v1::ListEventsRequest {
            order: EventOrder::OldestFirst.into(),
            after_position: std::mem::replace(&mut seen, end.clone()),
            until_position: end,
            page_size: 1000,
            ..message.clone()
        };
        if page.after_position == page.until_position {
            continue;
        }
        loop {
            let answer = servers.read_on(page.clone()).await?;
            for event in &answer.events {
                tell(output, event)?;
            }
            message.known_event = known(&answer.events).or(message.known_event);
            page.known_event = message.known_event.clone();
            if answer.next_page_token.is_empty() {
                break;
            }
            page.page_token = answer.next_page_token;
        }
    }
}

/// The last of these events by which the log is known again.
fn known(events: &[v1::Event]) -> Option<v1::KnownEvent> {
    events
        .iter()
        .rev()
        .find_map(Seen::of_event)
        .map(|it| it.message())
}

fn tell(form: Output, event: &v1::Event) -> Result<(), CliError> {
    match form {
        Output::Json => output::json_line(event),
        Output::Table => terminal::line(&output::log(std::slice::from_ref(event))),
    }
}
