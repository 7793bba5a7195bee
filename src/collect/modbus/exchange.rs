//! One request and its answer on an open stream, and what can go wrong with it.

use std::io;
use std::time::Duration;

use tokio::time::timeout;
use tokio_modbus::client::{Client as _, Context};
use tokio_modbus::slave::SlaveContext as _;
use tokio_modbus::{ExceptionCode, Request, Response, Slave};

use super::answer_stream::AnsweringUnit;
use crate::collect::fault::{DeviceFault, describe_io_error};

/// Why a request has no answer.
#[derive(Debug)]
pub enum ExchangeError {
    NoAnswer,
    Closed(String),
    Malformed(String),
}

impl ExchangeError {
    /// The fault of the device at an address, whose answers have this time limit.
    pub fn at(self, address: String, limit: Duration) -> DeviceFault {
        match self {
            ExchangeError::NoAnswer => DeviceFault::Timeout { address, after: limit },
            ExchangeError::Closed(reason) => DeviceFault::Closed { address, reason },
            ExchangeError::Malformed(reason) => DeviceFault::Malformed { address, reason },
        }
    }
}

/// A stream with units behind it.
pub struct UnitStream {
    context: Context,
    answering: AnsweringUnit,
}

impl UnitStream {
    /// A stream whose answers are noted in `answering`.
    pub fn new(context: Context, answering: AnsweringUnit) -> UnitStream {
        UnitStream { context, answering }
    }

    /// Sends a request to a unit and awaits its answer. After an error the stream cannot be trusted any more.
    pub async fn call(
        &mut self,
        unit: u8,
        request: Request<'_>,
        limit: Duration,
    ) -> Result<Result<Response, ExceptionCode>, ExchangeError> {
        self.context.set_slave(Slave(unit));
        match timeout(limit, self.context.call(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(broken(error, unit, self.answering.get())),
            Err(_) => Err(ExchangeError::NoAnswer),
        }
    }
}

fn broken(error: tokio_modbus::Error, unit: u8, answering: Option<u8>) -> ExchangeError {
    match error {
        tokio_modbus::Error::Transport(error) => match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                ExchangeError::Malformed(error.to_string())
            }
            _ => ExchangeError::Closed(describe_io_error(&error)),
        },
        tokio_modbus::Error::Protocol(_) => ExchangeError::Malformed(match answering {
            Some(other) if other != unit => {
                format!(
                    "the answer belongs to another request: unit {other} answered in place of unit {unit}"
                )
            }
            _ => "the answer belongs to another request".to_owned(),
        }),
    }
}
