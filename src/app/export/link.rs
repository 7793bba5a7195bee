//! Signed links to the files of exports: whoever has one may fetch the file for a day, without any other credential.

use std::io::ErrorKind;

use uuid::Uuid;

use super::blocking;
use crate::app::export::Exports;
use crate::app::object_content::ObjectContent;
use crate::auth::signed_path::SignedQuery;
use crate::domain::export::{Export, ExportStatus};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Error, Kind, Micros, Principal, Result};

/// A link to the file of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportLink {
    /// Path and query, beginning with a slash.
    pub path_and_query: String,
    /// End of its validity.
    pub expires_at: Micros,
}

/// The file of an export.
#[derive(Debug)]
pub struct ExportFile {
    pub export: Uuid,
    pub content: ObjectContent,
    pub size_bytes: u64,
}

impl Exports {
    /// Returns a new link to the file of an export, which the principal sees; `None` without a file.
    ///
    /// # Errors
    /// `Unavailable` when the secret cannot be used.
    pub async fn export_link(&self, principal: &Principal, export: &Export) -> Result<Option<ExportLink>> {
        let now = self.clock.now();
        let Some(expires_at) = export.link_until(now) else { return Ok(None) };
        // The signature is of whole seconds.
        let seconds = |time: Micros| time.0.div_euclid(MICROS_PER_SECOND);
        let lifetime_s = u32::try_from(seconds(expires_at) - seconds(now)).unwrap_or(0);
        let path = format!("/objects/{}/exports/{}.zip", self.access.org_uuid(principal)?, export.uuid);
        let query = self.objects.path_signer().await?.sign("GET", &path, now, lifetime_s);
        Ok(Some(ExportLink { path_and_query: format!("{path}?{query}"), expires_at }))
    }

    /// Opens the file of an export for the bearer of a link.
    ///
    /// # Errors
    /// `Forbidden` for a link that is not ours or whose time is over; `NotFound` when the file is gone; `Unavailable`
    /// when it cannot be read.
    pub async fn open_export(&self, path: &str, query: SignedQuery<'_>, uuid: Uuid) -> Result<ExportFile> {
        if !self.objects.path_signer().await?.admits("GET", path, query, self.clock.now()) {
            return Err(Error::forbidden("the signature of the link is not valid, or its time is over"));
        }
        let export = self.store.catalog().jobs.signed_export(uuid).await?;
        let result = export.result.filter(|_| export.status == ExportStatus::Ready);
        let no_file = || Error::new(Kind::NotFound, format!("Export {uuid} has no file"));
        let result = result.ok_or_else(no_file)?;
        let files = self.export_files();
        let opened = blocking(move || match files.open(uuid) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        });
        let file = opened.await?.ok_or_else(no_file)?;
        let content = ObjectContent::new(file);
        Ok(ExportFile { export: uuid, content, size_bytes: result.size_bytes })
    }
}
