//! Loads of a follower for a change: tables and rows that have changed, or everything. Either way its mirror equals one that
//! is loaded at once.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};
use uuid::Uuid;

use super::access;
use super::alert;
use super::client;
use super::command;
use super::configuration;
use super::fixtures::*;
use super::follower::{number, table_versions};
use super::media;
use super::model;
use super::registration;
use crate::domain::Micros;
use crate::domain::configuration::binding::BindingReport;
use crate::domain::policy::PolicyTable;
use crate::store::catalog::Catalog;
use crate::store::catalog::follower::reload::Reload;
use crate::store::catalog::migration::MIRRORED_TABLES;
use crate::store::catalog::mirror::{LoneTable, Mirror, RowIds, RowTable};

/// A change of each mirrored table that its part of the mirror shows.
const CHANGES: [(&str, &str); 23] = [
    ("alert_rules", "version = version + 1"),
    ("binding_reports", "message = 'm'"),
    ("certificates", "expires_at = 7"),
    ("clients", "name = 'n'"),
    ("commands", "error = 'e'"),
    ("devices", "host = 'h'"),
    ("documents", "version = version + 1"),
    ("floors", "kept_from = 7"),
    ("groups", "description = 'd'"),
    ("keys", "last_used_at = 7"),
    ("media_jobs", "updated_at = 7"),
    ("model_versions", "created_at = 7"),
    ("models", "enabled = false"),
    ("objects", "file_name = 'f'"),
    ("org_plans", "plan = 'p'"),
    ("orgs", "name = 'n'"),
    ("policies", "drop_after_s = 7"),
    ("products", "name = 'p'"),
    ("registrations", "expires_at = 7"),
    ("sessions", "expires_at = 7"),
    ("streams", "unit = 'u'"),
    ("tokens", "expires_at = 7"),
    ("users", "password_hash = 'h'"),
];

/// Makes a row of each mirrored table; the default product is there already.
async fn make_rows(catalog: &Catalog) {
    let admin = admin(catalog);
    let ada = access::person(catalog, &admin, "ada", false).await;
    assert!(access::begin(catalog, &ada, 1).await, "a session");
    let client = client::client(catalog, &admin, "c").await;
    client::token(catalog, &client, Some(ada.id), 1).await.unwrap();
    catalog.keys.create_key(&admin, key_spec("k"), secret("k")).await.unwrap();
    let (source, _) = model::upload_new_model(catalog, &admin).await;
    let device = catalog.streams.stream(&admin, source).unwrap().spec.device;
    let line = group(catalog, &admin, "line").await.id;
    set_members(catalog, &admin, line, vec![source]).await.unwrap();
    catalog.retention.set_policy(&admin, PolicyTable::Readings, Some(source), 60).await.unwrap();
    let gone = stream(catalog, &admin, device, "gone").await.id;
    catalog.streams.delete_stream(&admin, gone).await.unwrap();

    let certificate = registration::certificate("f", Micros(i64::MAX));
    catalog.provisioning.put_certificate(&admin, device, certificate).await.unwrap();
    registration::register(catalog, &admin, "gateway", 1_000_000).await.unwrap();
    let minute = Duration::from_secs(60);
    catalog.commands.create_commands(&admin, vec![command::spec(device)], minute).await.unwrap();
    catalog.objects.create_object(&admin, configuration::object(1)).await.unwrap();
    let camera = media::camera(catalog, &admin, device).await;
    catalog.media.create_media_job(&admin, camera.uuid, media::capture()).await.unwrap();
    let decide = |_: Uuid, _: Option<&BindingReport>| Some(configuration::report(Uuid::from_u128(2)));
    catalog.documents.report_bindings(&admin, device, vec![Uuid::from_u128(1)], decide).await.unwrap();
    catalog.alerts.create_alert_rule(&admin, alert::spec("hot", source), 7).await.unwrap();
    catalog.orgs.choose_plan(&admin, "starter".to_owned()).await.unwrap();
}

/// A database with a row of each mirrored table, its follower, and a connection for changes.
async fn followed_rows() -> (TestDatabase, Catalog, DatabaseConnection) {
    let place = TestDatabase::postgres().await;
    make_rows(&place.open().await).await;
    let (follower, db) = (place.open_follower().await.unwrap(), place.raw_connection().await);
    (place, follower, db)
}

/// Nothing but these tables and rows.
pub(super) fn reload_of(tables: &[LoneTable], rows: impl IntoIterator<Item = (RowTable, i32)>) -> Reload {
    Reload::Changes { tables: tables.to_vec(), rows: rows.into_iter().collect() }
}

