//! The words of one provider: where all three are spoken of, each line is in words that a person
//! who knows only one of the others understands.

/// The rooms that speak of all three.
const ROOMS: [&str; 2] = ["domain/src/", "workers/cloud/src/"];

/// Words that only AWS has.
const WORDS: [&str; 16] = [
    "requester",
    "accepter",
    "vpc",
    "vpcs",
    "security group",
    "security groups",
    "acl",
    "acls",
    "nacl",
    "sg",
    "pcx",
    "igw",
    "eni",
    "rtb",
    "arn",
    "external id",
];

/// How AWS is spoken of by name.
const NAMED: [&str; 2] = ["aws", "ec2"];

/// How far above a line of code the name may stand: the arm of a match, or what is documented.
const ABOVE: usize = 3;

/// A line with a foreign word that may stand: what its path begins with, what it contains, and why.
type Exception = (&'static str, &'static str, &'static str);

const EXCEPTIONS: [Exception; 13] = [
    (
        "domain/src/network/",
        "LinkAccepterSeen",
        "the stored name of an event",
    ),
    (
        "domain/src/network/",
        "AccepterSeen(",
        "the stored name of an outcome",
    ),
    (
        "domain/src/network/event/link.rs",
        "pub accepter: Side",
        "a stored field of that event",
    ),
    (
        "domain/src/network/evolve.rs",
        "(it.accepter)",
        "a stored field of that event",
    ),
    (
        "domain/src/network/",
        "AccepterMismatch",
        "the stored name of a refusal",
    ),
    (
        "domain/src/approval/",
        "requester",
        "who asked for an approval, in stored fields and refusals; no end of a link",
    ),
    (
        "domain/src/approval/",
        "REQUESTER",
        "who asked for an approval, in stored fields and refusals; no end of a link",
    ),
    (
        "domain/src/approval/",
        "Requester",
        "who asked for an approval, in stored fields and refusals; no end of a link",
    ),
    (
        "domain/src/",
        "external_id",
        "a stored field of two events, and the method that makes its value",
    ),
    ("domain/src/", "ExternalId", "what that field holds"),
    (
        "workers/cloud/src/views.rs",
        "ExternalId",
        "what that field holds",
    ),
    (
        "domain/src/advisory/",
        "",
        "what an owner is told of his cloud, in its own words, where its provider or what only it can do is matched",
    ),
    (
        "workers/cloud/src/links.rs",
        "serde(rename",
        "a stored name of the simulated cloud's world",
    ),
];

/// One complaint for each line of these rooms with a foreign word that neither speaks of its
/// provider by name nor is excepted. Tests play a cloud, and speak its words.
#[must_use]
pub fn complaints(path: &str, text: &str) -> Vec<String> {
    let is_test = path.contains("/tests/") || path.ends_with("/tests.rs");
    if !ROOMS.iter().any(|room| path.starts_with(room)) || is_test || !path.ends_with(".rs") {
        return Vec::new();
    }
    let own = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    let lines: Vec<&str> = own.lines().collect();
    let mut complaints = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(word) = WORDS.iter().find(|word| says(line, word)) else {
            continue;
        };
        let excepted = EXCEPTIONS
            .iter()
            .any(|(begins, contains, _)| path.starts_with(begins) && line.contains(contains));
        if !excepted && !names_it(&lines, at) {
            let number = at + 1;
            complaints.push(format!(
                "{path}:{number} says `{word}` and does not name AWS"
            ));
        }
    }
    complaints
}

/// Whether the line has this word by itself, also as a part of an identifier. Azure's network
/// security groups are Azure's.
fn says(line: &str, word: &str) -> bool {
    let words = words(line).replace("network security group", "");
    format!(" {words} ").contains(&format!(" {word} "))
}

/// The words of a line in lower case, with one space between two: identifiers are taken apart.
fn words(line: &str) -> String {
    let mut apart = String::new();
    let mut was_lower = false;
    for c in line.chars() {
        if c.is_uppercase() && was_lower {
            apart.push(' ');
        }
        was_lower = c.is_lowercase() || c.is_ascii_digit();
        apart.push(if c.is_alphanumeric() { c } else { ' ' });
    }
    let apart = apart.to_lowercase();
    apart.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether this line speaks of AWS by name, or the comment that it stands in, or one of the lines
/// of code above it.
fn names_it(lines: &[&str], at: usize) -> bool {
    let is_comment = |line: &&str| line.trim_start().starts_with("//");
    let names = |line: &&str| NAMED.iter().any(|name| says(line, name));
    let above = lines[..at].iter().rev();
    let below = lines[at..].iter();
    if is_comment(&lines[at]) {
        let mut comment = above
            .take_while(|it| is_comment(it))
            .chain(below.take_while(|it| is_comment(it)));
        return comment.any(names);
    }
    names(&lines[at]) || above.take(ABOVE).any(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_word_is_found_in_prose_and_in_identifiers() {
        let text = "//! The accepter's VPC.\nlet requesterEnd = 1;\nlet my_accepter = ENI;\n";
        let found = complaints("domain/src/a.rs", text);
        assert_eq!(
            found,
            [
                "domain/src/a.rs:1 says `accepter` and does not name AWS",
                "domain/src/a.rs:2 says `requester` and does not name AWS",
                "domain/src/a.rs:3 says `accepter` and does not name AWS",
            ]
        );
        assert_eq!(complaints("workers/aws/src/a.rs", text), [""; 0]);
        assert_eq!(complaints("domain/src/network/tests/a.rs", text), [""; 0]);
    }

    #[test]
    fn what_is_said_of_aws_by_name_may_stand() {
        let text = "/// At AWS it is\n/// a security group.\nlet a = match it {\n    Provider::Aws => {\n        \
                    starts(\"vpc-\")\n    }\n};\n";
        assert_eq!(complaints("domain/src/a.rs", text), [""; 0]);
    }

    #[test]
    fn words_of_the_other_providers_and_longer_words_are_not_foreign() {
        let text = "/// A network security group; networkSecurityGroups.\nlet learned = opening;\n";
        assert_eq!(complaints("domain/src/a.rs", text), [""; 0]);
    }
}
