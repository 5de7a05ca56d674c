//! Accepts connections and serves both HTTP versions on them until it is told to stop.
//!
//! What callers may hold of it meanwhile is bounded by `limits`, which the embedded store uses too.

use crate::{Gateway, Peer, listen::Listener, metered::Metered, tls::Tls};
use hyper_util::service::TowerToHyperService;
use limits::{Ended, Limits, Load, Shared, Terms, WaitFor, arrived, converse, is_lost};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

const TERMS: Terms = Terms {
    ping_interval: Duration::from_secs(30),
    ping_timeout: Duration::from_secs(20),
    abandoned: 20,
    stop: WaitFor::Answers,
};

/// How a server is told to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// From then on no connection is taken, and those that are there end once their calls are
    /// answered.
    pub draining: CancellationToken,
    /// What is not answered by then is answered with `UNAVAILABLE`.
    pub cut: CancellationToken,
}

/// Serves `gateway` until it is told to stop. Callers hold no more of the server than `limits`.
///
/// # Errors
/// When the listener is lost, which the end of the process alone can mend.
pub async fn serve(
    listener: impl Into<Listener>,
    gateway: Gateway,
    limits: Limits,
    stop: Stop,
) -> io::Result<()> {
    let listener = listener.into();
    let shared = Shared::new(limits);
    let mut connections = JoinSet::new();
    loop {
        let has_room = shared.count(connections.len());
        tokio::select! {
            () = stop.draining.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener), if has_room => match accepted {
                Ok(accepted) => {
                    let visit = Visit {
                        gateway: gateway.clone(),
                        load: Load::new(Arc::clone(&shared)),
                        stop: stop.clone(),
                    };
                    connections.spawn(visit.receive(accepted));
                }
                Err(error) if is_lost(&error) => return Err(error),
                Err(error) => {
                    // Out of file descriptors, most likely: others may be closed meanwhile.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// A connection that has said nothing yet.
enum Accepted {
    Plain(TcpStream, SocketAddr),
    Secure(TcpStream, SocketAddr, Tls),
    Unix(UnixStream),
}

async fn accept(listener: &Listener) -> io::Result<Accepted> {
    Ok(match listener {
        Listener::Plain(listener) => {
            let (stream, from) = listener.accept().await?;
            Accepted::Plain(stream, from)
        }
        Listener::Secure(listener, tls) => {
            let (stream, from) = listener.accept().await?;
            Accepted::Secure(stream, from, tls.clone())
        }
        Listener::Unix(socket) => Accepted::Unix(socket.listener.accept().await?.0),
    })
}

/// One connection, and what it is served with.
struct Visit {
    gateway: Gateway,
    load: Arc<Load>,
    stop: Stop,
}

impl Visit {
    async fn receive(self, accepted: Accepted) {
        let served = match accepted {
            Accepted::Plain(stream, from) => {
                let nodelay = stream.set_nodelay(true);
                let opened = async move {
                    nodelay?;
                    Ok((stream, Peer::Plain { from }))
                };
                self.attend(opened).await
            }
            Accepted::Secure(stream, from, tls) => {
                self.attend(shake_hands(stream, from, tls)).await
            }
            Accepted::Unix(stream) => {
                let opened = async move {
                    let uid = stream.peer_cred()?.uid();
                    Ok((stream, Peer::Socket { uid }))
                };
                self.attend(opened).await
            }
        };
        if let Err(error) = served {
            tracing::debug!(%error, "a connection ended early");
        }
    }

    /// Serves a connection once it is open, unless the server stops before, or it takes too long
    /// to say what it wants.
    async fn attend<S>(
        self,
        opening: impl Future<Output = io::Result<(S, Peer)>>,
    ) -> Result<(), Ended>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self {
            gateway,
            load,
            stop,
        } = self;
        let Some((opened, peer)) = arrived(opening, &load, &stop.draining).await? else {
            return Ok(());
        };
        let service = TowerToHyperService::new(Metered {
            gateway,
            peer,
            load: Arc::clone(&load),
            cut: stop.cut,
        });
        // Boxed: one that has said nothing yet holds no room for what it may say.
        Box::pin(converse(opened, service, &load, TERMS, &stop.draining)).await
    }
}

async fn shake_hands(
    stream: TcpStream,
    from: SocketAddr,
    tls: Tls,
) -> io::Result<(tokio_rustls::server::TlsStream<TcpStream>, Peer)> {
    stream.set_nodelay(true)?;
    let stream = tls.acceptor().accept(stream).await?;
    let shown = stream.get_ref().1.peer_certificates();
    let certificate = shown
        .and_then(|it| it.first())
        .map(|it| it.clone().into_owned());
    Ok((stream, Peer::Secure { from, certificate }))
}
