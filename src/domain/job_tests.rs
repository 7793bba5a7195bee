//! Tests of jobs: their states, who is shown one, who may cancel it, and when an import is given up.

use serde_json::json;

use super::*;
use crate::domain::caller::Caller;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{KeyId, Scopes};

fn key(id: i32, scopes: &[&str]) -> Principal {
    let scopes: Scopes = scopes.iter().map(|scope| scope.parse::<Scope>().unwrap()).collect();
    Principal { caller: Caller::Key(KeyId(id)), scopes, ..Principal::system(OrgId(1)) }
}

fn job(kind: JobKind, who: &Principal) -> Job {
    let subject = match kind {
        JobKind::Score | JobKind::Rescore => JobSubject::Model { model: ModelId(1), device: DeviceId(1) },
        JobKind::Export => JobSubject::Export(ExportAccess::default()),
        JobKind::Backup | JobKind::VerifyBackup => JobSubject::Backup("b".to_owned()),
        JobKind::Import => {
            JobSubject::Import(ImportedFile { name: "a.csv".to_owned(), size: None, unit: ImportUnit::Rows })
        }
    };
    Job::queued(who, kind, subject, Micros(5))
}

#[test]
fn names_are_read_back() {
    for kind in JobKind::ALL {
        assert_eq!(kind.name().parse::<JobKind>().unwrap(), kind);
    }
    for state in JobState::ALL {
        assert_eq!(state.name().parse::<JobState>().unwrap(), state);
    }
    for unit in ImportUnit::ALL {
        assert_eq!(unit.name().parse::<ImportUnit>().unwrap(), unit);
    }
    let error = "ended".parse::<JobState>().unwrap_err();
    assert_eq!(error.message, "`ended` is not one of queued, running, done, failed, cancelled");
}

#[test]
fn a_job_never_goes_back() {
    for state in JobState::ALL {
        let mut reached = vec![state];
        for _ in JobState::ALL {
            let all = JobState::ALL.into_iter();
            reached = all.filter(|next| reached.iter().any(|from| from.may_become(*next))).collect();
        }
        assert!(reached.is_empty(), "{state:?} is reached from itself");
        let is_final = !JobState::ALL.into_iter().any(|next| state.may_become(next));
        assert_eq!(is_final, state.is_over(), "{state:?}");
    }
}

#[test]
fn every_end_is_final_and_says_what_it_was() {
    let who = key(1, &[]);
    let running = || job(JobKind::Score, &who).started(Micros(6)).unwrap();
    assert_eq!((running().started_at, running().reported_at), (Some(Micros(6)), Some(Micros(6))));
    assert_eq!(running().started(Micros(7)).unwrap_err().message, "the job is running");
    let done = job(JobKind::Score, &who).ended(JobEnd::Done(json!({})), Micros(7));
    assert_eq!(done.unwrap_err().message, "the job has not begun");
    let rows = [
        (JobEnd::Done(json!({"a": 1})), JobState::Done, 1.0, "the job is done"),
        (JobEnd::Failed("no".to_owned()), JobState::Failed, 0.5, "the job failed: no"),
        (JobEnd::Cancelled, JobState::Cancelled, 0.5, "the job was cancelled"),
    ];
    for (end, state, progress, refusal) in rows {
        let ended = Job { progress: 0.5, ..running() }.ended(end.clone(), Micros(9)).unwrap();
        assert_eq!((ended.state, ended.progress, ended.ended_at), (state, progress, Some(Micros(9))));
        assert_eq!(ended.result.is_some(), state == JobState::Done);
        assert_eq!(ended.error.is_empty(), state != JobState::Failed);
        for again in [JobEnd::Done(json!({})), JobEnd::Failed(String::new()), JobEnd::Cancelled] {
            assert_eq!(ended.clone().ended(again, Micros(10)).unwrap_err().message, refusal, "{end:?}");
        }
        assert_eq!(ended.started(Micros(10)).unwrap_err().message, refusal);
    }
}

#[test]
fn scopes_show_a_job_and_let_it_be_cancelled_by_its_kind() {
    let creator = key(1, &["value:write"]);
    let restricted = Principal { devices: Some(Default::default()), ..key(2, &["system:write"]) };
    let rows = [
        ("system_read", JobKind::Score, key(2, &["system:read"]), true, false),
        ("system_write", JobKind::Rescore, key(2, &["system:write"]), true, true),
        ("value_write_of_a_model", JobKind::Score, key(1, &["value:write"]), false, false),
        ("value_read", JobKind::Export, key(2, &["value:read"]), true, false),
        ("value_write", JobKind::Export, key(2, &["value:write"]), true, true),
        ("system_of_an_export", JobKind::Export, key(2, &["system:write"]), false, false),
        ("creator", JobKind::Import, creator.clone(), true, true),
        ("other_creator", JobKind::Import, key(2, &["value:write"]), false, false),
        ("reader_of_all", JobKind::Import, key(2, &["system:read"]), true, false),
        ("writer_of_all", JobKind::Import, key(2, &["system:write"]), true, true),
        ("restricted", JobKind::Import, restricted.clone(), false, true),
        ("reader_of_backups", JobKind::Backup, key(2, &["system:read"]), true, false),
        ("writer_of_backups", JobKind::VerifyBackup, key(2, &["system:write"]), true, true),
        ("values_and_backups", JobKind::Backup, key(2, &["value:write"]), false, false),
        ("restricted_and_backups", JobKind::Backup, restricted, false, true),
    ];
    for (name, kind, who, is_shown, may_cancel) in rows {
        let job = job(kind, &creator);
        assert_eq!(job.is_shown_by_scopes_of(&who), is_shown, "{name}");
        assert_eq!(job.check_may_cancel(&who).is_ok(), may_cancel, "{name}");
    }
}

#[test]
fn a_silent_import_is_given_up() {
    let who = key(1, &[]);
    let limit = REPORT_TIMEOUT_S * MICROS_PER_SECOND;
    let running = |kind| job(kind, &who).started(Micros(6)).unwrap();
    assert!(!running(JobKind::Import).is_abandoned(Micros(6 + limit - 1)));
    assert!(running(JobKind::Import).is_abandoned(Micros(6 + limit)));
    assert!(!running(JobKind::Export).is_abandoned(Micros(6 + limit)), "the server runs it");
    let over = running(JobKind::Import).ended(JobEnd::Cancelled, Micros(7)).unwrap();
    assert!(!over.is_abandoned(Micros(6 + limit)));
}
