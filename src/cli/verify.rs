//! `basalt verify`: reports what was checked and what is damaged, as text or JSON; exits with 1 on damage.

use std::process::ExitCode;

use super::args::{self, OrgArgs, ReportFormat};
use super::instance;
use super::progress;
use super::remote::RemoteClient;
use super::target::{self, CommandTarget, DataDirAccess};
use super::{logging, print};
use crate::app::control::{Command, CommandOutcome};
use crate::domain::{Error, Progress, Result};
use crate::store::verify::{ClosedStore, Finding, VerifyReport};

/// Checks all stored data, through the server where one runs, and prints the report. Returns failure on damage.
pub async fn run(args: args::Verify) -> Result<ExitCode> {
    logging::init_for_command();
    let config = target::load_config(&args.place)?;
    target::check_data_dir_exists(&config)?;
    let report = match DataDirAccess::acquire(&config).await? {
        // The store is not opened: damage may prevent that, and opening repairs what it can.
        DataDirAccess::Exclusive(lock) => {
            let progress = Progress::default();
            let catalog = instance::catalog_url(&config);
            let closed = ClosedStore {
                data_dir: &config.data_dir,
                catalog_url: &catalog,
                lake_url: config.lake.url.as_deref(),
            };
            let report = progress::run_with_progress(&progress, closed.verify(&progress)).await?;
            drop(lock);
            report
        }
        DataDirAccess::ThroughServer(running) => {
            let org = OrgArgs { org: None };
            let target = CommandTarget::LocalServer {
                server: RemoteClient::connect_local(&running, &config.data_dir, None)?,
                org: org.org,
            };
            match target.run(Command::Verify).await? {
                CommandOutcome::Verified(report) => *report,
                _ => return Err(Error::internal("the server answered another command")),
            }
        }
    };
    match args.format {
        ReportFormat::Text => print::line(&text(&report))?,
        ReportFormat::Json => print::line(&json(&report)?)?,
    }
    Ok(if report.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn json(report: &VerifyReport) -> Result<String> {
    let mut value = serde_json::to_value(report).map_err(|e| Error::internal("the report").with_source(e))?;
    value["whole"] = report.is_whole().into();
    serde_json::to_string_pretty(&value).map_err(|e| Error::internal("the report").with_source(e))
}

fn text(report: &VerifyReport) -> String {
    let wal = &report.wal;
    let mut lines = vec![format!(
        "write-ahead log: {} segments, {} records, {} bytes",
        wal.segments, wal.records, wal.bytes
    )];
    for table in &report.tables {
        let version = match table.version {
            Some(version) => format!("version {version}"),
            None if table.log_entries == 0 => "empty".to_owned(),
            None => "unreadable".to_owned(),
        };
        lines.push(format!(
            "table {}: {version}, {} log entries, {} checkpoints; {} files, {} bytes, {} row groups, {} pages, \
             {} rows decoded",
            table.name,
            table.log_entries,
            table.log_checkpoints,
            table.files,
            table.bytes,
            table.row_groups,
            table.pages,
            table.rows
        ));
    }
    let catalog = &report.catalog;
    let rows: Vec<_> = catalog.rows.iter().map(|(table, rows)| format!("{rows} {table}")).collect();
    lines.push(format!("catalog: {}; {}", catalog.database, rows.join(", ")));
    if catalog.deleted_ids > 0 {
        lines.push(format!("rows of {} deleted streams or devices are still in files", catalog.deleted_ids));
    }
    let listed = |lines: &mut Vec<String>, findings: &[Finding], count: u64| {
        lines.extend(findings.iter().map(finding));
        let more = count.saturating_sub(findings.len() as u64);
        if more > 0 {
            lines.push(format!("  and {more} more"));
        }
    };
    if report.notes_count > 0 {
        lines.push("no damage, but worth knowing:".to_owned());
        listed(&mut lines, &report.notes, report.notes_count);
    }
    if report.is_whole() {
        lines.push("everything is whole".to_owned());
    } else {
        lines.push(format!("broken ({}):", report.broken_count));
        listed(&mut lines, &report.broken, report.broken_count);
    }
    lines.join("\n")
}

fn finding(finding: &Finding) -> String {
    let Finding { file, at, what } = finding;
    if at.is_empty() { format!("  {file}: {what}") } else { format!("  {file}, {at}: {what}") }
}
