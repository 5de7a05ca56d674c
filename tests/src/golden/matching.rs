//! Whether a value that came is the one that was recorded, where the recording names what a server
//! chooses itself.
//!
//! `@1`, `@2`, … are log positions: bound on first sight, the same number from then on. `<uuid>`,
//! `<ticks>` and their like stand for any well-formed value, alone or inside a longer text.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Messages that may carry fields of newer servers, with those fields.
const MAY_CARRY_MORE: [&str; 2] = ["caught_up", "checkpoint"];
const NEWER_FIELDS: [&str; 3] = ["timestamp", "stream_revision", "position"];

/// How far above its lower neighbour a position lies that only a request names: in a gap that no
/// record can begin in.
const INTO_A_GAP: u64 = 3;

/// .NET ticks (100 ns) of the years 2020 and 2100 since 1970: a time of creation lies between.
const PLAUSIBLE_TICKS: std::ops::Range<u64> = 15_778_368_000_000_000..41_024_448_000_000_000;

/// What the names of one case stand for.
#[derive(Debug, Clone, Default)]
pub struct Names {
    numbers: BTreeMap<String, u64>,
    order: Vec<String>,
    last_uuid: Option<String>,
}

/// Where and how a value differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The way to the value, `responses[0].success.position`.
    pub at: String,
    /// What the recording wants there.
    pub wanted: String,
    /// What came.
    pub came: String,
}

/// The id of a connection to a persistent subscription.
const GROUP_SUBSCRIPTION: &str = "subscription_confirmation.subscription_id";

impl std::fmt::Display for Difference {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            to,
            "{}\n      wanted {}\n      came   {}",
            self.at, self.wanted, self.came
        )
    }
}

impl Names {
    /// For a case with this `position_order`.
    #[must_use]
    pub fn ordered(order: &[String]) -> Self {
        Self {
            order: order.to_vec(),
            ..Self::default()
        }
    }

