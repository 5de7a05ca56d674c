//! `ProjectionService`: what this server has made of the log for itself, and how it is made anew.

use super::{
    Services,
    access::Caller,
    guard,
    problem::{Problem, Reason},
    time::{duration, timestamp},
    v1::{self, projection_service_server::ProjectionService},
};
use journal::Position;
use projections::{
    Comparison, Differs, NotCancelled, Rebuild, RebuildCounts, Roots, RowDifference, Stage,
    UnderWay,
};
use tonic::{Request, Response, Status};

/// The service's name, which its errors carry.
const NAME: &str = "peerage.v1.ProjectionService";

/// The service.
#[derive(Clone, Debug)]
pub struct Projections(Services);

/// One of what a server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    ReadModels,
    AuditTree,
}

impl Which {
    pub(super) const ALL: [Self; 2] = [Self::ReadModels, Self::AuditTree];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::ReadModels => "read-models",
            Self::AuditTree => "audit-tree",
        }
    }

    /// Which one is meant, by its name alone or with the host that has it.
    fn named(text: &str, own: &str) -> Result<Self, Problem> {
        let (name, host) = match text.split_once('@') {
            Some((name, host)) => (name, Some(host)),
            None => (text, None),
        };
        let found = Self::ALL.into_iter().find(|it| it.as_str() == name);
        let found = found.ok_or_else(|| {
            let text = format!("{name:?} is none that a server has: read-models, audit-tree");
            Problem::new(Reason::ProjectionUnknown, text)
        })?;
        match host.filter(|it| *it != own) {
            Some(host) => {
                let text = format!(
                    "the {name} of {host} are that server's, not {own}'s; name it with --server"
                );
                Err(Problem::new(Reason::ProjectionUnknown, text))
            }
            None => Ok(found),
        }
    }

    /// Up to where in the log it is.
    pub(super) fn position(self, services: &Services) -> Position {
        match self {
            Self::ReadModels => *services.projections.position().borrow(),
            Self::AuditTree => *services.evidence.tree().position().borrow(),
        }
    }

    pub(super) fn last_rebuild(self, services: &Services) -> Option<Rebuild> {
        match self {
            Self::ReadModels => services.projections.last_rebuild(),
            Self::AuditTree => services.evidence.tree().last_rebuild(),
        }
    }

    pub(super) fn rebuild_counts(self, services: &Services) -> RebuildCounts {
        match self {
            Self::ReadModels => services.projections.rebuild_counts(),
            Self::AuditTree => services.evidence.tree().rebuild_counts(),
        }
    }
}

impl Projections {
    pub fn new(services: Services) -> Self {
        Self(services)
    }

    fn named(&self, text: &str) -> Result<Which, Problem> {
        Which::named(text, &self.0.server.host.to_string())
    }

    fn shown(&self, which: Which) -> v1::Projection {
        let services = &self.0;
        let caught_up = match which {
            Which::ReadModels => services.projections.caught_up(),
            Which::AuditTree => services.evidence.tree().caught_up(),
        };
        v1::Projection {
            name: which.as_str().to_owned(),
            host: services.server.host.to_string(),
            position: which.position(services).to_string(),
            whole: *caught_up.borrow(),
            rebuild: which.last_rebuild(services).map(rebuild),
        }
    }

    fn list(&self, _: &v1::ListProjectionsRequest) -> v1::ListProjectionsResponse {
        v1::ListProjectionsResponse {
            projections: Which::ALL.map(|it| self.shown(it)).to_vec(),
        }
    }

    fn get(
        &self,
        request: &v1::GetProjectionRequest,
    ) -> Result<v1::GetProjectionResponse, Problem> {
        let which = self.named(&request.name)?;
        Ok(v1::GetProjectionResponse {
            projection: Some(self.shown(which)),
        })
    }

    fn rebuild(
        &self,
        caller: &Caller,
        request: &v1::RebuildProjectionRequest,
    ) -> Result<v1::RebuildProjectionResponse, Problem> {
        let which = self.named(&request.name)?;
        let now = (self.0.clock)();
        let asked = match which {
            Which::ReadModels => self.0.projections.rebuild(now),
            Which::AuditTree => self.0.evidence.tree().rebuild(now),
        };
        asked.map_err(|UnderWay| {
            let text = format!("the {} are being built anew already", which.as_str());
            Problem::new(Reason::RebuildUnderWay, text)
        })?;
        tracing::info!(
            projection = which.as_str(),
            by = who(caller),
            "to be built anew, as a caller asked"
        );
        Ok(v1::RebuildProjectionResponse {
            projection: Some(self.shown(which)),
        })
    }

    fn cancel(
        &self,
        caller: &Caller,
        request: &v1::CancelRebuildRequest,
    ) -> Result<v1::CancelRebuildResponse, Problem> {
        let which = self.named(&request.name)?;
        let cancelled = match which {
            Which::ReadModels => self.0.projections.cancel_rebuild(),
            Which::AuditTree => self.0.evidence.tree().cancel_rebuild(),
        };
        cancelled.map_err(|why: NotCancelled| {
            let text = format!("{}: {why}", which.as_str());
            Problem::new(Reason::RebuildNotCancellable, text)
        })?;
        tracing::info!(
            projection = which.as_str(),
            by = who(caller),
            "what is being built is given up, as a caller asked"
        );
        Ok(v1::CancelRebuildResponse {
            projection: Some(self.shown(which)),
        })
    }
}

