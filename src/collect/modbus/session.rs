//! A session with one device over its link: one request, one answer.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::time::timeout;
use tokio_modbus::client::{rtu, tcp};
use tokio_modbus::{ExceptionCode, Request, Response, Slave};

use super::answer_stream::{AnswerStream, AnsweringUnit};
use super::exchange::{ExchangeError, UnitStream};
use super::link::{ModbusFraming, ModbusLink};
use super::strict_stream::StrictStream;
use crate::collect::client::ConnectContext;
use crate::collect::connection_usage::RequestPacing;
use crate::collect::fault::{DeviceFault, describe_io_error};
use crate::collect::serial::SerialLine;

/// An open link.
pub enum ModbusSession {
    /// A connection of its own.
    Stream { stream: UnitStream, unit: u8, pacing: RequestPacing },
    /// A line with other devices.
    Line(Arc<SerialLine>),
}

impl ModbusSession {
    /// Opens the link of a device within its timeout. On a serial line that proves nothing until the device answers.
    pub async fn open(
        link: &ModbusLink,
        unit: u8,
        context: &ConnectContext,
        has_sent: &Arc<AtomicBool>,
    ) -> Result<ModbusSession, DeviceFault> {
        match link {
            // tokio-modbus has neither timeouts nor socket options, so the stream is opened here.
            ModbusLink::Network { peer, framing, is_echoed } => {
                let stream = peer.within_timeout(peer.connect_tcp(&context.networks)).await?;
                let answering = AnsweringUnit::default();
                let wire = StrictStream::new(stream, Arc::clone(has_sent));
                let wire = AnswerStream::new(wire, *is_echoed, framing.unit_position(), answering.clone());
                let context = match framing {
                    ModbusFraming::Tcp => tcp::attach_slave(wire, Slave(unit)),
                    ModbusFraming::RtuOverTcp => rtu::attach_slave(wire, Slave(unit)),
                };
                let stream = UnitStream::new(context, answering);
                Ok(ModbusSession::Stream { stream, unit, pacing: RequestPacing::new() })
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

    /// Sends a request, after its pause, and awaits its answer within the timeout; on a serial line the time counts from
    /// the turn on.
    pub async fn call(
        &mut self,
        link: &ModbusLink,
        request: Request<'_>,
        has_sent: &Arc<AtomicBool>,
    ) -> Result<Result<Response, ExceptionCode>, DeviceFault> {
        let answer = match (self, link) {
            (ModbusSession::Line(line), ModbusLink::Serial { address, unit, is_echoed }) => {
                let locked = line.lock(address, Arc::clone(has_sent)).await;
                let guard = locked.map_err(|error| link.closed(describe_io_error(&error)))?;
                let answering = AnsweringUnit::default();
                let unit_at = ModbusFraming::RtuOverTcp.unit_position();
                let wire = AnswerStream::new(guard, *is_echoed, unit_at, answering.clone());
                // The line is free again when the stream is dropped.
                let mut stream = UnitStream::new(rtu::attach_slave(wire, Slave(*unit)), answering);
                stream.call(*unit, request, link.timeout()).await
            }
            (ModbusSession::Stream { stream, unit, pacing }, _) => {
                pacing.wait(link.usage()).await;
                let answer = stream.call(*unit, request, link.timeout()).await;
                pacing.record_end();
                answer
            }
            (ModbusSession::Line(_), ModbusLink::Network { .. }) => {
                return Err(link.closed("the connection is that of another device".into()));
            }
        };
        answer.map_err(|error| link.fault(error))
    }
}