/// All rows of a table, by the ids of their changes.
async fn all_rows(db: &DatabaseConnection, table: RowTable) -> Vec<(RowTable, i32)> {
    let id = match table {
        RowTable::Floors => "source_id",
        RowTable::Policies => "coalesce(stream_id, 0)",
        _ => "id",
    };
    let query = format!("SELECT {id} FROM \"{}\"", table.name());
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Postgres, query)).await.unwrap();
    rows.iter().map(|row| (table, row.try_get_by_index(0).unwrap())).collect()
}

/// Makes a change that the mirror shows, and checks that the follower then equals a mirror that is loaded at once. Returns what
/// the follower has loaded.
pub(super) async fn follow(follower: &Catalog, db: &DatabaseConnection, change: &str) -> Reload {
    let before = follower.core.mirror.read().summary();
    let revision = follower.core.mirror.read().revision();
    db.execute_unprepared(change).await.unwrap();
    let reload = follower.load_changes().await.unwrap().expect("there is a change");
    let at_once = Mirror::load(&follower.core.db).await.unwrap();
    let now = follower.core.mirror.read().summary();
    assert_eq!(now, at_once.summary(), "{change}");
    assert_ne!(now, before, "{change}");
    let is_raised = follower.core.mirror.read().revision() > revision;
    let are_tables_alone = matches!(&reload, Reload::Changes { rows, .. } if *rows == RowIds::default());
    assert_eq!(is_raised, !are_tables_alone, "{change}: the revision");
    reload
}

