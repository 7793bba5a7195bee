//! The plant as a Modbus TCP device: answers reads, applies writes to the machines, and refuses other requests with
//! the proper exception. Every unit id is answered.

use std::future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio_modbus::server::{Service, tcp};
use tokio_modbus::{ExceptionCode, Request, Response};

use super::plant::Plant;
use super::registers::{self, AccessError};

/// Delay between two attempts to accept when that fails.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);
/// Modbus Application Protocol V1.1b3, section 6: the most that one request may read or write.
pub const MAX_READ_WORDS: u16 = 125;
const MAX_READ_BITS: u16 = 2000;
const MAX_WRITE_WORDS: usize = 123;
const MAX_WRITE_BITS: usize = 1968;

/// Serves every connection, for ever.
pub async fn serve(listener: TcpListener, plant: Arc<Mutex<Plant>>) {
    answer_with(listener, || ModbusService(Arc::clone(&plant))).await;
}

/// Serves every connection with a service of its own from `device`, for ever.
pub async fn answer_with<S>(listener: TcpListener, device: impl Fn() -> S)
where
    S: Service<Request = Request<'static>, Response = Response, Exception = ExceptionCode>
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    let server = tcp::Server::new(listener);
    let connected = |stream: TcpStream, _: SocketAddr| {
        // A socket that fails here is closed by itself; the server continues.
        future::ready(Ok(stream.set_nodelay(true).is_ok().then(|| (device(), stream))))
    };
    loop {
        let failed = |error| tracing::debug!(%error, "simulator connection ended");
        if let Err(error) = server.serve(&connected, failed).await {
            // Accepting fails when file descriptors run out; they become free again.
            tracing::warn!(%error, "simulator cannot accept connections");
            tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
        }
    }
}

/// Service for one connection.
struct ModbusService(Arc<Mutex<Plant>>);

impl Service for ModbusService {
    type Request = Request<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = future::Ready<Result<Response, ExceptionCode>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        future::ready(answer(&mut self.0.lock(), request))
    }
}

fn answer(plant: &mut Plant, request: Request<'_>) -> Result<Response, ExceptionCode> {
    match request {
        Request::ReadCoils(start, count) => {
            check(count, MAX_READ_BITS)?;
            Ok(Response::ReadCoils(registers::read_coils(plant, start, count).map_err(exception)?))
        }
        Request::ReadDiscreteInputs(start, count) => {
            check(count, MAX_READ_BITS)?;
            Ok(Response::ReadDiscreteInputs(
                registers::read_discrete(plant, start, count).map_err(exception)?,
            ))
        }
        Request::ReadHoldingRegisters(start, count) => {
            check(count, MAX_READ_WORDS)?;
            Ok(Response::ReadHoldingRegisters(
                registers::read_holding(plant, start, count).map_err(exception)?,
            ))
        }
        Request::ReadInputRegisters(start, count) => {
            check(count, MAX_READ_WORDS)?;
            Ok(Response::ReadInputRegisters(registers::read_input(plant, start, count).map_err(exception)?))
        }
        Request::WriteSingleCoil(address, on) => {
            registers::write_coils(plant, address, &[on]).map_err(exception)?;
            Ok(Response::WriteSingleCoil(address, on))
        }
        Request::WriteSingleRegister(address, word) => {
            registers::write_holding(plant, address, &[word]).map_err(exception)?;
            Ok(Response::WriteSingleRegister(address, word))
        }
        Request::WriteMultipleCoils(start, coils) => {
            let count = check(coils.len(), MAX_WRITE_BITS)?;
            registers::write_coils(plant, start, &coils).map_err(exception)?;
            Ok(Response::WriteMultipleCoils(start, count))
        }
        Request::WriteMultipleRegisters(start, words) => {
            let count = check(words.len(), MAX_WRITE_WORDS)?;
            registers::write_holding(plant, start, &words).map_err(exception)?;
            Ok(Response::WriteMultipleRegisters(start, count))
        }
        _ => Err(ExceptionCode::IllegalFunction),
    }
}

/// Checks that a count is from 1 to `max`, and returns it in the protocol's type.
pub fn check<T: TryInto<u16> + PartialOrd>(count: T, max: T) -> Result<u16, ExceptionCode> {
    let is_allowed = count <= max;
    let count = count.try_into().ok().filter(|count| *count > 0 && is_allowed);
    count.ok_or(ExceptionCode::IllegalDataValue)
}

fn exception(refused: AccessError) -> ExceptionCode {
    match refused {
        AccessError::Address => ExceptionCode::IllegalDataAddress,
        AccessError::Value => ExceptionCode::IllegalDataValue,
    }
}

#[cfg(test)]
#[path = "modbus_tests.rs"]
mod tests;
