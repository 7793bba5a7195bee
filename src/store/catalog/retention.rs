//! What of each stream is kept: policies, the clock, and the floors below which rows are gone for good.
//!
//! A floor is written before the first row below it is removed, and never goes back: whatever becomes of the policy, a
//! window without its raw rows is never taken for one that has them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, EntityTrait};

use super::database::unavailable;
use super::mirror::{Mirror, OF_STREAMS};
use super::sight::whole_org;
use super::turn::Work;
use super::{Catalog, entity};
use crate::domain::policy::{PolicyChange, PolicyTable};
use crate::domain::retention::{Cut, Cutoffs, EVERYTHING, Kept, NOTHING, Since, cut};
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, Micros, Principal, Result, StreamId};
use crate::store::table::{PerTable, Table};

/// Rows of `floors` written by one statement: databases bound the number of parameters.
const FLOORS_A_STATEMENT: usize = 1000;

/// What `Catalog::kept` answered last, and for how long that is the answer.
pub(super) struct KeptFor {
    revision: u64,
    from: i64,
    until: i64,
    kept: Arc<Kept>,
}

/// When retention looks.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub now: Micros,
    /// Windows that ended by this time, microseconds, have their statistics: raw rows of later ones stay.
    pub sealed: i64,
}

/// What a change of policies would take.
#[derive(Debug)]
pub struct Reach {
    pub cutoffs: PerTable<Cutoffs>,
    /// The newest time before which rows would go; `None` when none would.
    pub before: Option<Micros>,
}

impl Catalog {
    /// What readers are shown now. It needs no principal, for it tells nothing of whose streams they are.
    pub fn kept(&self, now: Micros) -> Arc<Kept> {
        let mirror = self.mirror.read();
        let mut last = self.kept.lock();
        let is_same = |l: &&KeptFor| l.revision == mirror.revision() && (l.from..l.until).contains(&now.0);
        if let Some(same) = last.as_ref().filter(is_same) {
            return same.kept.clone();
        }
        let (kept, until) = kept_at(&mirror, now);
        let kept = Arc::new(kept);
        let revision = mirror.revision();
        *last = Some(KeptFor { revision, from: now.0, until, kept: kept.clone() });
        kept
    }

    /// Where the raw rows of streams begin: for earlier windows there are statistics only. Streams of which all rows are
    /// kept are left out.
    pub fn raw_from(&self, streams: impl IntoIterator<Item = StreamId>) -> HashMap<i32, Micros> {
        let kept = self.kept(self.clock.now());
        let from = streams.into_iter().map(|id| (id.0, kept.raw.of(id.0)));
        from.filter(|(_, from)| *from > EVERYTHING).map(|(id, from)| (id, Micros(from))).collect()
    }

    /// What of a table has expired, by the policies and floors there are.
    pub fn cutoffs(&self, table: Table, when: Moment) -> Cutoffs {
        cutoffs_at(&self.mirror.read(), table, when)
    }

    /// What of a table may be removed: for each source, rows before its floor.
    pub fn floors(&self, table: Table) -> Cutoffs {
        Cutoffs::new(self.mirror.read().floors(table).collect())
    }

    /// Raises the floors of sources to where their policies cut now, durably.
    pub async fn raise_floors(&self, table: Table, of: &BTreeSet<i32>, when: Moment) -> Result<()> {
        let turn = self.turn().await?;
        let raised: Vec<(Table, i32, i64)> = {
            let mirror = turn.mirror();
            let now = cutoffs_at(&mirror, table, when);
            let all = of.iter().map(|id| (table, *id, now.from(*id)));
            all.filter(|(table, id, from)| *from > mirror.floor(*table, *id)).collect()
        };
        if raised.is_empty() {
            return Ok(());
        }
        let raise = async move |db: Work| {
            write_floors(&*db, &raised).await?;
            Ok(raised)
        };
        let put = |mirror: &mut Mirror, raised: &Vec<(Table, i32, i64)>| {
            raised.iter().for_each(|(table, id, from)| mirror.put_floor(*table, *id, *from));
        };
        turn.run(raise, put).await.map(drop)
    }

    /// What would go if the principal made this change.
    ///
    /// # Errors
    /// As the change itself: `NotFound` for a stream not seen, `Forbidden` for policies of the organization.
    pub fn reach(&self, who: &Principal, change: &PolicyChange, now: Micros) -> Result<Reach> {
        let sight = self.sight(who);
        let mirror = &sight.mirror;
        let streams: Vec<&Arc<Stream>> = match change.stream {
            Some(id) => vec![sight.stream(id)?],
            None => {
                whole_org(who)?;
                mirror.streams_of_org(who.org).filter_map(|id| mirror.streams().get(id)).collect()
            }
        };
        let mut before = EVERYTHING;
        let mut cutoffs = PerTable::default();
        for of in &change.tables {
            let of_org = mirror.policy(who.org, *of, None).map(|policy| policy.drop_after_s);
            let keep = change.drop_after_s.or(change.stream.and(of_org));
            if keep.is_none() {
                continue;
            }
            let own = |stream: &Stream| mirror.policy(who.org, *of, Some(stream.id)).is_some();
            // The organization's policy is none of a stream that has its own.
            let meant = streams.iter().filter(|stream| change.stream.is_some() || !own(stream));
            let reached: Vec<(i32, i64)> =
                meant.map(|stream| (stream.id.0, removed(mirror, stream, *of, now, keep))).collect();
            before = reached.iter().map(|(_, from)| *from).fold(before, i64::max);
            cutoffs[lake_table(*of)] = Cutoffs::new(reached);
        }
        Ok(Reach { cutoffs, before: (before > EVERYTHING).then_some(Micros(before)) })
    }
}

