//! The simulator from a Modbus client's side.

use tokio_modbus::client::{Client, Context, Reader, Writer, tcp};

use super::*;
use crate::domain::device::Protocol;
use crate::domain::stream::StreamKind;
use crate::sim::Simulator;
use crate::sim::tags::demo_tags;

async fn start() -> (Simulator, Context) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let simulator = Simulator::start(listener, Plant::default()).unwrap();
    let client = tcp::connect(simulator.addr()).await.unwrap();
    (simulator, client)
}

#[tokio::test]
async fn quantities_stand_where_the_map_says() {
    let (simulator, mut client) = start().await;
    let holding = client.read_holding_registers(0, 3).await.unwrap().unwrap();
    assert_eq!(holding, [1480, 400, 6500]);
    let motor = client.read_input_registers(0, 11).await.unwrap().unwrap();
    assert!((1470..=1490).contains(&motor[0]), "{motor:?}");
    let winding_c = f32::from_bits(u32::from(motor[3]) << 16 | u32::from(motor[2]));
    assert!((20.0..100.0).contains(&winding_c), "{winding_c}");
    let running_s = u32::from(motor[6]) << 16 | u32::from(motor[5]);
    assert!(running_s >= 4321 * 3600, "{running_s}");
    let tank = client.read_input_registers(20, 10).await.unwrap().unwrap();
    let level = tank[..4].iter().rev().fold(0u64, |raw, word| raw << 16 | u64::from(*word));
    assert!((50.0..60.0).contains(&f64::from_bits(level)), "{tank:?}");
    assert_eq!(client.read_coils(0, 2).await.unwrap().unwrap(), [true, false]);
    assert!(client.read_discrete_inputs(0, 4).await.unwrap().unwrap()[0]);
    simulator.stop().await;
}

#[tokio::test]
async fn writes_act_on_the_plant() {
    let (simulator, mut client) = start().await;
    client.write_single_register(0, 900).await.unwrap().unwrap();
    client.write_multiple_registers(1, &[1000, 3000]).await.unwrap().unwrap();
    client.write_single_coil(0, false).await.unwrap().unwrap();
    client.write_multiple_coils(0, &[false, true]).await.unwrap().unwrap();
    let plant = simulator.plant();
    assert_eq!((plant.motor.run, plant.motor.setpoint_rpm), (false, 900.0));
    assert_eq!((plant.tank.valve_pct, plant.furnace.setpoint_c), (100.0, 300.0));
    assert!(plant.furnace.is_door_open);
    assert_eq!(client.read_holding_registers(0, 3).await.unwrap().unwrap(), [900, 1000, 3000]);
    simulator.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_refused_with_the_proper_exception() {
    use ExceptionCode::{IllegalDataAddress, IllegalDataValue, IllegalFunction};
    let (simulator, mut client) = start().await;
    let before = simulator.plant();
    for (name, request, exception) in [
        ("no_such_register", Request::ReadHoldingRegisters(3, 1), IllegalDataAddress),
        ("over_the_end", Request::ReadHoldingRegisters(2, 2), IllegalDataAddress),
        ("the_last_address", Request::ReadInputRegisters(65_535, 125), IllegalDataAddress),
        ("in_a_gap", Request::ReadInputRegisters(11, 1), IllegalDataAddress),
        ("across_machines", Request::ReadInputRegisters(10, 11), IllegalDataAddress),
        ("no_such_coil", Request::ReadCoils(2, 1), IllegalDataAddress),
        ("no_such_input", Request::ReadDiscreteInputs(4, 1), IllegalDataAddress),
        ("nothing", Request::ReadHoldingRegisters(0, 0), IllegalDataValue),
        ("too_many_words", Request::ReadHoldingRegisters(0, 126), IllegalDataValue),
        ("too_many_bits", Request::ReadCoils(0, 2001), IllegalDataValue),
        ("too_fast", Request::WriteSingleRegister(0, 3001), IllegalDataValue),
        ("not_writable", Request::WriteSingleRegister(3, 1), IllegalDataAddress),
        ("no_such_command", Request::WriteSingleCoil(2, true), IllegalDataAddress),
        ("all_or_none", Request::WriteMultipleRegisters(0, vec![1, 1001].into()), IllegalDataValue),
        ("mask_write", Request::MaskWriteRegister(0, 0, 0), IllegalFunction),
        ("custom", Request::Custom(0x41, vec![1].into()), IllegalFunction),
    ] {
        assert_eq!(client.call(request).await.unwrap(), Err(exception), "{name}");
    }
    let after = simulator.plant();
    assert_eq!((after.motor.setpoint_rpm, after.motor.run), (before.motor.setpoint_rpm, before.motor.run));
    simulator.stop().await;
}

#[tokio::test]
async fn stopping_closes_listener_and_connections() {
    let (simulator, mut client) = start().await;
    let addr = simulator.addr();
    assert!(client.read_coils(0, 1).await.is_ok());
    simulator.stop().await;
    assert!(TcpStream::connect(addr).await.is_err());
    let after = tokio::time::timeout(Duration::from_secs(2), client.read_coils(0, 1)).await;
    assert!(after.is_ok_and(|answer| answer.is_err()), "the connection is closed");
}

#[tokio::test]
async fn the_plant_moves_by_itself() {
    let (simulator, _client) = start().await;
    let before = simulator.plant();
    let moves = async {
        while simulator.plant().motor.running_s <= before.motor.running_s {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), moves).await.expect("the motor runs");
    simulator.stop().await;
}

#[tokio::test]
async fn every_demo_tag_can_be_read() {
    let (simulator, mut client) = start().await;
    let tags = demo_tags(Protocol::Modbus);
    for tag in &tags {
        let (space, start) = tag.path.split_once(':').unwrap();
        let start = start.parse().unwrap();
        let count = match tag.kind {
            StreamKind::Int32 | StreamKind::Uint32 | StreamKind::Fp32 => 2,
            StreamKind::Int64 | StreamKind::Uint64 | StreamKind::Fp64 => 4,
            _ => 1,
        };
        let request = match space {
            "co" => Request::ReadCoils(start, count),
            "di" => Request::ReadDiscreteInputs(start, count),
            "hr" => Request::ReadHoldingRegisters(start, count),
            _ => Request::ReadInputRegisters(start, count),
        };
        assert!(client.call(request).await.unwrap().is_ok(), "{}", tag.name);
    }
    let numeric = StreamKind::ALL.into_iter().filter(|kind| kind.is_register_kind());
    for kind in numeric {
        assert!(tags.iter().any(|tag| tag.kind == kind), "{kind} is shown");
    }
    simulator.stop().await;
}
