//! Where the API listens: a TCP address, plain or with TLS, or a Unix socket.
//!
//! A socket is made under another name, given its mode, and then moved to its own: there is no
//! moment at which it is there with another mode. A stale one is replaced, one that somebody
//! listens on is not, and a file that is no socket is never touched.

use crate::tls::Tls;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    fs::Permissions,
    io,
    net::{IpAddr, SocketAddr},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    str::FromStr,
};
use thiserror::Error;
use tokio::net::{TcpListener, UnixListener, UnixStream};

/// What an address of a Unix socket begins with.
const UNIX: &str = "unix://";

/// An address to listen on: `127.0.0.1:2114`, or `unix:///run/peerage/api.sock`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Listen {
    /// A TCP address and port; port 0 is a free one.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

/// A text that is no address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{text:?} is no address to listen on: write ADDRESS:PORT, such as \"127.0.0.1:2114\", or \
     \"unix:///run/peerage/api.sock\""
)]
pub struct BadListen {
    text: String,
}

impl Listen {
    /// Whether only this machine reaches it.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }

    /// The IP address, if it has one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Unix(_) => None,
        }
    }

    /// The URL of the API there.
    pub fn url(&self, secure: bool) -> String {
        match self {
            Self::Tcp(address) if secure => format!("https://{address}"),
            Self::Tcp(address) => format!("http://{address}"),
            Self::Unix(_) => self.to_string(),
        }
    }
}

impl FromStr for Listen {
    type Err = BadListen;

    fn from_str(text: &str) -> Result<Self, BadListen> {
        let path = text.strip_prefix(UNIX).map(PathBuf::from);
        let parsed = match path {
            Some(path) => path.is_absolute().then_some(Self::Unix(path)),
            None => text.parse().ok().map(Self::Tcp),
        };
        parsed.ok_or_else(|| BadListen {
            text: text.to_owned(),
        })
    }
}

impl TryFrom<String> for Listen {
    type Error = BadListen;

    fn try_from(text: String) -> Result<Self, BadListen> {
        text.parse()
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        listen.to_string()
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

/// What is listened on.
#[derive(Debug)]
pub enum Listener {
    /// TCP without TLS.
    Plain(TcpListener),
    /// TCP with TLS.
    Secure(TcpListener, Tls),
    /// A Unix socket.
    Unix(UnixSocket),
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::Plain(listener)
    }
}

impl Listener {
    /// Listens there. `tls` is of no use on a Unix socket, `mode` of none elsewhere.
    pub async fn bind(listen: &Listen, mode: u32, tls: Option<Tls>) -> io::Result<Self> {
        match listen {
            Listen::Tcp(address) => {
                let listener = TcpListener::bind(address).await?;
                Ok(match tls {
                    Some(tls) => Self::Secure(listener, tls),
                    None => Self::Plain(listener),
                })
            }
            Listen::Unix(path) => UnixSocket::bind(path, mode).await.map(Self::Unix),
        }
    }

    /// Where it really listens.
    pub fn address(&self) -> io::Result<Listen> {
        match self {
            Self::Plain(listener) | Self::Secure(listener, _) => {
                listener.local_addr().map(Listen::Tcp)
            }
            Self::Unix(socket) => Ok(Listen::Unix(socket.path.clone())),
        }
    }
}

/// A Unix socket that is listened on; its file goes with it.
#[derive(Debug)]
pub struct UnixSocket {
    pub(crate) listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl UnixSocket {
    async fn bind(path: &Path, mode: u32) -> io::Result<Self> {
        vacate(path).await?;
        let mut own = path.as_os_str().to_owned();
        own.push(format!(".{}", std::process::id()));
        let own = PathBuf::from(own);
        if std::fs::symlink_metadata(&own).is_ok_and(|it| it.file_type().is_socket()) {
            std::fs::remove_file(&own)?;
        }
        let listener = UnixListener::bind(&own)?;
        let moved = std::fs::set_permissions(&own, Permissions::from_mode(mode))
            .and_then(|()| std::fs::rename(&own, path))
            .and_then(|()| std::fs::symlink_metadata(path));
        match moved {
            Ok(file) => Ok(Self {
                listener,
                path: path.to_owned(),
                inode: file.ino(),
            }),
            Err(error) => {
                let _ = std::fs::remove_file(&own);
                Err(error)
            }
        }
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        let is_own = std::fs::symlink_metadata(&self.path).is_ok_and(|it| it.ino() == self.inode);
        if is_own {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Makes sure that nothing is at this path that must stay.
async fn vacate(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(file) if !file.file_type().is_socket() => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "there is a file that is no socket",
        )),
        Ok(_) => match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Err(io::Error::new(
                io::ErrorKind::AddrInUse,
                "another process listens there",
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_ip_and_a_port_or_a_path() {
        for text in ["127.0.0.1:2114", "[::1]:1", "unix:///run/api.sock"] {
            assert_eq!(text.parse::<Listen>().expect("it is one").to_string(), text);
        }
        for text in ["", "nowhere", "unix://relative", "unix:/x", "localhost:1"] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
        let local = |text: &str| text.parse::<Listen>().expect("it is one").is_local();
        assert!(local("127.9.9.9:1") && local("[::1]:1") && local("unix:///x"));
        assert!(local("[::ffff:127.0.0.1]:1"));
        assert!(!local("0.0.0.0:1") && !local("[::]:1") && !local("10.0.0.1:1"));
    }

    #[tokio::test]
    async fn a_socket_has_its_mode_and_only_a_stale_one_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("api.sock");
        let listen = Listen::Unix(path.clone());
        let mode = |path: &Path| std::fs::metadata(path).expect("a file").mode() & 0o7777;

        let first = Listener::bind(&listen, 0o660, None).await.expect("free");
        assert_eq!(mode(&path), 0o660);
        let again = Listener::bind(&listen, 0o600, None).await;
        assert_eq!(again.expect_err("in use").kind(), io::ErrorKind::AddrInUse);
        drop(first);
        assert!(!path.exists(), "its file goes with it");

        // What a process that was killed leaves behind.
        drop(std::os::unix::net::UnixListener::bind(&path).expect("free"));
        let stale = Listener::bind(&listen, 0o600, None).await.expect("stale");
        assert_eq!(mode(&path), 0o600);
        drop(stale);

        std::fs::write(&path, "precious").expect("a file");
        let file = Listener::bind(&listen, 0o600, None).await;
        let kind = file.expect_err("a file").kind();
        assert_eq!(kind, io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).expect("it stays"), b"precious");
    }
}
