//! Parts of other nodes' queries, which a query node runs.

use tokio::runtime::Handle;

use super::App;
use crate::query::spread::Spread;

impl App {
    /// Returns what runs tasks of other nodes; `None` outside a cluster.
    pub fn tasks(&self) -> Option<&Spread> {
        self.engine.spread()
    }

    /// Returns the threads on which tasks run.
    pub fn task_threads(&self) -> &Handle {
        self.engine.task_threads()
    }
}
