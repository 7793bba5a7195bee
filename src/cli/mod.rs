//! Command line: turns arguments into calls of `app/`, in this process or in the server that has the directory open.
//!
//! It owns arguments, configuration, the wiring of the server, and output for people. It decides nothing about data.

mod args;
mod backup;
mod bench;
mod bootstrap;
mod bound_socket;
mod ca;
mod calibrate;
mod client;
mod cluster;
mod compact;
mod completions;
mod config;
mod demo;
mod demo_model;
mod dir_lock;
mod discover;
mod doctor;
mod eip_commands;
mod export;
mod fault;
mod fd_limit;
mod file_permissions;
mod hangup;
mod http_listeners;
mod import;
mod ingest_node;
mod instance;
mod key;
mod listeners;
mod logging;
mod man;
mod mqtt_commands;
mod mqtt_listeners;
mod opcua_commands;
mod org;
mod print;
mod progress;
mod query_node;
mod read;
mod reload;
mod remote;
mod restore;
mod row_writer;
mod running_listeners;
mod schema;
mod serve;
mod server_file;
mod simulate;
mod sql;
mod sql_listeners;
mod stop_signal;
mod target;
mod timeout;
mod user;
mod verify;

use std::process::ExitCode;

use args::{Cli, CliCommand};
use clap::Parser;

use crate::domain::Result;

/// Runs the command. Exits with 0 on success, 1 on failure (one line on standard error) and 2 on a usage error.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // Must precede any thread and any file.
    file_permissions::set_umask();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(run(cli.command));
    // Work that still blocks (name resolution, reading a file) is not awaited: its threads go with the process. Detaching
    // them, as `shutdown_background` does, can crash in glibc (query/runtimes.rs).
    std::mem::forget(runtime);
    match outcome {
        Ok(code) => code,
        Err(error) if print::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error.full_message());
            ExitCode::FAILURE
        }
    }
}

async fn run(command: CliCommand) -> Result<ExitCode> {
    match command {
        CliCommand::Verify(args) => return verify::run(args).await,
        CliCommand::Doctor(args) => return doctor::run(args).await,
        CliCommand::Serve(args) => serve::run(args).await,
        CliCommand::Demo(args) => demo::run(args).await,
        CliCommand::Org { command } => org::run(command).await,
        CliCommand::User { command } => user::run(command).await,
        CliCommand::Key { command } => key::run(command).await,
        CliCommand::Client { command } => client::run(command).await,
        CliCommand::Ca { command } => ca::run(command).await,
        CliCommand::Cluster { command } => cluster::run(command).await,
        CliCommand::Sql(args) => sql::run(args).await,
        CliCommand::Import(args) => import::run(args).await,
        CliCommand::Export(args) => export::run(args).await,
        CliCommand::Read(args) => read::run(args).await,
        CliCommand::Simulate(args) => simulate::run(args).await,
        CliCommand::Browse(args) if mqtt_commands::is_broker(&args.address) => {
            mqtt_commands::browse(args).await
        }
        CliCommand::Browse(args) if eip_commands::is_controller(&args.address) => {
            eip_commands::browse(args).await
        }
        CliCommand::Browse(args) => opcua_commands::browse(args).await,
        CliCommand::Discover(args) => discover::run(args).await,
        CliCommand::Opcua { command } => opcua_commands::run(&command),
        CliCommand::Calibrate(args) => calibrate::run(args).await,
        CliCommand::Compact { place } => compact::run(&place).await,
        CliCommand::Backup(args) => backup::run(args).await,
        CliCommand::Restore(args) => restore::run(args).await,
        CliCommand::Bench(args) => bench::run(args).await,
        CliCommand::Schema { command } => schema::run(&command),
        CliCommand::Completions { shell } => completions::run(shell),
        CliCommand::Man { dir } => man::run(&dir),
    }
    .map(|()| ExitCode::SUCCESS)
}
