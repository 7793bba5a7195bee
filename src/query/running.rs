//! Queries that wait or run now: who sees them, and who cancels them.
//!
//! A query is listed from its admission until its record is written. The statement is kept only that long.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use datafusion::execution::memory_pool::MemoryPool;
use parking_lot::Mutex;
use uuid::Uuid;

use super::log::QueryTracker;
use crate::domain::running_query::RunningQuery;
use crate::domain::{Error, Principal, Resource, Result, Scope};

/// Longest text of a statement that is shown, characters.
pub const MAX_TEXT_CHARS: usize = 10_000;
/// Ended queries that may be left in the table before they are removed.
const MAX_ENDED: usize = 64;

/// The running queries of all organizations.
#[derive(Debug, Default)]
pub struct RunningQueries {
    table: Mutex<QueryTable>,
}

#[derive(Debug, Default)]
struct QueryTable {
    by_id: HashMap<Uuid, Weak<QueryTracker>>,
    /// Size of the table at which ended queries are removed.
    purge_at: usize,
}

impl RunningQueries {
    /// Lists a query until it ends.
    pub fn add(&self, query: &Arc<QueryTracker>) {
        let QueryTable { by_id, purge_at } = &mut *self.table.lock();
        if by_id.len() >= *purge_at {
            by_id.retain(|_, query| query.upgrade().is_some_and(|query| !query.is_finished()));
            *purge_at = 2 * by_id.len() + MAX_ENDED;
        }
        by_id.insert(query.id, Arc::downgrade(query));
    }

    /// Returns the queries that the principal sees, oldest first. Their memory depends on files that organizations
    /// share, so only those who see the host see it.
    pub fn visible(&self, who: &Principal, sees_host: bool) -> Vec<RunningQuery> {
        let mut seen: Vec<_> = self
            .all()
            .iter()
            .filter(|query| sees(who, query))
            .map(|query| describe(who, query, sees_host))
            .collect();
        seen.sort_by_key(|query| (query.started_at, query.id));
        seen
    }

    /// Cancels a query; see `Engine::cancel`.
    pub fn cancel(&self, who: &Principal, id: Uuid) -> Result<RunningQuery> {
        let query = self.table.lock().by_id.get(&id).and_then(Weak::upgrade);
        let query = query.filter(|query| !query.is_finished()).ok_or_else(Error::not_found)?;
        if !sees(who, &query) {
            return Err(Error::hidden());
        }
        if query.asked().caller != who.caller {
            who.require(Scope::write(Resource::System))?;
        }
        query.cancel();
        Ok(describe(who, &query, false))
    }

    fn all(&self) -> Vec<Arc<QueryTracker>> {
        let queries: Vec<_> = self.table.lock().by_id.values().filter_map(Weak::upgrade).collect();
        queries.into_iter().filter(|query| !query.is_finished()).collect()
    }
}

/// Everybody sees their own queries. A statement tells which rows somebody asks for, so those of others need the scope
/// and no restriction to some rows.
fn sees(who: &Principal, query: &QueryTracker) -> bool {
    let info = query.asked();
    let sees_others = !who.is_restricted() && who.scopes.allows(Scope::read(Resource::System));
    info.org == who.org && (info.caller == who.caller || sees_others)
}

fn describe(who: &Principal, query: &QueryTracker, sees_host: bool) -> RunningQuery {
    let info = query.asked();
    RunningQuery {
        id: query.id,
        caller: info.caller,
        surface: info.surface.name(),
        started_at: info.started_at,
        elapsed: query.elapsed(),
        rows: query.rows(),
        memory_bytes: sees_host.then(|| query.memory_pool.reserved()),
        text: info.text.clone(),
        is_own: info.caller == who.caller,
    }
}

/// Shortens a statement to what is shown of it.
pub fn shorten(text: &str) -> Box<str> {
    let end = text.char_indices().nth(MAX_TEXT_CHARS).map_or(text.len(), |(at, _)| at);
    text[..end].into()
}

#[cfg(test)]
#[path = "running_tests.rs"]
mod tests;
