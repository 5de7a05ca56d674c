//! Which protocol a request speaks, by its content type alone.
//!
//! The types are exact: a web page can send `text/plain`, a form, or no type at all without asking
//! first, and none of these is taken for anything else.

use http::{HeaderMap, header};

/// What a request's content type says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Grpc,
    GrpcWeb,
    Json,
    /// Nothing that a method answers to.
    Other,
}

impl Protocol {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut types = headers.get_all(header::CONTENT_TYPE).iter();
        let (Some(first), None) = (types.next(), types.next()) else {
            return Self::Other;
        };
        let Some(text) = first.to_str().ok() else {
            return Self::Other;
        };
        match text {
            "application/grpc-web"
            | "application/grpc-web+proto"
            | "application/grpc-web-text"
            | "application/grpc-web-text+proto" => return Self::GrpcWeb,
            _ => {}
        }
        let Ok(media) = text.parse::<mime::Mime>() else {
            return Self::Other;
        };
        match media.essence_str() {
            "application/grpc" | "application/grpc+proto" => Self::Grpc,
            "application/json" if is_utf8(&media) => Self::Json,
            _ => Self::Other,
        }
    }
}

/// JSON is UTF-8; whoever names another encoding would be misread.
fn is_utf8(media: &mime::Mime) -> bool {
    media
        .params()
        .all(|(name, value)| name == mime::CHARSET && value == mime::UTF_8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn of(content_type: &str) -> Protocol {
        let value = HeaderValue::from_str(content_type).unwrap();
        Protocol::of(&HeaderMap::from_iter([(header::CONTENT_TYPE, value)]))
    }

    #[test]
    fn each_protocol_has_its_own_content_types() {
        assert_eq!(of("application/grpc"), Protocol::Grpc);
        assert_eq!(of("application/grpc+proto"), Protocol::Grpc);
        assert_eq!(of("application/grpc-web"), Protocol::GrpcWeb);
        assert_eq!(of("application/grpc-web-text+proto"), Protocol::GrpcWeb);
        assert_eq!(of("application/json"), Protocol::Json);
        assert_eq!(of("application/json; charset=utf-8"), Protocol::Json);
        assert_eq!(of("Application/JSON;charset=\"UTF-8\""), Protocol::Json);
    }

    #[test]
    fn what_a_page_may_send_unasked_is_no_protocol() {
        for content_type in [
            "text/plain",
            "text/plain; application/json",
            "text/plain;charset=application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=application/json",
            "application/json, text/plain",
            "application/json; charset=utf-16",
            "application/json; v=1",
            "application/jsonp",
            "application/json+x",
            "application/grpc+json",
            "application/grpc-webx",
            "",
        ] {
            assert_eq!(of(content_type), Protocol::Other, "{content_type}");
        }
        assert_eq!(Protocol::of(&HeaderMap::new()), Protocol::Other);
        let json = HeaderValue::from_static("application/json");
        let mut twice = HeaderMap::new();
        twice.append(header::CONTENT_TYPE, json.clone());
        twice.append(header::CONTENT_TYPE, json);
        assert_eq!(Protocol::of(&twice), Protocol::Other);
    }
}
