//! The child: the program, started again with one argument. Before it reads anything it gives up
//! whatever it could do; then it answers, until nobody asks any more.

use crate::{
    LARGEST, Verdict,
    engine::{Engine, MEMORY},
    wire::{Ready, Reply, Request},
};
use parking_lot::{Condvar, Mutex};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    fs,
    io::{self, BufRead, Read as _, Write},
    process::ExitCode,
    sync::Arc,
    thread,
    time::Duration,
};

/// What the program is started with to be a child.
pub const ARGUMENT: &str = "__transform";

/// How many sources a child keeps compiled.
const ENGINES: usize = 4;

/// What the child may take beside its engines: the record, as text and as values.
const ROOM: u64 = 96 << 20;

/// How long one request may take before the child ends itself: its parent, which is quicker, is
/// gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest line that is read.
const LONGEST_LINE: u64 = 4 * LARGEST as u64;

/// Is the child: answers on standard output what is asked on standard input, to its end.
#[must_use]
pub fn run() -> ExitCode {
    let confined = confine();
    let served = confined.and_then(|()| {
        let watched = watch()?;
        serve(io::stdin().lock(), io::stdout().lock(), &watched)
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Gives up what this process could do: more memory, files, processes, privileges.
fn confine() -> io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    let mapped = mapped()?;
    let memory = mapped + ROOM + (ENGINES * MEMORY) as u64;
    for (resource, most) in [
        (Resource::As, memory),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        // Those that are open stay open.
        (Resource::Nofile, 3),
    ] {
        let hard = getrlimit(resource).maximum.unwrap_or(most).min(most);
        let limit = Rlimit {
            current: Some(hard),
            maximum: Some(hard),
        };
        setrlimit(resource, limit)?;
    }
    Ok(())
}

/// How much this process has mapped by now, in bytes.
fn mapped() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let size = text.lines().find_map(|it| it.strip_prefix("VmSize:"));
    let size = size.and_then(|it| it.trim().strip_suffix(" kB"));
    let size = size.and_then(|it| it.parse::<u64>().ok());
    let size = size.ok_or_else(|| io::Error::other("its size is not known"))?;
    Ok(size << 10)
}

/// What says whether a request is under way.
#[derive(Default)]
struct Watched {
    /// Counts up at the beginning and at the end of each request: odd while one is under way.
    turns: Mutex<u64>,
    changed: Condvar,
}

impl Watched {
    fn turn(&self) {
        *self.turns.lock() += 1;
        self.changed.notify_all();
    }

    /// Returns when a request has taken too long.
    fn wait(&self, patience: Duration) {
        let mut turns = self.turns.lock();
        loop {
            let seen = *turns;
            if seen.is_multiple_of(2) {
                self.changed.wait(&mut turns);
                continue;
            }
            let waited = self
                .changed
                .wait_while_for(&mut turns, |it| *it == seen, patience);
            if waited.timed_out() {
                return;
            }
        }
    }
}

/// Ends the process if a request hangs and nobody else does.
fn watch() -> io::Result<Arc<Watched>> {
    let watched = Arc::new(Watched::default());
    let seen = Arc::clone(&watched);
    let named = thread::Builder::new().name("watch".to_owned());
    named.stack_size(64 << 10).spawn(move || {
        seen.wait(PATIENCE);
        std::process::abort()
    })?;
    Ok(watched)
}

fn serve(mut input: impl BufRead, mut output: impl Write, watched: &Watched) -> io::Result<()> {
    say(&mut output, &Ready::new())?;
    let mut engines = Engines::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut input)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        let request: Request = serde_json::from_slice(&line)?;
        watched.turn();
        let reply = engines.answer(request);
        watched.turn();
        say(&mut output, &reply)?;
    }
}

fn say(output: &mut impl Write, what: &impl serde::Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    output.write_all(&line)?;
    output.flush()
}

/// The sources that are compiled, the one that was used last at the end.
#[derive(Default)]
struct Engines(Vec<(String, Engine)>);

