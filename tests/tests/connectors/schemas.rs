//! The published schemas before a judge that is none of ours.

use peerage_tests::{venv, workspace};

#[test]
fn a_stranger_takes_every_schema_and_finds_every_golden_event_to_be_of_its_type() {
    let root = workspace::root();
    let mut python = venv::command("python");
    python.arg(root.join("tests/tests/connectors/schemas.py"));
    python.args([root.join("docs/schemas"), root.join("domain/golden")]);
    let judged = python.output().unwrap();
    let (said, wrong) = (
        String::from_utf8_lossy(&judged.stdout),
        String::from_utf8_lossy(&judged.stderr),
    );
    assert!(judged.status.success(), "{said}{wrong}");
    let events: usize = said.trim().parse().unwrap();
    assert!(events > 100, "{events} events were looked at");
}
