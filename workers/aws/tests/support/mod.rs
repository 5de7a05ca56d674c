//! What these tests share: the accounts, and clients that enter them. The emulator, the faults and
//! the canned answers are the test kit's.

#![allow(dead_code, reason = "each suite uses a part")]

use peerage_aws::ec2::{BaseCredentials, Ec2, Ec2Settings, Scope, StaticKeys, Tags};
use std::time::Duration;
use testkit::microburst::Microburst;
use testkit::moto::Moto;

pub(crate) const LOCAL: &str = "111111111111";
pub(crate) const REMOTE: &str = "222222222222";

pub(crate) fn local() -> Scope {
    Scope::new(LOCAL, "eu-west-1")
}

pub(crate) fn remote() -> Scope {
    Scope::new(REMOTE, "us-east-1")
}

/// A proxy in front of the emulator that breaks nothing until it is told to.
pub(crate) async fn microburst(moto: &Moto) -> Microburst {
    let proxy = Microburst::start(&moto.endpoint()).await;
    // It reads a large model at its first EC2 request. That is not what a timeout in a test should
    // measure.
    let warm = Ec2::new(settings(&proxy.endpoint()));
    warm.describe_vpcs(&local(), &["vpc-1".into()])
        .await
        .unwrap();
    proxy
}

/// A client for `endpoint` that enters every account by a role.
pub(crate) fn settings(endpoint: &str) -> Ec2Settings {
    Ec2Settings {
        endpoint: Some(endpoint.to_owned()),
        credentials: BaseCredentials::Static(StaticKeys {
            access_key_id: "AKIATEST".to_owned(),
            secret_access_key: "test".to_owned(),
            session_token: None,
        }),
        role_name: Some("peerage".to_owned()),
        read_timeout: Duration::from_secs(60),
        ..Ec2Settings::default()
    }
}

/// The same without roles: the first request is the call itself.
pub(crate) fn directly(endpoint: &str) -> Ec2Settings {
    Ec2Settings {
        role_name: None,
        ..settings(endpoint)
    }
}

pub(crate) fn tags<const N: usize>(tags: [(&str, &str); N]) -> Tags {
    tags.into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// An error as EC2 writes it.
pub(crate) fn error_body(code: &str, message: &str) -> String {
    format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>req-1</RequestID></Response>"
    )
}
