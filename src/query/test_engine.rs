//! An engine over an empty store, for tests.

use std::sync::Arc;
use std::time::Duration;

use super::{Engine, EngineOptions, SpreadOptions};
use crate::domain::device::{Device, DeviceStatus};
use crate::domain::mqtt::status::SessionStatus;
use crate::domain::ports::{DeviceStatusSource, ModelRows, ModelScorer};
use crate::domain::{Error, Micros, Principal, Result};
use crate::fuzz_store::FuzzStore;

struct NoDevicesOrModels;

impl DeviceStatusSource for NoDevicesOrModels {
    fn status(&self, _: &Device) -> DeviceStatus {
        DeviceStatus::default()
    }

    fn mqtt_sessions(&self, _: &Principal) -> Vec<SessionStatus> {
        Vec::new()
    }
}

impl ModelScorer for NoDevicesOrModels {
    fn score(
        &self,
        _: &Principal,
        _: ModelRows<'_>,
        _: &dyn Fn() -> bool,
        _: &mut dyn FnMut(Micros, f64),
    ) -> Result<()> {
        Err(Error::not_found())
    }
}

/// Makes an engine over an empty store.
pub fn test_engine(env: &FuzzStore, spread: Option<SpreadOptions>) -> Arc<Engine> {
    let options = EngineOptions {
        // A statement that is ended after this time is no failure; one that exceeds the watchdog's limit is.
        timeout: Duration::from_millis(300),
        max_rows: 1000,
        memory_bytes: 256 << 20,
        share_bytes: 128 << 20,
        max_running: 4,
        max_waiting: 64,
        queue_deadline: Duration::from_secs(1),
        spill_dir: env.dir.path().join("spill"),
        spread,
    };
    let _inside = env.runtime.enter();
    Arc::new(
        Engine::new(env.store.clone(), Arc::new(NoDevicesOrModels), Arc::new(NoDevicesOrModels), options)
            .expect("an engine"),
    )
}
