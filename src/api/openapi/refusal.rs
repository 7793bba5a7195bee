//! What is described once for all routes: how refusals look, and what credentials are.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, Content, ObjectBuilder, Response, ResponseBuilder, Schema};

use super::doc::JSON;
use super::shape::{self, Shape};

pub const KEY: &str = "ApiKey";
pub const KEY_HEADER: &str = "ApiKeyHeader";
pub const SESSION: &str = "Session";
pub const CSRF: &str = "Csrf";

/// Stands for every 5xx.
pub const OUR_FAULT: u16 = 5;

/// Status, name, what it means.
const REFUSALS: [(u16, &str, &str); 13] = [
    (400, "Invalid", "Wrong fields or parameters, each by its name; or a body that is no JSON."),
    (401, "Unknown", "No credentials, or none that are valid."),
    (403, "Forbidden", "The credentials do not reach that far, or a session did not say its CSRF token."),
    (404, "NotFound", "Not there, or not to be seen with these credentials."),
    (406, "NotAcceptable", "`Accept` leaves out JSON."),
    (408, "TooSlow", "The body did not arrive in time."),
    (409, "Conflict", "Impossible as things are."),
    (413, "TooLarge", "The body is larger than is read."),
    (415, "WrongMedia", "The body is not JSON."),
    (429, "Throttled", "Too many of these; `Retry-After` says when one more may pass."),
    (502, "DeviceFault", "What was asked on the caller's behalf failed."),
    (504, "Timeout", "What was asked on the caller's behalf did not answer in time."),
    (OUR_FAULT, "ServerFault", "Not the caller's fault. 503 says when to come back, in `Retry-After`."),
];

/// The key of a status among the responses.
pub fn key(status: u16) -> String {
    if status == OUR_FAULT { "5XX".to_owned() } else { status.to_string() }
}

/// The name of a refusal among the components. Refusals nobody described are a mistake of ours.
pub fn name(status: u16) -> &'static str {
    let found = REFUSALS.iter().find(|(known, ..)| *known == status);
    found.map(|(_, name, _)| *name).expect("every status that routes refuse with is described")
}

/// The components that every route may name.
pub fn components() -> ComponentsBuilder {
    let schemes = schemes().into_iter();
    let components =
        schemes.fold(ComponentsBuilder::new(), |c, (name, scheme)| c.security_scheme(name, scheme));
    let responses = REFUSALS.iter().map(|(status, name, about)| (*name, response(*status, about)));
    let components = responses.fold(components, |c, (name, response)| c.response(name, response));
    let texts = shape::list(shape::words());
    // Beside the fields there may be advice.
    let by_field = ObjectBuilder::new()
        .property("detail", shape::words())
        .additional_properties(Some(AdditionalProperties::RefOr(texts)));
    components
        .schema("Detail", shape::view(&[shape::shown("detail", shape::words())]))
        .schema("Failure", shape::view(&[shape::shown("error", shape::words())]))
        .schema("FieldErrors", Schema::Object(by_field.build()))
}

fn response(status: u16, about: &str) -> Response {
    let response = ResponseBuilder::new().description(about).content(JSON, Content::new(Some(body(status))));
    let response = match status {
        401 => response.header("WWW-Authenticate", header(shape::choice(["ApiKey"]))),
        429 => response.header("Retry-After", header(shape::count())),
        _ => response,
    };
    response.build()
}

fn body(status: u16) -> Shape {
    let detail = shape::named("Detail");
    match status {
        400 => shape::any_of([detail, shape::named("FieldErrors")]),
        OUR_FAULT => shape::any_of([detail, shape::named("Failure")]),
        _ => detail,
    }
}

fn header(shape: Shape) -> utoipa::openapi::Header {
    HeaderBuilder::new().schema(Some(shape)).build()
}

fn schemes() -> [(&'static str, SecurityScheme); 4] {
    let header = |name: &str, about: &str| {
        SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, about)))
    };
    let cookie = ApiKeyValue::with_description("sessionid", "Set by a login at `/api/session/`.");
    [
        (KEY, header("Authorization", "`ApiKey` and the key, with a blank between them.")),
        (KEY_HEADER, header("X-API-Key", "The key. `Authorization` goes before it.")),
        (SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(cookie))),
        (CSRF, header("X-CSRFToken", "What the cookie `csrftoken` of the session says.")),
    ]
}
