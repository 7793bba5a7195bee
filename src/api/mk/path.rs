//! Which paths are the platform's, and the ids in them.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use uuid::Uuid;

use super::problem::MkError;
use crate::app::App;

/// Path of Prometheus' remote write, which receivers have had before there was a platform.
const REMOTE_WRITE: &str = "/api/v1/write";

/// Whether a path, without the slash at its end, belongs to the platform: `/api/v1/organization/…` is Blynk's, and
/// `/api/v1/write` Prometheus'.
pub fn is_own(path: &str) -> bool {
    let below = |prefix: &str| {
        path.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/')).is_some()
    };
    let is_blynks = path.strip_prefix("/api/v1/organization/").is_some_and(|rest| !rest.is_empty());
    (below("/api/v1") && !is_blynks && path != REMOTE_WRITE) || below("/api/schemas") || below("/api/v3")
}

/// The id in a path with one variable. Anything that is no UUID is an invalid value of the parameter `id`.
#[derive(Debug, Clone, Copy)]
pub struct PathId(pub Uuid);

impl Deref for PathId {
    type Target = Uuid;

    fn deref(&self) -> &Uuid {
        &self.0
    }
}

impl FromRequestParts<Arc<App>> for PathId {
    type Rejection = MkError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, MkError> {
        let text = Path::<String>::from_request_parts(parts, app).await;
        let text = text.map_err(|_| MkError::invalid_parameter("id"))?;
        Uuid::try_parse(&text).map(PathId).map_err(|_| MkError::invalid_parameter("id"))
    }
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn paths_of_others_are_theirs() {
        let rows = [
            ("/api/v1", true),
            ("/api/v1/devices", true),
            ("/api/v1/unknown/x", true),
            ("/api/v1/organization", true),
            ("/api/v1/organizations", true),
            ("/api/v1/organization/device/datastream", false),
            ("/api/v1/write", false),
            ("/api/v1/write/x", true),
            ("/api/v10", false),
            ("/api/v2/organization/device", false),
            ("/api/schemas", true),
            ("/api/schemas/sensor-profile/1", true),
            ("/api/schema", false),
            ("/api/v3/api-docs", true),
            ("/api/device", false),
        ];
        for (path, expected) in rows {
            assert_eq!(is_own(path), expected, "{path}");
        }
    }
}
