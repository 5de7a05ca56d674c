//! How an entry of the index is written down.
//!
//! ```text
//! key    name length u16 · name · number u64
//! value  position u64 · id 16 · created i64
//! ```
//!
//! Numbers are big endian. The length in front keeps streams apart of which one's name begins with
//! the other's.

use uuid::Uuid;

use super::{IndexEntry, LogError};
use crate::model::{Position, StreamName, Ticks};

const VALUE: usize = 8 + 16 + 8;

pub(super) fn key(stream: &StreamName, number: u64) -> Vec<u8> {
    let name = stream.as_str().as_bytes();
    let mut key = Vec::with_capacity(2 + name.len() + 8);
    // No longer name is written, nor looked for.
    key.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes());
    key.extend_from_slice(name);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

pub(super) fn value(entry: &IndexEntry) -> [u8; VALUE] {
    let mut value = [0; VALUE];
    value[..8].copy_from_slice(&entry.position.get().to_be_bytes());
    value[8..24].copy_from_slice(entry.id.as_bytes());
    value[24..].copy_from_slice(&entry.created.0.to_be_bytes());
    value
}

pub(super) fn entry(number: u64, value: &[u8]) -> Result<IndexEntry, LogError> {
    let value: &[u8; VALUE] = value.try_into().map_err(|_| LogError::DamagedIndex)?;
    let (position, rest) = value.split_first_chunk().ok_or(LogError::DamagedIndex)?;
    let (id, created) = rest.split_first_chunk().ok_or(LogError::DamagedIndex)?;
    let created = created.first_chunk().ok_or(LogError::DamagedIndex)?;
    Ok(IndexEntry {
        number,
        position: Position::new(u64::from_be_bytes(*position)),
        id: Uuid::from_bytes(*id),
        created: Ticks(i64::from_be_bytes(*created)),
    })
}

/// The name and the number in a key.
pub(super) fn parts(key: &[u8]) -> Option<(&str, u64)> {
    let (length, rest) = key.split_first_chunk()?;
    let (name, number) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((
        std::str::from_utf8(name).ok()?,
        u64::from_be_bytes(number.try_into().ok()?),
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chance::for_any;

    #[test]
    fn any_entry_reads_back_as_it_was_written() {
        let entries = (
            ".{1,20}",
            any::<u64>(),
            any::<u64>(),
            any::<u128>(),
            any::<i64>(),
        );
        for_any(
            "entries",
            1_000,
            &entries,
            |(stream, number, position, id, created)| {
                let written = IndexEntry {
                    number,
                    position: Position::new(position),
                    id: Uuid::from_u128(id),
                    created: Ticks(created),
                };
                let key = key(&StreamName::new(&stream), number);
                assert_eq!(parts(&key), Some((stream.as_str(), number)));
                assert_eq!(entry(number, &value(&written)).unwrap(), written);
            },
        );
    }

    #[test]
    fn any_bytes_are_an_entry_or_are_refused() {
        let bytes = prop::collection::vec(prop_oneof![0_u8..20, any::<u8>()], 0..60);
        for_any("bytes as an entry", 5_000, &bytes, |bytes| {
            if let Some((name, number)) = parts(&bytes) {
                assert_eq!(key(&StreamName::new(name), number), bytes);
            }
            assert_eq!(entry(7, &bytes).is_ok(), bytes.len() == VALUE);
        });
    }
}
