//! History of a new demo: its past is calculated by the simulators' plant, and marked as such.
//!
//! A first start that ends before everything is written is completed by the next one. So the end of the history is stored before
//! all else, and each step may be repeated: the past that ends at a moment is always the same, a reading replaces the one of the
//! same time, and events that are there are not created again.

use futures::TryStreamExt;
use serde_json::json;

use super::{catalog, past_events, recording};
use crate::app::App;
use crate::cli::instance::Instance;
use crate::domain::device::{Device, DeviceSpec};
use crate::domain::event::{Event, EventFilter, EventSpec};
use crate::domain::reading::Readings;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Error, Micros, Principal, Result};
use crate::sim::Plant;
use crate::sim::past::{PastMoment, past_until};
use crate::sim::readout::Readout;

/// Metadata of a device that says until when its readings were calculated.
pub(super) const MARK: &str = "simulated_history_until";
/// Readings from which they are written: fewer use less memory at once.
const ENOUGH_ROWS: usize = 50_000;

/// Writes the history that ends now, or where an interrupted start said that it ends. Returns the plant as it goes on.
///
/// # Errors
/// Errors of [`crate::app::ingest::Ingest::write_history`].
pub(super) async fn write(opened: &Instance, owner: &Principal) -> Result<Plant> {
    let app = &opened.app;
    let end = mark_devices(opened, owner).await?;
    tracing::info!("calculating the demo's history");
    let past = past_until(end);
    write_readings(app, owner, &past.moments).await?;
    write_events(app, owner, &past.moments, end).await?;
    Ok(past.present)
}

/// Whether the demo has a history.
pub(super) fn exists(app: &App, owner: &Principal) -> Result<bool> {
    Ok(catalog::devices(app, owner)?.iter().any(|device| marked_end(device).is_some()))
}

/// Stores the end of the history at every device, and returns it.
async fn mark_devices(opened: &Instance, owner: &Principal) -> Result<Micros> {
    let devices = catalog::devices(&opened.app, owner)?;
    let end = devices.iter().find_map(|device| marked_end(device)).unwrap_or_else(|| {
        let now = opened.clock.now();
        Micros(now.0 - now.0.rem_euclid(MICROS_PER_SECOND))
    });
    for device in devices.iter().filter(|device| marked_end(device).is_none()) {
        let mark = move |spec: &mut DeviceSpec| {
            spec.metadata.insert(MARK.to_owned(), json!(end.to_iso()));
        };
        opened.app.devices.update_device(owner, device.id, mark).await?;
    }
    Ok(end)
}

/// Returns the time until which a device's readings were calculated; `None` where none were.
fn marked_end(device: &Device) -> Option<Micros> {
    Micros::parse(device.spec.metadata.get(MARK)?.as_str()?)
}

/// Writes the readings of all devices, as their collectors would have stored them.
async fn write_readings(app: &App, owner: &Principal, moments: &[PastMoment]) -> Result<()> {
    let mut devices = recording::find_devices(app, owner)?;
    let mut rows = Readings::default();
    for moment in moments {
        let readout = Readout::of(&moment.plant)
            .map_err(|e| Error::internal(format!("the plant cannot be read: {e:?}")))?;
        for device in &mut devices {
            device.record(moment, &readout, &mut rows);
        }
        if rows.len() >= ENOUGH_ROWS {
            app.ingest.write_history(owner, std::mem::take(&mut rows)).await?;
        }
    }
    app.ingest.write_history(owner, rows).await?;
    Ok(())
}

/// Creates the events of the history that are not there yet.
async fn write_events(app: &App, owner: &Principal, moments: &[PastMoment], end: Micros) -> Result<()> {
    let filter = EventFilter { to: Some(end), ..EventFilter::default() };
    let known: Vec<Event> = app.events.events(owner, filter)?.try_concat().await?;
    for event in past_events::all(app, owner, moments, end)? {
        if !known.iter().any(|known| is_same(&known.spec, &event)) {
            app.events.create_event(owner, event).await?;
        }
    }
    Ok(())
}

/// Whether two events tell the same; an owner may have changed the rest.
fn is_same(known: &EventSpec, event: &EventSpec) -> bool {
    known.ts == event.ts && known.kind == event.kind && known.message == event.message
}
