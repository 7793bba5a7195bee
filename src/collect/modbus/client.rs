//! Modbus client: one unit on a TCP connection or a serial line, which other units may share.
//!
//! Over RTU framing, which has no transaction id, a late response cannot be told from the next one, and tokio-modbus
//! keeps such bytes. So a client becomes unusable after any timeout, transport error or protocol error, and whenever
//! a request is abandoned half way: every later request fails, and its owner must connect anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio_modbus::{ExceptionCode, Request, Response};

use super::link::ModbusLink;
use super::session::ModbusSession;
use super::space::ModbusSpace;
use crate::collect::client::{ConnectContext, DeviceClient};
use crate::collect::connection_usage::ConnectionUsage;
use crate::collect::fault::{DeviceErrorCode, DeviceFault, ErrorCodeFormat, RefusalKind};
use crate::collect::registers::protocol::RegisterEndpoint;
use crate::collect::registers::{RegisterAddress, RegisterData, RegisterRange, RegisterWrite};
use crate::collect::settings::ProtocolSettings;
use crate::domain::Result;
use crate::domain::device::DeviceSpec;

/// Address and protocol settings of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct ModbusEndpoint {
    pub link: ModbusLink,
    pub unit: u8,
    /// Whether one coil or register is written as a list of one, for devices without functions 05 and 06.
    pub writes_lists: bool,
    /// Whether bits of a register are written by function 22; if not, by reading the register and writing it back.
    pub masks_writes: bool,
}

#[async_trait]
impl RegisterEndpoint for ModbusEndpoint {
    type Client = ModbusClient;

    fn from_spec(spec: &DeviceSpec) -> Result<ModbusEndpoint> {
        let settings = ProtocolSettings(&spec.metadata);
        let writes_lists = settings.boolean("writes_lists", false)?;
        let masks_writes = settings.boolean("mask_write", true)?;
        Ok(ModbusEndpoint { link: ModbusLink::from_spec(spec)?, unit: spec.unit, writes_lists, masks_writes })
    }

    fn timeout(&self) -> Duration {
        self.link.timeout()
    }

    fn usage(&self) -> ConnectionUsage {
        self.link.usage()
    }

    async fn connect(&self, context: &ConnectContext) -> Result<ModbusClient, DeviceFault> {
        ModbusClient::connect(self, context).await
    }
}

/// A session with one device, which carries one request at a time.
pub struct ModbusClient {
    link: ModbusLink,
    /// Whether one coil or register is written as a list of one ([`ModbusEndpoint::writes_lists`]).
    writes_lists: bool,
    /// Whether single bits of a register are written by mask ([`ModbusEndpoint::masks_writes`]).
    masks_writes: bool,
    /// Taken out while a request is under way, and not put back when the request did not end in order.
    session: Option<ModbusSession>,
    has_answered: bool,
    has_sent: Arc<AtomicBool>,
}

impl ModbusClient {
    /// Opens the device's link.
    pub async fn connect(
        endpoint: &ModbusEndpoint,
        context: &ConnectContext,
    ) -> Result<ModbusClient, DeviceFault> {
        let ModbusEndpoint { link, unit, writes_lists, masks_writes } = endpoint;
        let session = ModbusSession::open(link, *unit, context).await?;
        Ok(ModbusClient {
            link: link.clone(),
            writes_lists: *writes_lists,
            masks_writes: *masks_writes,
            session: Some(session),
            has_answered: false,
            has_sent: Arc::default(),
        })
    }

    async fn write_coils(&mut self, at: u16, bits: &[bool]) -> Result<(), DeviceFault> {
        if let ([on], false) = (bits, self.writes_lists) {
            return self.call(Request::WriteSingleCoil(at, *on)).await.map(drop);
        }
        self.call(Request::WriteMultipleCoils(at, bits.into())).await.map(drop)
    }

    async fn write_words(&mut self, at: u16, words: &[u16]) -> Result<(), DeviceFault> {
        if let ([word], false) = (words, self.writes_lists) {
            return self.call(Request::WriteSingleRegister(at, *word)).await.map(drop);
        }
        self.call(Request::WriteMultipleRegisters(at, words.into())).await.map(drop)
    }

    async fn read_modify_write(
        &mut self,
        cell: RegisterAddress,
        mask: u16,
        bits: u16,
    ) -> Result<(), DeviceFault> {
        let data =
            self.read_registers(RegisterRange { space: cell.space, start: cell.offset, len: 1 }).await?;
        let RegisterData::Words(words) = data else {
            return Err(self.link.malformed("the answer holds no registers".to_owned()));
        };
        let changed: Vec<u16> = words.iter().map(|word| word & !mask | bits & mask).collect();
        self.write_words(wire_address(cell)?.1, &changed).await
    }

    /// Sends a request. Its answer is one to it, and confirms what was written.
    async fn call(&mut self, request: Request<'_>) -> Result<Response, DeviceFault> {
        self.has_sent.store(false, Ordering::Relaxed);
        let closed = || self.link.closed("an earlier request failed".into());
        let mut session = self.session.take().ok_or_else(closed)?;
        let answer = session.call(&self.link, request, &self.has_sent).await?;
        self.session = Some(session);
        self.has_answered = true;
        answer.map_err(refused)
    }
}

