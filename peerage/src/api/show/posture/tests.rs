//! How a side stands, word for word: in each life, at each provider, with all that can be known and
//! not known of it.

use super::{State, of};
use chrono::{DateTime, TimeZone, Utc};
use domain::{
    NetworkId, PeeringId, Provider, Range, Region, Side,
    network::{
        BlockCause, Blocked, Consent, Denial, DenialSeen, DenialWanted, Denied, DriftKind, Ending,
        Exposed, ExposedBy, Exposure, Hold, InboundRule, Life, LinkTrace, Network,
        NetworkRegistered, Peer, Peering, PeeringRequested, QuarantineScope, Registered, Seen,
        Terms, evolve,
    },
};
use std::{fmt::Debug, str::FromStr};
use uuid::Uuid;

const PROVIDERS: [Provider; 3] = [Provider::Aws, Provider::Gcp, Provider::Azure];

fn text<T: FromStr<Err: Debug>>(written: &str) -> T {
    written.parse().unwrap()
}

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 1, 9, 0, 0).unwrap()
}

/// A network and its peering, which is active, and of which nothing was seen.
struct World {
    network: Registered,
    peering: Peering,
}

impl World {
    fn new() -> Self {
        let region = |name| Region::of(Provider::Aws, name).unwrap();
        let peering_id = PeeringId(Uuid::from_u128(1));
        let registered = NetworkRegistered {
            network_id: NetworkId(Uuid::from_u128(2)),
            project: text("payments"),
            name: text("orders"),
            provider: Provider::Aws,
            region: region("eu-west-1"),
            account: text("111122223333"),
            cloud_network: text("vpc-0a1b2c3d"),
            range: text("10.20.0.0/16"),
            ipv6_ranges: Vec::new(),
            subnets: Vec::new(),
            cloud: None,
            generation: None,
        };
        let requested = PeeringRequested {
            peering_id,
            peer: Peer {
                provider: Provider::Aws,
                account: text("444455556666"),
                region: region("us-east-1"),
                cloud_network: text("vpc-0d4c3b2a"),
                ranges: vec![text("10.30.0.0/16")],
                subnets: Vec::new(),
            },
            requested_at: at(),
            terms: Terms::default(),
            external_id: None,
        };
        let network = evolve(Network::default(), &registered.into(), at());
        let Network::Registered(network) = evolve(network, &requested.into(), at()) else {
            panic!("the network is on record");
        };
        let mut peering = network.peerings().get(&peering_id).unwrap().clone();
        peering.life = Life::Active {
            link: text("pcx-1"),
        };
        Self { network, peering }
    }

    fn at_provider(provider: Provider) -> Self {
        let mut world = Self::new();
        world.network.provider = provider;
        world.peering.peer.provider = provider;
        world
    }

    /// Of which everything was seen: the engine's group holds what it must.
    fn seen(provider: Provider) -> Self {
        let mut world = Self::at_provider(provider);
        for side in Side::BOTH {
            let firewall = world.peering.firewall.get_mut(side);
            firewall.group = Some(text("firewall-1"));
            firewall.enforced_at = Some(at());
        }
        world
    }

    fn admits(mut self, side: Side, rules: impl IntoIterator<Item = InboundRule>) -> Self {
        self.peering.firewall.get_mut(side).admit.extend(rules);
        self
    }

    fn attached(mut self, interfaces: Option<u32>) -> Self {
        for side in Side::BOTH {
            let seen = Some(Seen {
                interfaces,
                at: at(),
            });
            self.peering.firewall.get_mut(side).attachment.seen = seen;
        }
        self
    }

    fn exposed(mut self, side: Side, all: impl IntoIterator<Item = Exposure>) -> Self {
        let all = all.into_iter().map(|exposure| {
            let since = at();
            (exposure.rule_id.clone(), Exposed { exposure, since })
        });
        self.peering.firewall.get_mut(side).exposures.extend(all);
        self
    }

    fn stands(&self, side: Side) -> (State, String) {
        of(&self.network, &self.peering, side)
    }

    #[track_caller]
    fn is(&self, side: Side, state: State, line: &str) {
        assert_eq!(self.stands(side), (state, line.to_owned()));
    }
}

/// A client of the peer's.
fn client(source: &str) -> InboundRule {
    InboundRule {
        source: text(source),
        port: 2113,
        target: None,
    }
}

/// A connector's way to a target, as the provider's rules can say it.
fn connector(provider: Provider) -> InboundRule {
    let target: Range = text("10.30.7.0/24");
    InboundRule {
        source: text("10.20.0.0/16"),
        port: 5432,
        target: (provider != Provider::Aws).then_some(target),
    }
}

