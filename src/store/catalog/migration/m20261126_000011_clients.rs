//! Migration: clients of the vendors' APIs, and their tokens.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(clients()).await?;
        let one_id_an_api = index("clients_api_client_id", "clients", &["api", "client_id"]).unique().take();
        manager.create_index(one_id_an_api).await?;
        // These serve the cascades.
        manager.create_index(index("clients_user_id", "clients", &["user_id"])).await?;
        manager.create_table(tokens()).await?;
        manager.create_index(index("tokens_hash", "tokens", &["hash"]).unique().take()).await?;
        let refresh = index("tokens_refresh_hash", "tokens", &["refresh_hash"]).unique().take();
        manager.create_index(refresh).await?;
        manager.create_index(index("tokens_client_id", "tokens", &["client_id"])).await?;
        manager.create_index(index("tokens_user_id", "tokens", &["user_id"])).await
    }
}

fn clients() -> TableCreateStatement {
    let mut clients = table("clients");
    clients
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(text("api"))
        .col(text("client_id"))
        .col(binary("hash"))
        .col(text("name"))
        .col(integer_null("user_id"))
        .col(text_null("role"))
        .col(boolean("user_scoped"))
        .col(boolean("enabled"))
        .col(big_integer("created_at"))
        .col(big_integer_null("revoked_at"))
        .foreign_key(&mut reference("clients", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("clients", "user_id", "users", ForeignKeyAction::Cascade));
    clients
}

fn tokens() -> TableCreateStatement {
    let mut tokens = table("tokens");
    tokens
        .col(pk_auto("id"))
        .col(integer("client_id"))
        .col(integer_null("user_id"))
        .col(binary("hash"))
        .col(binary_null("refresh_hash"))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .foreign_key(&mut reference("tokens", "client_id", "clients", ForeignKeyAction::Cascade))
        .foreign_key(&mut reference("tokens", "user_id", "users", ForeignKeyAction::Cascade));
    tokens
}
