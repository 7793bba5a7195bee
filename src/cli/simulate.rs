//! `basalt simulate`: a device to try things on. It needs no data directory and keeps nothing.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::args::Simulate;
use super::{print, serve};
use crate::domain::device::Protocol;
use crate::domain::{Error, Result};
use crate::sim::{Plant, SIMULATED, Simulator};

pub async fn run(args: Simulate) -> Result<()> {
    let protocol = parse(&args.protocol)?;
    let listen = match args.listen {
        Some(listen) => listen,
        None => format!("127.0.0.1:{}", protocol.default_port().unwrap_or_default()),
    };
    let address: SocketAddr = listen.parse().map_err(|_| {
        Error::field("listen", format!("`{listen}` is not an address and a port such as 127.0.0.1:5020"))
    })?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|e| Error::unavailable(format!("cannot listen on {address}")).because(e))?;
    let stop = serve::stop_on_signal()?;
    let simulator = Simulator::speaking(protocol, listener, Plant::default())?;
    print::line(&format!("listening on {protocol}://{}", simulator.addr()))?;
    stop.cancelled().await;
    simulator.stop().await;
    Ok(())
}

fn parse(name: &str) -> Result<Protocol> {
    let known = SIMULATED.into_iter().find(|protocol| protocol.name() == name);
    known.ok_or_else(|| {
        let names = SIMULATED.map(Protocol::name).join(", ");
        Error::invalid(format!("protocol `{name}` is not one of {names}"))
    })
}
