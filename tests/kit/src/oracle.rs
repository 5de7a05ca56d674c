//! The independent judge of the emulated cloud, called from Rust. What it does and how strictly is
//! said in `oracle/oracle.py`.
//!
//! The types here only spell the questions; nothing of the engine's own view of the cloud is used.

use crate::{venv, workspace};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

/// An account in a region: where to look, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Twelve digits.
    pub account: String,
    /// `eu-west-1`, for instance.
    pub region: String,
}

/// A network that a test wants to exist before the engine starts.
#[derive(Debug, Clone, Serialize)]
pub struct Wanted {
    /// How the test calls it.
    pub name: String,
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
    /// Its range; each of its two subnets takes half.
    pub cidr: String,
}

/// A network as it was made.
#[derive(Debug, Clone, Deserialize)]
pub struct Network {
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
    /// Its range.
    pub cidr: String,
    /// The id of the VPC.
    pub vpc: String,
    /// The first uses the main route table by default, the second the extra one by association.
    pub subnets: Vec<String>,
    /// The main route table.
    pub main_route_table: String,
    /// The route table associated with the second subnet.
    pub extra_route_table: String,
}

/// One end of a peering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Who owns the network, and where it is.
    #[serde(flatten)]
    pub place: Place,
    /// The id of the VPC.
    pub vpc: String,
}

/// Everything that should exist, beside what was there before.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Expected {
    /// The peerings, each exactly once.
    pub peerings: Vec<Peering>,
    /// The route tables with all routes that lead over a peering. Any other table must have none.
    pub route_tables: Vec<RouteTable>,
    /// The security groups of the engine with all their rules.
    pub security_groups: Vec<SecurityGroup>,
    /// Security groups of others, by id, that may exist.
    pub given_security_groups: Vec<String>,
    /// The inbound entries of network ACLs that deny. There may be no other.
    pub denials: Vec<Denial>,
}

/// An inbound entry of a network ACL that denies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Denial {
    /// The network ACL.
    pub list: String,
    /// Its number there.
    pub number: u16,
    /// `tcp` or `udp`, or `-1` for all.
    pub protocol: String,
    /// The first port; -1 where that is every one.
    pub from: i32,
    /// The last port; -1 where that is every one.
    pub to: i32,
    /// The range.
    pub source: String,
}

/// A peering that should exist.
#[derive(Debug, Clone, Serialize)]
pub struct Peering {
    /// The value of its tag `peerage:peering`, or its id if somebody else made it.
    pub peering: String,
    /// Who asked.
    pub requester: End,
    /// Who accepted.
    pub accepter: End,
    /// `active`, for instance.
    pub state: String,
    /// All its tags, seen by the requester; `*` for any value. Not compared when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
}

/// A route table with the routes over peerings that it should have.
#[derive(Debug, Clone, Serialize)]
pub struct RouteTable {
    /// Its id.
    pub id: String,
    /// Those routes, and no other over a peering.
    pub routes: Vec<Route>,
}

/// A route over a peering.
#[derive(Debug, Clone, Serialize)]
pub struct Route {
    /// The range.
    pub destination: String,
    /// The value of the peering's tag, or its id if somebody else made it.
    pub peering: String,
}

/// A security group that should exist.
#[derive(Debug, Clone, Serialize)]
pub struct SecurityGroup {
    /// The value of its tag `peerage:peering`.
    pub peering: String,
    /// The network it protects.
    #[serde(flatten)]
    pub end: End,
    /// All rules for traffic in.
    pub ingress: Vec<Rule>,
    /// All rules for traffic out; the cloud's own "everything" when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress: Option<Vec<Rule>>,
    /// All its tags; `*` for any value. Not compared when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
}

/// One rule.
#[derive(Debug, Clone, Serialize)]
pub struct Rule {
    /// `tcp`, or `-1` for all.
    pub protocol: String,
    /// The first port.
    pub from: i32,
    /// The last port.
    pub to: i32,
    /// The range, prefix list or group on the other end.
    pub source: String,
    /// All its tags; `*` for any value. Not compared when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
}

