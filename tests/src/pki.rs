//! Certificates for tests, made by `openssl` when a test needs them: what judges our TLS is not the
//! library that it is made of.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A folder of certificates and keys. Gone with its guard.
#[derive(Debug)]
pub struct Pki {
    folder: TempDir,
}

impl Default for Pki {
    fn default() -> Self {
        Self::new()
    }
}

impl Pki {
    /// An empty one.
    ///
    /// # Panics
    /// When there is no temporary folder.
    #[must_use]
    pub fn new() -> Self {
        Self {
            folder: TempDir::new().expect("a temporary folder"),
        }
    }

    /// Where this file is.
    #[must_use]
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// The same as a text.
    #[must_use]
    pub fn text(&self, file: &str) -> String {
        self.path(file).display().to_string()
    }

    /// An authority: `{name}.crt` and `{name}.key`.
    ///
    /// # Panics
    /// When openssl does not make it.
    pub fn authority(&self, name: &str) {
        let (crt, key) = (
            self.text(&format!("{name}.crt")),
            self.text(&format!("{name}.key")),
        );
        let subject = format!("/O=Tests/CN={name}");
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "30",
            "-subj",
            &subject,
            "-out",
            &crt,
            "-keyout",
            &key,
        ]);
    }

    /// A certificate of that authority for these names (`DNS:localhost`, `URI:spiffe://…`,
    /// `email:…`):
    /// `{name}.crt` and `{name}.key`.
    ///
    /// # Panics
    /// When openssl does not make it.
    pub fn leaf(&self, authority: &str, name: &str, names: &str, usage: &str) {
        let file = |ending: &str| self.text(&format!("{name}.{ending}"));
        let (request, extensions) = (file("csr"), file("ext"));
        openssl(&[
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            &format!("/CN={name}"),
            "-out",
            &request,
            "-keyout",
            &file("key"),
        ]);
        let text = format!("subjectAltName={names}\nextendedKeyUsage={usage}\n");
        fs::write(&extensions, text).expect("a file of extensions");
        openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-days",
            "30",
            "-CAcreateserial",
            "-CA",
            &self.text(&format!("{authority}.crt")),
            "-CAkey",
            &self.text(&format!("{authority}.key")),
            "-extfile",
            &extensions,
            "-out",
            &file("crt"),
        ]);
    }

    /// What a server on loopback needs: `server.crt` and `server.key` of the authority `ca`.
    pub fn server(&self) {
        self.authority("ca");
        self.renew_server();
    }

    /// What a server on this port of loopback answers to an HTTP/1.1 request, over TLS and with
    /// this client's certificate, if there is one: `openssl s_client` speaks, so that nothing but
    /// these bytes is sent.
    ///
    /// # Panics
    /// When there is no openssl, or it cannot be written to.
    #[must_use]
    pub fn answered(&self, port: u16, client: Option<&str>, request: &str) -> String {
        let mut command = Command::new("openssl");
        command
            .args(["s_client", "-quiet", "-alpn", "http/1.1", "-connect"])
            .arg(format!("127.0.0.1:{port}"))
            .args(["-verify_return_error", "-CAfile", &self.text("ca.crt")]);
        if let Some(client) = client {
            command
                .args(["-cert", &self.text(&format!("{client}.crt"))])
                .args(["-key", &self.text(&format!("{client}.key"))]);
        }
        let mut spoken = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl, which this test needs");
        let mut input = spoken.stdin.take().expect("its input");
        input
            .write_all(request.as_bytes())
            .expect("a request that is sent");
        let answer = spoken.wait_with_output().expect("an answer");
        drop(input);
        String::from_utf8_lossy(&answer.stdout).into_owned()
    }

    /// Another pair for the server.
    pub fn renew_server(&self) {
        self.leaf("ca", "server", "DNS:localhost,IP:127.0.0.1", "serverAuth");
    }
}

/// The certificate's fingerprint that this port shows, as `openssl s_client` sees it.
#[must_use]
pub fn shown_by(port: u16, folder: &Path) -> Option<String> {
    let shown = Command::new("openssl")
        .args([
            "s_client",
            "-connect",
            &format!("127.0.0.1:{port}"),
            "-servername",
            "localhost",
        ])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let file = folder.join("shown.pem");
    fs::write(&file, shown.stdout).ok()?;
    fingerprint(&file)
}

/// The fingerprint of the certificate in a file.
#[must_use]
pub fn fingerprint(file: &Path) -> Option<String> {
    let told = Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
        .arg(file)
        .output()
        .ok()?;
    told.status
        .success()
        .then(|| String::from_utf8_lossy(&told.stdout).trim().to_owned())
}

fn openssl(arguments: &[&str]) {
    let made = Command::new("openssl")
        .args(arguments)
        .output()
        .expect("openssl, which this test needs");
    assert!(
        made.status.success(),
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&made.stderr)
    );
}
