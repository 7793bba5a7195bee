//! `basalt doctor`: looks at an installation, and says what is wrong and how to mend it. Exits with 1 when there is a problem.
//!
//! One file for each subject of a check; a check returns findings and changes nothing.

mod catalog;
mod clock;
mod configuration;
mod directory;
mod disk;
mod finding;
mod fsync;
mod installation;
mod lake;
mod lake_directory;
mod limits;
mod objects;
mod ports;
mod report;
mod secrets;
mod tls;
mod versions;

use std::process::ExitCode;

use self::finding::{Finding, State};
use self::installation::{DirectoryAccess, Installation};
use self::report::DoctorReport;
use super::args;
use super::{logging, print};
use crate::domain::time::SystemClock;
use crate::domain::{Clock, Result};

/// Runs the checks, and prints the findings as text or JSON. Returns failure if one of them is a problem.
pub async fn run(args: args::Doctor) -> Result<ExitCode> {
    logging::init_for_command();
    let (config, mut findings) = configuration::load(&args.place);
    let named = args.place.data_dir.clone().unwrap_or_default();
    let data_dir = match config {
        Some(config) => {
            let installation = Installation::find(config, args.place.config).await;
            findings.extend(match installation.access {
                DirectoryAccess::Denied => check_from_outside(&installation).await,
                DirectoryAccess::Granted | DirectoryAccess::NoData => check(&installation).await,
            });
            installation.data_dir
        }
        None => named,
    };
    let report = DoctorReport::new(data_dir, findings);
    print::line(&if args.json { report.json()? } else { report.text() })?;
    Ok(if report.state == State::Problem { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Runs the checks whose results are true for every user.
async fn check_from_outside(installation: &Installation) -> Vec<Finding> {
    let mut findings = directory::check(installation);
    findings.extend(disk::check(installation));
    findings.push(versions::check(installation));
    findings.extend(clock::check(installation, None).await);
    findings
}

/// Runs all checks but that of the configuration's file.
async fn check(installation: &Installation) -> Vec<Finding> {
    let config = &installation.config;
    let mut findings = configuration::check_paths(config);
    findings.extend(directory::check(installation));
    findings.extend(secrets::check(installation));
    findings.extend(disk::check(installation));
    findings.extend(fsync::check(installation));
    findings.push(limits::check(installation));
    findings.extend(ports::check(installation));
    findings.extend(tls::check(config, SystemClock.now()));
    findings.push(versions::check(installation));
    findings.extend(objects::check("objects.url", config.objects_url.as_deref()).await);
    let lake_store = objects::check("lake.url", config.lake.url.as_deref()).await;
    // What does not answer would be asked again for minutes.
    let is_reachable = lake_store.as_ref().is_none_or(|finding| finding.state == State::Ok);
    findings.extend(lake_store);
    let mut newest_row = None;
    if installation.access == DirectoryAccess::Granted {
        findings.extend(catalog::check(installation).await);
        let (newest, found) = lake::check(installation, is_reachable).await;
        newest_row = newest;
        findings.extend(found);
    }
    findings.extend(clock::check(installation, newest_row).await);
    findings
}
