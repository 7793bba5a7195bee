//! Backups of the data directory, as they are listed.

/// A finished backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBackup {
    /// Name of its directory.
    pub name: String,
    /// When it was taken, ISO-8601.
    pub taken_at: String,
    /// The last log record in it.
    pub seq: u64,
    /// Number of its files.
    pub files: u64,
    /// Size of its files, bytes.
    pub bytes: u64,
}
