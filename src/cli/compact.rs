//! `basalt compact`.

use super::args::{DataDirArgs, OrgArgs};
use super::print;
use super::target::{CommandTarget, DataDirMode};
use crate::app::control::{Command, CommandOutcome};
use crate::domain::{Error, Result};

/// Flushes, merges the lake's files, and prints the number of files that were merged.
pub async fn run(place: &DataDirArgs) -> Result<()> {
    let target = CommandTarget::open(place, &OrgArgs { org: None }, DataDirMode::MustExist).await?;
    let outcome = target.run(Command::Compact).await;
    target.close().await?;
    match outcome? {
        CommandOutcome::Compacted { files: 0 } => print::line("nothing to merge"),
        CommandOutcome::Compacted { files } => print::line(&format!("{files} files merged")),
        _ => Err(Error::internal("the server answered another command")),
    }
}
