//! Requests about connectors, every wrong field at once.

use super::PAGE;
use crate::api::{
    parse::{Fields, caller},
    problem::Problem,
    v1::{self, connector_start::Start},
};
use connectors::Which;
use domain::{
    EventId,
    connector::{
        ConnectorCommand, LogPosition, RenameConnector, ResetConnector, StartConnector, StartFrom,
    },
    text::{ConnectorId, ConnectorName},
};
use journal::{Caller, Position};

/// What every command to a connector begins with.
pub(super) struct Asked {
    pub(super) caller: Caller,
    pub(super) id: ConnectorId,
    pub(super) validate_only: bool,
}

pub(super) fn asked(
    context: Option<&v1::CommandContext>,
    id: &str,
    validate_only: bool,
    traceparent: Option<String>,
) -> Result<Asked, Problem> {
    let mut fields = Fields::default();
    let caller = caller(&mut fields, context, traceparent);
    let id = fields.take::<ConnectorId>("connector_id", id);
    let asked = caller.zip(id).map(|(caller, id)| Asked {
        caller,
        id,
        validate_only,
    });
    fields.finish(asked)
}

pub(super) fn create(
    request: &v1::CreateConnectorRequest,
    traceparent: Option<String>,
) -> Result<(Asked, ConnectorName), Problem> {
    let mut fields = Fields::default();
    let caller = caller(&mut fields, request.context.as_ref(), traceparent);
    let id = fields.take::<ConnectorId>("connector_id", &request.connector_id);
    let name = if request.name.is_empty() {
        &request.connector_id
    } else {
        &request.name
    };
    let name = fields.take::<ConnectorName>("name", name);
    let created = caller.zip(id).zip(name).map(|((caller, id), name)| {
        let validate_only = request.validate_only;
        let asked = Asked {
            caller,
            id,
            validate_only,
        };
        (asked, name)
    });
    fields.finish(created)
}

pub(super) fn id(text: &str) -> Result<ConnectorId, Problem> {
    let mut fields = Fields::default();
    let id = fields.take("connector_id", text);
    fields.finish(id)
}

fn begin(start: Option<&v1::ConnectorStart>) -> Result<Option<StartFrom>, Problem> {
    let mut fields = Fields::default();
    let from = match start.and_then(|it| it.start.as_ref()) {
        None => Some(None),
        Some(Start::Earliest(true)) => Some(Some(StartFrom::Earliest)),
        Some(Start::Latest(true)) => Some(Some(StartFrom::Latest)),
        Some(Start::Earliest(false) | Start::Latest(false)) => {
            fields.wrong("start", "is true, or is not set")
        }
        Some(Start::After(text)) => {
            position(&mut fields, "start.after", text).map(|it| Some(StartFrom::After(it)))
        }
    };
    fields.finish(from)
}

/// A position as answers name it, or one number, as KurrentDB's connectors take it.
fn position(fields: &mut Fields, field: &str, text: &str) -> Option<LogPosition> {
    if let Ok(number) = text.parse() {
        return Some(LogPosition {
            commit: number,
            prepare: number,
        });
    }
    let position = fields.take::<Position>(field, text)?;
    Some(LogPosition {
        commit: position.commit,
        prepare: position.prepare,
    })
}

pub(super) fn start(from: Option<&v1::ConnectorStart>) -> Result<ConnectorCommand, Problem> {
    let start_from = begin(from)?;
    Ok(ConnectorCommand::StartConnector(StartConnector {
        start_from,
    }))
}

pub(super) fn reset(to: Option<&v1::ConnectorStart>) -> Result<ConnectorCommand, Problem> {
    let start_from = begin(to)?.unwrap_or(StartFrom::Earliest);
    Ok(ConnectorCommand::ResetConnector(ResetConnector {
        start_from,
    }))
}

pub(super) fn rename(name: &str) -> Result<ConnectorCommand, Problem> {
    let mut fields = Fields::default();
    let name = fields.take("name", name);
    let rename = name.map(|name| ConnectorCommand::RenameConnector(RenameConnector { name }));
    fields.finish(rename)
}

#[expect(clippy::option_option, reason = "wrong and absent are two things")]
pub(super) fn optional_position(
    fields: &mut Fields,
    field: &str,
    text: &str,
) -> Option<Option<LogPosition>> {
    match text {
        "" => Some(None),
        text => position(fields, field, text).map(Some),
    }
}

/// Which of the parked records: some, all, or those between positions; exactly one of the three.
pub(super) fn which(
    ids: &[String],
    all: bool,
    (after, until): (&str, &str),
) -> Result<Which, Problem> {
    let mut fields = Fields::default();
    if !(after.is_empty() && until.is_empty()) {
        let text = "and until are in place of event_ids and all_records";
        let alone = if ids.is_empty() && !all {
            Some(())
        } else {
            fields.wrong("after", text)
        };
        let after = optional_position(&mut fields, "after", after);
        let until = optional_position(&mut fields, "until", until);
        let which = alone.and(after.zip(until));
        return fields.finish(which.map(|(after, until)| Which::Between { after, until }));
    }
    let which = match (ids, all) {
        ([], true) => Some(Which::All),
        ([], false) => fields.wrong("event_ids", "names no record; or set all_records"),
        (_, true) => fields.wrong("event_ids", "is named together with all_records"),
        (ids, false) if ids.len() > connectors::ParkedRecords::MOST => {
            fields.wrong("event_ids", "names more records than can be parked")
        }
        (ids, false) => {
            let each = ids.iter().enumerate();
            let each = each.map(|(at, it)| fields.id::<EventId>(&format!("event_ids[{at}]"), it));
            each.collect::<Option<Vec<_>>>().map(Which::These)
        }
    };
    fields.finish(which)
}

/// How many items a page has, and what it begins behind.
pub(super) fn page(size: i32, token: &str) -> Result<(usize, String), Problem> {
    let mut fields = Fields::default();
    let size = match usize::try_from(size) {
        Ok(0) => Some(PAGE),
        Ok(size) => Some(size.min(PAGE)),
        Err(_) => fields.wrong("page_size", "is negative"),
    };
    fields.finish(size.map(|size| (size, token.to_owned())))
}