    /// The number behind a name, once bound.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.numbers.get(name).copied()
    }

    /// The number to send for a recorded 64-bit value. A name that no answer has bound yet lies
    /// just above its neighbour.
    ///
    /// # Panics
    /// When the text is neither a name nor a number.
    pub fn number_for_request(&mut self, text: &str) -> u64 {
        if !text.starts_with('@') {
            return text
                .parse()
                .unwrap_or_else(|_| panic!("{text} is no number"));
        }
        if let Some(number) = self.number(text) {
            return number;
        }
        let place = self
            .order
            .iter()
            .position(|name| name == text)
            .unwrap_or_default();
        let below = self.order[..place]
            .iter()
            .rev()
            .find_map(|name| self.number(name));
        let number = below.unwrap_or_default() + INTO_A_GAP;
        self.numbers.insert(text.to_owned(), number);
        number
    }

    /// The text to send: `<uuid>` is the id that the server made last.
    #[must_use]
    pub fn text_for_request(&self, text: &str) -> String {
        match &self.last_uuid {
            Some(id) if text == "<uuid>" => id.clone(),
            _ => text.to_owned(),
        }
    }

    /// Checks that the bound numbers ascend in the recorded order.
    ///
    /// # Errors
    /// The first pair that does not.
    pub fn check_order(&self) -> Result<(), Difference> {
        let bound: Vec<(&String, u64)> = self
            .order
            .iter()
            .filter_map(|name| Some((name, self.number(name)?)))
            .collect();
        for pair in bound.windows(2) {
            let [(lower, low), (upper, high)] = pair else {
                continue;
            };
            if low >= high {
                let came = format!("{lower} = {low}, {upper} = {high}");
                return Err(Difference {
                    at: "position_order".to_owned(),
                    wanted: format!("{lower} < {upper}"),
                    came,
                });
            }
        }
        Ok(())
    }

    /// Compares what came with what was recorded, and binds the names met on the way.
    ///
    /// # Errors
    /// The first difference.
    pub fn compare(&mut self, at: &str, wanted: &Value, came: &Value) -> Result<(), Difference> {
        let same = match (wanted, came) {
            (Value::Object(wanted), Value::Object(came)) => {
                return self.compare_fields(at, wanted, came);
            }
            (Value::Array(wanted), Value::Array(came)) => {
                return self.compare_items(at, wanted, came);
            }
            (Value::String(text), came) if text == "<structured-uuid>" => is_structured_uuid(came),
            // The recording hides this field's value, whatever its form; a real server names the
            // stream and the group in it.
            (Value::String(text), Value::String(came))
                if text == "<uuid>" && at.ends_with(GROUP_SUBSCRIPTION) =>
            {
                !came.is_empty()
            }
            (Value::String(text), Value::Number(port)) if text == "<port>" => {
                port.as_u64().is_some_and(|port| port > 0)
            }
            (Value::String(wanted), Value::String(came)) if wanted.starts_with('@') => {
                self.is_position(wanted, came)
            }
            (Value::String(wanted), Value::String(came)) => self.is_text(wanted, came),
            (wanted, came) => wanted == came,
        };
        if same {
            Ok(())
        } else {
            Err(self.difference(at, wanted, came))
        }
    }

    fn compare_fields(
        &mut self,
        at: &str,
        wanted: &Map<String, Value>,
        came: &Map<String, Value>,
    ) -> Result<(), Difference> {
        let inside = |name: &str| {
            if at.is_empty() {
                name.to_owned()
            } else {
                format!("{at}.{name}")
            }
        };
        for (name, wanted) in wanted {
            match came.get(name) {
                Some(came) => self.compare(&inside(name), wanted, came)?,
                None => {
                    return Err(Difference {
                        at: inside(name),
                        wanted: wanted.to_string(),
                        came: "nothing".to_owned(),
                    });
                }
            }
        }
        let may_carry_more = MAY_CARRY_MORE.iter().any(|message| at.ends_with(message));
        let newer = |name: &String| {
            may_carry_more && (NEWER_FIELDS.contains(&name.as_str()) || name.starts_with('?'))
        };
        let mut extra = came
            .iter()
            .filter(|(name, _)| !wanted.contains_key(*name) && !newer(name));
        match extra.next() {
            None => Ok(()),
            // A checkpoint of the reference may leave the prepare position 0, which is not shown;
            // ours may repeat the commit position.
            Some((name, value))
                if at.ends_with("checkpoint")
                    && name == "prepare_position"
                    && Some(value) == came.get("commit_position") =>
            {
                Ok(())
            }
            Some((name, value)) => Err(Difference {
                at: inside(name),
                wanted: "nothing".to_owned(),
                came: value.to_string(),
            }),
        }
    }

    fn compare_items(
        &mut self,
        at: &str,
        wanted: &[Value],
        came: &[Value],
    ) -> Result<(), Difference> {
        for (place, (wanted, came)) in wanted.iter().zip(came).enumerate() {
            self.compare(&format!("{at}[{place}]"), wanted, came)?;
        }
        let place = wanted.len().min(came.len());
        let at = || format!("{at}[{place}]");
        match (wanted.get(place), came.get(place)) {
            (Some(missing), _) => Err(Difference {
                at: at(),
                wanted: missing.to_string(),
                came: "nothing more".to_owned(),
            }),
            (None, Some(extra)) => Err(Difference {
                at: at(),
                wanted: "nothing more".to_owned(),
                came: extra.to_string(),
            }),
            (None, None) => Ok(()),
        }
    }

    fn is_position(&mut self, name: &str, came: &str) -> bool {
        let Ok(number) = came.parse() else {
            return false;
        };
        let taken = self
            .numbers
            .iter()
            .any(|(other, bound)| other != name && *bound == number);
        !taken && *self.numbers.entry(name.to_owned()).or_insert(number) == number
    }

    /// Compares a text with placeholders in it, literal parts exactly.
    fn is_text(&mut self, wanted: &str, came: &str) -> bool {
        let mut rest = came;
        let mut wanted = wanted;
        while let Some(placeholder) = PLACEHOLDERS
            .iter()
            .filter_map(|kind| Some((wanted.find(kind.shown)?, kind)))
            .min_by_key(|found| found.0)
        {
            let (start, kind) = placeholder;
            let Some(after) = rest.strip_prefix(&wanted[..start]) else {
                return false;
            };
            let length = after
                .find(|letter: char| !(kind.holds)(letter))
                .unwrap_or(after.len());
            let value = &after[..length];
            if !(kind.is_well_formed)(value) {
                return false;
            }
            if kind.shown == "<uuid>" {
                self.last_uuid = Some(value.to_owned());
            }
            rest = &after[length..];
            wanted = &wanted[start + kind.shown.len()..];
        }
        rest == wanted
    }

    fn difference(&self, at: &str, wanted: &Value, came: &Value) -> Difference {
        let bound = wanted
            .as_str()
            .and_then(|name| self.number(name))
            .map(|number| format!(" = {number}"));
        let wanted = format!("{wanted}{}", bound.unwrap_or_default());
        Difference {
            at: at.to_owned(),
            wanted,
            came: came.to_string(),
        }
    }
}

