//! OpenAPI description of the API, made of the sections.

use std::sync::LazyLock;

use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, Info, OpenApi, OpenApiBuilder, PathsBuilder, RefOr, Required, Schema,
    SecurityRequirement,
};

use super::endpoint::{Endpoint, Section};
use super::fields::FIELDS;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, ValueSchema};
use crate::domain::mk_role::MkPermission;

const BEARER: &str = "Bearer";

const ABOUT: &str = "Devices, their topology, profiles, configuration and readings. Ids are UUIDs, times ISO-8601. Rows of \
                     other organizations do not exist. Errors are problem details (RFC 9457). A POST with an \
                     `Idempotency-Key` takes effect once in 24 hours. A trailing slash makes another path, which does \
                     not exist.";

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    // As a value first, whose keys are in order.
    let document = serde_json::to_value(document()).expect("a document is JSON");
    let mut text = serde_json::to_string_pretty(&document).expect("a value is JSON");
    text.push('\n');
    text
});

/// Returns the document as JSON text, as it is served and stored in `schema/`.
pub fn text() -> &'static str {
    &DOCUMENT
}

/// Returns method and path of every operation.
pub fn paths() -> Vec<(&'static str, String)> {
    let endpoints = super::sections().into_iter().flat_map(|section| section.endpoints);
    endpoints.map(|endpoint| (endpoint.method_name(), endpoint.path.to_owned())).collect()
}

fn document() -> OpenApi {
    let bearer: Http = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A key (`sk_live_…` or `sk_test_…`), or a user's JSON web token."))
        .build();
    let mut components = ComponentsBuilder::new().security_scheme(BEARER, SecurityScheme::Http(bearer));
    let (mut schemas, mut paths, mut tags) = (shared_schemas(), PathsBuilder::new(), Vec::new());
    for Section { name, about, endpoints, schemas: own } in super::sections() {
        schemas.extend(own);
        tags.push(TagBuilder::new().name(name).description(Some(about)).build());
        for endpoint in endpoints {
            let method = endpoint.method.clone();
            paths = paths.path(endpoint.path, PathItem::new(method, operation(endpoint, name)));
        }
    }
    for (name, schema) in schemas {
        components = components.schema(name, described(schema));
    }
    let mut info = Info::new("MK IoT platform", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.to_owned());
    let document = OpenApiBuilder::new().info(info).tags(Some(tags)).paths(paths.build());
    document.components(Some(components.build())).build()
}

/// Schema of a page of rows of a component schema.
pub fn page_of(row: &str) -> ValueSchema {
    let fields = [
        schema::required("content", schema::list(schema::reference(row))),
        schema::required("page", schema::reference("PageInfo")),
    ];
    schema::object(&fields).into()
}

/// Adds `page`, `size` and `sort` to a description.
pub fn paged(doc: Doc) -> Doc {
    doc.query("page", schema::string(), "Number of the page; 0 is the first and default.")
        .query("size", schema::string(), "Rows of a page, 1 to 1000; 20 by default.")
        .query("sort", schema::string(), "A property, and `,asc` or `,desc`; `createdAt,desc` by default.")
}

fn shared_schemas() -> Vec<(&'static str, Schema)> {
    let page = ["size", "number", "totalElements", "totalPages"];
    let field_error =
        [schema::required("field", schema::string()), schema::required("message", schema::string())];
    let problem = [
        schema::required("type", schema::string()),
        schema::required("title", schema::string()),
        schema::required("status", schema::integer(400, 599)),
        schema::required("detail", schema::string()),
        schema::omittable("instance", schema::string()),
        schema::omittable("errors", schema::list(schema::reference("FieldError"))),
    ];
    vec![
        ("PageInfo", schema::object(&page.map(|name| schema::required(name, schema::count())))),
        ("FieldError", schema::object(&field_error)),
        ("Problem", schema::object(&problem)),
    ]
}

