//! Readings accepted by organization and calendar month. They are counted in memory and written every few seconds: a
//! crash may lose the counts of the last seconds, and an orderly end loses none.

use std::collections::HashMap;

use parking_lot::Mutex;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, Set};

use super::OrgCatalog;
use crate::domain::billing::BillingPeriod;
use crate::domain::{Micros, OrgId, Principal, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity::reading_count::{ActiveModel, Column, Entity};
use crate::store::catalog::transaction::DbTransaction;

/// The counts of the months that may still grow.
#[derive(Debug, Default)]
pub(in crate::store::catalog) struct ReadingCounts(Mutex<HashMap<(OrgId, Micros), MonthCount>>);

#[derive(Debug, Default, Clone, Copy)]
struct MonthCount {
    written: u64,
    unwritten: u64,
}

impl ReadingCounts {
    /// Reads the counts of the month of `now`.
    pub(in crate::store::catalog) async fn load(db: &DatabaseConnection, now: Micros) -> Result<Self> {
        let month = BillingPeriod::of(now).start;
        let rows = Entity::find().filter(Column::Month.gte(month.0)).all(db).await.map_err(unavailable)?;
        let counts = rows.into_iter().map(|row| {
            let written = u64::try_from(row.readings).unwrap_or(0);
            ((OrgId(row.org_id), Micros(row.month)), MonthCount { written, unwritten: 0 })
        });
        Ok(Self(Mutex::new(counts.collect())))
    }

    fn count(&self, org: OrgId, month: Micros, readings: u64) {
        self.0.lock().entry((org, month)).or_default().unwritten += readings;
    }

    fn of(&self, org: OrgId, month: Micros) -> u64 {
        self.0.lock().get(&(org, month)).map_or(0, |count| count.written + count.unwritten)
    }

    fn unwritten(&self) -> Vec<(OrgId, Micros, u64)> {
        let counts = self.0.lock();
        let due = counts.iter().filter(|(_, count)| count.unwritten > 0);
        due.map(|((org, month), count)| (*org, *month, count.unwritten)).collect()
    }

    /// Notes what was written, and forgets months before `current` of which everything is written.
    fn mark_written(&self, written: &[(OrgId, Micros, u64)], current: Micros) {
        let mut counts = self.0.lock();
        for (org, month, readings) in written {
            let count = counts.entry((*org, *month)).or_default();
            count.unwritten = count.unwritten.saturating_sub(*readings);
            count.written += readings;
        }
        counts.retain(|(_, month), count| *month >= current || count.unwritten > 0);
    }
}

impl OrgCatalog {
    /// Counts readings that were accepted now.
    pub fn count_readings(&self, org: OrgId, readings: usize) {
        if readings > 0 {
            let month = BillingPeriod::of(self.core.clock.now()).start;
            self.reading_counts.count(org, month, readings as u64);
        }
    }

    /// Readings that the principal's organization had in the month of this time, which is not over yet.
    pub fn readings_of_month(&self, who: &Principal, now: Micros) -> u64 {
        self.reading_counts.of(who.org, BillingPeriod::of(now).start)
    }

    /// Writes what was counted since the last time.
    ///
    /// # Errors
    /// `Unavailable`; the counts are kept.
    pub async fn save_reading_counts(&self) -> Result<()> {
        // Saved by one at a time: whoever comes second finds what is left.
        let transaction = self.core.begin_transaction().await?;
        let due = self.reading_counts.unwritten();
        if due.is_empty() {
            return Ok(());
        }
        let saved = due.clone();
        let add = async move |db: DbTransaction| {
            for (org, month, readings) in due {
                let readings = i64::try_from(readings).unwrap_or(i64::MAX);
                let more = ExprTrait::add(Expr::col(Column::Readings), readings);
                let row = Entity::update_many()
                    .col_expr(Column::Readings, more)
                    .filter(Column::OrgId.eq(org.0))
                    .filter(Column::Month.eq(month.0));
                if row.exec(&*db).await.map_err(unavailable)?.rows_affected == 0 {
                    let row = ActiveModel {
                        org_id: Set(org.0),
                        month: Set(month.0),
                        readings: Set(readings),
                        ..Default::default()
                    };
                    row.insert(&*db).await.map_err(unavailable)?;
                }
            }
            Ok(())
        };
        transaction.commit_unmirrored(add).await?;
        self.reading_counts.mark_written(&saved, BillingPeriod::of(self.core.clock.now()).start);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_counted_twice_or_lost_while_it_is_written() {
        let counts = ReadingCounts::default();
        let (org, other, april, may) = (OrgId(1), OrgId(2), Micros(4), Micros(5));
        counts.count(org, april, 3);
        counts.count(other, april, 1);
        let mut due = counts.unwritten();
        due.sort();
        assert_eq!(due, [(org, april, 3), (other, april, 1)]);
        counts.count(org, april, 2);
        counts.mark_written(&due, april);
        assert_eq!((counts.of(org, april), counts.of(other, april)), (5, 1));
        assert_eq!(counts.unwritten(), [(org, april, 2)]);
        // A month that is over stays until it is written.
        counts.count(org, may, 7);
        counts.mark_written(&[(org, may, 7)], may);
        assert_eq!(counts.unwritten(), [(org, april, 2)]);
        counts.mark_written(&[(org, april, 2)], may);
        assert_eq!(counts.of(org, may), 7);
        assert_eq!(counts.0.lock().len(), 1);
    }
}
