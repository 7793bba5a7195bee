//! Migration: UUIDs of organizations, documents, and what devices are in the topology of the MK platform.

use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, Set};
use sea_orm_migration::prelude::{
    DeriveMigrationName, ForeignKeyAction, MigrationTrait, SchemaManager, TableCreateStatement,
};
use sea_orm_migration::schema::{big_integer, integer, integer_null, pk_auto, text, uuid};

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// UUID of an organization that has none yet.
const NO_UUID: &str = "00000000-0000-0000-0000-000000000000";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_org_uuid(manager).await?;
        fill_org_uuids(manager.get_connection()).await?;
        manager.create_index(index("orgs_uuid", "orgs", &["uuid"]).unique().take()).await?;
        manager.create_table(documents()).await?;
        manager.create_index(index("documents_uuid", "documents", &["uuid"]).unique().take()).await?;
        let mut one_name = index("documents_org_id_kind_name", "documents", &["org_id", "kind", "name"]);
        manager.create_index(one_name.unique().take()).await?;
        // It serves the cascade.
        manager.create_index(index("documents_device_id", "documents", &["device_id"])).await?;
        add_column(manager, "devices", "topology", "text NOT NULL DEFAULT '{}'").await
    }
}

async fn add_column(
    manager: &SchemaManager<'_>,
    table: &str,
    column: &str,
    definition: &str,
) -> Result<(), DbErr> {
    if manager.has_column(table, column).await? {
        return Ok(());
    }
    let statement = format!("ALTER TABLE {table} ADD COLUMN \"{column}\" {definition}");
    manager.get_connection().execute_unprepared(&statement).await.map(drop)
}

/// SQLite keeps UUIDs as 16 bytes, PostgreSQL has a type for them.
async fn add_org_uuid(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let definition = match manager.get_database_backend() {
        sea_orm::DbBackend::Postgres => format!("uuid NOT NULL DEFAULT '{NO_UUID}'"),
        _ => "blob NOT NULL DEFAULT x'00000000000000000000000000000000'".to_owned(),
    };
    add_column(manager, "orgs", "uuid", &definition).await
}

/// The columns of `orgs` that exist here. A later version of the entity may have more.
mod identified_org {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "orgs")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub uuid: Uuid,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

async fn fill_org_uuids(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    use identified_org::{ActiveModel, Entity};
    for row in Entity::find().all(db).await?.into_iter().filter(|row| row.uuid.is_nil()) {
        ActiveModel { id: Set(row.id), uuid: Set(Uuid::new_v4()) }.update(db).await?;
    }
    Ok(())
}

fn documents() -> TableCreateStatement {
    let mut documents = table("documents");
    documents
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(uuid("uuid"))
        .col(text("kind"))
        .col(text("name"))
        .col(integer("version"))
        .col(integer_null("device_id"))
        .col(text("content"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .foreign_key(&mut reference("documents", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("documents", "device_id", "devices", ForeignKeyAction::Cascade));
    documents
}
