//! One call: watches whether its request left, and turns what the SDK reports into an [`Ec2Error`].
//!
//! The SDK's error alone does not say whether a request may have reached the service. Two
//! certainties are added here: an interceptor sees the last moment before transmission, so
//! credentials that could not be had, or a request that could not be built or signed, were not
//! sent; and an HTTP client that reports a failed *connect* has not sent either. Everything else
//! that ends without an answer is ambiguous.

use crate::ec2::action::Action;
use crate::ec2::client::Ec2;
use crate::ec2::codes::classify;
use crate::ec2::connect::Clients;
use crate::ec2::error::{Ec2Error, Ec2ErrorKind};
use crate::ec2::scope::Scope;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ec2::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::operation::RequestId;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Sends a request of the call, with one more interceptor where one is named, and answers what EC2
/// did; a failure is the caller's.
macro_rules! sent {
    ($call:ident, $request:expr $(, $with:expr)?) => {
        $call.answered(
            $request
                .customize()
                .interceptor($call.watch())
                $(.interceptor($with))?
                .send()
                .await
                .map_err(|error| $call.failed(error))?,
        )
    };
}
pub(crate) use sent;

/// A call on its way.
pub(crate) struct Call<'a> {
    pub(crate) clients: Clients,
    owner: &'a Ec2,
    operation: Action,
    at: &'a Scope,
    sent: Sent,
}

/// Set when a request is about to be transmitted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent(Arc<AtomicBool>);

impl Intercept for Sent {
    fn name(&self) -> &'static str {
        "Sent"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.store(true, Ordering::Release);
        Ok(())
    }
}

impl<'a> Call<'a> {
    pub(crate) async fn start(owner: &'a Ec2, operation: Action, at: &'a Scope) -> Self {
        Self {
            clients: owner.clients(at).await,
            owner,
            operation,
            at,
            sent: Sent::default(),
        }
    }

    /// To be given to every request of this call.
    pub(crate) fn watch(&self) -> Sent {
        self.sent.clone()
    }

    /// What EC2 answered; its name for the call goes on record with it.
    pub(crate) fn answered<T: RequestId>(&self, answer: T) -> T {
        cloud::answered_as(answer.request_id());
        answer
    }

    /// What the SDK reported, as what it means.
    pub(crate) fn failed<E>(&self, error: SdkError<E>) -> Ec2Error
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let request_id = error.request_id();
        let (kind, code, message) = match &error {
            SdkError::ServiceError(service) => {
                let meta = service.err().meta();
                (
                    meta.code().map_or(Ec2ErrorKind::Unknown, classify),
                    meta.code(),
                    meta.message().unwrap_or_default().to_owned(),
                )
            }
            SdkError::ConstructionFailure(_) => {
                (Ec2ErrorKind::Malformed, None, domain::error_chain(&error))
            }
            SdkError::TimeoutError(_)
            | SdkError::DispatchFailure(_)
            | SdkError::ResponseError(_) => {
                let (kind, code) = self.unanswered(&error);
                (kind, code, domain::error_chain(&error))
            }
            _ => (Ec2ErrorKind::Ambiguous, None, domain::error_chain(&error)),
        };
        let failed = self.error(kind, &message, code, request_id);
        if matches!(
            kind,
            Ec2ErrorKind::ExpiredToken | Ec2ErrorKind::CredentialsRefused
        ) {
            self.owner.forget_session(self.at);
        }
        tracing::debug!(error = %failed, "EC2 call failed");
        failed
    }

    /// A part of the answer without which it says nothing. The call was answered with success, so
    /// what it did has to be read.
    pub(crate) fn needed<T>(&self, field: &'static str, value: Option<T>) -> Result<T, Ec2Error> {
        value.ok_or_else(|| {
            self.error(
                Ec2ErrorKind::Ambiguous,
                &format!("the answer has no {field}"),
                None,
                None,
            )
        })
    }

    /// A part of the answer in a form that is not its own.
    pub(crate) fn parsed<T: std::str::FromStr>(
        &self,
        field: &'static str,
        text: &str,
    ) -> Result<T, Ec2Error> {
        let message = || format!("the answer's {field} is unreadable: {text}");
        text.parse()
            .map_err(|_| self.error(Ec2ErrorKind::Unknown, &message(), None, None))
    }

    /// The token of the next page, if there is one. A token that repeats would be read for ever.
    pub(crate) fn next_page(
        &self,
        this: Option<String>,
        next: Option<String>,
    ) -> Result<Option<String>, Ec2Error> {
        let next = next.filter(|token| !token.is_empty());
        if next.is_some() && next == this {
            return Err(self.error(
                Ec2ErrorKind::Unknown,
                "the list's next page is the one just read",
                None,
                None,
            ));
        }
        Ok(next)
    }

    pub(crate) fn error(
        &self,
        kind: Ec2ErrorKind,
        message: &str,
        code: Option<&str>,
        request_id: Option<&str>,
    ) -> Ec2Error {
        Ec2Error {
            operation: self.operation,
            kind,
            code: code.map(Into::into),
            message: message.into(),
            request_id: request_id.map(Into::into),
            account: self.at.account.as_str().into(),
            region: self.at.region.as_str().into(),
        }
    }

    fn unanswered<'e>(&self, error: &'e (dyn Error + 'static)) -> (Ec2ErrorKind, Option<&'e str>) {
        if !self.sent.0.load(Ordering::Acquire) {
            return without_credentials(error).unwrap_or((Ec2ErrorKind::ConnectFailed, None));
        }
        let connect = find::<hyper_util::client::legacy::Error>(error)
            .is_some_and(hyper_util::client::legacy::Error::is_connect);
        (
            if connect {
                Ec2ErrorKind::ConnectFailed
            } else {
                Ec2ErrorKind::Ambiguous
            },
            None,
        )
    }
}

