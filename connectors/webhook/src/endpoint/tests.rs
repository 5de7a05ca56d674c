//! Settings, checked as a whole.

use super::*;
use crate::guard::{AllowError, Class};

fn made(settings: Settings) -> Result<Endpoint, Vec<Wrong>> {
    Endpoint::new(settings, &Transport::default())
}

fn wrong(settings: Settings) -> Vec<(String, Problem)> {
    let wrong = made(settings).err().unwrap_or_default();
    wrong.into_iter().map(|it| (it.field, it.problem)).collect()
}

fn secret(text: &str) -> SecretString {
    text.to_owned().into()
}

/// An authority, so that the tests do not depend on the machine's.
fn authority() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.self_signed(&key).unwrap().pem()
}

fn to(url: &str) -> Settings {
    Settings {
        authorities: Some(authority()),
        ..Settings::to(url)
    }
}

#[test]
fn every_wrong_field_is_told_at_once() {
    let found = wrong(Settings {
        url: "http://127.0.0.1/#x".to_owned(),
        method: "GET".to_owned(),
        headers: vec![
            ("Host".to_owned(), secret("x")),
            ("webhook-id".to_owned(), secret("x")),
            ("ce-id".to_owned(), secret("x")),
            ("peerage-lane".to_owned(), secret("x")),
            ("Authorization".to_owned(), secret("x")),
            ("a b".to_owned(), secret("x")),
            ("x-empty".to_owned(), secret("")),
            ("x-split".to_owned(), secret("a\r\nb")),
            ("x-right".to_owned(), secret("a")),
        ],
        authentication: Authentication::Basic {
            username: "a:b".to_owned(),
            password: secret(""),
        },
        client_certificate: Some(ClientCertificate {
            chain: "nonsense".to_owned(),
            key: secret("nonsense"),
        }),
        allow: vec!["0.0.0.0/0".to_owned(), "a b".to_owned()],
        timeout: Duration::from_secs(61),
        authorities: Some("nonsense".to_owned()),
        plain_http: false,
    });
    let fields: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "allow",
            "allow",
            "url",
            "method",
            "timeout",
            "headers:Host",
            "headers:webhook-id",
            "headers:ce-id",
            "headers:peerage-lane",
            "headers:Authorization",
            "headers:a b",
            "headers:x-empty",
            "headers:x-split",
            "authorities",
            "client_certificate:chain",
            "authentication:username",
        ]
    );
    assert_eq!(
        found[1].1,
        Problem::Allow(AllowError::Malformed("a b".to_owned()))
    );
}

#[test]
fn it_is_sent_over_https_unless_the_settings_say_otherwise() {
    let plain = || to("http://hooks.example.com/");
    assert_eq!(wrong(plain()), [("url".to_owned(), Problem::NotEncrypted)]);
    let allowed = Settings {
        plain_http: true,
        ..plain()
    };
    assert_eq!(made(allowed).unwrap().origin(), "http://hooks.example.com");
    assert_eq!(
        made(to("https://hooks.example.com:8443/x"))
            .unwrap()
            .origin(),
        "https://hooks.example.com:8443"
    );
}

#[test]
fn an_address_in_the_url_is_refused_when_it_is_set_in_every_notation() {
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "0.0.0.0",
        "0",
        "[::]",
        "169.254.169.254",
        "0xA9FEA9FE",
        "10.0.0.1",
        "[64:ff9b::7f00:1]",
        "%31%32%37.0.0.1",
        "①②⑦.0.0.1",
        "127.0.0.1.",
    ] {
        let found = wrong(to(&format!("https://{host}/x")));
        assert!(
            matches!(found[..], [(_, Problem::Refused(_))]),
            "{host}: {found:?}"
        );
    }
    let token = Settings {
        authentication: Authentication::ClientCredentials {
            token_url: "https://169.254.169.254/latest/meta-data".to_owned(),
            client_id: String::new(),
            client_secret: secret(""),
            scope: None,
            audience: None,
        },
        ..to("https://hooks.example.com/")
    };
    let found = wrong(token);
    let fields: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "authentication:client_id",
            "authentication:client_secret",
            "authentication:token_url"
        ]
    );
    assert!(matches!(&found[2].1, Problem::Refused(refused) if refused.class == Class::Metadata));
}

