//! Compiles the API's `.proto` files with a compiler written in Rust, so that a fresh machine needs
//! no `protoc`.

use prost::Message as _;
use std::{env, error::Error, fs, path::PathBuf};

const FILES: [&str; 6] = [
    "peerage/v1/access_service.proto",
    "peerage/v1/connector_service.proto",
    "peerage/v1/network_service.proto",
    "peerage/v1/peering_service.proto",
    "peerage/v1/audit_service.proto",
    "peerage/v1/server_service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let descriptors = protox::compile(FILES, ["proto"])?;
    fs::write(out.join("peerage.binpb"), descriptors.encode_to_vec())?;
    // Messages know their names, so that they can be turned into JSON as protobuf maps them.
    let mut names = prost_build::Config::new();
    names.enable_type_names();
    tonic_build::configure().compile_fds_with_config(names, descriptors)?;
    Ok(())
}
