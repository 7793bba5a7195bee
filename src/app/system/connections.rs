//! Open connections of the listeners. Each listener registers its own limit; this only reads them.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::ServerState;
use crate::domain::server_status::ListenerConnections;

/// The connections of one listener.
pub trait ConnectionGauge: Send + Sync {
    /// Returns how many are open, how many may be, and the listener's name.
    fn connections(&self) -> ListenerConnections;
}

/// The listeners that run.
#[derive(Default)]
pub(super) struct ListenerGauges(Mutex<Vec<Weak<dyn ConnectionGauge>>>);

impl ListenerGauges {
    /// Returns the connections by name of the listener. Sockets of one name, such as MQTT with and without TLS, are added
    /// up.
    pub(super) fn read(&self) -> Vec<ListenerConnections> {
        let listeners: Vec<_> = self.0.lock().iter().filter_map(Weak::upgrade).collect();
        let mut all: Vec<ListenerConnections> = Vec::new();
        for next in listeners.iter().map(|listener| listener.connections()) {
            match all.iter_mut().find(|known| known.listener == next.listener) {
                Some(known) => {
                    known.open += next.open;
                    known.limit += next.limit;
                }
                None => all.push(next),
            }
        }
        all.sort_by_key(|one| one.listener);
        all
    }
}

impl ServerState {
    /// Shows the connections of a listener in metrics for as long as it runs.
    pub fn add_listener<G: ConnectionGauge + 'static>(&self, gauge: &Arc<G>) {
        let gauge: Arc<dyn ConnectionGauge> = gauge.clone();
        let mut listeners = self.connections.0.lock();
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(Arc::downgrade(&gauge));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct FixedGauge(ListenerConnections);

    impl ConnectionGauge for FixedGauge {
        fn connections(&self) -> ListenerConnections {
            self.0
        }
    }

    #[test]
    fn sockets_of_one_name_are_added_up_and_ended_ones_left_out() {
        let of = |listener, open| Arc::new(FixedGauge(ListenerConnections { listener, open, limit: 10 }));
        let (tls, plain, http, ended) = (of("mqtt", 3), of("mqtt", 4), of("http", 1), of("pg", 1));
        let gauges = ListenerGauges::default();
        for gauge in [&tls, &plain, &http, &ended] {
            let gauge: Arc<dyn ConnectionGauge> = gauge.clone();
            gauges.0.lock().push(Arc::downgrade(&gauge));
        }
        drop(ended);
        let expected = [
            ListenerConnections { listener: "http", open: 1, limit: 10 },
            ListenerConnections { listener: "mqtt", open: 7, limit: 20 },
        ];
        assert_eq!(gauges.read(), expected);
    }
}
