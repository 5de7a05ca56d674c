//! Which role may call which method, over the wire: every method that the API describes, as every
//! role, in gRPC and in JSON, beside the table that was agreed.

use super::{bearer, bindings, guarded, issuers};
use crate::support::http::{Head, Version, send};
use peerage::api::POOL;
use peerage_tests::oidc::Issuer;
use serde_json::json;
use std::collections::BTreeMap;

/// The table, a line for each method.
const AGREED: &str = include_str!("../../../../domain/golden/access/roles.txt");

/// An empty message of gRPC.
const EMPTY: [u8; 5] = [0; 5];

/// By method, whether each role may call it, in the order of the roles.
fn agreed() -> (Vec<&'static str>, BTreeMap<&'static str, Vec<bool>>) {
    let mut lines = AGREED.lines().map(str::split_whitespace);
    let roles = lines.next().unwrap().skip(1).collect();
    let methods = lines.map(|mut it| (it.next().unwrap(), it.map(|word| word == "yes").collect()));
    (roles, methods.collect())
}

/// Every method that the API describes, by its path.
fn described() -> BTreeMap<String, String> {
    let services = POOL.services();
    let own = services.filter(|it| it.full_name().starts_with("peerage."));
    let methods = own.flat_map(|service| service.methods().collect::<Vec<_>>());
    methods
        .map(|it| {
            let path = format!("/{}/{}", it.parent_service().full_name(), it.name());
            (path, it.name().to_owned())
        })
        .collect()
}

/// What a call with an empty message came to, before any of its answer: denied, unknown, or else.
async fn called(server: &str, path: &str, token: Option<&str>, is_grpc: bool) -> &'static str {
    let head = match (is_grpc, token) {
        (false, Some(token)) => bearer(path, token),
        (false, None) => Head::json(path),
        (true, token) => {
            let head = Head::new("POST", path)
                .with("content-type", "application/grpc")
                .with("te", "trailers");
            match token {
                Some(token) => head.with("authorization", &format!("Bearer {token}")),
                None => head,
            }
        }
    };
    let answer = match is_grpc {
        true => send(server, Version::Http2, &head, EMPTY.to_vec()).await,
        false => send(server, Version::Http1, &head, "{}").await,
    };
    let status = answer.headers().get("grpc-status");
    match (answer.status().as_u16(), status.map(|it| it.as_bytes())) {
        (403, _) | (_, Some(b"7")) => "denied",
        (401, _) | (_, Some(b"16")) => "unknown",
        (404 | 501, None) if is_grpc => "no such method",
        (_, Some(b"12")) => "no such method",
        _ => "let in",
    }
}

#[tokio::test]
async fn every_method_lets_in_the_roles_that_were_agreed_and_nobody_else_in_grpc_and_in_json() {
    let (roles, agreed) = agreed();
    let described = described();
    let names: Vec<_> = described.values().map(String::as_str).collect();
    let missing: Vec<_> = names
        .iter()
        .filter(|it| !agreed.contains_key(*it))
        .collect();
    assert!(
        missing.is_empty(),
        "nobody has said who may call {missing:?}"
    );
    assert_eq!(agreed.len(), described.len(), "a method is gone");

    let (issuer, data) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let bound: Vec<_> = roles
        .iter()
        .map(|role| (*role, issuer.url(), *role))
        .collect();
    let bound: Vec<_> = bound
        .iter()
        .map(|(role, url, subject)| (*role, url.as_str(), *subject, ""))
        .collect();
    let engine = guarded(data.path(), &issuers(&[&issuer.url()]), &bindings(&bound)).await;
    let server = engine.server();
    let mut tokens = Vec::new();
    for role in &roles {
        tokens.push(issuer.token("good", json!({ "sub": role })).await);
    }
    let mut wrong = Vec::new();
    for (path, name) in &described {
        for is_grpc in [true, false] {
            if called(&server, path, None, is_grpc).await != "unknown" {
                wrong.push(format!("{name} by nobody, gRPC: {is_grpc}"));
            }
            let allowed = agreed[name.as_str()].iter().zip(&roles).zip(&tokens);
            for ((allowed, role), token) in allowed {
                let came = called(&server, path, Some(token), is_grpc).await;
                let expected = if *allowed { "let in" } else { "denied" };
                if came != expected {
                    wrong.push(format!("{name} by {role}, gRPC: {is_grpc}: {came}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    engine.stop().await;
}
