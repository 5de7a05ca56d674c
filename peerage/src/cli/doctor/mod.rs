//! `peerage doctor`: what is wrong with an installation, or risky, and what to do about each.
//!
//! It asks the API alone, so that whoever may look may run it; what the clouds permit and have room
//! for, the server finds out by plans that change nothing. It looks at everything that it can
//! reach, and says where it could not: what was not looked at is never called well.

mod cloud;
mod finding;
mod findings;
#[cfg(test)]
mod tests;

use super::{CliError, Remote, output};
use crate::api::v1::{
    Connector, Drift, Exposure, GetServerInfoRequest, GetServerInfoResponse, ListConnectorsRequest,
    ListDriftRequest, ListExposuresRequest, ListNetworksRequest, ListPeeringsRequest, Network,
    Peering,
};
use chrono::{DateTime, Utc};
use clap::Args;
use finding::Severity;

/// Ends with 1 where something is wrong; what is only risky or worth knowing ends with 0.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Ask no cloud: leave out whether the engine's identities may do what they must, and whether
    /// quotas have room.
    #[arg(long)]
    no_cloud: bool,
    #[command(flatten)]
    remote: Remote,
}

/// A server's answer, or why there is none, and when it was asked and answered.
#[derive(Debug)]
struct Asked {
    url: String,
    answer: Result<GetServerInfoResponse, String>,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

/// What was looked at; what could not be is told by why.
#[derive(Debug)]
struct Seen {
    servers: Vec<Asked>,
    networks: Result<Vec<Network>, String>,
    blocked: Result<Vec<Peering>, String>,
    exposures: Result<Vec<Exposure>, String>,
    drift: Result<Vec<Drift>, String>,
    connectors: Result<Vec<Connector>, String>,
    /// None: the clouds were not to be asked.
    clouds: Option<Result<cloud::Planned, String>>,
}

impl Doctor {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let seen = self.look().await?;
        let found = findings::of(&seen);
        output::print(self.remote.output, &found, |it| findings::in_words(it))?;
        let wrong = found.iter().filter(|it| it.severity == Severity::Problem);
        match wrong.count() {
            0 => Ok(()),
            1 => Err(CliError::failed("1 problem was found")),
            some => Err(CliError::failed(format!("{some} problems were found"))),
        }
    }

    async fn look(&self) -> Result<Seen, CliError> {
        let mut servers = self.remote.servers()?;
        let asked = servers
            .each()
            .into_iter()
            .map(|(url, mut server)| async move {
                let from = Utc::now();
                let answer = server.read(GetServerInfoRequest::default()).await;
                Asked {
                    url,
                    answer: answer.map_err(|it| it.text),
                    from,
                    until: Utc::now(),
                }
            });
        let asked: Vec<_> = futures::future::join_all(asked).await;
        if asked.iter().all(|it| it.answer.is_err()) {
            let unknown = || "no server answers".to_owned();
            return Ok(Seen {
                servers: asked,
                networks: Err(unknown()),
                blocked: Err(unknown()),
                exposures: Err(unknown()),
                drift: Err(unknown()),
                connectors: Err(unknown()),
                clouds: (!self.no_cloud).then(|| Err(unknown())),
            });
        }
        let blocked = ListPeeringsRequest {
            blocked: Some(true),
            ..Default::default()
        };
        let text = |error: CliError| error.text;
        let all = usize::MAX;
        let networks = servers.list(ListNetworksRequest::default(), all).await;
        let blocked = servers.list(blocked, all).await;
        let exposures = servers.list(ListExposuresRequest::default(), all).await;
        let drift = servers.list(ListDriftRequest::default(), all).await;
        let connectors = servers.list(ListConnectorsRequest::default(), all).await;
        let clouds = match self.no_cloud {
            true => None,
            false => Some(cloud::look(&mut servers).await.map_err(text)),
        };
        Ok(Seen {
            clouds,
            servers: asked,
            networks: networks.map_err(text),
            blocked: blocked.map_err(text),
            exposures: exposures.map_err(text),
            drift: drift.map_err(text),
            connectors: connectors.map_err(text),
        })
    }
}
