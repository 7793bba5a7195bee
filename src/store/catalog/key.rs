//! API keys of an organization, looked up by the public prefix of their secret. Secrets are verified in auth/, not
//! here.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;
use std::sync::Arc;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, Set,
};

use super::catalog_core::CatalogCore;
use super::database::{unavailable, write_error};
use super::mirror::Mirror;
use super::org::quota::QuotaDelta;
use super::transaction::DbTransaction;
use super::visibility::{VisibleCatalog, require_unrestricted};
use super::{entity, no_such_row, not_unique, trim};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::document::DocumentKind;
use crate::domain::key::{Key, KeySecret, KeySpec};
use crate::domain::validation::check_text;
use crate::domain::{Error, FieldError, KeyId, Micros, Principal, Result};
use parking_lot::Mutex;

/// Maximum ids per allowed list: bounds the parameters of a query that carries it.
const MAX_ALLOWED_IDS: usize = 10_000;

/// API keys.
pub struct KeyCatalog {
    core: Arc<CatalogCore>,
    /// Key uses not yet written to the database.
    unsaved_key_uses: Mutex<HashMap<KeyId, Micros>>,
}

impl KeyCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core, unsaved_key_uses: Default::default() }
    }

    /// Keys of the principal's organization by id ascending, with their latest use; empty for a restricted key.
    pub fn keys(&self, who: &Principal) -> Vec<Arc<Key>> {
        let mut keys = self.core.visible_to(who).keys();
        let used = self.unsaved_key_uses.lock();
        for key in &mut keys {
            if let Some(at) = used.get(&key.id) {
                Arc::make_mut(key).last_used_at = Some(*at);
            }
        }
        keys
    }

    /// Returns a key; `NotFound` when it is absent or not visible.
    pub fn key(&self, who: &Principal, id: KeyId) -> Result<Arc<Key>> {
        let mut key = self.core.visible_to(who).key(id).cloned()?;
        if let Some(at) = self.unsaved_key_uses.lock().get(&id) {
            Arc::make_mut(&mut key).last_used_at = Some(*at);
        }
        Ok(key)
    }

    /// Creates a key in the principal's organization. The principal can only grant scopes that it holds, and a
    /// restricted key cannot create keys.
    pub async fn create_key(
        &self,
        who: &Principal,
        mut spec: KeySpec,
        secret: KeySecret,
    ) -> Result<Arc<Key>> {
        require_unrestricted(who)?;
        spec.scopes.iter().try_for_each(|scope| who.require(scope))?;
        trim(&mut spec.name);
        let transaction = self.core.begin_transaction().await?;
        check(&transaction.visible_to(who), &spec, &secret)?;
        self.core.check_quota(&transaction.mirror(), who.org, QuotaDelta::of_key(&spec))?;
        let row = entity::key::new(who.org, spec, secret, self.core.clock.now());
        transaction
            .commit_change(
                who,
                async move |db| into_key(row.insert(&*db).await),
                |key| AuditChange::new(Action::Create, "key", key.id.0),
                |mirror, key| mirror.keys.put(Arc::clone(key)),
            )
            .await
    }

    /// Renames a key. Its permissions cannot be changed, so that a secret already handed out never gains any.
    pub async fn rename_key(&self, who: &Principal, id: KeyId, mut name: String) -> Result<Arc<Key>> {
        require_unrestricted(who)?;
        trim(&mut name);
        let mut problems = Vec::new();
        check_text(&mut problems, "name", &name, 1, 100);
        let transaction = self.core.begin_transaction().await?;
        transaction.visible_to(who).key(id)?;
        Error::check(problems)?;
        let row = entity::key::ActiveModel { id: Set(id.0), name: Set(name), ..Default::default() };
        transaction
            .commit_change(
                who,
                async move |db| into_key(row.update(&*db).await),
                |key| AuditChange::new(Action::Update, "key", key.id.0).with(vec!["name"]),
                |mirror, key| mirror.keys.put(Arc::clone(key)),
            )
            .await?;
        self.key(who, id)
    }

    /// Disables a key permanently; idempotent.
    pub async fn revoke_key(&self, who: &Principal, id: KeyId) -> Result<Arc<Key>> {
        let transaction = self.core.begin_transaction().await?;
        transaction.visible_to(who).key(id)?;
        let row = entity::key::ActiveModel { id: Set(id.0), enabled: Set(false), ..Default::default() };
        transaction
            .commit_change(
                who,
                async move |db| into_key(row.update(&*db).await),
                |key| AuditChange::new(Action::Revoke, "key", key.id.0),
                |mirror, key| mirror.keys.put(Arc::clone(key)),
            )
            .await
    }

    /// Looks up a key for authentication, without a principal. The key may be revoked or expired: check
    /// `Key::is_valid_at`.
    pub fn key_by_prefix(&self, prefix: &str) -> Option<Arc<Key>> {
        self.core.mirror.read().keys.get_by_name((), prefix).cloned()
    }

    /// The current state of a key, for re-validating a credential. Like `key_by_prefix` it takes no principal.
    pub fn current_key(&self, id: KeyId) -> Option<Arc<Key>> {
        self.core.mirror.read().keys.get(id).cloned()
    }

    /// Records a use in memory only: authenticating must not cost a write.
    pub fn touch_key(&self, id: KeyId, at: Micros) {
        let mut used = self.unsaved_key_uses.lock();
        let latest = used.entry(id).or_insert(at);
        *latest = at.max(*latest);
    }

    /// Writes the uses recorded since the last call, also on a follower. On failure they are kept for the next call.
    pub async fn save_last_used(&self) -> Result<()> {
        let transaction = self.core.begin_on_any_node().await?;
        let used: Vec<(KeyId, Micros)> =
            self.unsaved_key_uses.lock().iter().map(|(id, at)| (*id, *at)).collect();
        if used.is_empty() {
            return Ok(());
        }
        let saved = used.clone();
        let update = async move |db: DbTransaction| {
            let mut keys: Vec<Arc<Key>> = Vec::with_capacity(used.len());
            for (id, at) in used {
                keys.extend(save_use(&*db, id, at).await?);
            }
            Ok(keys)
        };
        if self.core.follower.is_some() {
            transaction.commit_unmirrored(update).await?;
        } else {
            let apply = |mirror: &mut Mirror, keys: &Vec<Arc<Key>>| {
                keys.iter().for_each(|key| mirror.keys.put(Arc::clone(key)))
            };
            transaction.commit_unaudited(update, apply).await?;
        }
        let mut used = self.unsaved_key_uses.lock();
        for (id, at) in saved {
            if used.get(&id) == Some(&at) {
                used.remove(&id);
            }
        }
        Ok(())
    }
}

