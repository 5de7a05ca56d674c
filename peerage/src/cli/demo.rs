//! `peerage demo`: two networks become one, live, in this process.
//!
//! The demonstration is a client of the engine as any other: it starts one that keeps nothing,
//! makes three networks at the cloud, and sends the same calls that the other commands of this
//! program send.

use super::{
    CliError, Remote, Settings,
    client::{self, refused, request},
    output, terminal,
};
use crate::{
    api::v0::{self as v1, network_service_client::NetworkServiceClient},
    assembly::{Engine, Storage},
    logging,
};
use clap::Args;
use cloud::Place;
use domain::{Provider, Range, Region};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};
use tonic::transport::Channel;
use uuid::Uuid;

const OWN_ACCOUNT: &str = "111122223333";
const PEER_ACCOUNT: &str = "444455556666";
const HOME: &str = "eu-west-1";
const ABROAD: &str = "us-east-1";
const OWN_RANGE: &str = "10.20.0.0/16";

#[derive(Debug, Args)]
pub(super) struct Demo {
    #[command(flatten)]
    settings: Settings,
    /// An EC2-compatible endpoint to work on, for instance an emulator's. It makes three VPCs
    /// there. Default: a simulated cloud.
    #[arg(long, value_name = "URL")]
    aws_endpoint: Option<String>,
    /// Give up after so many seconds.
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
        let config = self.settings.load(self.flags())?;
        logging::start(&config.log).map_err(CliError::usage)?;
        let started = Instant::now();
        let engine = Engine::start(&config, Storage::InMemory)
            .await
            .map_err(super::serve::start_error)?;
        println!(
            "An event store, the API, the workers and the read models run in this process (API {}).",
            engine.address()
        );
        println!(
            "Cloud: {}\n",
            self.aws_endpoint
                .as_deref()
                .map_or("simulated".to_owned(), |url| format!("EC2 at {url}"))
        );
        let told = tokio::time::timeout(Duration::from_secs(self.timeout), tell(&engine)).await;
        let told = told.unwrap_or_else(|_| {
            Err(CliError::failed(format!(
                "not in place after {} s",
                self.timeout
            )))
        });
        engine.stop(config.api.drain).await;
        told?;
        println!(
            "\nDone in {:.1} s. Now for real: `peerage serve`, and the same commands from another terminal.",
            started.elapsed().as_secs_f32()
        );
        Ok(())
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
        server: format!("http://{}", engine.address()),
        output: super::Output::Table,
    };
    let mut networks = remote.networks().await?;
    let own = make_network(engine, OWN_ACCOUNT, HOME, OWN_RANGE, "demo").await?;
    let network_id = register(&mut networks, own).await?;
    let mut requested = Vec::new();
    for case in &CASES {
        requested.push((
            case,
            request_peering(engine, &mut networks, &network_id, case).await?,
        ));
    }
    terminal::line("")?;
    follow(&networks, &requested).await?;
    show(&remote, &mut networks, &network_id, &requested).await
}

/// Makes a network at the cloud, and returns its id there.
async fn make_network(
    engine: &Engine,
    account: &str,
    region: &str,
    range: &str,
    name: &str,
) -> Result<String, CliError> {
    let place = Place {
        provider: Provider::Aws,
        account: account.parse().map_err(CliError::failed)?,
        region: Region::of(Provider::Aws, region).map_err(CliError::failed)?,
        external_id: None,
    };
    let range: Range = range.parse().map_err(CliError::failed)?;
    let made = engine
        .clouds()
        .groundwork
        .create_network(&place, range, name)
        .await;
    made.map(|id| id.to_string()).map_err(|error| {
        CliError::failed(format!(
            "cannot make a network for the demonstration: {error}"
        ))
    })
}

fn context() -> Option<v1::CommandContext> {
    Some(
        client::Context {
            actor: Some("demo".to_owned()),
            ..Default::default()
        }
        .message(),
    )
}

async fn register(
    networks: &mut NetworkServiceClient<Channel>,
    cloud_network: String,
) -> Result<String, CliError> {
    println!(
        "$ peerage network register --name demo --region {HOME} --account {OWN_ACCOUNT} --vpc {cloud_network} --range {OWN_RANGE}"
    );
    let message = v1::RegisterNetworkRequest {
        context: context(),
        project: "default".to_owned(),
        name: "demo".to_owned(),
        provider: "aws".to_owned(),
        region: HOME.to_owned(),
        account: OWN_ACCOUNT.to_owned(),
        cloud_network,
        range: OWN_RANGE.to_owned(),
        subnets: Vec::new(),
    };
    let answer = networks
        .register_network(request(message))
        .await
        .map_err(refused)?
        .into_inner();
    Ok(answer.network_id)
}

