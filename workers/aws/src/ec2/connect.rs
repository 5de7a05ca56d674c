//! Makes the SDK's clients: HTTP, credentials, timeouts, and never a second attempt.

use crate::ec2::scope::Scope;
use crate::ec2::settings::{BaseCredentials, Ec2Settings};
use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use std::time::Duration;

/// How much longer an attempt may take than connecting and waiting for the first byte: the rest of
/// a long list has to arrive.
const READ_TO_THE_END: Duration = Duration::from_secs(30);

/// The clients for one account and region.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) quotas: aws_sdk_servicequotas::Client,
}

/// One pool of connections for everybody; credentials are loaded at the first use.
pub(crate) fn http_client() -> SharedHttpClient {
    Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

impl Clients {
    /// Prepares clients for this place, with the external id it names. Nothing is sent yet: a role
    /// is assumed at the first call.
    pub(crate) async fn prepare(
        settings: &Ec2Settings,
        http: &SharedHttpClient,
        at: &Scope,
    ) -> Self {
        let base = base_config(settings, http, at).await;
        let config = match settings.role_arn(at) {
            Some(role) => {
                let mut role = AssumeRoleProvider::builder(role)
                    .configure(&base)
                    .session_name(&settings.session_name);
                if let Some(external_id) = &at.external_id {
                    role = role.external_id(external_id.as_str());
                }
                let role = SharedCredentialsProvider::new(role.build().await);
                base.into_builder().credentials_provider(role).build()
            }
            None => base,
        };
        Self {
            ec2: aws_sdk_ec2::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            quotas: aws_sdk_servicequotas::Client::new(&config),
        }
    }
}

/// Everything but the role.
async fn base_config(settings: &Ec2Settings, http: &SharedHttpClient, at: &Scope) -> SdkConfig {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(at.region.clone()))
        .credentials_provider(base_credentials(settings, http, at).await)
        .identity_cache(IdentityCache::lazy().build())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts(settings))
        .sleep_impl(TokioSleep::new())
        .time_source(SystemTimeSource::new())
        .http_client(http.clone());
    config.set_endpoint_url(settings.endpoint.clone());
    config.build()
}

/// Static keys are used as they are, with no look at the environment, the disk or the instance's
/// metadata service.
async fn base_credentials(
    settings: &Ec2Settings,
    http: &SharedHttpClient,
    at: &Scope,
) -> SharedCredentialsProvider {
    match &settings.credentials {
        BaseCredentials::Static(keys) => {
            let (id, secret) = (keys.access_key_id.clone(), keys.secret_access_key.clone());
            SharedCredentialsProvider::new(Credentials::new(
                id,
                secret,
                keys.session_token.clone(),
                None,
                "static",
            ))
        }
        BaseCredentials::DefaultChain => {
            let loader = aws_config::defaults(BehaviorVersion::latest())
                .region(Region::new(at.region.clone()))
                .http_client(http.clone());
            let config = loader.load().await;
            config
                .credentials_provider()
                .unwrap_or_else(|| SharedCredentialsProvider::new(Nobody))
        }
    }
}

fn timeouts(settings: &Ec2Settings) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(settings.connect_timeout)
        .read_timeout(settings.read_timeout)
        .operation_attempt_timeout(
            settings.connect_timeout + settings.read_timeout + READ_TO_THE_END,
        )
        .build()
}

/// Credentials that are not there.
#[derive(Debug)]
struct Nobody;

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(
        &'a self,
    ) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let none = aws_credential_types::provider::error::CredentialsError::not_loaded(
            "no credentials are configured",
        );
        aws_credential_types::provider::future::ProvideCredentials::ready(Err(none))
    }
}
