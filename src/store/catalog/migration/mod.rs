//! Schema migrations of the catalog. A released migration is never edited: a change is a new migration.
//!
//! The same migrations run on SQLite and PostgreSQL. Every statement uses `IF NOT EXISTS`, because SQLite commits
//! each one separately and a start may be interrupted between two of them.

mod m20260101_000001_people;
mod m20260101_000002_plant;
mod m20260101_000003_records;
mod m20261120_000004_windows;
mod m20261121_000005_floors;
mod m20261122_000006_access;
mod m20261123_000007_grants;
mod m20261124_000008_models;
mod m20261126_000010_identities;
mod m20261126_000011_clients;
mod m20261126_000012_commands;
mod m20261127_000013_certificates;
mod m20261128_000014_mqtt;
mod m20261128_000015_documents;
mod m20261128_000016_registrations;
mod m20261128_000017_configuration;
mod m20261128_000018_quarantine;
mod m20261129_000019_alerts;
mod m20261129_000020_notifications;
mod m20261129_000021_annotations;
mod m20261129_000022_exports;
mod m20261129_000023_billing;
mod m20261129_000024_media;
mod m20261130_000025_device_rules;
mod m20261130_000026_jobs;
mod m20261201_000027_acknowledgements;
mod m20261202_000028_viewers;
mod m20261203_000029_device_states;
mod m20261204_000030_key_dashboards;
mod m20261205_000031_catalog_version;
mod m20261206_000032_cluster_nodes;
mod m20261207_000033_catalog_table_versions;
mod m20261208_000034_catalog_changes;

use sea_orm_migration::prelude::*;

pub(super) use self::m20261205_000031_catalog_version::MIRRORED_TABLES;

pub(super) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20260101_000001_people::Migration),
            Box::new(m20260101_000002_plant::Migration),
            Box::new(m20260101_000003_records::Migration),
            Box::new(m20261120_000004_windows::Migration),
            Box::new(m20261121_000005_floors::Migration),
            Box::new(m20261122_000006_access::Migration),
            Box::new(m20261123_000007_grants::Migration),
            Box::new(m20261124_000008_models::Migration),
            Box::new(m20261126_000010_identities::Migration),
            Box::new(m20261126_000011_clients::Migration),
            Box::new(m20261126_000012_commands::Migration),
            Box::new(m20261127_000013_certificates::Migration),
            Box::new(m20261128_000014_mqtt::Migration),
            Box::new(m20261128_000015_documents::Migration),
            Box::new(m20261128_000016_registrations::Migration),
            Box::new(m20261128_000017_configuration::Migration),
            Box::new(m20261128_000018_quarantine::Migration),
            Box::new(m20261129_000019_alerts::Migration),
            Box::new(m20261129_000020_notifications::Migration),
            Box::new(m20261129_000021_annotations::Migration),
            Box::new(m20261129_000022_exports::Migration),
            Box::new(m20261129_000023_billing::Migration),
            Box::new(m20261129_000024_media::Migration),
            Box::new(m20261130_000025_device_rules::Migration),
            Box::new(m20261130_000026_jobs::Migration),
            Box::new(m20261201_000027_acknowledgements::Migration),
            Box::new(m20261202_000028_viewers::Migration),
            Box::new(m20261203_000029_device_states::Migration),
            Box::new(m20261204_000030_key_dashboards::Migration),
            Box::new(m20261205_000031_catalog_version::Migration),
            Box::new(m20261206_000032_cluster_nodes::Migration),
            Box::new(m20261207_000033_catalog_table_versions::Migration),
            Box::new(m20261208_000034_catalog_changes::Migration),
        ]
    }
}

/// A table, created unless it exists.
fn table(name: &'static str) -> TableCreateStatement {
    Table::create().table(name).if_not_exists().take()
}

/// An index on columns of a table, created unless it exists.
fn index(name: &'static str, table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().if_not_exists().name(name).table(table).take();
    for column in columns {
        index.col(*column);
    }
    index
}

/// Foreign key from `column` to `parent`; `on_delete` is the action for this row.
fn reference(
    table: &'static str,
    column: &'static str,
    parent: &'static str,
    on_delete: ForeignKeyAction,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("{table}_{column}_fkey"))
        .from(table, column)
        .to(parent, "id")
        .on_delete(on_delete)
        .take()
}
