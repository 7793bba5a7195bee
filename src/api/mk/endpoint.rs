//! Operations: method, path, right, handler and description in one place.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use utoipa::openapi::Schema;
use utoipa::openapi::path::HttpMethod;

use super::caller::MkCaller;
use super::problem::MkError;
use super::{Answer, idempotency};
use crate::api::accept;
use crate::api::openapi::doc::Doc;
use crate::app::App;
use crate::domain::mk_role::MkPermission;

/// Media types of nearly all responses.
const REPRESENTATIONS: &[&str] = &[accept::JSON];

/// A group of operations (an OpenAPI tag) with the schemas that they use.
pub struct Section {
    pub name: &'static str,
    pub about: &'static str,
    pub endpoints: Vec<Endpoint>,
    pub schemas: Vec<(&'static str, Schema)>,
}

/// An operation.
pub struct Endpoint {
    pub method: HttpMethod,
    /// As axum writes it: variables in braces.
    pub path: &'static str,
    /// Required right; `None` is no caller.
    pub right: Option<MkPermission>,
    pub doc: Doc,
    handler: MethodRouter<Arc<App>>,
    representations: &'static [&'static str],
    /// Whether the answer contains a secret that is shown this once.
    has_secret: bool,
    /// Whether the handler reads its body as it arrives, and looks at the `Idempotency-Key` itself.
    is_streamed: bool,
}

impl Endpoint {
    fn new<H: Handler<T, Arc<App>>, T: 'static>(
        method: (HttpMethod, MethodFilter),
        path: &'static str,
        right: MkPermission,
        handler: H,
        doc: Doc,
    ) -> Self {
        let handler = on(method.1, handler);
        Endpoint {
            method: method.0,
            path,
            right: Some(right),
            doc,
            handler,
            representations: REPRESENTATIONS,
            has_secret: false,
            is_streamed: false,
        }
    }

    /// A read; every role may read.
    pub fn get<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H, doc: Doc) -> Self {
        Endpoint::new((HttpMethod::Get, MethodFilter::GET), path, MkPermission::Read, handler, doc)
    }

    /// A creation or an action.
    pub fn post<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H, doc: Doc) -> Self {
        Endpoint::new((HttpMethod::Post, MethodFilter::POST), path, MkPermission::Write, handler, doc)
    }

    /// A full replacement.
    pub fn put<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H, doc: Doc) -> Self {
        Endpoint::new((HttpMethod::Put, MethodFilter::PUT), path, MkPermission::Write, handler, doc)
    }

    /// A change of the given fields.
    pub fn patch<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H, doc: Doc) -> Self {
        Endpoint::new((HttpMethod::Patch, MethodFilter::PATCH), path, MkPermission::Write, handler, doc)
    }

    /// A removal.
    pub fn delete<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H, doc: Doc) -> Self {
        Endpoint::new((HttpMethod::Delete, MethodFilter::DELETE), path, MkPermission::Write, handler, doc)
    }

    /// Sets another right than that of the method.
    pub fn needs(self, right: MkPermission) -> Self {
        Self { right: Some(right), ..self }
    }

    /// Marks an operation without a caller; it must be in the list of `gate.rs` too.
    pub fn public(self) -> Self {
        Self { right: None, ..self }
    }

    /// Marks an operation whose answer contains a secret: it is kept for a repeated request in a form that only the caller's
    /// own credential opens.
    pub fn with_secret(self) -> Self {
        Self { has_secret: true, ..self }
    }

    /// Marks an operation whose handler reads its body as it arrives: the handler looks at the `Idempotency-Key`.
    pub fn with_streamed_body(self) -> Self {
        Self { is_streamed: true, ..self }
    }

    /// Sets other media types of the response than JSON.
    pub fn represented_as(self, representations: &'static [&'static str]) -> Self {
        Self { representations, ..self }
    }

    /// Adds the operation to a router, behind its checks.
    pub fn add_to(self, router: Router<Arc<App>>, checks: &EndpointChecks) -> Router<Arc<App>> {
        let checks = EndpointChecks {
            right: self.right,
            representations: self.representations,
            has_secret: self.has_secret,
            is_streamed: self.is_streamed,
            ..checks.clone()
        };
        router.route(self.path, self.handler.route_layer(middleware::from_fn_with_state(checks, admit)))
    }

    /// The method's name.
    pub fn method_name(&self) -> &'static str {
        match self.method {
            HttpMethod::Get => "GET",
            HttpMethod::Post => "POST",
            HttpMethod::Put => "PUT",
            HttpMethod::Patch => "PATCH",
            HttpMethod::Delete => "DELETE",
            HttpMethod::Options | HttpMethod::Head | HttpMethod::Trace => "OTHER",
        }
    }
}

/// The checks in front of one operation.
#[derive(Clone)]
pub struct EndpointChecks {
    app: Arc<App>,
    right: Option<MkPermission>,
    representations: &'static [&'static str],
    has_secret: bool,
    is_streamed: bool,
}

impl EndpointChecks {
    /// Creates checks without a required right, which [`Endpoint::add_to`] adapts to each operation.
    pub fn new(app: Arc<App>) -> Self {
        Self { app, right: None, representations: REPRESENTATIONS, has_secret: false, is_streamed: false }
    }
}

/// Checks media type and role. A POST with an `Idempotency-Key` takes effect once.
async fn admit(State(checks): State<EndpointChecks>, request: Request, next: Next) -> Response {
    pass(checks, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn pass(checks: EndpointChecks, request: Request, next: Next) -> Answer {
    if !accept::accepts(request.headers(), checks.representations) {
        return Err(MkError::not_acceptable(checks.representations));
    }
    let Some(right) = checks.right else { return Ok(next.run(request).await) };
    let caller = request.extensions().get::<MkCaller>().cloned();
    let caller = caller.ok_or_else(|| crate::domain::Error::internal("an operation has no caller"))?;
    caller.require(right)?;
    match idempotency::key_of(&request, checks.has_secret)? {
        Some(key) if *request.method() == Method::POST && !checks.is_streamed => {
            idempotency::serve(&checks.app, &caller, key, request, next).await
        }
        _ => Ok(next.run(request).await),
    }
}
