//! A route: its path, required access, and for each method a handler and its description. The router and the OpenAPI
//! document are both built from these, so neither has an operation that the other lacks.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::routing::MethodRouter;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem,
};
use utoipa::openapi::{Ref, RefOr, Required, Response, Schema, SecurityRequirement};

use super::doc::Doc;
use super::error_responses;
use super::schema::{self, ValueSchema};
use crate::api::error_form;
use crate::api::rest::precheck::{self, RequiredAccess};
use crate::app::App;
use crate::domain::Scope;

/// A group of routes about one noun (an OpenAPI tag), with the schemas they reference.
pub struct Section {
    pub name: &'static str,
    pub about: &'static str,
    pub routes: Vec<Route>,
    pub schemas: Vec<(&'static str, Schema)>,
}

/// One path with its methods.
pub struct Route {
    path: &'static str,
    /// `None` skips the precheck: everybody may pass, whatever `Accept` says.
    access: Option<RequiredAccess>,
    variables: Vec<(&'static str, ValueSchema)>,
    methods: MethodRouter<Arc<App>>,
    docs: Vec<(HttpMethod, Doc)>,
}

impl Route {
    /// A DataStone path, written without its trailing slash; `precheck` reports errors in DataStone's order.
    pub fn gated(path: &'static str, right: RequiredAccess) -> Route {
        Route {
            path,
            access: Some(right),
            variables: Vec::new(),
            methods: MethodRouter::new(),
            docs: Vec::new(),
        }
    }

    /// A public path without precheck.
    pub fn open(path: &'static str) -> Route {
        Route { path, access: None, variables: Vec::new(), methods: MethodRouter::new(), docs: Vec::new() }
    }

    /// Describes a path variable that is not a row id.
    pub fn variable(mut self, name: &'static str, shape: ValueSchema) -> Route {
        self.variables.push((name, shape));
        self
    }

    /// Adds GET with its handler to the router, and with `doc` to the OpenAPI document.
    pub fn get<H: Handler<T, Arc<App>>, T: 'static>(mut self, handler: H, doc: Doc) -> Route {
        self.methods = self.methods.get(handler);
        self.add_operation(HttpMethod::Get, doc)
    }

    /// Adds POST with its handler to the router, and with `doc` to the OpenAPI document.
    pub fn post<H: Handler<T, Arc<App>>, T: 'static>(mut self, handler: H, doc: Doc) -> Route {
        self.methods = self.methods.post(handler);
        self.add_operation(HttpMethod::Post, doc)
    }

    /// Adds PUT with its handler to the router, and with `doc` to the OpenAPI document.
    pub fn put<H: Handler<T, Arc<App>>, T: 'static>(mut self, handler: H, doc: Doc) -> Route {
        self.methods = self.methods.put(handler);
        self.add_operation(HttpMethod::Put, doc)
    }

    /// Adds PATCH with its handler to the router, and with `doc` to the OpenAPI document.
    pub fn patch<H: Handler<T, Arc<App>>, T: 'static>(mut self, handler: H, doc: Doc) -> Route {
        self.methods = self.methods.patch(handler);
        self.add_operation(HttpMethod::Patch, doc)
    }

    /// Adds DELETE with its handler to the router, and with `doc` to the OpenAPI document.
    pub fn delete<H: Handler<T, Arc<App>>, T: 'static>(mut self, handler: H, doc: Doc) -> Route {
        self.methods = self.methods.delete(handler);
        self.add_operation(HttpMethod::Delete, doc)
    }

    fn add_operation(mut self, method: HttpMethod, doc: Doc) -> Route {
        self.docs.push((method, doc));
        self
    }

    /// Adds the route to a router, behind its precheck.
    pub fn add_to(self, router: Router<Arc<App>>, app: &Arc<App>) -> Router<Arc<App>> {
        let methods = match self.access {
            Some(right) => precheck::guard(app, right, self.methods.fallback(error_form::method_not_allowed)),
            None => self.methods,
        };
        router.route(self.path, methods)
    }

    /// Returns the documented path and its operations.
    pub fn describe(self, tag: &str) -> (String, PathItem) {
        let variables = self.variables();
        let mut item = PathItem::default();
        for (method, doc) in self.docs {
            let operation = describe(&method, self.access, &variables, doc, tag);
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
            let variable = self.variables.iter().find(|(known, _)| *known == name);
            variable.map_or_else(schema::row_id, |(_, shape)| shape.clone())
        };
        let parameter = |name: &str| ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
        names.map(|n| parameter(n).required(Required::True).schema(Some(shape_of(n))).build()).collect()
    }
}

