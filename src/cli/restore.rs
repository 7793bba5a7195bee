//! `basalt restore`: turns a backup into a data directory that no process has open.

use super::dir_lock::DirLock;
use super::progress;
use super::{args, logging, print, target};
use crate::domain::{Progress, Result};
use crate::store::backup;

/// Restores the backup into the configured data directory, and prints the time and the last record that it holds.
pub async fn run(args: args::Restore) -> Result<()> {
    logging::init_for_command();
    let config = target::load_config(&args.place)?;
    let data_dir = &config.data_dir;
    // Checked before anything is created: a mistyped name leaves nothing behind.
    backup::must_be_backup(&args.src)?;
    let lock = DirLock::acquire(data_dir)?;
    let progress = Progress::default();
    let work = backup::restore(&args.src, data_dir, args.catalog_url.as_deref(), &progress);
    let done = progress::run_with_progress(&progress, work).await?;
    drop(lock);
    print::line(&format!(
        "{}: {} files, {} bytes, as of {} (record {})",
        data_dir.display(),
        done.files,
        done.bytes,
        done.taken_at,
        done.seq
    ))?;
    if let Some(dump) = &done.dump {
        eprintln!(
            "the catalog is a dump of PostgreSQL; restore it into an empty database before you start the server:\n  \
             pg_restore --no-owner --exit-on-error --single-transaction --dbname DATABASE {}",
            dump.display()
        );
    }
    if let Some(why) = &done.without_catalog {
        eprintln!("warning: the catalog was NOT in this backup ({why}): restore it from your own dump");
    }
    Ok(())
}
