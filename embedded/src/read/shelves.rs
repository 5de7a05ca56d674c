//! Pages that were read and are not delivered yet: bounded, however many readers do not read.
//!
//! A reader gets its page back event by event. When all pages together are too large, the oldest is
//! dropped: whoever it belongs to reads on from where it is, if it ever goes on. Where there are
//! many pages, new ones are smaller, so that readers who do read seldom lose one.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;

use super::page::PAGE_BYTES;

/// The most that all pages hold together.
const MOST_BYTES: usize = 64 << 20;
/// Pages are no smaller than this, however many there are.
const SMALLEST_PAGE: usize = 32 << 10;
/// What is no larger is not worth counting.
const SMALL: usize = 4 << 10;

/// All pages of a store. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Shelves(Arc<Mutex<All>>);

#[derive(Default)]
struct All {
    bytes: usize,
    /// How many pages there are.
    count: usize,
    /// By age. Some are gone.
    pages: VecDeque<Weak<dyn Page>>,
}

/// A page, on its way to one reader.
pub(super) struct Shelf<T: Send + 'static> {
    held: Arc<Held<T>>,
    shelves: Option<Shelves>,
}

/// What a reader finds of its page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<T> {
    Item(T),
    /// That was all of it.
    End,
    /// The rest was dropped: it has to be read again.
    Dropped,
}

struct Held<T> {
    /// None: dropped.
    items: Mutex<Option<VecDeque<T>>>,
    bytes: usize,
}

trait Page: Send + Sync {
    /// Drops what is left of it, and says what that frees.
    fn drop_rest(&self) -> usize;
}

impl<T: Send> Page for Held<T> {
    fn drop_rest(&self) -> usize {
        self.items.lock().take().map_or(0, |_| self.bytes)
    }
}

impl Shelves {
    /// How large a page should be now.
    pub(super) fn page_bytes(&self) -> usize {
        let count = self.0.lock().count;
        (MOST_BYTES / 2 / (count + 1)).clamp(SMALLEST_PAGE, PAGE_BYTES)
    }

    /// Holds a page for its reader.
    pub(super) fn put<T: Send>(&self, items: Vec<T>, len: impl Fn(&T) -> usize) -> Shelf<T> {
        let bytes = items.iter().map(len).sum();
        let held = Arc::new(Held {
            items: Mutex::new(Some(items.into())),
            bytes,
        });
        if bytes <= SMALL {
            let shelves = None;
            return Shelf { held, shelves };
        }
        let dropped = {
            let mut all = self.0.lock();
            let dropped = all.make_room(bytes);
            all.bytes += bytes;
            all.count += 1;
            let page: Arc<dyn Page> = held.clone();
            all.pages.push_back(Arc::downgrade(&page));
            dropped
        };
        if dropped > 0 {
            tracing::debug!(pages = dropped, "pages that are not read were dropped");
        }
        let shelves = Some(self.clone());
        Shelf { held, shelves }
    }
}

impl All {
    /// Drops the oldest pages until there is room for so much; how many.
    fn make_room(&mut self, bytes: usize) -> usize {
        let mut dropped = 0;
        while self.bytes + bytes > MOST_BYTES
            && let Some(oldest) = self.pages.pop_front()
        {
            let freed = oldest.upgrade().map_or(0, |page| page.drop_rest());
            if freed > 0 {
                self.bytes -= freed;
                self.count -= 1;
                dropped += 1;
            }
        }
        if self.pages.len() > 2 * self.count + 64 {
            self.pages.retain(|page| page.strong_count() > 0);
        }
        dropped
    }
}

impl<T: Send + 'static> Shelf<T> {
    pub(super) fn next(&self) -> Next<T> {
        match self.held.items.lock().as_mut() {
            None => Next::Dropped,
            Some(items) => items.pop_front().map_or(Next::End, Next::Item),
        }
    }
}

impl<T: Send + 'static> Drop for Shelf<T> {
    fn drop(&mut self) {
        if let Some(shelves) = &self.shelves {
            let mut all = shelves.0.lock();
            let freed = self.held.drop_rest();
            if freed > 0 {
                all.bytes -= freed;
                all.count -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(shelves: &Shelves, bytes: usize) -> Shelf<usize> {
        shelves.put(vec![bytes / 2, bytes - bytes / 2], |it| *it)
    }

    #[test]
    fn the_oldest_pages_go_when_all_are_too_large_and_their_readers_are_told() {
        let shelves = Shelves::default();
        let most = MOST_BYTES >> 20;
        let pages: Vec<_> = (0..most).map(|_| page(&shelves, 1 << 20)).collect();
        assert_eq!(pages[0].next(), Next::Item(1 << 19));
        assert_eq!(shelves.0.lock().bytes, MOST_BYTES);
        let last = page(&shelves, 1 << 20);
        assert_eq!(pages[0].next(), Next::Dropped);
        assert_eq!(pages[1].next(), Next::Item(1 << 19));
        for rest in [Next::Item(1 << 19), Next::Item(1 << 19), Next::End] {
            assert_eq!(last.next(), rest);
        }
        assert_eq!(shelves.0.lock().bytes, MOST_BYTES);
        drop((pages, last));
        let all = shelves.0.lock();
        assert_eq!((all.bytes, all.count), (0, 0));
    }

    #[test]
    fn a_page_that_is_larger_than_all_may_be_is_held_alone() {
        let shelves = Shelves::default();
        let other = page(&shelves, 1 << 20);
        let large = page(&shelves, MOST_BYTES + 1);
        assert_eq!(other.next(), Next::Dropped);
        assert!(matches!(large.next(), Next::Item(_)));
        drop(large);
        assert_eq!(shelves.0.lock().bytes, 0);
    }

    #[test]
    fn pages_are_smaller_where_there_are_many_and_what_is_gone_is_not_remembered() {
        let shelves = Shelves::default();
        assert_eq!(shelves.page_bytes(), PAGE_BYTES);
        let pages: Vec<_> = (0..100).map(|_| page(&shelves, SMALL + 1)).collect();
        assert_eq!(shelves.page_bytes(), MOST_BYTES / 2 / 101);
        let small = page(&shelves, SMALL);
        assert_eq!(shelves.0.lock().count, 100);
        drop((pages, small));
        for _ in 0..10_000 {
            drop(page(&shelves, SMALL + 1));
        }
        let all = shelves.0.lock();
        assert!(all.pages.len() <= 65, "{}", all.pages.len());
        assert_eq!(all.count, 0);
    }
}
