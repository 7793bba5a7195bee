//! A session with one device over its link: one request, one answer.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::time::timeout;
use tokio_modbus::client::rtu;
use tokio_modbus::{ExceptionCode, Request, Response, Slave};

use super::answer_stream::{AnswerStream, AnsweringUnit};
use super::exchange::{ExchangeError, UnitStream};
use super::link::{ModbusFraming, ModbusLink};
use super::unit_connection::UnitSession;
use crate::collect::client::ConnectContext;
use crate::collect::fault::{DeviceFault, describe_io_error};
use crate::collect::serial::SerialLine;

/// An open link. Other devices may have the same connection or line.
pub enum ModbusSession {
    Network(UnitSession),
    Line(Arc<SerialLine>),
}

impl ModbusSession {
    /// Opens the link of a device within its timeout. On a serial line, and on a connection that is open already, that
    /// proves nothing until the device answers.
    pub async fn open(
        link: &ModbusLink,
        unit: u8,
        context: &ConnectContext,
    ) -> Result<ModbusSession, DeviceFault> {
        match link {
            ModbusLink::Network(network) => {
                let session = UnitSession::open(network, unit, context).await?;
                Ok(ModbusSession::Network(session))
            }
            ModbusLink::Serial { address, .. } => {
                let opened = timeout(address.timeout, SerialLine::open(address, &context.serial_ports)).await;
                let line = opened.map_err(|_| link.fault(ExchangeError::NoAnswer))?;
                Ok(ModbusSession::Line(line.map_err(|error| DeviceFault::Unreachable {
                    address: address.path.clone(),
                    reason: describe_io_error(&error),
                })?))
            }
        }
    }

    /// Sends a request and awaits its answer within the timeout, which counts from the turn on the line or connection on.
    pub async fn call(
        &mut self,
        link: &ModbusLink,
        request: Request<'_>,
        has_sent: &Arc<AtomicBool>,
    ) -> Result<Result<Response, ExceptionCode>, DeviceFault> {
        match (self, link) {
            (ModbusSession::Line(line), ModbusLink::Serial { address, unit, is_echoed }) => {
                let locked = line.lock(address, Arc::clone(has_sent)).await;
                let mut guard = locked.map_err(|error| link.closed(describe_io_error(&error)))?;
                if *is_echoed {
                    guard.expect_echo();
                }
                let answering = AnsweringUnit::default();
                let unit_at = ModbusFraming::RtuOverTcp.unit_position();
                let wire = AnswerStream::new(guard, *is_echoed, unit_at, answering.clone());
                // The line is free again when the stream is dropped.
                let mut stream = UnitStream::new(rtu::attach_slave(wire, Slave(*unit)), answering);
                let answer = stream.call(*unit, request, link.timeout()).await;
                answer.map_err(|error| link.fault(error))
            }
            (ModbusSession::Network(session), _) => session.call(request, has_sent).await,
            (ModbusSession::Line(_), ModbusLink::Network(_)) => {
                Err(link.closed("the connection is that of another device".into()))
            }
        }
    }
}
