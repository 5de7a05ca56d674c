//! What a failed call says about what may have happened: nothing sent, refused, or perhaps done.
//!
//! The faults are microburst's, between us and the emulator; a few that it does not make come from
//! bare sockets.

#![allow(clippy::unwrap_used)]

mod answers;
mod sessions;
#[path = "../support/mod.rs"]
mod support;

use peerage_aws::ec2::{
    CreatePeering, CreateVpc, Ec2, Ec2Error, Ec2ErrorKind, Ec2Settings, PeeringConnection, Scope,
    Tags, VpcId,
};
use serde_json::json;
use socket2::{Domain, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Weak};
use std::time::Duration;
use support::{LOCAL, directly, error_body, local, remote, settings};
use testkit::canned::{request, serve};
use testkit::microburst::Microburst;
use testkit::moto::Moto;
use testkit::ports;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

const CREATE: &str = "CreateVpcPeeringConnection";

/// An emulator behind a proxy. The proxy takes seconds to start, so whoever needs one while there
/// is one shares it, in a region of his own; the last one ends it.
struct Servers {
    proxy: Microburst,
    moto: Moto,
}

static SERVERS: Mutex<Weak<Servers>> = Mutex::const_new(Weak::new());

impl Servers {
    async fn shared() -> Arc<Self> {
        let mut running = SERVERS.lock().await;
        if let Some(servers) = running.upgrade() {
            return servers;
        }
        let moto = Moto::start().await;
        let servers = Arc::new(Self {
            proxy: support::microburst(&moto).await,
            moto,
        });
        *running = Arc::downgrade(&servers);
        servers
    }
}

/// Two networks to peer, ours in a region that no other test uses.
struct Scene {
    servers: Arc<Servers>,
    at: Scope,
    /// A client that goes around the proxy, to see what is really there.
    judge: Ec2,
    ours: VpcId,
    theirs: VpcId,
}

impl Scene {
    async fn set(region: &str) -> Self {
        let servers = Servers::shared().await;
        let at = Scope::new(LOCAL, region);
        let judge = Ec2::new(settings(&servers.moto.endpoint()));
        let vpc = |cidr: &str| CreateVpc {
            cidr: cidr.parse().unwrap(),
            tags: Tags::new(),
        };
        let ours = judge.create_vpc(&at, &vpc("10.1.0.0/16")).await.unwrap().id;
        let theirs = judge
            .create_vpc(&remote(), &vpc("10.2.0.0/16"))
            .await
            .unwrap()
            .id;
        Self {
            servers,
            at,
            judge,
            ours,
            theirs,
        }
    }

    /// From now on, calls of this test that the rule matches are broken in its way.
    async fn rule(&self, rule: serde_json::Value) {
        self.servers.proxy.rule(&self.at.region, rule).await;
    }

    async fn broken(&self) -> Vec<String> {
        self.servers.proxy.broken(&self.at.region).await
    }

    fn settings(&self) -> Ec2Settings {
        settings(&self.servers.proxy.endpoint())
    }

    async fn create(&self, ec2: &Ec2) -> Result<PeeringConnection, Ec2Error> {
        let wanted = CreatePeering {
            vpc: self.ours.clone(),
            peer: remote(),
            peer_vpc: self.theirs.clone(),
            tags: Tags::new(),
        };
        ec2.create_vpc_peering_connection(&self.at, &wanted).await
    }

    /// How many connections there are, by the judge.
    async fn there(&self) -> usize {
        let ours = std::slice::from_ref(&self.ours);
        self.judge
            .describe_vpc_peering_connections_of(&self.at, ours)
            .await
            .unwrap()
            .len()
    }

