//! The fields of `Mutation`: what REST can change, by the same rules. Each payload has the object as it is stored then, and
//! what is wrong with the input otherwise.

pub mod device;
pub mod event;
pub mod group;
pub mod hamachi;
pub mod input;
pub mod key;
pub mod model;
pub mod register;
pub mod retention;
pub mod session;
pub mod statistic;
pub mod stream;
pub mod terminal;
pub mod values;

use async_graphql::{MergedObject, SimpleObject};

use super::errors::UserError;

/// Changes, which run one after the other in the order written. Each answers the object as it is stored then.
#[derive(MergedObject, Default)]
pub struct Mutation(
    device::Mutations,
    stream::Mutations,
    group::Mutations,
    event::Mutations,
    key::Mutations,
    retention::Mutations,
    values::Mutations,
    statistic::Mutations,
    register::Mutations,
    hamachi::Mutations,
    terminal::Mutations,
    session::Mutations,
    model::Mutations,
);

/// Whether a row was deleted.
#[derive(SimpleObject)]
pub struct Deleted {
    /// The row that is gone; null when none is.
    deleted_row_id: Option<i32>,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

impl Deleted {
    fn of(row: i32, (gone, errors): (Option<()>, Vec<UserError>)) -> Self {
        Self { deleted_row_id: gone.map(|()| row), errors }
    }
}
