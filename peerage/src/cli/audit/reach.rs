//! `peerage audit who-can-reach`: who got to an address, over what, and by whose decision.

use super::place::place;
use crate::{
    api::v1::{self, LogPlace},
    cli::{
        CliError, Remote, output,
        resolve::{self, Named},
    },
};
use clap::Args;
use std::net::{IpAddr, SocketAddr};

#[derive(Debug, Args)]
pub(super) struct WhoCanReach {
    #[command(flatten)]
    remote: Remote,
    /// The address, and the TCP port if one is meant, like 10.20.0.5:2113 or [fd00:20::5]:2113.
    #[arg(value_name = "ADDRESS[:PORT]", value_parser = target)]
    target: (IpAddr, u16),
    /// When: a position like 4711/4711, a time like 2026-03-01T09:00:00Z, or how long ago, like
    /// 24h. Default: now.
    #[arg(long, value_name = "PLACE", value_parser = place)]
    at: Option<LogPlace>,
    /// Only in this network: its id, the id's first characters, its name, or PROJECT/NAME, like
    /// orders. Default: every network that the address was ever named in.
    #[arg(long, value_name = "NETWORK")]
    network: Option<Named>,
}

/// An address, and a port or 0.
fn target(text: &str) -> Result<(IpAddr, u16), String> {
    if let Ok(address) = text.parse() {
        return Ok((address, 0));
    }
    let with_port = text.parse::<SocketAddr>().ok();
    let with_port = with_port.filter(|it| it.port() > 0);
    let found = with_port.ok_or(
        "write an address, with a port or without, like 10.20.0.5:2113 or [fd00:20::5]:2113",
    )?;
    Ok((found.ip(), found.port()))
}

impl WhoCanReach {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let network_id = resolve::network_if_any(&mut servers, self.network.as_ref()).await?;
        let (address, port) = self.target;
        let message = v1::WhoCanReachRequest {
            address: address.to_string(),
            port: port.into(),
            place: self.at,
            network_id,
            ..Default::default()
        };
        let at = message.place.clone();
        let answer = servers.read(message).await?;
        output::message(self.remote.output, &answer, |it| match it.ways.is_empty() {
            true => nobody(address, at.as_ref(), it.network_ids.len()),
            false => output::ways(it),
        })
    }
}

/// That nobody got there, with what that was seen by: the log up to its end, or to a place.
fn nobody(address: IpAddr, at: Option<&LogPlace>, networks: usize) -> String {
    let to = match at {
        Some(it) if it.time.is_some() => output::when(it.time.as_ref()),
        Some(it) if !it.position.is_empty() => it.position.clone(),
        Some(_) | None => "its end".to_owned(),
    };
    let of = match networks {
        0 => format!("no network has ever named {address}"),
        many => format!("looked at {}", output::counted(many as u64, "network")),
    };
    format!("(no peering led there, by the log up to {to}: {of})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_nobody_got_there_is_told_with_the_place_that_it_is_true_of() {
        let address = "10.20.0.5".parse().unwrap();
        let told = nobody(address, None, 0);
        let nothing = "by the log up to its end: no network has ever named 10.20.0.5)";
        assert!(told.ends_with(nothing), "{told}");
        let at = |text: &str| place(text).unwrap();
        let told = nobody(address, Some(&at("7/7")), 2);
        assert!(told.ends_with("up to 7/7: looked at 2 networks)"), "{told}");
        let told = nobody(address, Some(&at("2026-03-01T09:00:00Z")), 1);
        assert!(
            told.contains("up to 2026-03-01T09:00:00Z: looked at 1 network)"),
            "{told}"
        );
    }

    #[test]
    fn an_address_of_either_family_stands_with_a_port_or_without() {
        let of = |address: &str, port| Ok((address.parse().unwrap(), port));
        assert_eq!(target("10.20.0.5"), of("10.20.0.5", 0));
        assert_eq!(target("10.20.0.5:2113"), of("10.20.0.5", 2113));
        assert_eq!(target("fd00:20::5"), of("fd00:20::5", 0));
        assert_eq!(target("[fd00:20::5]:2113"), of("fd00:20::5", 2113));
        for wrong in [
            "",
            "ten",
            "10.20.0.5:0",
            "10.20.0.5:x",
            "[fd00:20::5]",
            "[fd00:20::5]:0",
        ] {
            assert!(
                target(wrong).unwrap_err().contains("[fd00:20::5]:2113"),
                "{wrong}"
            );
        }
    }
}