impl Engines {
    fn answer(&mut self, request: Request) -> Reply {
        let known = self.0.iter().position(|(key, _)| *key == request.key);
        let engine = match (known, request.source) {
            (Some(at), _) => self.0.remove(at).1,
            (None, None) => return Reply::Unknown,
            (None, Some(source)) => {
                if self.0.len() >= ENGINES {
                    self.0.remove(0);
                }
                match Engine::new(&source) {
                    Ok(engine) => engine,
                    Err(cause) => return Reply::Unusable(cause),
                }
            }
        };
        let Some(record) = request.record else {
            self.0.push((request.key, engine));
            return Reply::Usable;
        };
        let verdict = engine.transform(&record);
        // What broke off in the middle of something is not used again.
        match &verdict {
            Verdict::Changed(_) | Verdict::Dropped | Verdict::Cancelled(_) => {
                self.0.push((request.key, engine));
            }
            Verdict::Refused(_) => {}
        }
        Reply::Record(verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn record(value: &Value) -> String {
        json!({ "value": value, "schemaInfo": { "subject": "A" }, "headers": {} }).to_string()
    }

    fn ask(key: &str, source: Option<&str>, value: Option<&Value>) -> Value {
        json!({ "key": key, "source": source, "record": value.map(record) })
    }

    fn answers(requests: &[Value]) -> Vec<Value> {
        let lines = requests.iter().map(|it| format!("{it}\n"));
        let (input, mut output) = (lines.collect::<String>(), Vec::new());
        serve(input.as_bytes(), &mut output, &Watched::default()).unwrap();
        let text = String::from_utf8(output).unwrap();
        let lines = text.lines().map(|it| serde_json::from_str(it).unwrap());
        lines.collect()
    }

    #[test]
    fn a_child_answers_line_by_line_and_keeps_the_sources_that_it_was_told_last() {
        let add = |n: usize| format!("function transform(r) {{ r.value += {n} }}");
        let mut asked = vec![
            ask("a", None, Some(&json!(1))),
            ask("a", Some(&add(1)), None),
            ask("a", None, Some(&json!(1))),
            ask("b", Some("function transform("), None),
            ask("b", None, Some(&json!(1))),
        ];
        for n in 0..ENGINES {
            asked.push(ask(&format!("c{n}"), Some(&add(n)), Some(&json!(10))));
        }
        asked.push(ask("a", None, Some(&json!(1))));
        let all = answers(&asked);
        assert_eq!(all[0], json!({ "version": env!("CARGO_PKG_VERSION") }));
        assert_eq!(all[1], json!("unknown"));
        assert_eq!(all[2], json!("usable"));
        assert_eq!(all[3]["record"]["changed"]["value"], json!(2));
        assert!(all[4]["unusable"].is_string(), "{}", all[4]);
        assert_eq!(all[5], json!("unknown"));
        for n in 0..ENGINES {
            assert_eq!(all[6 + n]["record"]["changed"]["value"], json!(10 + n));
        }
        assert_eq!(all[6 + ENGINES], json!("unknown"), "the oldest made room");
    }

    #[test]
    fn after_a_record_that_was_refused_a_source_begins_anew() {
        let source = "let n = 0; function transform(r) { if (++n > 1) throw 'again'; r.value = n }";
        let all = answers(&[
            ask("a", Some(source), Some(&json!(0))),
            ask("a", None, Some(&json!(0))),
            ask("a", None, Some(&json!(0))),
        ]);
        assert_eq!(all[1]["record"]["changed"]["value"], json!(1));
        assert_eq!(all[2]["record"]["refused"], json!("again"));
        assert_eq!(all[3], json!("unknown"));
    }

    #[test]
    fn a_request_that_takes_too_long_is_noticed_and_a_pause_between_two_is_not() {
        let watched = Arc::new(Watched::default());
        let seen = Arc::clone(&watched);
        let waiting = thread::spawn(move || seen.wait(Duration::from_millis(20)));
        watched.turn();
        watched.turn();
        let idle = thread::spawn({
            let watched = Watched::default();
            move || watched.wait(Duration::from_millis(1))
        });
        assert!(!idle.is_finished());
        watched.turn();
        waiting.join().unwrap();
    }
}
