//! One connection to one Modbus device over TCP: connect, read, write, and nothing after the first doubt.
//!
//! A late answer cannot be told from the next one over RTU framing (no transaction id), and tokio-modbus keeps such
//! bytes. So a client is spent after any timeout, transport error or protocol error, and whenever a request is
//! abandoned half way: every later request fails, and its owner connects anew.

use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::timeout;
use tokio_modbus::client::{Client as _, Context};
use tokio_modbus::{ExceptionCode, Request, Response, Slave};

use super::address::Space;
use super::wire::Wire;
use crate::collect::fault::{Code, Fault, Meaning, reason};
use crate::collect::networks::Networks;
use crate::collect::registers::{self, Cell, Change, Data, Span};
use crate::domain::device::DeviceSpec;
use crate::domain::{Error, Result};

/// How frames are delimited on the TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// MBAP header with a transaction id.
    #[default]
    Tcp,
    /// Serial frames with a CRC, as serial device servers pass them on.
    RtuOverTcp,
}

impl FromStr for Framing {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "tcp" => Ok(Framing::Tcp),
            "rtu_over_tcp" => Ok(Framing::RtuOverTcp),
            _ => Err(Error::field("framing", format!("\"{text}\" is not one of tcp, rtu_over_tcp."))),
        }
    }
}

/// Where a device is and how it is spoken to.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    pub host: String,
    pub port: u16,
    pub unit: u8,
    pub framing: Framing,
    /// Whether one coil or register is written as a list of one, for devices without functions 05 and 06.
    pub writes_lists: bool,
    /// For connecting and for each request.
    pub timeout: Duration,
}

impl Endpoint {
    /// From a device's settings; the error names the setting.
    pub fn of(spec: &DeviceSpec) -> Result<Endpoint> {
        let framing = match spec.metadata.get("framing").filter(|setting| !setting.is_null()) {
            None => Framing::default(),
            Some(setting) => match setting.as_str() {
                Some(name) => name.parse()?,
                None => {
                    return Err(Error::field(
                        "framing",
                        format!("{setting} is not one of tcp, rtu_over_tcp."),
                    ));
                }
            },
        };
        let writes_lists = match spec.metadata.get("writes_lists").filter(|setting| !setting.is_null()) {
            None => false,
            Some(setting) => {
                setting.as_bool().ok_or_else(|| Error::field("writes_lists", "Must be a valid boolean."))?
            }
        };
        let port = spec.effective_port().ok_or_else(|| Error::field("port", "This field is required."))?;
        let timeout = Duration::try_from_secs_f64(spec.timeout_s)
            .map_err(|_| Error::field("timeout", "A valid number is required."))?;
        Ok(Endpoint { host: spec.host.clone(), port, unit: spec.unit, framing, writes_lists, timeout })
    }

    fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// A session with one device; one request at a time.
pub struct Client {
    endpoint: Endpoint,
    /// Gone while a request is under way, and for good when one did not end in order.
    context: Option<Context>,
    has_answered: bool,
    has_sent: Arc<AtomicBool>,
}

impl Client {
    pub async fn connect(endpoint: &Endpoint, networks: &Networks) -> Result<Client, Fault> {
        // tokio-modbus has no timeouts and no options of the socket, so the stream is opened here.
        let attempt = networks.connect(&endpoint.host, endpoint.port);
        let stream = match timeout(endpoint.timeout, attempt).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                return Err(Fault::Unreachable { address: endpoint.address(), reason: reason(&error) });
            }
            Err(_) => return Err(no_answer(endpoint)),
        };
        let refused =
            |error: io::Error| Fault::Unreachable { address: endpoint.address(), reason: reason(&error) };
        stream.set_nodelay(true).map_err(refused)?;
        let has_sent = Arc::default();
        let (slave, wire) = (Slave(endpoint.unit), Wire::new(stream, Arc::clone(&has_sent)));
        let context = match endpoint.framing {
            Framing::Tcp => tokio_modbus::client::tcp::attach_slave(wire, slave),
            Framing::RtuOverTcp => tokio_modbus::client::rtu::attach_slave(wire, slave),
        };
        Ok(Client { endpoint: endpoint.clone(), context: Some(context), has_answered: false, has_sent })
    }

    /// Whether this connection leads there and is not spent.
    pub fn is_usable(&self, endpoint: &Endpoint) -> bool {
        self.context.is_some() && self.endpoint == *endpoint
    }

    /// Whether any byte of the latest request may have left: if not, the device cannot have acted on it.
    pub fn has_sent(&self) -> bool {
        self.has_sent.load(Ordering::Relaxed)
    }

    /// Whether the device ever answered on this connection.
    pub fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// Reads exactly the words or bits of `span`, which must be within the protocol's limits.
    pub async fn read(&mut self, span: Span) -> Result<Data, Fault> {
        let (space, start) = place(Cell { space: span.space, offset: span.start })?;
        let request = match space {
            Space::Coil => Request::ReadCoils(start, span.len),
            Space::Discrete => Request::ReadDiscreteInputs(start, span.len),
            Space::Holding => Request::ReadHoldingRegisters(start, span.len),
            Space::Input => Request::ReadInputRegisters(start, span.len),
        };
        let wanted = usize::from(span.len);
        match self.call(request).await? {
            Response::ReadHoldingRegisters(words) | Response::ReadInputRegisters(words)
                if words.len() == wanted =>
            {
                Ok(Data::Words(words))
            }
            // Bits come in whole bytes.
            Response::ReadCoils(mut bits) | Response::ReadDiscreteInputs(mut bits)
                if bits.len() == wanted.next_multiple_of(8) =>
            {
                bits.truncate(wanted);
                Ok(Data::Bits(bits))
            }
            _ => {
                self.context = None;
                Err(self.malformed(format!("the answer does not hold the {wanted} points asked for")))
            }
        }
    }

    /// Writes; when this returns `Ok` the device has confirmed it. After an error that is not `Refused` nobody knows
    /// whether it acted, unless nothing was sent. Nothing is sent a second time.
    ///
    /// Single bits of a register are written by mask (function 22). A device without it has the register read and
    /// written back whole: what its own program changes in between is lost.
    pub async fn write(&mut self, change: &Change) -> Result<(), Fault> {
        match change {
            Change::Bits(cell, bits) => self.write_coils(place(*cell)?.1, bits).await,
            Change::Words(cell, words) => self.write_words(place(*cell)?.1, words).await,
            Change::Bytes(..) => Err(refused(ExceptionCode::IllegalDataAddress)),
            Change::Masked { cell, mask, bits } => {
                let register = place(*cell)?.1;
                let (request, answer) = (
                    Request::MaskWriteRegister(register, !mask, *bits),
                    Response::MaskWriteRegister(register, !mask, *bits),
                );
                match self.confirmed(request, answer).await {
                    Err(Fault::Refused { code: NO_SUCH_FUNCTION, .. }) => {
                        self.write_back(*cell, *mask, *bits).await
                    }
                    confirmed => confirmed,
                }
            }
        }
    }

    async fn write_coils(&mut self, at: u16, bits: &[bool]) -> Result<(), Fault> {
        if let ([on], false) = (bits, self.endpoint.writes_lists) {
            let answer = Response::WriteSingleCoil(at, *on);
            return self.confirmed(Request::WriteSingleCoil(at, *on), answer).await;
        }
        let count = u16::try_from(bits.len()).expect("a value is at most 64 bits");
        let answer = Response::WriteMultipleCoils(at, count);
        self.confirmed(Request::WriteMultipleCoils(at, bits.into()), answer).await
    }

    async fn write_words(&mut self, at: u16, words: &[u16]) -> Result<(), Fault> {
        if let ([word], false) = (words, self.endpoint.writes_lists) {
            let answer = Response::WriteSingleRegister(at, *word);
            return self.confirmed(Request::WriteSingleRegister(at, *word), answer).await;
        }
        let count = u16::try_from(words.len()).expect("a value is at most four words");
        let answer = Response::WriteMultipleRegisters(at, count);
        self.confirmed(Request::WriteMultipleRegisters(at, words.into()), answer).await
    }

    async fn write_back(&mut self, cell: Cell, mask: u16, bits: u16) -> Result<(), Fault> {
        let data = self.read(Span { space: cell.space, start: cell.offset, len: 1 }).await?;
        let Data::Words(words) = data else {
            return Err(self.malformed("the answer holds no registers".into()));
        };
        let changed: Vec<u16> = words.iter().map(|word| word & !mask | bits & mask).collect();
        self.write_words(place(cell)?.1, &changed).await
    }

    /// One request whose answer repeats what was asked.
    async fn confirmed(&mut self, request: Request<'_>, answer: Response) -> Result<(), Fault> {
        if self.call(request).await? == answer {
            return Ok(());
        }
        self.context = None;
        Err(self.malformed("the answer confirms something else than was written".into()))
    }

    async fn call(&mut self, request: Request<'_>) -> Result<Response, Fault> {
        self.has_sent.store(false, Ordering::Relaxed);
        let closed =
            || Fault::Closed { address: self.endpoint.address(), reason: "an earlier request failed".into() };
        let mut context = self.context.take().ok_or_else(closed)?;
        let answer = match timeout(self.endpoint.timeout, context.call(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(self.broken(error)),
            Err(_) => return Err(no_answer(&self.endpoint)),
        };
        self.context = Some(context);
        self.has_answered = true;
        answer.map_err(refused)
    }

    fn broken(&self, error: tokio_modbus::Error) -> Fault {
        match error {
            tokio_modbus::Error::Transport(error) => match error.kind() {
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => self.malformed(error.to_string()),
                _ => Fault::Closed { address: self.endpoint.address(), reason: reason(&error) },
            },
            tokio_modbus::Error::Protocol(_) => {
                self.malformed("the answer belongs to another request".into())
            }
        }
    }

    fn malformed(&self, reason: String) -> Fault {
        Fault::Malformed { address: self.endpoint.address(), reason }
    }
}

