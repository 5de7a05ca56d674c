//! Commands and appends, so many in flight, for a while.

use crate::bare::{Bare, Event};
use crate::stand::Stand;
use peerage::api::v1::{
    CheckDriftRequest, CommandContext, Provider, RegisterNetworkRequest,
    network_service_client::NetworkServiceClient,
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use tonic::{
    Request,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use uuid::Uuid;

type Networks = NetworkServiceClient<Channel>;

/// One network and one stream for each that may be in flight.
pub(crate) struct Load {
    api: Networks,
    health: HealthClient<Channel>,
    networks: Vec<String>,
    store: Bare,
    streams: Vec<String>,
    event: Event,
}

/// What was measured.
#[derive(Default)]
pub(crate) struct Turn {
    took: Vec<Duration>,
    whole: Duration,
    pub(crate) processor: BTreeMap<&'static str, Duration>,
}

impl Turn {
    pub(crate) fn add(&mut self, other: Self) {
        self.took.extend(other.took);
        self.took.sort_unstable();
        self.whole += other.whole;
        for (process, time) in other.processor {
            *self.processor.entry(process).or_default() += time;
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.took.len()
    }

    pub(crate) fn rate(&self) -> f64 {
        self.took.len() as f64 / self.whole.as_secs_f64()
    }

    /// The time that this share of them did not exceed.
    pub(crate) fn at(&self, share: f64) -> Duration {
        let index = (self.took.len() as f64 * share) as usize;
        self.took[index.min(self.took.len() - 1)]
    }
}

impl Load {
    pub(crate) async fn prepared(stand: &Stand, most: usize) -> Self {
        let channel = Channel::from_shared(stand.server())
            .expect("a URL")
            .tcp_nodelay(true)
            .connect()
            .await
            .expect("the engine");
        let health = HealthClient::new(channel.clone());
        let api = Networks::new(channel);
        let store = Bare::connect(&stand.store).await;
        let run = Uuid::new_v4();
        let mut networks = Vec::new();
        for number in 0..most {
            networks.push(register(api.clone(), run, number).await);
        }
        check(api.clone(), networks[0].clone()).await;
        let event = store.last_event(&format!("network-{}", networks[0])).await;
        let streams: Vec<_> = (0..most).map(|it| format!("bare_{run}_{it}")).collect();
        for stream in &streams {
            store.append(stream, &event).await;
        }
        Self {
            api,
            health,
            networks,
            store,
            streams,
            event,
        }
    }

    pub(crate) async fn commands(&self, stand: &Stand, in_flight: usize, time: Duration) -> Turn {
        let call = |slot: usize| {
            let (api, network) = (self.api.clone(), self.networks[slot].clone());
            move |_: u64| check(api.clone(), network.clone())
        };
        run(stand, in_flight, time, call).await
    }

    /// Calls that do nothing: what any call to the engine costs.
    pub(crate) async fn nothings(&self, stand: &Stand, in_flight: usize, time: Duration) -> Turn {
        let call = |_: usize| {
            let health = self.health.clone();
            move |_: u64| {
                let mut health = health.clone();
                async move {
                    let request = HealthCheckRequest::default();
                    health.check(request).await.expect("an answer");
                }
            }
        };
        run(stand, in_flight, time, call).await
    }

    pub(crate) async fn appends(&self, stand: &Stand, in_flight: usize, time: Duration) -> Turn {
        let call = |slot: usize| {
            let (store, stream) = (self.store.clone(), self.streams[slot].clone());
            let event = self.event.clone();
            move |_: u64| {
                let (store, stream, event) = (store.clone(), stream.clone(), event.clone());
                async move { store.append(&stream, &event).await }
            }
        };
        run(stand, in_flight, time, call).await
    }
}

/// Commands to networks of one engine, with a token or without.
pub(crate) struct Tried {
    api: Networks,
    networks: Vec<String>,
    bearer: Option<MetadataValue<Ascii>>,
}

/// So many networks of an engine.
pub(crate) async fn tried(stand: &Stand, token: Option<&str>, most: usize) -> Tried {
    let channel = Channel::from_shared(stand.server())
        .expect("a URL")
        .tcp_nodelay(true)
        .connect()
        .await
        .expect("the engine");
    let bearer = token.map(|it| format!("Bearer {it}").parse().expect("a header"));
    let mut tried = Tried {
        api: Networks::new(channel),
        networks: Vec::new(),
        bearer,
    };
    let run = Uuid::new_v4();
    for number in 0..most {
        let request = tried.request(registration(run, number));
        let done = tried.api.clone().register_network(request).await;
        tried
            .networks
            .push(done.expect("a network").into_inner().network_id);
    }
    tried
}

impl Tried {
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(bearer) = &self.bearer {
            request
                .metadata_mut()
                .insert("authorization", bearer.clone());
        }
        request
    }

    /// What a slot does, again and again.
    pub(crate) fn call(
        &self,
        slot: usize,
    ) -> impl Fn(u64) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send + 'static + use<>
    {
        let (api, network, bearer) = (
            self.api.clone(),
            self.networks[slot].clone(),
            self.bearer.clone(),
        );
        move |_| {
            let mut request = Request::new(CheckDriftRequest {
                context: context(),
                network_id: network.clone(),
                ..Default::default()
            });
            if let Some(bearer) = &bearer {
                request
                    .metadata_mut()
                    .insert("authorization", bearer.clone());
            }
            let mut api = api.clone();
            Box::pin(async move {
                api.check_drift(request).await.expect("a command");
            })
        }
    }
}

/// So many slots, each with one call after the other until the time is over.
pub(crate) async fn run<C, F>(
    stand: &Stand,
    in_flight: usize,
    time: Duration,
    call: impl Fn(usize) -> C,
) -> Turn
where
    C: Fn(u64) -> F + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let (before, begun) = (stand.processor_time(), Instant::now());
    let mut slots = JoinSet::new();
    for slot in 0..in_flight {
        let call = call(slot);
        slots.spawn(async move {
            let mut took = Vec::new();
            while begun.elapsed() < time {
                let asked = Instant::now();
                call(took.len() as u64).await;
                took.push(asked.elapsed());
            }
            took
        });
    }
    let took = slots.join_all().await.into_iter().flatten().collect();
    let whole = begun.elapsed();
    let spent = stand.processor_time().into_iter();
    Turn {
        took,
        whole,
        processor: spent
            .map(|(process, time)| (process, time - before[process]))
            .collect(),
    }
}

async fn register(mut api: Networks, run: Uuid, number: usize) -> String {
    let done = api.register_network(registration(run, number)).await;
    done.expect("a network").into_inner().network_id
}

fn registration(run: Uuid, number: usize) -> RegisterNetworkRequest {
    RegisterNetworkRequest {
        context: context(),
        project: "bench".to_owned(),
        name: format!("network-{number}"),
        provider: Provider::Aws.into(),
        region: "eu-west-1".to_owned(),
        account: "111122223333".to_owned(),
        cloud_network: format!("vpc-{:08x}{number:09x}", run.as_fields().0),
        range: "10.20.0.0/16".to_owned(),
        ..Default::default()
    }
}

async fn check(mut api: Networks, network_id: String) {
    let request = CheckDriftRequest {
        context: context(),
        network_id,
        ..Default::default()
    };
    api.check_drift(request).await.expect("a command");
}

fn context() -> Option<CommandContext> {
    Some(CommandContext {
        command_id: Uuid::new_v4().to_string(),
        actor: "benchmark".to_owned(),
        ..Default::default()
    })
}