fn exposure(n: u8, what: ExposedBy, cannot_tell: bool) -> Exposure {
    Exposure {
        group: text("sg-other"),
        group_name: "default".to_owned(),
        rule_id: text(&format!("rule-{n}")),
        admits: "tcp 22 from 10.0.0.0/8".to_owned(),
        owner: "444455556666".to_owned(),
        cannot_tell,
        what,
    }
}

#[test]
fn a_link_that_carries_nothing_yet_is_closed_and_of_one_that_has_ended_nothing_is_told() {
    let link = || text("pcx-1");
    let before = [
        Life::Requested,
        Life::Initiating {
            attempt: 1,
            started_at: at(),
        },
        Life::InitiationRefused { attempt: 1 },
        Life::AwaitingAcceptance {
            link: link(),
            expires_at: None,
            warned: false,
        },
        Life::Provisioning { link: link() },
    ];
    let carries = [
        Life::Active { link: link() },
        Life::Removing {
            trace: LinkTrace::Never,
        },
        Life::Abandoning {
            trace: LinkTrace::Never,
        },
    ];
    let after = [
        Ending::Rejected { link: link() },
        Ending::Expired { link: link() },
        Ending::Failed {
            link: None,
            message: String::new(),
        },
        Ending::Removed {
            link: None,
            left_behind: Vec::new(),
        },
        Ending::Abandoned {
            link: None,
            left_behind: Vec::new(),
            not_observed: Vec::new(),
        },
    ];
    let told = |life: Life| {
        let rule = exposure(1, ExposedBy::Rule, false);
        let mut world = World::seen(Provider::Aws).exposed(Side::Local, [rule]);
        world.peering.life = life;
        world.stands(Side::Local)
    };
    for life in before {
        let line = "closed: the link carries nothing yet".to_owned();
        assert_eq!(told(life), (State::Closed, line));
    }
    for life in carries {
        assert_eq!(told(life).0, State::Exposed);
    }
    for ending in after {
        let line = "cannot tell: the peering has ended".to_owned();
        assert_eq!(told(Life::Ended(ending)), (State::CannotTell, line));
    }
}

#[test]
fn closed_is_what_was_looked_at_and_admits_nothing() {
    for provider in PROVIDERS {
        for side in Side::BOTH {
            let unseen = World::at_provider(provider);
            let line = "cannot tell: it was not seen yet what is admitted";
            unseen.is(side, State::CannotTell, line);
            World::seen(provider).is(side, State::Closed, "closed");
            let mut closed = World::at_provider(provider);
            closed.peering.firewall.get_mut(side).closed_at = Some(at());
            closed.is(side, State::Closed, "closed");
            closed.is(side.other(), State::CannotTell, line);
        }
    }
}

#[test]
fn a_security_group_admits_where_it_is_attached_and_that_is_said_as_far_as_it_is_known() {
    let clients = || [client("10.30.0.0/16")];
    let open = |world: World, line: &str| {
        let line = format!("open to TCP 2113 from 10.30.0.0/16{line}");
        world
            .admits(Side::Local, clients())
            .is(Side::Local, State::Open, &line);
    };
    let seen = || World::seen(Provider::Aws);
    open(
        seen(),
        " where firewall-1 is attached, of which nothing is known",
    );
    open(
        seen().attached(None),
        " where firewall-1 is attached, of which nothing is known",
    );
    open(
        seen().attached(Some(0)),
        ", once firewall-1 is attached: to nothing when it was looked at",
    );
    open(
        seen().attached(Some(1)),
        " where firewall-1 is attached (1 interface)",
    );
    open(
        seen().attached(Some(7)),
        " where firewall-1 is attached (7 interfaces)",
    );
    let unseen = World::at_provider(Provider::Aws).admits(Side::Local, clients());
    unseen.is(
        Side::Local,
        State::CannotTell,
        "cannot tell: it was not seen yet what is admitted; open to TCP 2113 from 10.30.0.0/16, once its group is made and attached",
    );
    seen()
        .admits(Side::Remote, [connector(Provider::Aws)])
        .attached(Some(2))
        .is(
            Side::Remote,
            State::Open,
            "open to TCP 5432 from 10.20.0.0/16 where firewall-1 is attached (2 interfaces)",
        );
}

