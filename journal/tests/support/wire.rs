//! HTTP/2 under the services: a listener, and an end of a stream that has no status.

use super::{log::Shared, service::Service};
use http_body::{Body, Frame, SizeHint};
use hyper::server::conn::http2;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use protocol::{
    gossip::gossip_server::GossipServer,
    server_features::server_features_server::ServerFeaturesServer,
    streams::streams_server::StreamsServer,
};
use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    task::{Context, Poll},
    thread::JoinHandle,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    runtime,
    sync::oneshot,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use tonic::service::Routes;

/// Set by a handler: its answer ends without a status.
#[derive(Clone, Default)]
pub(super) struct Cut(Arc<AtomicBool>);

impl Cut {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A listening server on its own thread. Dropping it cuts everything off.
pub(super) struct Running {
    pub(super) address: SocketAddr,
    handle: runtime::Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(super) fn freeze(&self) -> oneshot::Sender<()> {
        let (thaw, thawed) = oneshot::channel();
        let (froze, freezing) = mpsc::channel();
        // The runtime has this one thread, so nothing at all goes on while it is held here.
        self.handle.spawn(async move {
            froze.send(()).unwrap();
            let _ = std::thread::spawn(move || thawed.blocking_recv()).join();
        });
        freezing.recv().unwrap();
        thaw
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

pub(super) fn run(shared: Arc<Shared>, address: SocketAddr, tls: Option<TlsAcceptor>) -> Running {
    let (started, starting) = mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::bind(address).await.unwrap();
            started
                .send((listener.local_addr().unwrap(), runtime::Handle::current()))
                .unwrap();
            tokio::select! {
                () = accept(listener, shared, tls) => {}
                _ = stopped => {}
            }
        });
    });
    let (address, handle) = starting.recv().unwrap();
    Running {
        address,
        handle,
        stop: Some(stop),
        thread: Some(thread),
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tls: Option<TlsAcceptor>) {
    let service = Service {
        shared,
        port: listener.local_addr().unwrap().port(),
    };
    let routes = Routes::new(StreamsServer::new(service.clone()))
        .add_service(GossipServer::new(service.clone()))
        .add_service(ServerFeaturesServer::new(service))
        .prepare();
    let mut connections = JoinSet::new();
    loop {
        let (connection, _) = listener.accept().await.unwrap();
        connection.set_nodelay(true).unwrap();
        let (routes, tls) = (routes.clone(), tls.clone());
        connections.spawn(async move {
            match tls {
                None => serve(connection, routes).await,
                Some(tls) => {
                    // Otherwise it is a client that does not trust the certificate.
                    if let Ok(connection) = tls.accept(connection).await {
                        serve(connection, routes).await;
                    }
                }
            }
        });
    }
}

async fn serve(connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, routes: Routes) {
    let service =
        hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let routes = TowerToHyperService::new(routes.clone());
            async move {
                let response =
                    hyper::service::Service::call(&routes, request.map(tonic::body::Body::new))
                        .await?;
                let cut = response
                    .extensions()
                    .get::<Cut>()
                    .cloned()
                    .unwrap_or_default();
                Ok::<_, std::convert::Infallible>(response.map(|inner| Answer { inner, cut }))
            }
        });
    // How a connection ends is the client's business.
    let _ = http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(connection), service)
        .await;
}

/// An answer whose trailers, and with them its status, may be left out.
struct Answer {
    inner: tonic::body::Body,
    cut: Cut,
}

impl Body for Answer {
    type Data = <tonic::body::Body as Body>::Data;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let cut = self.cut.0.load(Ordering::SeqCst);
        let frame = std::task::ready!(Pin::new(&mut self.inner).poll_frame(context));
        let ends_here = cut && matches!(&frame, Some(Ok(frame)) if frame.is_trailers());
        Poll::Ready(if ends_here { None } else { frame })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
