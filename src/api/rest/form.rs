//! A form with files (`multipart/form-data`) out of a request body, read only when its handler asks.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::header;
use bytes::Bytes;
use multer::{Constraints, Field, Multipart, SizeLimit};
use serde_json::{Map, Value};

use super::fields::{Fields, Mode};
use crate::api::error::Fault;
use crate::api::payload;
use crate::app::App;
use crate::app::ai::upload::UploadedFile;
use crate::app::body_memory::Held;
use crate::domain::{Error, FieldError, Result};

/// The whole body, bytes.
const FORM_BYTES: usize = 64 << 20;

/// Parts of a form; one with more was not made by a person.
const MOST_PARTS: usize = 64;

/// A text of a form, bytes.
const TEXT_BYTES: usize = 64 << 10;

/// A form not yet read.
pub struct UnreadForm(Request);

impl FromRequest<Arc<App>> for UnreadForm {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, Infallible> {
        Ok(UnreadForm(request))
    }
}

/// The texts of a form as fields, and its files by name; of parts with one name the last counts.
pub struct Form {
    pub fields: Fields,
    files: HashMap<String, UploadedFile>,
    problems: Vec<FieldError>,
    /// Of the files, which are copies.
    memory: Held,
}

impl UnreadForm {
    /// # Errors
    /// `UnsupportedMedia` for another type of body, `TooLarge`, `Invalid` when it is no form.
    pub async fn read(self) -> Result<Form, Fault> {
        let (parts, body) = self.0.into_parts();
        let media = parts.headers.get(header::CONTENT_TYPE).map(|v| String::from_utf8_lossy(v.as_bytes()));
        let media = media.unwrap_or_default().into_owned();
        if !media.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("multipart/form-data") {
            return Err(Fault::UnsupportedMedia(media));
        }
        let boundary = multer::parse_boundary(&media).map_err(|e| unreadable(&e))?;
        let memory = payload::memory_for(&parts.headers);
        let bytes = payload::read(&parts.headers, body, FORM_BYTES).await?;
        Ok(parse(bytes, boundary, memory).await?)
    }
}

impl Form {
    /// A file that has to be there, with one of these endings. What is wrong with it is told with the rest of the form.
    pub fn file(&mut self, name: &'static str, extensions: &[&str]) -> UploadedFile {
        let missing = || UploadedFile { name: String::new(), bytes: Vec::new() };
        let file = self.files.remove(name).unwrap_or_else(missing);
        if let Some(message) = problem(&file, extensions) {
            self.problems.push(FieldError::new(name, message));
        }
        file
    }

    /// Passes, or fails with all mistakes. What comes back is the memory of the files, to be held as long as they are.
    pub fn finish(mut self, problems: Vec<FieldError>) -> Result<Held> {
        self.problems.extend(problems);
        self.fields.finish(self.problems)?;
        Ok(self.memory)
    }
}

/// What is wrong with a file, in the framework's words.
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

async fn parse(bytes: Bytes, boundary: String, mut memory: Held) -> Result<Form> {
    // The body as it came and the files out of it lie side by side until all of it is read.
    memory.cover(bytes.len())?;
    let whole = futures::stream::once(async move { Ok::<_, Infallible>(bytes) });
    let limit = SizeLimit::new().whole_stream(FORM_BYTES as u64);
    let mut form = Multipart::with_constraints(whole, boundary, Constraints::new().size_limit(limit));
    let (mut texts, mut files) = (Map::new(), HashMap::new());
    // One turn more finds the end.
    for _ in 0..=MOST_PARTS {
        let Some(part) = form.next_field().await.map_err(|e| unreadable(&e))? else {
            let fields = Fields::new(texts, Mode::Whole);
            return Ok(Form { fields, files, problems: Vec::new(), memory });
        };
        let Some(name) = part.name().map(str::to_owned) else { continue };
        match part.file_name().map(str::to_owned) {
            Some(file) => {
                files.insert(name, read_file(part, &file).await?);
            }
            None => {
                let text = read_text(part, &name).await?;
                // A form sends what was left empty.
                if !text.trim().is_empty() {
                    texts.insert(name, Value::String(text));
                }
            }
        }
    }
    Err(Error::invalid(format!("a form may have {MOST_PARTS} parts at most")))
}

async fn read_file(part: Field<'_>, name: &str) -> Result<UploadedFile> {
    let bytes = part.bytes().await.map_err(|e| unreadable(&e))?.to_vec();
    // Some clients send the whole path. Of a name no more is kept than anybody reads.
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.chars().filter(|c| !c.is_control()).take(255).collect();
    Ok(UploadedFile { name, bytes })
}

async fn read_text(part: Field<'_>, name: &str) -> Result<String> {
    let bytes = part.bytes().await.map_err(|e| unreadable(&e))?;
    if bytes.len() > TEXT_BYTES {
        return Err(Error::field(name.to_owned(), "Ensure this field has no more than 65536 characters."));
    }
    String::from_utf8(bytes.to_vec()).map_err(|_| Error::field(name.to_owned(), "Not a valid string."))
}

fn unreadable(error: &multer::Error) -> Error {
    Error::invalid(format!("Multipart form parse error - {error}"))
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "form_fuzz_tests.rs"]
mod fuzz_tests;
