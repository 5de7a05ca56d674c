//! `AuditService`: the log, page by page.

use super::{
    Services, guard, reads,
    v1::{self, audit_service_server::AuditService},
};
use tonic::{Request, Response, Status};

/// The service's name, which its errors carry.
pub(super) const NAME: &str = "peerage.v1.AuditService";

/// The service.
#[derive(Clone, Debug)]
pub struct Audit(Services);

impl Audit {
    pub fn new(services: Services) -> Self {
        Self(services)
    }
}

#[tonic::async_trait]
impl AuditService for Audit {
    async fn list_events(
        &self,
        request: Request<v1::ListEventsRequest>,
    ) -> Result<Response<v1::ListEventsResponse>, Status> {
        let answer = reads::list_events(&self.0, &guard::caller(&request), request.get_ref()).await;
        answer.map(Response::new).map_err(|it| it.status(NAME))
    }
}
