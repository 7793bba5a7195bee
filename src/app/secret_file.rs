//! Secrets of this installation in files of the data directory, readable by their owner only.

use std::io;
use std::path::{Path, PathBuf};

use crate::auth::grant;
use crate::domain::{Error, Result};
use crate::host::private_file;

/// Length of a secret, bytes.
pub const SECRET_LEN: usize = grant::SEED_LEN;

/// Reads a secret, or makes it if there is none.
///
/// # Errors
/// `Unavailable`, naming the file, when it cannot be read or made, or is damaged.
pub async fn read_or_make(path: PathBuf) -> Result<[u8; SECRET_LEN]> {
    let read = tokio::task::spawn_blocking(move || read_or_make_blocking(&path)).await;
    read.map_err(|e| Error::internal("reading a key was interrupted").with_source(e))?
}

/// Reads a secret, or makes it if there is none, on the calling thread.
///
/// # Errors
/// The errors of [`read_or_make`].
pub fn read_or_make_blocking(path: &Path) -> Result<[u8; SECRET_LEN]> {
    let shown = path.display();
    let failed = |e: io::Error| Error::unavailable(format!("{shown} cannot be used: {e}")).with_source(e);
    let make = || hex::encode(grant::generate_seed()).into_bytes();
    let content = private_file::read_or_make(path, make).map_err(failed)?;
    let secret: Option<[u8; SECRET_LEN]> =
        hex::decode(content.trim_ascii()).ok().and_then(|bytes| bytes.try_into().ok());
    let damaged = || Error::unavailable(format!("{shown} is damaged: remove it, and a new key is made"));
    secret.ok_or_else(damaged)
}
