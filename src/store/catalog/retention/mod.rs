//! Retention bounds of streams: policies, the clock, and the floors below which rows are permanently gone.
//!
//! A floor is written before the first row below it is removed, and goes back only where a wrong clock has put it after
//! the present (`RetentionCatalog::lower_retention_floors`). So a window without its raw rows is never mistaken for a complete one,
//! whatever happens to the policy.

pub(super) mod clock;
pub(super) mod policy;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, EntityTrait};

use super::catalog_core::CatalogCore;
use super::database::unavailable;
use super::entity;
use super::mirror::{Mirror, STREAM_TABLES};
use super::transaction::DbTransaction;
use super::visibility::require_unrestricted;
use crate::domain::clock_trust::ClockTrust;
use crate::domain::device::Device;
use crate::domain::policy::{PolicyChange, PolicyTable};
use crate::domain::retention::{
    BEGINNING_OF_TIME, Cutoffs, END_OF_TIME, RetentionBounds, RetentionCut, StreamStarts, retention_cut,
};
use crate::domain::stream::Stream;
use crate::domain::time::MICROS_PER_HOUR;
use crate::domain::window::Windows;
use crate::domain::{DeviceId, Micros, Principal, Result, StreamId};
use crate::store::table::{PerTable, Table};
use parking_lot::Mutex;

/// Rows of `floors` per statement: databases limit the number of parameters.
const MAX_FLOORS_PER_STATEMENT: usize = 1000;

/// Cached result of `RetentionCatalog::retention_bounds`, with the revision and the time range for which it is valid.
pub(super) struct CachedBounds {
    revision: u64,
    from: i64,
    until: i64,
    kept: Arc<RetentionBounds>,
}

/// The time at which retention is evaluated.
#[derive(Debug, Clone, Copy)]
pub struct RetentionClock {
    pub now: Micros,
    /// Windows that ended by this time, microseconds, have their statistics; raw rows of later windows stay.
    pub watermark: i64,
}

/// Effect of a policy change on stored rows.
#[derive(Debug)]
pub struct PolicyPreview {
    pub cutoffs: PerTable<Cutoffs>,
    /// The latest time before which rows would be purged; `None` when none would be.
    pub before: Option<Micros>,
}

/// Policies of retention, and the bounds that follow from them and the clock.
pub struct RetentionCatalog {
    core: Arc<CatalogCore>,
    /// Latest result of `retention_bounds`.
    cached_bounds: Mutex<Option<CachedBounds>>,
    /// Whether rows may expire by the clock.
    clock_trust: Mutex<ClockTrust>,
}