#[test]
fn what_the_refusal_prints_allows_it_when_it_is_added() {
    for url in [
        "https://10.1.2.3/",
        "https://127.0.0.1/",
        "https://[fd00::5]/",
        "https://[::1]/",
        "https://169.254.169.254/",
    ] {
        let found = wrong(to(url));
        let [(_, Problem::Refused(refused))] = &found[..] else {
            panic!("{url}: {found:?}");
        };
        let entry = refused.entry.clone().unwrap();
        assert!(refused.to_string().ends_with(&entry));
        let allowed = Settings {
            allow: vec![entry],
            ..to(url)
        };
        assert!(made(allowed).is_ok(), "{url}");
    }
}

#[test]
fn a_machine_without_authorities_is_told_of_where_something_is_sent_over_tls() {
    let made = |settings| Endpoint::new(settings, &Transport::without_authorities());
    let plain = || Settings {
        plain_http: true,
        ..Settings::to("http://hooks.example.com/")
    };
    assert!(made(plain()).is_ok());
    let tokens = Authentication::ClientCredentials {
        token_url: "https://auth.example.com/token".to_owned(),
        client_id: "me".to_owned(),
        client_secret: secret("hunter2"),
        scope: None,
        audience: None,
    };
    let encrypted = Settings::to("https://hooks.example.com/");
    let with_tokens = Settings {
        authentication: tokens,
        ..plain()
    };
    for settings in [encrypted, with_tokens] {
        let wrong = made(settings).unwrap_err();
        assert!(matches!(
            wrong[..],
            [Wrong {
                problem: Problem::NoAuthorities(_),
                ..
            }]
        ));
    }
    assert!(
        made(to("https://hooks.example.com/")).is_ok(),
        "it names its own"
    );
}

#[test]
fn a_header_of_authorization_is_the_owners_where_the_engine_sets_none() {
    let own = |authentication| Settings {
        headers: vec![("Authorization".to_owned(), secret("ApiKey 7"))],
        authentication,
        ..to("https://hooks.example.com/")
    };
    assert!(made(own(Authentication::None)).is_ok());
    assert!(made(own(Authentication::Bearer { token: secret("t") })).is_err());
}

#[test]
fn a_certificate_needs_its_own_key() {
    let key = rcgen::KeyPair::generate().unwrap();
    let other = rcgen::KeyPair::generate().unwrap();
    let chain = rcgen::CertificateParams::new(Vec::new())
        .unwrap()
        .self_signed(&key)
        .unwrap()
        .pem();
    let with = |key: &rcgen::KeyPair| Settings {
        client_certificate: Some(ClientCertificate {
            chain: chain.clone(),
            key: secret(&key.serialize_pem()),
        }),
        ..to("https://hooks.example.com/")
    };
    assert!(made(with(&key)).is_ok());
    assert_eq!(
        wrong(with(&other)),
        [("client_certificate:key".to_owned(), Problem::PrivateKey)]
    );
}

#[test]
fn no_setting_and_no_endpoint_shows_a_secret() {
    const SECRETS: [&str; 4] = ["hunter2", "tokentoken", "aHVudGVy", "shhhh"];
    for authentication in [
        Authentication::Basic {
            username: "ann".to_owned(),
            password: secret("hunter2"),
        },
        Authentication::Bearer {
            token: secret("tokentoken"),
        },
        Authentication::ClientCredentials {
            token_url: "https://auth.example.com/token".to_owned(),
            client_id: "me".to_owned(),
            client_secret: secret("hunter2"),
            scope: None,
            audience: None,
        },
    ] {
        let settings = Settings {
            headers: vec![("x-key".to_owned(), secret("shhhh"))],
            authentication,
            ..to("https://hooks.example.com/")
        };
        let shown = format!("{settings:?} {:?}", made(settings.clone()).unwrap());
        assert!(!SECRETS.iter().any(|it| shown.contains(it)), "{shown}");
    }
}
