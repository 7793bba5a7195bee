//! The command line: what is typed becomes calls of `app/`, here or in the server that has the directory open.
//!
//! It owns arguments, configuration, the wiring of the server, and text for people. It decides nothing about data.

mod address_space;
mod args;
mod backup;
mod bench;
mod calibrate;
mod compact;
mod config;
mod demo;
mod demo_model;
mod descriptors;
mod door;
mod export;
mod fault;
mod import;
mod key;
mod listeners;
mod lock;
mod logging;
mod open;
mod org;
mod patience;
mod print;
mod private;
mod progress;
mod read;
mod remote;
mod restore;
mod rows;
mod running;
mod schema;
mod serve;
mod simulate;
mod sql;
mod user;
mod verify;

use std::process::ExitCode;

use args::{Cli, Command};
use clap::Parser;

use crate::domain::Result;

/// Runs what was typed. 0 when done, 1 when it failed (one line on standard error says why), 2 when it was typed wrong.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // Before there is any thread, and any file.
    private::by_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no threads to be had: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(run(cli.command));
    // What still blocks (a name look-up, a file being read) is not waited for.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code,
        Err(error) if print::was_cut_off(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error.in_full());
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Verify(args) => return verify::run(args).await,
        Command::Serve(args) => serve::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Org { command } => org::run(command).await,
        Command::User { command } => user::run(command).await,
        Command::Key { command } => key::run(command).await,
        Command::Sql(args) => sql::run(args).await,
        Command::Import(args) => import::run(args).await,
        Command::Export(args) => export::run(args).await,
        Command::Read(args) => read::run(args).await,
        Command::Simulate(args) => simulate::run(args).await,
        Command::Browse(args) => address_space::browse(args).await,
        Command::Opcua { command } => address_space::run(&command),
        Command::Calibrate(args) => calibrate::run(args).await,
        Command::Compact { place } => compact::run(&place).await,
        Command::Backup(args) => backup::run(args).await,
        Command::Restore(args) => restore::run(args).await,
        Command::Bench(args) => bench::run(args).await,
        Command::Schema { command } => schema::run(&command),
    }
    .map(|()| ExitCode::SUCCESS)
}
