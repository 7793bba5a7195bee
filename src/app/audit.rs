//! Reads the audit log, and records actions outside of the catalog. Catalog changes record themselves.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};

use super::core_parts::CoreParts;
use super::list_range::ListRange;
use crate::domain::audit::{AccessDenial, AuditChange, AuditFilter, AuditRecord, RequestOrigin};
use crate::domain::pagination::Pagination;
use crate::domain::{Error, Principal, Resource, Result, Scope};
use crate::store::Store;

/// Rows read at a time.
const PAGE: usize = 1000;

/// Rows in order, in batches; an error ends the stream.
pub type Records = BoxStream<'static, Result<Vec<AuditRecord>>>;

/// The audit log of the organizations.
pub struct AuditLog {
    store: Arc<Store>,
}

impl AuditLog {
    pub(super) fn new(parts: &CoreParts) -> Self {
        Self { store: parts.store.clone() }
    }

    /// Returns the audit log of the principal's organization, for superusers and for unrestricted keys with
    /// system:read. Rows are in the order in which they were written, newest first when the range has no time bound.
    pub fn audit_log(&self, principal: &Principal, range: ListRange) -> Result<Records> {
        principal.require(Scope::read(Resource::System))?;
        let catalog = self.store.catalog().clone();
        if !catalog.audit.may_read_audit_log(principal) {
            return Err(Error::forbidden("the audit log is for superusers"));
        }
        let filter = AuditFilter {
            from: range.from,
            to: range.to,
            after: None,
            newest_first: !range.is_bounded(),
            page: Pagination { offset: range.offset, limit: PAGE },
        };
        let first = Some((filter, range.limit.unwrap_or(usize::MAX)));
        let who = principal.clone();
        let pages = stream::try_unfold(first, move |next| {
            let (catalog, who) = (catalog.clone(), who.clone());
            async move {
                let Some((filter, left)) = next else { return Ok(None) };
                let limit = PAGE.min(left);
                let page = Pagination { limit, ..filter.page };
                let rows = catalog.audit.audit_log(&who, &AuditFilter { page, ..filter.clone() }).await?;
                let more = (rows.len() == limit && left > limit).then(|| {
                    let (after, page) =
                        (rows.last().map(|row| row.id), Pagination { offset: 0, limit: PAGE });
                    (AuditFilter { after, page, ..filter }, left - limit)
                });
                Ok(Some((rows, more)))
            }
        });
        Ok(pages.boxed())
    }

    /// Records an action outside of the catalog; it is durable when this returns.
    pub async fn audit(&self, principal: &Principal, change: AuditChange) -> Result<()> {
        self.store.catalog().audit.append_audit(principal, change).await
    }

    /// Counts a refused access; it never waits.
    pub fn note_refusal(&self, origin: &RequestOrigin, refusal: AccessDenial) {
        self.store.catalog().audit.count_denial(origin, refusal);
    }
}
