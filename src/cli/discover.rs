//! `basalt discover`: asks an address or a small network which protocols answer, and writes the devices as a file that
//! `import` reads. It needs no server and no data directory.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use super::args::Discover;
use super::export::atomic_file::AtomicFile;
use super::print;
use super::timeout::parse_timeout;
use crate::collect::discover::{self, DiscoverOptions, DiscoveredService, PROBES, Probe, Targets};
use crate::collect::opcua::pki::Pki;
use crate::collect::{AllowedNetworks, AllowedSerialPorts, ConnectContext};
use crate::domain::time::SystemClock;
use crate::domain::{Error, Result};

/// Discovers, and prints a table or YAML.
pub async fn run(args: Discover) -> Result<()> {
    let targets = Targets::parse(&args.target).await?;
    let options = DiscoverOptions {
        probes: chosen_probes(&args.protocols, &args.ports)?,
        timeout: parse_timeout(args.timeout)?,
        concurrency: args.concurrency.into(),
    };
    let context = ConnectContext {
        pki: Pki::disabled(),
        clock: Arc::new(SystemClock),
        networks: AllowedNetworks::default(),
        serial_ports: AllowedSerialPorts::None,
        org: None,
        silence: Arc::default(),
    };
    let found = discover::discover(&targets, &options, &context).await;
    if let Some(file) = &args.output {
        let name = file.display();
        let about = |error: Error| Error { message: format!("{name}: {}", error.message), ..error };
        let (aside, mut writer) = AtomicFile::create(file).map_err(about)?;
        let written = writer.write_all(inventory(&args.target, &found).as_bytes());
        written.map_err(|e| about(Error::unavailable(format!("cannot be written: {e}"))))?;
        aside.commit(writer).map_err(about)?;
    }
    if args.yaml {
        return print::line(inventory(&args.target, &found).trim_end());
    }
    let rows: Vec<_> = found.iter().map(to_row).collect();
    print::table(["ADDRESS", "PORT", "PROTOCOL", "ANSWER"], &rows)?;
    let (asked, answered) = (targets.count(), found.len());
    let requests = options.probes.len();
    eprintln!("{answered} answers of {asked} addresses, each asked in {requests} protocols");
    Ok(())
}

/// The protocols to ask, all without a choice, at their own ports or others.
fn chosen_probes(names: &[String], ports: &[(String, u16)]) -> Result<Vec<(&'static Probe, u16)>> {
    for name in names.iter().chain(ports.iter().map(|(name, _)| name)) {
        if !PROBES.iter().any(|probe| probe.protocol.name() == name) {
            let known: Vec<_> = PROBES.iter().map(|probe| probe.protocol.name()).collect();
            return Err(Error::invalid(format!("protocol `{name}` is not one of {}", known.join(", "))));
        }
    }
    let is_chosen =
        |probe: &&Probe| names.is_empty() || names.iter().any(|name| name == probe.protocol.name());
    let port = |probe: &Probe| {
        let given = ports.iter().find(|(name, _)| name == probe.protocol.name());
        given.map_or(probe.default_port, |(_, port)| *port)
    };
    Ok(PROBES.iter().filter(is_chosen).map(|probe| (probe, port(probe))).collect())
}

fn to_row(service: &DiscoveredService) -> [String; 4] {
    let DiscoveredService { address, port, protocol, answer } = service;
    [address.to_string(), port.to_string(), protocol.to_string(), answer.clone()]
}

/// Formats an inventory of the services (docs/configuration.md).
fn inventory(target: &str, found: &[DiscoveredService]) -> String {
    let mut text = format!(
        "# Found by `basalt discover {target}`. Name the devices, add their streams, then import the file.\n"
    );
    text.push_str(if found.is_empty() { "devices: []\n" } else { "devices:\n" });
    for service in found {
        let DiscoveredService { address, port, protocol, answer } = service;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  # {protocol}: {answer}");
        let _ = writeln!(text, "  - name: \"{protocol} {address}:{port}\"");
        let _ = writeln!(text, "    protocol: {protocol}\n    host: \"{address}\"\n    port: {port}");
    }
    text
}

#[cfg(test)]
#[path = "discover_tests.rs"]
mod tests;
