//! `basalt org create|list`.

use super::args::{OrgArgs, OrgSubcommand};
use super::print;
use super::target::{CommandTarget, DataDirMode};
use crate::app::control::{Command, CommandOutcome};
use crate::domain::Result;

/// Runs the command; `create` also creates the data directory if there is none.
pub async fn run(command: OrgSubcommand) -> Result<()> {
    let (place, directory, command) = match command {
        OrgSubcommand::Create { slug, name, place } => {
            (place, DataDirMode::CreateIfMissing, Command::CreateOrg { slug, name })
        }
        OrgSubcommand::List { place } => (place, DataDirMode::MustExist, Command::ListOrgs),
    };
    let target = CommandTarget::open(&place, &OrgArgs { org: None }, directory).await?;
    let outcome = target.run(command).await;
    target.close().await?;
    show(outcome?)
}

fn show(outcome: CommandOutcome) -> Result<()> {
    match outcome {
        CommandOutcome::Orgs(orgs) => {
            let rows: Vec<_> = orgs.into_iter().map(|o| [o.id.to_string(), o.slug, o.name]).collect();
            print::table(["ID", "SLUG", "NAME"], &rows)
        }
        CommandOutcome::Org(org) => {
            print::line(&format!("organization {} created (id {})", org.slug, org.id))
        }
        _ => Ok(()),
    }
}
