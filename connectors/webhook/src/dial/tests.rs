//! Hostile URLs and hostile answers of a resolver: each is refused, and nothing is dialled.

use super::*;
use parking_lot::Mutex;
use std::collections::VecDeque;
use testkit::wait;
use tokio::net::TcpListener;

/// A resolver that answers what it is told, one answer after the other, the last one for ever.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<VecDeque<Vec<IpAddr>>>>);

impl Told {
    fn one(addresses: &[&str]) -> Self {
        Self::answers(&[addresses])
    }

    fn answers(answers: &[&[&str]]) -> Self {
        let parsed = |all: &&[&str]| all.iter().map(|it| it.parse().unwrap()).collect();
        Self(Arc::new(Mutex::new(answers.iter().map(parsed).collect())))
    }
}

#[async_trait::async_trait]
impl Resolve for Told {
    async fn resolve(&self, _: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let mut answers = self.0.lock();
        let answer = if answers.len() > 1 {
            answers.pop_front()
        } else {
            answers.front().cloned()
        };
        let all = answer.unwrap_or_default();
        Ok(all
            .into_iter()
            .map(|it| SocketAddr::new(it, port))
            .collect())
    }
}

fn dialer(resolver: impl Resolve + 'static, allow: &[&str]) -> Dialer {
    Dialer::new(
        &Transport::new(resolver),
        Allow::parse(allow.iter().copied()).unwrap(),
    )
}

/// Listens on one port of every form of loopback that the machine has.
async fn listeners() -> (u16, Vec<TcpListener>) {
    wait::until(
        "a port that is free on every loopback address",
        wait::SOON,
        || async {
            let first = TcpListener::bind("127.0.0.1:0").await.ok()?;
            let port = first.local_addr().ok()?.port();
            let mut all = vec![first];
            for address in ["127.0.0.2", "::1"] {
                let address: IpAddr = address.parse().ok()?;
                match TcpListener::bind((address, port)).await {
                    Ok(listener) => all.push(listener),
                    Err(error) if error.kind() == io::ErrorKind::AddrInUse => return None,
                    // This machine does not have it.
                    Err(_) => {}
                }
            }
            Some((port, all))
        },
    )
    .await
}

/// That nobody has connected, which a connection made now would show.
async fn nothing_was_dialled(listeners: &[TcpListener]) {
    for listener in listeners {
        let address = listener.local_addr().unwrap();
        let own = TcpStream::connect(address).await.unwrap();
        let (_, peer) = listener.accept().await.unwrap();
        assert_eq!(
            peer,
            own.local_addr().unwrap(),
            "somebody dialled {address}"
        );
    }
}

async fn refused(dialer: Dialer, url: &str) -> Refused {
    let Ok(uri) = url.parse::<Uri>() else {
        panic!("{url} is none to dial");
    };
    match dialer.dial(uri).await {
        Err(DialError::Refused(refused)) => refused,
        other => panic!("{url}: {other:?}"),
    }
}

#[tokio::test]
async fn an_address_in_the_url_is_held_against_the_ranges_without_a_resolver() {
    let (port, listeners) = listeners().await;
    for host in [
        "127.0.0.1",
        "127.0.0.2",
        "0.0.0.0",
        "10.0.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "169.254.170.2",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "192.88.99.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[0:0:0:0:0:0:0:1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[2001::1]",
        "[2001:db8::1]",
        "[3fff::1]",
        "[100::1]",
        "[5f00::1]",
        "[::ffff:0:127.0.0.1]",
    ] {
        for scheme in ["http", "https"] {
            let untouched = dialer(Told::one(&["1.1.1.1"]), &["64:ff9b::/96"]);
            refused(untouched, &format!("{scheme}://{host}:{port}/")).await;
        }
    }
    nothing_was_dialled(&listeners).await;
}

#[tokio::test]
async fn a_name_is_what_the_system_makes_of_it_whatever_it_looks_like() {
    let (port, listeners) = listeners().await;
    // Some systems resolve these as addresses, some not at all: none may reach the listener.
    for host in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "127.1",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "2130706433",
        "017700000001",
        "0",
    ] {
        let uri: Uri = format!("http://{host}:{port}/").parse().unwrap();
        let dialled = dialer(SystemResolver, &[]).dial(uri).await;
        assert!(dialled.is_err(), "{host}");
    }
    let by_name = refused(
        dialer(SystemResolver, &[]),
        &format!("http://localhost:{port}/"),
    )
    .await;
    assert_eq!(by_name.class, crate::guard::Class::Loopback);
    nothing_was_dialled(&listeners).await;
}