/// Requests the peering, accepts its routes both ways and lets its clients in, as a user would;
/// returns its id.
async fn request_peering(
    engine: &Engine,
    networks: &mut NetworkServiceClient<Channel>,
    network_id: &str,
    case: &Case,
) -> Result<Uuid, CliError> {
    let Case { region, range, .. } = case;
    let cloud_network = make_network(engine, PEER_ACCOUNT, region, range, "demo-peer").await?;
    println!(
        "$ peerage peering request --network {network_id} --account {PEER_ACCOUNT} --region {region} --vpc {cloud_network} --range {range}"
    );
    let peer = v1::Peer {
        provider: "aws".to_owned(),
        account: PEER_ACCOUNT.to_owned(),
        region: (*region).to_owned(),
        cloud_network,
        ranges: vec![(*range).to_owned()],
        subnets: Vec::new(),
    };
    let message = v1::RequestPeeringRequest {
        context: context(),
        network_id: network_id.to_owned(),
        peer: Some(peer),
        ..Default::default()
    };
    let answer = networks
        .request_peering(request(message))
        .await
        .map_err(refused)?
        .into_inner();
    let peering_id = answer.peering_id;
    for (side, destination) in [("local", *range), ("remote", OWN_RANGE)] {
        println!("$ peerage route accept {peering_id} --side {side} --destination {destination}");
        let message = v1::AcceptRouteRequest {
            context: context(),
            network_id: network_id.to_owned(),
            peering_id: peering_id.clone(),
            side: side.to_owned(),
            destination: destination.to_owned(),
        };
        networks
            .accept_route(request(message))
            .await
            .map_err(refused)?;
    }
    println!("$ peerage firewall restrict {peering_id} --side local --admit {range}:2113");
    let message = v1::RestrictFirewallRequest {
        context: context(),
        network_id: network_id.to_owned(),
        peering_id: peering_id.clone(),
        side: "local".to_owned(),
        admit: vec![v1::InboundRule {
            source: (*range).to_owned(),
            port: 2113,
        }],
    };
    networks
        .restrict_firewall(request(message))
        .await
        .map_err(refused)?;
    peering_id.parse().map_err(CliError::failed)
}

/// Shows each peering on a line of its own until all are in place.
async fn follow(
    networks: &NetworkServiceClient<Channel>,
    requested: &[(&Case, Uuid)],
) -> Result<(), CliError> {
    let bars = MultiProgress::new();
    let style = ProgressStyle::with_template("{spinner:.cyan} {prefix:<14} {msg}")
        .map_err(CliError::failed)?
        .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏✔");
    let watches = requested.iter().map(|(case, id)| {
        let bar = bars.add(
            ProgressBar::new_spinner()
                .with_style(style.clone())
                .with_prefix(case.title),
        );
        bar.enable_steady_tick(Duration::from_millis(80));
        watch(networks.clone(), *id, case.title, bar)
    });
    futures::future::try_join_all(watches).await.map(|_| ())
}

async fn watch(
    mut networks: NetworkServiceClient<Channel>,
    id: Uuid,
    title: &str,
    bar: ProgressBar,
) -> Result<(), CliError> {
    let message = v1::WatchPeeringRequest {
        peering_id: id.to_string(),
        after: String::new(),
    };
    let mut stream = networks
        .watch_peering(message)
        .await
        .map_err(refused)?
        .into_inner();
    let terminal = std::io::stderr().is_terminal();
    while let Some(response) = stream.message().await.map_err(refused)? {
        if let Some(event) = &response.event {
            bar.set_message(format!("{}  {}", event.r#type, output::brief(&event.data)));
            if !terminal {
                println!(
                    "  {title:<13} {:<26} {}",
                    event.r#type,
                    output::brief(&event.data)
                );
            }
        }
        let Some(peering) = &response.peering else {
            continue;
        };
        if peering.converged {
            bar.finish_with_message(format!("active  {}", peering.link));
            return Ok(());
        }
        if super::peering::ended(peering) {
            return Err(CliError::failed(format!(
                "{title}: the peering {}",
                super::peering::ending(peering)
            )));
        }
        if let Some(blocked) = &peering.blocked {
            bar.set_message(format!("blocked: {}", blocked.message));
        }
    }
    Err(CliError::failed("the engine ended the watch"))
}

async fn show(
    remote: &Remote,
    networks: &mut NetworkServiceClient<Channel>,
    network_id: &str,
    requested: &[(&Case, Uuid)],
) -> Result<(), CliError> {
    let message = v1::GetNetworkRequest {
        network_id: network_id.to_owned(),
        min_position: String::new(),
    };
    let network = networks
        .get_network(request(message))
        .await
        .map_err(refused)?
        .into_inner();
    println!("\nThe network\n{}", output::networks(&[network]));
    for (case, id) in requested {
        let peering = client::peering(networks, *id, String::new()).await?;
        println!("\nPeering, {}\n{}", case.title, output::peering(&peering));
    }
    let message = v1::ListEventsRequest {
        network_id: network_id.to_owned(),
        page_size: 1000,
        ..Default::default()
    };
    let events = remote
        .audit()
        .await?
        .list_events(request(message))
        .await
        .map_err(refused)?
        .into_inner()
        .events;
    println!(
        "\nIts history, as the log has it\n{}",
        output::events(&events)
    );
    Ok(())
}
