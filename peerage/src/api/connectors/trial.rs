//! What a filter and a transform would make of an event. Nothing is sent.

use super::{Connectors, parse, settings};
use crate::api::{
    problem::{Problem, Reason},
    structs::{json_of, struct_of},
    v1,
};
use connectors::{Matcher, transform};
use domain::connector::{Settings, Transformer};
use serde_json::{Value, json};

impl Connectors {
    pub(super) async fn try_filter(
        &self,
        request: v1::TryFilterRequest,
    ) -> Result<v1::TryFilterResponse, Problem> {
        let (filter, transformer) = if request.connector_id.is_empty() {
            let function = request.function.clone();
            let transformer = (!function.is_empty()).then_some(Transformer { function });
            (settings::filter(request.filter.clone())?, transformer)
        } else {
            let id = parse::id(&request.connector_id)?;
            let settings = self.loaded(&id).await?.0.settings;
            (settings.filter, settings.transformer)
        };
        let matcher =
            Matcher::new(filter.as_ref()).map_err(|error| unusable(&error.to_string()))?;
        let data = request.data.clone().map(json_of).unwrap_or_default();
        let text = data.to_string();
        let taken = matcher.matches(&request.stream, &request.event_type, text.as_bytes());
        let mut told = v1::TryFilterResponse {
            taken,
            ..v1::TryFilterResponse::default()
        };
        if let Some(transformer) = transformer.filter(|_| taken) {
            bounded(&transformer)?;
            let record = record(request, data);
            let runtime = &self.parts().runtime;
            let verdict = runtime.try_transform(&transformer, &record).await;
            show(verdict.map_err(|text| unusable(&text))?, &mut told);
        }
        Ok(told)
    }
}

fn unusable(text: &str) -> Problem {
    Problem::new(Reason::ConnectorUnusable, text.to_owned())
}

fn bounded(transformer: &Transformer) -> Result<(), Problem> {
    let (bytes, most) = (transformer.function.len(), Settings::LONGEST_FUNCTION);
    if bytes > most {
        return Err(unusable(&format!(
            "the transform has {bytes} bytes; {most} at most"
        )));
    }
    Ok(())
}

fn record(request: v1::TryFilterRequest, data: Value) -> transform::Record {
    transform::Record {
        record_id: "00000000-0000-0000-0000-000000000000".to_owned(),
        position: transform::Position {
            stream_id: request.stream,
            stream_revision: 0,
            log_position: 0,
        },
        is_redacted: false,
        schema_info: transform::SchemaInfo {
            subject: request.event_type,
            form: "json",
        },
        headers: request.headers.into_iter().collect(),
        value: data,
    }
}

fn show(verdict: transform::Verdict, told: &mut v1::TryFilterResponse) {
    let kind = match verdict {
        transform::Verdict::Changed(changed) => {
            let fields = [
                ("value", changed.value),
                ("subject", json!(changed.subject)),
                ("headers", json!(changed.headers)),
            ];
            let fields = fields.map(|(name, value)| (name.to_owned(), value));
            told.record = Some(struct_of(fields.into_iter().collect()));
            v1::TransformVerdict::Changed
        }
        transform::Verdict::Dropped => v1::TransformVerdict::Dropped,
        transform::Verdict::Cancelled(reason) => {
            told.cause = reason;
            v1::TransformVerdict::Cancelled
        }
        transform::Verdict::Refused(cause) => {
            told.cause = cause;
            v1::TransformVerdict::Refused
        }
    };
    told.verdict = kind.into();
}
