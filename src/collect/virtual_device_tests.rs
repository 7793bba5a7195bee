//! Virtual devices with generators, collected like any other device.

use serde_json::{Map, Value, json};

use super::test_harness::{CollectFixture, stream, until};
use crate::domain::device::{DeviceSpec, DeviceState, Protocol};
use crate::domain::generator::Generator;
use crate::domain::stream::{Stream, StreamKind};

fn metadata(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn made_up(id: i32, kind: StreamKind, settings: Value) -> Stream {
    let mut stream = stream(id, "", kind);
    stream.spec.metadata = metadata(settings);
    stream
}

fn device(settings: Value) -> DeviceSpec {
    DeviceSpec {
        poll_interval_s: Some(0.02),
        metadata: metadata(settings),
        ..DeviceSpec::new("made up", Protocol::Virtual)
    }
}

#[tokio::test(start_paused = true)]
async fn generators_say_what_their_settings_stream_and_time_say() {
    let spec = device(json!({"generator": "sine", "frequency": 7}));
    let streams = vec![
        made_up(1, StreamKind::Fp64, json!({"amplitude": 3, "mean": 5})),
        made_up(2, StreamKind::Fp64, json!({"generator": "random"})),
        made_up(3, StreamKind::Uint16, json!({"amplitude": 100, "mean": 100})),
        made_up(4, StreamKind::Bit, json!({})),
    ];
    let world = CollectFixture::single_device(spec.clone(), streams.clone());
    world
        .until_stored("each said something", |all| (1..=4).all(|id| all.iter().any(|r| r.stream.0 == id)))
        .await;
    world.until_state(DeviceState::Online).await;
    assert!(world.status().last_seen.is_some());
    for stream in &streams {
        let first = &world.readings_of(stream.id.0)[0];
        let generator = Generator::from_metadata(&spec.metadata, &stream.spec.metadata).unwrap().unwrap();
        let exact = generator.value(stream.id, first.ts);
        let expected = match stream.spec.kind {
            StreamKind::Uint16 => exact.round(),
            StreamKind::Bit => f64::from(u8::from(exact >= 0.0)),
            _ => exact,
        };
        assert_eq!(first.value, Some(expected), "{}", stream.id);
    }
    world.collectors.stop().await;
}

#[tokio::test(start_paused = true)]
async fn only_streams_with_a_generator_are_polled() {
    // Values of the second stream are posted.
    let streams = vec![
        made_up(1, StreamKind::Fp64, json!({"generator": "sine"})),
        made_up(2, StreamKind::Fp64, json!({})),
    ];
    let world = CollectFixture::single_device(device(json!({})), streams);
    world.until_stored("several", |all| all.len() > 3).await;
    assert!(world.readings_of(2).is_empty());

    // A wrong setting is the fault of its stream alone.
    world.change(|_, streams| {
        let wrong = made_up(3, StreamKind::Uint16, json!({"generator": "sine"}));
        streams.push(std::sync::Arc::new(wrong));
    });
    world.until_state(DeviceState::Degraded).await;
    let message = world.status().last_error.unwrap();
    assert!(message.contains("set mean and amplitude"), "{message}");
    assert_eq!(world.bad_counts(), [(3, 1)].into());

    // A device without any generator is online, and nothing is polled.
    world.change(|_, streams| streams.drain(..).for_each(drop));
    until("it rests", || world.status().state == DeviceState::Online && world.status().last_error.is_none())
        .await;
    world.collectors.stop().await;
}
