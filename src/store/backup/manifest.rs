//! `backup.json`, the manifest of a backup: its contents with the size and SHA-256 of every file. It is written last,
//! durably.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use crate::domain::{Error, Result};

/// File name of the manifest in a backup.
pub(super) const FILE_NAME: &str = "backup.json";
/// Version of the backup layout.
const FORMAT_VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: u32,
    /// The Basalt version that took the backup.
    pub(super) basalt: String,
    /// ISO-8601, UTC.
    pub(super) taken_at: String,
    /// The last record in the backup.
    pub(super) seq: u64,
    /// The Delta log version of each table.
    pub(super) tables: BTreeMap<String, u64>,
    pub(super) catalog: CatalogCopy,
    pub(super) files: Vec<CopiedFile>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CatalogCopy {
    /// `sqlite` or `postgresql`.
    pub(super) database: String,
    /// Why the catalog is not in the backup; null when it is.
    pub(super) missing: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CopiedFile {
    /// Path relative to the backup, with slashes.
    pub(super) path: String,
    pub(super) bytes: u64,
    /// Hexadecimal digits.
    pub(super) sha256: String,
}

impl Manifest {
    pub(super) fn new() -> Manifest {
        Manifest {
            format: FORMAT_VERSION,
            basalt: env!("CARGO_PKG_VERSION").to_owned(),
            taken_at: String::new(),
            seq: 0,
            tables: BTreeMap::new(),
            catalog: CatalogCopy::default(),
            files: Vec::new(),
        }
    }

    /// Reads the manifest of a backup.
    ///
    /// # Errors
    /// `Invalid` when there is none, when it is incomplete, or when this version does not support its layout.
    pub(super) fn read(dir: &Path) -> Result<Manifest> {
        let path = dir.join(FILE_NAME);
        let wrong = |why: String| Error::invalid(format!("{}: {why}", path.display()));
        let text = fs::read(&path).map_err(|e| match e.kind() {
            ErrorKind::NotFound => {
                Error::invalid(format!("{} is no finished backup: it has no {FILE_NAME}", dir.display()))
            }
            _ => wrong(format!("cannot be read: {e}")),
        })?;
        let value: serde_json::Value =
            serde_json::from_slice(&text).map_err(|e| wrong(format!("is not whole: {e}")))?;
        if value["format"] != FORMAT_VERSION {
            let format = &value["format"];
            return Err(wrong(format!(
                "is of format {format}; this version of basalt knows {FORMAT_VERSION}"
            )));
        }
        let manifest: Manifest =
            serde_json::from_value(value).map_err(|e| wrong(format!("is not whole: {e}")))?;
        match manifest.files.iter().find(|file| !stays_inside(&file.path)) {
            Some(file) => Err(wrong(format!("names `{}`, which is outside of the backup", file.path))),
            None => Ok(manifest),
        }
    }
}

/// Whether a relative path stays within the directory it is joined to.
fn stays_inside(path: &str) -> bool {
    let mut parts = Path::new(path).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_manifest_is_refused() {
        let file = |path: &str| CopiedFile { path: path.into(), bytes: 1, sha256: "00".into() };
        let with = |path: &str| {
            let manifest = Manifest { files: vec![file(path)], ..Manifest::new() };
            serde_json::to_string(&manifest).unwrap()
        };
        let rows = [
            ("good", with("wal/1.wal"), None),
            ("cut_off", with("wal/1.wal")[..40].to_owned(), Some("is not whole")),
            ("of_the_future", "{\"format\": 2}".to_owned(), Some("is of format 2")),
            ("of_something_else", "{}".to_owned(), Some("is of format null")),
            ("leads_up", with("../x"), Some("outside of the backup")),
            ("leads_up_later", with("wal/../../x"), Some("outside of the backup")),
            ("absolute", with("/etc/passwd"), Some("outside of the backup")),
        ];
        for (name, text, expected) in rows {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(FILE_NAME), text).unwrap();
            let read = Manifest::read(dir.path());
            match expected {
                None => assert_eq!(read.unwrap().files, [file("wal/1.wal")], "{name}"),
                Some(part) => {
                    let message = read.unwrap_err().message;
                    assert!(message.contains(part), "{name}: {message}");
                }
            }
        }
        let empty = tempfile::tempdir().unwrap();
        let message = Manifest::read(empty.path()).unwrap_err().message;
        assert!(message.contains("no finished backup"), "{message}");
    }
}
