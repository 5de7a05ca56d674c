//! `peerage peering request`: one command for a whole peering.

use super::spec::{Opens, PeerArgs, Terms, spec};
use crate::{
    api::v1,
    cli::{CliError, Remote, engine::Context, output, resolve},
};
use clap::Args;

#[derive(Debug, Args)]
#[command(
    mut_arg("network", |it| it.required(true)),
    mut_arg("account", |it| it.required(true)),
    mut_arg("cloud_network", |it| it.required(true)),
    mut_arg("ranges", |it| it.required(true))
)]
pub(in crate::cli) struct Request {
    #[command(flatten)]
    peer: PeerArgs,
    #[command(flatten)]
    terms: Terms,
    #[command(flatten)]
    opens: Opens,
    #[command(flatten)]
    context: Context,
    #[command(flatten)]
    remote: Remote,
}

impl Request {
    pub(super) async fn run(self) -> Result<(), CliError> {
        self.peer.check()?;
        let mut servers = self.remote.servers()?;
        let network_id = resolve::given(&mut servers, self.peer.network.as_ref()).await?;
        let message = v1::RequestPeeringRequest {
            network_id,
            peering: Some(spec(&self.peer, &self.terms, &self.opens)),
            ..Default::default()
        };
        let done = servers.command(message, &self.context).await?;
        output::command(self.remote.output, &done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        request: Request,
    }

    const PEER: [&str; 11] = [
        "request",
        "--network",
        "orders",
        "--account",
        "444455556666",
        "--region",
        "us-east-1",
        "--vpc",
        "vpc-0d4c3b2a",
        "--range",
        "10.30.0.0/16",
    ];

    #[test]
    fn one_command_brings_routes_what_is_admitted_and_names_along() {
        let opens = [
            "--local-route",
            "10.30.0.0/16",
            "--remote-route",
            "10.20.0.0/16",
            "--admit",
            "10.30.0.0/16",
            "--dns",
            "local",
        ];
        let line = Line::try_parse_from(PEER.iter().chain(&opens))
            .unwrap()
            .request;
        let spec = spec(&line.peer, &line.terms, &line.opens);
        let routes: Vec<_> = spec
            .routes
            .iter()
            .map(|it| (it.side(), it.destination.as_str()))
            .collect();
        let both = [
            (v1::Side::Local, "10.30.0.0/16"),
            (v1::Side::Remote, "10.20.0.0/16"),
        ];
        assert_eq!(routes, both);
        assert_eq!(
            spec.admit,
            [v1::InboundRule {
                source: "10.30.0.0/16".to_owned(),
                port: 2113,
                ..Default::default()
            }]
        );
        assert_eq!(spec.dns_resolution, [i32::from(v1::Side::Local)]);
        assert_eq!(spec.consent(), v1::Consent::Delegated);
    }

    #[test]
    fn the_peer_is_required() {
        for left_out in [1, 3, 7, 9] {
            let mut line = PEER.to_vec();
            line.drain(left_out..left_out + 2);
            assert!(Line::try_parse_from(line).is_err(), "{}", PEER[left_out]);
        }
    }
}