/// Who asks, for the server's own log: this is no command, and stands in no other.
fn who(caller: &Caller) -> String {
    let identity = caller.identity();
    identity.map_or_else(|| "anybody".to_owned(), |it| it.subject.to_string())
}

fn rebuild(it: Rebuild) -> v1::Rebuild {
    v1::Rebuild {
        stage: stage(it.stage).into(),
        asked_at: it.asked_at.map(timestamp),
        resumed: it.is_resumed,
        position: it.position.to_string(),
        end: it.end.to_string(),
        events: it.events,
        events_per_second: it.events_per_second,
        remaining: it.left.map(duration),
        cause: it.cause,
        comparison: it.comparison.map(comparison),
    }
}

fn stage(it: Stage) -> v1::RebuildStage {
    match it {
        Stage::Asked => v1::RebuildStage::Asked,
        Stage::Building => v1::RebuildStage::Building,
        Stage::Comparing => v1::RebuildStage::Comparing,
        Stage::Cancelling => v1::RebuildStage::Cancelling,
        Stage::Switched => v1::RebuildStage::Switched,
        Stage::Cancelled => v1::RebuildStage::Cancelled,
        Stage::Failed => v1::RebuildStage::Failed,
        Stage::Refused => v1::RebuildStage::Refused,
    }
}

fn comparison(it: Comparison) -> v1::RebuildComparison {
    v1::RebuildComparison {
        position: it.position.to_string(),
        rows: it.rows,
        differences: it.differences,
        first: it.first.into_iter().map(difference).collect(),
        roots: it.roots.as_ref().map(roots),
    }
}

fn difference(it: RowDifference) -> v1::RowDifference {
    let (kind, columns) = match it.differs {
        Differs::Missing => (v1::RowDifferenceKind::Missing, Vec::new()),
        Differs::Extra => (v1::RowDifferenceKind::Extra, Vec::new()),
        Differs::In(columns) => (v1::RowDifferenceKind::Changed, columns),
    };
    let columns = columns.into_iter().map(|it| v1::ColumnDifference {
        column: it.column,
        served: it.served,
        built: it.built,
    });
    v1::RowDifference {
        table: it.table,
        key: it.key,
        kind: kind.into(),
        columns: columns.collect(),
    }
}

fn roots(it: &Roots) -> v1::TreeRoots {
    let signed = it.signed.as_ref();
    v1::TreeRoots {
        size: it.size,
        served: it.served.to_string(),
        built: it.built.to_string(),
        signed_size: signed.map(|it| it.size).unwrap_or_default(),
        signed: signed.map(|it| it.signed.to_string()).unwrap_or_default(),
        signed_built: signed.map(|it| it.built.to_string()).unwrap_or_default(),
    }
}

type Answer<T> = Result<Response<T>, Status>;

fn answer<T>(caller: &Caller, answer: impl FnOnce() -> Result<T, Problem>) -> Answer<T> {
    let answer = guard::everything(caller).and_then(|()| answer());
    answer.map(Response::new).map_err(|it| it.status(NAME))
}

#[tonic::async_trait]
impl ProjectionService for Projections {
    async fn list_projections(
        &self,
        request: Request<v1::ListProjectionsRequest>,
    ) -> Answer<v1::ListProjectionsResponse> {
        answer(
            &guard::caller(&request),
            || Ok(self.list(request.get_ref())),
        )
    }

    async fn get_projection(
        &self,
        request: Request<v1::GetProjectionRequest>,
    ) -> Answer<v1::GetProjectionResponse> {
        answer(&guard::caller(&request), || self.get(request.get_ref()))
    }

    async fn rebuild_projection(
        &self,
        request: Request<v1::RebuildProjectionRequest>,
    ) -> Answer<v1::RebuildProjectionResponse> {
        let caller = guard::caller(&request);
        answer(&caller, || self.rebuild(&caller, request.get_ref()))
    }

    async fn cancel_rebuild(
        &self,
        request: Request<v1::CancelRebuildRequest>,
    ) -> Answer<v1::CancelRebuildResponse> {
        let caller = guard::caller(&request);
        answer(&caller, || self.cancel(&caller, request.get_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_named_alone_or_with_the_host_that_has_it() {
        let own = "db1 127.0.0.1:2114";
        let named = |text: &str| Which::named(text, own).map_err(|it| it.reason().to_owned());
        assert_eq!(named("read-models"), Ok(Which::ReadModels));
        assert_eq!(named("audit-tree"), Ok(Which::AuditTree));
        assert_eq!(
            named("read-models@db1 127.0.0.1:2114"),
            Ok(Which::ReadModels)
        );
        for other in [
            "read-models@db2 127.0.0.1:2114",
            "provisioner",
            "",
            "@",
            "audit",
        ] {
            assert_eq!(
                named(other),
                Err("PROJECTION_UNKNOWN".to_owned()),
                "{other}"
            );
        }
    }
}
