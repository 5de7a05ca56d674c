//! An error as one line of text, the same in every room.

use std::iter::successors;

/// An error with all its causes, outermost first, as `what failed: why: why that`. A cause that
/// only repeats what stands before it is left out.
pub fn error_chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for cause in successors(Some(error), |it| it.source()) {
        let text = cause.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
    }
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use thiserror::Error;

    #[derive(Debug, Error)]
    enum Failed {
        #[error("cannot read the file")]
        Read(#[source] Box<Failed>),
        #[error("it is locked")]
        Locked,
        #[error(transparent)]
        Wrapped(Box<Failed>),
        #[error("it is locked")]
        Said(#[source] Box<Failed>),
    }

    #[test]
    fn each_cause_is_said_once_outermost_first() {
        let error = Failed::Read(Box::new(Failed::Said(Box::new(Failed::Locked))));
        assert_eq!(error_chain(&error), "cannot read the file: it is locked");
        let wrapped = Failed::Wrapped(Box::new(Failed::Locked));
        assert_eq!(error_chain(&wrapped), "it is locked");
    }
}