#[tokio::test]
async fn a_name_with_two_addresses_of_which_one_is_inside_is_refused_as_a_whole() {
    let (port, listeners) = listeners().await;
    for addresses in [
        ["1.1.1.1", "127.0.0.1"],
        ["127.0.0.1", "1.1.1.1"],
        ["::1", "2606:4700::1111"],
        ["1.1.1.1", "::ffff:127.0.0.1"],
    ] {
        let url = format!("http://hooks.example.com:{port}/");
        let found = refused(dialer(Told::one(&addresses), &[]), &url).await;
        assert_eq!(found.host, "hooks.example.com");
    }
    nothing_was_dialled(&listeners).await;
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_held_to_each_answer() {
    let (port, listeners) = listeners().await;
    let told = Told::answers(&[&["127.0.0.1"], &["10.0.0.1"], &["0.0.0.0"]]);
    let dialer = dialer(told, &["hooks.example.com"]);
    let url = format!("http://hooks.example.com:{port}/");
    let first = dialer.clone().dial(url.parse().unwrap()).await;
    assert!(first.is_ok(), "this host is allowed: {first:?}");
    listeners[0].accept().await.unwrap();
    // The list still has the host, and what it is now is reached by nobody.
    drop(dialer.addresses("hooks.example.com", port).await);
    let now = refused(dialer, &url).await;
    assert_eq!(now.address.to_string(), "0.0.0.0");
    nothing_was_dialled(&listeners).await;
}

#[tokio::test]
async fn the_socket_is_opened_to_the_address_that_was_vetted_with_no_second_lookup() {
    let (port, listeners) = listeners().await;
    // A second lookup would lead elsewhere.
    let told = Told::answers(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let dialer = dialer(told.clone(), &["hooks.example.com"]);
    let url: Uri = format!("http://hooks.example.com:{port}/").parse().unwrap();
    let dialled = dialer.dial(url).await.unwrap();
    assert_eq!(dialled.peer.0.ip().to_string(), "127.0.0.1");
    assert_eq!(told.0.lock().len(), 1, "one lookup for one connection");
    listeners[0].accept().await.unwrap();
    nothing_was_dialled(&listeners).await;
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_does_not_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let told = Told::one(&["127.0.0.3", "127.0.0.1"]);
    let url: Uri = format!("http://hooks.internal:{port}/").parse().unwrap();
    let dialled = dialer(told, &["hooks.internal"]).dial(url).await.unwrap();
    assert_eq!(dialled.peer.0.ip().to_string(), "127.0.0.1");
}

#[tokio::test]
async fn a_name_without_an_address_or_with_too_many_is_no_receivers() {
    let url: Uri = "https://hooks.example.com/".parse().unwrap();
    let none = dialer(Told::default(), &[]).dial(url.clone()).await;
    assert!(
        matches!(none, Err(DialError::Addresses { count: 0, .. })),
        "{none:?}"
    );
    let many = vec!["1.1.1.1"; 65];
    let many = dialer(Told::one(&many), &[]).dial(url).await;
    assert!(
        matches!(many, Err(DialError::Addresses { count: 65, .. })),
        "{many:?}"
    );
    let nowhere = dialer(Told::default(), &[])
        .dial("/path".parse().unwrap())
        .await;
    assert!(matches!(nowhere, Err(DialError::NoHost(_))), "{nowhere:?}");
}
