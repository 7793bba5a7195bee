//! `basalt backup`.

use super::args::{self, OrgArgs};
use super::print;
use super::target::{CommandTarget, DataDirMode};
use crate::app::control::{Command, CommandOutcome};
use crate::domain::{Error, Result};

/// Copies everything into a new directory, and prints its files, its bytes and the last record that it holds.
pub async fn run(args: args::Backup) -> Result<()> {
    // The server may run in another directory.
    let dest = std::path::absolute(&args.dest)
        .map_err(|e| Error::field("dest", format!("`{}`: {e}", args.dest.display())))?;
    let target = CommandTarget::open(&args.place, &OrgArgs { org: None }, DataDirMode::MustExist).await?;
    let outcome = target.run(Command::Backup { dest }).await;
    target.close().await?;
    let CommandOutcome::BackedUp(done) = outcome? else {
        return Err(Error::internal("the server answered another command"));
    };
    print::line(&format!(
        "{}: {} files, {} bytes, everything up to record {}",
        done.dest.display(),
        done.files,
        done.bytes,
        done.seq
    ))?;
    if done.linked > 0 {
        eprintln!(
            "{} of the files share their bytes with the data directory: keep a copy on another disk as well",
            done.linked
        );
    }
    if let Some(why) = &done.without_catalog {
        eprintln!("warning: the catalog is NOT in this backup: {why}");
    }
    Ok(())
}