    /// Waits until there are this many, for a bounded time.
    async fn until_there(&self, count: usize) {
        let reached = async {
            let mut look = tokio::time::interval(Duration::from_millis(25));
            while self.there().await != count {
                look.tick().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reached)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn an_answer_lost_after_the_deed_is_ambiguous_and_the_deed_was_done_once() {
    let scene = Scene::set("eu-west-1").await;
    let ec2 = Ec2::new(scene.settings());
    scene
        .rule(json!({"service": "ec2", "operation": CREATE, "response": {"abort_frac": 0.3}}))
        .await;
    let lost = scene.create(&ec2).await.unwrap_err();
    assert_eq!(lost.kind, Ec2ErrorKind::Ambiguous, "{lost}");
    assert_eq!(scene.there().await, 1);
    assert_eq!(scene.broken().await, [CREATE], "one attempt");
}

#[tokio::test]
async fn a_connection_reset_before_the_deed_is_ambiguous_too_for_we_cannot_know() {
    let scene = Scene::set("eu-west-2").await;
    let ec2 = Ec2::new(scene.settings());
    scene
        .rule(json!({"service": "ec2", "operation": CREATE, "reset": true}))
        .await;
    let lost = scene.create(&ec2).await.unwrap_err();
    assert_eq!(lost.kind, Ec2ErrorKind::Ambiguous, "{lost}");
    assert_eq!(scene.there().await, 0);
    assert_eq!(scene.broken().await, [CREATE], "one attempt");
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_ambiguous_and_the_deed_may_come_later() {
    let scene = Scene::set("eu-west-3").await;
    let ec2 = Ec2::new(Ec2Settings {
        read_timeout: Duration::from_secs(2),
        ..scene.settings()
    });
    ec2.caller_identity(&scene.at).await.unwrap();
    scene
        .rule(json!({"service": "ec2", "operation": CREATE, "latency": 4000}))
        .await;
    let late = scene.create(&ec2).await.unwrap_err();
    assert_eq!(late.kind, Ec2ErrorKind::Ambiguous, "{late}");
    scene.until_there(1).await;
    assert_eq!(scene.broken().await, [CREATE], "one attempt");
}

#[tokio::test]
async fn refusals_are_told_apart_made_once_and_leave_nothing() {
    let scene = Scene::set("eu-north-1").await;
    let ec2 = Ec2::new(scene.settings());
    let refusals = [
        ("RequestLimitExceeded", 503, Ec2ErrorKind::Throttled),
        ("UnauthorizedOperation", 403, Ec2ErrorKind::Denied),
        ("AuthFailure", 401, Ec2ErrorKind::CredentialsRefused),
        ("RequestExpired", 400, Ec2ErrorKind::ExpiredToken),
        (
            "VpcPeeringConnectionsPerVpcLimitExceeded",
            400,
            Ec2ErrorKind::Quota,
        ),
        ("DryRunOperation", 412, Ec2ErrorKind::DryRun),
        ("InternalError", 500, Ec2ErrorKind::Unavailable),
    ];
    for (code, status, kind) in refusals {
        let rule = json!({"service": "ec2", "operation": CREATE, "times": 1, "error": {"code": code, "status": status}});
        scene.rule(rule).await;
        let refused = scene.create(&ec2).await.unwrap_err();
        assert_eq!(
            (refused.kind, refused.code.as_deref()),
            (kind, Some(code)),
            "{refused}"
        );
        assert!(refused.request_id.is_some(), "{refused}");
    }
    assert_eq!(scene.there().await, 0);
    assert_eq!(scene.broken().await, [CREATE; 7]);
    // Refused credentials were thrown away, so this goes with a new session.
    scene.create(&ec2).await.unwrap();
}

#[tokio::test]
async fn a_role_that_is_refused_is_no_failure_of_the_call_and_is_tried_afresh_next_time() {
    let scene = Scene::set("eu-central-1").await;
    let ec2 = Ec2::new(scene.settings());
    scene.rule(json!({"service": "sts", "operation": "AssumeRole", "times": 1, "error": {"code": "AccessDenied", "status": 403}})).await;
    let refused = scene.create(&ec2).await.unwrap_err();
    assert_eq!(
        (refused.kind, refused.code.as_deref()),
        (Ec2ErrorKind::CredentialsRefused, Some("AccessDenied")),
        "{refused}"
    );
    assert_eq!(refused.operation.as_str(), CREATE);
    scene.rule(json!({"service": "sts", "operation": "AssumeRole", "times": 1, "error": {"code": "Throttling", "status": 400}})).await;
    let throttled = scene.create(&ec2).await.unwrap_err();
    assert_eq!(throttled.kind, Ec2ErrorKind::Throttled, "{throttled}");
    scene
        .rule(json!({"service": "sts", "operation": "AssumeRole", "times": 1, "reset": true}))
        .await;
    let unreachable = scene.create(&ec2).await.unwrap_err();
    assert_eq!(
        unreachable.kind,
        Ec2ErrorKind::ConnectFailed,
        "the call itself was not sent: {unreachable}"
    );
    assert_eq!(scene.there().await, 0);
    scene.create(&ec2).await.unwrap();
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let endpoint = format!("http://127.0.0.1:{}", ports::free());
    for settings in [directly(&endpoint), settings(&endpoint)] {
        let refused = Ec2::new(settings)
            .describe_vpcs(&local(), &["vpc-1".into()])
            .await
            .unwrap_err();
        assert_eq!(refused.kind, Ec2ErrorKind::ConnectFailed, "{refused}");
        assert!(refused.code.is_none());
    }
    let nowhere = Ec2::new(directly("http://peerage.invalid"))
        .describe_vpcs(&local(), &["vpc-1".into()])
        .await
        .unwrap_err();
    assert_eq!(nowhere.kind, Ec2ErrorKind::ConnectFailed, "{nowhere}");
}

#[tokio::test]
async fn a_connection_that_is_never_established_sent_nothing() {
    // A queue for one connection, and that one taken: the next is neither accepted nor refused.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket
        .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
        .unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut taken = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(Duration::from_millis(500), TcpStream::connect(address)).await
    {
        taken.push(stream);
    }
    let settings = Ec2Settings {
        connect_timeout: Duration::from_millis(300),
        ..directly(&format!("http://{address}"))
    };
    let late = Ec2::new(settings)
        .describe_vpcs(&local(), &["vpc-1".into()])
        .await
        .unwrap_err();
    assert_eq!(late.kind, Ec2ErrorKind::ConnectFailed, "{late}");
}

#[tokio::test]
async fn a_peer_that_hangs_up_or_falls_silent_after_the_request_leaves_it_ambiguous() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        request(&mut first).await.unwrap();
        drop(first);
        let (mut second, _) = listener.accept().await.unwrap();
        request(&mut second).await.unwrap();
        request(&mut second).await
    });
    let ec2 = Ec2::new(Ec2Settings {
        read_timeout: Duration::from_millis(300),
        ..directly(&endpoint)
    });
    for how in ["hung up", "fell silent"] {
        let lost = ec2
            .describe_vpcs(&local(), &["vpc-1".into()])
            .await
            .unwrap_err();
        assert_eq!(lost.kind, Ec2ErrorKind::Ambiguous, "{how}: {lost}");
    }
    assert_eq!(serving.await.unwrap(), None, "and no second attempt");
}

#[tokio::test]
async fn an_answer_without_a_code_or_with_an_unknown_one_is_unknown() {
    let html = "<!doctype html><title>500 Internal Server Error</title>".to_owned();
    let (endpoint, _serving) = serve(vec![
        (500, html),
        (400, error_body("SomethingNew", "words")),
    ])
    .await;
    let ec2 = Ec2::new(directly(&endpoint));
    let without = ec2
        .describe_vpcs(&local(), &["vpc-1".into()])
        .await
        .unwrap_err();
    assert_eq!(
        (without.kind, without.code.as_deref()),
        (Ec2ErrorKind::Unknown, None),
        "{without}"
    );
    let new = ec2
        .describe_vpcs(&local(), &["vpc-1".into()])
        .await
        .unwrap_err();
    assert_eq!(
        (new.kind, new.code.as_deref(), &*new.message),
        (Ec2ErrorKind::Unknown, Some("SomethingNew"), "words")
    );
    assert_eq!(new.request_id.as_deref(), Some("req-1"));
}

#[tokio::test]
async fn what_is_gone_is_gone_in_either_spelling() {
    for code in [
        "InvalidVpcPeeringConnectionID.NotFound",
        "InvalidVpcPeeringConnectionId.NotFound",
    ] {
        let (endpoint, _serving) = serve(vec![(400, error_body(code, "gone"))]).await;
        let ec2 = Ec2::new(directly(&endpoint));
        let gone = ec2
            .accept_vpc_peering_connection(&local(), &"pcx-1".into())
            .await
            .unwrap_err();
        assert_eq!(gone.kind, Ec2ErrorKind::NotFound, "{gone}");
    }
}

fn page(id: &str, next: &str) -> (u16, String) {
    let vpc = |name: &str, id: &str| {
        format!("<{name}><ownerId>111111111111</ownerId><vpcId>{id}</vpcId></{name}>")
    };
    let item = format!(
        "<item><vpcPeeringConnectionId>{id}</vpcPeeringConnectionId>{}{}<status><code>newly-invented</code></status></item>",
        vpc("requesterVpcInfo", "vpc-1"),
        vpc("accepterVpcInfo", "vpc-2"),
    );
    let set = format!(
        "<vpcPeeringConnectionSet>{item}</vpcPeeringConnectionSet><nextToken>{next}</nextToken>"
    );
    (
        200,
        format!(
            "<DescribeVpcPeeringConnectionsResponse><requestId>r</requestId>{set}</DescribeVpcPeeringConnectionsResponse>"
        ),
    )
}

#[tokio::test]
async fn a_list_is_read_to_its_last_page_and_a_list_without_an_end_is_refused() {
    let only = ["vpc-1".into()];
    let (endpoint, serving) = serve(vec![page("pcx-1", "second"), page("pcx-2", "")]).await;
    let found = Ec2::new(directly(&endpoint))
        .describe_vpc_peering_connections_of(&local(), &only)
        .await
        .unwrap();
    assert_eq!(
        found
            .iter()
            .map(|found| found.id.as_str())
            .collect::<Vec<_>>(),
        ["pcx-1", "pcx-2"]
    );
    assert_eq!(found[0].status.to_string(), "newly-invented");
    let asked = serving.await.unwrap();
    assert!(!asked[0].contains("NextToken") && asked[1].contains("NextToken=second"));

    let (endpoint, _serving) = serve(vec![page("pcx-1", "same"), page("pcx-2", "same")]).await;
    let endless = Ec2::new(directly(&endpoint))
        .describe_vpc_peering_connections_of(&local(), &only)
        .await
        .unwrap_err();
    assert_eq!(endless.kind, Ec2ErrorKind::Unknown, "{endless}");
}
