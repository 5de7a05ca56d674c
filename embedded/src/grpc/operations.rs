//! The `Operations` service: scavenging, and what else makes sense on a single node.

use parking_lot::Mutex;
use std::sync::Arc;

use protocol::operations::{
    ScavengeResp, SetNodePriorityReq, StartScavengeReq, StopScavengeReq,
    operations_server::Operations, scavenge_resp::ScavengeResult,
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use super::{Context, status};
use crate::scavenging::scavenge;

pub(super) struct Service {
    context: Arc<Context>,
    running: Arc<Mutex<Option<Running>>>,
}

/// A scavenge under way.
#[derive(Clone)]
struct Running {
    id: Uuid,
    stop: CancellationToken,
}

impl Service {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self {
            context,
            running: Arc::default(),
        }
    }

    fn allow<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let allowed = self.context.guard.operate(&status::who(request));
        allowed.map_err(|denied| status::denied(&denied))
    }

    fn scavenge(&self) -> (Uuid, ScavengeResult) {
        let mut running = self.running.lock();
        if let Some(running) = &*running {
            return (running.id, ScavengeResult::InProgress);
        }
        let id = self.context.reader.new_id();
        let stop = CancellationToken::new();
        *running = Some(Running {
            id,
            stop: stop.clone(),
        });
        let (context, slot) = (self.context.clone(), self.running.clone());
        tokio::spawn(async move {
            match scavenge(&context.writer, &context.quiet, &stop).await {
                Ok(freed) => tracing::info!(%id, freed, "scavenged"),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(%id, error, "a scavenge failed");
                }
            }
            *slot.lock() = None;
        });
        (id, ScavengeResult::Started)
    }
}

#[tonic::async_trait]
impl Operations for Service {
    async fn start_scavenge(
        &self,
        request: Request<StartScavengeReq>,
    ) -> Result<Response<ScavengeResp>, Status> {
        self.allow(&request)?;
        let (id, result) = self.scavenge();
        Ok(Response::new(ScavengeResp {
            scavenge_id: id.to_string(),
            scavenge_result: result.into(),
        }))
    }

    async fn stop_scavenge(
        &self,
        request: Request<StopScavengeReq>,
    ) -> Result<Response<ScavengeResp>, Status> {
        self.allow(&request)?;
        let wanted = request.into_inner().options.unwrap_or_default().scavenge_id;
        let running = self.running.lock().clone();
        match running.filter(|running| running.id.to_string() == wanted) {
            Some(running) => {
                running.stop.cancel();
                Ok(Response::new(ScavengeResp {
                    scavenge_id: wanted,
                    scavenge_result: ScavengeResult::Stopped.into(),
                }))
            }
            None => Err(status::with_trailers(
                Code::NotFound,
                format!("Scavenge id {wanted} is not running."),
                &[
                    ("exception", "scavenge-not-found"),
                    ("scavenge-id", &wanted),
                ],
            )),
        }
    }

    async fn shutdown(&self, request: Request<()>) -> Result<Response<()>, Status> {
        self.allow(&request)?;
        self.context.reader.shutdown_token().cancel();
        Ok(Response::new(()))
    }

    /// There are no index files to merge.
    async fn merge_indexes(&self, request: Request<()>) -> Result<Response<()>, Status> {
        self.allow(&request)?;
        Ok(Response::new(()))
    }

    /// There is nobody to resign to: the only node stays the leader.
    async fn resign_node(&self, request: Request<()>) -> Result<Response<()>, Status> {
        self.allow(&request)?;
        Ok(Response::new(()))
    }

    /// The only node is the leader whatever its priority.
    async fn set_node_priority(
        &self,
        request: Request<SetNodePriorityReq>,
    ) -> Result<Response<()>, Status> {
        self.allow(&request)?;
        Ok(Response::new(()))
    }

    async fn restart_persistent_subscriptions(
        &self,
        request: Request<()>,
    ) -> Result<Response<()>, Status> {
        self.allow(&request)?;
        self.context.groups.restart().await;
        Ok(Response::new(()))
    }
}
