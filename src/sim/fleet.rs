//! Simulated device fleet for measuring collectors: holding registers with changing values; one address stands for
//! any number of equal devices, one for each connection and unit id.

use std::future;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_modbus::server::Service;
use tokio_modbus::{ExceptionCode, Request, Response};

use super::modbus;

/// Serves every connection, for ever: registers `0..registers`, each with a new value every second.
pub async fn serve(listener: TcpListener, registers: u16) {
    let field = FleetDevice { registers, since: Instant::now() };
    modbus::answer_with(listener, || field).await;
}

#[derive(Debug, Clone, Copy)]
struct FleetDevice {
    registers: u16,
    since: Instant,
}

impl Service for FleetDevice {
    type Request = Request<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = future::Ready<Result<Response, ExceptionCode>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        let answer = match request {
            Request::ReadHoldingRegisters(start, count) => self.read(start, count, self.since.elapsed()),
            _ => Err(ExceptionCode::IllegalFunction),
        };
        future::ready(answer)
    }
}

impl FleetDevice {
    fn read(&self, start: u16, count: u16, at: Duration) -> Result<Response, ExceptionCode> {
        let count = modbus::check(count, modbus::MAX_READ_WORDS)?;
        let end = start.checked_add(count).filter(|end| *end <= self.registers);
        let end = end.ok_or(ExceptionCode::IllegalDataAddress)?;
        Ok(Response::ReadHoldingRegisters(
            (start..end).map(|register| value(register, at.as_secs())).collect(),
        ))
    }
}

/// Varies by some hundred around a level of its own, like a transmitter with a noisy signal.
fn value(register: u16, second: u64) -> u16 {
    let mixed = (u64::from(register) << 32 | (second & 0xFFFF_FFFF)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let noise = (mixed >> 40) as u16 & 0xFF;
    1000 + register % 30_000 + noise
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_move_and_end() {
        let field = FleetDevice { registers: 1000, since: Instant::now() };
        let at = |second| match field.read(875, 125, Duration::from_secs(second)) {
            Ok(Response::ReadHoldingRegisters(words)) => words,
            other => panic!("{other:?}"),
        };
        assert_eq!((at(7), at(7).len()), (at(7), 125), "of one second they are the same");
        let moved = at(7).iter().zip(at(8)).filter(|(before, after)| **before != *after).count();
        assert!(moved > 110, "{moved} of 125");
        for (start, count) in [(876, 125), (1000, 1), (65_535, 1)] {
            let refused = field.read(start, count, Duration::ZERO);
            assert_eq!(refused.unwrap_err(), ExceptionCode::IllegalDataAddress, "{start}");
        }
        assert_eq!(field.read(0, 126, Duration::ZERO).unwrap_err(), ExceptionCode::IllegalDataValue);
    }
}
