//! Everything that a log can say, for histories that nobody has thought of.

use super::*;

fn a_fight() -> NetworkEvent {
    let (message, remedy) = ("somebody deletes the route".to_owned(), Vec::new());
    ProvisioningBlocked {
        peering_id: peering_id(1),
        cause: BlockCause::RepairUndone,
        side: Side::Local,
        message,
        remedy,
    }
    .into()
}

/// What may be found of peering 1; some of it is about one thing.
fn findings() -> Vec<DriftKind> {
    let (side, destination, route_table) = (Side::Local, text("10.101.0.0/16"), text("rtb-0a1"));
    let extra = |rule_id: &str| DriftKind::RuleExtra {
        side,
        rule_id: text(rule_id),
        admits: "tcp 22 from 10.9.0.0/16".to_owned(),
    };
    vec![
        missing(),
        DriftKind::RouteForeign {
            side,
            route_table: text("rtb-0b2"),
            destination,
            target: "nat-02".to_owned(),
        },
        DriftKind::RouteBlackhole {
            side,
            route_table,
            destination,
        },
        DriftKind::RouteExtra {
            side,
            route_table: text("rtb-0a1"),
            destination: "10.101.0.0/16".to_owned(),
        },
        DriftKind::GroupMissing {
            side,
            group: text("sg-0a1"),
        },
        DriftKind::GroupMissing {
            side,
            group: text("sg-0c3"),
        },
        DriftKind::GroupTagMissing {
            side,
            group: text("sg-0a1"),
        },
        DriftKind::RuleMissing {
            side,
            rule: clients(),
        },
        DriftKind::RuleTagMissing {
            side,
            rule_id: text("sgr-0a1"),
        },
        extra("sgr-0f1"),
        extra("sgr-0f2"),
        DriftKind::DnsResolutionFlipped { side: Side::Remote },
        DriftKind::LinkTagMissing,
        DriftKind::LinkEnded {
            state: "deleted".to_owned(),
        },
    ]
}

fn found(finding: &DriftKind, hours: i64) -> [NetworkEvent; 3] {
    let (peering_id, at) = (peering_id(1), start() + Duration::hours(hours));
    [
        DriftDetected {
            peering_id,
            finding: finding.clone(),
            detected_at: at,
        }
        .into(),
        DriftRepaired {
            peering_id,
            finding: finding.clone(),
            repaired_at: at,
        }
        .into(),
        DriftAdopted {
            peering_id,
            finding: finding.clone(),
        }
        .into(),
    ]
}

/// Everything that can be said of peering 1 or 2, so that any of it may follow on anything.
pub(super) fn vocabulary() -> Vec<NetworkEvent> {
    let mut words: Vec<NetworkEvent> = vec![
        registered(1),
        requested(1),
        requested(2),
        retired(1),
        policy_set(1),
        drift_check(1),
    ];
    words.extend(closed(1));
    words.extend(request_on_terms(1));
    words.extend(adoption(1));
    words.extend(a_whole_life());
    words.extend(upkeep());
    words.extend(asked_for_twice_and_taken_back(1));
    words.extend([
        surveyed(1),
        abandoned(1),
        denied(1),
        a_fight(),
        ingress_revoked(1, IngressEnd::Revoked),
    ]);
    words.extend(
        findings()
            .iter()
            .zip((0..).step_by(7))
            .flat_map(|(finding, hours)| found(finding, hours)),
    );
    let (peering_id, side, link) = (peering_id(1), Side::Local, text("pcx-02"));
    let (destination, route_table) = (text("10.102.0.0/16"), text("rtb-0a1"));
    words.extend::<[NetworkEvent; 15]>([
        RouteConflicted {
            peering_id,
            side,
            destination,
            route_table: text("rtb-0a1"),
            target: "nat-01".to_owned(),
        }
        .into(),
        RouteConflicted {
            peering_id,
            side,
            destination: text("10.101.0.0/16"),
            route_table,
            target: "nat-01".to_owned(),
        }
        .into(),
        RouteInstalled {
            peering_id,
            side: Side::Remote,
            destination,
            route_table: text("rtb-0a1"),
        }
        .into(),
        RouteWithdrawn {
            peering_id,
            side,
            destination: text("10.101.0.0/16"),
            replaced_by: None,
        }
        .into(),
        RouteRemoved {
            peering_id,
            side,
            destination: text("10.101.0.0/16"),
            route_table: text("rtb-0b2"),
        }
        .into(),
        FirewallGroupCreated {
            peering_id,
            side,
            group: text("sg-0c3"),
        }
        .into(),
        FirewallRuleRevoked {
            peering_id,
            side,
            rule: clients(),
            rule_id: text("sgr-0a1"),
        }
        .into(),
        FirewallRuleAuthorized {
            peering_id,
            side,
            rule: InboundRule {
                port: 443,
                ..clients()
            },
            rule_id: text("sgr-0d4"),
        }
        .into(),
        FirewallRestricted {
            peering_id,
            side,
            admit: vec![
                clients(),
                InboundRule {
                    port: 443,
                    ..clients()
                },
                clients(),
            ],
        }
        .into(),
        FirewallEnforced {
            peering_id,
            side,
            group: text("sg-0a1"),
            admit: vec![
                InboundRule {
                    port: 443,
                    ..clients()
                },
                clients(),
            ],
        }
        .into(),
        DnsResolutionApplied {
            peering_id,
            side,
            enabled: true,
        }
        .into(),
        PeeringRejected {
            peering_id,
            link: text("pcx-01"),
        }
        .into(),
        PeeringExpired {
            peering_id,
            link: text("pcx-01"),
        }
        .into(),
        PeeringFailed {
            peering_id,
            link: Some(link),
            message: "gone".to_owned(),
        }
        .into(),
        PeeringDeadlinePassed {
            peering_id,
            deadline: start() + Duration::days(30),
        }
        .into(),
    ]);
    words
}