/// The judge, looking at one endpoint.
#[derive(Debug)]
pub struct Oracle {
    endpoint: String,
    conversation: Mutex<Conversation>,
}

/// One running judge, asked line by line: starting it takes longer than its answers.
#[derive(Debug)]
struct Conversation {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    /// For the cloud behind `endpoint`.
    ///
    /// # Panics
    /// When the judge does not start.
    #[must_use]
    pub fn new(endpoint: impl Into<String>) -> Self {
        let script = workspace::root().join("tests/oracle/oracle.py");
        let mut command = venv::command("python");
        command
            .arg(script)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.spawn().expect("start the oracle");
        let questions = process.stdin.take().expect("standard input of the oracle");
        let answers = BufReader::new(
            process
                .stdout
                .take()
                .expect("standard output of the oracle"),
        );
        Self {
            endpoint: endpoint.into(),
            conversation: Mutex::new(Conversation {
                process,
                questions,
                answers,
            }),
        }
    }

    /// Makes networks and answers them by name.
    ///
    /// # Panics
    /// When the cloud refuses.
    #[must_use]
    pub fn prepare(&self, networks: &[Wanted]) -> BTreeMap<String, Network> {
        let answer = self.ask("prepare", json!({"networks": networks}));
        serde_json::from_value(answer).expect("networks as the oracle prints them")
    }

    /// Makes one EC2 call, named as boto3 names it, as the account of `place`.
    ///
    /// # Panics
    /// When the cloud refuses.
    pub fn act(&self, place: &Place, call: &str, arguments: &Value) -> Value {
        let step = json!({"account": place.account, "region": place.region, "call": call, "arguments": arguments});
        let answers = self.ask("act", json!({"calls": [step]}));
        answers[0].clone()
    }

    /// Everything that exists in `places`, for a person to read.
    ///
    /// # Panics
    /// When the cloud refuses.
    #[must_use]
    pub fn dump(&self, places: &[Place]) -> Value {
        self.ask("dump", json!({"places": places}))
    }

    /// Compares what exists in `places` with what should.
    ///
    /// # Errors
    /// One line per difference.
    ///
    /// # Panics
    /// When the cloud refuses.
    pub fn check(&self, places: &[Place], expected: &Expected) -> Result<(), String> {
        verdict(&self.ask("check", json!({"places": places, "expected": expected})))
    }

    /// Compares these worlds, in the form of a dump, with what should exist in them: for a cloud
    /// without an endpoint.
    ///
    /// # Errors
    /// One line per difference.
    ///
    /// # Panics
    /// When they do not have that form.
    pub fn judge(&self, worlds: &Value, expected: &Expected) -> Result<(), String> {
        verdict(&self.ask("judge", json!({"worlds": worlds, "expected": expected})))
    }

    fn ask(&self, mode: &str, mut question: Value) -> Value {
        question["mode"] = json!(mode);
        question["endpoint"] = json!(self.endpoint);
        let mut conversation = self.conversation.lock();
        writeln!(conversation.questions, "{question}").expect("ask the oracle");
        let mut line = String::new();
        conversation
            .answers
            .read_line(&mut line)
            .expect("hear the oracle");
        let mut reply: Value = serde_json::from_str(&line).expect("JSON from the oracle");
        assert!(
            reply["failed"].is_null(),
            "oracle {mode} failed: {}",
            reply["failed"]
        );
        reply["answer"].take()
    }
}

fn verdict(answer: &Value) -> Result<(), String> {
    let differences = answer["differences"]
        .as_array()
        .expect("differences from the oracle");
    let lines: Vec<&str> = differences.iter().filter_map(Value::as_str).collect();
    if lines.is_empty() {
        Ok(())
    } else {
        Err(lines.join("\n"))
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
