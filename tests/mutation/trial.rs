//! Tests by name: what each reaches when nothing is changed, and whether one fails when something
//! is.

use crate::copy::Binary;
use futures::{StreamExt as _, stream};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{process::Command, time::timeout};

/// One test of one binary.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    pub(crate) binary: usize,
    pub(crate) name: String,
    pub(crate) takes: Duration,
    /// The changes that would make a difference somewhere in it.
    pub(crate) reaches: BTreeSet<usize>,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No test comes to a place where it would make a difference.
    Unreached,
    Survived,
    /// By one of these tests.
    Killed(String),
    TimedOut,
}

/// Memory that a test may have, in kilobytes: a loop without end is not to take the machine along.
const MEMORY: &str = "6000000";

fn command(binary: &Binary) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -v \"$0\"; exec \"$@\"", MEMORY])
        .arg(&binary.path)
        .current_dir(&binary.room)
        .env("CARGO_MANIFEST_DIR", &binary.room)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true);
    command
}

/// What is known of the tests of these binaries, if none was built since; otherwise they are run.
pub(crate) async fn surveyed(binaries: &[Binary], folder: &Path, jobs: usize) -> Vec<Test> {
    let file = folder.join("survey.txt");
    let time = |path: &Path| fs::metadata(path).and_then(|it| it.modified()).ok();
    let made = time(&file);
    if made.is_some() && binaries.iter().all(|it| time(&it.path) <= made) {
        let text = fs::read_to_string(&file).unwrap();
        let known: Option<Vec<Test>> = text.lines().map(|line| read(line, binaries)).collect();
        if let Some(known) = known {
            return known;
        }
    }
    let tests = survey(binaries, folder, jobs).await;
    let lines: Vec<String> = tests
        .iter()
        .map(|test| {
            let reaches: Vec<String> = test.reaches.iter().map(usize::to_string).collect();
            let (binary, takes) = (&binaries[test.binary].path, test.takes.as_millis());
            format!(
                "{}\t{}\t{takes}\t{}",
                binary.display(),
                test.name,
                reaches.join(" ")
            )
        })
        .collect();
    fs::write(file, lines.join("\n")).unwrap();
    tests
}

fn read(line: &str, binaries: &[Binary]) -> Option<Test> {
    let mut parts = line.split('\t');
    let path = Path::new(parts.next()?);
    Some(Test {
        binary: binaries.iter().position(|it| it.path == path)?,
        name: parts.next()?.to_owned(),
        takes: Duration::from_millis(parts.next()?.parse().ok()?),
        reaches: parts
            .next()?
            .split(' ')
            .filter_map(|it| it.parse().ok())
            .collect(),
    })
}

/// The tests of these binaries that pass, and what each reaches.
async fn survey(binaries: &[Binary], folder: &Path, jobs: usize) -> Vec<Test> {
    let mut names = Vec::new();
    for (index, binary) in binaries.iter().enumerate() {
        let output = command(binary)
            .args(["--list", "--format", "terse"])
            .stdout(Stdio::piped())
            .output()
            .await
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        names.extend(
            text.lines()
                .filter_map(|line| line.strip_suffix(": test"))
                .map(|name| (index, name.to_owned())),
        );
    }
    println!("{} tests", names.len());
    let numbered = names.into_iter().enumerate();
    let tests = stream::iter(numbered).map(|(at, (binary, name))| async move {
        let hits = folder.join(format!("hits-{at}"));
        let began = Instant::now();
        let run = command(&binaries[binary])
            .args([&name, "--exact", "--test-threads", "1"])
            .env("MUTANT_HITS", &hits)
            .status();
        let passed =
            matches!(timeout(Duration::from_secs(180), run).await, Ok(Ok(it)) if it.success());
        let takes = began.elapsed();
        let text = fs::read_to_string(&hits).unwrap_or_default();
        let _ = fs::remove_file(&hits);
        let reaches = text.lines().filter_map(|line| line.parse().ok()).collect();
        if !passed {
            println!("left out, since it fails with nothing changed: {name}");
        }
        passed.then_some(Test {
            binary,
            name,
            takes,
            reaches,
        })
    });
    let tests: Vec<Option<Test>> = tests.buffer_unordered(jobs).collect().await;
    tests.into_iter().flatten().collect()
}

/// Runs what reaches a change, the quickest first, until something fails.
pub(crate) async fn judge(number: usize, tests: &[Test], binaries: &[Binary]) -> Verdict {
    let mut reaching: Vec<&Test> = tests
        .iter()
        .filter(|it| it.reaches.contains(&number))
        .collect();
    if reaching.is_empty() {
        return Verdict::Unreached;
    }
    reaching.sort_by_key(|it| it.takes);
    let (mut from, mut size) = (0, 6);
    while from < reaching.len() {
        let to = reaching.len().min(from + size);
        let mut groups: BTreeMap<usize, Vec<&Test>> = BTreeMap::new();
        for test in &reaching[from..to] {
            groups.entry(test.binary).or_default().push(test);
        }
        for (binary, group) in groups {
            let expected: Duration = group.iter().map(|it| it.takes).sum();
            let run = command(&binaries[binary])
                .args(group.iter().map(|it| &it.name))
                .args(["--exact", "--test-threads", "1"])
                .env("MUTANT", number.to_string())
                .status();
            match timeout(Duration::from_secs(10) + expected * 5, run).await {
                Ok(Ok(status)) if status.success() => {}
                Ok(_) => {
                    let names: Vec<&str> = group.iter().map(|it| it.name.as_str()).collect();
                    return Verdict::Killed(names.join(" "));
                }
                Err(_) => return Verdict::TimedOut,
            }
        }
        (from, size) = (to, size * 3);
    }
    Verdict::Survived
}
