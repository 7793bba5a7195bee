//! The choice of protocols and ports, and the file.

use super::*;
use crate::domain::device::Protocol;

fn service(protocol: Protocol, port: u16, answer: &str) -> DiscoveredService {
    DiscoveredService { address: "10.0.4.7".parse().unwrap(), port, protocol, answer: answer.to_owned() }
}

#[test]
fn protocols_are_all_or_those_named_at_their_own_ports_or_others() {
    let chosen = |names: &[&str], ports: &[(&str, u16)]| {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let ports: Vec<_> = ports.iter().map(|(name, port)| ((*name).to_owned(), *port)).collect();
        let probes = chosen_probes(&names, &ports)?;
        Ok::<_, Error>(
            probes.into_iter().map(|(probe, port)| (probe.protocol.name(), port)).collect::<Vec<_>>(),
        )
    };
    assert_eq!(chosen(&[], &[]).unwrap().len(), PROBES.len());
    let two = chosen(&["mqtt", "modbus"], &[("modbus", 5020)]).unwrap();
    assert_eq!(two, [("modbus", 5020), ("mqtt", 1883)]);
    let error = chosen(&["bacnet"], &[]).unwrap_err().to_string();
    assert!(error.starts_with("protocol `bacnet` is not one of modbus, melsec"), "{error}");
    assert!(chosen(&[], &[("bacnet", 1)]).is_err());
}

#[test]
fn a_file_lists_every_device_with_its_answer() {
    let found = [service(Protocol::Modbus, 502, "unit 1 has hr:0"), service(Protocol::S7, 102, "hello")];
    let expected = "\
# Found by `basalt discover 10.0.4.7`. Name the devices, add their streams, then import the file.
devices:
  # modbus: unit 1 has hr:0
  - name: \"modbus 10.0.4.7:502\"
    protocol: modbus
    host: \"10.0.4.7\"
    port: 502
  # s7: hello
  - name: \"s7 10.0.4.7:102\"
    protocol: s7
    host: \"10.0.4.7\"
    port: 102
";
    assert_eq!(inventory("10.0.4.7", &found), expected);
    assert!(inventory("10.0.4.7", &[]).ends_with("devices: []\n"));
}
