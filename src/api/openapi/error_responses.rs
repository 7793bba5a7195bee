//! OpenAPI components shared by all routes: error responses and security schemes.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, Content, ObjectBuilder, Response, ResponseBuilder, Schema};

use super::doc::JSON;
use super::schema::{self, ValueSchema};

/// Name of the security scheme for a key in `Authorization`.
pub const API_KEY_SCHEME: &str = "ApiKey";
/// Name of the security scheme for a key in `X-API-Key`.
pub const API_KEY_HEADER_SCHEME: &str = "ApiKeyHeader";
/// Name of the security scheme for the cookie of a session.
pub const SESSION_SCHEME: &str = "Session";
/// Name of the security scheme for the CSRF token, which a session needs beside its cookie for unsafe methods.
pub const CSRF_SCHEME: &str = "Csrf";

/// Placeholder status that stands for every 5xx.
pub const SERVER_ERROR: u16 = 5;

/// Status, component name, description.
const ERROR_RESPONSES: [(u16, &str, &str); 14] = [
    (400, "Invalid", "Invalid fields or parameters, listed by name; or a body that is not JSON."),
    (401, "Unknown", "The credentials are missing or invalid."),
    (
        403,
        "Forbidden",
        "The credentials lack the required access, or the CSRF token of a session is missing or wrong.",
    ),
    (404, "NotFound", "The object does not exist, or these credentials may not see it."),
    (406, "NotAcceptable", "`Accept` excludes JSON."),
    (408, "TooSlow", "The request body did not arrive in time."),
    (409, "Conflict", "The request conflicts with the current state."),
    (410, "Gone", "The time of the object is over."),
    (413, "TooLarge", "The request body exceeds the size limit."),
    (415, "WrongMedia", "The media type of the request body is not supported."),
    (429, "Throttled", "Too many requests; `Retry-After` is the number of seconds to wait."),
    (502, "DeviceFault", "The device or remote service behind this request failed."),
    (504, "Timeout", "The device or remote service behind this request did not answer in time."),
    (SERVER_ERROR, "ServerFault", "Server error. With 503, `Retry-After` is the number of seconds to wait."),
];

/// Returns the key of a status in the `responses` object.
pub fn key(status: u16) -> String {
    if status == SERVER_ERROR { "5XX".to_owned() } else { status.to_string() }
}

/// Returns the component name of an error response. Panics for a status that has no description here.
pub fn name(status: u16) -> &'static str {
    let found = ERROR_RESPONSES.iter().find(|(known, ..)| *known == status);
    found.map(|(_, name, _)| *name).expect("every status that routes refuse with is described")
}

/// Returns the components that every route may reference.
pub fn components() -> ComponentsBuilder {
    let schemes = schemes().into_iter();
    let components =
        schemes.fold(ComponentsBuilder::new(), |c, (name, scheme)| c.security_scheme(name, scheme));
    let responses = ERROR_RESPONSES.iter().map(|(status, name, about)| (*name, response(*status, about)));
    let components = responses.fold(components, |c, (name, response)| c.response(name, response));
    let texts = schema::list(schema::string());
    // `detail` beside the fields holds advice.
    let by_field = ObjectBuilder::new()
        .property("detail", schema::string())
        .additional_properties(Some(AdditionalProperties::RefOr(texts)));
    components
        .schema("Detail", schema::view(&[schema::read_only("detail", schema::string())]))
        .schema("Failure", schema::view(&[schema::read_only("error", schema::string())]))
        .schema("FieldErrors", Schema::Object(by_field.build()))
}

fn response(status: u16, about: &str) -> Response {
    let response = ResponseBuilder::new().description(about).content(JSON, Content::new(Some(body(status))));
    let response = match status {
        401 => response.header("WWW-Authenticate", header(schema::choice(["ApiKey"]))),
        429 => response.header("Retry-After", header(schema::count())),
        _ => response,
    };
    response.build()
}

fn body(status: u16) -> ValueSchema {
    let detail = schema::reference("Detail");
    match status {
        400 => schema::any_of([detail, schema::reference("FieldErrors")]),
        SERVER_ERROR => schema::any_of([detail, schema::reference("Failure")]),
        _ => detail,
    }
}

fn header(shape: ValueSchema) -> utoipa::openapi::Header {
    HeaderBuilder::new().schema(Some(shape)).build()
}

fn schemes() -> [(&'static str, SecurityScheme); 4] {
    let header = |name: &str, about: &str| {
        SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, about)))
    };
    let cookie = ApiKeyValue::with_description("sessionid", "Cookie set by logging in at `/api/session/`.");
    [
        (API_KEY_SCHEME, header("Authorization", "The word `ApiKey`, a space and the key.")),
        (API_KEY_HEADER_SCHEME, header("X-API-Key", "The key. `Authorization` takes precedence.")),
        (SESSION_SCHEME, SecurityScheme::ApiKey(ApiKey::Cookie(cookie))),
        (CSRF_SCHEME, header("X-CSRFToken", "The value of the session's `csrftoken` cookie.")),
    ]
}
