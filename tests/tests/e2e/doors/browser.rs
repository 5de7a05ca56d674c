//! A browser whose user has a client certificate shows it for whatever page asks. What another
//! site's page asks for is refused all the same, and nothing else that a browser sends by itself
//! makes anybody known.

use peerage_tests::{engine::Launch, pki::Pki, ports};
use serde_json::json;
use uuid::Uuid;

const LIST: &str = "/peerage.v1.NetworkService/ListNetworks";
const REGISTER: &str = "/peerage.v1.NetworkService/RegisterNetwork";

/// A request as a browser's page sends it, with these headers beside its own.
fn request(port: u16, path: &str, content_type: &str, headers: &[&str], body: &str) -> String {
    let mut head = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: {content_type}\r\nContent-Length: {}\r\n",
        body.len()
    );
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    format!("{head}\r\n{body}")
}

fn registration() -> String {
    json!({
        "context": { "commandId": Uuid::new_v4().to_string(), "actor": "a page", "reason": "a page asked" },
        "project": "payments",
        "name": "orders",
        "provider": "PROVIDER_AWS",
        "region": "eu-west-1",
        "account": "111122223333",
        "cloudNetwork": "vpc-0a1b2c3d",
        "range": "10.20.0.0/16",
    })
    .to_string()
}

#[tokio::test]
async fn a_browsers_client_certificate_opens_nothing_to_another_sites_page_and_a_cookie_to_nobody()
{
    let (pki, data) = (Pki::new(), tempfile::tempdir().unwrap());
    pki.server();
    pki.authority("clients");
    pki.leaf("clients", "admin", "email:admin@example.org", "clientAuth");
    let bound = r#"[{role="admin",method="mtls",issuer="O=Tests, CN=clients",subject="admin@example.org"}]"#;
    let port = ports::free();
    let engine = Launch::new(data.path())
        .own_store()
        .listening(&format!("0.0.0.0:{port}"))
        .with(&["--tls-cert", &pki.text("server.crt")])
        .with(&["--tls-key", &pki.text("server.key")])
        .with(&["--client-ca", &pki.text("clients.crt")])
        .set("access.bindings", bound)
        .start_guarded()
        .await;
    let json = "application/json";
    let by = |client: Option<&str>, path, content_type, headers: &[&str], body: &str| {
        pki.answered(
            port,
            client,
            &request(port, path, content_type, headers, body),
        )
    };

    let body = registration();
    for headers in [
        &["Origin: https://evil.example", "Sec-Fetch-Site: cross-site"][..],
        &["Origin: null"],
        &["Origin: http://localhost"],
        &["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"],
        &["Sec-Fetch-Site: same-site"],
    ] {
        for content_type in [json, "text/plain", "application/grpc-web+proto"] {
            for path in [REGISTER, LIST] {
                let answer = by(Some("admin"), path, content_type, headers, &body);
                assert!(answer.starts_with("HTTP/1.1 403"), "{headers:?}: {answer}");
                assert!(answer.contains("ORIGIN_FOREIGN"), "{headers:?}: {answer}");
            }
        }
    }
    let listed = by(Some("admin"), LIST, json, &[], "{}");
    assert!(listed.starts_with("HTTP/1.1 200"), "{listed}");
    assert!(!listed.contains("orders"), "{listed}");

    let cookies = ["Cookie: token=admin@example.org; authorization=Bearer admin"];
    let nobody = by(None, REGISTER, json, &cookies, &body);
    assert!(nobody.starts_with("HTTP/1.1 401"), "{nobody}");
    assert!(nobody.contains("UNAUTHENTICATED"), "{nobody}");

    let own = format!("Origin: https://127.0.0.1:{port}");
    let headers = [&*own, "Sec-Fetch-Site: same-origin"];
    let taken = by(Some("admin"), REGISTER, json, &headers, &body);
    assert!(taken.starts_with("HTTP/1.1 200"), "{taken}");
    engine.stop().await;
}
