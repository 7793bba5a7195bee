//! `basalt simulate`: simulates a device for experiments. It needs no data directory and stores nothing.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::args::Simulate;
use super::{print, stop_signal};
use crate::domain::device::Protocol;
use crate::domain::{Error, Result};
use crate::sim::{Plant, SIMULATED_PROTOCOLS, Simulator, eip, fleet, mqtt, opcua_nodes};

/// Serves the simulated device until a signal stops it, and prints its address and its nodes, topics or tags.
pub async fn run(args: Simulate) -> Result<()> {
    let protocol = parse(&args.protocol)?;
    let listen = match args.listen {
        Some(listen) => listen,
        None => format!("127.0.0.1:{}", protocol.default_port().unwrap_or(mqtt::DEFAULT_PORT)),
    };
    let address: SocketAddr = listen.parse().map_err(|_| {
        Error::field("listen", format!("`{listen}` is not an address and a port such as 127.0.0.1:5020"))
    })?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|e| Error::unavailable(format!("cannot listen on {address}")).with_source(e))?;
    let stop = stop_signal::stop_on_signal()?;
    if let Some(registers) = args.registers {
        return simulate_registers(protocol, registers, listener, stop).await;
    }
    let simulator = Simulator::start_protocol(protocol, listener, Plant::with_faults(args.plant.faults))?;
    match protocol {
        Protocol::Opcua => {
            print::line(&format!("listening on opc.tcp://{}", simulator.addr()))?;
            print::line("without security, to anybody. Nodes:")?;
            opcua_nodes().iter().try_for_each(|node| print::line(node))?;
        }
        Protocol::Mqtt => {
            print::line(&format!("listening on mqtt://{}", simulator.addr()))?;
            print::line("without a login, to anybody. Topics:")?;
            mqtt::topic_lines().iter().try_for_each(|topic| print::line(topic))?;
        }
        Protocol::Eip => {
            print::line(&format!("listening on eip://{}", simulator.addr()))?;
            print::line("as a controller in slot 0, for anybody. Tags:")?;
            eip::tag_lines().iter().try_for_each(|tag| print::line(tag))?;
        }
        _ => print::line(&format!("listening on {protocol}://{}", simulator.addr()))?,
    }
    stop.cancelled().await;
    simulator.stop().await;
    Ok(())
}

/// Serves a device of registers only, until it is stopped.
async fn simulate_registers(
    protocol: Protocol,
    registers: u16,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<()> {
    if protocol != Protocol::Modbus {
        return Err(Error::field(
            "registers",
            format!("works with modbus only: the memory of a {protocol} device is fixed"),
        ));
    }
    let address = listener.local_addr();
    let address = address.map_err(|e| Error::internal("the listener has no address").with_source(e))?;
    print::line(&format!("listening on {protocol}://{address}"))?;
    stop.run_until_cancelled(fleet::serve(listener, registers)).await;
    Ok(())
}

fn parse(name: &str) -> Result<Protocol> {
    let known = SIMULATED_PROTOCOLS.into_iter().find(|protocol| protocol.name() == name);
    known.ok_or_else(|| {
        let names = SIMULATED_PROTOCOLS.map(Protocol::name).join(", ");
        Error::invalid(format!("protocol `{name}` is not one of {names}"))
    })
}