fn operation(endpoint: Endpoint, tag: &str) -> Operation {
    let Endpoint { method, path, right, doc, .. } = endpoint;
    let is_creation = matches!(method, HttpMethod::Post);
    let variables = variables(path);
    let has_body = !matches!(method, HttpMethod::Get | HttpMethod::Delete);
    let doc = match is_creation && right.is_some() {
        true => doc.header(
            "Idempotency-Key",
            schema::text(1, 255),
            "A repeat of the request with the same key has the same response.",
        ),
        false => doc,
    };
    let mut errors: Vec<(u16, &'static str)> = vec![(400, "A parameter or field is not valid.")];
    if let Some(right) = right {
        errors.push((401, "There is no valid key or token."));
        errors.push((403, forbidden(right)));
    }
    if !variables.is_empty() {
        errors.push((404, "The caller sees no such row."));
    }
    errors.push((406, "The media type of the response is not accepted."));
    if has_body {
        errors.push((408, "The body did not arrive in time."));
        errors.push((409, "The state of the row, or another row, forbids it."));
        errors.push((413, "The body is larger than the server accepts."));
        errors.push((415, "The media type of the body is not supported."));
        errors.push((422, "The key was used with another body, or the body contradicts a profile."));
    } else if matches!(method, HttpMethod::Delete) {
        errors.push((409, "Another row refers to it."));
    }
    errors.extend([
        (429, "Too many requests; `Retry-After` has the seconds to wait."),
        (500, "The server failed."),
        (503, "The server is busy; `Retry-After` has the seconds to wait."),
        (504, "The request took too long."),
    ]);
    let doc = doc.described_by_kind(about(&method), "The fields of the row; unknown ones are ignored.");
    let doc = errors.into_iter().fold(doc, |doc, (status, about)| {
        doc.answers_as("application/problem+json", status, about, schema::reference("Problem"))
    });
    let securities = right.map(|_| vec![SecurityRequirement::new(BEARER, [""; 0])]);
    doc.operation(tag, securities, variables).build()
}

/// Returns the default description of an operation.
fn about(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Get => "Rows of other organizations are not among them.",
        HttpMethod::Post => "Everything that is wrong is told at once.",
        HttpMethod::Put => "Fields that are absent get their defaults.",
        HttpMethod::Patch => "Fields that are absent stay as they are.",
        HttpMethod::Delete => "A repeat finds nothing.",
        HttpMethod::Options | HttpMethod::Head | HttpMethod::Trace => "The method has no effect.",
    }
}

/// Describes the fields of a schema by their names, unless they are described.
fn described(schema: Schema) -> Schema {
    let Schema::Object(mut object) = schema else { return schema };
    for (name, shape) in &mut object.properties {
        if let Some((_, about)) = FIELDS.iter().find(|(known, _)| known == name)
            && !is_described(shape)
        {
            *shape = schema::described(shape.clone(), about);
        }
    }
    Schema::Object(object)
}

fn is_described(shape: &ValueSchema) -> bool {
    match shape {
        RefOr::Ref(reference) => !reference.description.is_empty(),
        RefOr::T(Schema::Object(object)) => object.description.is_some(),
        RefOr::T(Schema::Array(array)) => array.description.is_some(),
        RefOr::T(Schema::AnyOf(any)) => any.description.is_some(),
        RefOr::T(_) => false,
    }
}

fn forbidden(right: MkPermission) -> &'static str {
    match right {
        MkPermission::Read => "The key may not read this.",
        MkPermission::Write => "The role `readonly` may not do this.",
        MkPermission::Manage => "Only the roles `admin` and `owner` may do this.",
        MkPermission::Own => "Only the role `owner` may do this.",
    }
}

/// The variables of a path; every one is an id.
fn variables(path: &str) -> Vec<Parameter> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let variable = |name| ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
    names
        .map(|name| {
            let described = variable(name).required(Required::True).description(Some("The id of the row."));
            described.schema(Some(id())).build()
        })
        .collect()
}

/// A UUID.
pub fn id() -> ValueSchema {
    schema::pattern("^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$")
}
