//! The `Projections` service: the built-in projections, as far as this store has them.
//!
//! Their links are part of the write that holds their event, so one that runs is never behind, and
//! none is switched while the node runs: the node is started with them or without.

use std::sync::Arc;

use protocol::projections::{
    CreateReq, CreateResp, DeleteReq, DeleteResp, DisableReq, DisableResp, EnableReq, EnableResp,
    ResetReq, ResetResp, ResultReq, ResultResp, StateReq, StateResp, StatisticsReq, StatisticsResp,
    UpdateReq, UpdateResp, projections_server::Projections, statistics_req::options::Mode,
    statistics_resp::Details,
};
use tonic::{Code, Request, Response, Status};

use super::{Context, Replies, status};

/// Those that a real server has and this one does the work of.
pub(crate) const BUILT_IN: [&str; 4] = [
    "$by_category",
    "$by_correlation_id",
    "$by_event_type",
    "$stream_by_category",
];

const NO_OTHERS: &str = "This store runs the built-in projections and no others: follow the events with a subscription.";

pub(super) struct Service(pub(super) Arc<Context>);

impl Service {
    fn details(&self, name: &str) -> StatisticsResp {
        let end = self.0.reader.end().get();
        let (status, position) = match self.0.has_projections {
            true => ("Running", format!("C:{end}/P:{end}")),
            false => ("Stopped", String::new()),
        };
        let details = Details {
            name: name.to_owned(),
            effective_name: name.to_owned(),
            status: status.to_owned(),
            mode: "Continuous".to_owned(),
            last_checkpoint: position.clone(),
            position,
            progress: if self.0.has_projections { 100.0 } else { 0.0 },
            ..Details::default()
        };
        StatisticsResp {
            details: Some(details),
        }
    }

    fn operate<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let allowed = self.0.guard.operate(&status::who(request));
        allowed.map_err(|denied| status::denied(&denied))
    }

    /// What asks for a state that the node has is done; the other is a matter of its start.
    fn switch(&self, name: &str, on: bool) -> Result<(), Status> {
        built_in(name)?;
        match (self.0.has_projections, on) {
            (true, true) | (false, false) => Ok(()),
            (false, true) => Err(Status::unimplemented(format!(
                "{name} cannot be enabled while the node runs: start it with the system projections \
                 (--system-projections), and events of before are linked as well."
            ))),
            (true, false) => Err(Status::unimplemented(format!(
                "{name} cannot be disabled while the node runs: start it without the system projections."
            ))),
        }
    }
}

/// The built-in projection of this name.
fn built_in(name: &str) -> Result<&'static str, Status> {
    let found = BUILT_IN.into_iter().find(|it| *it == name);
    found.ok_or_else(|| {
        Status::new(
            Code::NotFound,
            format!("Projection '{name}' not found. {NO_OTHERS}"),
        )
    })
}

#[tonic::async_trait]
impl Projections for Service {
    type StatisticsStream = Replies<StatisticsResp>;

    async fn statistics(
        &self,
        request: Request<StatisticsReq>,
    ) -> Result<Response<Self::StatisticsStream>, Status> {
        let known = self.0.guard.known(&status::who(&request));
        known.map_err(|denied| status::denied(&denied))?;
        let options = request.into_inner().options.unwrap_or_default();
        let wanted: Vec<&str> = match options.mode {
            Some(Mode::Name(name)) => vec![built_in(&name)?],
            Some(Mode::All(()) | Mode::Continuous(())) => BUILT_IN.to_vec(),
            Some(Mode::Transient(()) | Mode::OneTime(())) => Vec::new(),
            None => return Err(Status::invalid_argument("which projections is not said")),
        };
        let told: Vec<_> = wanted.into_iter().map(|it| Ok(self.details(it))).collect();
        Ok(Response::new(Box::pin(futures::stream::iter(told))))
    }

    async fn enable(&self, request: Request<EnableReq>) -> Result<Response<EnableResp>, Status> {
        self.operate(&request)?;
        let options = request.into_inner().options.unwrap_or_default();
        self.switch(&options.name, true)?;
        Ok(Response::new(EnableResp {}))
    }

    async fn disable(&self, request: Request<DisableReq>) -> Result<Response<DisableResp>, Status> {
        self.operate(&request)?;
        let options = request.into_inner().options.unwrap_or_default();
        self.switch(&options.name, false)?;
        Ok(Response::new(DisableResp {}))
    }

    async fn create(&self, _: Request<CreateReq>) -> Result<Response<CreateResp>, Status> {
        Err(Status::unimplemented(NO_OTHERS))
    }

    async fn update(&self, _: Request<UpdateReq>) -> Result<Response<UpdateResp>, Status> {
        Err(Status::unimplemented(NO_OTHERS))
    }

    async fn delete(&self, _: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        Err(Status::unimplemented(NO_OTHERS))
    }

    async fn reset(&self, _: Request<ResetReq>) -> Result<Response<ResetResp>, Status> {
        Err(Status::unimplemented(
            "The built-in projections are never behind and never wrong: there is nothing to reset.",
        ))
    }

    async fn state(&self, _: Request<StateReq>) -> Result<Response<StateResp>, Status> {
        Err(Status::unimplemented(STATELESS))
    }

    async fn result(&self, _: Request<ResultReq>) -> Result<Response<ResultResp>, Status> {
        Err(Status::unimplemented(STATELESS))
    }

    async fn restart_subsystem(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Err(Status::unimplemented(
            "The built-in projections are part of the node: there is nothing to restart.",
        ))
    }
}

const STATELESS: &str = "The built-in projections have no state and no result, only links.";
