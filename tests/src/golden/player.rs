//! Goes through the steps of a recording against a node, and reports what was wanted and what came
//! where they differ.

use crate::golden::checkpoints::{self, CatchUp, Pair};
use crate::golden::matching::{Difference, Names};
use crate::golden::messages::{from_recorded, method, to_recorded};
use crate::golden::recording::{Case, Kind, Recording, Step};
use crate::golden::wire::{Call, Came, Ending, Target};
use crate::golden::{special, status};
use prost_reflect::MethodDescriptor;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use testkit::wait;
use tokio::time::{Instant, timeout_at};

/// "Nothing more" means nothing for this long.
const NOTHING_MORE: Duration = Duration::from_millis(500);

/// What came of playing a file.
#[derive(Debug, Default)]
pub struct Report {
    /// The cases that gave the recorded answers.
    pub passed: Vec<String>,
    /// The cases that need what the node does not offer.
    pub not_offered: Vec<String>,
    /// The cases that did not, with the first difference of each.
    pub failed: Vec<Failure>,
}

/// A case that differs.
#[derive(Debug)]
pub struct Failure {
    /// Its name and what it settles.
    pub case: String,
    /// Where it stopped: the step's number from 1, and what it asks.
    pub step: String,
    /// The first difference.
    pub difference: Difference,
    /// All that came in that step.
    pub came: Vec<Value>,
}

impl fmt::Display for Failure {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            to,
            "{}\n  {}\n    {}",
            self.case, self.step, self.difference
        )?;
        writeln!(to, "    all that came in this step:")?;
        for message in &self.came {
            writeln!(to, "      {message}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failed {
            writeln!(to, "{failure}")?;
        }
        write!(
            to,
            "{} passed, {} failed, {} not offered",
            self.passed.len(),
            self.failed.len(),
            self.not_offered.len()
        )
    }
}

/// Plays every case of a recording in order. The node should be fresh: a second run meets its own
/// streams.
///
/// # Panics
/// When the text is no recording that this player knows.
pub async fn play(target: &Target, recording: &str) -> Report {
    let scaled = recording.replace("1048576", &target.append_limit.to_string());
    let recording: Recording = serde_json::from_str(&scaled).expect("a recording");
    let mut report = Report::default();
    for case in &recording.cases {
        if case
            .needs
            .as_ref()
            .is_some_and(|need| !target.offers.contains(need))
        {
            report.not_offered.push(case.case.clone());
            continue;
        }
        // These cases say of each call who makes it; of the others any may be the connection's
        // user.
        let mut anonymous = target.clone();
        anonymous.authorization = None;
        let target = if case.needs.as_deref() == Some("security") {
            &anonymous
        } else {
            target
        };
        match Session::new(target, case).play().await {
            Ok(()) => report.passed.push(case.case.clone()),
            Err(failure) => report.failed.push(*failure),
        }
    }
    report
}

/// One case while it is played.
struct Session<'a> {
    target: &'a Target,
    case: &'a Case,
    names: Names,
    open: BTreeMap<&'a str, Open>,
    promises: Vec<Promise>,
}

/// A call that stays open.
struct Open {
    call: Call,
    method: MethodDescriptor,
    catch_up: Option<CatchUp>,
}

/// Checkpoints that were given when the log ended at `log`: nothing later may lie at or below them.
struct Promise {
    checkpoints: Vec<Pair>,
    start: Pair,
    log: Vec<u64>,
}

/// A difference together with all that came.
type Differs = (Difference, Vec<Value>);

impl<'a> Session<'a> {
    fn new(target: &'a Target, case: &'a Case) -> Self {
        Self {
            target,
            case,
            names: Names::ordered(&case.position_order),
            open: BTreeMap::new(),
            promises: Vec::new(),
        }
    }

