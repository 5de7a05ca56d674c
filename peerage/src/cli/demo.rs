//! `peerage demo`: two networks become one, live, in this process.
//!
//! The demonstration is a client of the engine as any other: it starts one that keeps nothing,
//! makes three networks at the cloud, and sends the same calls that the other commands of this
//! program send.

use super::{
    CliError, Output, Remote, Settings,
    engine::{ClientArgs, Context, Servers, Why},
    output, peering,
    states::has_ended,
    terminal,
};
use crate::{
    api::v1::{self, WatchEvents, watch_peerings_request::Scope, watch_peerings_response::Update},
    assembly::{Engine, Storage},
    config::{Access, Tls},
    telemetry,
};
use clap::Args;
use cloud::AccountRegion;
use domain::{Provider, Range, Region};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal,
    ops::ControlFlow,
    time::{Duration, Instant},
};

const OWN_ACCOUNT: &str = "111122223333";
const PEER_ACCOUNT: &str = "444455556666";
const HOME: &str = "eu-west-1";
const ABROAD: &str = "us-east-1";
const OWN_RANGE: &str = "10.20.0.0/16";

#[derive(Debug, Args)]
pub(super) struct Demo {
    #[command(flatten)]
    settings: Settings,
    /// An EC2-compatible endpoint to work on, like http://127.0.0.1:5000. It makes three VPCs
    /// there. Default: a simulated cloud.
    #[arg(long, value_name = "URL")]
    aws_endpoint: Option<String>,
    /// Give up after so many seconds, like 30.
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    timeout: u64,
}

/// A peer of the demonstration.
struct Case {
    title: &'static str,
    region: &'static str,
    range: &'static str,
}

const CASES: [Case; 2] = [
    Case {
        title: "same region",
        region: HOME,
        range: "10.30.0.0/16",
    },
    Case {
        title: "cross-region",
        region: ABROAD,
        range: "10.40.0.0/16",
    },
];

impl Demo {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut config = self.settings.load(self.flags())?;
        // A demonstration is its own caller, on this machine.
        config.api.tls = Tls::default();
        config.access = Access::default();
        telemetry::log(&config.log).map_err(CliError::usage)?;
        let started = Instant::now();
        let engine = Engine::start(&config, Storage::InMemory)
            .await
            .map_err(super::serve::start_error)?;
        let cloud = match &self.aws_endpoint {
            None => "simulated".to_owned(),
            Some(url) => format!("EC2 at {url}"),
        };
        terminal::line(&format!(
            "Event store, API, workers and read models run in this process.\nAPI: {}. Cloud: {cloud}.\n",
            engine.url()
        ))?;
        let told = tokio::time::timeout(Duration::from_secs(self.timeout), tell(&engine)).await;
        let told = told.unwrap_or_else(|_| {
            Err(CliError::failed(format!(
                "not in place after {} s",
                self.timeout
            )))
        });
        engine.stop(config.api.drain).await;
        told?;
        terminal::answer(&format!(
            "\nDone in {:.1} s. Now for real: `peerage serve`, and these commands from another terminal.",
            started.elapsed().as_secs_f32()
        ))
    }

    /// What the demonstration wants otherwise than by default; a `--set` of the same key wins.
    fn flags(&self) -> Vec<(String, String)> {
        let mut flags = vec![
            ("api.listen", "127.0.0.1:0".to_owned()),
            ("provisioner.poll_interval", "500ms".to_owned()),
            ("provisioner.visibility_window", "10s".to_owned()),
            ("log.filter", "error,kurrentdb=off".to_owned()),
        ];
        if let Some(endpoint) = &self.aws_endpoint {
            flags.push(("cloud.mode", "aws".to_owned()));
            flags.push(("cloud.aws.endpoint", endpoint.clone()));
        }
        flags.retain(|(key, _)| self.settings.set.iter().all(|(set, _)| set != key));
        flags
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect()
    }
}

async fn tell(engine: &Engine) -> Result<(), CliError> {
    let remote = Remote {
        servers: vec![engine.url()],
        output: Output::Table,
        min_position: None,
        client: ClientArgs::default(),
    };
    let mut servers = remote.servers()?;
    let own = make_network(engine, OWN_ACCOUNT, HOME, OWN_RANGE, "demo").await?;
    let network_id = register(&mut servers, own).await?;
    let mut requested = Vec::new();
    for case in &CASES {
        requested.push((
            case,
            request(engine, &mut servers, &network_id, case).await?,
        ));
    }
    follow(&servers, &requested).await?;
    show(&mut servers, network_id, &requested).await
}

/// Makes a network at the cloud, and returns its id there.
async fn make_network(
    engine: &Engine,
    account: &str,
    region: &str,
    range: &str,
    name: &str,
) -> Result<String, CliError> {
    let at = AccountRegion {
        provider: Provider::Aws,
        account: account.parse().map_err(CliError::failed)?,
        region: Region::of(Provider::Aws, region).map_err(CliError::failed)?,
        external_id: None,
    };
    let range: Range = range.parse().map_err(CliError::failed)?;
    let Some(groundwork) = &engine.clouds().groundwork else {
        return Err(CliError::usage(
            "the demonstration makes its networks at AWS or in a simulated cloud: name no other as cloud.mode",
        ));
    };
    let made = groundwork.create_network(&at, range, name).await;
    made.map(|id| id.to_string()).map_err(|error| {
        CliError::failed(format!(
            "cannot make a network for the demonstration: {error}"
        ))
    })
}

fn context() -> Context {
    Context {
        why: Why {
            actor: Some("demo".to_owned()),
            ..Default::default()
        },
        ..Context::default()
    }
}

