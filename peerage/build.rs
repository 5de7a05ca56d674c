//! Compiles the API's `.proto` files with a compiler written in Rust, so that a fresh machine needs
//! no `protoc`.

use prost::Message as _;
use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

/// The published schemas of event types, one a file.
const SCHEMAS: &str = "../docs/schemas";

const FILES: [&str; 7] = [
    "peerage/v1/access_service.proto",
    "peerage/v1/connector_service.proto",
    "peerage/v1/network_service.proto",
    "peerage/v1/peering_service.proto",
    "peerage/v1/audit_service.proto",
    "peerage/v1/server_service.proto",
    "peerage/v1/projection_service.proto",
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
    fs::write(out.join("event_types.json"), event_types()?)?;
    Ok(())
}

/// The schemas of all event types as one list. What is about no event type has a small letter.
fn event_types() -> Result<String, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SCHEMAS}");
    let mut files = Vec::new();
    for entry in fs::read_dir(Path::new(SCHEMAS))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|it| it.to_str());
        if name.is_some_and(|it| it.starts_with(|it: char| it.is_ascii_uppercase())) {
            files.push(path);
        }
    }
    files.sort();
    let texts = files.iter().map(fs::read_to_string);
    let texts = texts.collect::<Result<Vec<_>, _>>()?;
    Ok(format!("[{}]", texts.join(",")))
}
