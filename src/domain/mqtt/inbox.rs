//! Messages of a client that are not finished: the quota of its messages, and those of QoS 2 that it may send again.
//! Pure: no I/O, no clock.

use std::collections::HashMap;

use super::Qos;

/// Decision about an arrived message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Store it.
    Store,
    /// It is being stored: its answer follows.
    Ignore,
    /// It was stored before: answer PUBREC again.
    Stored,
    /// The client has sent more than it may without an acknowledgement.
    QuotaExceeded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Storing,
    Stored,
}

/// Incoming messages of a session.
#[derive(Debug)]
pub struct Inbox {
    quota: usize,
    /// Messages of QoS 1 that are being stored.
    storing: usize,
    /// Messages of QoS 2, from their arrival to PUBREL.
    open: HashMap<u16, Stage>,
}

impl Inbox {
    /// An inbox for a client that may have `quota` messages of QoS 1 and 2 unacknowledged.
    pub fn new(quota: u16) -> Self {
        Self { quota: usize::from(quota), storing: 0, open: HashMap::new() }
    }

    /// A message arrives; QoS 0 is always stored.
    pub fn arrive(&mut self, qos: Qos, id: u16) -> Arrival {
        if let (Qos::ExactlyOnce, Some(stage)) = (qos, self.open.get(&id)) {
            return if *stage == Stage::Stored { Arrival::Stored } else { Arrival::Ignore };
        }
        if qos != Qos::AtMostOnce && self.storing + self.open.len() >= self.quota {
            return Arrival::QuotaExceeded;
        }
        match qos {
            Qos::AtMostOnce => {}
            Qos::AtLeastOnce => self.storing += 1,
            Qos::ExactlyOnce => {
                self.open.insert(id, Stage::Storing);
            }
        }
        Arrival::Store
    }

    /// Whether a message of QoS 2 has come and is not released.
    pub fn is_open(&self, id: u16) -> bool {
        self.open.contains_key(&id)
    }

    /// A message is stored and about to be acknowledged.
    pub fn mark_stored(&mut self, qos: Qos, id: u16) {
        match qos {
            Qos::AtMostOnce => {}
            Qos::AtLeastOnce => self.storing = self.storing.saturating_sub(1),
            Qos::ExactlyOnce => {
                self.open.insert(id, Stage::Stored);
            }
        }
    }

    /// A message is refused for good: the error ends it.
    pub fn mark_refused(&mut self, qos: Qos, id: u16) {
        match qos {
            Qos::AtMostOnce => {}
            Qos::AtLeastOnce => self.storing = self.storing.saturating_sub(1),
            Qos::ExactlyOnce => {
                self.open.remove(&id);
            }
        }
    }

    /// PUBREL: the client will not send this message again. Returns whether the id was known.
    pub fn release(&mut self, id: u16) -> bool {
        match self.open.get(&id) {
            Some(Stage::Stored) => self.open.remove(&id).is_some(),
            Some(Stage::Storing) | None => false,
        }
    }

    /// The connection has ended: what was being stored is not acknowledged any more, so it comes again.
    pub fn disconnect(&mut self) {
        self.storing = 0;
        self.open.retain(|_, stage| *stage == Stage::Stored);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_of_qos_2_is_stored_once_until_it_is_released() {
        let mut inbox = Inbox::new(9);
        assert_eq!(inbox.arrive(Qos::ExactlyOnce, 5), Arrival::Store);
        assert_eq!(inbox.arrive(Qos::ExactlyOnce, 5), Arrival::Ignore);
        assert!(!inbox.release(5), "it was not acknowledged yet");
        assert!(inbox.is_open(5) && !inbox.is_open(6));
        inbox.mark_stored(Qos::ExactlyOnce, 5);
        inbox.disconnect();
        assert_eq!(inbox.arrive(Qos::ExactlyOnce, 5), Arrival::Stored);
        assert!(inbox.release(5) && !inbox.is_open(5) && !inbox.release(5));
        assert_eq!(inbox.arrive(Qos::ExactlyOnce, 5), Arrival::Store);
        inbox.disconnect();
        assert_eq!(inbox.arrive(Qos::ExactlyOnce, 5), Arrival::Store, "it was never acknowledged");
        inbox.mark_refused(Qos::ExactlyOnce, 5);
        assert_eq!(inbox.arrive(Qos::ExactlyOnce, 5), Arrival::Store);
    }

    #[test]
    fn a_client_that_ignores_its_quota_is_told() {
        let mut inbox = Inbox::new(2);
        assert_eq!(inbox.arrive(Qos::AtLeastOnce, 1), Arrival::Store);
        assert_eq!(inbox.arrive(Qos::ExactlyOnce, 2), Arrival::Store);
        assert_eq!(inbox.arrive(Qos::AtLeastOnce, 3), Arrival::QuotaExceeded);
        assert_eq!(inbox.arrive(Qos::AtMostOnce, 0), Arrival::Store);
        inbox.mark_stored(Qos::AtLeastOnce, 1);
        assert_eq!(inbox.arrive(Qos::AtLeastOnce, 3), Arrival::Store);
    }

    proptest! {
        #[test]
        fn what_is_open_never_exceeds_the_quota(steps in prop::collection::vec((0_u8..5, 1_u16..6), 0..200)) {
            let mut inbox = Inbox::new(3);
            let (mut one, mut two) = (0_usize, HashMap::new());
            for (step, id) in steps {
                match step {
                    0 | 1 => {
                        let qos = if step == 0 { Qos::AtLeastOnce } else { Qos::ExactlyOnce };
                        let expected = match two.get(&id).filter(|_| step == 1) {
                            Some(true) => Arrival::Stored,
                            Some(false) => Arrival::Ignore,
                            None if one + two.len() >= 3 => Arrival::QuotaExceeded,
                            None => Arrival::Store,
                        };
                        prop_assert_eq!(inbox.arrive(qos, id), expected);
                        if expected == Arrival::Store {
                            if step == 0 {
                                one += 1;
                            } else {
                                two.insert(id, false);
                            }
                        }
                    }
                    2 if two.contains_key(&id) => {
                        inbox.mark_stored(Qos::ExactlyOnce, id);
                        two.insert(id, true);
                    }
                    3 if one > 0 => {
                        inbox.mark_stored(Qos::AtLeastOnce, id);
                        one -= 1;
                    }
                    4 => {
                        let is_known = two.get(&id) == Some(&true);
                        prop_assert_eq!(inbox.release(id), is_known);
                        if is_known {
                            two.remove(&id);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}