/// Why there are no credentials, if that is what the error is about: none configured, STS refused
/// the role, or STS did not answer.
fn without_credentials<'e>(
    error: &'e (dyn Error + 'static),
) -> Option<(Ec2ErrorKind, Option<&'e str>)> {
    let cause = find::<CredentialsError>(error)?;
    let kind = match cause {
        CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_) => {
            Ec2ErrorKind::CredentialsRefused
        }
        CredentialsError::ProviderTimedOut(_) => Ec2ErrorKind::ConnectFailed,
        CredentialsError::ProviderError(_) => return Some(role_not_assumed(cause)),
        CredentialsError::Unhandled(_) | _ => Ec2ErrorKind::Unknown,
    };
    Some((kind, None))
}

fn role_not_assumed(cause: &CredentialsError) -> (Ec2ErrorKind, Option<&str>) {
    match find::<SdkError<AssumeRoleError>>(cause) {
        Some(SdkError::ServiceError(service)) => {
            let code = service.err().meta().code();
            (
                code.map_or(Ec2ErrorKind::Unknown, |code| as_refusal(classify(code))),
                code,
            )
        }
        // The base credentials are what is missing; or STS was not reached, or did not answer. No
        // matter what became of the request to STS: the call itself was not sent.
        Some(unanswered) => unanswered
            .source()
            .and_then(without_credentials)
            .unwrap_or((Ec2ErrorKind::ConnectFailed, None)),
        None => (Ec2ErrorKind::CredentialsRefused, None),
    }
}

/// STS says "denied" and "no such role" where the effect is that we are nobody in that account.
fn as_refusal(kind: Ec2ErrorKind) -> Ec2ErrorKind {
    if matches!(kind, Ec2ErrorKind::Denied | Ec2ErrorKind::NotFound) {
        Ec2ErrorKind::CredentialsRefused
    } else {
        kind
    }
}

/// The first error of this type in the chain.
fn find<'e, T: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::error::ConnectorError;

    fn sts_unanswered(source: impl Into<BoxError>) -> CredentialsError {
        let connector = ConnectorError::other(source.into(), None);
        CredentialsError::provider_error(SdkError::<AssumeRoleError>::dispatch_failure(connector))
    }

    #[test]
    fn missing_base_credentials_are_refused_credentials_and_an_unreachable_sts_is_an_outage() {
        let kind = |error: &CredentialsError| without_credentials(error).map(|(kind, _)| kind);
        assert_eq!(
            kind(&CredentialsError::not_loaded("none")),
            Some(Ec2ErrorKind::CredentialsRefused)
        );
        assert_eq!(
            kind(&sts_unanswered(CredentialsError::not_loaded("none"))),
            Some(Ec2ErrorKind::CredentialsRefused)
        );
        assert_eq!(
            kind(&sts_unanswered("connection refused")),
            Some(Ec2ErrorKind::ConnectFailed)
        );
        assert!(
            without_credentials(&ConnectorError::other("something else".into(), None)).is_none()
        );
    }
}