fn check(visible: &VisibleCatalog, spec: &KeySpec, secret: &KeySecret) -> Result<()> {
    let mut problems = Vec::new();
    check_text(&mut problems, "name", &spec.name, 1, 100);
    check_allowed(&mut problems, "allowed_devices", spec.devices.as_ref(), |id| visible.device(id).is_ok());
    check_allowed(&mut problems, "allowed_data", spec.streams.as_ref(), |id| visible.stream(id).is_ok());
    let is_dashboard = |id| {
        let found = visible.mirror.documents.by_id(id);
        found.is_some_and(|row| row.spec.kind() == DocumentKind::Dashboard && visible.sees_document(row))
    };
    check_allowed(&mut problems, "allowed_dashboards", spec.dashboards.as_ref(), is_dashboard);
    if spec.dashboards.is_some() && spec.devices.is_none() && spec.streams.is_none() {
        let message = "Only a key with allowed_devices or allowed_data can be limited to dashboards.";
        problems.push(FieldError::new("allowed_dashboards", message));
    }
    Error::check(problems)?;
    match visible.mirror.keys.get_by_name((), &secret.prefix) {
        Some(_) => Err(not_unique("prefix")),
        None => Ok(()),
    }
}

fn check_allowed<Id: Copy + Display>(
    problems: &mut Vec<FieldError>,
    field: &'static str,
    ids: Option<&BTreeSet<Id>>,
    exists: impl Fn(Id) -> bool,
) {
    let Some(ids) = ids else { return };
    if ids.len() > MAX_ALLOWED_IDS {
        let message = format!("Ensure this field has no more than {MAX_ALLOWED_IDS} elements.");
        problems.push(FieldError::new(field, message));
    } else if let Some(id) = ids.iter().copied().find(|id| !exists(*id)) {
        problems.push(no_such_row(field, id));
    }
}

/// Writes a use unless a later one is stored, which another node may have saved. Returns the key as it is stored.
async fn save_use(db: &impl ConnectionTrait, id: KeyId, at: Micros) -> Result<Option<Arc<Key>>> {
    use entity::key::{ActiveModel, Column, Entity};
    let is_later = Condition::any().add(Column::LastUsedAt.is_null()).add(Column::LastUsedAt.lt(at.0));
    let change = ActiveModel { last_used_at: Set(Some(at.0)), ..Default::default() };
    let update = Entity::update_many().set(change).filter(Column::Id.eq(id.0)).filter(is_later);
    update.exec(db).await.map_err(unavailable)?;
    let stored = Entity::find_by_id(id.0).one(db).await.map_err(unavailable)?;
    stored.map(|row| Key::try_from(row).map(Arc::new)).transpose()
}

fn into_key(row: std::result::Result<entity::key::Model, DbErr>) -> Result<Arc<Key>> {
    Ok(Arc::new(row.map_err(|e| write_error(e, || not_unique("prefix")))?.try_into()?))
}
