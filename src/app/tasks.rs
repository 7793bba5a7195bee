//! Parts of other nodes' queries, which a query node runs.

use tokio::runtime::Handle;

use crate::app::sql::Statements;
use crate::query::spread::Spread;

impl Statements {
    /// Returns what runs tasks of other nodes; `None` outside a cluster.
    pub fn tasks(&self) -> Option<&Spread> {
        self.engine.spread()
    }

    /// Returns the threads on which tasks run.
    pub fn task_threads(&self) -> &Handle {
        self.engine.task_threads()
    }
}
