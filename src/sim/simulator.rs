//! Running simulators: each serves one protocol of a plant, which several may share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::memory::CpuMemory;
use super::plant::Plant;
use super::{eip, fenet, melsec, modbus, mqtt, opcua, s7};
use crate::domain::device::Protocol;
use crate::domain::{Error, Result};

/// Interval of the plant's steps.
const PLANT_TICK: Duration = Duration::from_millis(100);
/// Longest step by which a plant's time is advanced; the plant cuts steps that are much longer.
const ADVANCE_STEP: Duration = Duration::from_secs(1);

/// The protocols that can be simulated.
pub const SIMULATED_PROTOCOLS: [Protocol; 7] = [
    Protocol::Modbus,
    Protocol::Melsec,
    Protocol::Fenet,
    Protocol::S7,
    Protocol::Eip,
    Protocol::Opcua,
    Protocol::Mqtt,
];

/// A running simulator. Dropping it stops it; `stop` also waits for the end.
pub struct Simulator {
    addr: SocketAddr,
    plant: Arc<Mutex<Plant>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Simulator {
    /// Serves the plant by Modbus on a bound listener and advances its time. Call it within a tokio runtime.
    pub fn start(listener: TcpListener, plant: Plant) -> Result<Simulator> {
        Simulator::start_protocol(Protocol::Modbus, listener, plant)
    }

    /// Serves the plant by any protocol. The error lists the protocols that can be simulated.
    pub fn start_protocol(protocol: Protocol, listener: TcpListener, plant: Plant) -> Result<Simulator> {
        let simulator = serve(protocol, listener, Arc::new(Mutex::new(plant)))?;
        let (moving, until) = (run_plant_clock(Arc::clone(&simulator.plant)), simulator.stop.clone());
        simulator.tasks.spawn(async move { until.run_until_cancelled(moving).await });
        Ok(simulator)
    }

    /// Starts another simulator of the same plant. The plant's time passes only while `self` runs.
    pub fn start_sharing_plant(&self, protocol: Protocol, listener: TcpListener) -> Result<Simulator> {
        serve(protocol, listener, Arc::clone(&self.plant))
    }

    /// Address of the listener.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A copy of the plant's current state.
    pub fn plant(&self) -> Plant {
        self.plant.lock().clone()
    }

    /// Lets so much of the plant's time pass at once: faults on schedule begin and end.
    pub fn advance(&self, time: Duration) {
        let mut plant = self.plant.lock();
        let mut left = time;
        while !left.is_zero() {
            let step = left.min(ADVANCE_STEP);
            plant.step(step);
            left -= step;
        }
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
        .map_err(|error| Error::internal("the simulator's listener has no address").with_source(error))?;
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let device = SimulatedDevice::of(protocol, Arc::clone(&plant))?;
    tasks.spawn(serve_with_outages(device, listener, addr, Arc::clone(&plant), stop.clone()));
    tasks.close();
    Ok(Simulator { addr, plant, stop, tasks })
}

/// A device with the state that it keeps while it cannot be reached.
enum SimulatedDevice {
    Modbus(Arc<Mutex<Plant>>),
    Melsec(Arc<Mutex<CpuMemory>>),
    Fenet(Arc<Mutex<CpuMemory>>),
    S7(Arc<Mutex<CpuMemory>>),
    Eip(Arc<Mutex<eip::TagMemory>>),
    Opcua(opcua::OpcuaServer),
    Mqtt(mqtt::MqttBroker),
}

impl SimulatedDevice {
    fn of(protocol: Protocol, plant: Arc<Mutex<Plant>>) -> Result<SimulatedDevice> {
        match protocol {
            Protocol::Modbus => Ok(SimulatedDevice::Modbus(plant)),
            Protocol::Melsec => Ok(SimulatedDevice::Melsec(melsec::memory(plant))),
            Protocol::Fenet => Ok(SimulatedDevice::Fenet(fenet::memory(plant))),
            Protocol::S7 => Ok(SimulatedDevice::S7(s7::memory(plant))),
            Protocol::Eip => Ok(SimulatedDevice::Eip(eip::memory(plant))),
            Protocol::Opcua => Ok(SimulatedDevice::Opcua(opcua::OpcuaServer::new(plant))),
            Protocol::Mqtt => Ok(SimulatedDevice::Mqtt(mqtt::MqttBroker::new(plant))),
            other => {
                let names = SIMULATED_PROTOCOLS.map(Protocol::name).join(", ");
                Err(Error::invalid(format!("protocol `{other}` is not one of {names}")))
            }
        }
    }

    fn protocol(&self) -> Protocol {
        match self {
            SimulatedDevice::Modbus(_) => Protocol::Modbus,
            SimulatedDevice::Melsec(_) => Protocol::Melsec,
            SimulatedDevice::Fenet(_) => Protocol::Fenet,
            SimulatedDevice::S7(_) => Protocol::S7,
            SimulatedDevice::Eip(_) => Protocol::Eip,
            SimulatedDevice::Opcua(_) => Protocol::Opcua,
            SimulatedDevice::Mqtt(_) => Protocol::Mqtt,
        }
    }

    /// Serves until `over` is cancelled; then the listener and every connection are closed.
    async fn serve(&self, listener: TcpListener, addr: SocketAddr, over: &CancellationToken) {
        match self {
            SimulatedDevice::Modbus(plant) => {
                over.run_until_cancelled(modbus::serve(listener, Arc::clone(plant))).await;
            }
            SimulatedDevice::Melsec(memory) => {
                let streams = melsec::serve(listener, Arc::clone(memory));
                let both = async { tokio::join!(streams, datagrams(addr, Arc::clone(memory))) };
                over.run_until_cancelled(both).await;
            }
            SimulatedDevice::Fenet(memory) => {
                over.run_until_cancelled(fenet::serve(listener, Arc::clone(memory))).await;
            }
            SimulatedDevice::S7(memory) => {
                over.run_until_cancelled(s7::serve(listener, Arc::clone(memory))).await;
            }
            SimulatedDevice::Eip(memory) => {
                over.run_until_cancelled(eip::serve(listener, Arc::clone(memory))).await;
            }
            SimulatedDevice::Mqtt(broker) => {
                over.run_until_cancelled(broker.serve(listener)).await;
            }
            SimulatedDevice::Opcua(device) => device.serve(listener, addr, over.clone()).await,
        }
    }
}

async fn datagrams(addr: SocketAddr, memory: Arc<Mutex<CpuMemory>>) {
    match UdpSocket::bind(addr).await {
        Ok(socket) => melsec::serve_datagrams(socket, memory).await,
        // When another process has the UDP port, only TCP is served.
        Err(error) => tracing::warn!(%error, %addr, "the simulator cannot bind its UDP port"),
    }
}

/// Serves a device whenever the plant's faults allow it, until `stop`.
async fn serve_with_outages(
    device: SimulatedDevice,
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
                over.run_until_cancelled(wait_for_reachability(&plant, device.protocol(), true)).await;
                over.cancel();
            });
        }
        let back = async {
            wait_for_reachability(&plant, device.protocol(), false).await;
            TcpListener::bind(addr).await
        };
        match stop.run_until_cancelled(back).await {
            Some(Ok(bound)) => listener = Some(bound),
            // Another process has the port; it may release it.
            Some(Err(error)) => {
                tracing::warn!(%error, %addr, "the simulator cannot listen again");
                stop.run_until_cancelled(tokio::time::sleep(PLANT_TICK)).await;
            }
            None => return,
        }
    }
}

/// Resolves once `is_away` holds for the plant's devices of a protocol.
async fn wait_for_reachability(plant: &Mutex<Plant>, protocol: Protocol, is_away: bool) {
    let mut ticks = interval(PLANT_TICK);
    loop {
        ticks.tick().await;
        if plant.lock().is_away(protocol) == is_away {
            return;
        }
    }
}

/// Advances the plant's time in real time.
async fn run_plant_clock(plant: Arc<Mutex<Plant>>) {
    let mut ticks = interval(PLANT_TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = Instant::now();
    loop {
        let now = ticks.tick().await;
        plant.lock().step(now.saturating_duration_since(last));
        last = now;
    }
}
