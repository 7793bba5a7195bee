//! Blocking client of an object store.

use std::future::Future;
use std::io;
use std::sync::Arc;

use object_store::ObjectStore;
use tokio::runtime::Runtime;

/// Runs requests on threads of its own; the caller blocks without a runtime, as it does for a disk.
#[derive(Clone)]
pub struct ObjectStoreClient {
    store: Arc<dyn ObjectStore>,
    runtime: Arc<BackgroundRuntime>,
}

/// A runtime that may be dropped anywhere, also within async code.
struct BackgroundRuntime(Option<Runtime>);

impl Drop for BackgroundRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl ObjectStoreClient {
    /// Starts the threads that talk to the object store.
    pub fn new(store: Arc<dyn ObjectStore>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("basalt-objects")
            .enable_all()
            .build()?;
        Ok(Self { store, runtime: Arc::new(BackgroundRuntime(Some(runtime))) })
    }

    /// Returns the object store, for the futures that `block_on` runs.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Runs a request to its end and blocks meanwhile. A missing object is `NotFound`.
    pub fn block_on<T: Send + 'static>(
        &self,
        work: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> io::Result<T> {
        let (done, answer) = std::sync::mpsc::sync_channel(1);
        let runtime = self.runtime.0.as_ref().expect("the runtime lives as long as its owner");
        runtime.spawn(async move {
            let _ = done.send(work.await);
        });
        let answer = answer.recv().map_err(|_| io::Error::other("a request to the object store was dropped"));
        answer?.map_err(|e| match e {
            object_store::Error::NotFound { .. } => io::Error::new(io::ErrorKind::NotFound, e),
            other => io::Error::other(other),
        })
    }
}
