//! Compiles the protocol's `.proto` files with a compiler written in Rust, so that a fresh machine
//! needs no `protoc`.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

const FILES: [&str; 10] = [
    "shared.proto",
    "status.proto",
    "streams.proto",
    "persistent.proto",
    "server_features.proto",
    "gossip.proto",
    "monitoring.proto",
    "operations.proto",
    "projections.proto",
    "users.proto",
];

#[expect(
    clippy::disallowed_methods,
    reason = "cargo names the output directory in the environment"
)]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.binpb"), descriptors.encode_to_vec())?;
    let mut messages = prost_build::Config::new();
    // Payloads are handed on without being copied.
    messages.bytes(["."]);
    // Maps of two or three entries that are built for every event: ordered ones cost less, and
    // encode the same every time.
    messages.btree_map(["."]);
    // Details of errors are packed under their full names.
    messages.enable_type_names();
    messages.type_name_domain(["."], "type.googleapis.com");
    tonic_build::configure().compile_fds_with_config(messages, descriptors)?;
    Ok(())
}
