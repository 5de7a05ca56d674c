//! The processes that are measured: an engine, and its store.

use crate::own_processor_time;
use peerage::api::v1::{GetServerInfoRequest, server_service_client::ServerServiceClient};
use peerage_tests::{
    engine::{Engine, Launch},
    node::NodePlace,
    process::Running,
    store_proxy::StoreProxy,
};
use std::{collections::BTreeMap, time::Duration};
use tempfile::TempDir;

/// An engine on a store.
pub(crate) struct Stand {
    pub(crate) name: String,
    engine: Engine,
    /// How the store is reached without the engine.
    pub(crate) store: String,
    node: Option<Running>,
    _relay: Option<StoreProxy>,
    _folders: Vec<TempDir>,
}

impl Stand {
    /// The store inside `serve`.
    pub(crate) async fn inside() -> Self {
        let folder = folder();
        let launch = launch(&folder).set("store.embedded_open", "true");
        let engine = launch.start().await;
        let mut server = ServerServiceClient::connect(engine.server())
            .await
            .expect("the engine");
        let info = server
            .get_server_info(GetServerInfoRequest::default())
            .await;
        let store = info.expect("its facts").into_inner().store_address;
        Self {
            name: "the store inside `serve`".to_owned(),
            engine,
            store,
            node: None,
            _relay: None,
            _folders: vec![folder],
        }
    }

    /// The same for callers that bear a token of this issuer alone.
    pub(crate) async fn guarded(issuer: &str) -> Self {
        let folder = folder();
        let settings =
            format!(r#"[{{url="{issuer}",audiences=["peerage"],allow_http_on_loopback=true}}]"#);
        let bindings =
            format!(r#"[{{role="admin",method="token",issuer="{issuer}",subject="ada"}}]"#);
        let launch = launch(&folder)
            .set("log.filter", "info")
            .set("access.issuers", &settings)
            .set("access.bindings", &bindings);
        Self {
            name: "callers that bear a token".to_owned(),
            engine: launch.start_guarded().await,
            store: String::new(),
            node: None,
            _relay: None,
            _folders: vec![folder],
        }
    }

    /// A store of its own, behind a plain relay.
    pub(crate) async fn behind_relay() -> Self {
        let (folder, data) = (folder(), folder());
        let place = NodePlace::new(data.path());
        let node = place.start().await;
        let relay = StoreProxy::plain(place.port()).await;
        let store = relay.connection_string();
        Self {
            name: "`peerage node` behind a plain relay (in this process)".to_owned(),
            engine: launch(&folder).store(&store).start().await,
            store,
            node: Some(node),
            _relay: Some(relay),
            _folders: vec![folder, data],
        }
    }

    /// The store that the environment names, if it names one.
    pub(crate) async fn named() -> Option<Self> {
        let store = testkit::store::from_environment()?;
        let folder = folder();
        Some(Self {
            name: "the store that the environment names".to_owned(),
            engine: launch(&folder).store(&store).start().await,
            store,
            node: None,
            _relay: None,
            _folders: vec![folder],
        })
    }

    pub(crate) fn server(&self) -> String {
        self.engine.server()
    }

    pub(crate) fn engine_id(&self) -> u32 {
        self.engine.process.id()
    }

    /// Processor time so far, by process.
    pub(crate) fn processor_time(&self) -> BTreeMap<&'static str, Duration> {
        let mut times = BTreeMap::from([
            ("this process", own_processor_time()),
            ("serve", self.engine.process.processor_time()),
        ]);
        if let Some(node) = &self.node {
            times.insert("node", node.processor_time());
        }
        times
    }

    pub(crate) async fn stop(self) {
        self.engine.stop().await;
    }
}

fn launch(folder: &TempDir) -> Launch {
    Launch::new(folder.path()).set("log.filter", "warn")
}

fn folder() -> TempDir {
    TempDir::new().expect("a folder")
}
