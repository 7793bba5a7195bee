//! The file with the last time that retention believed, so that the next process can tell that the clock has jumped.
//!
//! It is a line of text, so that an operator can confirm a clock by writing what it says.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::domain::Micros;
use crate::domain::time::MICROS_PER_SECOND;
use crate::store::disk::{self, Disk};

/// Name of the file in the data directory.
pub const FILE_NAME: &str = "retention-clock";

/// The time is written again once it has moved by this, microseconds.
const SAVE_STEP_US: i64 = 10 * 60 * MICROS_PER_SECOND;

/// The file of a data directory.
pub struct ClockMark {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    saved: Mutex<Option<Micros>>,
}

impl ClockMark {
    /// Names the file of a data directory; nothing is read.
    pub fn new(disk: Arc<dyn Disk>, data_dir: &Path) -> Self {
        Self { disk, path: data_dir.join(FILE_NAME), saved: Mutex::default() }
    }

    /// Returns the time in the file; `None`, with a warning unless there is no file, where it holds none.
    pub fn load(&self) -> Option<Micros> {
        let text = match self.disk.read(&self.path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).trim().to_owned(),
            Err(e) if e.kind() == ErrorKind::NotFound => return None,
            Err(e) => {
                tracing::warn!(file = %self.path.display(), error = %e, "the time of the last cycle cannot be read");
                return None;
            }
        };
        let found = Micros::parse(&text);
        if found.is_none() {
            tracing::warn!(
                file = %self.path.display(),
                "the file does not hold a time such as 2026-04-28T12:00:00Z and is ignored"
            );
        }
        found
    }

    /// Writes a time, unless one of the last minutes is there. A failure costs no cycle: the next one tries again.
    pub fn save(&self, now: Micros) {
        let mut saved = self.saved.lock();
        if saved.is_some_and(|saved| now.0.abs_diff(saved.0) < SAVE_STEP_US.unsigned_abs()) {
            return;
        }
        match disk::replace_file(self.disk.as_ref(), &self.path, format!("{now}\n").as_bytes()) {
            Ok(()) => *saved = Some(now),
            Err(e) => {
                tracing::warn!(file = %self.path.display(), error = %e, "the time of the cycle was not written");
            }
        }
    }
}
