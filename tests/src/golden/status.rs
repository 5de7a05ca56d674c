//! Whether a call ended as recorded.

use crate::golden::matching::Difference;
use crate::golden::recording::Status;
use crate::golden::wire::Ending;

/// Codes whose text may be our own where no trailer goes with it.
const FREE_TEXT: [&str; 3] = ["UNKNOWN", "INTERNAL", "INVALID_ARGUMENT"];

/// What the reference says of a request that it did not foresee. A clear refusal is better and
/// allowed.
const UNFORESEEN: &str = "Exception was thrown by handler.";

/// Compares how a call ended with how it should.
///
/// # Errors
/// The first difference.
pub fn compare(at: &str, wanted: &Status, came: &Ending) -> Result<(), Difference> {
    let differ = |part: &str, wanted: String, came: String| {
        Err(Difference {
            at: format!("{at}.{part}"),
            wanted,
            came,
        })
    };
    let refused_clearly =
        wanted.message == UNFORESEEN && came.code == "INVALID_ARGUMENT" && !came.message.is_empty();
    if !refused_clearly && wanted.code != came.code {
        return differ(
            "code",
            wanted.code.clone(),
            format!("{}: {}", came.code, came.message),
        );
    }
    let free_text = wanted.trailers.is_empty() && FREE_TEXT.contains(&wanted.code.as_str());
    if !free_text && wanted.message != came.message {
        return differ(
            "message",
            format!("{:?}", wanted.message),
            format!("{:?}", came.message),
        );
    }
    for (name, value) in &wanted.trailers {
        if came.trailers.get(name) != Some(value) {
            return differ(
                &format!("trailers.{name}"),
                value.clone(),
                format!("{:?}", came.trailers.get(name)),
            );
        }
    }
    let unasked = came
        .trailers
        .get("exception")
        .filter(|_| !refused_clearly && !wanted.trailers.contains_key("exception"));
    if let Some(exception) = unasked {
        return differ("trailers.exception", "none".to_owned(), exception.clone());
    }
    if wanted.code != "OK" && wanted.trailers_only != came.trailers_only {
        return differ(
            "trailers_only",
            wanted.trailers_only.to_string(),
            came.trailers_only.to_string(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn wanted(code: &str, message: &str, trailers: &[(&str, &str)]) -> Status {
        let trailers = trailers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Status {
            code: code.to_owned(),
            message: message.to_owned(),
            trailers,
            trailers_only: true,
        }
    }

    fn came(code: &'static str, message: &str, trailers: &[(&str, &str)]) -> Ending {
        let trailers: BTreeMap<String, String> = wanted(code, message, trailers).trailers;
        Ending {
            code,
            message: message.to_owned(),
            trailers,
            trailers_only: true,
        }
    }

    fn differs(wanted: &Status, came: &Ending) -> String {
        compare("status", wanted, came).unwrap_err().at
    }

    #[test]
    fn code_text_trailers_and_moment_are_compared() {
        let deleted = wanted(
            "FAILED_PRECONDITION",
            "is deleted",
            &[("exception", "stream-deleted")],
        );
        let same = came(
            "FAILED_PRECONDITION",
            "is deleted",
            &[("exception", "stream-deleted"), ("other", "x")],
        );
        assert_eq!(compare("status", &deleted, &same), Ok(()));
        assert_eq!(
            differs(
                &deleted,
                &Ending {
                    code: "NOT_FOUND",
                    ..same.clone()
                }
            ),
            "status.code"
        );
        assert_eq!(
            differs(
                &deleted,
                &Ending {
                    message: "gone".to_owned(),
                    ..same.clone()
                }
            ),
            "status.message"
        );
        assert_eq!(
            differs(
                &deleted,
                &Ending {
                    trailers: BTreeMap::new(),
                    ..same.clone()
                }
            ),
            "status.trailers.exception"
        );
        assert_eq!(
            differs(
                &deleted,
                &Ending {
                    trailers_only: false,
                    ..same
                }
            ),
            "status.trailers_only"
        );
    }

    #[test]
    fn the_text_of_an_unforeseen_error_is_free_and_a_clear_refusal_is_better() {
        let unforeseen = wanted("UNKNOWN", UNFORESEEN, &[]);
        assert_eq!(
            compare("status", &unforeseen, &came("UNKNOWN", "anything", &[])),
            Ok(())
        );
        assert_eq!(
            compare(
                "status",
                &unforeseen,
                &came("INVALID_ARGUMENT", "the event id is all zero", &[])
            ),
            Ok(())
        );
        assert_eq!(
            differs(&unforeseen, &came("INVALID_ARGUMENT", "", &[])),
            "status.code"
        );
        assert_eq!(differs(&unforeseen, &came("OK", "", &[])), "status.code");
        assert_eq!(
            differs(
                &wanted("UNKNOWN", "Unexpected result", &[]),
                &came("INVALID_ARGUMENT", "no", &[])
            ),
            "status.code"
        );
    }

    #[test]
    fn an_exception_that_was_not_recorded_and_a_cut_stream_differ() {
        let invalid = wanted("INVALID_ARGUMENT", "bad", &[]);
        assert_eq!(
            differs(
                &invalid,
                &came(
                    "INVALID_ARGUMENT",
                    "own words",
                    &[("exception", "stream-deleted")]
                )
            ),
            "status.trailers.exception"
        );
        assert_eq!(
            differs(&wanted("OK", "", &[]), &came("CUT", "", &[])),
            "status.code"
        );
    }
}
