//! Checks that DataStone makes before it looks at method, path or body: 406, then 401, then 403.
//!
//! The scope check here only fixes the order of error responses; app/ checks again and is the authority.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::MethodRouter;

use crate::api::caller;
use crate::api::error::{HttpError, RestError};
use crate::app::App;
use crate::domain::{Resource, Scope};

/// Access required by a route.
#[derive(Debug, Clone, Copy)]
pub enum RequiredAccess {
    /// The scope of this resource that the method requires.
    Scope(Resource),
    /// A logged-in superuser.
    Superuser,
    /// Any authenticated caller.
    Authenticated,
    /// Nobody has to authenticate.
    Public,
}

/// Puts the checks before every method of a path, including those the path does not have.
pub fn guard(
    app: &Arc<App>,
    right: RequiredAccess,
    methods: MethodRouter<Arc<App>>,
) -> MethodRouter<Arc<App>> {
    methods.layer(from_fn_with_state((app.clone(), right), check_request))
}

async fn check_request(
    State((app, right)): State<(Arc<App>, RequiredAccess)>,
    mut request: Request,
    next: Next,
) -> Result<Response, RestError> {
    if !accepts_json(request.headers()) {
        return Err(HttpError::NotAcceptable.into());
    }
    if !matches!(right, RequiredAccess::Public) {
        let caller = caller::authenticate(&app, request.method(), request.headers(), request.extensions())?;
        match right {
            RequiredAccess::Scope(resource) => caller.require(scope_for(request.method(), resource))?,
            RequiredAccess::Superuser => app.require_superuser(&caller)?,
            RequiredAccess::Authenticated | RequiredAccess::Public => {}
        }
        request.extensions_mut().insert(caller);
    }
    Ok(next.run(request).await)
}

fn scope_for(method: &Method, resource: Resource) -> Scope {
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS => Scope::read(resource),
        _ => Scope::write(resource),
    }
}

/// Whether some range of `Accept` with a weight above zero covers `application/json`. A missing header accepts all.
fn accepts_json(headers: &HeaderMap) -> bool {
    let mut ranges = headers
        .get_all(header::ACCEPT)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .peekable();
    ranges.peek().is_none() || ranges.any(covers_json)
}

fn covers_json(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_refused = parts.any(|parameter| {
        let weight = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="));
        weight.is_some_and(|q| q.trim().parse() == Ok(0.0_f32))
    });
    !is_refused && matches!(media.as_str(), "*/*" | "*" | "application/*" | "application/json")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::accepts_json;

    #[test]
    fn json_is_covered_by_its_name_or_a_wildcard() {
        let cases = [
            ("", true),
            ("application/json", true),
            ("APPLICATION/JSON; charset=utf-8", true),
            ("*/*", true),
            ("text/html, application/xhtml+xml, */*;q=0.8", true),
            ("application/*", true),
            ("text/html", false),
            ("text/csv, application/xml", false),
            ("application/json;q=0", false),
            ("application/json; q=0.0, text/html", false),
            ("application/json-seq", false),
        ];
        for (accept, expected) in cases {
            let headers = HeaderMap::from_iter([("accept".parse().unwrap(), accept.parse().unwrap())]);
            assert_eq!(accepts_json(&headers), expected, "{accept}");
        }
        assert!(accepts_json(&HeaderMap::new()));
    }
}
