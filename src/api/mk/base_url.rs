//! Scheme, authority and base path of links: `mk.public_url`, else the host that the client has reached.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header, uri};

use crate::app::App;

/// Such as `https://plant.example` or `https://plant.example/basalt`, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(pub String);

impl FromRequestParts<Arc<App>> for BaseUrl {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let settings = &app.settings().compat.mk;
        Ok(BaseUrl(match &settings.public_url {
            Some(url) => url.clone(),
            None => {
                let scheme = if app.settings().sessions.secure_cookies { "https" } else { "http" };
                of_request(&parts.headers, &parts.uri, scheme) + app.settings().base_path.as_str()
            }
        }))
    }
}

/// Address of the host that the client has reached, whatever `mk.public_url` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalUrl(pub String);

impl FromRequestParts<Arc<App>> for LocalUrl {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let scheme = if app.settings().sessions.secure_cookies { "https" } else { "http" };
        Ok(LocalUrl(of_request(&parts.headers, &parts.uri, scheme) + app.settings().base_path.as_str()))
    }
}

impl BaseUrl {
    /// The host, without a port.
    pub fn host(&self) -> Option<String> {
        Some(self.0.parse::<Uri>().ok()?.host()?.to_owned())
    }
}

/// Behind a proxy that ends TLS the scheme is not known, which is what `mk.public_url` is for.
fn of_request(headers: &HeaderMap, target: &Uri, scheme: &str) -> String {
    let named = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let named = named.and_then(|text| text.parse::<uri::Authority>().ok());
    let authority = named.or_else(|| target.authority().cloned());
    let scheme = target.scheme_str().unwrap_or(scheme);
    match authority {
        Some(authority) => format!("{scheme}://{authority}"),
        None => format!("{scheme}://localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_where_the_request_came() {
        for (name, host, target, expected) in [
            ("header", Some("plant.example:8000"), "/api/v1/sites", "http://plant.example:8000"),
            ("http2", None, "https://plant.example/api/v1/sites", "https://plant.example"),
            ("neither", None, "/api/v1/sites", "http://localhost"),
            ("no_host", Some("a b"), "/api/v1/sites", "http://localhost"),
        ] {
            let headers: HeaderMap = host.into_iter().map(|h| (header::HOST, h.parse().unwrap())).collect();
            assert_eq!(of_request(&headers, &target.parse().unwrap(), "http"), expected, "{name}");
        }
    }
}
