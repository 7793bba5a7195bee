//! How an error looks to a Flight client: the one place where a `Kind` becomes a gRPC status.

use tonic::{Code, Status};

use crate::domain::{Error, Kind};

/// The status of an error; ours are told to the log, and to the client only that they were.
pub fn status(error: &Error) -> Status {
    if error.kind.is_our_fault() {
        tracing::error!(error = error.in_full(), "Flight call failed");
    } else {
        tracing::debug!(error = error.in_full(), "Flight call refused");
    }
    let code = match error.kind {
        Kind::Invalid => Code::InvalidArgument,
        Kind::Unauthenticated => Code::Unauthenticated,
        Kind::Forbidden => Code::PermissionDenied,
        Kind::NotFound => Code::NotFound,
        Kind::Conflict => Code::FailedPrecondition,
        Kind::LimitReached | Kind::TooLarge | Kind::Throttled => Code::ResourceExhausted,
        Kind::Busy | Kind::Unavailable | Kind::DeviceFault => Code::Unavailable,
        Kind::Timeout => Code::DeadlineExceeded,
        Kind::Internal => return Status::new(Code::Internal, "the server failed; its log says how"),
    };
    Status::new(code, error.message.clone())
}