fn no_answer(endpoint: &Endpoint) -> Fault {
    Fault::Timeout { address: endpoint.address(), after: endpoint.timeout }
}

/// Exception 01: the device does not offer the function.
const NO_SUCH_FUNCTION: Code = Code::Modbus(1);

/// A cell as the wire has it. There is none for a register of another protocol.
fn place(cell: Cell) -> Result<(Space, u16), Fault> {
    match (cell.space, u16::try_from(cell.offset)) {
        (registers::Space::Modbus(space), Ok(start)) => Ok((space, start)),
        _ => Err(refused(ExceptionCode::IllegalDataAddress)),
    }
}

/// Modbus Application Protocol V1.1b3, section 7.
fn refused(exception: ExceptionCode) -> Fault {
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
        ExceptionCode::IllegalDataAddress => Meaning::NoSuchRegister,
        ExceptionCode::IllegalDataValue => Meaning::NoSuchCount,
        ExceptionCode::GatewayPathUnavailable | ExceptionCode::GatewayTargetDevice => Meaning::DeviceIsAway,
        // A repeat may be answered, and asking more is no help.
        ExceptionCode::Acknowledge | ExceptionCode::ServerDeviceBusy => Meaning::Other,
        // Devices and gateways say these of one register of many, too.
        ExceptionCode::IllegalFunction
        | ExceptionCode::ServerDeviceFailure
        | ExceptionCode::MemoryParityError
        | ExceptionCode::Custom(_) => Meaning::Failed,
    };
    Fault::Refused { code: Code::Modbus(exception.into()), words, meaning }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
