//! Compiles the API's `.proto` files with a compiler written in Rust, so that a fresh machine needs
//! no `protoc`.

use prost::Message as _;
use std::{env, error::Error, fs, path::PathBuf};

const FILES: [&str; 2] = ["peerage/v1/network.proto", "peerage/v1/audit.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("peerage.binpb"), descriptors.encode_to_vec())?;
    // `--output json` prints the messages themselves.
    tonic_build::configure()
        .type_attribute(".", "#[derive(serde::Serialize)]")
        .compile_fds(descriptors)?;
    Ok(())
}
