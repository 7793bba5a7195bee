//! The forms of errors that are made where no handler is known: an unknown path, a wrong method, the time limit of a
//! request, a panic, a refused connection. The path of a request decides, and never its credentials.
//!
//! Handlers have error types of their own. Each API says here, by a function, how its type renders what others found.

use axum::Extension;
use axum::http::Method;
use axum::response::{IntoResponse, Response};

use super::error::{HttpError, RestError};
use crate::domain::Error;

/// How an API reports errors. Requests carry theirs as an extension.
#[derive(Debug, Clone, Copy)]
pub struct ErrorForm(pub fn(HttpError) -> Response);

/// A path with the form of its errors.
#[derive(Debug, Clone, Copy)]
pub struct PathForm {
    /// With a slash at the end only what is below it, else the path itself too.
    pub prefix: &'static str,
    /// Whether the path is spelled in any case.
    pub ignores_case: bool,
    pub form: ErrorForm,
}

/// The forms of a listener.
#[derive(Debug, Clone, Copy)]
pub struct ErrorForms {
    /// The first that matches counts.
    pub paths: &'static [PathForm],
    /// The form of all other paths.
    pub default: ErrorForm,
}

/// DataStone's form.
pub const DATASTONE: ErrorForm = ErrorForm(|fault| RestError(fault).into_response());

impl ErrorForm {
    /// Renders an error.
    pub fn render(self, fault: impl Into<HttpError>) -> Response {
        (self.0)(fault.into())
    }
}

impl PathForm {
    /// A path that is spelled in one way.
    pub const fn exact(prefix: &'static str, form: ErrorForm) -> PathForm {
        PathForm { prefix, ignores_case: false, form }
    }

    /// A path that is spelled in any case.
    pub const fn any_case(prefix: &'static str, form: ErrorForm) -> PathForm {
        PathForm { prefix, ignores_case: true, form }
    }

    fn covers(&self, path: &str) -> bool {
        let Some((start, rest)) = path.split_at_checked(self.prefix.len()) else { return false };
        let is_prefix = match self.ignores_case {
            true => start.eq_ignore_ascii_case(self.prefix),
            false => start == self.prefix,
        };
        let is_below_only = self.prefix.ends_with('/');
        is_prefix && if is_below_only { !rest.is_empty() } else { rest.is_empty() || rest.starts_with('/') }
    }
}

impl ErrorForms {
    /// The forms of a listener that serves one API.
    pub const fn uniform(form: ErrorForm) -> ErrorForms {
        ErrorForms { paths: &[], default: form }
    }

    /// Returns the form of a path. One slash at its end does not count.
    pub fn of_path(&self, path: &str) -> ErrorForm {
        self.row_of(path).map_or(self.default, |row| row.form)
    }

    /// Whether a path is that of an API with a form of its own.
    pub fn is_listed(&self, path: &str) -> bool {
        self.row_of(path).is_some()
    }

    fn row_of(&self, path: &str) -> Option<&PathForm> {
        let path = path.strip_suffix('/').unwrap_or(path);
        self.paths.iter().find(|row| row.covers(path))
    }
}

/// Fallback for paths that exist with another method; the router adds `Allow`.
pub async fn method_not_allowed(Extension(form): Extension<ErrorForm>, method: Method) -> Response {
    form.render(HttpError::MethodNotAllowed(method))
}

/// Fallback for paths that do not exist.
pub async fn unknown_path(Extension(form): Extension<ErrorForm>) -> Response {
    form.render(Error::not_found())
}

#[cfg(test)]
#[path = "error_form_tests.rs"]
mod tests;
