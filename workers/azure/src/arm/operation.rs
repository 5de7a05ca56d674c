//! Operations that take a while, and their names.
//!
//! Resource Manager says by a URL where an operation is asked about. The URL is signed, several
//! kilobytes long and good for whoever has it: it stays in this process, and no log or event sees
//! it. What goes on record is a name of our own: what is done, and to which half.
//!
//! ```text
//!   make/for/{tenant}/{number}/subscriptions/…/virtualNetworkPeerings/{half}
//!   remove/{number}/subscriptions/…/virtualNetworkPeerings/{half}
//! ```
//!
//! So a name outlives the process that was given the URL: what it is about can be read, and that
//! says what became of it. The number is the operation's own, or the request's.

use super::{
    error::{ArmError, Failure, Told},
    id::ResourceId,
    transport::Answer,
};
use domain::text::CloudOperation;
use http::Uri;
use parking_lot::Mutex;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};
use tokio::time::Instant;

/// How many operations are known by their URLs at most; older ones are read by what they change.
const MOST: usize = 1024;

/// What is done to a half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Make,
    Remove,
}

/// A name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OperationName {
    pub(crate) change: Change,
    /// The other end's tenant, where it is another one.
    pub(crate) other: Option<String>,
    pub(crate) number: String,
    pub(crate) half: ResourceId,
}

impl OperationName {
    /// The name that goes on record.
    pub(crate) fn on_record(&self) -> Option<CloudOperation> {
        let change = match self.change {
            Change::Make => "make",
            Change::Remove => "remove",
        };
        let other = self.other.as_ref();
        let other = other.map(|it| format!("for/{it}/")).unwrap_or_default();
        format!("{change}/{other}{}{}", self.number, self.half)
            .parse()
            .ok()
    }

    /// Reads a name that is on record.
    pub(crate) fn read(name: &CloudOperation) -> Option<Self> {
        let (change, rest) = name.as_str().split_once('/')?;
        let change = match change {
            "make" => Change::Make,
            "remove" => Change::Remove,
            _ => return None,
        };
        let (other, rest) = match rest.strip_prefix("for/") {
            Some(rest) => {
                let (tenant, rest) = rest.split_once('/')?;
                (Some(tenant.to_owned()), rest)
            }
            None => (None, rest),
        };
        let at = rest.find('/')?;
        let (number, half) = rest.split_at(at);
        Some(Self {
            change,
            other,
            number: number.to_owned(),
            half: ResourceId::as_half(half)?,
        })
    }
}

/// Where an operation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Running,
    Done,
    Failed(ArmError),
}

/// A way to ask about an operation.
#[derive(Clone, Debug)]
pub(crate) struct Poll {
    /// As it was given, to the last character.
    pub(crate) url: Uri,
    /// Whether it leads to the operation's status; otherwise to its result.
    is_status: bool,
    /// Not to be asked before.
    pub(crate) not_before: Instant,
}

/// What an operation says of itself. Nothing else is in it while it runs.
#[derive(Deserialize)]
struct Status {
    status: String,
    error: Option<Told>,
}

impl Poll {
    /// Whether the answer of a change says that it goes on.
    pub(crate) fn is_in(answer: &Answer) -> bool {
        ["azure-asyncoperation", "location"]
            .iter()
            .any(|it| answer.headers.contains_key(*it))
    }

    /// Where the answer of a change leads; nothing if it leads nowhere that can be asked. The
    /// status comes first: the result of a removal says nothing but that there is none.
    pub(crate) fn of(answer: &Answer, least: Duration) -> Option<Self> {
        let status = answer.header("azure-asyncoperation");
        let (url, is_status) = match status {
            Some(url) => (url, true),
            None => (answer.header("location")?, false),
        };
        Some(Self {
            url: url.parse().ok()?,
            is_status,
            not_before: Instant::now() + pause(answer, least),
        })
    }

