//! Running simulators: one protocol each over a plant, which several may share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::plant::Plant;
use super::{fenet, melsec, modbus};
use crate::domain::device::Protocol;
use crate::domain::{Error, Result};

/// How often the plant moves.
const TICK: Duration = Duration::from_millis(100);

/// The protocols that can be simulated.
pub const SIMULATED: [Protocol; 3] = [Protocol::Modbus, Protocol::Melsec, Protocol::Fenet];

/// A running simulator. Dropping it stops it; `stop` also waits until it has.
pub struct Simulator {
    addr: SocketAddr,
    plant: Arc<Mutex<Plant>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Simulator {
    /// Serves the plant by Modbus on a bound listener and lets its time pass. Call it within a tokio runtime.
    pub fn start(listener: TcpListener, plant: Plant) -> Result<Simulator> {
        Simulator::speaking(Protocol::Modbus, listener, plant)
    }

    /// The same by another protocol. The error names those there are.
    pub fn speaking(protocol: Protocol, listener: TcpListener, plant: Plant) -> Result<Simulator> {
        let simulator = serve(protocol, listener, Arc::new(Mutex::new(plant)))?;
        let (moving, until) = (live(Arc::clone(&simulator.plant)), simulator.stop.clone());
        simulator.tasks.spawn(async move { until.run_until_cancelled(moving).await });
        Ok(simulator)
    }

    /// Another simulator of this plant, whose time passes only while this one runs.
    pub fn beside(&self, protocol: Protocol, listener: TcpListener) -> Result<Simulator> {
        serve(protocol, listener, Arc::clone(&self.plant))
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

fn serve(protocol: Protocol, listener: TcpListener, plant: Arc<Mutex<Plant>>) -> Result<Simulator> {
    let addr = listener
        .local_addr()
        .map_err(|error| Error::internal("the simulator's listener has no address").because(error))?;
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let until = stop.clone();
    let shared = Arc::clone(&plant);
    match protocol {
        Protocol::Modbus => {
            tasks.spawn(async move { until.run_until_cancelled(modbus::serve(listener, shared)).await });
        }
        Protocol::Melsec => {
            let memory = melsec::memory(shared);
            let (datagrams, until_too) = (Arc::clone(&memory), stop.clone());
            tasks.spawn(async move {
                // A port that somebody else has for UDP is served over TCP alone.
                match UdpSocket::bind(addr).await {
                    Ok(socket) => {
                        until_too.run_until_cancelled(melsec::serve_datagrams(socket, datagrams)).await;
                    }
                    Err(error) => tracing::warn!(%error, %addr, "the simulator has no UDP port"),
                }
            });
            tasks.spawn(async move { until.run_until_cancelled(melsec::serve(listener, memory)).await });
        }
        Protocol::Fenet => {
            let memory = fenet::memory(shared);
            tasks.spawn(async move { until.run_until_cancelled(fenet::serve(listener, memory)).await });
        }
        other => {
            let names = SIMULATED.map(Protocol::name).join(", ");
            return Err(Error::invalid(format!("protocol `{other}` is not one of {names}")));
        }
    }
    tasks.close();
    Ok(Simulator { addr, plant, stop, tasks })
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
