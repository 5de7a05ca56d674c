//! A file of JSON lines, in the folder that the server's configuration names and nowhere else.
//!
//! A delivery is done when its lines are on the disk. After a crash the last line may be there in
//! part: it is ended before the next one, and its record comes again whole.

use super::{claims::Claim, outgoing::record};
use crate::sink::{Attempt, Outcome, Parcel, Sink};
use async_trait::async_trait;
use domain::{Clock, connector::FileSink as Wanted};
use parking_lot::Mutex;
use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use webhook::{Envelope, Record};

pub(super) struct FileSink {
    lines: Arc<Mutex<Lines>>,
    clock: Clock,
    _claim: Claim,
}

struct Lines {
    path: PathBuf,
    max_bytes: u64,
    keep: u16,
    open: Option<(File, u64)>,
}

impl fmt::Debug for FileSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("FileSink");
        shown
            .field("path", &self.lines.lock().path)
            .finish_non_exhaustive()
    }
}

/// A record as a line.
pub(super) fn line(record: &Record) -> String {
    let envelope = serde_json::to_string(&Envelope::of(record)).unwrap_or_default();
    format!("{envelope}\n")
}

impl FileSink {
    /// Where it is.
    pub(super) fn path(folder: &Path, wanted: &Wanted) -> Result<PathBuf, String> {
        let name = wanted.name.as_str();
        if name.starts_with('.') {
            return Err(format!("{name:?} is no name of a file here"));
        }
        Ok(folder.join(name))
    }

    pub(super) fn open(
        folder: &Path,
        wanted: &Wanted,
        clock: Clock,
        claim: Claim,
    ) -> Result<Self, String> {
        let mut lines = Lines {
            path: Self::path(folder, wanted)?,
            max_bytes: wanted.max_bytes,
            keep: wanted.keep,
            open: None,
        };
        if let Err(error) = lines.file() {
            return Err(format!("cannot write {}: {error}", lines.path.display()));
        }
        Ok(Self {
            lines: Arc::new(Mutex::new(lines)),
            clock,
            _claim: claim,
        })
    }
}

impl Lines {
    /// The file, open at its end, which is the end of a line.
    fn file(&mut self) -> io::Result<&mut (File, u64)> {
        if self.open.is_none() {
            let mut options = OpenOptions::new();
            options.create(true).read(true).append(true);
            #[cfg(unix)]
            {
                use std::os::unix::fs::OpenOptionsExt as _;
                options.mode(0o600).custom_flags(NO_LINKS);
            }
            let mut file = options.open(&self.path)?;
            let mut size = file.metadata()?.len();
            if size > 0 {
                file.seek(SeekFrom::End(-1))?;
                let mut last = [0];
                file.read_exact(&mut last)?;
                if last != *b"\n" {
                    file.write_all(b"\n")?;
                    size += 1;
                }
            }
            self.open = Some((file, size));
        }
        self.open
            .as_mut()
            .ok_or_else(|| io::Error::other("the file is not open"))
    }

    fn write(&mut self, lines: &[String]) -> io::Result<()> {
        for line in lines {
            let max_bytes = self.max_bytes;
            let (file, size) = self.file()?;
            if *size > 0 && *size + line.len() as u64 > max_bytes {
                file.sync_data()?;
                self.rotate()?;
            }
            let (file, size) = self.file()?;
            file.write_all(line.as_bytes())?;
            *size += line.len() as u64;
        }
        self.file()?.0.sync_data()
    }

    /// Begins a new file: `name` becomes `name.1`, that `name.2`, and so on.
    fn rotate(&mut self) -> io::Result<()> {
        self.open = None;
        let numbered = |n: u16| {
            let mut path = self.path.clone().into_os_string();
            path.push(format!(".{n}"));
            PathBuf::from(path)
        };
        for n in (1..self.keep).rev() {
            let (from, to) = (numbered(n), numbered(n + 1));
            if from.exists() {
                fs::rename(from, to)?;
            }
        }
        fs::rename(&self.path, numbered(1))
    }
}

/// A name that is a link to somewhere else is not followed.
#[cfg(unix)]
const NO_LINKS: i32 = rustix::fs::OFlags::NOFOLLOW.bits() as i32;

#[async_trait]
impl Sink for FileSink {
    async fn deliver(&self, parcel: &Parcel) -> Attempt {
        let at = (self.clock)();
        let lines: Vec<_> = parcel.items.iter().map(|it| line(&record(it))).collect();
        let file = Arc::clone(&self.lines);
        let written = tokio::task::spawn_blocking(move || {
            let mut file = file.lock();
            let written = file.write(&lines);
            if written.is_err() {
                // What was written of it is not known: it is looked at when it is opened again.
                file.open = None;
            }
            written
        })
        .await;
        let failed = match written {
            Ok(written) => written.err().map(|error| error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        Attempt {
            at,
            took: Duration::ZERO,
            status: None,
            body: String::new(),
            outcome: failed.map_or(Outcome::Delivered, |cause| Outcome::EndpointFailed {
                cause,
                retry_after: None,
            }),
        }
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(15)
    }
}

#[cfg(test)]
mod tests {
    use super::super::claims::Claims;
    use super::*;
    use chrono::DateTime;

    fn wanted(max_bytes: u64) -> Wanted {
        Wanted {
            name: "events.jsonl".parse().unwrap(),
            max_bytes,
            keep: 2,
        }
    }

    fn clock() -> Clock {
        Arc::new(DateTime::default)
    }

    fn try_open(folder: &Path, max_bytes: u64) -> Result<FileSink, String> {
        let id = "to-a-file".parse().unwrap();
        let claim = Claims::default().claim(folder, &id)?;
        FileSink::open(folder, &wanted(max_bytes), clock(), claim)
    }

    fn open(folder: &Path, max_bytes: u64) -> FileSink {
        try_open(folder, max_bytes).unwrap()
    }

    fn read(folder: &Path, name: &str) -> String {
        fs::read_to_string(folder.join(name)).unwrap_or_default()
    }

    #[test]
    fn full_files_are_put_aside_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let sink = open(folder.path(), 10);
        for n in 0..5 {
            sink.lines.lock().write(&[format!("line {n}\n")]).unwrap();
        }
        assert_eq!(read(folder.path(), "events.jsonl"), "line 4\n");
        assert_eq!(read(folder.path(), "events.jsonl.1"), "line 3\n");
        assert_eq!(read(folder.path(), "events.jsonl.2"), "line 2\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_line_that_a_crash_cut_off_is_ended_and_no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("events.jsonl"), "whole\nha").unwrap();
        let sink = open(folder.path(), 1_000);
        sink.lines.lock().write(&["next\n".to_owned()]).unwrap();
        assert_eq!(read(folder.path(), "events.jsonl"), "whole\nha\nnext\n");

        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "").unwrap();
        let linked = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(&elsewhere, linked.path().join("events.jsonl")).unwrap();
        assert!(try_open(linked.path(), 10).is_err());
    }
}
