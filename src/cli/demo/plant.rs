//! The plant of the demo: simulators behind sockets, and what the catalog needs to read them.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

use super::catalog::{FURNACE, MOTOR, PLANT, TANK};
use super::{board, rules};
use crate::app::App;
use crate::app::access::KeyRequest;
use crate::app::user::UserRequest;
use crate::cli::instance::Instance;
use crate::cli::{demo_model, user};
use crate::domain::device::{DeviceFilter, DeviceSpec, Protocol};
use crate::domain::stream::{ByteOrder, StreamFilter, StreamSpec};
use crate::domain::{DeviceId, Error, Principal, Result, StreamId};
use crate::sim::fault::PlantFault;
use crate::sim::{DemoTag, Plant, Simulator, demo_tags};

/// Devices, their protocols, and the part of the plant that each one's streams measure.
const DEVICES: [(&str, Protocol, &str); 4] = [
    (PLANT, Protocol::Modbus, ""),
    (TANK, Protocol::Fenet, "tank."),
    (FURNACE, Protocol::Melsec, "furnace."),
    (MOTOR, Protocol::Opcua, "motor."),
];
/// The user of the demo.
pub(super) const USER: &str = "admin";
/// Stream used in the REST example; it is stored at every poll.
const EXAMPLE_STREAM: &str = "motor.speed";

/// The running plant.
pub(super) struct DemoPlant {
    simulators: Vec<Simulator>,
    /// Credentials, if this is the first start.
    pub(super) credentials: Option<DemoCredentials>,
    /// Stream of the examples.
    pub(super) example: StreamId,
}

impl DemoPlant {
    /// Starts the simulators and points the devices at them; the first start creates devices, streams, board, rules,
    /// user and key. Without faults the plant has that of the demo.
    ///
    /// # Errors
    /// `Unavailable` when a simulator has no socket or the catalog cannot be written to.
    pub(super) async fn start(opened: &Instance, faults: Vec<PlantFault>) -> Result<DemoPlant> {
        let faults = if faults.is_empty() { vec![demo_model::demo_fault()] } else { faults };
        let simulators = start_simulators(Plant::with_faults(faults)).await?;
        let addresses: Vec<_> = simulators.iter().map(Simulator::addr).collect();
        let credentials = provision(opened, &addresses).await?;
        Ok(DemoPlant { simulators, credentials, example: find_example_stream(opened)? })
    }

    /// Stops the simulators.
    pub(super) async fn stop(self) {
        for simulator in self.simulators {
            simulator.stop().await;
        }
    }
}

/// Starts one simulator per device, all on one plant.
async fn start_simulators(plant: Plant) -> Result<Vec<Simulator>> {
    let mut simulators: Vec<Simulator> = Vec::new();
    for (_, protocol, _) in DEVICES {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(|e| Error::unavailable("the simulator has no socket").with_source(e))?;
        let simulator = match simulators.first() {
            Some(first) => first.start_sharing_plant(protocol, listener)?,
            None => Simulator::start_protocol(protocol, listener, plant.clone())?,
        };
        simulators.push(simulator);
    }
    Ok(simulators)
}

/// Credentials created at the first start; later starts do not know them.
pub(super) struct DemoCredentials {
    pub(super) password: String,
    pub(super) key: String,
}

/// Points the devices at their simulators; the first start creates devices, streams, board, rules, user and key.
async fn provision(opened: &Instance, simulators: &[SocketAddr]) -> Result<Option<DemoCredentials>> {
    let (app, owner) = (&opened.app, opened.app.access.system(None)?);
    for ((name, protocol, part), simulator) in DEVICES.into_iter().zip(simulators.iter().copied()) {
        let known = DeviceFilter { name: Some(name.to_owned()), ..DeviceFilter::default() };
        match app.devices.devices(&owner, &known)?.first() {
            Some(device) => {
                let move_there = move |spec: &mut DeviceSpec| set_address(spec, simulator);
                app.devices.update_device(&owner, device.id, move_there).await?;
            }
            None => {
                let mut spec = DeviceSpec::new(name, protocol);
                set_address(&mut spec, simulator);
                create_demo_device(app, &owner, spec, part).await?;
            }
        }
    }
    demo_model::prepare(app, &owner).await?;
    // The user is created last: if it exists, everything else does.
    if app.users.has_user(&owner, USER)? {
        return Ok(None);
    }
    board::create(app, &owner).await?;
    rules::create(app, &owner).await?;
    let key = KeyRequest { name: "demo".to_owned(), ..KeyRequest::default() };
    let (_, key) = app.access.create_key(&owner, &key).await?;
    let password = user::generate_password();
    let admin = UserRequest {
        name: USER.to_owned(),
        password: password.clone(),
        is_staff: true,
        is_superuser: true,
        is_viewer: false,
    };
    app.users.create_user(&owner, admin).await?;
    Ok(Some(DemoCredentials { password, key }))
}

async fn create_demo_device(app: &App, owner: &Principal, spec: DeviceSpec, part: &str) -> Result<()> {
    let protocol = spec.protocol;
    let device = app.devices.create_device(owner, spec).await?;
    for tag in demo_tags(protocol).into_iter().filter(|tag| tag.name.starts_with(part)) {
        app.streams.create_stream(owner, to_stream(tag, device.id)).await?;
    }
    Ok(())
}

fn set_address(spec: &mut DeviceSpec, simulator: SocketAddr) {
    spec.host = simulator.ip().to_string();
    spec.port = Some(simulator.port());
    // Byte order of the simulator's tags.
    spec.byteorder = ByteOrder::Little;
    spec.enabled = true;
    if spec.protocol == Protocol::Opcua {
        spec.metadata.insert("use_subscription".to_owned(), true.into());
    }
}

fn to_stream(tag: DemoTag, device: DeviceId) -> StreamSpec {
    StreamSpec {
        path: tag.path,
        kind: tag.kind,
        unit: tag.unit.to_owned(),
        scale: tag.scale,
        offset: tag.offset,
        deadband: tag.deadband,
        access_mode: tag.access_mode,
        ..StreamSpec::new(tag.name, device)
    }
}

/// Returns the example stream, or the first stream if the owner renamed it.
fn find_example_stream(opened: &Instance) -> Result<StreamId> {
    let (app, owner) = (&opened.app, opened.app.access.system(None)?);
    let all = app.streams.streams(&owner, &StreamFilter::default())?;
    let shown = all.iter().find(|stream| stream.spec.name == EXAMPLE_STREAM).or(all.first());
    Ok(shown.map_or(StreamId(1), |stream| stream.id))
}
