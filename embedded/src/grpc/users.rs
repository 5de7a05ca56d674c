//! The `Users` service of a secured node. A node without users has none to manage.

use std::{pin::Pin, sync::Arc};

use futures::{Stream, stream};
use protocol::users::{
    ChangePasswordReq, ChangePasswordResp, CreateReq, CreateResp, DeleteReq, DeleteResp,
    DetailsReq, DetailsResp, DisableReq, DisableResp, EnableReq, EnableResp, ResetPasswordReq,
    ResetPasswordResp, UpdateReq, UpdateResp,
    details_resp::{UserDetails, user_details::DateTime},
    users_server::Users as Wire,
};
use tonic::{Code, Request, Response, Status};

use super::{Context, convert::bounded, status};
use crate::security::{Credentials, User, UserChange, UserError, Users};

pub(super) struct Service(pub(super) Arc<Context>);

impl Service {
    fn users(&self) -> Result<&Users, Status> {
        self.0
            .guard
            .users()
            .ok_or_else(|| Status::unimplemented("The node is not secured: it has no users."))
    }

    /// The users, if an admin asks.
    fn administered<T>(&self, request: &Request<T>) -> Result<&Users, Status> {
        self.0
            .guard
            .administer(&status::who(request))
            .map_err(|denied| status::denied(&denied))?;
        self.users()
    }

    async fn change(&self, login: &str, change: UserChange) -> Result<(), Status> {
        self.users()?
            .change(login, change)
            .await
            .map_err(|error| failed(&error))
    }
}

#[tonic::async_trait]
impl Wire for Service {
    type DetailsStream = Pin<Box<dyn Stream<Item = Result<DetailsResp, Status>> + Send>>;

    async fn create(&self, request: Request<CreateReq>) -> Result<Response<CreateResp>, Status> {
        let users = self.administered(&request)?;
        let options = request.into_inner().options.unwrap_or_default();
        if options.login_name.is_empty() || options.login_name.contains(':') {
            return Err(Status::invalid_argument(
                "A login name must not be empty or hold a colon.",
            ));
        }
        bounded("A login name", &options.login_name)?;
        let created = users
            .create(
                &options.login_name,
                &options.full_name,
                &options.password,
                options.groups,
            )
            .await;
        created.map_err(|error| failed(&error))?;
        Ok(Response::new(CreateResp {}))
    }

    async fn update(&self, request: Request<UpdateReq>) -> Result<Response<UpdateResp>, Status> {
        self.administered(&request)?;
        let options = request.into_inner().options.unwrap_or_default();
        let change = UserChange::Details {
            full_name: options.full_name,
            groups: options.groups,
        };
        self.change(&options.login_name, change).await?;
        Ok(Response::new(UpdateResp {}))
    }

    async fn delete(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        let users = self.administered(&request)?;
        let login = request.into_inner().options.unwrap_or_default().login_name;
        users.delete(&login).await.map_err(|error| failed(&error))?;
        Ok(Response::new(DeleteResp {}))
    }

    async fn disable(&self, request: Request<DisableReq>) -> Result<Response<DisableResp>, Status> {
        self.administered(&request)?;
        let login = request.into_inner().options.unwrap_or_default().login_name;
        self.change(&login, UserChange::Disable).await?;
        Ok(Response::new(DisableResp {}))
    }

    async fn enable(&self, request: Request<EnableReq>) -> Result<Response<EnableResp>, Status> {
        self.administered(&request)?;
        let login = request.into_inner().options.unwrap_or_default().login_name;
        self.change(&login, UserChange::Enable).await?;
        Ok(Response::new(EnableResp {}))
    }

    async fn details(
        &self,
        request: Request<DetailsReq>,
    ) -> Result<Response<Self::DetailsStream>, Status> {
        self.0
            .guard
            .known(&status::who(&request))
            .map_err(|denied| status::denied(&denied))?;
        let users = self.users()?;
        let login = request.into_inner().options.unwrap_or_default().login_name;
        let found = match login.as_str() {
            "" => users.all(),
            login => vec![users.details(login).map_err(|error| failed(&error))?],
        };
        Ok(Response::new(Box::pin(stream::iter(
            found.into_iter().map(|user| Ok(details(user))),
        ))))
    }

    /// A user's own doing: whoever does it has to know the old password.
    async fn change_password(
        &self,
        request: Request<ChangePasswordReq>,
    ) -> Result<Response<ChangePasswordResp>, Status> {
        let who = status::who(&request);
        let options = request.into_inner().options.unwrap_or_default();
        let old = Credentials::Password {
            login: options.login_name.clone(),
            password: options.current_password,
        };
        let is_own = who.login() == Some(options.login_name.as_str());
        let shown = self.0.guard.identify(old).await;
        let shown = shown.map_err(|busy| Status::resource_exhausted(busy.to_string()))?;
        if !is_own || shown.is_none() {
            return Err(status::access_denied());
        }
        self.change(
            &options.login_name,
            UserChange::Password(options.new_password),
        )
        .await?;
        Ok(Response::new(ChangePasswordResp {}))
    }

    async fn reset_password(
        &self,
        request: Request<ResetPasswordReq>,
    ) -> Result<Response<ResetPasswordResp>, Status> {
        self.administered(&request)?;
        let options = request.into_inner().options.unwrap_or_default();
        self.change(
            &options.login_name,
            UserChange::Password(options.new_password),
        )
        .await?;
        Ok(Response::new(ResetPasswordResp {}))
    }
}

fn details(user: User) -> DetailsResp {
    DetailsResp {
        user_details: Some(UserDetails {
            login_name: user.login,
            full_name: user.full_name,
            groups: user.groups,
            last_updated: Some(DateTime {
                ticks_since_epoch: user.changed.0,
            }),
            disabled: user.disabled,
        }),
    }
}

fn failed(error: &UserError) -> Status {
    match error {
        UserError::NotFound(login) => status::with_trailers(
            Code::NotFound,
            format!("User '{login}' is not found."),
            &[("exception", "user-not-found"), ("login-name", login)],
        ),
        UserError::Write(failure) => status::failed(failure),
        UserError::Read(error) => status::read_failed(error),
    }
}
