//! The body of a response, read and decoded within a limit.

use std::io::{self, Read};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use reqwest::Response;
use reqwest::header::CONTENT_ENCODING;

use super::root_cause::root_cause;
use crate::domain::http_request::HttpError;

/// Reads a body of at most `most` bytes, as sent and decoded. Some servers compress although nobody has asked for it.
///
/// # Errors
/// `Interrupted`; `Malformed` for a longer body, a damaged one, and one of another content encoding than gzip and deflate.
pub(super) async fn read(answer: &mut Response, most: usize) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| HttpError::Interrupted(root_cause(&e)))? {
        if body.len() + chunk.len() > most {
            return Err(too_long(most));
        }
        body.extend_from_slice(&chunk);
    }
    let Some(encoding) = answer.headers().get(CONTENT_ENCODING).filter(|_| !body.is_empty()) else {
        return Ok(body);
    };
    let encoding = String::from_utf8_lossy(encoding.as_bytes()).trim().to_ascii_lowercase();
    // Some megabytes take some ten milliseconds: too long for the threads that serve sockets.
    let decoding = tokio::task::spawn_blocking(move || decode(&encoding, body, most));
    decoding.await.map_err(|e| HttpError::Malformed(format!("the response cannot be decoded: {e}")))?
}

/// Decodes a body to at most `most` bytes; one without an encoding is returned as it is.
///
/// # Errors
/// The errors of [`read`].
pub(super) fn decode(encoding: &str, body: Vec<u8>, most: usize) -> Result<Vec<u8>, HttpError> {
    let decoded = match encoding {
        "" | "identity" => return Ok(body),
        "gzip" | "x-gzip" => read_bounded(MultiGzDecoder::new(&body[..]), most),
        // RFC 9110, section 8.4.1.2: zlib, which some servers leave out.
        "deflate" => read_bounded(ZlibDecoder::new(&body[..]), most)
            .or_else(|_| read_bounded(DeflateDecoder::new(&body[..]), most)),
        _ => return Err(HttpError::Malformed(format!("the response has the content encoding `{encoding}`"))),
    };
    let decoded =
        decoded.map_err(|e| HttpError::Malformed(format!("the compressed response is damaged: {e}")))?;
    if decoded.len() > most { Err(too_long(most)) } else { Ok(decoded) }
}

/// Reads at most one byte more than is allowed.
fn read_bounded(source: impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut decoded = Vec::new();
    source.take(most as u64 + 1).read_to_end(&mut decoded)?;
    Ok(decoded)
}

fn too_long(most: usize) -> HttpError {
    HttpError::Malformed(format!("the response has more than {most} bytes"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    #[test]
    fn bodies_are_decoded_within_their_limit() {
        let text = b"value ".repeat(20);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&text).unwrap();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(&text).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(&text).unwrap();
        let (gzip, zlib, raw) = (gzip.finish().unwrap(), zlib.finish().unwrap(), raw.finish().unwrap());
        for (encoding, body) in [
            ("", &text),
            ("identity", &text),
            ("gzip", &gzip),
            ("x-gzip", &gzip),
            ("deflate", &zlib),
            ("deflate", &raw),
        ] {
            assert_eq!(decode(encoding, body.clone(), text.len()).as_ref(), Ok(&text), "{encoding}");
        }
        for (encoding, body, most, part) in [
            ("gzip", &gzip, text.len() - 1, "more than 119 bytes"),
            ("deflate", &zlib, text.len() - 1, "more than 119 bytes"),
            ("gzip", &text, 1000, "damaged"),
            ("deflate", &gzip, 1000, "damaged"),
            ("br", &text, 1000, "`br`"),
        ] {
            let error = decode(encoding, body.clone(), most).unwrap_err();
            assert!(
                matches!(&error, HttpError::Malformed(why) if why.contains(part)),
                "{encoding}: {error:?}"
            );
        }
    }
}
