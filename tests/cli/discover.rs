//! `basalt discover`: a device of other people's code (pymodbus) is found, and the file of it is imported.

use std::net::Ipv4Addr;

use crate::support::{DataDir, ModbusDevice, free_port};

#[tokio::test]
async fn what_is_found_is_a_file_that_imports() {
    let plc = ModbusDevice::start(free_port(), "socket").await;
    let home = DataDir::new();
    // An import needs a directory that was used before.
    home.basalt(&["org", "create", "other"]).await.expect_success();
    let file = home.path().join("found.yaml").display().to_string();
    let port = format!("modbus={}", plc.port);
    let host = Ipv4Addr::LOCALHOST.to_string();
    let args = ["discover", &host, "--protocol", "modbus", "--port", &port, "--output", &file];
    let table = home.basalt(&args).await.expect_success();
    let row = format!("{host}  {}", plc.port);
    assert!(table.lines().any(|line| line.starts_with(&row) && line.contains("unit 1 has hr:0")), "{table}");
    let name = format!("modbus {host}:{}", plc.port);
    let imported = home.basalt(&["import", &file]).await.expect_success();
    assert!(imported.contains(&format!("+ device {name}: protocol \"modbus\"")), "{imported}");
    let yaml = home.basalt(&[&args[..6], &["--yaml"]].concat()).await.expect_success();
    assert_eq!(yaml, std::fs::read_to_string(&file).expect("it is there"));
}

#[tokio::test]
async fn large_networks_and_unknown_protocols_are_refused() {
    let home = DataDir::new();
    for (args, words) in [
        (vec!["discover", "10.0.0.0/8"], "more than 1024 addresses"),
        (vec!["discover", "10.0.0.0/33"], "is no network"),
        (vec!["discover", "127.0.0.1", "--protocol", "bacnet"], "is not one of modbus"),
        (vec!["discover", "127.0.0.1", "--timeout", "0"], "timeout"),
    ] {
        let stderr = home.basalt(&args).await.expect_failure();
        assert!(stderr.contains(words), "{args:?}: {stderr}");
    }
}
