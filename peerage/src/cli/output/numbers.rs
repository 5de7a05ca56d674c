//! JSON whose whole numbers look like whole numbers: protobuf has floating ones alone in what is
//! free of form, and a port is 5432, not 5432.0.

use serde::Serialize;
use serde_json::{
    Serializer,
    ser::{CompactFormatter, Formatter, PrettyFormatter},
};
use std::io::{self, Write};

/// The most that a whole number may be to be exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Over several lines.
pub(in crate::cli) fn pretty<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    written(value, Whole(PrettyFormatter::new()))
}

/// On one line.
pub(in crate::cli) fn line<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    written(value, Whole(CompactFormatter))
}

fn written<T: Serialize + ?Sized>(value: &T, form: impl Formatter) -> serde_json::Result<String> {
    let mut text = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut text, form))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Another form, with whole numbers.
struct Whole<F>(F);

impl<F: Formatter> Formatter for Whole<F> {
    fn write_f64<W: Write + ?Sized>(&mut self, to: &mut W, value: f64) -> io::Result<()> {
        if value.fract() == 0.0 && value.abs() < EXACT {
            self.0.write_i64(to, value as i64)
        } else {
            self.0.write_f64(to, value)
        }
    }

    fn begin_array<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.begin_array(to)
    }

    fn end_array<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_array(to)
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(to, first)
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_array_value(to)
    }

    fn begin_object<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.begin_object(to)
    }

    fn end_object<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_object(to)
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(to, first)
    }

    fn end_object_key<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_object_key(to)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.begin_object_value(to)
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_object_value(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_whole_number_has_no_fraction_and_everything_else_is_as_ever() {
        let value = json!({ "port": 5432.0, "share": 0.5, "huge": 1e300, "list": [1, -2.0, []], "none": {} });
        let expected = r#"{"huge":1e+300,"list":[1,-2,[]],"none":{},"port":5432,"share":0.5}"#;
        assert_eq!(line(&value).unwrap(), expected);
        let read: serde_json::Value = serde_json::from_str(expected).unwrap();
        assert_eq!(
            pretty(&value).unwrap(),
            serde_json::to_string_pretty(&read).unwrap()
        );
    }
}
