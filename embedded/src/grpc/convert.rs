//! The protocol's small values, in and out.

use bytes::Bytes;
use protocol::shared::{StreamIdentifier, Uuid as WireUuid, uuid as wire};
use tonic::Status;
use uuid::Uuid;

use crate::model::{MAX_NAME, StreamName};

/// How a client wants ids written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdForm {
    Structured,
    Text,
}

impl IdForm {
    pub(super) fn write(self, id: Uuid) -> WireUuid {
        let value = match self {
            Self::Text => wire::Value::String(id.to_string()),
            Self::Structured => {
                let (most, least) = id.as_u64_pair();
                wire::Value::Structured(wire::Structured {
                    most_significant_bits: most.cast_signed(),
                    least_significant_bits: least.cast_signed(),
                })
            }
        };
        WireUuid { value: Some(value) }
    }
}

/// Reads an id in either form. None if there is none, or it is none.
pub(super) fn read_id(id: Option<&WireUuid>) -> Option<Uuid> {
    match id?.value.as_ref()? {
        wire::Value::String(text) => Uuid::try_parse(text).ok(),
        wire::Value::Structured(halves) => Some(Uuid::from_u64_pair(
            halves.most_significant_bits.cast_unsigned(),
            halves.least_significant_bits.cast_unsigned(),
        )),
    }
}

pub(super) fn write_stream(stream: &StreamName) -> StreamIdentifier {
    StreamIdentifier {
        stream_name: Bytes::copy_from_slice(stream.as_str().as_bytes()),
    }
}

/// Refuses a name of something else that streams are named after.
pub(super) fn bounded(what: &str, name: &str) -> Result<(), Status> {
    if name.len() > MAX_NAME {
        return Err(Status::invalid_argument(format!(
            "{what} must not be longer than {MAX_NAME} bytes."
        )));
    }
    Ok(())
}

pub(super) fn read_stream(stream: Option<StreamIdentifier>) -> Result<StreamName, Status> {
    let name = stream.unwrap_or_default().stream_name;
    let name = std::str::from_utf8(&name)
        .map_err(|_| Status::invalid_argument("A stream's name must be UTF-8 text."))?;
    match name {
        "" => Err(Status::invalid_argument(
            "A stream's name must not be empty.",
        )),
        _ if name.len() > MAX_NAME => Err(Status::invalid_argument(format!(
            "A stream's name must not be longer than {MAX_NAME} bytes."
        ))),
        name => Ok(StreamName::new(name)),
    }
}

/// Names a stream that is to be written.
pub(super) fn read_writable_stream(stream: Option<StreamIdentifier>) -> Result<StreamName, Status> {
    let stream = read_stream(stream)?;
    match stream.as_str() {
        "$$" | "$all" => Err(Status::invalid_argument(format!(
            "The stream '{stream}' cannot be written."
        ))),
        _ => Ok(stream),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_in_either_form() {
        let id = Uuid::from_u128(0xfedc_ba98_7654_3210_0123_4567_89ab_cdef);
        for form in [IdForm::Text, IdForm::Structured] {
            assert_eq!(read_id(Some(&form.write(id))), Some(id), "{form:?}");
        }
        let garbage = WireUuid {
            value: Some(wire::Value::String("not-a-uuid".to_owned())),
        };
        assert_eq!(read_id(Some(&garbage)), None);
        assert_eq!(read_id(None), None);
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        let named = |name: &[u8]| {
            read_writable_stream(Some(StreamIdentifier {
                stream_name: Bytes::copy_from_slice(name),
            }))
        };
        assert_eq!(named(b"order-1").unwrap().as_str(), "order-1");
        for name in [&b""[..], b"$$", b"$all", b"\xff", &[b'x'; 9000]] {
            assert!(named(name).is_err());
        }
        assert!(read_stream(None).is_err());
    }
}
