//! The clock of retention: one that has jumped ahead expires nothing, and floors that such a clock has raised go back.

use super::RetentionCatalog;
use super::write_floors;
use crate::domain::clock_trust::{ClockReading, ClockState};
use crate::domain::retention::END_OF_TIME;
use crate::domain::window::Windows;
use crate::domain::{Micros, Result, StreamId};
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::transaction::DbTransaction;
use crate::store::table::Table;

impl RetentionCatalog {
    fn read_clock(&self) -> ClockReading {
        ClockReading::read(&*self.core.clock)
    }

    /// Tells which time an earlier process believed, unless this one knows already. Without any, every time is believed.
    pub fn remember_clock(&self, believed: Micros) {
        let monotonic = self.core.clock.monotonic();
        let mut trust = self.clock_trust.lock();
        if trust.is_unknown() {
            trust.trust(ClockReading { now: believed, monotonic });
        }
    }

    /// Believes the clock as it is now, because an operator says that it is right.
    pub fn confirm_clock(&self) {
        let reading = self.read_clock();
        self.clock_trust.lock().trust(reading);
    }

    /// Compares the clock with the time that has passed since it was believed last, and believes it where it may be.
    pub fn observe_clock(&self) -> ClockState {
        let reading = self.read_clock();
        self.clock_trust.lock().observe(reading)
    }

    /// Returns by how many microseconds the clock is ahead of the time expected, if it is not believed; else 0.
    pub fn clock_ahead_us(&self) -> i64 {
        let reading = self.read_clock();
        match self.clock_trust.lock().compare(reading) {
            ClockState::Ahead(by) => by,
            ClockState::Trusted | ClockState::Behind(_) => 0,
        }
    }

    /// Returns the time by which something may expire when the clock says `now`: the time expected, where the clock has
    /// jumped ahead of it.
    pub fn expiry_time(&self, now: Micros) -> Micros {
        let monotonic = self.core.clock.monotonic();
        self.clock_trust.lock().expiry_time(ClockReading { now, monotonic })
    }

    /// Lowers the floors of existing streams and devices that are later than the clock, durably, and returns how many.
    ///
    /// A policy keeps at least a second, so only a clock that was ahead can have raised such a floor. It goes back to the
    /// end of the window of the present moment: what was removed below it was older, or of this window, so that no window
    /// from there on lacks rows, and one that does is never computed again. The caller knows that the clock is right.
    pub async fn lower_retention_floors(&self, now: Micros) -> Result<usize> {
        if floors_after(&self.core.mirror.read(), now).is_empty() {
            return Ok(0);
        }
        let transaction = self.core.begin_transaction().await?;
        let lowered = floors_after(&transaction.mirror(), now);
        let count = lowered.len();
        let write = async move |db: DbTransaction| {
            write_floors(&*db, &lowered).await?;
            Ok(lowered)
        };
        let put = |mirror: &mut Mirror, lowered: &Vec<(Table, i32, i64)>| {
            lowered.iter().for_each(|(table, id, from)| mirror.lower_floor(*table, *id, *from));
        };
        transaction.commit_unaudited(write, put).await?;
        Ok(count)
    }
}

/// Returns the floors of existing streams and devices that lie after the window of `now`, with its end.
fn floors_after(mirror: &Mirror, now: Micros) -> Vec<(Table, i32, i64)> {
    let mut found = Vec::new();
    for table in Table::ALL {
        for (id, from) in mirror.floors(table).filter(|(_, from)| *from != END_OF_TIME && *from > now.0) {
            let windows = match table {
                Table::Messages => Some(Windows::with_interval(None)),
                _ => mirror.streams().get(StreamId(id)).map(|stream| stream.windows.clone()),
            };
            let end = windows.map(|windows| windows.window_containing(now.0).1);
            found.extend(end.filter(|end| *end < from).map(|end| (table, id, end)));
        }
    }
    found
}