    async fn play(mut self) -> Result<(), Box<Failure>> {
        let case = self.case;
        let failure = |step: String, (difference, came): Differs| {
            Box::new(Failure {
                case: format!("{}: {}", case.case, case.what),
                step,
                difference,
                came,
            })
        };
        for (place, step) in case.steps.iter().enumerate() {
            let next = case.steps.get(place + 1);
            let played = self.step(step, next).await;
            played.map_err(|differs| {
                failure(format!("step {}: {}", place + 1, described(step)), differs)
            })?;
        }
        let after = self.after().await;
        after.map_err(|difference| {
            failure("after the last step".to_owned(), (difference, Vec::new()))
        })
    }

    async fn step(&mut self, step: &'a Step, next: Option<&Step>) -> Result<(), Differs> {
        if let Some(span) = step.note.as_deref().and_then(at_least_seconds_later) {
            wait::elapse(span).await;
        }
        match step.kind() {
            Kind::Call(call) => self.call(call, step).await,
            Kind::Open(name, call) => {
                let opened = self.start(call, step).await;
                self.open.insert(name, opened);
                Ok(())
            }
            Kind::Await(name) => self.awaited(name, step).await,
            Kind::Send(name) => {
                let requests = self.requests("", step, next);
                let Self { open, names, .. } = self;
                let opened = open.get(name).expect("a send on an open call");
                for request in &requests {
                    opened
                        .call
                        .send(from_recorded(&opened.method.input(), request, names));
                }
                Ok(())
            }
            Kind::Close(name) => {
                self.open.remove(name);
                Ok(())
            }
            Kind::Note => Ok(()),
        }
    }

    async fn call(&mut self, call: &str, step: &Step) -> Result<(), Differs> {
        let step = special::spelled_out(step);
        let requests = self.requests(call, &step, None);
        let (came, ending) = self.whole_call(call, &requests, &step.headers).await;
        self.judge_call(&step, &came, ending.as_ref())
            .map_err(|difference| (difference, came))
    }

    fn judge_call(
        &mut self,
        step: &Step,
        came: &[Value],
        ending: Option<&Ending>,
    ) -> Result<(), Difference> {
        // The status first: it says most about answers that are missing.
        match (ending, &step.status) {
            (Some(ending), Some(wanted)) => status::compare("status", wanted, ending)?,
            (Some(ending), None) if ending.code != "OK" => return Err(ended_unasked(ending)),
            (Some(_), None) => (),
            (None, _) => return Err(did_not_end(self.target.answer_within)),
        }
        if let Some(wanted) = &step.responses {
            let (wanted, came) = (Value::from(wanted.clone()), Value::from(came.to_vec()));
            self.names.compare("responses", &wanted, &came)?;
        }
        special::compare_digests(&mut self.names, &self.target.host, step, came)
    }

    async fn whole_call(
        &mut self,
        call: &str,
        requests: &[Value],
        headers: &BTreeMap<String, String>,
    ) -> (Vec<Value>, Option<Ending>) {
        let method = method(call);
        let mut running = self.target.call(&method, headers);
        for request in requests {
            running.send(from_recorded(&method.input(), request, &mut self.names));
        }
        running.finish_requests();
        let mut came = Vec::new();
        let bound = Instant::now() + self.target.answer_within;
        loop {
            match timeout_at(bound, running.next()).await {
                Ok(Some(Came::Message(message))) => came.push(to_recorded(&message)),
                Ok(Some(Came::Ended(ending))) => return (came, Some(ending)),
                Ok(None) | Err(_) => return (came, None),
            }
        }
    }

    async fn start(&mut self, call: &str, step: &Step) -> Open {
        let method = method(call);
        let requests = self.requests(call, step, None);
        let catch_up = match requests.first() {
            Some(request) => self.catch_up(request).await,
            None => None,
        };
        let mut running = self.target.call(&method, &step.headers);
        for request in &requests {
            running.send(from_recorded(&method.input(), request, &mut self.names));
        }
        if !method.is_client_streaming() {
            running.finish_requests();
        }
        Open {
            call: running,
            method,
            catch_up,
        }
    }

