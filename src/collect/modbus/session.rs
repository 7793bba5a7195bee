//! A session with one device over its link: one request, one answer.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::time::timeout;
use tokio_modbus::client::{Client as _, Context, rtu, tcp};
use tokio_modbus::{ExceptionCode, Request, Response, Slave};

use super::link::{ModbusFraming, ModbusLink};
use super::strict_stream::StrictStream;
use crate::collect::client::ConnectContext;
use crate::collect::connection_usage::RequestPacing;
use crate::collect::fault::{DeviceFault, describe_io_error};
use crate::collect::serial::SerialLine;

/// An open link.
pub enum ModbusSession {
    /// A connection of its own.
    Stream(Context, RequestPacing),
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
            ModbusLink::Network { peer, framing } => {
                let stream = peer.within_timeout(peer.connect_tcp(&context.networks)).await?;
                let (slave, wire) = (Slave(unit), StrictStream::new(stream, Arc::clone(has_sent)));
                let context = match framing {
                    ModbusFraming::Tcp => tcp::attach_slave(wire, slave),
                    ModbusFraming::RtuOverTcp => rtu::attach_slave(wire, slave),
                };
                Ok(ModbusSession::Stream(context, RequestPacing::new()))
            }
            ModbusLink::Serial { address, .. } => {
                let opened = timeout(address.timeout, SerialLine::open(address, &context.serial_ports)).await;
                let line = opened.map_err(|_| link.no_answer())?;
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
        match (self, link) {
            (ModbusSession::Line(line), ModbusLink::Serial { address, unit }) => {
                let locked = line.lock(address, Arc::clone(has_sent)).await;
                let guard = locked.map_err(|error| link.closed(describe_io_error(&error)))?;
                // The line is free again when the context is dropped.
                let mut context = rtu::attach_slave(guard, Slave(*unit));
                within(link.timeout(), link, context.call(request)).await
            }
            (ModbusSession::Stream(context, pacing), _) => {
                pacing.wait(link.usage()).await;
                let answer = within(link.timeout(), link, context.call(request)).await;
                pacing.record_end();
                answer
            }
            (ModbusSession::Line(_), ModbusLink::Network { .. }) => {
                Err(link.closed("the connection is that of another device".into()))
            }
        }
    }
}

async fn within(
    limit: Duration,
    link: &ModbusLink,
    answer: impl Future<Output = tokio_modbus::Result<Response>>,
) -> Result<Result<Response, ExceptionCode>, DeviceFault> {
    match timeout(limit, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(broken(link, error)),
        Err(_) => Err(link.no_answer()),
    }
}

fn broken(link: &ModbusLink, error: tokio_modbus::Error) -> DeviceFault {
    match error {
        tokio_modbus::Error::Transport(error) => match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => link.malformed(error.to_string()),
            _ => link.closed(describe_io_error(&error)),
        },
        tokio_modbus::Error::Protocol(_) => link.malformed("the answer belongs to another request".into()),
    }
}
