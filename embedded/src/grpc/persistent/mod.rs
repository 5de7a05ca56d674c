//! The `PersistentSubscriptions` service.

mod consume;
mod info;
mod request;

use std::{pin::Pin, sync::Arc};

use futures::Stream;
use protocol::persistent_subscriptions::{
    CreateReq, CreateResp, DeleteReq, DeleteResp, GetInfoReq, GetInfoResp, ListReq, ListResp,
    ReadReq, ReadResp, ReplayParkedReq, ReplayParkedResp, UpdateReq, UpdateResp,
    persistent_subscriptions_server::PersistentSubscriptions,
};
use tonic::{Code, Request, Response, Status, Streaming};

use super::{Context, Peer, status};
use crate::{
    persistent::{Caller, GroupError, GroupName},
    security::Identity,
};

/// What a connection is called that has no name.
const UNNAMED: &str = "<unknown>";

pub(super) struct Service(pub(super) Arc<Context>);

impl Service {
    /// The request, if its caller may manage groups.
    fn operated<T>(&self, request: Request<T>) -> Result<T, Status> {
        let allowed = self.0.guard.operate(&status::who(&request));
        allowed.map_err(|denied| status::denied(&denied))?;
        Ok(request.into_inner())
    }
}

#[tonic::async_trait]
impl PersistentSubscriptions for Service {
    type ReadStream = Pin<Box<dyn Stream<Item = Result<ReadResp, Status>> + Send>>;

    async fn create(&self, request: Request<CreateReq>) -> Result<Response<CreateResp>, Status> {
        let config = request::create(self.operated(request)?)?;
        let name = config.name.clone();
        self.0
            .groups
            .create(config)
            .await
            .map_err(|error| failed(&name, &error))?;
        Ok(Response::new(CreateResp {}))
    }

    async fn update(&self, request: Request<UpdateReq>) -> Result<Response<UpdateResp>, Status> {
        let config = request::update(self.operated(request)?)?;
        let name = config.name.clone();
        self.0
            .groups
            .update(config)
            .await
            .map_err(|error| failed(&name, &error))?;
        Ok(Response::new(UpdateResp {}))
    }

    async fn delete(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        let name = request::delete(self.operated(request)?)?;
        self.0
            .groups
            .delete(&name)
            .await
            .map_err(|error| failed(&name, &error))?;
        Ok(Response::new(DeleteResp {}))
    }

    async fn read(
        &self,
        request: Request<Streaming<ReadReq>>,
    ) -> Result<Response<Self::ReadStream>, Status> {
        let from = request
            .extensions()
            .get()
            .map(|Peer(from)| from.to_string())
            .unwrap_or_default();
        let who = request
            .metadata()
            .get("connection-name")
            .and_then(|name| name.to_str().ok());
        let who = who.filter(|name| !name.is_empty()).unwrap_or(UNNAMED);
        let (identity, connection) = (status::who(&request), who.to_owned());
        let caller = Caller {
            from,
            user: user_name(&identity).to_owned(),
            connection,
        };
        let requests = request.into_inner();
        let consumed = consume::consume(&self.0, &identity, requests, caller).await?;
        Ok(Response::new(consumed))
    }

    async fn get_info(
        &self,
        request: Request<GetInfoReq>,
    ) -> Result<Response<GetInfoResp>, Status> {
        let name = request::get_info(self.operated(request)?)?;
        let info = self
            .0
            .groups
            .info(&name)
            .await
            .map_err(|error| failed(&name, &error))?;
        Ok(Response::new(GetInfoResp {
            subscription_info: Some(info::write(info)),
        }))
    }

    async fn replay_parked(
        &self,
        request: Request<ReplayParkedReq>,
    ) -> Result<Response<ReplayParkedResp>, Status> {
        let (name, stop_at) = request::replay_parked(self.operated(request)?)?;
        self.0
            .groups
            .replay(&name, stop_at)
            .await
            .map_err(|error| failed(&name, &error))?;
        Ok(Response::new(ReplayParkedResp {}))
    }

    async fn list(&self, request: Request<ListReq>) -> Result<Response<ListResp>, Status> {
        let source = request::list(self.operated(request)?)?;
        let groups = self.0.groups.list(source.as_ref()).await;
        if let (Some(source), true) = (&source, groups.is_empty()) {
            return Err(Status::not_found(format!(
                "There are no subscription groups on stream {source}."
            )));
        }
        Ok(Response::new(ListResp {
            subscriptions: groups.into_iter().map(info::write).collect(),
        }))
    }

    async fn restart_subsystem(&self, request: Request<()>) -> Result<Response<()>, Status> {
        self.operated(request)?;
        self.0.groups.restart().await;
        Ok(Response::new(()))
    }
}

/// Who a consumer is told to be. Without users, everybody is the server itself.
fn user_name(identity: &Identity) -> &str {
    match identity {
        Identity::Unrestricted => "system",
        Identity::Anonymous => "anonymous",
        Identity::User { login, .. } => login,
    }
}

fn failed(name: &GroupName, error: &GroupError) -> Status {
    let GroupName { source, group } = name;
    match error {
        GroupError::Exists => about(
            name,
            Code::AlreadyExists,
            "persistent-subscription-exists",
            format!("Subscription group {group} on stream {source} exists."),
        ),
        GroupError::Missing => about(
            name,
            Code::NotFound,
            "persistent-subscription-does-not-exist",
            format!("Subscription group {group} on stream {source} does not exist."),
        ),
        GroupError::Full => about(
            name,
            Code::FailedPrecondition,
            "maximum-subscribers-reached",
            format!(
                "Maximum subscriptions reached for subscription group {group} on stream {source}."
            ),
        ),
        GroupError::TooMany => Status::resource_exhausted(error.to_string()),
        GroupError::Write(failure) => status::failed(failure),
    }
}

/// The group has let its consumers go. Never OK: an official client takes that for impossible.
fn dropped(name: &GroupName) -> Status {
    let GroupName { source, group } = name;
    let message = format!("Subscription group {group} on stream {source} was dropped.");
    about(
        name,
        Code::Cancelled,
        "persistent-subscription-dropped",
        message,
    )
}

/// Settings that make no sense.
fn refused(name: &GroupName, reason: &str) -> Status {
    let GroupName { source, group } = name;
    status::with_trailers(
        Code::Internal,
        format!("Subscription group {group} on stream {source} failed: '{reason}'"),
        &[
            ("exception", "persistent-subscription-failed"),
            ("stream-name", source.as_str()),
            ("group-name", group),
            ("reason", reason),
        ],
    )
}

fn about(name: &GroupName, code: Code, exception: &str, message: String) -> Status {
    let trailers = [
        ("exception", exception),
        ("stream-name", name.source.as_str()),
        ("group-name", name.group.as_str()),
    ];
    status::with_trailers(code, message, &trailers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_is_named_as_it_signed_in() {
        let login = "orders".to_owned();
        let groups = Vec::new();
        assert_eq!(user_name(&Identity::User { login, groups }), "orders");
        assert_eq!(user_name(&Identity::Anonymous), "anonymous");
        assert_eq!(user_name(&Identity::Unrestricted), "system");
    }
}