fn describe(
    method: &HttpMethod,
    right: Option<RequiredAccess>,
    variables: &[Parameter],
    doc: Doc,
    tag: &str,
) -> Operation {
    let right = if doc.needs_session { Some(RequiredAccess::Authenticated) } else { right };
    let refusals = error_statuses(method, right, !variables.is_empty(), &doc);
    let operation = doc.operation(tag, Some(securities(method, right)), variables.to_vec());
    let refused = |name: &str| RefOr::<Response>::Ref(Ref::from_response_name(name));
    let respond = |operation: OperationBuilder, status| {
        operation.response(error_responses::key(status), refused(error_responses::name(status)))
    };
    refusals.into_iter().fold(operation, respond).build()
}

/// Error statuses of an operation. Values below 200 stand for whole classes: 5 is every server error.
fn error_statuses(
    method: &HttpMethod,
    right: Option<RequiredAccess>,
    has_variables: bool,
    doc: &Doc,
) -> Vec<u16> {
    let mut found = doc.refusals.clone();
    found.push(error_responses::SERVER_ERROR);
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
        RequiredAccess::Scope(_)
        | RequiredAccess::AnyScope(_)
        | RequiredAccess::AllScopes(_)
        | RequiredAccess::Superuser => {
            found.extend([401, 403]);
        }
        RequiredAccess::Authenticated if is_safe(method) => found.push(401),
        RequiredAccess::Authenticated => found.extend([401, 403]),
        RequiredAccess::Public => {}
    }
    found
}

/// Security alternatives of an operation. The names beside a scheme are the scopes, or the user role, it needs.
fn securities(method: &HttpMethod, right: Option<RequiredAccess>) -> Vec<SecurityRequirement> {
    let session = |role: &[&str]| {
        let known = SecurityRequirement::new(error_responses::SESSION_SCHEME, role.iter().copied());
        if is_safe(method) { known } else { known.add(error_responses::CSRF_SCHEME, [""; 0]) }
    };
    let with_one_of = |scopes: &[Scope]| -> Vec<SecurityRequirement> {
        let key = |scheme: &'static str| {
            move |scope: &Scope| SecurityRequirement::new(scheme, [scope.to_string().as_str()])
        };
        let by_key = scopes.iter().map(key(error_responses::API_KEY_SCHEME));
        let by_header = scopes.iter().map(key(error_responses::API_KEY_HEADER_SCHEME));
        by_key.chain(by_header).chain([session(&[])]).collect()
    };
    match right {
        Some(RequiredAccess::Scope(resource)) => {
            let scope = if is_safe(method) { Scope::read(resource) } else { Scope::write(resource) };
            with_one_of(&[scope])
        }
        Some(RequiredAccess::AnyScope(scopes)) => with_one_of(scopes(name_of(method))),
        Some(RequiredAccess::AllScopes(scopes)) => {
            let names = || scopes(name_of(method)).iter().map(Scope::to_string);
            let key = |scheme: &'static str| SecurityRequirement::new(scheme, names());
            let keys = [error_responses::API_KEY_SCHEME, error_responses::API_KEY_HEADER_SCHEME].map(key);
            keys.into_iter().chain([session(&[])]).collect()
        }
        Some(RequiredAccess::Superuser) => vec![session(&["superuser"])],
        Some(RequiredAccess::Authenticated) => vec![session(&[])],
        Some(RequiredAccess::Public) | None => Vec::new(),
    }
}

/// Name of a method, where those that only read are GET.
fn name_of(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Post => "POST",
        HttpMethod::Put => "PUT",
        HttpMethod::Delete => "DELETE",
        HttpMethod::Patch => "PATCH",
        HttpMethod::Get | HttpMethod::Head | HttpMethod::Options | HttpMethod::Trace => "GET",
    }
}

fn is_safe(method: &HttpMethod) -> bool {
    matches!(method, HttpMethod::Get | HttpMethod::Head | HttpMethod::Options)
}
