//! The form of a new firmware. Its texts are small; its file is written as it arrives, so that an upload takes little
//! memory whatever its size is and however fast it comes.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use multer::{Constraints, Field, Multipart, SizeLimit};
use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::api::error::HttpError;
use crate::api::mk::body::Fields;
use crate::api::mk::object;
use crate::api::mk::problem::MkError;
use crate::api::part_file_name;
use crate::app::App;
use crate::app::mk::firmware::FirmwareUpload;
use crate::domain::document::firmware::MAX_FIRMWARE_BYTES;
use crate::domain::{Error, Kind, Principal, Result};

/// Name of the part with the bytes.
const FILE: &str = "file";
/// Maximum size of any other part, bytes.
const MAX_TEXT_BYTES: u64 = 64 << 10;
/// Maximum size of the whole form, bytes.
const MAX_FORM_BYTES: u64 = MAX_FIRMWARE_BYTES + (1 << 20);
/// Maximum number of parts.
const MAX_PARTS: usize = 64;
/// Maximum bytes that arrive before a part begins: what is before it, and its head.
const MAX_HEAD_BYTES: usize = 256 << 10;
/// Maximum characters of a file's name.
const MAX_FILE_NAME: usize = 255;
/// Maximum bytes of a refused form that are still read: clients that write everything before they read would otherwise
/// see a closed connection instead of the response.
const MAX_DISCARD_BYTES: usize = 256 << 20;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(10);

/// A form that was read.
pub struct FirmwareForm {
    /// The parts other than the file; an empty one is absent. Of a repeated part the last counts.
    pub fields: Fields,
    /// Name and bytes of the file.
    pub file: Option<(String, FirmwareUpload)>,
}

/// The pieces of a body, shared with whoever reads what a refused form left.
type SharedPieces = Arc<Mutex<Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>>>;

/// Reads a form, and writes its file.
///
/// # Errors
/// 415 for another media type; 413 for a form or file that is too large; 408; 400 for a body that is no form, or none;
/// as `Firmware::begin_firmware`.
pub async fn read(app: &App, principal: &Principal, request: Request) -> Result<FirmwareForm, MkError> {
    let (parts, body) = request.into_parts();
    let boundary = boundary(&parts.headers)?;
    // What is refused may have been read to its end already.
    let pieces: SharedPieces = Arc::new(Mutex::new(Box::pin(object::pieces(body).fuse())));
    let form = match declared_bytes(&parts.headers) {
        Some(bytes) if bytes > MAX_FORM_BYTES => Err(too_large().into()),
        _ => read_parts(app, principal, Arc::clone(&pieces), boundary).await,
    };
    if form.is_err() && !parts.headers.contains_key(header::EXPECT) {
        discard(&pieces).await;
    }
    form
}

/// The boundary of the parts.
fn boundary(headers: &HeaderMap) -> Result<String, MkError> {
    let text = |name| headers.get(name).map(|value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()));
    if let Some(encoding) = text(header::CONTENT_ENCODING) {
        return Err(HttpError::UnsupportedMediaType(encoding.into_owned()).into());
    }
    let media = text(header::CONTENT_TYPE).ok_or_else(MkError::malformed_body)?;
    let named = media.split(';').next().unwrap_or_default().trim();
    if !named.eq_ignore_ascii_case("multipart/form-data") {
        return Err(HttpError::UnsupportedMediaType(media.into_owned()).into());
    }
    multer::parse_boundary(&*media).map_err(|e| unreadable(e).into())
}

