//! The plant as a Modbus TCP device: answers reads, lets writes act on the machines, refuses the rest with the
//! proper exception. Every unit id is answered.

use std::future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_modbus::server::{Service, tcp};
use tokio_modbus::{ExceptionCode, Request, Response};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::plant::Plant;
use super::registers::{self, Refused};
use crate::domain::{Error, Result};

/// How often the plant moves.
const TICK: Duration = Duration::from_millis(100);
/// Modbus Application Protocol V1.1b3, section 6: the most that one request may read or write.
const MAX_READ_WORDS: u16 = 125;
const MAX_READ_BITS: u16 = 2000;
const MAX_WRITE_WORDS: usize = 123;
const MAX_WRITE_BITS: usize = 1968;

/// A running simulator. Dropping it stops it; `stop` also waits until it has.
pub struct Simulator {
    addr: SocketAddr,
    plant: Arc<Mutex<Plant>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Simulator {
    /// Serves the plant on a bound listener and lets its time pass. Call it within a tokio runtime.
    pub fn start(listener: TcpListener, plant: Plant) -> Result<Simulator> {
        let addr = listener
            .local_addr()
            .map_err(|error| Error::internal("the simulator's listener has no address").because(error))?;
        let (plant, stop, tasks) =
            (Arc::new(Mutex::new(plant)), CancellationToken::new(), TaskTracker::new());
        let (moving, serving) = (live(Arc::clone(&plant)), serve(listener, Arc::clone(&plant)));
        let (until_moved, until_served) = (stop.clone(), stop.clone());
        tasks.spawn(async move { until_moved.run_until_cancelled(moving).await });
        tasks.spawn(async move { until_served.run_until_cancelled(serving).await });
        tasks.close();
        Ok(Simulator { addr, plant, stop, tasks })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The plant as it is now.
    pub fn plant(&self) -> Plant {
        self.plant.lock().clone()
    }

    /// Closes the listener and every connection.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Lets the plant's time pass as the machine's does.
async fn live(plant: Arc<Mutex<Plant>>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = Instant::now();
    loop {
        let now = ticks.tick().await;
        plant.lock().step(now.saturating_duration_since(last));
        last = now;
    }
}

async fn serve(listener: TcpListener, plant: Arc<Mutex<Plant>>) {
    let server = tcp::Server::new(listener);
    let connected = |stream: TcpStream, _: SocketAddr| {
        let device = Device(Arc::clone(&plant));
        // A socket that fails here is refused by itself; the server goes on.
        future::ready(Ok(stream.set_nodelay(true).is_ok().then_some((device, stream))))
    };
    loop {
        let failed = |error| tracing::debug!(%error, "simulator connection ended");
        if let Err(error) = server.serve(&connected, failed).await {
            // Accepting fails when descriptors run out; they come back.
            tracing::warn!(%error, "simulator cannot accept connections");
            tokio::time::sleep(TICK).await;
        }
    }
}

/// What answers one connection.
struct Device(Arc<Mutex<Plant>>);

impl Service for Device {
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

/// A count of 1 to `max`, as the protocol writes it.
fn check<T: TryInto<u16> + PartialOrd>(count: T, max: T) -> Result<u16, ExceptionCode> {
    let is_allowed = count <= max;
    let count = count.try_into().ok().filter(|count| *count > 0 && is_allowed);
    count.ok_or(ExceptionCode::IllegalDataValue)
}

fn exception(refused: Refused) -> ExceptionCode {
    match refused {
        Refused::Address => ExceptionCode::IllegalDataAddress,
        Refused::Value => ExceptionCode::IllegalDataValue,
    }
}

#[cfg(test)]
#[path = "modbus_tests.rs"]
mod tests;
