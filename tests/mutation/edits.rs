//! Text put around ranges of a file, however they nest, and where each went.

use std::ops::Range;

/// One place of a file: what stands before it and after it once it can be changed, and the changes.
#[derive(Clone, Debug)]
pub(crate) struct Wrap {
    /// The bytes of the file that it is put around.
    pub(crate) range: Range<usize>,
    /// What comes before; `#0` and `#1` stand for the numbers of the changes.
    pub(crate) before: String,
    /// What comes after.
    pub(crate) after: String,
    /// What each change does, in words.
    pub(crate) changes: Vec<String>,
    /// The number of the first change.
    pub(crate) number: usize,
}

/// The text with these wraps around their ranges, and the range of each in the new text.
pub(crate) fn apply(text: &str, wraps: &[&Wrap]) -> (String, Vec<Range<usize>>) {
    let mut inserts: Vec<(usize, u8, usize, usize)> = Vec::new();
    for (index, wrap) in wraps.iter().enumerate() {
        let Range { start, end } = wrap.range;
        let empty = start == end;
        // At one position what ends comes first, the narrowest before the widest; then what
        // begins, the widest before the narrowest. Of two with one range the later is outside.
        inserts.push((start, 1, usize::MAX - end, usize::MAX - index));
        inserts.push((end, if empty { 2 } else { 0 }, usize::MAX - start, index));
    }
    inserts.sort_unstable();
    let mut made = String::with_capacity(text.len() * 2);
    let mut places = vec![0..0; wraps.len()];
    let mut from = 0;
    for (at, kind, _, index) in inserts {
        made.push_str(&text[from..at]);
        from = at;
        if kind == 1 {
            let index = usize::MAX - index;
            places[index].start = made.len();
            made.push_str(&numbered(&wraps[index].before, wraps[index].number));
        } else {
            made.push_str(&numbered(&wraps[index].after, wraps[index].number));
            places[index].end = made.len();
        }
    }
    made.push_str(&text[from..]);
    (made, places)
}

fn numbered(text: &str, number: usize) -> String {
    text.replace("#0", &number.to_string())
        .replace("#1", &(number + 1).to_string())
}
