//! Pages of an answer, bounded by items and by bytes.
//!
//! Rows are read in parts, since only a message tells how large it is: clients refuse messages of
//! more than 4 MB. A part that would go past that is read again in smaller ones.

use projections::{Page, PageRequest, WhileBuilding};
use prost::Message;

/// The most bytes of a page's items (gRPC clients refuse more than 4 MiB by default).
const BYTES: usize = 3_900_000;

/// How many rows are read at once.
const PART: usize = 50;

/// A page that is being filled.
#[derive(Debug)]
pub(super) struct Filling<M> {
    items: Vec<M>,
    bytes: usize,
    wanted: usize,
    part: usize,
    token: Option<String>,
    more: bool,
    as_of: Option<journal::Position>,
    while_building: WhileBuilding,
    catching_up: bool,
}

/// A page that is filled.
#[derive(Debug)]
pub(super) struct Filled<M> {
    pub(super) items: Vec<M>,
    pub(super) next_token: String,
    pub(super) as_of: String,
    pub(super) catching_up: bool,
}

impl<M: Message> Filling<M> {
    pub(super) fn new(page: &PageRequest) -> Self {
        const USUAL: usize = 100;
        let wanted = if page.size == 0 { USUAL } else { page.size };
        Self {
            items: Vec::new(),
            bytes: 0,
            wanted,
            part: PART,
            token: page.token.clone(),
            more: true,
            as_of: None,
            while_building: page.while_building,
            catching_up: false,
        }
    }

    /// What is to be read next, until the page is full.
    pub(super) fn next(&self) -> Option<PageRequest> {
        let left = self.wanted.saturating_sub(self.items.len());
        (self.more && left > 0).then(|| PageRequest {
            size: left.min(self.part),
            token: self.token.clone(),
            while_building: self.while_building,
        })
    }

    /// Adds what was read, as far as it fits. A single item is never too large for a page of its
    /// own.
    pub(super) fn add<T>(&mut self, rows: Page<T>, message: impl Fn(T) -> M) {
        self.as_of = self.as_of.or(Some(rows.as_of));
        self.catching_up |= rows.catching_up;
        let messages: Vec<M> = rows.items.into_iter().map(message).collect();
        let bytes: usize = messages.iter().map(|it| it.encoded_len() + 8).sum();
        let fits = self.bytes + bytes <= BYTES;
        if !fits && messages.len() > 1 {
            self.part = (messages.len() / 2).max(1);
            return;
        }
        if !fits && !self.items.is_empty() {
            self.more = false;
            return;
        }
        self.bytes += bytes;
        self.items.extend(messages);
        self.more = rows.next_token.is_some();
        self.token = rows.next_token;
    }

    pub(super) fn finish(self) -> Filled<M> {
        Filled {
            items: self.items,
            next_token: self.token.unwrap_or_default(),
            as_of: self.as_of.map(|it| it.to_string()).unwrap_or_default(),
            catching_up: self.catching_up,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1;

    /// Rows of so many bytes, and the number of the next one as the token.
    fn rows(all: &[usize], part: &PageRequest) -> Page<usize> {
        let from: usize = part
            .token
            .as_ref()
            .map_or(0, |it| it.parse().expect("a number"));
        let to = (from + part.size).min(all.len());
        Page {
            items: all[from..to].to_vec(),
            next_token: (to < all.len()).then(|| to.to_string()),
            as_of: journal::Position::START,
            catching_up: false,
        }
    }

    fn message(bytes: usize) -> v1::Instruction {
        v1::Instruction {
            body: "x".repeat(bytes),
            ..Default::default()
        }
    }

    fn pages(all: &[usize], size: usize) -> Vec<usize> {
        let mut token = None;
        let mut sizes = Vec::new();
        loop {
            let mut filling = Filling::new(&PageRequest {
                size,
                token,
                ..PageRequest::default()
            });
            while let Some(part) = filling.next() {
                filling.add(rows(all, &part), message);
            }
            let filled = filling.finish();
            let bytes: usize = filled.items.iter().map(Message::encoded_len).sum();
            assert!(bytes <= 4 << 20 || filled.items.len() == 1);
            sizes.push(filled.items.len());
            if filled.next_token.is_empty() {
                return sizes;
            }
            token = Some(filled.next_token);
        }
    }

    #[test]
    fn a_page_ends_at_its_size_or_at_four_megabytes_and_nothing_is_lost_between_pages() {
        assert_eq!(pages(&[10; 250], 0), [100, 100, 50]);
        assert_eq!(pages(&[10; 120], 1000), [120]);
        assert_eq!(pages(&[], 10), [0]);
        let large = pages(&[400_000; 30], 1000);
        assert_eq!(large.iter().sum::<usize>(), 30);
        assert!(large.iter().all(|it| (1..=9).contains(it)), "{large:?}");
        assert_eq!(pages(&[10, 5_000_000, 10], 1000), [1, 1, 1]);
    }
}
