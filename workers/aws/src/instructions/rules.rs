//! What the peer's owner closes and opens in security groups.

use cloud::instructions::{
    Instruction,
    shell::{command, quoted},
    written,
};
use domain::{
    Family,
    network::{Ingress, Peering, Registered},
};

pub(super) fn deny(network: &Registered, peering: &Peering) -> Instruction {
    let sources = if network.ipv6_ranges.is_empty() {
        "IpRanges[].CidrIp"
    } else {
        "[IpRanges[].CidrIp,Ipv6Ranges[].CidrIpv6][][]"
    };
    let ranges = ranges(network);
    let show = command(
        "aws ec2 describe-security-groups",
        &[
            ("--region", quoted(&peering.peer.region)),
            (
                "--filters",
                quoted(format!("Name=vpc-id,Values={}", peering.peer.cloud_network)),
            ),
            (
                "--query",
                quoted(format!(
                    "SecurityGroups[].{{group:GroupId,name:GroupName,from:IpPermissions[].{sources}}}"
                )),
            ),
            ("--output", "json".to_owned()),
        ],
    );
    let body = format!(
        "# A link carries traffic both ways. No rule here should let {ranges} in, nor any range around it, but for what is declared below.\n{show}\n",
    );
    Instruction::sh(format!("See that nothing lets {ranges} in"), body)
}

/// The private network's ranges, told.
pub(super) fn ranges(network: &Registered) -> String {
    let all: Vec<String> = network.ranges().iter().map(ToString::to_string).collect();
    all.join(" and ")
}

pub(super) fn open(peering: &Peering, ingress: &Ingress) -> Instruction {
    let end = ingress
        .expires_at
        .map_or_else(String::new, |at| format!(" until {}", written(at)));
    let (source, port) = (ingress.rule.source, ingress.rule.port);
    let in_words = |end: String| {
        let what = format!("IpProtocol=tcp,FromPort={port},ToPort={port},{end}");
        vec![("--ip-permissions", quoted(what))]
    };
    let family = source.range().map(|it| it.family());
    let what = match (family, source.group()) {
        (_, Some(it)) => in_words(format!(
            "UserIdGroupPairs=[{{GroupId={},UserId={}}}]",
            it.group(),
            it.account()
        )),
        (Some(Family::Ipv6), None) => in_words(format!("Ipv6Ranges=[{{CidrIpv6={source}}}]")),
        (Some(Family::Ipv4) | None, None) => vec![
            ("--protocol", "tcp".to_owned()),
            ("--port", port.to_string()),
            ("--cidr", quoted(source)),
        ],
    };
    let allow = command(
        "aws ec2 authorize-security-group-ingress",
        &[
            ("--region", quoted(&peering.peer.region)),
            ("--group-id", "\"$group\"".to_owned()),
        ]
        .into_iter()
        .chain(what)
        .collect::<Vec<_>>(),
    );
    let body = format!(
        "set -eu\n# Why: {}\n: \"${{group:?set it to the security group of the target}}\"\n{allow}\n",
        ingress.reason
    );
    Instruction::sh(
        format!(
            "Let {} reach {} on port {}{end}",
            ingress.rule.source, ingress.target, ingress.rule.port
        ),
        body,
    )
}
