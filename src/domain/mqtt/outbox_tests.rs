//! Tests of outgoing messages against a client that loses its connection.

use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Message(u32, Qos);

impl Deliverable for Message {
    fn qos(&self) -> Qos {
        self.1
    }
}

#[test]
fn an_unacknowledged_message_comes_again_with_its_id() {
    let mut outbox = Outbox::new(2);
    (0..3).for_each(|n| outbox.push(Message(n, Qos::AtLeastOnce)));
    let publish = |id, is_repeat, n| {
        Some(Delivery::Publish { id: Some(id), is_repeat, message: Message(n, Qos::AtLeastOnce) })
    };
    assert_eq!(outbox.next_delivery(), publish(1, false, 0));
    assert_eq!(outbox.next_delivery(), publish(2, false, 1));
    assert_eq!(outbox.next_delivery(), None, "the window is full");
    assert_eq!(outbox.acknowledge(1), Ok(Message(0, Qos::AtLeastOnce)));
    assert_eq!(outbox.acknowledge(1), Err(UnknownPacketId));
    assert_eq!(outbox.receive(2), Err(UnknownPacketId), "it is of QoS 1");
    assert_eq!(outbox.resume(9), []);
    assert_eq!(outbox.acknowledge(2), Err(UnknownPacketId), "it was not sent in this connection");
    assert_eq!(outbox.next_delivery(), publish(2, true, 1));
    assert_eq!(outbox.next_delivery(), publish(3, false, 2));
    assert_eq!(outbox.next_delivery(), None);
}

#[test]
fn a_message_of_qos_2_is_released_after_its_receipt() {
    let mut outbox = Outbox::new(1);
    outbox.push(Message(7, Qos::ExactlyOnce));
    outbox.push(Message(8, Qos::ExactlyOnce));
    assert!(matches!(outbox.next_delivery(), Some(Delivery::Publish { id: Some(1), .. })));
    assert_eq!(outbox.acknowledge(1), Err(UnknownPacketId));
    assert_eq!(outbox.complete(1), Err(UnknownPacketId));
    assert_eq!(outbox.receive(1), Ok(Some(Message(7, Qos::ExactlyOnce))));
    assert_eq!(outbox.next_delivery(), Some(Delivery::Release(1)));
    assert_eq!(outbox.next_delivery(), None, "it still counts");
    assert_eq!(outbox.resume(1), []);
    assert_eq!(outbox.next_delivery(), Some(Delivery::Release(1)), "never the message again");
    assert_eq!(outbox.receive(1), Ok(None));
    assert_eq!(outbox.next_delivery(), Some(Delivery::Release(1)));
    assert_eq!(outbox.complete(1), Ok(()));
    assert!(matches!(outbox.next_delivery(), Some(Delivery::Publish { id: Some(2), .. })));
    assert_eq!(outbox.refuse(2), Ok(Some(Message(8, Qos::ExactlyOnce))));
    assert_eq!(outbox.next_delivery(), None);
}

#[test]
fn what_waits_at_qos_0_ends_with_its_connection() {
    let mut outbox = Outbox::new(1);
    outbox.push(Message(1, Qos::AtMostOnce));
    outbox.push(Message(2, Qos::AtLeastOnce));
    assert_eq!(outbox.resume(1), [Message(1, Qos::AtMostOnce)]);
    assert_eq!(outbox.waiting(), 1);
}

#[test]
fn ids_in_use_are_passed_over_and_zero_is_none() {
    let mut outbox = Outbox::new(3);
    (0..70_000).for_each(|n| outbox.push(Message(n, Qos::AtLeastOnce)));
    assert!(matches!(outbox.next_delivery(), Some(Delivery::Publish { id: Some(1), .. })));
    for _ in 0..65_534 {
        let Some(Delivery::Publish { id: Some(id), .. }) = outbox.next_delivery() else {
            panic!("no message")
        };
        assert_ne!(id, 0);
        outbox.acknowledge(id).unwrap();
    }
    assert!(matches!(outbox.next_delivery(), Some(Delivery::Publish { id: Some(2), .. })));
}

#[derive(Debug, Clone)]
enum Step {
    Add(Qos),
    /// Sends packets, which the client takes and answers, or loses.
    Deliver {
        taken: bool,
        answered: bool,
    },
    Reconnect(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u8..3).prop_map(|n| Step::Add(Qos::from_number(n).unwrap())),
        4 => (any::<bool>(), any::<bool>()).prop_map(|(taken, answered)| Step::Deliver { taken, answered }),
        1 => (1_u16..5).prop_map(Step::Reconnect),
    ]
}

/// A client that keeps the ids of QoS 2 that it has not been released from.
#[derive(Default)]
struct Client {
    received: HashMap<u32, usize>,
    open: BTreeSet<u16>,
}

impl Client {
    /// Takes a packet; returns whether it takes part in the count of its message.
    fn take(&mut self, delivery: &Delivery<Message>) {
        match delivery {
            Delivery::Publish { id, message, .. } => {
                let is_new = message.1 != Qos::ExactlyOnce || self.open.insert(id.unwrap());
                if is_new {
                    *self.received.entry(message.0).or_default() += 1;
                }
            }
            Delivery::Release(id) => {
                self.open.remove(id);
            }
        }
    }
}

fn answer(outbox: &mut Outbox<Message>, delivery: Delivery<Message>) {
    match delivery {
        Delivery::Publish { id: Some(id), message: Message(_, Qos::AtLeastOnce), .. } => {
            outbox.acknowledge(id).unwrap();
        }
        Delivery::Publish { id: Some(id), .. } => {
            outbox.receive(id).unwrap();
        }
        Delivery::Release(id) => outbox.complete(id).unwrap(),
        Delivery::Publish { id: None, .. } => {}
    }
}

proptest! {
    #[test]
    fn every_message_arrives_as_often_as_its_quality_says(steps in prop::collection::vec(step(), 0..120)) {
        let (mut outbox, mut client) = (Outbox::new(4), Client::default());
        let (mut sent, mut is_cut) = (Vec::new(), false);
        for step in steps {
            match step {
                Step::Add(qos) => {
                    let message = Message(u32::try_from(sent.len()).unwrap(), qos);
                    sent.push(message.clone());
                    outbox.push(message);
                }
                Step::Deliver { taken, answered } if !is_cut => {
                    let Some(delivery) = outbox.next_delivery() else { continue };
                    if taken {
                        client.take(&delivery);
                    }
                    if taken && answered {
                        answer(&mut outbox, delivery);
                    } else {
                        // Packets are lost with their connection only.
                        is_cut = true;
                    }
                }
                Step::Deliver { .. } => {}
                Step::Reconnect(window) => {
                    outbox.resume(window);
                    is_cut = false;
                }
            }
        }
        outbox.resume(3);
        while let Some(delivery) = outbox.next_delivery() {
            client.take(&delivery);
            answer(&mut outbox, delivery);
        }
        for Message(n, qos) in sent {
            let times = client.received.get(&n).copied().unwrap_or(0);
            let is_right = match qos {
                Qos::AtMostOnce => times <= 1,
                Qos::AtLeastOnce => times >= 1,
                Qos::ExactlyOnce => times == 1,
            };
            prop_assert!(is_right, "{n} {qos:?}: {times}");
        }
        prop_assert!(client.open.is_empty());
    }
}
