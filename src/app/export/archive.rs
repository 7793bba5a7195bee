//! The ZIP file of an export: tables as Parquet, stored without further compression, then the manifest with their hashes.
//! It is written as its parts come, on a thread for it.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::parquet_file::ParquetFile;
use crate::domain::export::{Manifest, ManifestFile};
use crate::domain::{Error, Result};
use crate::store::objects::ObjectUpload;

/// Name of the manifest.
pub const MANIFEST: &str = "manifest.json";

/// The next part of the file.
pub enum ArchivePart {
    /// The rows of a table follow, up to [`ArchivePart::End`].
    Table { name: &'static str, schema: SchemaRef },
    /// Rows of the table.
    Rows(RecordBatch),
    /// The table is complete.
    End,
    /// All tables are there; the manifest gets their hashes.
    Manifest(Manifest),
}

/// Writes a file of parts that end with the manifest; returns the output.
///
/// # Errors
/// `Unavailable` when the output fails, or when the parts end early.
pub fn write<W: Write + Send>(out: W, parts: &mut mpsc::Receiver<ArchivePart>) -> Result<W> {
    let mut archive = ZipArchiveWriter::new(out);
    let mut files = Vec::new();
    loop {
        match next(parts)? {
            ArchivePart::Table { name, schema } => {
                files.push(write_table(&mut archive, (name, &schema), parts)?);
            }
            ArchivePart::Manifest(manifest) => {
                let text = serde_json::to_vec_pretty(&Manifest { files, ..manifest });
                let text = text.map_err(|e| Error::internal("a manifest is no JSON").with_source(e))?;
                write_entry(&mut archive, MANIFEST, |out| out.write_all(&text).map_err(unwritable))?;
                return archive.finish().map_err(zip_error);
            }
            ArchivePart::Rows(_) | ArchivePart::End => {
                return Err(Error::internal("rows of an export are in no table"));
            }
        }
    }
}

fn write_table<W: Write + Send>(
    archive: &mut ZipArchiveWriter<W>,
    (name, schema): (&'static str, &SchemaRef),
    parts: &mut mpsc::Receiver<ArchivePart>,
) -> Result<ManifestFile> {
    let sha256 = write_entry(archive, name, |out| {
        let mut file = ParquetFile::new(HashingWriter { out, hash: Sha256::new() }, schema)?;
        loop {
            match next(parts)? {
                ArchivePart::Rows(batch) => file.write(&batch)?,
                ArchivePart::End => break,
                ArchivePart::Table { .. } | ArchivePart::Manifest(_) => {
                    return Err(Error::internal("a table of an export has no end"));
                }
            }
        }
        let (written, _) = file.finish()?;
        Ok(hex::encode(written.hash.finalize()))
    })?;
    Ok(ManifestFile { name: name.to_owned(), sha256 })
}

/// Writes one file into the archive; `content` writes its bytes.
fn write_entry<W: Write + Send, T>(
    archive: &mut ZipArchiveWriter<W>,
    name: &str,
    content: impl FnOnce(&mut (dyn Write + Send)) -> Result<T>,
) -> Result<T> {
    let entry = archive.new_file(name).compression_method(CompressionMethod::STORE).start();
    let (mut entry, config) = entry.map_err(zip_error)?;
    let mut data = config.wrap(&mut entry);
    let written = content(&mut data)?;
    let (_, descriptor) = data.finish().map_err(zip_error)?;
    entry.finish(descriptor).map_err(zip_error)?;
    Ok(written)
}

fn next(parts: &mut mpsc::Receiver<ArchivePart>) -> Result<ArchivePart> {
    parts.blocking_recv().ok_or_else(|| Error::unavailable("the export was cut short"))
}

fn unwritable(error: io::Error) -> Error {
    Error::unavailable(format!("the file of the export cannot be written: {error}")).with_source(error)
}

fn zip_error(error: rawzip::Error) -> Error {
    Error::unavailable(format!("the file of the export cannot be written: {error}")).with_source(error)
}

/// Hashes what it passes on.
struct HashingWriter<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A file that counts its bytes.
pub struct UploadWriter {
    pub upload: ObjectUpload,
    pub size_bytes: u64,
}

impl Write for UploadWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.upload.write(bytes)?;
        self.size_bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
