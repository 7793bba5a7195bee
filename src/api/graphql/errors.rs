//! Mapping of domain errors to GraphQL. Errors that the caller can correct are part of a mutation's payload; all others
//! are errors of the response, with their kind in `extensions.code`.

use async_graphql::{ErrorExtensionValues, Response, ServerError, SimpleObject};

use crate::api::error::{ErrorReport, graphql_code};
use crate::app::App;
use crate::domain::{Error, Kind, Principal, Result};

/// Code of errors in the document itself.
const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";

/// An error in the input of a mutation, with a message for people and a code for programs.
#[derive(Debug, SimpleObject)]
pub struct UserError {
    /// Input field in camelCase; null if the error concerns the whole input.
    field: Option<String>,
    /// Message for people: what is wrong and what is valid.
    message: String,
    /// Code for programs: `INVALID`, `NOT_FOUND`, `CONFLICT`, `LIMIT_REACHED` or `TOO_LARGE`.
    code: &'static str,
}

/// Splits a mutation's result into its value and the errors in its input.
///
/// # Errors
/// Every error that is not about the input, which fails the field.
pub fn into_payload<T>(result: Result<T>) -> async_graphql::Result<(Option<T>, Vec<UserError>)> {
    match result {
        Ok(made) => Ok((Some(made), Vec::new())),
        Err(error) if is_user_error(error.kind) => Ok((None, user_errors(&error))),
        Err(error) => Err(error.into()),
    }
}

fn is_user_error(kind: Kind) -> bool {
    matches!(kind, Kind::Invalid | Kind::NotFound | Kind::Conflict | Kind::LimitReached | Kind::TooLarge)
}

fn user_errors(error: &Error) -> Vec<UserError> {
    let code = graphql_code(error.kind);
    if error.fields.is_empty() {
        return vec![UserError { field: None, message: error.message.clone(), code }];
    }
    let of = |field: &crate::domain::FieldError| UserError {
        field: Some(to_camel_case(&field.field)),
        message: field.full_message(),
        code,
    };
    error.fields.iter().map(of).collect()
}

/// Converts a REST field or header name to camelCase.
fn to_camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut is_start = false;
    for c in name.chars() {
        match c {
            '_' | '-' => is_start = true,
            _ if is_start => {
                camel.extend(c.to_uppercase());
                is_start = false;
            }
            _ if camel.is_empty() => camel.extend(c.to_lowercase()),
            _ => camel.push(c),
        }
    }
    camel
}

/// Turns `NotFound` into null: the row does not exist, or the caller may not read it.
///
/// # Errors
/// Every other error.
pub fn none_if_not_found<T>(result: Result<T>) -> async_graphql::Result<Option<T>> {
    match result {
        Ok(row) => Ok(Some(row)),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Builds the error of a document that exceeds a limit.
pub fn limit_error(message: String) -> ServerError {
    ServerError::new(message, None)
}

/// Sets the codes of a response's errors, hides internal messages and reports refused accesses to the audit log. Every
/// response passes through here before it is sent, on every transport.
pub fn finalize_errors(app: &App, principal: &Principal, response: &mut Response) {
    for error in &mut response.errors {
        let Some(source) = error.source::<Error>() else {
            set_code(error, VALIDATION_FAILED);
            continue;
        };
        let failure = ErrorReport::from_domain(source);
        if let (Some(refusal), Some(origin)) = (failure.refusal, &principal.origin) {
            app.audit.note_refusal(origin, refusal);
        }
        if failure.is_our_fault {
            tracing::error!(error = %failure.text, "a field of a GraphQL answer failed");
        }
        let (kind, message) = (source.kind, source.message.clone());
        error.message = if kind == Kind::Internal { "internal error".to_owned() } else { message };
        set_code(error, graphql_code(kind));
    }
}

/// Sets the code of the errors of a document that was rejected before execution.
pub fn set_validation_code(response: &mut Response) {
    response.errors.iter_mut().for_each(|error| set_code(error, VALIDATION_FAILED));
}

fn set_code(error: &mut ServerError, code: &str) {
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    if extensions.get("code").is_none() {
        extensions.set("code", code);
    }
}

/// Builds a response for an error of the whole request, in the format of field errors.
pub fn request_error(error: &Error) -> Response {
    let mut server_error = ServerError::new(&error.message, None);
    set_code(&mut server_error, graphql_code(error.kind));
    Response::from_errors(vec![server_error])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_in_camel_case() {
        let rows = [
            ("name", "name"),
            ("poll_interval", "pollInterval"),
            ("Idempotency-Key", "idempotencyKey"),
            ("row 3", "row 3"),
            ("", ""),
        ];
        for (name, expected) in rows {
            assert_eq!(to_camel_case(name), expected);
        }
    }

    #[test]
    fn what_the_caller_can_mend_is_no_error_of_the_answer() {
        let invalid = || Error::field("poll_interval", "Too small.");
        let (made, errors) = into_payload::<()>(Err(invalid())).expect("part of the payload");
        assert!(made.is_none());
        let rows: Vec<_> = errors.iter().map(|e| (e.field.as_deref(), e.message.as_str(), e.code)).collect();
        assert_eq!(rows, [(Some("pollInterval"), "Too small.", "INVALID")]);
        assert!(into_payload::<()>(Err(Error::forbidden("no"))).is_err());
        assert_eq!(into_payload(Ok(1)).expect("made").0, Some(1));
    }
}
