//! Serves all routes below a base path too, for proxies that do not remove it, and leads redirects there.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderMap, HeaderValue, header};
use tower::ServiceExt;

use crate::app::base_path::BasePath;

/// Returns a router that serves `routes` at their paths and at those below `base`.
pub fn below(routes: Router, base: &BasePath) -> Router {
    if base.as_str().is_empty() {
        return routes;
    }
    let base = Arc::new(base.clone());
    let served = tower::service_fn(move |mut request: Request| {
        let (routes, base) = (routes.clone(), base.clone());
        async move {
            strip(request.uri_mut(), &base);
            let mut response = match routes.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            prefix_location(response.headers_mut(), &base);
            Ok::<_, Infallible>(response)
        }
    });
    Router::new().fallback_service(served)
}

/// Removes the base path from a path that has it.
fn strip(uri: &mut Uri, base: &BasePath) {
    let Some(rest) = base.strip(uri.path()) else { return };
    let text = match uri.query() {
        Some(query) => format!("{rest}?{query}"),
        None => rest.to_owned(),
    };
    let Ok(path_and_query) = PathAndQuery::try_from(text) else { return };
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = Some(path_and_query);
    *uri = Uri::from_parts(parts).expect("a shorter path keeps a valid URI valid");
}

/// Adds the base path to a location on this server. Proxies that do so themselves leave one alone that has it.
fn prefix_location(headers: &mut HeaderMap, base: &BasePath) {
    let Some(location) = headers.get(header::LOCATION).and_then(|value| value.to_str().ok()) else { return };
    if location.starts_with('/') && !location.starts_with("//") {
        let below = format!("{base}{location}");
        if let Ok(value) = HeaderValue::try_from(below) {
            headers.insert(header::LOCATION, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::response::{IntoResponse, Redirect};
    use axum::routing::get;

    use super::*;

    async fn answer(base: &str, path: &str) -> (u16, Option<String>, String) {
        let echo = |uri: Uri| async move { uri.to_string().into_response() };
        let away = || async { Redirect::temporary("https://other.example/x") };
        let routes = Router::new()
            .route("/ui", get(echo))
            .route("/", get(|| async { Redirect::temporary("/ui") }))
            .route("/away", get(away));
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = below(routes, &base.parse().unwrap()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let location = parts.headers.get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned());
        let body = axum::body::to_bytes(body, 1000).await.unwrap();
        (parts.status.as_u16(), location, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn routes_are_served_with_the_base_path_and_without_it() {
        for (base, path, status, location, body) in [
            ("/basalt", "/basalt/ui?a=/basalt", 200, None, "/ui?a=/basalt"),
            ("/basalt", "/ui?a", 200, None, "/ui?a"),
            ("/basalt", "/basalt", 307, Some("/basalt/ui"), ""),
            ("/basalt", "/", 307, Some("/basalt/ui"), ""),
            ("/basalt", "/basalt/away", 307, Some("https://other.example/x"), ""),
            ("/basalt", "/other/ui", 404, None, ""),
            ("", "/", 307, Some("/ui"), ""),
            ("", "/basalt/ui", 404, None, ""),
        ] {
            let expected = (status, location.map(str::to_owned), body.to_owned());
            assert_eq!(answer(base, path).await, expected, "{base} {path}");
        }
    }
}
