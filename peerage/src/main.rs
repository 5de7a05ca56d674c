//! The `peerage` program: reads its arguments, does one thing, and ends with a code that scripts
//! can use.
//!
//! 0: done. 1: refused or failed. 2: the call itself is wrong: arguments, configuration, a
//! directory or port that is in use. 141: what was waited for was left, as the reader of the output
//! was gone.

use clap::Parser;
use connectors::transform;
use mimalloc::MiMalloc;
use peerage::cli::{Cli, CliError};
use rustix::fs::Mode;
use std::process::ExitCode;

/// A command allocates some hundred times on its way, from several threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // A child of this program, in which a user's transform runs, is nothing else.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|it| it == transform::ARGUMENT)
    {
        return transform::run();
    }
    // Whatever the program writes is its user's alone: the log, the read models, exports.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = CliError::failed(format!("cannot start the runtime: {error}"));
            return ExitCode::from(error.report().code());
        }
    };
    let status = runtime.block_on(peerage::cli::run(cli));
    // Nothing that still blocks a thread may keep the process alive: what matters was drained
    // before.
    runtime.shutdown_background();
    ExitCode::from(status.code())
}
