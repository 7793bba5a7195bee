//! Serves the on-premise interface on the main port, for requests that name its host.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, Uri, header};
use tower::ServiceExt;

/// Returns a router that sends requests for `host`, on any port, to `onpremise` and all others to `main`.
pub fn by_host(main: Router, host: &str, onpremise: Router) -> Router {
    let host = host.to_ascii_lowercase();
    let chosen = tower::service_fn(move |request: Request| {
        let is_named = requested_host(request.uri(), request.headers()).is_some_and(|named| named == host);
        let router = if is_named { onpremise.clone() } else { main.clone() };
        router.oneshot(request)
    });
    Router::new().fallback_service(chosen)
}

/// Returns the host of a request without its port, in lower case: of the URI in HTTP/2, else of the header.
fn requested_host(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let of_uri = uri.authority().map(|authority| authority.host().to_owned());
    let named = of_uri.or_else(|| {
        let header = headers.get(header::HOST)?.to_str().ok()?;
        let authority: axum::http::uri::Authority = header.parse().ok()?;
        Some(authority.host().to_owned())
    })?;
    Some(named.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_requests() {
        let rows = [
            ("/", Some("gate.example"), Some("gate.example")),
            ("/", Some("GATE.example:8000"), Some("gate.example")),
            ("/", Some("[::1]:8000"), Some("[::1]")),
            ("/", Some("a b"), None),
            ("/", None, None),
            ("https://gate.example:8000/", Some("other"), Some("gate.example")),
        ];
        for (uri, host, expected) in rows {
            let headers: HeaderMap = host.into_iter().map(|h| (header::HOST, h.parse().unwrap())).collect();
            assert_eq!(
                requested_host(&uri.parse().unwrap(), &headers).as_deref(),
                expected,
                "{uri} {host:?}"
            );
        }
    }
}
