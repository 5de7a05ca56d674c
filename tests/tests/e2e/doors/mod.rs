//! Who gets in: TLS, who is believed to be whom, and what they may do. Certificates are openssl's,
//! and tokens a library's that is not ours.

mod another_log;
mod approvals;
mod approvals_bounds;
mod auth;
mod browser;
mod doctor;
mod fair;
mod flush;
mod histories;
mod listeners;
mod load;
mod matrix;
mod node_load;
mod out_of_reach;
mod projection;
mod roles;
mod stop;
mod store;
mod tls;

use crate::support::http::{Head, Version, ask};
use peerage_tests::engine::{Engine, Finished, Launch, finish, peerage};
use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, path::Path};

/// Runs the command line with these variables.
pub(crate) async fn with(variables: &[(&str, &str)], arguments: &[&str]) -> Finished {
    let mut command = peerage();
    command.args(arguments).envs(variables.iter().copied());
    finish(command).await
}

/// An engine that believes these issuers, with these bindings.
async fn guarded(data: &Path, issuers: &str, bindings: &str) -> Engine {
    let launch = Launch::new(data)
        .own_store()
        .set("access.issuers", issuers)
        .set("access.bindings", bindings);
    launch.start_guarded().await
}

/// Issuers of this machine, as the configuration has them.
fn issuers(urls: &[&str]) -> String {
    let issuer = |url: &&str| {
        format!(
            r#"{{url="{url}",audiences=["peerage"],clock_skew_seconds=0,allow_http_on_loopback=true}}"#
        )
    };
    let all: Vec<_> = urls.iter().map(issuer).collect();
    format!("[{}]", all.join(","))
}

/// Roles of subjects that prove themselves by a token: role, issuer, subject, and what bounds it.
fn bindings(all: &[(&str, &str, &str, &str)]) -> String {
    let binding = |(role, issuer, subject, bounds): &(&str, &str, &str, &str)| {
        let comma = if bounds.is_empty() { "" } else { "," };
        format!(
            r#"{{role="{role}",method="token",issuer="{issuer}",subject="{subject}"{comma}{bounds}}}"#
        )
    };
    let all: Vec<_> = all.iter().map(binding).collect();
    format!("[{}]", all.join(","))
}

/// A call in JSON with a bearer token.
fn bearer(path: &str, token: &str) -> Head {
    Head::json(path).with("authorization", &format!("Bearer {token}"))
}

/// Asks with a token who one is; the status, and the reason where it is none.
async fn whoami(server: &str, token: &str) -> (u16, String) {
    let head = bearer("/peerage.v1.AccessService/WhoAmI", token);
    let answer = ask(server, Version::Http1, &head, "{}").await;
    let reason = if answer.status == 200 {
        String::new()
    } else {
        answer.reason()
    };
    (answer.status.as_u16(), reason)
}

/// The words that register a network.
fn network<'a>(name: &'a str, project: &'a str) -> [&'a str; 14] {
    let (vpc, range) = match name {
        "orders" => ("vpc-0a1b2c3d", "10.20.0.0/16"),
        _ => ("vpc-0a1b2c3e", "10.21.0.0/16"),
    };
    [
        "network",
        "register",
        "--name",
        name,
        "--project",
        project,
        "--region",
        "eu-west-1",
        "--account",
        "111122223333",
        "--vpc",
        vpc,
        "--range",
        range,
    ]
}

fn rights(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A file that holds a token.
fn token_file(folder: &Path, token: &str) -> String {
    let path = folder.join("token");
    std::fs::write(&path, format!("{token}\n")).unwrap();
    rights(&path, 0o600);
    path.display().to_string()
}
