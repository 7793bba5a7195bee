//! Groups and who is in them. Membership is a column of the stream: a stream is in at most one group.

use std::collections::BTreeSet;
use std::sync::Arc;

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, Set,
    TransactionTrait,
};

use super::database::{refused, unavailable};
use super::sight::Sight;
use super::{Catalog, entity, no_such_row, not_unique, trim};
use crate::domain::group::{Group, GroupSpec};
use crate::domain::page::Page;
use crate::domain::stream::Stream;
use crate::domain::{Error, FieldError, GroupId, Micros, Principal, Result, StreamId};

/// Ids in one UPDATE, well below what either database takes as parameters.
const IDS_A_STATEMENT: usize = 1000;

impl Catalog {
    /// Groups of the organization, by id ascending.
    pub fn groups(&self, who: &Principal, page: Page) -> Vec<Arc<Group>> {
        self.sight(who).groups().skip(page.offset).take(page.limit).cloned().collect()
    }

    pub fn group(&self, who: &Principal, id: GroupId) -> Result<Arc<Group>> {
        self.sight(who).group(id).cloned()
    }

    /// The members that are seen, ascending; none of a group that is not.
    pub fn group_members(&self, who: &Principal, id: GroupId) -> Vec<StreamId> {
        let sight = self.sight(who);
        if sight.group(id).is_err() {
            return Vec::new();
        }
        sight.members(id).collect()
    }

    pub async fn create_group(&self, who: &Principal, mut spec: GroupSpec) -> Result<Arc<Group>> {
        trim(&mut spec.name);
        let turn = self.turn().await?;
        check(&turn.sight(who), &spec, None)?;
        let row = entity::group::new(who.org, spec, self.clock.now());
        turn.run(
            async move |db| write(row.insert(&db).await),
            |mirror, group| {
                mirror.groups.put(Arc::clone(group));
            },
        )
        .await
    }

    /// Reads, changes and writes as one step.
    pub async fn update_group(
        &self,
        who: &Principal,
        id: GroupId,
        change: impl FnOnce(&mut GroupSpec) + Send,
    ) -> Result<Arc<Group>> {
        let turn = self.turn().await?;
        let spec = changed(&turn.sight(who), id, change)?;
        let row = entity::group::changed(id, spec, self.clock.now());
        turn.run(
            async move |db| write(row.update(&db).await),
            |mirror, group| {
                mirror.groups.put(Arc::clone(group));
            },
        )
        .await
    }

    /// Deletes a group; its streams stay, in none. `Forbidden` when it holds streams that are not seen: they would
    /// change too.
    pub async fn delete_group(&self, who: &Principal, id: GroupId) -> Result<()> {
        let turn = self.turn().await?;
        let is_shared = {
            let sight = turn.sight(who);
            sight.group(id)?;
            sight.members(id).count() < sight.mirror.members(id).count()
        };
        if is_shared {
            return Err(Error::forbidden("the group holds data that this key may not change"));
        }
        let delete = async move |db: DatabaseConnection| {
            entity::group::Entity::delete_by_id(id.0).exec(&db).await.map_err(unavailable)?;
            Ok(())
        };
        turn.run(delete, move |mirror, ()| mirror.remove_group(id)).await
    }

    /// Makes `members` the members: they leave their former groups, and whoever is not named leaves this one.
    /// Members that are not seen stay as they are.
    pub async fn set_group_members(
        &self,
        who: &Principal,
        id: GroupId,
        members: Vec<StreamId>,
    ) -> Result<()> {
        let turn = self.turn().await?;
        let moves = Moves::plan(&turn.sight(who), id, members, self.clock.now())?;
        let work = async move |db: DatabaseConnection| moves.write(&db).await;
        turn.run(work, |mirror, (group, streams)| {
            mirror.groups.put(Arc::clone(group));
            streams.iter().for_each(|stream| mirror.put_stream(Arc::clone(stream)));
        })
        .await?;
        Ok(())
    }
}

/// A change of membership, worked out before it is written.
struct Moves {
    group: GroupId,
    now: Micros,
    /// Streams as they will be, in this group or in none.
    streams: Vec<Arc<Stream>>,
}

impl Moves {
    fn plan(sight: &Sight, group: GroupId, members: Vec<StreamId>, now: Micros) -> Result<Self> {
        sight.group(group)?;
        if let Some(absent) = members.iter().find(|id| sight.stream(**id).is_err()) {
            return Err(Error::fields(vec![no_such_row("data", absent)]));
        }
        let members: BTreeSet<StreamId> = members.into_iter().collect();
        let former: BTreeSet<StreamId> = sight.members(group).collect();
        let moved = |id: &StreamId| {
            let mut stream = Stream::clone(sight.stream(*id).ok()?);
            stream.spec.group = members.contains(id).then_some(group);
            stream.updated_at = now;
            Some(Arc::new(stream))
        };
        Ok(Self { group, now, streams: members.symmetric_difference(&former).filter_map(moved).collect() })
    }

    async fn write(self, db: &DatabaseConnection) -> Result<(Arc<Group>, Vec<Arc<Stream>>)> {
        let all = db.begin().await.map_err(unavailable)?;
        for target in [Some(self.group), None] {
            let moved = self.streams.iter().filter(|s| s.spec.group == target);
            let ids: Vec<i32> = moved.map(|s| s.id.0).collect();
            for some in ids.chunks(IDS_A_STATEMENT) {
                move_streams(&all, some, target, self.now).await.map_err(unavailable)?;
            }
        }
        let touched = entity::group::ActiveModel {
            id: Set(self.group.0),
            updated_at: Set(self.now.0),
            ..Default::default()
        };
        let group = write(touched.update(&all).await)?;
        all.commit().await.map_err(unavailable)?;
        Ok((group, self.streams))
    }
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

fn changed(sight: &Sight, id: GroupId, change: impl FnOnce(&mut GroupSpec)) -> Result<GroupSpec> {
    let mut spec = sight.group(id)?.spec.clone();
    change(&mut spec);
    trim(&mut spec.name);
    check(sight, &spec, Some(id))?;
    Ok(spec)
}

/// Every rule of a group. `id` is its own when it exists already.
fn check(sight: &Sight, spec: &GroupSpec, id: Option<GroupId>) -> Result<()> {
    let mut problems = spec.problems();
    let namesake = sight.mirror.groups.named(sight.who.org, &spec.name);
    if namesake.is_some_and(|other| Some(other.id) != id) {
        problems.push(FieldError::new("name", "This field must be unique."));
    }
    Error::check(problems)
}

fn write(row: std::result::Result<entity::group::Model, DbErr>) -> Result<Arc<Group>> {
    row.map(|row| Arc::new(Group::from(row))).map_err(|e| refused(e, || not_unique("name")))
}
