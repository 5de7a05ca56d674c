//! Pages of an answer.
//!
//! Everything is listed in the order of the log, and a page begins after the place where the last
//! one ended. So a page never shifts under what is added meanwhile. The token says that place and
//! which question it belongs to; what it looks like is nobody's business.

use domain::Digest;
use journal::Position;
use serde::{Deserialize, Serialize};

/// Which part of an answer is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// How many items at most: 0 means 100, and more than 1,000 means 1,000.
    pub size: usize,
    /// [`Page::next_token`] of the page before.
    pub token: Option<String>,
}

/// One part of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Asks for the next part; `None` means that this is the last one.
    pub next_token: Option<String>,
    /// The position of the log that the answer stands for.
    pub as_of: Position,
}

impl PageRequest {
    const USUAL: usize = 100;
    const MOST: usize = 1_000;

    pub(crate) fn limit(&self) -> usize {
        if self.size == 0 {
            Self::USUAL
        } else {
            self.size.min(Self::MOST)
        }
    }

    /// Where the page before ended. `None` is a token of another question.
    pub(crate) fn after(&self, question: &impl Serialize) -> Option<Option<Position>> {
        match &self.token {
            None => Some(None),
            Some(token) => read(token)
                .filter(|it| it.matches(question))
                .map(|it| Some(it.after)),
        }
    }
}

/// What a token says.
#[derive(Serialize, Deserialize)]
struct Token {
    after: Position,
    question: Digest,
}

impl Token {
    fn matches(&self, question: &impl Serialize) -> bool {
        Digest::of(question).is_ok_and(|digest| digest == self.question)
    }
}

/// Cuts what was read with one item too many down to a page.
pub(crate) fn cut<T>(
    mut found: Vec<(Position, T)>,
    limit: usize,
    as_of: Position,
    question: &impl Serialize,
) -> Page<T> {
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().map(|(position, _)| *position).filter(|_| more);
    let items = found.into_iter().map(|(_, item)| item).collect();
    Page {
        items,
        next_token: last.and_then(|after| write(after, question)),
        as_of,
    }
}

fn write(after: Position, question: &impl Serialize) -> Option<String> {
    let token = Token {
        after,
        question: Digest::of(question).ok()?,
    };
    let json = serde_json::to_vec(&token).ok()?;
    Some(json.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn read(token: &str) -> Option<Token> {
    let digits = token.as_bytes();
    let bytes = digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    serde_json::from_slice(&bytes.collect::<Option<Vec<_>>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(token: &str) -> PageRequest {
        PageRequest {
            size: 0,
            token: Some(token.to_owned()),
        }
    }

    #[test]
    fn a_token_is_good_for_its_own_question_only() {
        let after = Position {
            commit: 7,
            prepare: 7,
        };
        let token = write(after, &("peerings", "active")).expect("a token");
        assert_eq!(
            request(&token).after(&("peerings", "active")),
            Some(Some(after))
        );
        assert_eq!(request(&token).after(&("peerings", "failed")), None);
    }

    #[test]
    fn what_nobody_gave_out_is_no_token() {
        for token in ["", "7", "zz", "é", "7b7d", "+1+2"] {
            assert_eq!(request(token).after(&"networks"), None, "{token}");
        }
    }

    #[test]
    fn a_page_has_a_size_whatever_is_asked() {
        let limits = [0, 1, 1_000, 5_000].map(|size| PageRequest { size, token: None }.limit());
        assert_eq!(limits, [100, 1, 1_000, 1_000]);
    }
}
