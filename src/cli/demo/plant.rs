//! The plant of the demo: simulators behind sockets, and what the catalog needs to read them.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

use super::catalog::{DEVICES, find_example_stream};
use super::{board, counters, history, rules};
use crate::app::App;
use crate::app::access::KeyRequest;
use crate::app::user::UserRequest;
use crate::cli::instance::Instance;
use crate::cli::{demo_model, user};
use crate::domain::device::{DeviceFilter, DeviceSpec, Protocol};
use crate::domain::stream::{ByteOrder, StreamSpec};
use crate::domain::{DeviceId, Error, Principal, Result, StreamId};
use crate::sim::fault::PlantFault;
use crate::sim::{DemoTag, Plant, Simulator, demo_tags};

/// The user of the demo.
pub(super) const USER: &str = "admin";

/// Options of the start of a demo.
pub(super) struct DemoOptions {
    /// Faults of the plant; without any it has those of the demo.
    pub(super) faults: Vec<PlantFault>,
    /// Whether the first start creates more than the devices.
    pub(super) has_content: bool,
}

/// The running plant.
pub(super) struct DemoPlant {
    simulators: Vec<Simulator>,
    /// Credentials, if this is the first start.
    pub(super) credentials: Option<DemoCredentials>,
    /// Stream of the examples.
    pub(super) example: StreamId,
    /// Whether readings from before the first start were calculated.
    pub(super) has_history: bool,
    /// Whether there is a model that watches the furnace.
    pub(super) has_model: bool,
}

impl DemoPlant {
    /// Starts the simulators and points the devices at them. The first start creates devices and streams, with what makes them a
    /// plant unless the demo is to be empty, user and key. Counters go on from where an earlier start left them.
    ///
    /// # Errors
    /// `Unavailable` when a simulator has no socket or the catalog cannot be written to.
    pub(super) async fn start(opened: &Instance, options: DemoOptions) -> Result<DemoPlant> {
        let (app, owner) = (&opened.app, opened.app.access.system(None)?);
        let listeners = bind_listeners().await?;
        provide_devices(app, &owner, &listeners).await?;
        // The user is created last: if it exists, everything else does.
        let is_first = !app.users.has_user(&owner, USER)?;
        let mut plant = match is_first && options.has_content {
            true => provide_content(opened, &owner).await?,
            false => Plant::default(),
        };
        counters::resume(app, &owner, &mut plant)?;
        let credentials = if is_first { Some(create_credentials(app, &owner).await?) } else { None };
        let (has_history, has_model) = (history::exists(app, &owner)?, demo_model::exists(app, &owner)?);
        let faults = if options.faults.is_empty() { vec![demo_model::demo_fault()] } else { options.faults };
        let simulators = start_simulators(listeners, plant.restarted_with(faults))?;
        let example = find_example_stream(app, &owner)?;
        Ok(DemoPlant { simulators, credentials, example, has_history, has_model })
    }

    /// Stops the simulators.
    pub(super) async fn stop(self) {
        for simulator in self.simulators {
            simulator.stop().await;
        }
    }
}

/// A bound listener for the simulator of each device.
struct DeviceListener {
    socket: TcpListener,
    address: SocketAddr,
}

async fn bind_listeners() -> Result<Vec<DeviceListener>> {
    let no_socket = |e| Error::unavailable("the simulator has no socket").with_source(e);
    let mut listeners = Vec::new();
    for _ in DEVICES {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(no_socket)?;
        let address = socket.local_addr().map_err(no_socket)?;
        listeners.push(DeviceListener { socket, address });
    }
    Ok(listeners)
}

/// Starts one simulator per device, all on one plant.
fn start_simulators(listeners: Vec<DeviceListener>, plant: Plant) -> Result<Vec<Simulator>> {
    let mut simulators: Vec<Simulator> = Vec::new();
    for ((_, protocol, _), listener) in DEVICES.into_iter().zip(listeners) {
        let simulator = match simulators.first() {
            Some(first) => first.start_sharing_plant(protocol, listener.socket)?,
            None => Simulator::start_protocol(protocol, listener.socket, plant.clone())?,
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

/// Points the devices at their simulators, and creates those that are not there, with their streams.
async fn provide_devices(app: &App, owner: &Principal, listeners: &[DeviceListener]) -> Result<()> {
    for ((name, protocol, part), listener) in DEVICES.into_iter().zip(listeners) {
        let simulator = listener.address;
        let known = DeviceFilter { name: Some(name.to_owned()), ..DeviceFilter::default() };
        match app.devices.devices(owner, &known)?.first() {
            Some(device) => {
                let move_there = move |spec: &mut DeviceSpec| set_address(spec, simulator);
                app.devices.update_device(owner, device.id, move_there).await?;
            }
            None => {
                let mut spec = DeviceSpec::new(name, protocol);
                set_address(&mut spec, simulator);
                create_demo_device(app, owner, spec, part).await?;
            }
        }
    }
    Ok(())
}

/// Creates what makes the devices a plant: model, board, rules and history. Returns the plant as it goes on.
async fn provide_content(opened: &Instance, owner: &Principal) -> Result<Plant> {
    let app = &opened.app;
    demo_model::prepare(app, owner).await?;
    board::create(app, owner).await?;
    rules::create(app, owner).await?;
    history::write(opened, owner).await
}

async fn create_credentials(app: &App, owner: &Principal) -> Result<DemoCredentials> {
    let key = KeyRequest { name: "demo".to_owned(), ..KeyRequest::default() };
    let (_, key) = app.access.create_key(owner, &key).await?;
    let password = user::generate_password();
    let admin = UserRequest {
        name: USER.to_owned(),
        password: password.clone(),
        is_staff: true,
        is_superuser: true,
        is_viewer: false,
    };
    app.users.create_user(owner, admin).await?;
    Ok(DemoCredentials { password, key })
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

#[cfg(test)]
#[path = "plant_tests.rs"]
mod tests;
