//! Groups and their members. Membership is a column of the stream: a stream is in at most one group.

use std::collections::BTreeSet;
use std::sync::Arc;

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

use super::catalog_core::CatalogCore;
use super::database::{unavailable, write_error};
use super::mirror::Mirror;
use super::org::quota::QuotaDelta;
use super::transaction::DbTransaction;
use super::visibility::VisibleCatalog;
use super::{entity, no_such_row, not_unique, trim};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::group::{Group, GroupSpec};
use crate::domain::pagination::Pagination;
use crate::domain::stream::Stream;
use crate::domain::{Error, FieldError, GroupId, Micros, Principal, Result, StreamId};

/// Ids per UPDATE, well below the parameter limit of either database.
const MAX_IDS_PER_STATEMENT: usize = 1000;

/// Groups of streams.
pub struct GroupCatalog {
    core: Arc<CatalogCore>,
}

impl GroupCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core }
    }

    /// Groups of the organization, by id ascending.
    pub fn groups(&self, who: &Principal, page: Pagination) -> Vec<Arc<Group>> {
        self.core.visible_to(who).groups().skip(page.offset).take(page.limit).cloned().collect()
    }

    /// Returns a group; `NotFound` when it is absent or not visible.
    pub fn group(&self, who: &Principal, id: GroupId) -> Result<Arc<Group>> {
        self.core.visible_to(who).group(id).cloned()
    }

    /// Visible members of a group, ascending; none for a group that is not visible.
    pub fn group_members(&self, who: &Principal, id: GroupId) -> Vec<StreamId> {
        let visible = self.core.visible_to(who);
        if visible.group(id).is_err() {
            return Vec::new();
        }
        visible.members(id).collect()
    }

    /// Checks that a principal may change groups. A restricted one may not: they belong to the whole organization, also
    /// those that hold streams which it does not see.
    ///
    /// # Errors
    /// `Forbidden` otherwise.
    pub fn check_may_change_groups(&self, who: &Principal) -> Result<()> {
        if who.is_restricted() {
            return Err(Error::forbidden("a key restricted to some devices or data cannot change groups"));
        }
        Ok(())
    }

    /// Creates a group with its members, which leave their former groups. `LimitReached` beyond the organization's
    /// quota; `Forbidden` for a restricted principal.
    pub async fn create_group(
        &self,
        who: &Principal,
        mut spec: GroupSpec,
        members: Vec<StreamId>,
    ) -> Result<Arc<Group>> {
        self.check_may_change_groups(who)?;
        trim(&mut spec.name);
        let transaction = self.core.begin_transaction().await?;
        let now = self.core.clock.now();
        let moves = {
            let visible = transaction.visible_to(who);
            check(&visible, &spec, None, &members)?;
            self.core.check_quota(&visible.mirror, who.org, QuotaDelta::of_group(&spec, None))?;
            MembershipChange::plan(&visible, None, members, now)
        };
        let row = entity::group::new(who.org, spec, now);
        let work = async move |db: DbTransaction| {
            let group = into_group(row.insert(&*db).await)?;
            let moved = moves.write(&*db, group.id).await?;
            Ok((group, moved))
        };
        let audit = |(group, _): &UpdatedGroup| AuditChange::new(Action::Create, "group", group.id.0);
        Ok(transaction.commit_change(who, work, audit, put).await?.0)
    }

    /// Changes a group atomically. `members`, if given, become its members: they leave their former groups, and streams
    /// that are not listed leave this one. `Forbidden` for a restricted principal.
    pub async fn update_group(
        &self,
        who: &Principal,
        id: GroupId,
        change: impl FnOnce(&mut GroupSpec) + Send,
        members: Option<Vec<StreamId>>,
    ) -> Result<Arc<Group>> {
        self.check_may_change_groups(who)?;
        let transaction = self.core.begin_transaction().await?;
        let now = self.core.clock.now();
        let (spec, mut fields, moves) = {
            let visible = transaction.visible_to(who);
            let (spec, fields) = changed(&visible, id, change, members.as_deref().unwrap_or_default())?;
            let stored = &visible.group(id)?.spec;
            self.core.check_quota(&visible.mirror, who.org, QuotaDelta::of_group(&spec, Some(stored)))?;
            (spec, fields, members.map(|members| MembershipChange::plan(&visible, Some(id), members, now)))
        };
        if moves.as_ref().is_some_and(|moves| !moves.is_empty()) {
            fields.push("data");
        }
        let row = entity::group::for_update(id, spec, now);
        let work = async move |db: DbTransaction| {
            let group = into_group(row.update(&*db).await)?;
            let moved = match moves {
                Some(moves) => moves.write(&*db, id).await?,
                None => Vec::new(),
            };
            Ok((group, moved))
        };
        let audit = move |_: &UpdatedGroup| AuditChange::new(Action::Update, "group", id.0).with(fields);
        Ok(transaction.commit_change(who, work, audit, put).await?.0)
    }

    /// Deletes a group; its streams stay, without a group. `Forbidden` for a restricted principal.
    pub async fn delete_group(&self, who: &Principal, id: GroupId) -> Result<()> {
        self.check_may_change_groups(who)?;
        let transaction = self.core.begin_transaction().await?;
        transaction.visible_to(who).group(id)?;
        let delete = async move |db: DbTransaction| {
            entity::group::Entity::delete_by_id(id.0).exec(&*db).await.map_err(unavailable)?;
            Ok(())
        };
        let audit = move |(): &()| AuditChange::new(Action::Delete, "group", id.0);
        transaction.commit_change(who, delete, audit, move |mirror, ()| mirror.remove_group(id)).await
    }
}

