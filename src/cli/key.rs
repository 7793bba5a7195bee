//! `basalt key create|list|revoke`.

use super::args::{CreateKeyArgs, KeySubcommand};
use super::print;
use super::target::{CommandTarget, DataDirMode};
use crate::app::access::KeyRequest;
use crate::app::control::{Command, CommandOutcome, KeyLine};
use crate::domain::{Result, Scopes};

/// Runs the command; the secret of a new key is alone on standard output, all about it on standard error.
pub async fn run(command: KeySubcommand) -> Result<()> {
    let (place, org, directory) = match &command {
        KeySubcommand::Create(args) => (&args.place, &args.org, DataDirMode::CreateIfMissing),
        KeySubcommand::List { org, place } | KeySubcommand::Revoke { org, place, .. } => {
            (place, org, DataDirMode::MustExist)
        }
    };
    let target = CommandTarget::open(place, org, directory).await?;
    let org = target.org();
    let command = match command {
        KeySubcommand::Create(args) => {
            let CreateKeyArgs { name, scopes, devices, data, expires, .. } = args;
            Command::CreateKey { org, key: KeyRequest { name, scopes, devices, data, expires } }
        }
        KeySubcommand::List { .. } => Command::ListKeys { org },
        KeySubcommand::Revoke { id, .. } => Command::RevokeKey { org, id },
    };
    let outcome = target.run(command).await;
    target.close().await?;
    show(outcome?)
}

fn show(outcome: CommandOutcome) -> Result<()> {
    match outcome {
        CommandOutcome::NewKey { key, secret } => {
            eprintln!("key {} ({}) may {}; it is shown this once:", key.id, key.name, describe_rights(&key));
            // The secret is alone on standard output, so that KEY=$(basalt key create …) captures it.
            print::line(&secret)
        }
        CommandOutcome::Key(key) => print::line(&format!("key {} ({}) revoked", key.id, key.name)),
        CommandOutcome::Keys(keys) => {
            let rows: Vec<_> = keys.iter().map(to_row).collect();
            print::table(["ID", "NAME", "BEGINS", "MAY", "ENABLED", "ENDS", "CREATED", "LAST USED"], &rows)
        }
        _ => Ok(()),
    }
}

fn to_row(key: &KeyLine) -> [String; 8] {
    [
        key.id.to_string(),
        key.name.clone(),
        key.prefix.clone(),
        describe_rights(key),
        if key.enabled { "yes" } else { "no" }.to_owned(),
        key.expires_at.clone().unwrap_or_else(|| "-".to_owned()),
        key.created_at.clone(),
        key.last_used_at.clone().unwrap_or_else(|| "never".to_owned()),
    ]
}

fn describe_rights(key: &KeyLine) -> String {
    let list = |what: &str, ids: &Option<Vec<i32>>| {
        ids.as_ref().map(|ids| {
            let ids: Vec<_> = ids.iter().map(i32::to_string).collect();
            format!("{what} {}", ids.join(","))
        })
    };
    let only: Vec<_> =
        [list("device", &key.devices), list("data", &key.data)].into_iter().flatten().collect();
    let all: Vec<_> = Scopes::all().iter().map(|scope| scope.to_string()).collect();
    let scopes = if key.scopes == all { "everything".to_owned() } else { key.scopes.join(",") };
    if only.is_empty() { scopes } else { format!("{scopes} (only {})", only.join(" and ")) }
}
