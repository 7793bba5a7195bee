//! Deferred `multipart/form-data` body with files, read only when the handler asks.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::header;
use bytes::Bytes;
use multer::{Constraints, Field, Multipart, SizeLimit};
use serde_json::{Map, Value};

use crate::api::error::HttpError;
use crate::api::{part_file_name, payload};
use crate::app::App;
use crate::app::ai::upload::UploadedFile;
use crate::app::body_memory::BodyMemoryReservation;
use crate::app::fields::json_source::JsonObject;
use crate::app::fields::reader::{FieldReader, ReadMode};
use crate::domain::{Error, FieldError, Result};

/// Maximum size of the whole body, bytes: an upload holds a model and its scaler, so it bounds the model size too.
const MAX_FORM_BYTES: usize = 64 << 20;

/// Maximum number of parts; no real form has more.
const MAX_FORM_PARTS: usize = 64;

/// Maximum size of a text field, bytes.
const MAX_FORM_TEXT_BYTES: usize = 64 << 10;

/// A form not yet read.
pub struct DeferredForm(Request);

impl FromRequest<Arc<App>> for DeferredForm {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, Infallible> {
        Ok(DeferredForm(request))
    }
}

/// Text fields and files of a form; if a name is repeated, the last part counts.
pub struct MultipartForm {
    /// The parts without a file name, by their names.
    pub fields: FieldReader,
    files: HashMap<String, UploadedFile>,
    problems: Vec<FieldError>,
    /// Reservation for the files, which are copies.
    memory: BodyMemoryReservation,
}

impl DeferredForm {
    /// Reads the whole form.
    ///
    /// # Errors
    /// `UnsupportedMediaType` for another media type, `TooLarge`, `Invalid` when it is not a valid form.
    pub async fn read(self) -> Result<MultipartForm, HttpError> {
        let (parts, body) = self.0.into_parts();
        let media = parts.headers.get(header::CONTENT_TYPE).map(|v| String::from_utf8_lossy(v.as_bytes()));
        let media = media.unwrap_or_default().into_owned();
        if !media.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("multipart/form-data") {
            return Err(HttpError::UnsupportedMediaType(media));
        }
        let boundary = multer::parse_boundary(&media).map_err(|e| unreadable(&e))?;
        let memory = payload::memory_for(&parts.headers);
        let bytes = payload::read(&parts.headers, body, MAX_FORM_BYTES).await?;
        Ok(parse(bytes, boundary, memory).await?)
    }
}

impl MultipartForm {
    /// Takes a required file with one of these extensions. Its errors are reported with those of the fields.
    pub fn file(&mut self, name: &'static str, extensions: &[&str]) -> UploadedFile {
        let missing = || UploadedFile { name: String::new(), bytes: Vec::new() };
        let file = self.files.remove(name).unwrap_or_else(missing);
        if let Some(message) = problem(&file, extensions) {
            self.problems.push(FieldError::new(name, message));
        }
        file
    }

    /// Fails with all errors, if any. Returns the reservation of the files, to be held as long as they exist.
    pub fn finish(mut self, problems: Vec<FieldError>) -> Result<BodyMemoryReservation> {
        self.problems.extend(problems);
        self.fields.finish(self.problems)?;
        Ok(self.memory)
    }
}

/// The error of a file, worded as in Django REST framework.
fn problem(file: &UploadedFile, extensions: &[&str]) -> Option<String> {
    if file.name.is_empty() && file.bytes.is_empty() {
        return Some("No file was submitted.".to_owned());
    }
    let extension = file.name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if !extensions.iter().any(|allowed| extension.eq_ignore_ascii_case(allowed)) {
        let allowed = extensions.join(", ");
        return Some(format!(
            "File extension \"{extension}\" is not allowed. Allowed extensions are: {allowed}."
        ));
    }
    file.bytes.is_empty().then(|| "The submitted file is empty.".to_owned())
}

async fn parse(bytes: Bytes, boundary: String, mut memory: BodyMemoryReservation) -> Result<MultipartForm> {
    // The raw body and the files copied from it coexist until all of it is read.
    memory.try_grow_to(bytes.len())?;
    let whole = futures::stream::once(async move { Ok::<_, Infallible>(bytes) });
    let limit = SizeLimit::new().whole_stream(MAX_FORM_BYTES as u64);
    let mut form = Multipart::with_constraints(whole, boundary, Constraints::new().size_limit(limit));
    let (mut texts, mut files) = (Map::new(), HashMap::new());
    // The extra iteration finds the end.
    for _ in 0..=MAX_FORM_PARTS {
        let Some(part) = form.next_field().await.map_err(|e| unreadable(&e))? else {
            let fields = FieldReader::new(JsonObject::new(texts), ReadMode::Whole);
            return Ok(MultipartForm { fields, files, problems: Vec::new(), memory });
        };
        let Some(name) = part.name().map(str::to_owned) else { continue };
        match part_file_name::of_part(&part) {
            Some(file) => {
                files.insert(name, read_file(part, &file).await?);
            }
            None => {
                let text = read_text(part, &name).await?;
                // Browsers send empty fields too; they count as absent.
                if !text.trim().is_empty() {
                    texts.insert(name, Value::String(text));
                }
            }
        }
    }
    Err(Error::invalid(format!("a form may have {MAX_FORM_PARTS} parts at most")))
}

async fn read_file(part: Field<'_>, name: &str) -> Result<UploadedFile> {
    let bytes = part.bytes().await.map_err(|e| unreadable(&e))?.to_vec();
    // Some clients send the whole path. Only the end of a name is used, so no more is stored.
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.chars().filter(|c| !c.is_control()).take(255).collect();
    Ok(UploadedFile { name, bytes })
}

async fn read_text(part: Field<'_>, name: &str) -> Result<String> {
    let bytes = part.bytes().await.map_err(|e| unreadable(&e))?;
    if bytes.len() > MAX_FORM_TEXT_BYTES {
        return Err(Error::field(name.to_owned(), "Ensure this field has no more than 65536 characters."));
    }
    String::from_utf8(bytes.to_vec()).map_err(|_| Error::field(name.to_owned(), "Not a valid string."))
}

fn unreadable(error: &multer::Error) -> Error {
    Error::invalid(format!("Multipart form parse error - {error}"))
}

#[cfg(test)]
#[path = "multipart_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "multipart_fuzz_tests.rs"]
mod fuzz_tests;
