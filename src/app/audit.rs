//! The audit log: who may read it, and what is told from outside of the catalog. Changes of the catalog tell themselves.

use futures::StreamExt;
use futures::stream::{self, BoxStream};

use super::App;
use super::range::Range;
use crate::domain::audit::{AuditFilter, Change, Origin, Record, Refusal};
use crate::domain::page::Page;
use crate::domain::{Error, Principal, Resource, Result, Scope};

/// Rows read at a time.
const PAGE: usize = 1000;

/// Rows in order, in batches; an error ends them.
pub type Records = BoxStream<'static, Result<Vec<Record>>>;

impl App {
    /// The log of the principal's organization: for superusers, and for keys of system:read that see all of it.
    /// In the order in which they were written, newest first when there is no bound in time.
    pub fn audit_log(&self, principal: &Principal, range: Range) -> Result<Records> {
        principal.require(Scope::read(Resource::System))?;
        let catalog = self.store.catalog().clone();
        if !catalog.may_audit(principal) {
            return Err(Error::forbidden("the audit log is for superusers"));
        }
        let filter = AuditFilter {
            from: range.from,
            to: range.to,
            after: None,
            newest_first: !range.is_bounded(),
            page: Page { offset: range.offset, limit: PAGE },
        };
        let first = Some((filter, range.limit.unwrap_or(usize::MAX)));
        let who = principal.clone();
        let pages = stream::try_unfold(first, move |next| {
            let (catalog, who) = (catalog.clone(), who.clone());
            async move {
                let Some((filter, left)) = next else { return Ok(None) };
                let limit = PAGE.min(left);
                let page = Page { limit, ..filter.page };
                let rows = catalog.audit_log(&who, &AuditFilter { page, ..filter.clone() }).await?;
                let more = (rows.len() == limit && left > limit).then(|| {
                    let (after, page) = (rows.last().map(|row| row.id), Page { offset: 0, limit: PAGE });
                    (AuditFilter { after, page, ..filter }, left - limit)
                });
                Ok(Some((rows, more)))
            }
        });
        Ok(pages.boxed())
    }

    /// Tells of something that was done outside of the catalog; it is durable when this returns.
    pub async fn audit(&self, principal: &Principal, change: Change) -> Result<()> {
        self.store.catalog().audit(principal, change).await
    }

    /// Counts a refused access; never waits.
    pub fn note_refusal(&self, origin: &Origin, refusal: Refusal) {
        self.store.catalog().note_refusal(origin, refusal);
    }

    /// Fails unless this is a superuser or the owner of the data directory.
    pub fn require_superuser(&self, principal: &Principal) -> Result<()> {
        if self.store.catalog().is_superuser(principal) {
            return Ok(());
        }
        Err(Error::forbidden("this is for superusers"))
    }
}
