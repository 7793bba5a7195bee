//! Tests of components that are deleted while their sensors change.

use serde_json::Map;

use super::*;
use crate::app::mk::device::PlatformDevice;
use crate::app::test_app;

#[tokio::test]
async fn a_component_is_deleted_with_sensors_that_come_and_go_meanwhile() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let settings = PlatformDevice { name: "d".to_owned(), ..PlatformDevice::default() };
    let device = app.mk.devices.create_platform_device(&who, settings).await.unwrap().device;
    let sensors = &app.mk.sensors;
    let spec = ComponentSpec {
        device: device.id,
        key: "boiler".to_owned(),
        name: "Boiler".to_owned(),
        sensor_profile: None,
        metadata: Map::new(),
    };
    let component = sensors.create_component(&who, spec).await.unwrap().uuid;
    let sensor = |key: &str| SensorSpec {
        device: device.aliases.uuid,
        component: Some(component),
        key: key.to_owned(),
        name: key.to_owned(),
        value_type: ValueType::Double,
        unit: None,
        is_writable: false,
    };
    sensors.create_sensor(&who, sensor("first")).await.unwrap();
    let second = sensors.create_sensor(&who, sensor("second")).await.unwrap().stream.uuid;
    // Changes of the catalog are made in the order in which they begin to wait: these two before the deletion comes to the second
    // sensor.
    let (component, gone, late) = tokio::join!(
        sensors.delete_component(&who, component),
        sensors.delete_sensor(&who, second),
        sensors.create_sensor(&who, sensor("late")),
    );
    component.unwrap();
    gone.unwrap();
    late.unwrap();
    let left = sensors.sensors(&who, &SensorFilter::default()).unwrap();
    assert!(left.is_empty(), "{left:?}");
}
