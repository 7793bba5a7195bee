//! The database query of an event filter.

use sea_orm::sea_query::{Expr, Func};
use sea_orm::{ColumnTrait, Condition, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::domain::alert::Severity;
use crate::domain::event::{EventFilter, EventOrder};
use crate::store::catalog::entity::event::{Column, Entity};

/// Selects the page of events that pass a filter, in its order.
pub(in crate::store::catalog) fn select(filter: &EventFilter) -> Select<Entity> {
    let mut events = of_alerts(of_fields(Entity::find(), filter), filter);
    if let Some(from) = filter.from {
        events = events.filter(Column::Ts.gte(from.0));
    }
    if let Some(to) = filter.to {
        events = events.filter(Column::Ts.lte(to.0));
    }
    if let Some((ts, id)) = filter.after {
        let same = Condition::all().add(Column::Ts.eq(ts.0)).add(Column::Id.gt(id.0));
        let past = if filter.newest_first { Column::Ts.lt(ts.0) } else { Column::Ts.gt(ts.0) };
        events = events.filter(Condition::any().add(past).add(same));
    }
    let first = (filter.order, filter.newest_first);
    let events = std::iter::once(&first).chain(&filter.then_by).fold(events, add_sort_key);
    let sql_int = |n: usize| u64::try_from(n).unwrap_or(u64::MAX).min(i64::MAX as u64);
    events.order_by_asc(Column::Id).offset(sql_int(filter.page.offset)).limit(sql_int(filter.page.limit))
}

/// Adds a sort key below those that the query has.
fn add_sort_key(events: Select<Entity>, (key, is_descending): &(EventOrder, bool)) -> Select<Entity> {
    let order = if *is_descending { Order::Desc } else { Order::Asc };
    let is_of = |severity: Severity| Column::Level.is_in(severity.levels().iter().map(|level| level.name()));
    match key {
        EventOrder::Time => events.order_by(Column::Ts, order),
        EventOrder::Creation => events.order_by(Column::CreatedAt, order),
        EventOrder::Kind => events.order_by(Column::Kind, order),
        EventOrder::Message => events.order_by(Column::Message, order),
        EventOrder::Status => events.order_by(Column::AlertStatus, order),
        EventOrder::Source => events.order_by(Column::Source, order),
        // False is less than true.
        EventOrder::Severity => events
            .order_by(is_of(Severity::Critical), order.clone())
            .order_by(is_of(Severity::Warning), order),
    }
}

fn of_fields(mut events: Select<Entity>, filter: &EventFilter) -> Select<Entity> {
    if let Some(device) = filter.device {
        events = events.filter(Column::DeviceId.eq(device.0));
    }
    if let Some(stream) = filter.stream {
        events = events.filter(Column::StreamId.eq(stream.0));
    }
    if let Some(level) = filter.level {
        events = events.filter(Column::Level.eq(level.name()));
    }
    if let Some(levels) = filter.levels {
        events = events.filter(Column::Level.is_in(levels.iter().map(|level| level.name())));
    }
    if let Some(acknowledged) = filter.acknowledged {
        events = events.filter(Column::Acknowledged.eq(acknowledged));
    }
    if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
        events = events.filter(has_text(text));
    }
    if let Some(kinds) = &filter.kinds {
        // PostgreSQL refuses text with a null character, which no stored kind has.
        let kinds = kinds.iter().filter(|kind| !kind.contains('\0'));
        events = events.filter(Column::Kind.is_in(kinds.map(String::as_str)));
    }
    events
}

/// Whether the message contains a text. `LIKE` would need other patterns in each of the databases.
fn has_text(text: &str) -> Expr {
    // PostgreSQL refuses text with a null character, which no stored message has.
    if text.contains('\0') {
        return Expr::val(false);
    }
    let lower = |text: Expr| Expr::from(Func::lower(text));
    let message = || lower(Expr::col(Column::Message));
    let without = Func::cust("REPLACE").args([message(), lower(Expr::val(text)), Expr::val("")]);
    sea_orm::ExprTrait::ne(Expr::from(without), message())
}

fn of_alerts(mut events: Select<Entity>, filter: &EventFilter) -> Select<Entity> {
    if let Some(source) = filter.source {
        events = events.filter(Column::Source.eq(source.name()));
    }
    if filter.is_alert {
        events = events.filter(Column::AlertStatus.is_not_null());
    }
    if let Some(status) = filter.status {
        events = events.filter(Column::AlertStatus.eq(status.name()));
    }
    if let Some(rule) = filter.rule {
        events = events.filter(Column::RuleId.eq(rule.0));
    }
    events
}
