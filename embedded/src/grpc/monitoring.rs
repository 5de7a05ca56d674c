//! `Monitoring/Stats`: figures about the node, again and again.

use std::{collections::BTreeMap, fs, pin::Pin, sync::Arc, time::Duration};

use async_stream::try_stream;
use futures::Stream;
use protocol::monitoring::{StatsReq, StatsResp, monitoring_server::Monitoring};
use tonic::{Request, Response, Status};

use super::{Context, SERVER_VERSION, status};

const PAGE: u64 = 4096;

pub(super) struct Service(pub(super) Arc<Context>);

#[tonic::async_trait]
impl Monitoring for Service {
    type StatsStream = Pin<Box<dyn Stream<Item = Result<StatsResp, Status>> + Send>>;

    async fn stats(
        &self,
        request: Request<StatsReq>,
    ) -> Result<Response<Self::StatsStream>, Status> {
        self.0
            .guard
            .known(&status::who(&request))
            .map_err(|denied| status::denied(&denied))?;
        let context = self.0.clone();
        let every = Duration::from_millis(request.into_inner().refresh_time_period_in_ms);
        let shutdown = context.reader.shutdown_token();
        Ok(Response::new(Box::pin(try_stream! {
            loop {
                yield StatsResp { stats: figures(&context) };
                // Without a period it is asked for once.
                if every.is_zero() {
                    return;
                }
                if shutdown.run_until_cancelled(tokio::time::sleep(every)).await.is_none() {
                    Err(status::shutting_down())?;
                }
            }
        })))
    }
}

/// Under the names a real server gives them.
fn figures(context: &Context) -> BTreeMap<String, String> {
    let mut figures = BTreeMap::from([
        ("es-version".to_owned(), SERVER_VERSION.to_owned()),
        (
            "es-writer-checkpoint".to_owned(),
            context.reader.end().get().to_string(),
        ),
        ("es-instanceId".to_owned(), context.instance.to_string()),
        ("proc-id".to_owned(), std::process::id().to_string()),
    ]);
    if let Some(bytes) = resident_bytes() {
        figures.insert("proc-mem".to_owned(), bytes.to_string());
    }
    figures
}

/// What the process holds in memory, where the kernel tells.
fn resident_bytes() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * PAGE)
}
