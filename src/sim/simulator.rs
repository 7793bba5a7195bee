//! Running simulators: one protocol each over a plant, which several may share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::memory::Memory;
use super::plant::Plant;
use super::{fenet, melsec, modbus, opcua};
use crate::domain::device::Protocol;
use crate::domain::{Error, Result};

/// How often the plant moves.
const TICK: Duration = Duration::from_millis(100);

/// The protocols that can be simulated.
pub const SIMULATED: [Protocol; 4] = [Protocol::Modbus, Protocol::Melsec, Protocol::Fenet, Protocol::Opcua];

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
    let device = Device::of(protocol, Arc::clone(&plant))?;
    tasks.spawn(come_and_go(device, listener, addr, Arc::clone(&plant), stop.clone()));
    tasks.close();
    Ok(Simulator { addr, plant, stop, tasks })
}

/// A device with what it remembers while nobody can reach it.
enum Device {
    Modbus(Arc<Mutex<Plant>>),
    Melsec(Arc<Mutex<Memory>>),
    Fenet(Arc<Mutex<Memory>>),
    Opcua(opcua::Device),
}

impl Device {
    fn of(protocol: Protocol, plant: Arc<Mutex<Plant>>) -> Result<Device> {
        match protocol {
            Protocol::Modbus => Ok(Device::Modbus(plant)),
            Protocol::Melsec => Ok(Device::Melsec(melsec::memory(plant))),
            Protocol::Fenet => Ok(Device::Fenet(fenet::memory(plant))),
            Protocol::Opcua => Ok(Device::Opcua(opcua::Device::new(plant))),
            other => {
                let names = SIMULATED.map(Protocol::name).join(", ");
                Err(Error::invalid(format!("protocol `{other}` is not one of {names}")))
            }
        }
    }

    fn protocol(&self) -> Protocol {
        match self {
            Device::Modbus(_) => Protocol::Modbus,
            Device::Melsec(_) => Protocol::Melsec,
            Device::Fenet(_) => Protocol::Fenet,
            Device::Opcua(_) => Protocol::Opcua,
        }
    }

    /// Answers until `over`; then the listener and every connection are closed.
    async fn serve(&self, listener: TcpListener, addr: SocketAddr, over: &CancellationToken) {
        match self {
            Device::Modbus(plant) => {
                over.run_until_cancelled(modbus::serve(listener, Arc::clone(plant))).await;
            }
            Device::Melsec(memory) => {
                let streams = melsec::serve(listener, Arc::clone(memory));
                let both = async { tokio::join!(streams, datagrams(addr, Arc::clone(memory))) };
                over.run_until_cancelled(both).await;
            }
            Device::Fenet(memory) => {
                over.run_until_cancelled(fenet::serve(listener, Arc::clone(memory))).await;
            }
            Device::Opcua(device) => device.serve(listener, addr, over.clone()).await,
        }
    }
}

async fn datagrams(addr: SocketAddr, memory: Arc<Mutex<Memory>>) {
    match UdpSocket::bind(addr).await {
        Ok(socket) => melsec::serve_datagrams(socket, memory).await,
        // A port that somebody else has for UDP is served over TCP alone.
        Err(error) => tracing::warn!(%error, %addr, "the simulator has no UDP port"),
    }
}

/// Serves a device whenever the plant's faults let it be reached, until `stop`.
async fn come_and_go(
    device: Device,
    listener: TcpListener,
    addr: SocketAddr,
    plant: Arc<Mutex<Plant>>,
    stop: CancellationToken,
) {
    let mut listener = Some(listener);
    while !stop.is_cancelled() {
        if let Some(listener) = listener.take() {
            let over = stop.child_token();
            tokio::join!(device.serve(listener, addr, &over), async {
                over.run_until_cancelled(until(&plant, device.protocol(), true)).await;
                over.cancel();
            });
        }
        let back = async {
            until(&plant, device.protocol(), false).await;
            TcpListener::bind(addr).await
        };
        match stop.run_until_cancelled(back).await {
            Some(Ok(bound)) => listener = Some(bound),
            // Somebody else has the port; they may give it back.
            Some(Err(error)) => {
                tracing::warn!(%error, %addr, "the simulator cannot listen again");
                stop.run_until_cancelled(tokio::time::sleep(TICK)).await;
            }
            None => return,
        }
    }
}

/// Resolves once the plant's devices of a protocol are out of reach, or are not.
async fn until(plant: &Mutex<Plant>, protocol: Protocol, is_away: bool) {
    let mut ticks = interval(TICK);
    loop {
        ticks.tick().await;
        if plant.lock().is_away(protocol) == is_away {
            return;
        }
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