/// Something that a server makes: how it is written in a recording, which letters it is made of,
/// and when it is well formed.
struct Placeholder {
    shown: &'static str,
    holds: fn(char) -> bool,
    is_well_formed: fn(&str) -> bool,
}

const PLACEHOLDERS: [Placeholder; 4] = [
    Placeholder {
        shown: "<uuid>",
        holds: |letter| letter.is_ascii_hexdigit() || letter == '-',
        is_well_formed: is_uuid,
    },
    Placeholder {
        shown: "<ticks>",
        holds: |letter| letter.is_ascii_digit(),
        is_well_formed: |text| {
            text.parse()
                .is_ok_and(|ticks: u64| PLAUSIBLE_TICKS.contains(&ticks))
        },
    },
    Placeholder {
        shown: "<time>",
        holds: |letter| letter.is_ascii_digit() || "-+:.TZ".contains(letter),
        is_well_formed: is_time,
    },
    Placeholder {
        shown: "<n>",
        holds: |letter| letter.is_ascii_digit() || letter == '-',
        is_well_formed: |text| text.parse::<i64>().is_ok(),
    },
];

fn is_uuid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12]
}

/// `2026-01-31T12:00:00.1234567Z` and its like.
fn is_time(text: &str) -> bool {
    let date = text
        .get(..10)
        .map(|date| date.split('-').map(str::len).collect::<Vec<_>>());
    date.as_deref() == Some(&[4, 2, 2]) && text.get(10..11) == Some("T") && text.len() >= 19
}

