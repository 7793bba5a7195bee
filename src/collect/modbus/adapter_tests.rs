//! Devices and adapters that need a setting: without function 22, with echoes, with another unit in their answers.

use serde_json::{Value as Json, json};

use super::client::{ModbusClient, ModbusEndpoint};
use super::space::ModbusSpace;
use crate::collect::client::DeviceClient;
use crate::collect::fault::DeviceFault;
use crate::collect::registers::protocol::RegisterEndpoint;
use crate::collect::registers::{RegisterAddress, RegisterData, RegisterRange, RegisterWrite};
use crate::collect::request_socket::script::{ScriptedResponse, play};
use crate::collect::test_harness::context;
use crate::domain::device::{DeviceSpec, Protocol};

/// A client of a device with these settings, which is asked and answers exactly this.
async fn client(unit: u8, metadata: Json, script: &[(&'static str, &'static str)]) -> ModbusClient {
    let script = script.iter().map(|(request, answer)| (*request, ScriptedResponse::With(answer))).collect();
    let mut device = DeviceSpec::new("plc", Protocol::Modbus);
    (device.host, device.port, device.unit) = ("127.0.0.1".to_owned(), Some(play(script).await), unit);
    device.metadata = metadata.as_object().cloned().unwrap();
    ModbusClient::connect(&ModbusEndpoint::from_spec(&device).unwrap(), &context()).await.unwrap()
}

fn holding(start: u32, len: u16) -> RegisterRange {
    RegisterRange { space: ModbusSpace::Holding.into(), start, len }
}

fn register(offset: u32) -> RegisterAddress {
    RegisterAddress { space: ModbusSpace::Holding.into(), offset }
}

/// Plant B6: some are mute to function 22.
#[tokio::test]
async fn a_bit_is_written_without_function_22_where_the_setting_says_so() {
    let script = [
        ("0000 0000 0006 01 03 0004 0001", "0000 0000 0005 01 03 02 A005"),
        ("0001 0000 0006 01 06 0004 A025", "0001 0000 0006 01 06 0004 A025"),
    ];
    let mut client = client(1, json!({"mask_write": false}), &script).await;
    let bit_5 = RegisterWrite::Masked { cell: register(4), mask: 0x20, bits: 0x20 };
    assert_eq!(client.write_registers(&bit_5).await, Ok(()));
}

/// Plant B7.
#[tokio::test]
async fn the_echo_of_a_request_is_skipped() {
    let script = [
        ("01 03 0000 0002 C40B", "01 03 0000 0002 C40B 01 03 04 1234 FFFE 7EF5"),
        ("01 06 05DC 004D 88C9", "01 06 05DC 004D 88C9 01 06 05DC 004D 88C9"),
        ("01 03 0000 0002 C40B", "01 03 0000 0002 C40B 01 83 02 C0F1"),
    ];
    let mut client = client(1, json!({"framing": "rtu_over_tcp", "echo": true}), &script).await;
    assert_eq!(client.read_registers(holding(0, 2)).await, Ok(RegisterData::Words(vec![0x1234, 0xFFFE])));
    assert_eq!(client.write_registers(&RegisterWrite::Words(register(1500), vec![77])).await, Ok(()));
    let refused = client.read_registers(holding(0, 2)).await;
    assert!(matches!(refused, Err(DeviceFault::Refused { .. })), "{refused:?}");
}

#[tokio::test]
async fn an_adapter_without_echo_is_found_out() {
    let script = [("01 03 0000 0002 C40B", "01 03 04 1234 FFFE 7EF5")];
    let mut client = client(1, json!({"framing": "rtu_over_tcp", "echo": true}), &script).await;
    let fault = client.read_registers(holding(0, 2)).await.unwrap_err();
    assert!(fault.to_string().ends_with("is the setting `echo` right?"), "{fault}");
}

/// Plant B8.
#[tokio::test]
async fn an_answer_of_another_unit_names_both() {
    for (framing, request, answer) in [
        ("tcp", "0000 0000 0006 07 03 0000 0001", "0000 0000 0005 01 03 02 0007"),
        ("rtu_over_tcp", "07 03 0000 0001 846C", "01 03 02 0007 F986"),
    ] {
        let mut client = client(7, json!({"framing": framing}), &[(request, answer)]).await;
        let fault = client.read_registers(holding(0, 1)).await.unwrap_err();
        assert!(fault.to_string().ends_with("unit 1 answered in place of unit 7"), "{framing}: {fault}");
    }
}
