//! The plant as an OPC UA server, without security and with anonymous login: a device to try things on.
//!
//! It is built with the library that the collector uses as its client, so the two prove little about each other; tests
//! with independent clients and servers do that. Namespace `urn:basalt:simulator`, index 2:
//!
//! | folder | nodes | what |
//! |---|---|---|
//! | `Plant` | `ns=2;s=motor.speed`, … | the quantities of the plant; settings can be written |
//! | `Values` | `ns=2;s=values.Int64`, … | one of each type, which hold the last value written |
//! | `Signals` | `ns=2;s=signals.0` to `signals.1999` | numbers that all change at every full second |

mod address_space;
mod nodes;
mod quantity;
mod signal_updates;
mod signals;
mod values;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use opcua::server::address_space::AddressSpace;
use opcua::server::node_manager::ServerContext;
use opcua::server::node_manager::memory::InMemoryNodeManagerBuilder;
use opcua::server::{Server, ServerBuilder, ServerHandle};
use opcua::types::Variant;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use quantity::{QUANTITIES, Quantity};

use super::plant::Plant;
use nodes::{PlantNodes, WrittenValues};

/// Without security no certificates are needed; no folder can be created at this path, so that none is.
const NOWHERE: &str = "/dev/null";
/// Limit of monitored items in one subscription.
const MAX_ITEMS: usize = 100_000;

/// Lists the nodes for people: one line each, with type, access and unit.
pub fn nodes() -> Vec<String> {
    let plant = Plant::default();
    let line = |name: &str, value: &Variant, access: &str, unit: &str| {
        let kind = value.scalar_type_id().map_or_else(String::new, |kind| kind.to_string());
        format!("ns=2;s={name:<20}  {kind:<8}  {access:<2}  {unit}").trim_end().to_owned()
    };
    let access = |is_writable: bool| if is_writable { "rw" } else { "r" };
    let quantities = QUANTITIES.iter().map(|quantity| {
        line(quantity.name, &quantity.read(&plant), access(quantity.is_writable()), quantity.unit)
    });
    let values = values::initial().map(|(name, value)| line(name, &value, access(true), ""));
    let last = signals::name(signals::SIGNAL_COUNT - 1);
    let signals =
        format!("ns=2;s={} to {last}: Double  {}  a new value every second", signals::name(0), access(false));
    quantities.chain(values).chain([signals]).collect()
}

/// The plant as an OPC UA server, with the values that clients wrote, which outlast its outages.
pub struct OpcuaServer {
    plant: Arc<Mutex<Plant>>,
    held: WrittenValues,
}

impl OpcuaServer {
    /// Creates a server that has not begun to listen; its quantities are read from `plant` at each request.
    pub fn new(plant: Arc<Mutex<Plant>>) -> OpcuaServer {
        OpcuaServer { plant, held: WrittenValues::default() }
    }

    /// Serves until `over` is cancelled; then the listener and every connection are closed.
    pub async fn serve(&self, listener: TcpListener, addr: SocketAddr, over: CancellationToken) {
        let (server, handle) = match self.build(addr, over.clone()) {
            Ok(built) => built,
            Err(why) => return tracing::error!(%why, "the simulated OPC UA server cannot be created"),
        };
        let changing = over.run_until_cancelled(signal_updates::run(handle));
        let (served, _) = tokio::join!(server.run_with(listener), changing);
        if let Err(why) = served {
            tracing::error!(%why, "the simulated OPC UA server ended");
        }
    }

    fn build(&self, addr: SocketAddr, over: CancellationToken) -> Result<(Server, ServerHandle), String> {
        let (plant, values) = (Arc::clone(&self.plant), Arc::clone(&self.held));
        let nodes = move |context: ServerContext, space: &mut AddressSpace| {
            PlantNodes::new(plant, values, &context, space)
        };
        // Clients are told this address; the unspecified one would lead nowhere.
        let host = if addr.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { addr.ip() };
        let host = if host.is_ipv6() { format!("[{host}]") } else { host.to_string() };
        let mut builder = ServerBuilder::new_anonymous("Basalt simulator")
            .application_uri("urn:basalt:simulator:server")
            .product_uri("urn:basalt")
            .host(host)
            .port(addr.port())
            .pki_dir(NOWHERE)
            .token(over)
            .with_node_manager(InMemoryNodeManagerBuilder::new(nodes));
        builder.limits_mut().subscriptions.max_monitored_items_per_sub = MAX_ITEMS;
        builder.build()
    }
}