impl RetentionCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core, cached_bounds: Default::default(), clock_trust: Default::default() }
    }

    /// Current retention bounds of all streams. Takes no principal, because it does not reveal their owners. A clock that
    /// has jumped ahead hides nothing and refuses no row as too old.
    pub fn retention_bounds(&self, now: Micros) -> Arc<RetentionBounds> {
        self.retention_bounds_at(self.expiry_time(now))
    }

    /// Retention bounds of all streams at a time that is known to be right, such as that of the node which removes rows.
    pub fn retention_bounds_at(&self, now: Micros) -> Arc<RetentionBounds> {
        let mirror = self.core.mirror.read();
        let mut last = self.cached_bounds.lock();
        let is_same =
            |l: &&CachedBounds| l.revision == mirror.revision() && (l.from..l.until).contains(&now.0);
        if let Some(same) = last.as_ref().filter(is_same) {
            return same.kept.clone();
        }
        let (kept, until) = bounds_at(&mirror, now);
        let kept = Arc::new(kept);
        let revision = mirror.revision();
        *last = Some(CachedBounds { revision, from: now.0, until, kept: kept.clone() });
        kept
    }

    /// Start of the raw rows of streams; earlier windows have statistics only. Streams that keep everything are left
    /// out.
    pub fn raw_from(&self, streams: impl IntoIterator<Item = StreamId>) -> HashMap<i32, Micros> {
        let kept = self.retention_bounds(self.core.clock.now());
        let from = streams.into_iter().map(|id| (id.0, kept.raw_from.start_of(id.0)));
        from.filter(|(_, from)| *from > BEGINNING_OF_TIME).map(|(id, from)| (id, Micros(from))).collect()
    }

    /// Cut-offs of a table by policies and floors: rows before them have expired.
    pub fn cutoffs(&self, table: Table, when: RetentionClock) -> Cutoffs {
        cutoffs_at(&self.core.mirror.read(), table, when)
    }

    /// Floors of a table: for each source, rows before its floor may be removed.
    pub fn retention_floors(&self, table: Table) -> Cutoffs {
        Cutoffs::new(self.core.mirror.read().floors(floor_table(table)).collect())
    }

    /// Raises the floors of sources durably to their current cut-offs.
    pub async fn raise_retention_floors(
        &self,
        table: Table,
        of: &BTreeSet<i32>,
        when: RetentionClock,
    ) -> Result<()> {
        let table = floor_table(table);
        let transaction = self.core.begin_transaction().await?;
        let raised: Vec<(Table, i32, i64)> = {
            let mirror = transaction.mirror();
            let now = cutoffs_at(&mirror, table, when);
            let all = of.iter().map(|id| (table, *id, now.cutoff_of(*id)));
            all.filter(|(table, id, from)| *from > mirror.floor(*table, *id)).collect()
        };
        if raised.is_empty() {
            return Ok(());
        }
        let raise = async move |db: DbTransaction| {
            write_floors(&*db, &raised).await?;
            Ok(raised)
        };
        let put = |mirror: &mut Mirror, raised: &Vec<(Table, i32, i64)>| {
            raised.iter().for_each(|(table, id, from)| mirror.put_floor(*table, *id, *from));
        };
        transaction.commit_unaudited(raise, put).await.map(drop)
    }

    /// Dry run of a policy change by the principal: which rows it would purge.
    ///
    /// # Errors
    /// As for the change itself: `NotFound` for a stream that is not visible, `Forbidden` for the organization's
    /// policies.
    pub fn dry_run_policy_change(
        &self,
        who: &Principal,
        change: &PolicyChange,
        now: Micros,
    ) -> Result<PolicyPreview> {
        let visible = self.core.visible_to(who);
        let mirror = &visible.mirror;
        let streams: Vec<&Arc<Stream>> = match change.stream {
            Some(id) => vec![visible.stream(id)?],
            None => {
                require_unrestricted(who)?;
                mirror.streams_of_org(who.org).filter_map(|id| mirror.streams().get(id)).collect()
            }
        };
        let mut before = BEGINNING_OF_TIME;
        let mut cutoffs = PerTable::default();
        for of in &change.tables {
            let of_org = mirror.policy(who.org, *of, None).map(|policy| policy.drop_after_s);
            let keep = change.drop_after_s.or(change.stream.and(of_org));
            if keep.is_none() {
                continue;
            }
            let own = |stream: &Stream| mirror.policy(who.org, *of, Some(stream.id)).is_some();
            // The organization's policy does not apply to a stream with its own.
            let meant = streams.iter().filter(|stream| change.stream.is_some() || !own(stream));
            let reached: Vec<(i32, i64)> =
                meant.map(|stream| (stream.id.0, purge_before(mirror, stream, *of, now, keep))).collect();
            before = reached.iter().map(|(_, from)| *from).fold(before, i64::max);
            cutoffs[lake_table(*of)] = Cutoffs::new(reached);
            if *of == PolicyTable::Statistics {
                cutoffs[Table::HourlyStatistics] = cutoffs[Table::Statistics].of_periods(MICROS_PER_HOUR);
            }
            if *of == PolicyTable::Readings && change.stream.is_none() {
                let cut = keep.map(|keep| retention_cut(now, keep, &Windows::with_interval(None)));
                let from = cut.map_or(BEGINNING_OF_TIME, |cut| cut.visible_from);
                let floor = |id: DeviceId| mirror.floor(Table::Messages, id.0);
                let devices = mirror.devices.ids_of(who.org);
                cutoffs[Table::Messages] =
                    Cutoffs::new(devices.map(|id| (id.0, from.max(floor(id)))).collect());
            }
        }
        Ok(PolicyPreview { cutoffs, before: (before > BEGINNING_OF_TIME).then_some(Micros(before)) })
    }
}

/// Marks all rows of streams, and of a device's messages, for removal, before these are deleted.
pub(super) async fn mark_deleted(
    db: &impl ConnectionTrait,
    streams: &[StreamId],
    device: Option<DeviceId>,
) -> Result<()> {
    let of_streams = streams.iter().flat_map(|id| STREAM_TABLES.map(|table| (table, id.0, END_OF_TIME)));
    let of_device = device.map(|id| (Table::Messages, id.0, END_OF_TIME));
    write_floors(db, &of_streams.chain(of_device).collect::<Vec<_>>()).await
}

pub(super) async fn write_floors(db: &impl ConnectionTrait, floors: &[(Table, i32, i64)]) -> Result<()> {
    use entity::floor::{Column, Entity};
    for part in floors.chunks(MAX_FLOORS_PER_STATEMENT) {
        let rows = part.iter().map(|(table, id, from)| entity::floor::new(*table, *id, *from));
        let replace = OnConflict::columns([Column::LakeTable, Column::SourceId])
            .update_column(Column::KeptFrom)
            .to_owned();
        let written = Entity::insert_many(rows).on_conflict(replace).exec_without_returning(db).await;
        written.map_err(unavailable)?;
    }
    Ok(())
}