/// Follows a change; returns also the names of the tables whose versions it has raised.
async fn raised_by(follower: &Catalog, db: &DatabaseConnection, change: &str) -> (Reload, Vec<String>) {
    let before = table_versions(db).await;
    let reload = follow(follower, db, change).await;
    let after = table_versions(db).await;
    let raised = after.into_iter().filter(|(name, version)| before.get(name) != Some(version));
    (reload, raised.map(|(name, _)| name).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_table_is_loaded_alone_or_by_row() {
    assert!(CHANGES.iter().map(|(table, _)| table).eq(MIRRORED_TABLES), "a change of each");
    let (place, follower, db) = followed_rows().await;
    for (table, change) in CHANGES {
        let reload = follow(&follower, &db, &format!("UPDATE \"{table}\" SET {change}")).await;
        let expected = match LoneTable::by_name(table) {
            Some(table) => reload_of(&[table], []),
            None => reload_of(&[], all_rows(&db, RowTable::from_name(table).unwrap()).await),
        };
        assert_eq!(reload, expected, "{table}");
    }
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_deletion_takes_along_is_followed() {
    use LoneTable::*;
    let (place, follower, db) = followed_rows().await;
    let part = |name: &str| follower.core.mirror.read().summary().remove(name).unwrap();
    let (documents, rules) = (follower.documents.document_revision(), follower.alerts.alert_rules_revision());
    let gone = follow(&follower, &db, "DELETE FROM documents").await;
    assert_eq!(gone, reload_of(&[Documents, MediaJobs], []));
    assert!(part("documents").is_empty() && part("media").is_empty());
    assert!(
        follower.documents.document_revision() > documents && follower.alerts.alert_rules_revision() == rules
    );
    let users = all_rows(&db, RowTable::Users).await;
    let of_user = "UPDATE clients SET user_id = (SELECT id FROM users); DELETE FROM users";
    let (gone, raised) = raised_by(&follower, &db, of_user).await;
    assert_eq!(raised.join(" "), "clients devices sessions tokens users");
    assert_eq!(gone, reload_of(&[Clients, Sessions, Tokens], users));
    assert!(["clients", "sessions", "tokens", "users"].iter().all(|name| part(name).is_empty()));
    let mut rows = Vec::new();
    for table in [RowTable::Devices, RowTable::Policies, RowTable::Streams] {
        rows.extend(all_rows(&db, table).await);
    }
    let (gone, raised) = raised_by(&follower, &db, "DELETE FROM devices").await;
    let expected = "alert_rules binding_reports certificates commands devices documents media_jobs \
                    model_versions models policies registrations streams";
    assert_eq!(raised.join(" "), expected);
    let tables =
        [AlertRules, BindingReports, Certificates, Commands, Documents, MediaJobs, Models, Registrations];
    assert_eq!(gone, reload_of(&tables, rows));
    assert!(
        ["certificates", "commands", "members", "policies", "streams"]
            .iter()
            .all(|name| part(name).is_empty())
    );
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_goes_with_its_tokens_without_a_whole_load() {
    let (place, follower, db) = followed_rows().await;
    let gone = follow(&follower, &db, "DELETE FROM clients").await;
    assert_eq!(gone, reload_of(&[LoneTable::Clients, LoneTable::Tokens], []));
    assert!(follower.core.mirror.read().summary()["tokens"].is_empty());
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_use_of_a_key_loads_the_keys_and_a_stream_two_rows() {
    let place = TestDatabase::postgres().await;
    let writer = place.open().await;
    let admin = admin(&writer);
    let (plant, other) = (device(&writer, &admin, "d").await.id, device(&writer, &admin, "other").await.id);
    let key = writer.keys.create_key(&admin, key_spec("k"), secret("k")).await.unwrap().id;
    let follower = place.open_follower().await.unwrap();
    let (revision, changes) = (follower.core.mirror.read().revision(), follower.subscribe_changes());
    let rows = || [plant, other].map(|id| follower.core.mirror.read().devices.get(id).cloned().unwrap());
    let before = rows();
    let are_same = || {
        let now = rows();
        [0, 1].map(|at| Arc::ptr_eq(&before[at], &now[at]))
    };
    follower.keys.touch_key(key, Micros(START.0 + 1));
    follower.keys.save_last_used().await.unwrap();
    let reload = follower.load_changes().await.unwrap();
    assert_eq!(reload, Some(reload_of(&[LoneTable::Keys], [])));
    assert_eq!(follower.keys.key(&admin, key).unwrap().last_used_at, Some(Micros(START.0 + 1)));
    assert_eq!(are_same(), [true, true], "devices are not loaded");
    assert_eq!((follower.core.mirror.read().revision(), changes.has_changed().unwrap()), (revision, true));
    assert_eq!(follower.load_changes().await.unwrap(), None);

    writer.keys.revoke_key(&admin, key).await.unwrap();
    let new = stream(&writer, &admin, plant, "s").await.id;
    let expected = reload_of(&[LoneTable::Keys], [(RowTable::Devices, plant.0), (RowTable::Streams, new.0)]);
    assert_eq!(follower.load_changes().await.unwrap(), Some(expected));
    assert_eq!(are_same(), [false, true], "the device has another last channel");
    assert!(follower.core.mirror.read().revision() > revision);
    assert!(follower.streams.stream(&admin, new).is_ok());
    assert!(!follower.keys.key(&admin, key).unwrap().enabled);
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_of_another_history_load_everything() {
    let (place, follower, db) = followed_rows().await;
    let rows = [
        (
            "a_table_went_down",
            "UPDATE catalog_table_versions SET version = version - 1 WHERE name = 'devices'",
        ),
        ("a_row_went", "DELETE FROM catalog_table_versions WHERE name = 'devices'"),
        ("it_is_still_missing", "SELECT 1"),
        ("it_came_back", "INSERT INTO catalog_table_versions (name, version) VALUES ('devices', 0)"),
        ("the_catalog_went_down", "UPDATE catalog_version SET version = 0"),
        (
            "a_restored_table",
            "CREATE TABLE restored AS SELECT * FROM catalog_version; DROP TABLE catalog_version; \
             ALTER TABLE restored RENAME TO catalog_version",
        ),
    ];
    for (at, (name, change)) in rows.into_iter().enumerate() {
        let used = format!("UPDATE keys SET last_used_at = {at}");
        assert_eq!(follow(&follower, &db, &format!("{change}; {used}")).await, Reload::Everything, "{name}");
    }
    let reload = follow(&follower, &db, "UPDATE keys SET last_used_at = 99").await;
    assert_eq!(reload, reload_of(&[LoneTable::Keys], []), "it follows the new history");
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_database_is_loaded_although_it_has_the_version_of_the_mirror() {
    let (place, follower, db) = followed_rows().await;
    let version = "SELECT version FROM catalog_version";
    let before = number(&db, version).await;
    let restored = "UPDATE keys SET last_used_at = 7; \
                    CREATE TABLE restored AS SELECT id, version - 1 AS version FROM catalog_version; \
                    DROP TABLE catalog_version; ALTER TABLE restored RENAME TO catalog_version";
    assert_eq!(follow(&follower, &db, restored).await, Reload::Everything);
    assert_eq!(number(&db, version).await, before, "it is the same again");
    assert_eq!(follower.load_changes().await.unwrap(), None, "it is loaded once");
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_raise_versions_once_and_wait_in_turn() {
    let place = TestDatabase::postgres().await;
    drop(place.open().await);
    let db = place.raw_connection().await;
    let version = "SELECT version FROM catalog_version";
    let (before, mut expected) = (number(&db, version).await, table_versions(&db).await);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..8 {
        let db = db.clone();
        tasks.spawn(async move {
            let [first, last] = if n % 2 == 0 { ["keys", "users"] } else { ["users", "keys"] };
            let transaction = db.begin().await?;
            for table in [first, "tokens", last, first] {
                transaction.execute_unprepared(&format!("UPDATE {table} SET id = id WHERE false")).await?;
            }
            transaction.commit().await
        });
    }
    for finished in tasks.join_all().await {
        finished.unwrap();
    }
    ["keys", "tokens", "users"].into_iter().for_each(|name| *expected.get_mut(name).unwrap() += 8);
    assert_eq!((number(&db, version).await, table_versions(&db).await), (before + 8, expected));
    db.close().await.unwrap();
    place.drop_database().await;
}
