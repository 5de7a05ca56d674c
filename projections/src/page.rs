//! Pages of an answer.
//!
//! Everything is listed in the order of the log, and a page begins after the place where the last
//! one ended. So a page never shifts under what is added meanwhile. The token says that place and
//! which question it belongs to; what it looks like is nobody's business.

use domain::Digest;
use journal::Position;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::ops::ControlFlow;

/// Which part of an answer is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// How many items at most: 0 means 100, and more than 1,000 means 1,000. A page has fewer where
    /// they would be more than 3 MiB together.
    pub size: usize,
    /// [`Page::next_token`] of the page before.
    pub token: Option<String>,
    /// What is to be answered while the end of the log has not been reached.
    pub while_building: WhileBuilding,
}

/// What is answered while the read models do not hold the whole log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhileBuilding {
    /// [`crate::QueryError::Building`]: what is there must not pass for the whole.
    #[default]
    Refuse,
    /// What is there, with [`Page::catching_up`] set.
    Answer,
}

/// One part of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The items of this part, in the order that was asked for.
    pub items: Vec<T>,
    /// Asks for the next part; `None` means that this is the last one.
    pub next_token: Option<String>,
    /// The position of the log that the answer stands for.
    pub as_of: Position,
    /// Whether the end of the log has not been reached: there is more than what is listed here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub catching_up: bool,
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

    /// The key of the last item of the page before. `None` is a token of another question.
    #[expect(
        clippy::option_option,
        reason = "no token and a wrong one are two things"
    )]
    pub(crate) fn after<K: DeserializeOwned>(
        &self,
        question: &impl Serialize,
    ) -> Option<Option<K>> {
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
struct Token<K> {
    after: K,
    question: Digest,
}

impl<K> Token<K> {
    fn matches(&self, question: &impl Serialize) -> bool {
        Digest::of(question).is_ok_and(|digest| digest == self.question)
    }
}

/// The most bytes that the items of a page have together, as they are stored: what comes of them on
/// the wire stays below the 4 MiB that a gRPC message may have.
const BYTES: usize = 3 * 1024 * 1024;

/// Collects the items of a page, and knows when it is full.
#[derive(Debug)]
pub(crate) struct Filling<K, T> {
    limit: usize,
    bytes: usize,
    found: Vec<(K, T)>,
    more: bool,
}

impl<K: Serialize, T> Filling<K, T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            bytes: 0,
            found: Vec::new(),
            more: false,
        }
    }

    /// How many more items there may be.
    pub(crate) fn room(&self) -> usize {
        self.limit - self.found.len()
    }

    /// Adds an item, unless there is no room for it; then there is none for any other.
    pub(crate) fn add(&mut self, key: K, item: T, bytes: usize) -> ControlFlow<()> {
        let has_room = self.found.len() < self.limit && self.bytes + bytes <= BYTES;
        if !has_room && !self.found.is_empty() {
            self.more = true;
            return ControlFlow::Break(());
        }
        self.bytes += bytes;
        self.found.push((key, item));
        ControlFlow::Continue(())
    }

    pub(crate) fn page(self, as_of: Position, question: &impl Serialize) -> Page<T> {
        let last = self.found.last().filter(|_| self.more);
        let next_token = last.and_then(|(key, _)| write(key, question));
        Page {
            items: self.found.into_iter().map(|(_, item)| item).collect(),
            next_token,
            as_of,
            catching_up: false,
        }
    }
}

fn write<K: Serialize>(after: K, question: &impl Serialize) -> Option<String> {
    let token = Token {
        after,
        question: Digest::of(question).ok()?,
    };
    let json = serde_json::to_vec(&token).ok()?;
    Some(json.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn read<K: DeserializeOwned>(token: &str) -> Option<Token<K>> {
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
            token: Some(token.to_owned()),
            ..PageRequest::default()
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
        assert_eq!(
            request(&token).after::<Position>(&("peerings", "failed")),
            None
        );
    }

    #[test]
    fn what_nobody_gave_out_is_no_token() {
        for token in ["", "7", "zz", "é", "7b7d", "+1+2"] {
            assert_eq!(
                request(token).after::<Position>(&"networks"),
                None,
                "{token}"
            );
        }
    }

    #[test]
    fn a_page_has_a_size_whatever_is_asked() {
        let limits = [0, 1, 1_000, 5_000].map(|size| {
            PageRequest {
                size,
                ..PageRequest::default()
            }
            .limit()
        });
        assert_eq!(limits, [100, 1, 1_000, 1_000]);
    }

    #[test]
    fn a_page_ends_before_its_items_are_too_large_together_but_has_one_at_least() {
        let mut filling = Filling::new(10);
        assert!(filling.add(1, "huge", BYTES + 1).is_continue());
        assert!(filling.add(2, "small", 1).is_break());
        let page = filling.page(Position::START, &"networks");
        assert_eq!(page.items, ["huge"]);
        assert!(page.next_token.is_some());
        let mut filling = Filling::new(2);
        for key in 1..=2 {
            assert!(filling.add(key, "small", 1).is_continue());
        }
        assert!(filling.add(3, "small", 1).is_break());
        assert_eq!(filling.page(Position::START, &"networks").items.len(), 2);
    }
}
