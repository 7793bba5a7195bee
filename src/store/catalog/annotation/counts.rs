//! How many annotations organizations have at most. Annotations go by cascades too, so a number may be too high; it is never
//! too low. Counting all of an organization for each new one would cost more the more there are.

use std::collections::HashMap;

use parking_lot::Mutex;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};

use crate::domain::{OrgId, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity::annotation::{Column, Entity};
use crate::store::catalog::org::quota::limit_reached;

/// Bounds of the numbers, by organization; one without has not been counted yet.
#[derive(Debug, Default)]
pub(in crate::store::catalog) struct AnnotationCounts(Mutex<HashMap<OrgId, u64>>);

impl AnnotationCounts {
    /// Counts one more annotation of an organization, within the transaction that adds it.
    ///
    /// # Errors
    /// `LimitReached`, naming the setting, when the organization has `most`; `Unavailable`.
    pub(in crate::store::catalog) async fn add(
        &self,
        db: &impl ConnectionTrait,
        org: OrgId,
        most: usize,
    ) -> Result<()> {
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        let known = self.0.lock().get(&org).copied();
        let count = match known.filter(|count| *count < most) {
            Some(count) => count,
            None => Entity::find().filter(Column::OrgId.eq(org.0)).count(db).await.map_err(unavailable)?,
        };
        if count >= most {
            let message = format!(
                "the organization has {count} annotations, and {most} is the most (limits.annotations): delete some"
            );
            return Err(limit_reached(message));
        }
        self.0.lock().insert(org, count + 1);
        Ok(())
    }
}
