//! Migration: the plans of organizations, and how many readings each of them had in a month.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(org_plans()).await?;
        manager.create_index(index("org_plans_org_id", "org_plans", &["org_id"]).unique().take()).await?;
        manager.create_table(reading_counts()).await?;
        let one_each =
            index("reading_counts_org_id_month", "reading_counts", &["org_id", "month"]).unique().take();
        manager.create_index(one_each).await
    }
}

fn org_plans() -> TableCreateStatement {
    let mut plans = table("org_plans");
    plans
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(text("plan"))
        .col(big_integer("chosen_at"))
        .foreign_key(&mut reference("org_plans", "org_id", "orgs", ForeignKeyAction::Restrict));
    plans
}

fn reading_counts() -> TableCreateStatement {
    let mut counts = table("reading_counts");
    counts
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(big_integer("month"))
        .col(big_integer("readings"))
        .foreign_key(&mut reference("reading_counts", "org_id", "orgs", ForeignKeyAction::Restrict));
    counts
}
