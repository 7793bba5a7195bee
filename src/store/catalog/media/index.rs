//! In-memory index of captures, clips and live sessions: by id and UUID.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::OrgId;
use crate::domain::media::MediaJob;

/// Every row about media of every organization. Their number is bounded.
#[derive(Default)]
pub(in crate::store::catalog) struct MediaIndex {
    by_id: BTreeMap<i32, Arc<MediaJob>>,
    by_uuid: HashMap<Uuid, i32>,
}

impl MediaIndex {
    pub(in crate::store::catalog) fn by_uuid(&self, uuid: Uuid) -> Option<&Arc<MediaJob>> {
        self.by_id.get(self.by_uuid.get(&uuid)?)
    }

    /// Every row, the oldest first.
    pub(in crate::store::catalog) fn all(&self) -> impl DoubleEndedIterator<Item = &Arc<MediaJob>> {
        self.by_id.values()
    }

    /// Rows of an organization, the oldest first.
    pub(in crate::store::catalog) fn of_org(
        &self,
        org: OrgId,
    ) -> impl DoubleEndedIterator<Item = &Arc<MediaJob>> {
        self.all().filter(move |job| job.org == org)
    }

    /// Adds or replaces a row.
    pub(in crate::store::catalog) fn put(&mut self, job: Arc<MediaJob>) {
        self.by_uuid.insert(job.uuid, job.id);
        self.by_id.insert(job.id, job);
    }

    /// Removes the rows that a deletion of the database takes with it.
    pub(in crate::store::catalog) fn remove_where(&mut self, is_gone: impl Fn(&MediaJob) -> bool) {
        let Self { by_id, by_uuid } = self;
        by_id.retain(|_, job| {
            let goes = is_gone(job);
            if goes {
                by_uuid.remove(&job.uuid);
            }
            !goes
        });
    }
}