#[test]
fn rules_of_google_cloud_and_azure_hold_in_the_whole_network_or_for_the_addresses_they_name() {
    for provider in [Provider::Gcp, Provider::Azure] {
        // Nothing is attached there, whatever is on record of it.
        for interfaces in [None, Some(0), Some(1), Some(7)] {
            let world = World::seen(provider)
                .attached(interfaces)
                .admits(
                    Side::Local,
                    [client("10.30.1.0/24"), client("10.30.2.0/24")],
                )
                .admits(Side::Remote, [connector(provider)]);
            world.is(
                Side::Local,
                State::Open,
                "open to TCP 2113 to the whole network from 10.30.1.0/24, TCP 2113 to the whole network from 10.30.2.0/24",
            );
            world.is(
                Side::Remote,
                State::Open,
                "open to TCP 5432 to 10.30.7.0/24 from 10.20.0.0/16",
            );
        }
        let unseen = World::at_provider(provider).admits(Side::Local, [client("10.30.1.0/24")]);
        unseen.is(
            Side::Local,
            State::CannotTell,
            "cannot tell: it was not seen yet what is admitted; open to TCP 2113 to the whole network from 10.30.1.0/24, once its rules are made",
        );
    }
}

#[test]
fn an_exposure_is_told_before_all_else_with_what_the_engine_admits_behind_it() {
    for provider in PROVIDERS {
        for side in Side::BOTH {
            let known = [
                exposure(1, ExposedBy::Rule, false),
                exposure(2, ExposedBy::Default, false),
                exposure(3, ExposedBy::Rule, true),
            ];
            let line = "exposed by rule-1 in sg-other (tcp 22 from 10.0.0.0/8), default of sg-other (tcp 22 from 10.0.0.0/8)";
            let world = World::seen(provider).exposed(side, known.clone());
            world.is(side, State::Exposed, line);
            world.is(side.other(), State::Closed, "closed");
            // Nobody need have seen what the engine's own rules admit.
            let unseen = World::at_provider(provider).exposed(side, known);
            unseen.is(side, State::Exposed, line);
        }
    }
    let all = (1..=5).map(|n| exposure(n, ExposedBy::Rule, false));
    let world = World::seen(Provider::Gcp)
        .exposed(Side::Local, all)
        .admits(Side::Local, [client("10.30.0.0/16")]);
    world.is(
        Side::Local,
        State::Exposed,
        "exposed by rule-1 in sg-other (tcp 22 from 10.0.0.0/8), rule-2 in sg-other (tcp 22 from 10.0.0.0/8), rule-3 in sg-other (tcp 22 from \
         10.0.0.0/8) and 2 more; open to TCP 2113 to the whole network from 10.30.0.0/16",
    );
}

#[test]
fn of_rules_that_cannot_be_read_it_is_not_told_that_they_let_anybody_in_or_nobody() {
    for provider in PROVIDERS {
        let unclear = || [exposure(1, ExposedBy::Rule, true)];
        let line = "cannot tell whom these let in: rule-1 in sg-other (tcp 22 from 10.0.0.0/8)";
        let world = World::seen(provider).exposed(Side::Remote, unclear());
        world.is(Side::Remote, State::CannotTell, line);
        world.is(Side::Local, State::Closed, "closed");
        let open = World::seen(provider)
            .exposed(Side::Local, unclear())
            .admits(Side::Local, [client("10.30.0.0/16")]);
        let (state, told) = open.stands(Side::Local);
        assert_eq!(state, State::CannotTell);
        assert!(
            told.starts_with(&format!("{line}; open to TCP 2113 ")),
            "{told}"
        );
    }
}

#[test]
fn a_side_that_is_its_owners_is_not_judged_and_the_other_one_is() {
    let rule = exposure(1, ExposedBy::Rule, false);
    let mut world = World::seen(Provider::Aws).exposed(Side::Remote, [rule]);
    world.peering.terms.consent = Consent::Owner;
    world.is(
        Side::Remote,
        State::CannotTell,
        "cannot tell: its owner keeps this side, and the engine does not look",
    );
    world.is(Side::Local, State::Closed, "closed");
}

#[test]
fn a_block_that_hides_a_side_is_why_nothing_is_told_of_it_and_no_other_block_is() {
    const HIDING: [BlockCause; 5] = [
        BlockCause::EndpointUnreachable,
        BlockCause::CredentialsRefused,
        BlockCause::PermissionDenied,
        BlockCause::WrongAccount,
        BlockCause::NotFound,
    ];
    for cause in BlockCause::ALL {
        for side in Side::BOTH {
            let mut world = World::seen(Provider::Aws);
            world.peering.blocked = Some(Blocked {
                cause,
                side,
                message: String::new(),
                remedy: Vec::new(),
                since: at(),
                told_at: None,
                times: 1,
            });
            world.is(side.other(), State::Closed, "closed");
            if HIDING.contains(&cause) {
                let cause = cause.as_str().replace('_', " ");
                let line = format!("cannot tell: blocked since 2026-03-01 09:00 UTC ({cause})");
                world.is(side, State::CannotTell, &line);
            } else {
                world.is(side, State::Closed, "closed");
            }
        }
    }
}

