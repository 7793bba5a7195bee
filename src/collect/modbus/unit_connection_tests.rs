//! Several units on one connection: turns, failures, and the end of one of them.

use super::*;
use crate::collect::client::DeviceClient;
use crate::collect::modbus::client::{ModbusClient, ModbusEndpoint};
use crate::collect::modbus::fake::{FakeDevice, Loss};
use crate::collect::modbus::space::ModbusSpace;
use crate::collect::registers::protocol::RegisterEndpoint;
use crate::collect::registers::{RegisterData, RegisterRange};
use crate::collect::test_harness::{context, plc};

/// A client of one unit behind a gateway.
async fn unit_of(gateway: &FakeDevice, unit: u8, is_shared: bool) -> ModbusClient {
    let mut device = plc(gateway);
    device.unit = unit;
    device.metadata.insert("shared_connection".to_owned(), is_shared.into());
    ModbusClient::connect(&ModbusEndpoint::from_spec(&device).unwrap(), &context()).await.unwrap()
}

async fn read(client: &mut ModbusClient, start: u32) -> Result<RegisterData, DeviceFault> {
    client.read_registers(RegisterRange { space: ModbusSpace::Holding.into(), start, len: 1 }).await
}

fn word(value: u16) -> Result<RegisterData, DeviceFault> {
    Ok(RegisterData::Words(vec![value]))
}

async fn gateway() -> FakeDevice {
    let gateway = FakeDevice::start().await;
    gateway.set(3, 0, &[70, 71, 72, 73]);
    gateway
}

#[tokio::test]
async fn units_share_a_connection_until_the_last_is_gone() {
    let gateway = gateway().await;
    let (mut first, mut second) = (unit_of(&gateway, 1, true).await, unit_of(&gateway, 2, true).await);
    let (one, two) = tokio::join!(read(&mut first, 0), read(&mut second, 1));
    assert_eq!((one, two), (word(70), word(71)));
    drop(first);
    assert_eq!(read(&mut second, 2).await, word(72), "the other is still connected");
    assert_eq!(gateway.memory.lock().connections, 1);
    drop(second);
    let mut third = unit_of(&gateway, 3, true).await;
    assert_eq!(read(&mut third, 3).await, word(73));
    assert_eq!(gateway.memory.lock().connections, 2, "nobody used the first one any more");
}

#[tokio::test]
async fn a_device_may_have_a_connection_of_its_own() {
    let gateway = gateway().await;
    let (mut first, mut second) = (unit_of(&gateway, 1, true).await, unit_of(&gateway, 2, false).await);
    assert_eq!((read(&mut first, 0).await, read(&mut second, 1).await), (word(70), word(71)));
    assert_eq!(gateway.memory.lock().connections, 2);
}

#[tokio::test]
async fn a_unit_that_does_not_answer_costs_the_others_a_connection_and_no_value() {
    for loss in [Loss::Silence, Loss::Close, Loss::OtherLength] {
        let gateway = gateway().await;
        let (mut mute, mut well) = (unit_of(&gateway, 1, true).await, unit_of(&gateway, 2, true).await);
        assert_eq!(read(&mut well, 0).await, word(70));
        gateway.memory.lock().lost = vec![(3, 3, loss)];
        let (lost, value) = tokio::join!(read(&mut mute, 3), read(&mut well, 1));
        assert!(lost.is_err_and(|fault| fault.is_connection_loss()), "{loss:?}");
        assert!(!mute.is_open());
        assert_eq!(value, word(71), "{loss:?}");
        assert_eq!(read(&mut well, 2).await, word(72), "{loss:?}");
    }
}

#[tokio::test]
async fn a_gateway_that_is_gone_is_lost_for_all() {
    let gateway = gateway().await;
    let (mut first, mut second) = (unit_of(&gateway, 1, true).await, unit_of(&gateway, 2, true).await);
    assert_eq!((read(&mut first, 0).await, read(&mut second, 1).await), (word(70), word(71)));
    drop(gateway);
    for client in [&mut first, &mut second] {
        let lost = read(client, 0).await;
        assert!(lost.is_err_and(|fault| fault.is_connection_loss()));
    }
}
