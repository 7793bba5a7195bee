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
        match timeout(limit, self.context.call(request.clone())).await {
            Ok(Ok(Ok(answer))) => match mismatch(&request, &answer) {
                Some(reason) => Err(ExchangeError::Malformed(reason)),
                None => Ok(Ok(answer)),
            },
            Ok(Ok(Err(refusal))) => Ok(Err(refusal)),
            Ok(Err(error)) => Err(broken(error, unit, self.answering.get())),
            Err(_) => Err(ExchangeError::NoAnswer),
        }
    }
}

/// Says why an answer is none to a request. It is judged while nobody else can use the stream, because a stream with such an answer
/// cannot be trusted.
fn mismatch(request: &Request<'_>, answer: &Response) -> Option<String> {
    let holds = |count: u16, found: usize, needed: usize| {
        (found != needed).then(|| format!("the answer does not hold the {count} points asked for"))
    };
    let is_confirmed = match (request, answer) {
        (Request::ReadHoldingRegisters(_, count), Response::ReadHoldingRegisters(words))
        | (Request::ReadInputRegisters(_, count), Response::ReadInputRegisters(words)) => {
            return holds(*count, words.len(), usize::from(*count));
        }
        // Bits come in whole bytes.
        (Request::ReadCoils(_, count), Response::ReadCoils(bits))
        | (Request::ReadDiscreteInputs(_, count), Response::ReadDiscreteInputs(bits)) => {
            return holds(*count, bits.len(), usize::from(*count).next_multiple_of(8));
        }
        (Request::WriteSingleCoil(at, bit), Response::WriteSingleCoil(of, set)) => (at, bit) == (of, set),
        (Request::WriteSingleRegister(at, word), Response::WriteSingleRegister(of, set)) => {
            (at, word) == (of, set)
        }
        (Request::WriteMultipleCoils(at, bits), Response::WriteMultipleCoils(of, count)) => {
            (*at, bits.len()) == (*of, usize::from(*count))
        }
        (Request::WriteMultipleRegisters(at, words), Response::WriteMultipleRegisters(of, count)) => {
            (*at, words.len()) == (*of, usize::from(*count))
        }
        (Request::MaskWriteRegister(at, and, or), Response::MaskWriteRegister(of, ands, ors)) => {
            (at, and, or) == (of, ands, ors)
        }
        // The library takes no answer of another function.
        _ => true,
    };
    (!is_confirmed).then(|| "the answer confirms something else than was written".to_owned())
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