    /// What the checkpoints of a filtered subscription to `$all` are judged by; `None` for any
    /// other call.
    async fn catch_up(&mut self, request: &Value) -> Option<CatchUp> {
        let options = request.get("options")?;
        let (all, _, filter) = (
            options.get("all")?,
            options.get("subscription")?,
            options.get("filter")?,
        );
        let start = match all.get("position") {
            Some(position) => {
                let mut number = |field: &str| {
                    position[field]
                        .as_str()
                        .map(|text| self.names.number_for_request(text))
                };
                (
                    number("commit_position").unwrap_or_default(),
                    number("prepare_position").unwrap_or_default(),
                )
            }
            None => (0, 0),
        };
        let log = self.log(start).await;
        let stride = checkpoints::stride(filter);
        if all.get("end").is_some() {
            let last = log.last().copied().unwrap_or_default();
            return Some(CatchUp {
                start: (last, last),
                log: Vec::new(),
                stride,
            });
        }
        Some(CatchUp { start, log, stride })
    }

    /// The positions of all records above `start`, read from the node.
    async fn log(&mut self, start: Pair) -> Vec<u64> {
        let from = match start {
            (0, 0) => json!({"start": {}}),
            (commit, prepare) => {
                json!({"position": {"commit_position": commit.to_string(), "prepare_position": prepare.to_string()}})
            }
        };
        let options = json!({
            "read_direction": "Forwards", "resolve_links": false, "uuid_option": {"string": {}}, "all": from,
            "count": u64::MAX.to_string(), "no_filter": {},
        });
        let (came, _) = self
            .whole_call(
                "Streams/Read",
                &[json!({"options": options})],
                &BTreeMap::new(),
            )
            .await;
        let positions = came
            .iter()
            .map(|message| checkpoints::position(&message["event"]["event"]));
        positions
            .filter(|position| *position > start)
            .map(|(commit, _)| commit)
            .collect()
    }

    async fn awaited(&mut self, name: &str, step: &Step) -> Result<(), Differs> {
        let opened = self.open.get_mut(name).expect("an await of an open call");
        let (came, ending) = arrivals(opened, step, self.target.answer_within).await;
        let judged = self.judge_awaited(name, step, &came, ending.as_ref()).await;
        judged.map_err(|difference| (difference, came))
    }

    async fn judge_awaited(
        &mut self,
        name: &str,
        step: &Step,
        came: &[Value],
        ending: Option<&Ending>,
    ) -> Result<(), Difference> {
        match (ending, &step.ended) {
            (Some(ending), Some(wanted)) => status::compare("ended", wanted, ending)?,
            (Some(ending), None) => return Err(ended_unasked(ending)),
            (None, Some(_)) => return Err(did_not_end(self.target.answer_within)),
            (None, None) => (),
        }
        let opened = self.open.get_mut(name).expect("an await of an open call");
        let (mut wanted, mut came) = (step.messages.clone(), came.to_vec());
        if let (Some(catch_up), Some(until)) =
            (&opened.catch_up, checkpoints::until_caught_up(&came))
        {
            let catch_up = catch_up.clone();
            let given = catch_up.judge(&came[..until])?;
            opened.catch_up = None;
            came = [
                checkpoints::without_checkpoints(&came[..until]),
                came[until..].to_vec(),
            ]
            .concat();
            let wanted_until = checkpoints::until_caught_up(&wanted).unwrap_or_default();
            wanted = [
                checkpoints::without_checkpoints(&wanted[..wanted_until]),
                wanted[wanted_until..].to_vec(),
            ]
            .concat();
            let log = self.log(catch_up.start).await;
            self.promises.push(Promise {
                checkpoints: given,
                start: catch_up.start,
                log,
            });
        }
        self.names
            .compare("messages", &Value::from(wanted), &Value::from(came))
    }

    /// What can be judged only once the case is over.
    async fn after(&mut self) -> Result<(), Difference> {
        self.keep_promises().await?;
        // The system projections write their links a little later, wherever the log then is.
        if self.case.needs.as_deref() == Some("projections") {
            Ok(())
        } else {
            self.names.check_order()
        }
    }

