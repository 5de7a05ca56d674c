//! How one record of the log is written down in a backup, on the wire and in a file alike.
//!
//! ```text
//! length u32 · position u64 · created i64 · kind u8 · the record, `length` bytes · xxh3 u64 of all of it
//! ```
//!
//! Numbers are big endian. The record itself is the store's own form, taken as it is: what is read
//! back from a backup is what was read from the log, byte for byte. Position, time and kind stand
//! in front of it so that a backup can be checked, continued and cut without knowing that form.

use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

const HEADER: usize = 4 + 8 + 8 + 1;
const TRAILER: usize = 8;
/// A record is never longer: the store takes 16 MiB in one message.
const LONGEST: usize = 32 << 20;

/// What a record is to a reader of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An event.
    Event,
    /// Nothing: a place in the log, or what a scavenge left of an event.
    Marker,
}

/// One record of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Where it stands.
    pub position: u64,
    /// When it was written, in ticks of 100 ns since 1970.
    pub created: i64,
    /// What it is.
    pub kind: Kind,
    /// The record, as the store keeps it.
    pub record: &'a [u8],
}

/// What is wrong with bytes that were to be a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// They end before it does.
    #[error("it ends in the middle of a record")]
    Cut,
    /// They are not what was written.
    #[error("a record is not what its checksum was made of")]
    Checksum,
    /// No record is so long.
    #[error("a record says that it has {0} bytes")]
    TooLong(usize),
    /// The kind is none that is known.
    #[error("a record has the unknown kind {0}")]
    UnknownKind(u8),
}

impl<'a> Frame<'a> {
    /// Writes it behind what is there.
    pub fn encode(&self, to: &mut Vec<u8>) {
        let from = to.len();
        // No record is longer than a message, which is far below.
        let length = u32::try_from(self.record.len()).unwrap_or(u32::MAX);
        to.extend_from_slice(&length.to_be_bytes());
        to.extend_from_slice(&self.position.to_be_bytes());
        to.extend_from_slice(&self.created.to_be_bytes());
        to.push(match self.kind {
            Kind::Event => 0,
            Kind::Marker => 1,
        });
        to.extend_from_slice(self.record);
        let checksum = xxh3_64(&to[from..]);
        to.extend_from_slice(&checksum.to_be_bytes());
    }

    /// The first frame of some bytes, and how many of them it takes. None: there are none left.
    pub fn decode(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, FrameError> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let whole = Self::len_of(bytes)?.ok_or(FrameError::Cut)?;
        let frame = bytes.get(..whole).ok_or(FrameError::Cut)?;
        let (body, checksum) = frame.split_last_chunk::<TRAILER>().ok_or(FrameError::Cut)?;
        if xxh3_64(body) != u64::from_be_bytes(*checksum) {
            return Err(FrameError::Checksum);
        }
        let frame = Self {
            position: u64::from_be_bytes(part(body, 4)?),
            created: i64::from_be_bytes(part(body, 12)?),
            kind: match body[20] {
                0 => Kind::Event,
                1 => Kind::Marker,
                other => return Err(FrameError::UnknownKind(other)),
            },
            record: &body[HEADER..],
        };
        Ok(Some((frame, whole)))
    }

    /// How long the frame is that begins here. None: too little of it is there to say.
    pub(crate) fn len_of(bytes: &[u8]) -> Result<Option<usize>, FrameError> {
        let Some(length) = bytes.first_chunk() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length > LONGEST {
            return Err(FrameError::TooLong(length));
        }
        Ok(Some(HEADER + length + TRAILER))
    }

    /// The first position behind it.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.position.saturating_add(self.record.len() as u64)
    }

    /// By what it is recognised.
    #[must_use]
    pub fn anchor(&self) -> super::Anchor {
        super::Anchor {
            position: self.position,
            created: self.created,
            length: self.record.len() as u64,
            xxh3: format!("{:016x}", xxh3_64(self.record)),
        }
    }
}

fn part<const N: usize>(body: &[u8], at: usize) -> Result<[u8; N], FrameError> {
    let part = body.get(at..at + N).ok_or(FrameError::Cut)?;
    part.try_into().map_err(|_| FrameError::Cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(record: &[u8]) -> Frame<'_> {
        Frame {
            position: 64,
            created: -5,
            kind: Kind::Marker,
            record,
        }
    }

    #[test]
    fn a_frame_reads_back_as_it_was_written_and_says_where_the_next_begins() {
        let mut bytes = Vec::new();
        frame(b"one").encode(&mut bytes);
        let first = bytes.len();
        let event = Frame {
            kind: Kind::Event,
            position: 67,
            ..frame(b"")
        };
        event.encode(&mut bytes);
        assert_eq!(Frame::decode(&bytes), Ok(Some((frame(b"one"), first))));
        let rest = bytes.len() - first;
        assert_eq!(Frame::decode(&bytes[first..]), Ok(Some((event, rest))));
        assert_eq!(Frame::decode(&[]), Ok(None));
    }

    #[test]
    fn a_frame_with_any_bit_flipped_or_cut_at_any_length_is_refused() {
        let mut bytes = Vec::new();
        frame(b"a record").encode(&mut bytes);
        for length in 1..bytes.len() {
            assert_eq!(Frame::decode(&bytes[..length]), Err(FrameError::Cut));
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Frame::decode(&flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_length_that_no_record_has_is_refused_before_anything_is_kept_for_it() {
        let claimed = [0xff; 64];
        let refused = Frame::decode(&claimed);
        assert_eq!(refused, Err(FrameError::TooLong(u32::MAX as usize)));
    }
}
