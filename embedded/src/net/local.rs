//! The socket in a data directory: whoever owns the directory asks there for a backup, without a
//! password, since the files are that user's to read anyway.
//!
//! The file system keeps others out (the socket is 0600), and who connects is asked of the kernel
//! as well. Nothing but the backup is answered there.

use std::{
    fs::{self, File, Permissions},
    io,
    os::{
        fd::AsRawFd as _,
        unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use backup::wire::SOCKET;
use http::{Request, Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::{UnixListener, UnixStream},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::Routes;
use tower::Service as _;

use crate::security::Identity;

/// The owner's rights.
const PRIVATE: u32 = 0o600;
/// The super-user, who reads every file.
const ROOT: u32 = 0;
/// Between attempts to accept a connection, while that fails.
const PAUSE: Duration = Duration::from_secs(1);

/// A peer that is gone is noticed after this, and as long again.
const PING_INTERVAL: Duration = Duration::from_secs(10);

/// A socket that is listened on; its file goes with it.
#[derive(Debug)]
pub(crate) struct LocalSocket {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
}

impl LocalSocket {
    /// Listens in a data directory that this process has for itself: a socket that is there is one
    /// that a killed process left.
    pub(crate) fn bind(directory: &Path) -> io::Result<Self> {
        let path = directory.join(SOCKET);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.file_type().is_socket() => fs::remove_file(&path)?,
            Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        // The kernel takes short paths alone; this one is short however long the directory's is.
        let folder = File::open(directory)?;
        let short = format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd());
        let listener = UnixListener::bind(&short).or_else(|_| UnixListener::bind(&path))?;
        let socket = Self {
            listener,
            owner: fs::symlink_metadata(&path)?.uid(),
            path,
        };
        fs::set_permissions(&socket.path, Permissions::from_mode(PRIVATE))?;
        Ok(socket)
    }

    /// Answers the owner until the shutdown.
    ///
    /// # Errors
    /// When the listener is lost.
    pub(crate) async fn run(self, routes: Routes, shutdown: CancellationToken) -> io::Result<()> {
        let connections = TaskTracker::new();
        loop {
            let accepted = shutdown.run_until_cancelled(self.accept()).await;
            let stream = match accepted {
                None => break,
                Some(Ok(stream)) => stream,
                Some(Err(error)) if limits::is_lost(&error) => return Err(error),
                Some(Err(error)) => {
                    // Out of file descriptors, most likely: others may be closed meanwhile.
                    tracing::warn!(%error, "cannot accept a connection in the data directory");
                    shutdown.run_until_cancelled(sleep(PAUSE)).await;
                    continue;
                }
            };
            let (routes, shutdown) = (routes.clone(), shutdown.clone());
            connections.spawn(async move {
                if let Err(error) = converse(stream, routes, shutdown).await {
                    tracing::debug!(%error, "a local connection ended early");
                }
            });
        }
        drop(self);
        connections.close();
        connections.wait().await;
        Ok(())
    }

    /// The next connection of the owner. Others are turned away.
    async fn accept(&self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            match stream.peer_cred().map(|it| it.uid()) {
                Ok(who) if who == self.owner || who == ROOT => return Ok(stream),
                Ok(who) => tracing::warn!(user = who, "a stranger asked for a backup"),
                Err(error) => tracing::warn!(%error, "it is not known who asked for a backup"),
            }
        }
    }
}

impl Drop for LocalSocket {
    fn drop(&mut self) {
        // A file that stays is taken for what a killed process left.
        let _ = fs::remove_file(&self.path);
    }
}

/// Serves one connection until it ends, or gracefully from the shutdown on.
async fn converse(
    stream: UnixStream,
    routes: Routes,
    shutdown: CancellationToken,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_INTERVAL);
    let service = service_fn(move |request| answer(routes.clone(), request));
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.as_mut().await
        }
    }
}

async fn answer(
    mut routes: Routes,
    mut request: Request<Incoming>,
) -> Result<Response<tonic::body::Body>, std::convert::Infallible> {
    request.extensions_mut().insert(Identity::Unrestricted);
    routes.call(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_socket_is_its_owners_alone_and_replaces_only_one_that_was_left() {
        let folder = tempfile::tempdir().unwrap();
        // Far longer than a socket's path may be.
        let directory = folder.path().join("d".repeat(150));
        fs::create_dir(&directory).unwrap();
        let path = directory.join(SOCKET);
        let socket = LocalSocket::bind(&directory).unwrap();
        let mode = fs::symlink_metadata(&path).unwrap().mode() & 0o777;
        assert_eq!(mode, PRIVATE);
        std::mem::forget(socket);
        let socket = LocalSocket::bind(&directory).unwrap();
        let accepted = async { socket.accept().await.map(drop) };
        let opened = File::open(&directory).unwrap();
        let short = format!("/proc/self/fd/{}/{SOCKET}", opened.as_raw_fd());
        let (connected, accepted) = tokio::join!(UnixStream::connect(short), accepted);
        connected.unwrap();
        accepted.unwrap();
        drop(socket);
        assert!(!path.exists());
        fs::write(&path, "precious").unwrap();
        let refused = LocalSocket::bind(&directory).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
    }
}
