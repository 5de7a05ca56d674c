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
use std::net::Ipv4Addr;

#[derive(Debug, Args)]
pub(super) struct WhoCanReach {
    #[command(flatten)]
    remote: Remote,
    /// The address, and the TCP port if one is meant, like 10.20.0.5:2113.
    #[arg(value_name = "ADDRESS[:PORT]", value_parser = target)]
    target: (Ipv4Addr, u16),
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
fn target(text: &str) -> Result<(Ipv4Addr, u16), String> {
    let wrong = || "write an IPv4 address, with a port or without, like 10.20.0.5:2113".to_owned();
    let (address, port) = match text.split_once(':') {
        None => (text, 0),
        Some((address, port)) => match port.parse() {
            Ok(port) if port > 0 => (address, port),
            Ok(_) | Err(_) => return Err(wrong()),
        },
    };
    Ok((address.parse().map_err(|_| wrong())?, port))
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
        let answer = servers.read(message).await?;
        output::message(self.remote.output, &answer, output::ways)
    }
}
