//! Frames of HTTP/2 that carry nothing.
//!
//! A DATA frame without data that ends no stream takes 9 bytes of no window, and waits in memory
//! all the same until its call is read: the library's queue has no bound for them
//! (RUSTSEC-2026-0258), and no budget of bytes sees them. No client needs them, so a connection
//! that sends many more of them than of others ends.

/// How many more frames without data than others a connection may send.
const EMPTY: u32 = 1_000;

const HEAD: usize = 9;
const DATA: u8 = 0;
const END_STREAM: u8 = 0x1;
const PADDED: u8 = 0x8;

/// The frames of a connection, from behind what its client says first.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    head: [u8; HEAD],
    /// How much of a head is there.
    headed: usize,
    /// How much of a frame is still to come.
    rest: usize,
    /// Whether the next byte says how much of the frame is padding.
    is_padded: bool,
    empty: u32,
}

impl Frames {
    /// Looks at what came; whether the connection may go on.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) -> bool {
        while let Some(first) = bytes.first() {
            if self.rest == 0 {
                let more = (HEAD - self.headed).min(bytes.len());
                self.head[self.headed..self.headed + more].copy_from_slice(&bytes[..more]);
                self.headed += more;
                bytes = &bytes[more..];
                if self.headed == HEAD {
                    self.headed = 0;
                    self.begin();
                }
            } else {
                if std::mem::take(&mut self.is_padded) {
                    self.count(usize::from(*first) + 1 >= self.rest);
                }
                let more = self.rest.min(bytes.len());
                self.rest -= more;
                bytes = &bytes[more..];
            }
            if self.empty > EMPTY {
                return false;
            }
        }
        true
    }

    fn begin(&mut self) {
        let [high, middle, low, kind, flags, ..] = self.head;
        self.rest = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        let is_data = kind == DATA && flags & END_STREAM == 0;
        self.is_padded = is_data && flags & PADDED != 0 && self.rest > 0;
        if !self.is_padded {
            self.count(is_data && self.rest == 0);
        }
    }

    fn count(&mut self, is_empty: bool) {
        self.empty = if is_empty {
            self.empty + 1
        } else {
            self.empty.saturating_sub(1)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
    }

    /// Whether a connection goes on that sends this so often, in pieces of this size.
    fn goes_on(one: &[u8], times: u32, piece: usize) -> bool {
        let all = one.repeat(times as usize);
        let mut frames = Frames::default();
        all.chunks(piece).all(|it| frames.take(it))
    }

    #[test]
    fn frames_without_data_end_a_connection_however_they_are_cut_and_padded() {
        for one in [
            frame(DATA, 0, &[]),
            frame(DATA, PADDED, &[0]),
            frame(DATA, PADDED, &[3, 0, 0, 0]),
            frame(DATA, PADDED, &[9, 0, 0]),
        ] {
            for piece in [1, 7, 9, 10, 4_096] {
                assert!(goes_on(&one, EMPTY, piece), "{one:?} {piece}");
                assert!(!goes_on(&one, EMPTY + 1, piece), "{one:?} {piece}");
            }
        }
    }

    #[test]
    fn frames_with_data_and_ends_of_streams_are_nothing_against_a_connection() {
        let last = frame(DATA, END_STREAM, &[]);
        let sent = frame(DATA, 0, &[7; 300]);
        let padded = frame(DATA, PADDED, &[1, 7, 0]);
        let headers = frame(1, 0x4, &[0; 40]);
        let settings = frame(4, 0, &[]);
        for one in [last, sent, padded, headers, settings] {
            for piece in [1, 8, 9, 4_096] {
                assert!(goes_on(&one, EMPTY * 3, piece), "{one:?}");
            }
        }
        // One for each of the others, which some clients send at the end of a message.
        let both = [frame(DATA, 0, &[7]), frame(DATA, 0, &[])].concat();
        assert!(goes_on(&both, EMPTY * 3, 11));
    }
}