/// A group and the streams that joined or left it, in their new state.
type UpdatedGroup = (Arc<Group>, Vec<Arc<Stream>>);

/// A change of membership, planned before it is written.
struct MembershipChange {
    now: Micros,
    joining: Vec<Stream>,
    leaving: Vec<Stream>,
}

impl MembershipChange {
    /// Plans the change. All `members` are visible; `group` is `None` for a group that is being created.
    fn plan(visible: &VisibleCatalog, group: Option<GroupId>, members: Vec<StreamId>, now: Micros) -> Self {
        let members: BTreeSet<StreamId> = members.into_iter().collect();
        let former: BTreeSet<StreamId> = group.into_iter().flat_map(|id| visible.members(id)).collect();
        let take = |ids: Vec<&StreamId>| -> Vec<Stream> {
            ids.into_iter().filter_map(|id| visible.stream(*id).ok()).map(|s| Stream::clone(s)).collect()
        };
        let joining = take(members.difference(&former).collect());
        Self { now, joining, leaving: take(former.difference(&members).collect()) }
    }

    fn is_empty(&self) -> bool {
        self.joining.is_empty() && self.leaving.is_empty()
    }

    /// Writes the change; returns the streams in their new state.
    async fn write(self, db: &impl ConnectionTrait, group: GroupId) -> Result<Vec<Arc<Stream>>> {
        let mut moved = Vec::with_capacity(self.joining.len() + self.leaving.len());
        for (target, streams) in [(Some(group), self.joining), (None, self.leaving)] {
            let ids: Vec<i32> = streams.iter().map(|s| s.id.0).collect();
            for some in ids.chunks(MAX_IDS_PER_STATEMENT) {
                move_streams(db, some, target, self.now).await.map_err(unavailable)?;
            }
            moved.extend(streams.into_iter().map(|mut stream| {
                stream.spec.group = target;
                stream.updated_at = self.now;
                Arc::new(stream)
            }));
        }
        Ok(moved)
    }
}

/// Puts the group and the moved streams into the mirror.
fn put(mirror: &mut Mirror, (group, moved): &(Arc<Group>, Vec<Arc<Stream>>)) {
    mirror.groups.put(Arc::clone(group));
    moved.iter().for_each(|stream| mirror.put_stream(Arc::clone(stream)));
}

async fn move_streams(
    db: &impl ConnectionTrait,
    ids: &[i32],
    group: Option<GroupId>,
    now: Micros,
) -> std::result::Result<(), DbErr> {
    use entity::stream::Column;
    entity::stream::Entity::update_many()
        .col_expr(Column::GroupId, Expr::value(group.map(|g| g.0)))
        .col_expr(Column::UpdatedAt, Expr::value(now.0))
        .filter(Column::Id.is_in(ids.iter().copied()))
        .exec(db)
        .await?;
    Ok(())
}

/// The changed group, and the names of the changed fields.
fn changed(
    visible: &VisibleCatalog,
    id: GroupId,
    change: impl FnOnce(&mut GroupSpec),
    members: &[StreamId],
) -> Result<(GroupSpec, Vec<&'static str>)> {
    let stored = &visible.group(id)?.spec;
    let mut spec = stored.clone();
    change(&mut spec);
    trim(&mut spec.name);
    check(visible, &spec, Some(id), members)?;
    let fields = stored.differences(&spec);
    Ok((spec, fields))
}

/// Checks every rule of a group and its members. `id` is set when the group exists already.
fn check(
    visible: &VisibleCatalog,
    spec: &GroupSpec,
    id: Option<GroupId>,
    members: &[StreamId],
) -> Result<()> {
    let mut problems = spec.problems();
    let namesake = visible.mirror.groups.get_by_name(visible.who.org, &spec.name);
    if namesake.is_some_and(|other| Some(other.id) != id) {
        problems.push(FieldError::new("name", "This field must be unique."));
    }
    if let Some(absent) = members.iter().find(|id| visible.stream(**id).is_err()) {
        problems.push(no_such_row("data", absent));
    }
    Error::check(problems)
}

fn into_group(row: std::result::Result<entity::group::Model, DbErr>) -> Result<Arc<Group>> {
    row.map(|row| Arc::new(Group::from(row))).map_err(|e| write_error(e, || not_unique("name")))
}