    /// What the answer to a poll says. One that is neither is a failure of the poll, not of the
    /// operation.
    pub(crate) fn read(&self, answer: &Answer) -> Result<Progress, ArmError> {
        if !self.is_status {
            return match answer.status.as_u16() {
                202 => Ok(Progress::Running),
                200 | 201 | 204 => Ok(Progress::Done),
                // The result of an operation can be its error.
                400 | 409 | 412 => Ok(Progress::Failed(ArmError::of(answer))),
                _ => Err(ArmError::of(answer)),
            };
        }
        if !answer.status.is_success() {
            return Err(ArmError::of(answer));
        }
        let told: Status = serde_json::from_slice(&answer.body)
            .map_err(|_| ArmError::new(Failure::Unexpected, "an operation without a status"))?;
        Ok(match told.status.as_str() {
            "Succeeded" => Progress::Done,
            "Failed" | "Canceled" => {
                Progress::Failed(ArmError::of_operation(told.error.unwrap_or(Told {
                    code: Some(told.status),
                    message: None,
                })))
            }
            // Words for under way differ, and more may come.
            _ => Progress::Running,
        })
    }

    /// Puts off the next one as it is asked to.
    pub(crate) fn put_off(&mut self, answer: &Answer, least: Duration) {
        self.not_before = Instant::now() + pause(answer, least);
    }

    /// The operation's own number, where its URL has one that a name can hold.
    pub(crate) fn number(&self) -> Option<String> {
        let last = self.url.path().rsplit('/').next()?;
        let is_plain = last.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        (is_plain && !last.is_empty() && last.len() <= 64).then(|| last.to_owned())
    }
}

fn pause(answer: &Answer, least: Duration) -> Duration {
    answer.retry_after().unwrap_or_default().max(least)
}

/// The operations that this process was given URLs for.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    entries: BTreeMap<String, Entry>,
    order: VecDeque<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum Entry {
    UnderWay(Poll),
    Ended(Progress),
}

impl Known {
    pub(crate) fn get(&self, name: &CloudOperation) -> Option<Entry> {
        self.0.lock().entries.get(name.as_str()).cloned()
    }

    pub(crate) fn put(&self, name: &CloudOperation, entry: Entry) {
        let table = &mut *self.0.lock();
        let key = name.as_str().to_owned();
        if table.entries.insert(key.clone(), entry).is_none() {
            table.order.push_back(key);
        }
        while table.order.len() > MOST {
            if let Some(oldest) = table.order.pop_front() {
                table.entries.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg(1)/providers/Microsoft.Network/virtualNetworks/hub/virtualNetworkPeerings/peerage-1";

    fn name(other: Option<&str>) -> OperationName {
        OperationName {
            change: Change::Make,
            other: other.map(str::to_owned),
            number: "0f1e".to_owned(),
            half: ResourceId::as_half(HALF).unwrap(),
        }
    }

    #[test]
    fn a_name_says_what_is_done_to_which_half_and_is_read_as_it_was_written() {
        for other in [None, Some("11111111-0000-0000-0000-000000000000")] {
            for change in [Change::Make, Change::Remove] {
                let name = OperationName {
                    change,
                    ..name(other)
                };
                let on_record = name.on_record().unwrap();
                assert_eq!(OperationName::read(&on_record), Some(name));
            }
        }
    }

    #[test]
    fn the_longest_names_of_azure_fit_the_record() {
        let half = format!(
            "/subscriptions/{0}/resourceGroups/{1}/providers/Microsoft.Network/virtualNetworks/{2}/virtualNetworkPeerings/{3}",
            "0".repeat(36),
            "g".repeat(90),
            "v".repeat(64),
            "p".repeat(80)
        );
        let longest = OperationName {
            number: "0".repeat(64),
            half: ResourceId::as_half(&half).unwrap(),
            ..name(Some(&"1".repeat(36)))
        };
        assert!(longest.on_record().is_some());
    }

    #[test]
    fn another_text_is_no_operation_of_ours() {
        for text in [
            "operation-of-nobody",
            "make",
            "make/1",
            "undo/1/subscriptions/x",
            "make/for/1",
        ] {
            assert_eq!(OperationName::read(&text.parse().unwrap()), None, "{text}");
        }
    }

    #[test]
    fn only_so_many_urls_are_kept_and_the_oldest_goes_first() {
        let known = Known::default();
        let name = |number: usize| format!("operation-{number}").parse().unwrap();
        for number in 0..=MOST {
            known.put(&name(number), Entry::Ended(Progress::Done));
        }
        assert!(known.get(&name(0)).is_none());
        assert!(known.get(&name(1)).is_some() && known.get(&name(MOST)).is_some());
    }
}