fn bounds_at(mirror: &Mirror, now: Micros) -> (RetentionBounds, i64) {
    let (mut shown, mut raw, mut statistics) =
        (StreamStarts::default(), StreamStarts::default(), StreamStarts::default());
    let mut there = StreamStarts::default();
    let mut until = i64::MAX;
    if mirror.keeps_everything() {
        return (RetentionBounds::default(), until);
    }
    for stream in mirror.streams().all() {
        let id = stream.id.0;
        let of_readings = stream_cut(mirror, stream, PolicyTable::Readings, now);
        let of_statistics = stream_cut(mirror, stream, PolicyTable::Statistics, now);
        shown.set(id, of_readings.visible_from);
        raw.set(id, of_readings.purge_before);
        there.set(id, mirror.floor(Table::Readings, id));
        statistics.set(id, of_statistics.visible_from);
        until = until.min(of_readings.valid_until).min(of_statistics.valid_until);
    }
    let mut messages = StreamStarts::default();
    for device in mirror.devices.all() {
        let cut = messages_cut(mirror, device, now);
        messages.set(device.id.0, cut.visible_from);
        until = until.min(cut.valid_until);
    }
    let (shown, raw, there, statistics) =
        (Arc::new(shown), Arc::new(raw), Arc::new(there), Arc::new(statistics));
    (
        RetentionBounds {
            visible_from: shown,
            raw_from: raw,
            purged_before: there,
            statistics_from: statistics,
            messages_from: Arc::new(messages),
        },
        until,
    )
}

/// Cut-off of a stream by its policy and its floor.
fn stream_cut(mirror: &Mirror, stream: &Stream, of: PolicyTable, now: Micros) -> RetentionCut {
    let floor = mirror.floor(lake_table(of), stream.id.0);
    match mirror.drop_after_s(stream, of) {
        Some(keep) => {
            let cut = retention_cut(now, keep, &stream.windows);
            RetentionCut {
                visible_from: cut.visible_from.max(floor),
                purge_before: cut.purge_before.max(floor),
                ..cut
            }
        }
        None => RetentionCut { visible_from: floor, purge_before: floor, valid_until: i64::MAX },
    }
}

/// Cut-off of a device's messages by its organization's policy for readings and by its floor. A message contains the
/// readings of its device, so it stays no longer than these do without a policy of their own.
fn messages_cut(mirror: &Mirror, device: &Device, now: Micros) -> RetentionCut {
    let floor = mirror.floor(Table::Messages, device.id.0);
    let keep = mirror.policy(device.org, PolicyTable::Readings, None).map(|policy| policy.drop_after_s);
    match keep.map(|keep| retention_cut(now, keep, &Windows::with_interval(None))) {
        Some(cut) => RetentionCut {
            visible_from: cut.visible_from.max(floor),
            purge_before: cut.visible_from.max(floor),
            ..cut
        },
        None => RetentionCut { visible_from: floor, purge_before: floor, valid_until: i64::MAX },
    }
}

fn cutoffs_at(mirror: &Mirror, table: Table, when: RetentionClock) -> Cutoffs {
    if table == Table::HourlyStatistics {
        return cutoffs_at(mirror, Table::Statistics, when).of_periods(MICROS_PER_HOUR);
    }
    let mut from: HashMap<i32, i64> = mirror.floors(table).collect();
    if table == Table::Messages {
        for device in mirror.devices.all() {
            let removed = messages_cut(mirror, device, when.now).purge_before;
            if removed > BEGINNING_OF_TIME {
                from.insert(device.id.0, removed);
            }
        }
    }
    let of = PolicyTable::ALL.into_iter().find(|of| lake_table(*of) == table);
    for (of, stream) in of.into_iter().flat_map(|of| mirror.streams().all().map(move |s| (of, s))) {
        let Some(keep) = mirror.drop_after_s(stream, of) else { continue };
        let mut removed = purge_before(mirror, stream, of, when.now, Some(keep));
        if of == PolicyTable::Readings {
            let floor = mirror.floor(table, stream.id.0);
            removed = removed.min(stream.windows.window_containing(when.watermark).0).max(floor);
        }
        if removed > BEGINNING_OF_TIME {
            from.insert(stream.id.0, removed);
        }
    }
    Cutoffs::new(from.into_iter().collect())
}

/// Time before which rows of a stream may be purged when kept for `keep` seconds. Raw rows are purged by whole
/// windows; a statistics row is a window of its own.
fn purge_before(mirror: &Mirror, stream: &Stream, of: PolicyTable, now: Micros, keep: Option<i64>) -> i64 {
    let floor = mirror.floor(lake_table(of), stream.id.0);
    let by_policy = keep.map(|keep| retention_cut(now, keep, &stream.windows));
    let by_policy = by_policy.map(|cut| match of {
        PolicyTable::Readings => cut.purge_before,
        PolicyTable::Statistics => cut.visible_from,
    });
    by_policy.unwrap_or(BEGINNING_OF_TIME).max(floor)
}

/// The table whose floors bound a table's rows. Hours expire with the windows that they are combined from: with a floor
/// of their own, hours could be gone while a relaxed policy keeps their windows.
fn floor_table(table: Table) -> Table {
    match table {
        Table::HourlyStatistics => Table::Statistics,
        Table::Readings | Table::Statistics | Table::Messages => table,
    }
}

fn lake_table(of: PolicyTable) -> Table {
    match of {
        PolicyTable::Readings => Table::Readings,
        PolicyTable::Statistics => Table::Statistics,
    }
}
