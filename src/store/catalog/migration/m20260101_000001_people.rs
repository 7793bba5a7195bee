//! Migration: organizations, users and API keys.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(orgs()).await?;
        manager.create_index(index("orgs_slug", "orgs", &["slug"]).unique().take()).await?;
        manager.create_table(users()).await?;
        manager.create_index(index("users_name", "users", &["name"]).unique().take()).await?;
        manager.create_table(keys()).await?;
        manager.create_index(index("keys_prefix", "keys", &["prefix"]).unique().take()).await?;
        manager.create_index(index("keys_org_id", "keys", &["org_id"])).await
    }
}

fn orgs() -> TableCreateStatement {
    let mut orgs = table("orgs");
    orgs.col(pk_auto("id")).col(text("slug")).col(text("name")).col(big_integer("created_at"));
    orgs
}

fn users() -> TableCreateStatement {
    let mut users = table("users");
    users
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(text("name"))
        .col(text("password_hash"))
        .col(boolean("is_staff"))
        .col(boolean("is_superuser"))
        .col(boolean("enabled"))
        .col(big_integer("created_at"))
        .foreign_key(&mut reference("users", "org_id", "orgs", ForeignKeyAction::Restrict));
    users
}

fn keys() -> TableCreateStatement {
    let mut keys = table("keys");
    keys.col(pk_auto("id"))
        .col(integer("org_id"))
        .col(text("name"))
        .col(text("prefix"))
        .col(binary("hash"))
        .col(text("scopes"))
        .col(text_null("allowed_devices"))
        .col(text_null("allowed_streams"))
        .col(big_integer_null("expires_at"))
        .col(boolean("enabled"))
        .col(big_integer("created_at"))
        .col(big_integer_null("last_used_at"))
        .foreign_key(&mut reference("keys", "org_id", "orgs", ForeignKeyAction::Restrict));
    keys
}
