//! What a connection proves of who is at its other end.

use std::net::SocketAddr;
use tokio_rustls::rustls::pki_types::CertificateDer;

/// The other end of a connection: in the extensions of every request that comes over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// TCP without TLS: nothing is proved.
    Plain {
        /// Where it comes from.
        from: SocketAddr,
    },
    /// TCP with TLS.
    Secure {
        /// Where it comes from.
        from: SocketAddr,
        /// The certificate that the client proved to own, issued by an authority that is trusted.
        certificate: Option<CertificateDer<'static>>,
    },
    /// A process of this machine.
    Socket {
        /// The user that it ran as when it connected, as the kernel says.
        uid: u32,
    },
}
