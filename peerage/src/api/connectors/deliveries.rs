//! Attempts to deliver, as this server has kept them; and its figures.

use super::{Connectors, parse, problems::refused};
use crate::api::{
    Services, figures,
    parse::Fields,
    problem::{Problem, Reason},
    time::{duration, timestamp},
    v1,
};
use connectors::{DeliveriesQuery, Delivery, DeliveryKey, DeliveryResult};
use domain::{
    EventId,
    connector::{Connector, ConnectorRefusal},
    text::ConnectorId,
};
use std::fmt;

impl Connectors {
    pub(super) async fn deliveries(
        &self,
        request: &v1::ListDeliveriesRequest,
    ) -> Result<v1::ListDeliveriesResponse, Problem> {
        let query = query(request)?;
        let id = query.connector.clone();
        let log = self.parts().runtime.deliveries();
        let page = log.query(query).await;
        let page = page.map_err(|error| {
            Problem::new(Reason::DeliveryLogFailed, domain::error_chain(&error))
        })?;
        if page.deliveries.is_empty() {
            // A name that is mistyped is none that has delivered nothing.
            let loaded = self.parts().registry.load(&id).await;
            if let Ok(loaded) = loaded
                && matches!(loaded.connector, Connector::Absent)
            {
                return Err(refused(&ConnectorRefusal::ConnectorUnknown));
            }
        }
        Ok(v1::ListDeliveriesResponse {
            deliveries: page.deliveries.iter().map(shown).collect(),
            next_page_token: page.next.map(|it| it.to_string()).unwrap_or_default(),
            host: self.0.server.host.to_string(),
            left_out: log.left_out(),
        })
    }

    pub(super) async fn metrics(&self) -> Result<v1::GetMetricsResponse, Problem> {
        let exposition = exposition(&self.0).await?;
        Ok(v1::GetMetricsResponse { exposition })
    }
}

/// Figures of the connectors and of the engine, in Prometheus' text.
pub(in crate::api) async fn exposition(services: &Services) -> Result<String, Problem> {
    let parts = &services.connectors;
    // Figures of what is not known yet come with the next look.
    let all = parts.catalogue.all(std::time::Duration::ZERO).await;
    let (statuses, log) = (parts.runtime.statuses(), parts.runtime.deliveries());
    let all = all.unwrap_or_default();
    let unwritable =
        |error: fmt::Error| Problem::new(Reason::NotEncodable, domain::error_chain(&error));
    let lags = services.followers.lags(services).await;
    let counted = &lags.connectors;
    let connectors = connectors::exposition(statuses, &all, log, counted, (services.clock)());
    let connectors = connectors.map_err(unwritable)?;
    let engine = figures::Seen::of(services, lags).await.exposition();
    Ok(figures::joined(connectors, &engine.map_err(unwritable)?))
}

fn query(request: &v1::ListDeliveriesRequest) -> Result<DeliveriesQuery, Problem> {
    let (most, token) = parse::page(request.page_size, &request.page_token)?;
    let mut fields = Fields::default();
    let connector = fields.take::<ConnectorId>("connector_id", &request.connector_id);
    let event = match request.event_id.as_str() {
        "" => Some(None),
        id => fields.id::<EventId>("event_id", id).map(Some),
    };
    let before = match token.as_str() {
        "" => Some(None),
        token => match token.parse::<DeliveryKey>() {
            Ok(key) => Some(Some(key)),
            Err(_) => fields.wrong("page_token", "is none that an answer has given"),
        },
    };
    let query = connector.zip(event).zip(before);
    let query = query.map(|((connector, event), before)| DeliveriesQuery {
        connector,
        event,
        failed_only: request.failed_only,
        before,
        most,
    });
    fields.finish(query)
}

fn shown(it: &Delivery) -> v1::Delivery {
    let events = it.events.iter().map(|it| v1::DeliveredEvent {
        event_id: it.id.to_string(),
        event_type: it.event_type.clone(),
        stream: it.stream.clone(),
        revision: it.revision,
    });
    v1::Delivery {
        attempted_at: Some(timestamp(it.at)),
        took: Some(duration(it.took)),
        lane: it.lane.clone(),
        events: events.collect(),
        attempt: it.attempt,
        replay: it.is_replay,
        result: match it.result {
            DeliveryResult::Delivered => v1::DeliveryResult::Delivered,
            DeliveryResult::RecordRefused => v1::DeliveryResult::RecordRefused,
            DeliveryResult::EndpointFailed => v1::DeliveryResult::EndpointFailed,
            DeliveryResult::Busy => v1::DeliveryResult::Busy,
            DeliveryResult::Gone => v1::DeliveryResult::Gone,
        }
        .into(),
        status: it.status.map(u32::from).unwrap_or_default(),
        cause: it.cause.clone(),
        body: it.body.clone(),
    }
}
