//! `basalt ca show|rotate`.

use super::args::{CaSubcommand, OrgArgs};
use super::print;
use super::target::{CommandTarget, DataDirMode};
use crate::app::certificate::authority::{AuthorityCommand, AuthorityLine};
use crate::app::control::{Command, CommandOutcome};
use crate::domain::Result;

/// Shows the certificate authorities, or makes a new one that signs from now on, and prints them as a table.
pub async fn run(command: CaSubcommand) -> Result<()> {
    let (place, command) = match command {
        CaSubcommand::Show { place } => (place, AuthorityCommand::Show),
        CaSubcommand::Rotate { place } => (place, AuthorityCommand::Rotate),
    };
    let target = CommandTarget::open(&place, &OrgArgs { org: None }, DataDirMode::MustExist).await?;
    let outcome = target.run(Command::Ca(command)).await;
    target.close().await?;
    show(outcome?)
}

fn show(outcome: CommandOutcome) -> Result<()> {
    match outcome {
        CommandOutcome::Authorities(authorities) if authorities.is_empty() => {
            eprintln!("there is no authority yet: the first certificate, or `basalt ca rotate`, makes one");
            Ok(())
        }
        CommandOutcome::Authorities(authorities) => {
            let rows: Vec<_> = authorities.into_iter().map(to_row).collect();
            print::table(
                ["SUBJECT", "SIGNS", "CERTIFICATES", "VALID FROM", "VALID UNTIL", "FINGERPRINT (SHA-256)"],
                &rows,
            )
        }
        _ => Ok(()),
    }
}

fn to_row(line: AuthorityLine) -> [String; 6] {
    [
        line.subject,
        if line.signs { "yes" } else { "no" }.to_owned(),
        line.certificates.to_string(),
        line.not_before,
        line.not_after,
        line.fingerprint,
    ]
}