#[async_trait]
impl DeviceClient for ModbusClient {
    fn is_open(&self) -> bool {
        self.session.is_some()
    }

    fn has_sent(&self) -> bool {
        self.has_sent.load(Ordering::Relaxed)
    }

    fn has_answered(&self) -> bool {
        self.has_answered
    }

    async fn read_registers(&mut self, span: RegisterRange) -> Result<RegisterData, DeviceFault> {
        let (space, start) = wire_address(RegisterAddress { space: span.space, offset: span.start })?;
        let request = match space {
            ModbusSpace::Coil => Request::ReadCoils(start, span.len),
            ModbusSpace::Discrete => Request::ReadDiscreteInputs(start, span.len),
            ModbusSpace::Holding => Request::ReadHoldingRegisters(start, span.len),
            ModbusSpace::Input => Request::ReadInputRegisters(start, span.len),
        };
        match self.call(request).await? {
            Response::ReadHoldingRegisters(words) | Response::ReadInputRegisters(words) => {
                Ok(RegisterData::Words(words))
            }
            // Bits come in whole bytes.
            Response::ReadCoils(mut bits) | Response::ReadDiscreteInputs(mut bits) => {
                bits.truncate(usize::from(span.len));
                Ok(RegisterData::Bits(bits))
            }
            _ => Err(self.link.malformed("the answer is one to another function".to_owned())),
        }
    }

    /// Single bits of a register are written by mask (function 22). On a device that refuses it, or is said not to answer it,
    /// the whole register is read and written back: a change by the device's own program in between is lost.
    async fn write_registers(&mut self, change: &RegisterWrite) -> Result<(), DeviceFault> {
        match change {
            RegisterWrite::Bits(cell, bits) => self.write_coils(wire_address(*cell)?.1, bits).await,
            RegisterWrite::Words(cell, words) => self.write_words(wire_address(*cell)?.1, words).await,
            RegisterWrite::Bytes(..) => Err(refused(ExceptionCode::IllegalDataAddress)),
            RegisterWrite::Masked { cell, mask, bits } if !self.masks_writes => {
                self.read_modify_write(*cell, *mask, *bits).await
            }
            RegisterWrite::Masked { cell, mask, bits } => {
                let register = wire_address(*cell)?.1;
                match self.call(Request::MaskWriteRegister(register, !mask, *bits)).await {
                    Err(DeviceFault::Refused { code: ILLEGAL_FUNCTION, .. }) => {
                        self.read_modify_write(*cell, *mask, *bits).await
                    }
                    answer => answer.map(drop),
                }
            }
        }
    }
}

/// Exception 01: the device does not offer the function.
const ILLEGAL_FUNCTION: DeviceErrorCode = exception_code(1);

/// Returns an exception code. Modbus Application Protocol V1.1b3, section 7.
pub const fn exception_code(number: u8) -> DeviceErrorCode {
    let format = ErrorCodeFormat { name: "exception", hex_digits: 2, is_named_in_decimal: true };
    DeviceErrorCode { number: number as u32, format }
}

/// Address of a cell on the wire; an error for a register of another protocol.
fn wire_address(cell: RegisterAddress) -> Result<(ModbusSpace, u16), DeviceFault> {
    match (ModbusSpace::from_register_space(cell.space), u16::try_from(cell.offset)) {
        (Some(space), Ok(start)) => Ok((space, start)),
        _ => Err(refused(ExceptionCode::IllegalDataAddress)),
    }
}

/// Converts an exception to a refusal. Modbus Application Protocol V1.1b3, section 7.
fn refused(exception: ExceptionCode) -> DeviceFault {
    let words = match exception {
        ExceptionCode::IllegalFunction => "illegal function: the device does not offer this kind of register",
        ExceptionCode::IllegalDataAddress => "illegal data address: the device has no such register",
        ExceptionCode::IllegalDataValue => "illegal data value",
        ExceptionCode::ServerDeviceFailure => "device failure",
        ExceptionCode::Acknowledge => "the device is still at work on the request",
        ExceptionCode::ServerDeviceBusy => "device busy",
        ExceptionCode::MemoryParityError => "memory parity error",
        ExceptionCode::GatewayPathUnavailable => "gateway path unavailable",
        ExceptionCode::GatewayTargetDevice => "the device behind the gateway did not answer",
        ExceptionCode::Custom(_) => "the device refused",
    };
    let meaning = match exception {
        ExceptionCode::IllegalDataAddress => RefusalKind::NoSuchRegister,
        ExceptionCode::IllegalDataValue => RefusalKind::InvalidCountOrValue,
        ExceptionCode::GatewayPathUnavailable | ExceptionCode::GatewayTargetDevice => {
            RefusalKind::DeviceUnreachable
        }
        ExceptionCode::Acknowledge | ExceptionCode::ServerDeviceBusy => RefusalKind::Busy,
        // Devices and gateways also report these when one register of many is at fault.
        ExceptionCode::IllegalFunction
        | ExceptionCode::ServerDeviceFailure
        | ExceptionCode::MemoryParityError
        | ExceptionCode::Custom(_) => RefusalKind::Failed,
    };
    DeviceFault::Refused { code: exception_code(exception.into()), words, meaning }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
