//! The `Streams` service: one file per call, gathered here.

use std::sync::Arc;

use protocol::streams::{
    AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteReq, DeleteResp, ReadReq,
    ReadResp, TombstoneReq, TombstoneResp, streams_server::Streams,
};
use tonic::{Request, Response, Status, Streaming};

use super::{Context, Replies, append, batch_append, delete, read, status};

pub(super) struct Service(pub(super) Arc<Context>);

#[tonic::async_trait]
impl Streams for Service {
    type ReadStream = Replies<ReadResp>;
    type BatchAppendStream = Replies<BatchAppendResp>;

    async fn read(&self, request: Request<ReadReq>) -> Result<Response<Self::ReadStream>, Status> {
        let replies = read::read(&self.0, &status::who(&request), request.into_inner()).await?;
        Ok(Response::new(replies))
    }

    async fn append(
        &self,
        request: Request<Streaming<AppendReq>>,
    ) -> Result<Response<AppendResp>, Status> {
        let reply = append::append(&self.0, &status::who(&request), request.into_inner()).await?;
        Ok(Response::new(reply))
    }

    async fn delete(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        let reply = delete::delete(&self.0, &status::who(&request), request.into_inner()).await?;
        Ok(Response::new(reply))
    }

    async fn tombstone(
        &self,
        request: Request<TombstoneReq>,
    ) -> Result<Response<TombstoneResp>, Status> {
        let reply =
            delete::tombstone(&self.0, &status::who(&request), request.into_inner()).await?;
        Ok(Response::new(reply))
    }

    async fn batch_append(
        &self,
        request: Request<Streaming<BatchAppendReq>>,
    ) -> Result<Response<Self::BatchAppendStream>, Status> {
        let (who, load) = (status::who(&request), request.extensions().get().cloned());
        let replies = batch_append::batch_append(self.0.clone(), who, load, request.into_inner());
        Ok(Response::new(replies))
    }
}
