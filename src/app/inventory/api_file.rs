//! Inventory files of the APIs. A short file can become long in memory, so they are bounded in size and in number; files of
//! commands on the machine are bounded in size only ([`MAX_BYTES`](super::MAX_BYTES)).

use std::io::{self, Write};
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{ImportReport, InventoryFiles, InventoryFormat, on_whole_file};
use crate::domain::{Error, Principal, Resource, Result, Scope};

/// Maximum size of a file, bytes: some 15,000 streams.
pub const MAX_API_BYTES: usize = 2 << 20;
/// Maximum size of the YAML that a JSON file becomes, bytes.
const MAX_CONVERTED_BYTES: usize = 16 << 20;
/// Imports at a time.
const MAX_IMPORTS: usize = 1;
/// Exports at a time.
const MAX_EXPORTS: usize = 2;

/// Format of a file that a caller sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiFileFormat {
    /// The members of the YAML file as JSON.
    Json,
    /// A file as commands read it.
    Inventory(InventoryFormat),
}

/// Bounds the files that are read and written at a time.
pub(super) struct InventoryFileLimits {
    imports: Semaphore,
    exports: Semaphore,
}

impl Default for InventoryFileLimits {
    fn default() -> Self {
        Self { imports: Semaphore::new(MAX_IMPORTS), exports: Semaphore::new(MAX_EXPORTS) }
    }
}

impl InventoryFiles {
    /// Imports the file of a caller of an API.
    ///
    /// # Errors
    /// `TooLarge` beyond [`MAX_API_BYTES`]; `Busy` while another file is imported.
    pub async fn import_api_inventory(
        &self,
        principal: &Principal,
        form: ApiFileFormat,
        text: String,
        is_dry: bool,
    ) -> Result<ImportReport> {
        self.check_may_import_inventory(principal)?;
        if text.len() > MAX_API_BYTES {
            return Err(Error::too_large(format!("the file is longer than {} MiB", MAX_API_BYTES >> 20)));
        }
        let permit = self.limits.imports.try_acquire();
        let _permit = permit.map_err(|_| Error::busy("another inventory file is being imported"))?;
        let (form, text) = match form {
            ApiFileFormat::Json => (InventoryFormat::Yaml, yaml_of_json(&text)?),
            ApiFileFormat::Inventory(form) => (form, text),
        };
        self.import_inventory(principal, form, text, is_dry).await
    }

    /// Exports every device and stream, on a thread that answers no requests.
    ///
    /// # Errors
    /// `Busy` while [`MAX_EXPORTS`] files are written.
    pub async fn export_api_inventory(
        self: &Arc<Self>,
        principal: &Principal,
        form: InventoryFormat,
    ) -> Result<String> {
        principal.require(Scope::read(Resource::Device))?;
        principal.require(Scope::read(Resource::Data))?;
        let permit = self.limits.exports.try_acquire();
        let _permit = permit.map_err(|_| Error::busy("other inventory files are being written"))?;
        let (files, principal) = (Arc::clone(self), principal.clone());
        on_whole_file(move || files.export_inventory(&principal, form)).await
    }
}

/// Writes a JSON file as YAML with the same devices and documents. Its lines are those of JSON that is indented by two
/// spaces.
///
/// # Errors
/// `Invalid` with line and column for a text that is no JSON; `TooLarge` for one that is nested so deeply that its
/// indentation is too long.
fn yaml_of_json(text: &str) -> Result<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file: serde_json::Value =
        serde_json::from_str(text).map_err(|e| Error::invalid(format!("JSON parse error - {e}")))?;
    let mut written = LimitedText { bytes: Vec::new() };
    // Not as sent: JSON may have tabs and pairs of escapes that YAML does not know.
    serde_json::to_writer_pretty(&mut written, &file)
        .map_err(|_| Error::too_large("the file is too long or nested too deeply"))?;
    String::from_utf8(written.bytes).map_err(|e| Error::internal("JSON is not valid UTF-8").with_source(e))
}

/// Takes at most [`MAX_CONVERTED_BYTES`].
struct LimitedText {
    bytes: Vec<u8>,
}

impl Write for LimitedText {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + part.len() > MAX_CONVERTED_BYTES {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Kind;

    #[test]
    fn json_becomes_yaml_of_a_bounded_length() {
        let short = yaml_of_json("{\"devices\":[{\"name\":\"a\\tb\"}]}").unwrap();
        assert_eq!(short.lines().count(), 7, "{short}");
        let nested = |depth: usize, items: usize| {
            format!("{}{}0{}", "[".repeat(depth), "0,".repeat(items), "]".repeat(depth))
        };
        assert!(yaml_of_json(&nested(100, 1000)).is_ok());
        // 2 MB that would be indented to 200 MB.
        let refused = yaml_of_json(&nested(100, 1_000_000)).unwrap_err();
        assert_eq!(refused.kind, Kind::TooLarge);
        assert_eq!(yaml_of_json("{").unwrap_err().kind, Kind::Invalid);
    }
}
