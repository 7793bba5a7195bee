//! Errors as problem details (RFC 9457), with the sentences of the platform.

use axum::Json;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use super::field_names::platform_name;
use crate::api::error::{HttpError, error_response, http_detail, http_status};
use crate::domain::{Error, FieldError, Kind};

const PROBLEM_JSON: &str = "application/problem+json";

/// An error of the platform.
#[derive(Debug)]
pub struct MkError {
    fault: Box<HttpError>,
    /// Media types of the response, where none of them was accepted.
    representations: &'static [&'static str],
    /// Text of `detail` instead of the sentence of the kind.
    sentence: Option<&'static str>,
}

/// The body of a problem, carried by its response until the path is known.
#[derive(Debug, Clone)]
struct ProblemBody(Value);

impl<F: Into<HttpError>> From<F> for MkError {
    fn from(fault: F) -> Self {
        MkError {
            fault: Box::new(fault.into()),
            representations: &[crate::api::accept::JSON],
            sentence: None,
        }
    }
}

impl MkError {
    /// The body is no JSON object of the expected types.
    pub fn malformed_body() -> MkError {
        Error::invalid("Malformed request body").into()
    }

    /// A parameter of the path or of the query is not valid.
    pub fn invalid_parameter(name: &str) -> MkError {
        Error::invalid(format!("Invalid value for parameter '{name}'")).into()
    }

    /// The well-formed body contradicts what it refers to.
    pub fn unprocessable(problems: Vec<FieldError>) -> MkError {
        HttpError::Unprocessable(Error::fields(problems)).into()
    }

    /// None of these media types is accepted.
    pub fn not_acceptable(representations: &'static [&'static str]) -> MkError {
        MkError { representations, ..HttpError::NotAcceptable.into() }
    }

    /// Says this in `detail`.
    pub fn with_detail(self, sentence: &'static str) -> MkError {
        MkError { sentence: Some(sentence), ..self }
    }

    /// Says `<resource> <id> not found` instead of `not found`; other errors stay as they are. What the error says to the
    /// log stays too, so that a row that is hidden counts as a refused access.
    pub fn named(error: Error, resource: &str, id: Uuid) -> MkError {
        match error.kind {
            Kind::NotFound => Error { message: format!("{resource} {id} not found"), ..error }.into(),
            _ => error.into(),
        }
    }
}

impl IntoResponse for MkError {
    fn into_response(self) -> Response {
        let mut response = error_response(&self.fault, Value::Null);
        let status = http_status(&self.fault);
        let mut body = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
            "detail": self.detail(),
        });
        if let Some(errors) = field_errors(&self.fault) {
            body["errors"] = errors;
        }
        if response.headers().contains_key(WWW_AUTHENTICATE) {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        set_body(&mut response, ProblemBody(body));
        response
    }
}

impl MkError {
    fn detail(&self) -> String {
        if let Some(sentence) = self.sentence {
            return sentence.to_owned();
        }
        match &*self.fault {
            HttpError::Domain(error) => match error.kind {
                Kind::Unauthenticated => "Full authentication is required to access this resource".to_owned(),
                Kind::Forbidden => "Access Denied".to_owned(),
                Kind::Internal => "Internal server error".to_owned(),
                Kind::Invalid if !error.fields.is_empty() => "Validation failed".to_owned(),
                _ => error.message.clone(),
            },
            HttpError::Unprocessable(error) if !error.fields.is_empty() => "Validation failed".to_owned(),
            HttpError::NotAcceptable => {
                format!("Acceptable representations: [{}].", self.representations.join(", "))
            }
            HttpError::MethodNotAllowed(method) => format!("Method '{method}' is not supported."),
            HttpError::UnsupportedMediaType(media) => format!("Content-Type '{media}' is not supported."),
            other => http_detail(other),
        }
    }
}

fn field_errors(fault: &HttpError) -> Option<Value> {
    let (HttpError::Domain(error) | HttpError::Unprocessable(error)) = fault else { return None };
    if error.fields.is_empty() || error.kind != Kind::Invalid {
        return None;
    }
    let to_error = |problem: &FieldError| json!({"field": platform_name(&problem.field), "message": problem.full_message()});
    Some(error.fields.iter().map(to_error).collect())
}

fn set_body(response: &mut Response, problem: ProblemBody) {
    *response.body_mut() = Json(&problem.0).into_response().into_body();
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    response.extensions_mut().insert(problem);
}

/// Adds the path of the request to a problem; other responses stay as they are.
pub fn with_instance(mut response: Response, path: &str) -> Response {
    if let Some(ProblemBody(mut body)) = response.extensions_mut().remove::<ProblemBody>() {
        body["instance"] = path.into();
        set_body(&mut response, ProblemBody(body));
    }
    response
}

/// Renders an error that no handler made.
pub fn render(fault: HttpError) -> Response {
    MkError::from(fault).into_response()
}

/// Fallback for paths that exist with another method; the router adds `Allow`.
pub async fn method_not_allowed(method: Method) -> MkError {
    HttpError::MethodNotAllowed(method).into()
}

/// Fallback for paths that do not exist.
pub async fn no_resource(uri: Uri) -> MkError {
    no_resource_at(uri.path())
}

/// The error for a path that does not exist.
pub fn no_resource_at(path: &str) -> MkError {
    let path = path.strip_prefix('/').unwrap_or(path);
    Error::new(Kind::NotFound, format!("No static resource {path}.")).into()
}

#[cfg(test)]
#[path = "problem_tests.rs"]
mod tests;
