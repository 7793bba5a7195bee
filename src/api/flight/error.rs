//! gRPC rendering of errors: the one place where a `Kind` becomes a gRPC status.

use tonic::{Code, Status};

use crate::domain::{Error, Kind};

/// Converts an error to a status and logs it. Of internal errors the client learns only that the log has the details.
pub fn to_status(error: &Error) -> Status {
    if error.kind.is_our_fault() {
        tracing::error!(error = error.full_message(), "Flight call failed");
    } else {
        tracing::debug!(error = error.full_message(), "Flight call refused");
    }
    let code = match error.kind {
        Kind::Invalid => Code::InvalidArgument,
        Kind::Unauthenticated => Code::Unauthenticated,
        Kind::Forbidden => Code::PermissionDenied,
        Kind::NotFound => Code::NotFound,
        Kind::Conflict | Kind::Gone => Code::FailedPrecondition,
        Kind::LimitReached | Kind::TooLarge | Kind::Throttled => Code::ResourceExhausted,
        Kind::Busy | Kind::Unavailable | Kind::DeviceFault => Code::Unavailable,
        Kind::Timeout => Code::DeadlineExceeded,
        Kind::Internal => return Status::new(Code::Internal, "the server failed; its log says how"),
    };
    Status::new(code, error.message.clone())
}
