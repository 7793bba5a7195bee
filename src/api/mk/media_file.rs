//! `/media/captures/{id}/{name}` by signed addresses, and `/media/live/{id}/{name}` by the user name and password of a live
//! session. No other credential is asked for.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::object::SignedParameters;
use super::problem::MkError;
use crate::api::byte_range;
use crate::app::App;
use crate::app::media::files::CaptureFile;
use crate::domain::{Error, Kind};

/// The routes, which are outside of the platform's paths.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/media/captures/{id}/{name}", get(capture))
        .route("/media/live/{id}/{name}", get(live))
}

/// `GET /media/captures/{id}/{name}`: a recording, or a picture of it; one range of it where that is asked for.
async fn capture(
    State(app): State<Arc<App>>,
    Path((id, name)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, MkError> {
    let unsigned = || MkError::from(Error::forbidden("the address is not signed"));
    let id = Uuid::try_parse(&id).map_err(|_| unsigned())?;
    let which = CaptureFile::named(&name).ok_or_else(unsigned)?;
    let signed = SignedParameters::of(&uri).ok_or_else(unsigned)?;
    let opened = app.media.captures.open_capture_file((id, which), uri.path(), signed.query()).await?;
    let media = match which {
        CaptureFile::Recording => "video/mp4",
        CaptureFile::Thumbnail => "image/jpeg",
    };
    // A recording never changes, so its name is its tag.
    let tag = format!("{id}-{name}");
    let mut response = byte_range::respond(opened.content, opened.size_bytes, &tag, &headers).await?;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

/// `GET /media/live/{id}/{name}`: the playlist of a live session, or one of its segments.
async fn live(
    State(app): State<Arc<App>>,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let login = basic(&headers);
    let login = login.as_ref().map(|(user, password)| (user.as_str(), password.as_str()));
    let opened = app.media.live.open_live_file(Uuid::try_parse(&id).unwrap_or_default(), login, &name).await;
    let opened = opened.map_err(|error| {
        let is_unknown = error.kind == Kind::Unauthenticated;
        let mut response = MkError::from(error).into_response();
        if is_unknown {
            let challenge = HeaderValue::from_static("Basic realm=\"live\", charset=\"UTF-8\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    })?;
    let media = if opened.is_playlist { "application/vnd.apple.mpegurl" } else { "video/mp2t" };
    let mut response = Body::from_stream(ReaderStream::new(opened.file)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// User name and password of HTTP's Basic authentication.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, rest) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let both = scheme.eq_ignore_ascii_case("basic").then(|| BASE64_STANDARD.decode(rest.trim()).ok())??;
    let both = String::from_utf8(both).ok()?;
    let (user, password) = both.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_read_or_none() {
        let rows = [
            ("Basic dTpw", Some(("u", "p"))),
            ("basic dTpwOng=", Some(("u", "p:x"))),
            ("Bearer dTpw", None),
            ("Basic !", None),
            ("Basic dQ==", None),
        ];
        for (text, expected) in rows {
            let headers = [(header::AUTHORIZATION, HeaderValue::from_static(text))].into_iter().collect();
            let found = basic(&headers);
            assert_eq!(
                found.as_ref().map(|(user, password)| (user.as_str(), password.as_str())),
                expected,
                "{text}"
            );
        }
    }
}
