//! OpenAPI documents of the other vendors' APIs, one each: a page at `/api/docs/NAME/`, JSON at
//! `/api/docs/NAME/openapi.json`.
//!
//! Each vendor has error bodies of its own, so an operation here describes all its responses itself.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem,
};
use utoipa::openapi::security::SecurityScheme;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, Info, OpenApi, OpenApiBuilder, PathsBuilder, RefOr, Required, Schema,
    SecurityRequirement,
};

use super::doc::{Doc, JSON};
use super::page::{self, page_headers};
use super::schema::ValueSchema;
use crate::app::App;

/// The API of a vendor, with the name that its document has in paths.
pub struct VendorApi {
    pub name: &'static str,
    pub document: fn() -> VendorDocument,
}

/// The description of a vendor's API, from which its OpenAPI document is made.
pub struct VendorDocument {
    pub title: &'static str,
    pub about: &'static str,
    /// Name and form of each credential.
    pub credentials: Vec<(&'static str, SecurityScheme)>,
    pub sections: Vec<VendorSection>,
    pub schemas: Vec<(&'static str, Schema)>,
    /// Method and path of every route that the API serves, except HEAD, which is a GET without its body. A test compares
    /// them with the operations.
    pub routes: Vec<(&'static str, String)>,
}

/// A group of operations (an OpenAPI tag).
pub struct VendorSection {
    pub name: &'static str,
    pub about: &'static str,
    pub operations: Vec<VendorOperation>,
}

/// A method of a path, written as it is served.
pub struct VendorOperation {
    pub method: HttpMethod,
    pub path: &'static str,
    pub variables: Vec<PathVariable>,
    /// Name of the credential that it needs.
    pub credential: Option<&'static str>,
    pub doc: Doc,
}

/// A variable segment of a path.
pub struct PathVariable {
    pub name: &'static str,
    pub shape: ValueSchema,
    pub about: &'static str,
}

/// Returns the routes of pages and documents. What they serve is made when it is first asked for: all of it together took a
/// quarter of the server's start.
pub fn routes(apis: &[VendorApi]) -> Router<Arc<App>> {
    apis.iter().fold(Router::new(), |router, VendorApi { name, document }| {
        let path = format!("/api/docs/{name}");
        let json = format!("{path}/openapi.json");
        let (document, linked) = (*document, json.clone());
        let texts = Arc::new(LazyLock::new(move || (document().text(), document().page(&linked))));
        let for_page = texts.clone();
        let text = move || async move { ([(CONTENT_TYPE, JSON)], texts.0.clone()) };
        let page = move || async move { (page_headers(), for_page.1.clone()) };
        router.route(&path, get(page)).route(&json, get(text))
    })
}

impl VendorDocument {
    /// Returns the document as JSON text, as it is served and stored in `schema/`.
    pub fn text(self) -> String {
        let mut text = serde_json::to_string_pretty(&self.value()).expect("a document is JSON");
        text.push('\n');
        text
    }

    /// Returns the document as a page, which links the JSON at `json_path`.
    fn page(self, json_path: &str) -> String {
        page::render(&self.value(), json_path)
    }

    fn value(self) -> serde_json::Value {
        serde_json::to_value(self.document()).expect("a document is JSON")
    }

    pub(super) fn document(self) -> OpenApi {
        let components = self.credentials.into_iter();
        let components =
            components.fold(ComponentsBuilder::new(), |c, (name, scheme)| c.security_scheme(name, scheme));
        let components =
            self.schemas.into_iter().fold(components, |c, (name, schema)| c.schema(name, schema));
        let (mut paths, mut tags) = (PathsBuilder::new(), Vec::new());
        for section in self.sections {
            tags.push(TagBuilder::new().name(section.name).description(Some(section.about)).build());
            for operation in section.operations {
                let (path, item) = operation.describe(section.name);
                paths = paths.path(path, item);
            }
        }
        let mut info = Info::new(self.title, env!("CARGO_PKG_VERSION"));
        info.description = Some(self.about.to_owned());
        OpenApiBuilder::new()
            .info(info)
            .tags(Some(tags))
            .paths(paths.build())
            .components(Some(components.build()))
            .build()
    }
}

impl VendorOperation {
    fn describe(self, tag: &str) -> (&'static str, PathItem) {
        let VendorOperation { method, path, variables, credential, doc } = self;
        let variable = |PathVariable { name, shape, about }: PathVariable| -> Parameter {
            let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
            parameter.required(Required::True).description(Some(about)).schema(Some(shape)).build()
        };
        let securities = credential.map(|name| SecurityRequirement::new(name, [""; 0]));
        let operation =
            OperationBuilder::new().tag(tag).operation_id(Some(doc.id)).summary(Some(doc.summary));
        let operation = operation.description(doc.about).securities(securities.map(|needed| vec![needed]));
        let parameters = variables.into_iter().map(variable).chain(doc.query);
        let operation = parameters.fold(operation, OperationBuilder::parameter);
        let operation = operation.request_body(doc.body.map(|body| body.build()));
        let operation = doc.answers.into_iter().fold(operation, |operation, (status, answer)| {
            operation.response(status.to_string(), RefOr::T(answer))
        });
        (path, PathItem::new(method, operation.build()))
    }
}