async fn register(servers: &mut Servers, cloud_network: String) -> Result<String, CliError> {
    terminal::line(&format!(
        "$ peerage network register --name demo --region {HOME} \\\n    \
         --account {OWN_ACCOUNT} --vpc {cloud_network} --range {OWN_RANGE}"
    ))?;
    let message = v1::RegisterNetworkRequest {
        project: "default".to_owned(),
        name: "demo".to_owned(),
        provider: v1::Provider::Aws.into(),
        region: HOME.to_owned(),
        account: OWN_ACCOUNT.to_owned(),
        cloud_network,
        range: OWN_RANGE.to_owned(),
        ..Default::default()
    };
    Ok(servers
        .command(message, &context())
        .await?
        .answer
        .network_id)
}

/// Requests the peering with its routes both ways and lets its clients in, as a user would; returns
/// its id.
async fn request(
    engine: &Engine,
    servers: &mut Servers,
    network_id: &str,
    case: &Case,
) -> Result<String, CliError> {
    let Case { region, range, .. } = case;
    let cloud_network = make_network(engine, PEER_ACCOUNT, region, range, "demo-peer").await?;
    terminal::line(&format!(
        "$ peerage peering request --network demo --account {PEER_ACCOUNT} \\\n    \
         --region {region} --vpc {cloud_network} --range {range} \\\n    \
         --local-route {range} --remote-route {OWN_RANGE} --admit {range}:2113"
    ))?;
    let peer = v1::Peer {
        provider: v1::Provider::Aws.into(),
        account: PEER_ACCOUNT.to_owned(),
        region: (*region).to_owned(),
        cloud_network,
        ranges: vec![(*range).to_owned()],
        subnets: Vec::new(),
    };
    let route = |side: v1::Side, destination: &str| v1::RouteSpec {
        side: side.into(),
        destination: destination.to_owned(),
    };
    let spec = v1::PeeringSpec {
        peer: Some(peer),
        routes: vec![
            route(v1::Side::Local, range),
            route(v1::Side::Remote, OWN_RANGE),
        ],
        admit: vec![v1::InboundRule {
            source: (*range).to_owned(),
            port: 2113,
            ..Default::default()
        }],
        ..Default::default()
    };
    let message = v1::RequestPeeringRequest {
        network_id: network_id.to_owned(),
        peering: Some(spec),
        ..Default::default()
    };
    Ok(servers
        .command(message, &context())
        .await?
        .answer
        .peering_id)
}

/// Shows each peering on a line of its own until all are in place.
async fn follow(servers: &Servers, requested: &[(&Case, String)]) -> Result<(), CliError> {
    terminal::line("")?;
    let bars = MultiProgress::new();
    let style = ProgressStyle::with_template("{spinner:.cyan} {prefix:<13} {wide_msg}")
        .map_err(CliError::failed)?
        .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏✔");
    let watches = requested.iter().map(|(case, id)| {
        let bar = bars.add(
            ProgressBar::new_spinner()
                .with_style(style.clone())
                .with_prefix(case.title),
        );
        bar.enable_steady_tick(Duration::from_millis(80));
        watch(servers.clone(), id.clone(), case.title, bar)
    });
    futures::future::try_join_all(watches).await.map(|_| ())
}

async fn watch(
    mut servers: Servers,
    peering_id: String,
    title: &str,
    bar: ProgressBar,
) -> Result<(), CliError> {
    let is_terminal = std::io::stderr().is_terminal();
    let message = v1::WatchPeeringsRequest {
        scope: Some(Scope::PeeringId(peering_id)),
        events: WatchEvents::All.into(),
        ..Default::default()
    };
    let each = |response: v1::WatchPeeringsResponse| {
        match response.update {
            Some(Update::Event(event)) => {
                let told = format!("{:<26} {}", event.r#type, output::brief(&event.raw_data));
                if !is_terminal {
                    terminal::line(&output::line(&format!("  {title:<13} {told}")))?;
                }
                bar.set_message(told);
            }
            Some(Update::Peering(it)) if it.converged => {
                bar.finish_with_message(format!("active, {}", it.link));
                return Ok(ControlFlow::Break(()));
            }
            Some(Update::Peering(it)) if has_ended(it.state()) => {
                let how = peering::ending(&it);
                return Err(CliError::failed(format!("{title}: the peering {how}")));
            }
            Some(Update::Peering(it)) => {
                if let Some(block) = &it.block {
                    bar.set_message(format!("blocked: {}", output::cause(&block.message)));
                }
            }
            Some(Update::Bookmark(_)) | None => {}
        }
        Ok(ControlFlow::Continue(()))
    };
    servers.watch(message, each).await
}

async fn show(
    servers: &mut Servers,
    network_id: String,
    requested: &[(&Case, String)],
) -> Result<(), CliError> {
    let get = v1::GetNetworkRequest {
        network_id: network_id.clone(),
        ..Default::default()
    };
    let network = servers.read(get).await?.network.unwrap_or_default();
    terminal::line(&format!("\nThe network\n{}", output::networks(&[network])))?;
    for (case, id) in requested {
        let shown = peering::get(servers, id.clone()).await?;
        terminal::line(&format!(
            "\nPeering, {}\n{}",
            case.title,
            output::peering(&shown)
        ))?;
    }
    let list = v1::ListEventsRequest {
        network_id,
        ..Default::default()
    };
    let events = servers.list(list, 1000).await?;
    terminal::line(&format!(
        "\nIts history, as the log has it\n{}",
        output::history(&events)
    ))
}
