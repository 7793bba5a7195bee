//! Counters of the demo's plant: operating hours, revolutions and energy go on where an earlier start left them.

use super::catalog;
use crate::app::App;
use crate::domain::stream::StreamFilter;
use crate::domain::{Principal, Result};
use crate::sim::Plant;

/// Sets the plant's counters to the last readings of its devices where these are higher, so that no counter falls.
pub(super) fn resume(app: &App, owner: &Principal, plant: &mut Plant) -> Result<()> {
    for device in catalog::devices(app, owner)? {
        let filter = StreamFilter { device: Some(device.id), ..StreamFilter::default() };
        for stream in app.streams.streams(owner, &filter)? {
            let Some(counter) = Counter::of(plant, &stream.spec.name) else { continue };
            let last = app.streams.latest_valued_reading(owner, stream.id);
            if let Some(value) = last.and_then(|reading| reading.value) {
                counter.raise_to(value);
            }
        }
    }
    Ok(())
}

/// One counter of the plant.
struct Counter<'a> {
    value: &'a mut f64,
    /// How much of it one unit of its streams is.
    per_unit: f64,
    /// How much of it its devices count at once.
    step: f64,
}

impl Counter<'_> {
    /// Returns the counter that streams of this name show; `None` for other quantities.
    fn of<'a>(plant: &'a mut Plant, name: &str) -> Option<Counter<'a>> {
        let (value, per_unit, step) = match name {
            "motor.hours" => (&mut plant.motor.running_s, 3600.0, 1.0),
            "motor.revolutions" => (&mut plant.motor.revolutions, 1.0, 1.0),
            "furnace.energy" => (&mut plant.furnace.energy_kwh, 1.0, 0.001),
            _ => return None,
        };
        Some(Counter { value, per_unit, step })
    }

    /// Sets it so that its devices show this value or a higher one.
    fn raise_to(self, shown: f64) {
        // Devices cut what is below a step: without half a step more, a value that is rounded down would lose a whole one.
        *self.value = self.value.max(shown * self.per_unit + self.step / 2.0);
    }
}
