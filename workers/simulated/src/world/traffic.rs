//! Rules as people write them: `tcp 2113 from 10.20.0.0/16`, `udp 53 to 60 from 0.0.0.0/0`,
//! `everything from sg-1`, and with a list of ranges `tcp 22 from 10.1.0.0/16,10.2.0.0/16`.

use cloud::{Source, Traffic, admitted_traffic};
use domain::{AdmittedSource, network::InboundRule};
use ipnet::IpNet;

const EVERYTHING: &str = "everything";

/// What such a text admits. A source that is no ranges names something else; a port that is no
/// number is every port.
pub(crate) fn traffic(text: &str) -> Traffic {
    let (what, source) = text.split_once(" from ").unwrap_or((text, ""));
    let mut words = what.split_whitespace();
    let protocol = words
        .next()
        .filter(|word| *word != EVERYTHING)
        .map(str::to_owned);
    let first = words.next().and_then(|word| word.parse::<u16>().ok());
    let last = words.nth(1).and_then(|word| word.parse::<u16>().ok());
    let ranges: Result<Vec<IpNet>, _> = source.split(',').map(str::parse).collect();
    let source = ranges.map_or_else(|_| Source::Named(source.to_owned()), Source::Ranges);
    Traffic {
        source,
        protocol,
        ports: first.map(|first| (first, last.unwrap_or(first))),
        target: None,
    }
}

/// The text of a rule that the engine makes.
pub(crate) fn text(rule: InboundRule) -> String {
    let InboundRule {
        source,
        port,
        target,
    } = rule;
    match target {
        None => format!("tcp {port} from {source}"),
        Some(target) => format!("tcp {port} to {target} from {source}"),
    }
}

/// What such a rule admits. The cloud follows a group that it names to its network.
pub(crate) fn admitted(rule: InboundRule) -> Traffic {
    let named = rule.source.group().map(|it| Source::Named(it.to_string()));
    let admits = admitted_traffic(rule);
    Traffic {
        source: named.unwrap_or(admits.source),
        ..admits
    }
}

/// The traffic in the engine's words, if they have any for it.
pub(crate) fn in_our_words(traffic: &Traffic) -> Option<InboundRule> {
    let source = match &traffic.source {
        Source::Ranges(ranges) => match ranges.as_slice() {
            [range] => range.to_string().parse().ok()?,
            [] | [_, _, ..] => return None,
        },
        // As people write it, with its account.
        Source::Named(name) => AdmittedSource::Group(name.parse().ok()?),
        Source::Group { .. } => return None,
    };
    let (first, last) = traffic.ports?;
    (first == last && traffic.protocol.as_deref() == Some("tcp")).then_some(InboundRule {
        source,
        port: first,
        target: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_written_as_people_say_them() {
        let read = |text| {
            let Traffic {
                source,
                protocol,
                ports,
                target: _,
            } = traffic(text);
            (source, protocol, ports)
        };
        let tcp = Some("tcp".to_owned());
        let ranges = |texts: &[&str]| {
            Source::Ranges(
                texts
                    .iter()
                    .map(|text| text.parse().expect("a range"))
                    .collect(),
            )
        };
        assert_eq!(
            read("tcp 2113 from 10.2.0.0/16"),
            (ranges(&["10.2.0.0/16"]), tcp.clone(), Some((2113, 2113)))
        );
        assert_eq!(
            read("tcp 1 to 9 from ::/0"),
            (ranges(&["::/0"]), tcp.clone(), Some((1, 9)))
        );
        assert_eq!(
            read("tcp 1 from 10.2.0.0/16,10.3.0.0/16"),
            (
                ranges(&["10.2.0.0/16", "10.3.0.0/16"]),
                tcp.clone(),
                Some((1, 1))
            )
        );
        assert_eq!(
            read("everything from 0.0.0.0/0"),
            (ranges(&["0.0.0.0/0"]), None, None)
        );
        assert_eq!(
            read("tcp from sg-1"),
            (Source::Named("sg-1".to_owned()), tcp, None)
        );
    }

    #[test]
    fn only_one_tcp_port_from_one_private_range_is_a_rule_of_ours() {
        let ours = InboundRule {
            source: "10.2.0.0/16".parse().expect("a range"),
            port: 2113,
            target: None,
        };
        assert_eq!(in_our_words(&traffic(&text(ours))), Some(ours));
        assert_eq!(admitted(ours), traffic(&text(ours)));
        for other in [
            "udp 2113 from 10.2.0.0/16",
            "tcp 1 to 2 from 10.2.0.0/16",
            "tcp 2113 from 0.0.0.0/0",
            "everything from 10.2.0.0/16",
            "tcp 2113 from 10.2.0.0/16,10.3.0.0/16",
            "tcp 2113 from sg-1",
        ] {
            assert_eq!(in_our_words(&traffic(other)), None, "{other}");
        }
    }
}
