//! Cases of the broker, without connections, and of its topics.

use serde_json::Value as Json;

use super::broker::{Broker, Delivery, Next};
use super::topics;
use crate::domain::mqtt::filter::TopicFilter;
use crate::sim::plant::Plant;

fn filter(text: &str) -> TopicFilter {
    TopicFilter::parse(text).unwrap()
}

fn sent(next: Next) -> Delivery {
    match next {
        Next::Send(delivery) => delivery,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_kept_session_gets_again_what_it_did_not_acknowledge() {
    let mut broker = Broker::default();
    let first = broker.attach("me", false).unwrap();
    assert!(!first.is_resumed && broker.subscribe(&first, filter("a/#"), true));
    broker.publish("a/b", "1".into(), false);
    broker.publish("a/c", "2".into(), false);
    broker.publish("b", "3".into(), false);
    let (one, two) = (sent(broker.next(&first)), sent(broker.next(&first)));
    assert_eq!(broker.next(&first), Next::Wait);
    broker.acknowledge(&first, one.packet_id.unwrap());
    broker.detach(&first);
    broker.publish("a/d", "4".into(), false);

    let second = broker.attach("me", false).unwrap();
    assert!(second.is_resumed);
    assert_eq!(sent(broker.next(&second)), Delivery { is_repeated: true, ..two });
    assert_eq!(&*sent(broker.next(&second)).topic, "a/d");
    assert_eq!(broker.next(&first), Next::TakenOver);
}

#[test]
fn a_retained_message_comes_with_a_subscription_until_it_is_deleted() {
    let mut broker = Broker::default();
    broker.publish("a", "1".into(), true);
    let client = broker.attach("me", true).unwrap();
    broker.subscribe(&client, filter("+"), false);
    let delivery = sent(broker.next(&client));
    assert_eq!((delivery.is_retained, delivery.packet_id), (true, None));
    broker.publish("a", "".into(), true);
    assert!(!sent(broker.next(&client)).is_retained);
    broker.subscribe(&client, filter("a"), false);
    assert_eq!(broker.next(&client), Next::Wait);
}

#[test]
fn a_session_that_takes_nothing_is_bounded() {
    let mut broker = Broker::default();
    let client = broker.attach("me", false).unwrap();
    broker.subscribe(&client, filter("a"), true);
    (0..5000).for_each(|n: u32| broker.publish("a", n.to_string().into(), false));
    let mut count = 0;
    while let Next::Send(delivery) = broker.next(&client) {
        broker.acknowledge(&client, delivery.packet_id.unwrap());
        count += 1;
    }
    assert_eq!(count, 1000);
    let attached = (0..1000).filter(|n| broker.attach(&n.to_string(), false).is_some()).count();
    assert_eq!(attached, 99);
}

#[test]
fn every_quantity_has_a_topic_and_settings_are_set() {
    let mut plant = Plant::default();
    let value = |plant: &Plant, name: &str| {
        let found = topics::messages(plant).into_iter().find(|(topic, _)| topic == name).unwrap();
        serde_json::from_str::<Json>(&found.1).unwrap()["value"].clone()
    };
    assert_eq!(topics::messages(&plant).len(), topics::lines().len());
    for (topic, payload, name, expected) in [
        ("plant/motor/setpoint/set", "1200", "plant/motor/setpoint", Json::from(1200)),
        ("plant/motor/setpoint/set", "99999", "plant/motor/setpoint", Json::from(1200)),
        ("plant/motor/setpoint/set", "fast", "plant/motor/setpoint", Json::from(1200)),
        ("plant/furnace/door/set", "true", "plant/furnace/door", Json::from(true)),
        ("plant/tank/valve/set", "12.5", "plant/tank/valve", Json::from(12.5)),
    ] {
        topics::apply(&mut plant, topic, payload.as_bytes());
        assert_eq!(value(&plant, name), expected, "{topic} {payload}");
    }
    assert_eq!(topics::value_path("motor.speed"), "plant/motor/speed#/value");
}
