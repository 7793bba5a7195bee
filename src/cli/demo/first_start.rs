//! Choice of the first start: a demo with content (board, rules, model, history, named queries), or one of devices alone. A file
//! in the data directory tells it to every later start.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::cli::dir_lock::was_data_dir;
use crate::domain::{Error, Result};

const FILE: &str = "demo.json";

/// Content of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstStart {
    empty: bool,
}

/// Returns whether the demo on a directory is one with content, as its first start chose. That one is stored now, before
/// anything locks the directory. A directory that was used before and has no choice is of an earlier release: it stays as it is.
///
/// # Errors
/// `Unavailable` naming the file when it cannot be read or written, `Invalid` when it holds something else.
pub(super) fn has_content(data_dir: &Path, is_empty: bool) -> Result<bool> {
    let path = data_dir.join(FILE);
    let choice = match fs::read(&path) {
        Ok(text) => parse(&path, &text)?,
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(unusable(&path, error)),
        Err(_) if was_data_dir(data_dir) => return Ok(false),
        Err(_) => {
            let choice = FirstStart { empty: is_empty };
            write(&path, &choice).map_err(|e| unusable(&path, e))?;
            choice
        }
    };
    Ok(!choice.empty)
}

fn parse(path: &Path, text: &[u8]) -> Result<FirstStart> {
    serde_json::from_slice(text).map_err(|e| {
        let message = format!("{} must be {{\"empty\": true}} or {{\"empty\": false}}: {e}", path.display());
        Error::invalid(message)
    })
}

/// Writes the file whole or not at all.
fn write(path: &Path, choice: &FirstStart) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let unfinished = path.with_extension("json.new");
    fs::write(&unfinished, serde_json::to_vec(choice)?)?;
    fs::rename(&unfinished, path)
}

fn unusable(path: &Path, error: io::Error) -> Error {
    Error::unavailable(format!("{} cannot be used: {error}", path.display())).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::dir_lock::DirLock;

    #[test]
    fn later_starts_find_what_the_first_one_chose() {
        for is_empty in [false, true] {
            let home = tempfile::tempdir().expect("a directory");
            let dir = home.path().join("not/yet/there");
            assert_eq!(has_content(&dir, is_empty).expect("stored"), !is_empty);
            // One that ended before the lock, and one after it.
            assert_eq!(has_content(&dir, !is_empty).expect("known"), !is_empty);
            let _lock = DirLock::acquire(&dir).expect("free");
            assert_eq!(has_content(&dir, !is_empty).expect("known"), !is_empty);
        }
    }

    #[test]
    fn a_directory_of_an_earlier_release_stays_as_it_is() {
        let home = tempfile::tempdir().expect("a directory");
        let _lock = DirLock::acquire(home.path()).expect("free");
        assert!(!has_content(home.path(), false).expect("nothing to do"));
        assert!(!home.path().join(FILE).exists());
    }

    #[test]
    fn a_file_that_holds_something_else_is_named() {
        for text in ["", "{}", "{\"empty\": 1}", "{\"empty\": false, \"colour\": 1}"] {
            let home = tempfile::tempdir().expect("a directory");
            fs::write(home.path().join(FILE), text).expect("written");
            let message = has_content(home.path(), false).expect_err(text).to_string();
            let path = home.path().join(FILE).display().to_string();
            assert!(message.contains(&path) && message.contains("{\"empty\": true}"), "{text}: {message}");
        }
    }
}
