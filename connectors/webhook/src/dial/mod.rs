//! The connector that dials: resolve, hold against the ranges, connect to exactly what was vetted.
//!
//! The HTTP client knows no other way to a socket, so that an address in the URL, a name that
//! changes its mind and a new connection for an old pool all come through here. A name is resolved
//! once for a connection and the socket is opened to the addresses of that answer: there is no
//! second lookup that could say something else. Proxies are not asked and not known.

use crate::{
    guard::{Allow, Refused, vet},
    wrong::Problem,
};
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier,
    crypto::{CryptoProvider, aws_lc_rs},
    version::{TLS12, TLS13},
};
use std::{
    fmt::Debug,
    io::{self, IoSlice},
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};
use thiserror::Error;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tower::Service;

/// How long one address may take to answer before the next one is tried.
const CONNECT: Duration = Duration::from_secs(5);

/// The most addresses of a name that are looked at; a name with more is no receiver's.
const MOST_ADDRESSES: usize = 64;

/// Names to addresses.
#[async_trait::async_trait]
pub trait Resolve: Debug + Send + Sync {
    /// All the addresses of a host, each with this port.
    ///
    /// # Errors
    /// When the host has none, or nobody could be asked.
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// The operating system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait::async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(lookup_host((host, port)).await?.collect())
    }
}

/// What all endpoints of a process share: the resolver, and the authorities of the machine, read
/// once when the first endpoint wants them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Transport(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    resolver: Box<dyn Resolve>,
    provider: Arc<CryptoProvider>,
    authorities: OnceLock<Result<Arc<RootCertStore>, Problem>>,
}

impl Default for Transport {
    fn default() -> Self {
        Self::new(SystemResolver)
    }
}

impl Transport {
    /// A transport that asks this resolver.
    #[must_use]
    pub fn new(resolver: impl Resolve + 'static) -> Self {
        Self(Arc::new(Shared {
            resolver: Box::new(resolver),
            provider: Arc::new(aws_lc_rs::default_provider()),
            authorities: OnceLock::new(),
        }))
    }

    /// A transport of a machine that trusts nobody.
    #[cfg(test)]
    pub(crate) fn without_authorities() -> Self {
        let this = Self::default();
        let none = || Err(Problem::NoAuthorities("none found".to_owned()));
        this.0.authorities.get_or_init(none).as_ref().unwrap_err();
        this
    }

    /// The authorities that the machine trusts.
    pub(crate) fn authorities(&self) -> Result<Arc<RootCertStore>, Problem> {
        self.0.authorities.get_or_init(native_authorities).clone()
    }

    /// The beginning of a configuration of TLS, 1.2 or later.
    pub(crate) fn tls(&self) -> ConfigBuilder<ClientConfig, WantsVerifier> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.0.provider));
        builder
            .with_protocol_versions(&[&TLS13, &TLS12])
            .expect("the provider knows both versions")
    }
}

fn native_authorities() -> Result<Arc<RootCertStore>, Problem> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found
            .errors
            .first()
            .map_or_else(|| "none found".to_owned(), ToString::to_string);
        return Err(Problem::NoAuthorities(why));
    }
    Ok(Arc::new(roots))
}

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum DialError {
    /// The URL has no host.
    #[error("there is no host in {0}")]
    NoHost(Uri),
    /// The name could not be resolved.
    #[error("{host} is not resolved")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver says.
        #[source]
        source: io::Error,
    },
    /// The name has no address, or far too many.
    #[error("{host} has {count} addresses")]
    Addresses {
        /// The name.
        host: String,
        /// How many.
        count: usize,
    },
    /// An address that may not be reached. Nothing was dialled.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// No address answered; the last one's fault.
    #[error("{address} is not connected")]
    Connect {
        /// The address.
        address: SocketAddr,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
}

/// Dials for one endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Dialer {
    transport: Transport,
    allow: Arc<Allow>,
}

impl Dialer {
    pub(crate) fn new(transport: &Transport, allow: Allow) -> Self {
        let (transport, allow) = (transport.clone(), Arc::new(allow));
        Self { transport, allow }
    }

    async fn dial(self, uri: Uri) -> Result<Dialled, DialError> {
        let host = uri.host().unwrap_or_default();
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        if host.is_empty() {
            return Err(DialError::NoHost(uri));
        }
        let default = if uri.scheme_str() == Some("http") {
            80
        } else {
            443
        };
        let port = uri.port_u16().unwrap_or(default);
        let addresses = self.addresses(&host, port).await?;
        let bare: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
        vet(&host, &bare, &self.allow)?;
        connect(host, addresses).await
    }

    async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, DialError> {
        if let Ok(literal) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(literal, port)]);
        }
        let found = self.transport.0.resolver.resolve(host, port).await;
        let found = found.map_err(|source| DialError::Resolve {
            host: host.to_owned(),
            source,
        })?;
        match found.len() {
            1..=MOST_ADDRESSES => Ok(found),
            count => Err(DialError::Addresses {
                host: host.to_owned(),
                count,
            }),
        }
    }
}

/// Tries one address after the other.
async fn connect(host: String, addresses: Vec<SocketAddr>) -> Result<Dialled, DialError> {
    let mut last = DialError::Addresses { host, count: 0 };
    for address in addresses {
        let connecting = timeout(CONNECT, TcpStream::connect(address)).await;
        let connected = connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        match connected.and_then(|stream| stream.set_nodelay(true).map(|()| stream)) {
            Ok(stream) => {
                let peer = Peer(address);
                return Ok(Dialled {
                    stream: TokioIo::new(stream),
                    peer,
                });
            }
            Err(source) => last = DialError::Connect { address, source },
        }
    }
    Err(last)
}

impl Service<Uri> for Dialer {
    type Response = Dialled;
    type Error = DialError;
    type Future = Pin<Box<dyn Future<Output = Result<Dialled, DialError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().dial(uri))
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// A connection that says who is at its other end.
#[derive(Debug)]
pub(crate) struct Dialled {
    stream: TokioIo<TcpStream>,
    peer: Peer,
}

impl Connection for Dialled {
    fn connected(&self) -> Connected {
        Connected::new().extra(self.peer)
    }
}

impl Read for Dialled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Write for Dialled {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }
}

#[cfg(test)]
mod tests;
