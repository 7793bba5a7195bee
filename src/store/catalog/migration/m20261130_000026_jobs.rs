//! Migration: jobs. Exports that are there get one each.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// Every export is a job with the same UUID.
const JOBS_OF_EXPORTS: &str = "\
    INSERT INTO jobs (org_id, uuid, kind, name, access, state, progress, error, requested_by, created_at, ended_at) \
    SELECT org_id, uuid, 'export', '', access, \
        CASE status WHEN 'PENDING' THEN 'queued' WHEN 'RUNNING' THEN 'running' WHEN 'FAILED' THEN 'failed' ELSE 'done' END, \
        CASE WHEN status IN ('READY', 'EXPIRED') THEN 1.0 ELSE 0.0 END, error, requested_by, created_at, completed_at \
    FROM exports WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.uuid = exports.uuid) ORDER BY id";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(jobs()).await?;
        manager.create_index(index("jobs_uuid", "jobs", &["uuid"]).unique().take()).await?;
        manager.create_index(index("jobs_org_id", "jobs", &["org_id"])).await?;
        manager.create_index(index("jobs_state", "jobs", &["state"])).await?;
        // It serves the cascade.
        manager.create_index(index("jobs_device_id", "jobs", &["device_id"])).await?;
        manager.get_connection().execute_unprepared(JOBS_OF_EXPORTS).await?;
        Ok(())
    }
}

fn jobs() -> TableCreateStatement {
    let mut jobs = table("jobs");
    jobs.col(pk_auto("id"))
        .col(integer("org_id"))
        .col(integer_null("device_id"))
        .col(integer_null("model_id"))
        .col(text("uuid"))
        .col(text("kind"))
        .col(text("name"))
        .col(big_integer_null("size"))
        .col(text_null("unit"))
        .col(text_null("access"))
        .col(text("state"))
        .col(double("progress"))
        .col(text_null("result"))
        .col(text("error"))
        .col(text("requested_by"))
        .col(big_integer("created_at"))
        .col(big_integer_null("started_at"))
        .col(big_integer_null("ended_at"))
        .col(big_integer_null("reported_at"))
        .foreign_key(&mut reference("jobs", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("jobs", "device_id", "devices", ForeignKeyAction::Cascade));
    jobs
}