/// The two halves of an id, or the message that has them as its chosen form.
fn is_structured_uuid(came: &Value) -> bool {
    let came = came.get("structured").unwrap_or(came);
    let half = |name: &str| {
        came.get(name)
            .and_then(Value::as_str)
            .is_some_and(|text| text.parse::<i64>().is_ok())
    };
    half("most_significant_bits") && half("least_significant_bits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn same(wanted: &Value, came: &Value) -> bool {
        Names::default().compare("", wanted, came).is_ok()
    }

    #[test]
    fn a_name_is_bound_on_first_sight_and_stays() {
        let mut names = Names::default();
        assert_eq!(
            names.compare("", &json!(["@1", "@2", "@1"]), &json!(["10", "20", "10"])),
            Ok(())
        );
        assert_eq!(names.number_for_request("@2"), 20);
        let changed = names
            .compare("position", &json!("@1"), &json!("11"))
            .unwrap_err();
        assert_eq!(
            changed.to_string(),
            "position\n      wanted \"@1\" = 10\n      came   \"11\""
        );
    }

    #[test]
    fn two_names_never_share_a_number() {
        assert!(!same(&json!(["@1", "@2"]), &json!(["10", "10"])));
    }

    #[test]
    fn the_recorded_order_of_positions_is_checked() {
        let order = ["@2".to_owned(), "@1".to_owned()];
        let mut names = Names::ordered(&order);
        names
            .compare("", &json!(["@1", "@2"]), &json!(["10", "20"]))
            .unwrap();
        assert_eq!(names.check_order().unwrap_err().wanted, "@2 < @1");
    }

    #[test]
    fn a_position_that_only_a_request_names_lies_above_its_neighbour() {
        let order = ["@1", "@3", "@2"].map(str::to_owned);
        let mut names = Names::ordered(&order);
        names
            .compare("", &json!(["@1", "@2"]), &json!(["10", "20"]))
            .unwrap();
        assert_eq!(names.number_for_request("@3"), 13);
        assert_eq!(names.number_for_request("18446744073709551615"), u64::MAX);
    }

    #[test]
    fn placeholders_take_well_formed_values_only() {
        assert!(same(
            &json!("<uuid>"),
            &json!("213978f7-4c6c-4c2e-857e-94b5dc4af4c6")
        ));
        assert!(!same(&json!("<uuid>"), &json!("213978f7")));
        assert!(same(&json!("<ticks>"), &json!("17638836000000000")));
        assert!(!same(&json!("<ticks>"), &json!("0")));
        assert!(same(
            &json!("<structured-uuid>"),
            &json!({"most_significant_bits": "-5", "least_significant_bits": "7"})
        ));
        assert!(!same(&json!("<structured-uuid>"), &json!({})));
        assert!(same(&json!("<port>"), &json!(2113)) && !same(&json!("<port>"), &json!(0)));
        assert!(same(
            &json!("{\"$c\":<n>,\"t\":\"<time>\"}"),
            &json!("{\"$c\":-12,\"t\":\"2026-01-31T12:00:00.1Z\"}")
        ));
        assert!(
            !same(&json!("{\"$c\":<n>}"), &json!("{\"$c\":}"))
                && !same(&json!("<n>x"), &json!("12y"))
        );
    }

    #[test]
    fn a_doctored_message_differs() {
        let wanted = json!({"event": {"event": {"stream_revision": "1", "data": "a"}, "commit_position": "@1"}});
        let good = json!({"event": {"event": {"stream_revision": "1", "data": "a"}, "commit_position": "7"}});
        assert!(same(&wanted, &good));
        for (pointer, value) in [
            ("/event/event/stream_revision", json!("2")),
            ("/event/event/data", json!("b")),
            ("/event/event", json!({})),
        ] {
            let mut doctored = good.clone();
            *doctored.pointer_mut(pointer).unwrap() = value;
            assert!(!same(&wanted, &doctored), "{doctored}");
        }
        let mut more = good.clone();
        more["event"]["link"] = json!({});
        assert!(!same(&wanted, &more));
        assert!(
            !same(&json!([wanted]), &json!([good, good]))
                && !same(&json!([wanted, wanted]), &json!([good]))
        );
    }

    #[test]
    fn caught_up_and_checkpoint_may_carry_newer_fields_and_nothing_else_may() {
        assert!(same(
            &json!({"caught_up": {}}),
            &json!({"caught_up": {"timestamp": {"seconds": "1"}, "position": {}}})
        ));
        assert!(!same(
            &json!({"caught_up": {}}),
            &json!({"caught_up": {"surprise": 1}})
        ));
        assert!(!same(
            &json!({"confirmation": {}}),
            &json!({"confirmation": {"timestamp": {}}})
        ));
        let checkpoint = json!({"checkpoint": {"commit_position": "@1"}});
        assert!(same(
            &checkpoint,
            &json!({"checkpoint": {"commit_position": "5", "prepare_position": "5", "timestamp": {}}})
        ));
        assert!(!same(
            &checkpoint,
            &json!({"checkpoint": {"commit_position": "5", "prepare_position": "4"}})
        ));
    }
}
