//! The vocabulary of Instathings: wire types and translation only.

pub mod cloud;
mod number;
pub mod onpremise;

use axum::response::IntoResponse;

use super::error::InstathingsError;
use super::error_form::ErrorForm;

/// The form of errors of both APIs.
pub const ERROR_FORM: ErrorForm = ErrorForm(|fault| InstathingsError::from(fault).into_response());
