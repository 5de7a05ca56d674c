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

/// How many events are asked for at a time.
const PAGE: i32 = 1_000;

/// How many events are kept before they are told.
const KEPT: usize = 1_000;

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
        let (begin, is_cut) = begin(&mut servers, until_seen.clone(), self.limit).await?;
        for unknown in unknown_types(&message.types) {
            let of_it = v1::ListEventsRequest {
                types: vec![unknown.clone()],
                ..message.clone()
            };
            if servers.list(of_it, 1).await?.is_empty() {
                return Err(mistyped(unknown));
            }
        }
        if is_cut {
            let many = output::counted(self.limit as u64, "event");
            terminal::note(&format!(
                "these are the last {many}: earlier ones are left out (--limit)"
            ));
        }
        let told = Told::new(self.remote.output, self.follow);
        let last = tell_last(&mut servers, begin, until_seen, told).await;
        let last = match last {
            // Who has closed the pipe has read enough.
            Err(error) if error.is_closed() && !self.follow => return Ok(()),
            last => last?,
        };
        if !self.follow {
            return Ok(());
        }
        let message = v1::ListEventsRequest {
            known_event: last,
            ..message
        };
        follow(servers, message, seen, self.remote.output).await
    }
}

/// The last events.
enum Begin {
    /// All of them, in their order: they are few.
    Kept(Vec<v1::Event>),
    /// Where they lie. They are read from there on: what comes meanwhile makes no more of them.
    Behind { after: String, until: String },
}

/// Goes back over so many events, and keeps the place alone where they are many. Tells too whether
/// there are earlier ones.
async fn begin(
    servers: &mut Servers,
    mut message: v1::ListEventsRequest,
    limit: usize,
) -> Result<(Begin, bool), CliError> {
    message.page_size = PAGE;
    let (mut kept, mut counted) = (Vec::new(), 0);
    let mut until = message.until_position.clone();
    loop {
        let answer = servers.read(message.clone()).await?;
        if until.is_empty() {
            until = answer.as_of;
        }
        // The newest one that is left out is what the others lie behind.
        let cut = answer.events.get(limit - counted);
        let cut = cut.map(|it| it.position.clone());
        let page = answer.events.into_iter().take(limit - counted);
        counted += page.len();
        if counted <= KEPT {
            kept.extend(page);
        } else {
            kept.clear();
        }
        let is_cut = cut.is_some();
        if is_cut || answer.next_page_token.is_empty() {
            kept.reverse();
            let begin = match counted <= KEPT {
                true => Begin::Kept(kept),
                false => Begin::Behind {
                    after: cut.unwrap_or(message.after_position),
                    until,
                },
            };
            return Ok((begin, is_cut));
        }
        message.page_token = answer.next_page_token;
    }
}

/// Tells the last events. Gives the last one by which the log is known.
async fn tell_last(
    servers: &mut Servers,
    begin: Begin,
    message: v1::ListEventsRequest,
    mut told: Told,
) -> Result<Option<v1::KnownEvent>, CliError> {
    let last = match begin {
        Begin::Kept(events) => {
            told.tell(&events)?;
            known(&events)
        }
        Begin::Behind { after, until } => {
            let message = v1::ListEventsRequest {
                after_position: after,
                until_position: until,
                ..message
            };
            forwards(servers, message, &mut told).await?
        }
    };
    told.end()?;
    Ok(last)
}

/// Tells the events in the log's order, page by page. Gives the last by which the log is known.
async fn forwards(
    servers: &mut Servers,
    mut message: v1::ListEventsRequest,
    told: &mut Told,
) -> Result<Option<v1::KnownEvent>, CliError> {
    message.order = EventOrder::OldestFirst.into();
    message.page_size = PAGE;
    let mut last = None;
    loop {
        let answer = servers.read(message.clone()).await?;
        told.tell(&answer.events)?;
        last = known(&answer.events).or(last);
        if answer.next_page_token.is_empty() {
            return Ok(last);
        }
        message.page_token = answer.next_page_token;
    }
}

/// Tells events: as lines, or as the members of one JSON list.
struct Told {
    form: Output,
    /// Whether more comes after the end: then JSON is a document a line.
    goes_on: bool,
    /// The member that is written when it is known whether another one follows.
    held: Option<String>,
    is_empty: bool,
}

impl Told {
    fn new(form: Output, goes_on: bool) -> Self {
        Self {
            form,
            goes_on,
            held: None,
            is_empty: true,
        }
    }

    fn tell(&mut self, events: &[v1::Event]) -> Result<(), CliError> {
        for event in events {
            match (self.form, self.goes_on) {
                (Output::Json, false) => self.member(event)?,
                (Output::Json, true) | (Output::Table, _) => tell(self.form, event)?,
            }
            self.is_empty = false;
        }
        Ok(())
    }

    fn member(&mut self, event: &v1::Event) -> Result<(), CliError> {
        let member = output::json_member(event)?;
        match self.held.replace(member) {
            Some(before) => terminal::line(&format!("{before},")),
            None => terminal::line("["),
        }
    }

    fn end(self) -> Result<(), CliError> {
        match (self.form, self.held) {
            (Output::Json, Some(last)) => terminal::line(&format!("{last}\n]")),
            (Output::Json, None) if self.goes_on => Ok(()),
            (Output::Json, None) => terminal::line("[]"),
            (Output::Table, _) if self.is_empty && !self.goes_on => terminal::line("(none)"),
            (Output::Table, _) => Ok(()),
        }
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
            page_size: PAGE,
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