fn denied(last: u16) -> Denied {
    serde_json::from_value(serde_json::json!({
        "source": "10.30.0.0/16",
        "ports": { "protocol": "tcp", "first": 0, "last": last },
    }))
    .unwrap()
}

fn entry() -> Denial {
    Denial {
        list: text("acl-0a1b2c3d4e5f60718"),
        number: 100,
        denies: denied(2112),
    }
}

/// What is to be denied before so many subnets of the local side.
fn denying(mut world: World, subnets: u8) -> World {
    let denials = &mut world.peering.firewall.local.denials;
    denials.wanted = Some(DenialWanted {
        subnets: (0..subnets)
            .map(|n| text(&format!("subnet-0a{n}")))
            .collect(),
        since: at(),
    });
    world
}

fn enforced(mut world: World) -> World {
    let denials = &mut world.peering.firewall.local.denials;
    denials.enforced = Some(DenialSeen {
        lists: [text("acl-0a1b2c3d4e5f60718")].into(),
        denies: [denied(1023), denied(2112)].into(),
        subnets: Default::default(),
        since: at(),
    });
    world
}

#[test]
fn what_is_denied_before_subnets_is_told_behind_how_the_side_stands() {
    let seen = || World::seen(Provider::Aws);
    let stands = |world: World, behind: &str| {
        let line = format!("closed; {behind}");
        world.is(Side::Local, State::Closed, &line);
        world.is(Side::Remote, State::Closed, "closed");
    };
    let denies = "tcp 0 to 1023 from 10.30.0.0/16, tcp 0 to 2112 from 10.30.0.0/16";
    stands(
        enforced(denying(seen(), 1)),
        &format!("denied before subnet-0a0: {denies}"),
    );
    stands(
        enforced(denying(seen(), 5)),
        &format!("denied before subnet-0a0, subnet-0a1, subnet-0a2 and 2 more: {denies}"),
    );
    stands(
        denying(seen(), 1),
        "not seen whether all is denied before subnet-0a0 that is to be",
    );
    let missing = |side| DriftKind::DenialMissing {
        side,
        denial: entry(),
    };
    let not_all = "not all that is to be denied before subnet-0a0 is";
    let mut open = enforced(denying(seen(), 1));
    open.peering.drift.insert(missing(Side::Local), at());
    stands(open, not_all);
    let mut accepted = enforced(denying(seen(), 1));
    let drift = &mut accepted.peering.accepted_drift;
    drift.insert(missing(Side::Local), at());
    stands(accepted, not_all);
    let mut others = enforced(denying(seen(), 1));
    others.peering.drift.insert(missing(Side::Remote), at());
    stands(others, &format!("denied before subnet-0a0: {denies}"));
    let mut leaving = seen();
    leaving.peering.firewall.local.denials.made = [entry()].into();
    stands(
        leaving,
        "entries that deny are still to be taken out of lists before subnets",
    );
    let exposed =
        enforced(denying(seen(), 1)).exposed(Side::Local, [exposure(1, ExposedBy::Rule, false)]);
    let (state, told) = exposed.stands(Side::Local);
    assert_eq!(state, State::Exposed);
    let behind = format!("(tcp 22 from 10.0.0.0/8); denied before subnet-0a0: {denies}");
    assert!(told.ends_with(&behind), "{told}");
}

#[test]
fn of_what_is_denied_nothing_is_told_while_the_link_carries_nothing_or_nobody_looks() {
    let world = || enforced(denying(World::seen(Provider::Aws), 1));
    let mut early = world();
    early.peering.life = Life::Requested;
    let line = "closed: the link carries nothing yet";
    early.is(Side::Local, State::Closed, line);
    let mut over = world();
    over.peering.life = Life::Ended(Ending::Removed {
        link: None,
        left_behind: Vec::new(),
    });
    over.is(
        Side::Local,
        State::CannotTell,
        "cannot tell: the peering has ended",
    );
    let mut owners = world();
    owners.peering.terms.consent = Consent::Owner;
    owners.peering.firewall.remote.denials = owners.peering.firewall.local.denials.clone();
    let (_, told) = owners.stands(Side::Remote);
    assert!(!told.contains("denied"), "{told}");
}

#[test]
fn in_quarantine_nothing_is_open_whatever_is_to_be_admitted() {
    for provider in PROVIDERS {
        let mut world = World::seen(provider).admits(Side::Local, [client("10.30.0.0/16")]);
        let hold = Hold {
            since: at(),
            reason: text("a leaked key"),
            everywhere: false,
        };
        let all = QuarantineScope::Everything;
        world.network.quarantines.insert(all, hold);
        world.is(Side::Local, State::Closed, "closed");
    }
}
