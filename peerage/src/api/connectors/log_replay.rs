//! A part of the log again: what is asked for, how many records that is, and its end.

use super::{Connectors, parse, problems::parked_problem};
use crate::api::{
    access::Caller as Known,
    parse::Fields,
    problem::{Problem, Reason},
    v1,
};
use chrono::{DateTime, Utc};
use connectors::count_records;
use domain::connector::{LogPosition, parked::LogRange};
use prost_types::Timestamp;

/// A part of the log as it was asked for: where it ends may be to be looked up.
struct Part {
    after: Option<LogPosition>,
    until: Option<LogPosition>,
    since: Option<DateTime<Utc>>,
    before: Option<DateTime<Utc>>,
}

impl Connectors {
    pub(super) async fn replay_log(
        &self,
        caller: &Known,
        request: &v1::ReplayLogRequest,
        traceparent: Option<String>,
    ) -> Result<v1::CommandResponse, Problem> {
        let mut asked = parse::asked(
            request.context.as_ref(),
            &request.connector_id,
            request.validate_only,
            traceparent,
        )?;
        asked.caller.actor = caller.actor(asked.caller.actor);
        let (defined, revision) = self.loaded(&asked.id).await?;
        let (id, by, now) = (&asked.id, &asked.caller, (self.0.clock)());
        let streams = self.parts().runtime.parked();
        let (event_type, records) = if request.end_replays {
            let records = if asked.validate_only {
                let parked = streams.of(id).await;
                let parked = parked.map_err(|error| Problem::from(&error))?;
                parked.log_replays.len() as u64
            } else {
                let ended = streams.end_log_replays(id, by, now).await;
                ended.map_err(|error| parked_problem(&error))?
            };
            ("ConnectorLogReplaysEnded", records)
        } else {
            let range = self.range(part(request)?).await?;
            let counted = count_records(&range, &self.0.journal, id, &defined.settings).await;
            let (mut records, _) = counted.map_err(|error| {
                Problem::new(Reason::EventStoreUnavailable, domain::error_chain(&error))
            })?;
            if !asked.validate_only && records > 0 {
                let wanted = streams.replay_log(id, &range, records, by, now).await;
                records = wanted.map_err(|error| parked_problem(&error))?;
            }
            ("ConnectorLogReplayRequested", records)
        };
        let happens = (records > 0).then(|| event_type.to_owned());
        Ok(v1::CommandResponse {
            connector_id: id.to_string(),
            revision,
            validated_only: asked.validate_only,
            records: u32::try_from(records).unwrap_or(u32::MAX),
            event_types: happens.into_iter().collect(),
            ..v1::CommandResponse::default()
        })
    }

    /// With its end: what comes later is delivered anyway.
    async fn range(&self, part: Part) -> Result<LogRange, Problem> {
        let until = match part.until {
            Some(until) => until,
            None => {
                let end = self.0.journal.end().await;
                let end = end.map_err(|error| Problem::from(&error))?;
                let end = end.unwrap_or(journal::Position::START);
                LogPosition {
                    commit: end.commit,
                    prepare: end.prepare,
                }
            }
        };
        Ok(LogRange {
            after: part.after,
            until,
            since: part.since,
            before: part.before,
        })
    }
}

fn part(request: &v1::ReplayLogRequest) -> Result<Part, Problem> {
    let mut fields = Fields::default();
    let after = parse::optional_position(&mut fields, "after", &request.after);
    let until = parse::optional_position(&mut fields, "until", &request.until);
    let since = time(&mut fields, "since", request.since.as_ref());
    let before = time(&mut fields, "before", request.before.as_ref());
    let part = after.zip(until).zip(since).zip(before);
    let part = part.and_then(|(((after, until), since), before)| {
        let part = Part {
            after,
            until,
            since,
            before,
        };
        let is_bounded = part.after.is_some() || part.until.is_some();
        if !is_bounded && part.since.is_none() && part.before.is_none() {
            let text = "is not set, nor is until, since or before: say which part";
            return fields.wrong("after", text);
        }
        if let (Some(since), Some(before)) = (part.since, part.before)
            && since >= before
        {
            return fields.wrong("before", "is not after since");
        }
        Some(part)
    });
    fields.finish(part)
}

#[expect(clippy::option_option, reason = "wrong and absent are two things")]
fn time(
    fields: &mut Fields,
    field: &str,
    time: Option<&Timestamp>,
) -> Option<Option<DateTime<Utc>>> {
    let Some(time) = time else {
        return Some(None);
    };
    let nanos = u32::try_from(time.nanos).ok();
    match nanos.and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos)) {
        Some(time) => Some(Some(time)),
        None => fields.wrong(field, "is no time"),
    }
}