fn declared_bytes(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn read_parts(
    app: &App,
    principal: &Principal,
    pieces: SharedPieces,
    boundary: String,
) -> Result<FirmwareForm, MkError> {
    let head_bytes = Arc::new(AtomicUsize::new(0));
    let stream = StepwiseBody { pieces, has_yielded: false, head_bytes: Arc::clone(&head_bytes) };
    let limit = SizeLimit::new().whole_stream(MAX_FORM_BYTES).per_field(MAX_TEXT_BYTES);
    let limit = limit.for_field(FILE, MAX_FIRMWARE_BYTES);
    let mut form = Multipart::with_constraints(stream, boundary, Constraints::new().size_limit(limit));
    let (mut texts, mut file) = (Map::new(), None);
    // The extra iteration finds the end.
    for _ in 0..=MAX_PARTS {
        head_bytes.store(0, Ordering::Relaxed);
        let Some(part) = form.next_field().await.map_err(unreadable)? else {
            return Ok(FirmwareForm { fields: Fields::of_object(texts), file });
        };
        match part.name().map(str::to_owned) {
            Some(name) if name == FILE => {
                // Of two files only one is there at a time.
                drop(file.take());
                file = Some(read_file(app, principal, part, &head_bytes).await?);
            }
            name => {
                let text = read_text(part, &head_bytes).await?;
                if let Some(name) = name
                    && !text.trim().is_empty()
                {
                    texts.insert(name, Value::String(text));
                }
            }
        }
    }
    Err(Error::invalid(format!("a form may have {MAX_PARTS} parts at most")).into())
}

async fn read_file(
    app: &App,
    principal: &Principal,
    mut part: Field<'_>,
    head_bytes: &AtomicUsize,
) -> Result<(String, FirmwareUpload), MkError> {
    let name = file_name(&part_file_name::of_part(&part).unwrap_or_default());
    let mut upload = app.mk.firmware.begin_firmware(principal).await?;
    loop {
        head_bytes.store(0, Ordering::Relaxed);
        match part.chunk().await.map_err(unreadable)? {
            Some(bytes) => upload = upload.write(bytes).await?,
            None => return Ok((name, upload)),
        }
    }
}

/// Some clients send the whole path.
fn file_name(sent: &str) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).take(MAX_FILE_NAME).collect();
    if name.trim().is_empty() { "firmware.bin".to_owned() } else { name }
}

async fn read_text(mut part: Field<'_>, head_bytes: &AtomicUsize) -> Result<String, MkError> {
    let mut text = Vec::new();
    loop {
        head_bytes.store(0, Ordering::Relaxed);
        match part.chunk().await.map_err(unreadable)? {
            Some(bytes) => text.extend_from_slice(&bytes),
            None => return String::from_utf8(text).map_err(|_| MkError::malformed_body()),
        }
    }
}

fn too_large() -> Error {
    Error::too_large(format!("a firmware has at most {MAX_FIRMWARE_BYTES} bytes"))
}

fn unreadable(error: multer::Error) -> HttpError {
    match error {
        multer::Error::FieldSizeExceeded { field_name, .. } if field_name.as_deref() != Some(FILE) => {
            Error::too_large(format!("a text of the form has at most {MAX_TEXT_BYTES} bytes")).into()
        }
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => {
            too_large().into()
        }
        multer::Error::StreamReadFailed(cause) => match cause.downcast::<Error>() {
            Ok(error) if error.kind == Kind::Timeout => HttpError::RequestTimeout,
            Ok(error) => (*error).into(),
            Err(cause) => Error::invalid("Malformed request body").with_source(cause.to_string()).into(),
        },
        other => Error::invalid("Malformed request body").with_source(other).into(),
    }
}

/// A body that gives one piece whenever it is asked: the parser takes all that is there at once, which may be all of a
/// body that arrives faster than it is written.
struct StepwiseBody {
    pieces: SharedPieces,
    has_yielded: bool,
    /// Bytes since the reader expected the content of a part or the next part.
    head_bytes: Arc<AtomicUsize>,
}

impl Stream for StepwiseBody {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.has_yielded) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = std::task::ready!(self.pieces.lock().as_mut().poll_next(cx));
        self.has_yielded = true;
        if let Some(Ok(bytes)) = &next {
            let before = self.head_bytes.fetch_add(bytes.len(), Ordering::Relaxed);
            // One piece may be large by itself.
            if before > MAX_HEAD_BYTES {
                return Poll::Ready(Some(Err(Error::too_large(
                    "the head of a part of the form is too long",
                ))));
            }
        }
        Poll::Ready(next)
    }
}

/// Reads and discards the rest of a form, within bounds, so that the response can be delivered.
async fn discard(pieces: &SharedPieces) {
    let reading = async {
        let mut seen = 0;
        while let Some(Ok(bytes)) = poll_fn(|cx| pieces.lock().as_mut().poll_next(cx)).await {
            seen += bytes.len();
            if seen > MAX_DISCARD_BYTES {
                return;
            }
        }
    };
    // Past the deadline the connection is cut instead; both sides know that the request failed.
    tokio::time::timeout(DISCARD_TIMEOUT, reading).await.unwrap_or(());
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;
