//! How errors look in GraphQL: what the caller can mend is part of a mutation's payload, everything else is an error of
//! the answer, with `extensions.code` naming its kind.

use async_graphql::{ErrorExtensionValues, Response, ServerError, SimpleObject};

use crate::api::error::Failure;
use crate::app::App;
use crate::domain::{Error, Kind, Principal, Result};

/// The code of an error that is about the document itself.
const BAD_DOCUMENT: &str = "GRAPHQL_VALIDATION_FAILED";

/// What is wrong with the input of a mutation, in words for people and a code for programs.
#[derive(Debug, SimpleObject)]
pub struct UserError {
    /// The input field, in camelCase; null when it is about the whole.
    field: Option<String>,
    /// What is wrong and what is valid, in words for people.
    message: String,
    /// `INVALID`, `NOT_FOUND`, `CONFLICT`, `LIMIT_REACHED` or `TOO_LARGE`.
    code: &'static str,
}

/// What a mutation made, or what is wrong with its input. Everything else fails the field.
pub fn settle<T>(result: Result<T>) -> async_graphql::Result<(Option<T>, Vec<UserError>)> {
    match result {
        Ok(made) => Ok((Some(made), Vec::new())),
        Err(error) if is_of_user(error.kind) => Ok((None, of_user(&error))),
        Err(error) => Err(error.into()),
    }
}

fn is_of_user(kind: Kind) -> bool {
    matches!(kind, Kind::Invalid | Kind::NotFound | Kind::Conflict | Kind::LimitReached | Kind::TooLarge)
}

fn of_user(error: &Error) -> Vec<UserError> {
    let code = code(error.kind);
    if error.fields.is_empty() {
        return vec![UserError { field: None, message: error.message.clone(), code }];
    }
    let of = |field: &crate::domain::FieldError| UserError {
        field: Some(camel(&field.field)),
        message: field.in_full(),
        code,
    };
    error.fields.iter().map(of).collect()
}

/// A field's or a header's name as GraphQL has it.
fn camel(name: &str) -> String {
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

/// The code of a kind.
pub fn code(kind: Kind) -> &'static str {
    match kind {
        Kind::Invalid => "INVALID",
        Kind::Unauthenticated => "UNAUTHENTICATED",
        Kind::Forbidden => "FORBIDDEN",
        Kind::NotFound => "NOT_FOUND",
        Kind::Conflict => "CONFLICT",
        Kind::LimitReached => "LIMIT_REACHED",
        Kind::TooLarge => "TOO_LARGE",
        Kind::Busy => "BUSY",
        Kind::Throttled => "THROTTLED",
        Kind::Timeout => "TIMEOUT",
        Kind::DeviceFault => "DEVICE_FAULT",
        Kind::Unavailable => "UNAVAILABLE",
        Kind::Internal => "INTERNAL",
    }
}

/// Gives the errors of an answer their codes, hides what is ours alone, and tells the audit log of refused accesses.
/// Every answer passes here before it leaves, on every transport.
pub fn dress(app: &App, principal: &Principal, response: &mut Response) {
    for error in &mut response.errors {
        let Some(source) = error.source::<Error>() else {
            set_code(error, BAD_DOCUMENT);
            continue;
        };
        let failure = Failure::of(source);
        if let (Some(refusal), Some(origin)) = (failure.refusal, &principal.origin) {
            app.note_refusal(origin, refusal);
        }
        if failure.is_our_fault {
            tracing::error!(error = %failure.text, "a field of a GraphQL answer failed");
        }
        let (kind, message) = (source.kind, source.message.clone());
        error.message = if kind == Kind::Internal { "internal error".to_owned() } else { message };
        set_code(error, code(kind));
    }
}

/// Gives errors of a document that was not run their code.
pub fn code_of_document(response: &mut Response) {
    response.errors.iter_mut().for_each(|error| set_code(error, BAD_DOCUMENT));
}

fn set_code(error: &mut ServerError, code: &str) {
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    if extensions.get("code").is_none() {
        extensions.set("code", code);
    }
}

/// An error of the whole request, as the errors of fields look.
pub fn refusal(error: &Error) -> Response {
    let mut told = ServerError::new(&error.message, None);
    set_code(&mut told, code(error.kind));
    Response::from_errors(vec![told])
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
            assert_eq!(camel(name), expected);
        }
    }

    #[test]
    fn what_the_caller_can_mend_is_no_error_of_the_answer() {
        let invalid = || Error::field("poll_interval", "Too small.");
        let (made, errors) = settle::<()>(Err(invalid())).expect("part of the payload");
        assert!(made.is_none());
        let told: Vec<_> = errors.iter().map(|e| (e.field.as_deref(), e.message.as_str(), e.code)).collect();
        assert_eq!(told, [(Some("pollInterval"), "Too small.", "INVALID")]);
        assert!(settle::<()>(Err(Error::forbidden("no"))).is_err());
        assert_eq!(settle(Ok(1)).expect("made").0, Some(1));
    }
}
