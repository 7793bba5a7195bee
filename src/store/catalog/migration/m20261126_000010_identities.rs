//! Migration: products, the aliases of devices, and the channels of streams. Existing rows get theirs here.

use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, QueryOrder, QuerySelect, Set};
use sea_orm_migration::prelude::{
    DeriveMigrationName, ForeignKeyAction, MigrationTrait, SchemaManager, TableCreateStatement,
};
use sea_orm_migration::schema::{big_integer, boolean, integer, integer_null, pk_auto, text, uuid};

use super::{index, reference, table};
use crate::domain::alias::short_key;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// Devices that are given a key per query.
const BATCH_ROWS: u64 = 1024;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(products()).await?;
        let one_name_an_org = index("products_org_id_name", "products", &["org_id", "name"]).unique().take();
        manager.create_index(one_name_an_org).await?;
        add_device_columns(manager).await?;
        add_column(manager, "streams", "channel", "integer NOT NULL DEFAULT 0").await?;
        add_column(manager, "streams", "pin", "integer NULL").await?;
        add_column(manager, "streams", "label", "text NULL").await?;
        let db = manager.get_connection();
        fill_keys(db).await?;
        for statement in [
            // Names are unique in an organization, so they are unique as external ids too.
            "UPDATE devices SET external_id = name WHERE external_id = ''",
            "UPDATE streams SET channel = ranked.nth FROM (SELECT id, ROW_NUMBER() OVER \
             (PARTITION BY device_id ORDER BY id) AS nth FROM streams) AS ranked \
             WHERE ranked.id = streams.id AND streams.channel = 0",
            "UPDATE devices SET last_channel = COALESCE((SELECT MAX(streams.channel) FROM streams \
             WHERE streams.device_id = devices.id), 0) WHERE last_channel = 0",
        ] {
            db.execute_unprepared(statement).await?;
        }
        let unique: [(&'static str, &'static str, &[&'static str]); 3] = [
            ("devices_key", "devices", &["key"]),
            ("devices_org_id_external_id", "devices", &["org_id", "external_id"]),
            ("streams_device_id_channel", "streams", &["device_id", "channel"]),
        ];
        for (name, table, columns) in unique {
            manager.create_index(index(name, table, columns).unique().take()).await?;
        }
        // These serve the actions of the references.
        manager.create_index(index("devices_product_id", "devices", &["product_id"])).await?;
        manager.create_index(index("devices_parent_id", "devices", &["parent_id"])).await?;
        manager.create_index(index("devices_owner", "devices", &["owner"])).await
    }
}

async fn add_device_columns(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    for (column, definition) in [
        ("key", "text NOT NULL DEFAULT ''"),
        ("external_id", "text NOT NULL DEFAULT ''"),
        ("last_channel", "integer NOT NULL DEFAULT 0"),
        ("product_id", "integer NULL REFERENCES products (id) ON DELETE SET NULL"),
        ("parent_id", "integer NULL REFERENCES devices (id) ON DELETE SET NULL"),
        ("owner", "text NULL REFERENCES users (name) ON DELETE SET NULL"),
    ] {
        add_column(manager, "devices", column, definition).await?;
    }
    Ok(())
}

/// Adds a column unless it exists. As text, because SeaQuery refuses a reference in an altered SQLite table, where it
/// is allowed for a column without a default.
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

fn products() -> TableCreateStatement {
    let mut products = table("products");
    products
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(uuid("uuid"))
        .col(integer_null("parent_id"))
        .col(text("name"))
        .col(boolean("is_default"))
        .col(text("metadata"))
        .col(text("templates"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .foreign_key(&mut reference("products", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("products", "parent_id", "products", ForeignKeyAction::SetNull));
    products
}

/// The columns of `devices` that a key is made of. A later version of the entity may have columns that do not exist
/// here yet.
mod keyed_device {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "devices")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub uuid: Uuid,
        pub key: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Gives a key to each device without one: made of its UUID, or of a random one where another device has that key.
async fn fill_keys(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    use keyed_device::{ActiveModel, Column, Entity};
    loop {
        let rows = Entity::find()
            .filter(Column::Key.eq(""))
            .order_by_asc(Column::Id)
            .limit(BATCH_ROWS)
            .all(db)
            .await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            let mut key = short_key(row.uuid);
            while Entity::find().filter(Column::Key.eq(key.as_str())).one(db).await?.is_some() {
                key = short_key(Uuid::new_v4());
            }
            ActiveModel { id: Set(row.id), key: Set(key), ..Default::default() }.update(db).await?;
        }
    }
}
