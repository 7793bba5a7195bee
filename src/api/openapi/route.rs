//! A route: its path, who may pass, and of each method what serves it and what is said of it. The router and the
//! document are both made of these, so that neither has what the other lacks.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::routing::MethodRouter;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem,
};
use utoipa::openapi::{Ref, RefOr, Required, Response, Schema, SecurityRequirement};

use super::doc::Doc;
use super::refusal;
use super::shape::{self, Shape};
use crate::api::error;
use crate::api::rest::gate::{self, Right};
use crate::app::App;
use crate::domain::Scope;

/// What belongs together: a noun, its routes, and the schemas that these name.
pub struct Section {
    pub name: &'static str,
    pub about: &'static str,
    pub routes: Vec<Route>,
    pub schemas: Vec<(&'static str, Schema)>,
}

/// One path.
pub struct Route {
    path: &'static str,
    /// None is no gate at all: everybody, whatever they accept.
    right: Option<Right>,
    variables: Vec<(&'static str, Shape)>,
    methods: MethodRouter<Arc<App>>,
    docs: Vec<(HttpMethod, Doc)>,
}

impl Route {
    /// A path of DataStone, written without its trailing slash; the gate tells its refusals in DataStone's order.
    pub fn gated(path: &'static str, right: Right) -> Route {
        Route {
            path,
            right: Some(right),
            variables: Vec::new(),
            methods: MethodRouter::new(),
            docs: Vec::new(),
        }
    }

    /// A path for everybody.
    pub fn open(path: &'static str) -> Route {
        Route { path, right: None, variables: Vec::new(), methods: MethodRouter::new(), docs: Vec::new() }
    }

    /// Describes a variable of the path that is not the id of a row.
    pub fn variable(mut self, name: &'static str, shape: Shape) -> Route {
        self.variables.push((name, shape));
        self
    }

    pub fn get<H: Handler<T, Arc<App>>, T: 'static>(mut self, handler: H, doc: Doc) -> Route {
        self.methods = self.methods.get(handler);
        self.said(HttpMethod::Get, doc)
    }

    pub fn post<H: Handler<T, Arc<App>>, T: 'static>(mut self, handler: H, doc: Doc) -> Route {
        self.methods = self.methods.post(handler);
        self.said(HttpMethod::Post, doc)
    }

    pub fn put<H: Handler<T, Arc<App>>, T: 'static>(mut self, handler: H, doc: Doc) -> Route {
        self.methods = self.methods.put(handler);
        self.said(HttpMethod::Put, doc)
    }

    pub fn patch<H: Handler<T, Arc<App>>, T: 'static>(mut self, handler: H, doc: Doc) -> Route {
        self.methods = self.methods.patch(handler);
        self.said(HttpMethod::Patch, doc)
    }

    pub fn delete<H: Handler<T, Arc<App>>, T: 'static>(mut self, handler: H, doc: Doc) -> Route {
        self.methods = self.methods.delete(handler);
        self.said(HttpMethod::Delete, doc)
    }

    fn said(mut self, method: HttpMethod, doc: Doc) -> Route {
        self.docs.push((method, doc));
        self
    }

    /// Serves it, behind its gate.
    pub fn add_to(self, router: Router<Arc<App>>, app: &Arc<App>) -> Router<Arc<App>> {
        let methods = match self.right {
            Some(right) => gate::guard(app, right, self.methods.fallback(error::method_not_allowed)),
            None => self.methods,
        };
        router.route(self.path, methods)
    }

    /// The path as it is documented, and all its methods.
    pub fn describe(self, tag: &str) -> (String, PathItem) {
        let variables = self.variables();
        let mut item = PathItem::default();
        for (method, doc) in self.docs {
            let operation = describe(&method, self.right, &variables, doc, tag);
            item.merge_operations(PathItem::new(method, operation));
        }
        // A file has no trailing slash.
        let is_file = self.path.rsplit('/').next().is_some_and(|last| last.contains('.'));
        let slash = if is_file { "" } else { "/" };
        (format!("{}{slash}", self.path), item)
    }

    fn variables(&self) -> Vec<Parameter> {
        let names = self.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        let shape_of = |name: &str| {
            let given = self.variables.iter().find(|(known, _)| *known == name);
            given.map_or_else(shape::row, |(_, shape)| shape.clone())
        };
        let parameter = |name: &str| ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
        names.map(|n| parameter(n).required(Required::True).schema(Some(shape_of(n))).build()).collect()
    }
}

fn describe(
    method: &HttpMethod,
    right: Option<Right>,
    variables: &[Parameter],
    doc: Doc,
    tag: &str,
) -> Operation {
    let right = if doc.needs_session { Some(Right::Known) } else { right };
    let refusals = refusals(method, right, !variables.is_empty(), &doc);
    let operation = OperationBuilder::new().tag(tag).operation_id(Some(doc.id)).summary(Some(doc.summary));
    let operation = operation.description(doc.about).securities(Some(securities(method, right)));
    let operation = variables.iter().cloned().chain(doc.query).fold(operation, OperationBuilder::parameter);
    let operation = operation.request_body(doc.body.map(|body| body.build()));
    let answers = doc.answers.into_iter().map(|(status, answer)| (status.to_string(), RefOr::T(answer)));
    let refused = |name: &str| RefOr::<Response>::Ref(Ref::from_response_name(name));
    let refusals = refusals.into_iter().map(|status| (refusal::key(status), refused(refusal::name(status))));
    answers.chain(refusals).fold(operation, |o, (status, response)| o.response(status, response)).build()
}

/// Statuses below 200 stand for whole classes: 5 is every server error.
fn refusals(method: &HttpMethod, right: Option<Right>, has_variables: bool, doc: &Doc) -> Vec<u16> {
    let mut found = doc.refusals.clone();
    found.push(refusal::OUR_FAULT);
    let has_body = doc.body.is_some();
    if has_body || !doc.query.is_empty() {
        found.push(400);
    }
    if has_variables {
        found.push(404);
    }
    if has_body {
        found.extend([408, 413, 415]);
    }
    let Some(right) = right else { return found };
    found.push(406);
    match right {
        Right::Scope(_) | Right::Superuser => found.extend([401, 403]),
        Right::Known if is_safe(method) => found.push(401),
        Right::Known => found.extend([401, 403]),
        Right::Anybody => {}
    }
    found
}

/// Any of these lets pass. The names beside a scheme are the scopes, or the kind of person, that it needs.
fn securities(method: &HttpMethod, right: Option<Right>) -> Vec<SecurityRequirement> {
    let session = |role: &[&str]| {
        let known = SecurityRequirement::new(refusal::SESSION, role.iter().copied());
        if is_safe(method) { known } else { known.add(refusal::CSRF, [""; 0]) }
    };
    match right {
        Some(Right::Scope(resource)) => {
            let scope = if is_safe(method) { Scope::read(resource) } else { Scope::write(resource) };
            let scope = scope.to_string();
            let key = |scheme: &str| SecurityRequirement::new(scheme, [scope.as_str()]);
            vec![key(refusal::KEY), key(refusal::KEY_HEADER), session(&[])]
        }
        Some(Right::Superuser) => vec![session(&["superuser"])],
        Some(Right::Known) => vec![session(&[])],
        Some(Right::Anybody) | None => Vec::new(),
    }
}

fn is_safe(method: &HttpMethod) -> bool {
    matches!(method, HttpMethod::Get | HttpMethod::Head | HttpMethod::Options)
}