/// Says of what is about to be deleted that nothing of it is kept.
pub(super) async fn bury(
    db: &impl ConnectionTrait,
    streams: &[StreamId],
    device: Option<DeviceId>,
) -> Result<()> {
    let of_streams = streams.iter().flat_map(|id| OF_STREAMS.map(|table| (table, id.0, NOTHING)));
    let of_device = device.map(|id| (Table::Messages, id.0, NOTHING));
    write_floors(db, &of_streams.chain(of_device).collect::<Vec<_>>()).await
}

async fn write_floors(db: &impl ConnectionTrait, floors: &[(Table, i32, i64)]) -> Result<()> {
    use entity::floor::{Column, Entity};
    for part in floors.chunks(FLOORS_A_STATEMENT) {
        let rows = part.iter().map(|(table, id, from)| entity::floor::new(*table, *id, *from));
        let replace = OnConflict::columns([Column::LakeTable, Column::SourceId])
            .update_column(Column::KeptFrom)
            .to_owned();
        let written = Entity::insert_many(rows).on_conflict(replace).exec_without_returning(db).await;
        written.map_err(unavailable)?;
    }
    Ok(())
}

fn kept_at(mirror: &Mirror, now: Micros) -> (Kept, i64) {
    let (mut shown, mut raw, mut statistics) = (Since::default(), Since::default(), Since::default());
    let mut there = Since::default();
    let mut until = i64::MAX;
    if mirror.keeps_everything() {
        return (Kept::default(), until);
    }
    for stream in mirror.streams().all() {
        let id = stream.id.0;
        let of_readings = cut_of(mirror, stream, PolicyTable::Readings, now);
        let of_statistics = cut_of(mirror, stream, PolicyTable::Statistics, now);
        shown.set(id, of_readings.shown);
        raw.set(id, of_readings.removed);
        there.set(id, mirror.floor(Table::Readings, id));
        statistics.set(id, of_statistics.shown);
        until = until.min(of_readings.until).min(of_statistics.until);
    }
    let (shown, raw, there, statistics) =
        (Arc::new(shown), Arc::new(raw), Arc::new(there), Arc::new(statistics));
    (Kept { shown, raw, there, statistics }, until)
}

/// Where policy and floor cut a stream.
fn cut_of(mirror: &Mirror, stream: &Stream, of: PolicyTable, now: Micros) -> Cut {
    let floor = mirror.floor(lake_table(of), stream.id.0);
    match mirror.drop_after_s(stream, of) {
        Some(keep) => {
            let cut = cut(now, keep, &stream.windows);
            Cut { shown: cut.shown.max(floor), removed: cut.removed.max(floor), ..cut }
        }
        None => Cut { shown: floor, removed: floor, until: i64::MAX },
    }
}

fn cutoffs_at(mirror: &Mirror, table: Table, when: Moment) -> Cutoffs {
    let mut from: HashMap<i32, i64> = mirror.floors(table).collect();
    let of = PolicyTable::ALL.into_iter().find(|of| lake_table(*of) == table);
    for (of, stream) in of.into_iter().flat_map(|of| mirror.streams().all().map(move |s| (of, s))) {
        let Some(keep) = mirror.drop_after_s(stream, of) else { continue };
        let mut removed = removed(mirror, stream, of, when.now, Some(keep));
        if of == PolicyTable::Readings {
            let floor = mirror.floor(table, stream.id.0);
            removed = removed.min(stream.windows.around(when.sealed).0).max(floor);
        }
        if removed > EVERYTHING {
            from.insert(stream.id.0, removed);
        }
    }
    Cutoffs::new(from.into_iter().collect())
}

/// Before which time rows of a stream may be removed when they are kept for `keep` seconds. Raw rows go by whole windows;
/// a row of statistics is a window.
fn removed(mirror: &Mirror, stream: &Stream, of: PolicyTable, now: Micros, keep: Option<i64>) -> i64 {
    let floor = mirror.floor(lake_table(of), stream.id.0);
    let by_policy = keep.map(|keep| cut(now, keep, &stream.windows));
    let by_policy = by_policy.map(|cut| match of {
        PolicyTable::Readings => cut.removed,
        PolicyTable::Statistics => cut.shown,
    });
    by_policy.unwrap_or(EVERYTHING).max(floor)
}

fn lake_table(of: PolicyTable) -> Table {
    match of {
        PolicyTable::Readings => Table::Readings,
        PolicyTable::Statistics => Table::Statistics,
    }
}