    async fn keep_promises(&mut self) -> Result<(), Difference> {
        if self.promises.is_empty() {
            return Ok(());
        }
        let stream = format!("after-{}", self.case.case);
        let options = json!({"options": {"stream_identifier": {"stream_name": stream}, "any": {}}});
        let event = json!({"proposed_message": {
            "id": {"string": "5b3c1f0e-8f0c-4a57-9d59-0a4c7f6f2d11"}, "metadata": {"type": "Tested", "content-type": "application/json"},
        }});
        self.whole_call("Streams/Append", &[options, event], &BTreeMap::new())
            .await;
        for promise in std::mem::take(&mut self.promises) {
            let mut later = self.log(promise.start).await;
            later.retain(|record| !promise.log.contains(record));
            checkpoints::covers_no_future(&promise.checkpoints, &later)?;
        }
        Ok(())
    }

    /// The request messages of a step, those left out included.
    fn requests(&self, call: &str, step: &Step, next: Option<&Step>) -> Vec<Value> {
        match &step.requests {
            Some(Value::Array(shown)) => shown.clone(),
            Some(_) if call == "Streams/Append" => {
                special::large_append(self.case, self.target.append_limit)
            }
            None if step.note.is_some() => {
                special::large_batch(self.case, next, self.target.append_limit)
            }
            Some(_) | None => panic!("a step without requests: {step:?}"),
        }
    }
}

/// Collects what comes on an open call until all that is wanted is there and nothing more follows,
/// or the call ends.
async fn arrivals(
    opened: &mut Open,
    step: &Step,
    within: Duration,
) -> (Vec<Value>, Option<Ending>) {
    let catching_up = opened.catch_up.is_some();
    let wanted = exact(&step.messages, catching_up);
    let mut came = Vec::new();
    let bound = Instant::now() + within;
    loop {
        let is_complete = step.ended.is_none() && exact(&came, catching_up) >= wanted;
        let until = if is_complete {
            Instant::now() + NOTHING_MORE
        } else {
            bound
        };
        match timeout_at(until, opened.call.next()).await {
            Ok(Some(Came::Message(message))) if Instant::now() < bound => {
                came.push(to_recorded(&message))
            }
            Ok(Some(Came::Message(_)) | None) | Err(_) => return (came, None),
            Ok(Some(Came::Ended(ending))) => return (came, Some(ending)),
        }
    }
}

/// How many messages must come exactly as recorded: all but the checkpoints of a catch-up.
fn exact(messages: &[Value], catching_up: bool) -> usize {
    if !catching_up {
        return messages.len();
    }
    let until = checkpoints::until_caught_up(messages).unwrap_or(messages.len());
    checkpoints::without_checkpoints(&messages[..until]).len() + messages.len() - until
}

/// "at least 2 s later" as a span.
fn at_least_seconds_later(note: &str) -> Option<Duration> {
    let seconds = note.strip_prefix("at least ")?.strip_suffix(" s later")?;
    seconds
        .parse()
        .ok()
        .map(|seconds: f64| Duration::from_secs_f64(seconds + 0.1))
}

fn ended_unasked(ending: &Ending) -> Difference {
    let came = format!("{} {:?}", ending.code, ending.message);
    Difference {
        at: "the call's end".to_owned(),
        wanted: "none yet, or OK".to_owned(),
        came,
    }
}

fn did_not_end(within: Duration) -> Difference {
    let came = format!("no end within {within:?}");
    Difference {
        at: "the call's end".to_owned(),
        wanted: "the recorded status".to_owned(),
        came,
    }
}

/// A step in one line, as it stands in the recording.
fn described(step: &Step) -> String {
    let what = match step.kind() {
        Kind::Call(call) => call.to_owned(),
        Kind::Open(name, call) => format!("open {name}: {call}"),
        Kind::Await(name) => format!("await {name}"),
        Kind::Send(name) => format!("send on {name}"),
        Kind::Close(name) => format!("close {name}"),
        Kind::Note => "note".to_owned(),
    };
    let requests = step.requests.iter().filter_map(Value::as_array).flatten();
    requests.fold(what, |line, request| {
        format!("{line}\n    request {request}")
    })
}
