//! The job of an import at the server: it shows others how far the import is, and lets them cancel it.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::ImportFile;
use crate::cli::remote::RemoteClient;
use crate::cli::target::CommandTarget;
use crate::domain::job::{MAX_ERROR_CHARS, MAX_NAME_CHARS};
use crate::domain::{Error, Kind, Result};

/// Attempts to report the end, one second apart.
const MAX_END_ATTEMPTS: u32 = 5;

/// The job of one file. In this process, and at a server that knows no such jobs, there is none.
pub(super) struct ImportJob<'a> {
    server: Option<(&'a RemoteClient, String)>,
    size: u64,
}

impl<'a> ImportJob<'a> {
    /// Creates the job of a file.
    ///
    /// # Errors
    /// The errors of the server, except that it knows no such jobs: an older one takes the readings all the same.
    pub async fn begin(target: &'a CommandTarget, path: &Path, source: &ImportFile) -> Result<ImportJob<'a>> {
        let size = source.size();
        let Some(server) = target.server() else { return Ok(ImportJob { server: None, size }) };
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let name: String = name.chars().take(MAX_NAME_CHARS).collect();
        let name = if name.trim().is_empty() { "unnamed".to_owned() } else { name };
        let row = json!({"kind": "import", "name": name, "size": size, "unit": source.unit().name()});
        let id = match server.create("/api/job/", &row).await {
            Err(error) if error.kind == Kind::NotFound => return Ok(ImportJob { server: None, size }),
            created => created?["id"].as_i64(),
        };
        let id = id.ok_or_else(|| Error::internal("the server did not say the id of the job"))?;
        Ok(ImportJob { server: Some((server, format!("/api/job/{id}/"))), size })
    }

    /// Reports how much of the file is written. A report that does not arrive is made up for by the next one.
    ///
    /// # Errors
    /// `Conflict` when the job has ended: somebody cancelled it.
    pub async fn report(&self, position: u64) -> Result<()> {
        let progress = if self.size == 0 { 0.0 } else { position as f64 / self.size as f64 };
        let Some((server, path)) = &self.server else { return Ok(()) };
        match server.update(path, &json!({"progress": progress.clamp(0.0, 1.0)})).await {
            Err(error) if error.kind == Kind::Conflict => Err(error),
            _ => Ok(()),
        }
    }

    /// Reports that the file is written.
    ///
    /// # Errors
    /// `Conflict` when the job was cancelled meanwhile; those of the server.
    pub async fn done(&self, rows: u64) -> Result<()> {
        self.end(&json!({"state": "done", "result": {"rows": rows}})).await
    }

    /// Reports why the import ended, if the server still listens: the error of the import counts.
    pub async fn failed(&self, error: &Error) {
        let text: String = error.message.chars().filter(|c| *c != '\0').take(MAX_ERROR_CHARS).collect();
        // Of a job that was cancelled, the server refuses it.
        let _ = self.end(&json!({"state": "failed", "error": text})).await;
    }

    async fn end(&self, end: &Value) -> Result<()> {
        let Some((server, path)) = &self.server else { return Ok(()) };
        for _ in 1..MAX_END_ATTEMPTS {
            match server.update(path, end).await {
                Err(error) if error.kind == Kind::Busy => tokio::time::sleep(Duration::from_secs(1)).await,
                done => return done.map(drop),
            }
        }
        server.update(path, end).await.map(drop)
    }
}
