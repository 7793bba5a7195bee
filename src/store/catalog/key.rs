//! API keys of an organization, found by the public prefix of their secret. It does not judge secrets: auth/ does.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;

use sea_orm::{ActiveModelTrait, DbErr, Set};

use super::database::refused;
use super::room::Growth;
use super::sight::{Sight, whole_org};
use super::turn::Work;
use super::{Catalog, entity, no_such_row, not_unique, trim};
use crate::domain::audit::{Action, Change};
use crate::domain::check::check_text;
use crate::domain::key::{Key, KeySecret, KeySpec};
use crate::domain::{Error, FieldError, KeyId, Micros, Principal, Result};

/// Ids in one allowed list: bounds the parameters of a query that carries it.
const MAX_ALLOWED: usize = 10_000;

impl Catalog {
    /// Keys of the principal's organization by id ascending, with their latest use; none for a restricted key.
    pub fn keys(&self, who: &Principal) -> Vec<Arc<Key>> {
        let mut keys = self.sight(who).keys();
        let used = self.used.lock();
        for key in &mut keys {
            if let Some(at) = used.get(&key.id) {
                Arc::make_mut(key).last_used_at = Some(*at);
            }
        }
        keys
    }

    /// `NotFound` when the key is absent or not seen.
    pub fn key(&self, who: &Principal, id: KeyId) -> Result<Arc<Key>> {
        let mut key = self.sight(who).key(id).cloned()?;
        if let Some(at) = self.used.lock().get(&id) {
            Arc::make_mut(&mut key).last_used_at = Some(*at);
        }
        Ok(key)
    }

    /// Makes a key of the principal's organization. Nobody grants a scope that they do not hold, and a restricted
    /// key makes none.
    pub async fn create_key(
        &self,
        who: &Principal,
        mut spec: KeySpec,
        secret: KeySecret,
    ) -> Result<Arc<Key>> {
        whole_org(who)?;
        spec.scopes.iter().try_for_each(|scope| who.require(scope))?;
        trim(&mut spec.name);
        let turn = self.turn().await?;
        check(&turn.sight(who), &spec, &secret)?;
        self.check_room(&turn.mirror(), who.org, Growth::of_key(&spec))?;
        let row = entity::key::new(who.org, spec, secret, self.clock.now());
        turn.change(
            who,
            async move |db| write(row.insert(&*db).await),
            |key| Change::new(Action::Create, "key", key.id.0),
            |mirror, key| mirror.keys.put(Arc::clone(key)),
        )
        .await
    }

    /// Gives a key another name. What it may do and see stays as it was made: a secret that is out there never gets more.
    pub async fn rename_key(&self, who: &Principal, id: KeyId, mut name: String) -> Result<Arc<Key>> {
        whole_org(who)?;
        trim(&mut name);
        let mut problems = Vec::new();
        check_text(&mut problems, "name", &name, 1, 100);
        let turn = self.turn().await?;
        turn.sight(who).key(id)?;
        Error::check(problems)?;
        let row = entity::key::ActiveModel { id: Set(id.0), name: Set(name), ..Default::default() };
        turn.change(
            who,
            async move |db| write(row.update(&*db).await),
            |key| Change::new(Action::Update, "key", key.id.0).with(vec!["name"]),
            |mirror, key| mirror.keys.put(Arc::clone(key)),
        )
        .await?;
        self.key(who, id)
    }

    /// Disables a key for good; a second time changes nothing.
    pub async fn revoke_key(&self, who: &Principal, id: KeyId) -> Result<Arc<Key>> {
        let turn = self.turn().await?;
        turn.sight(who).key(id)?;
        let row = entity::key::ActiveModel { id: Set(id.0), enabled: Set(false), ..Default::default() };
        turn.change(
            who,
            async move |db| write(row.update(&*db).await),
            |key| Change::new(Action::Revoke, "key", key.id.0),
            |mirror, key| mirror.keys.put(Arc::clone(key)),
        )
        .await
    }

    /// Authentication's own look-up, the only one without a principal. The key may be revoked or expired:
    /// `Key::is_valid_at` says.
    pub fn key_by_prefix(&self, prefix: &str) -> Option<Arc<Key>> {
        self.mirror.read().keys.named((), prefix).cloned()
    }

    /// Remembers a use, in memory only: authenticating must not cost a write.
    pub fn touch_key(&self, id: KeyId, at: Micros) {
        let mut used = self.used.lock();
        let latest = used.entry(id).or_insert(at);
        *latest = at.max(*latest);
    }

    /// Writes the uses remembered since the last time. Those that could not be written are kept for the next.
    pub async fn save_last_used(&self) -> Result<()> {
        let turn = self.turn().await?;
        let used: Vec<(KeyId, Micros)> = self.used.lock().iter().map(|(id, at)| (*id, *at)).collect();
        if used.is_empty() {
            return Ok(());
        }
        let saved = used.clone();
        let update = async move |db: Work| {
            let mut keys = Vec::with_capacity(used.len());
            for (id, at) in used {
                let row = entity::key::ActiveModel {
                    id: Set(id.0),
                    last_used_at: Set(Some(at.0)),
                    ..Default::default()
                };
                keys.push(write(row.update(&*db).await)?);
            }
            Ok(keys)
        };
        turn.run(update, |mirror, keys| keys.iter().for_each(|key| mirror.keys.put(Arc::clone(key)))).await?;
        let mut used = self.used.lock();
        for (id, at) in saved {
            if used.get(&id) == Some(&at) {
                used.remove(&id);
            }
        }
        Ok(())
    }
}

fn check(sight: &Sight, spec: &KeySpec, secret: &KeySecret) -> Result<()> {
    let mut problems = Vec::new();
    check_text(&mut problems, "name", &spec.name, 1, 100);
    check_allowed(&mut problems, "allowed_devices", spec.devices.as_ref(), |id| sight.device(id).is_ok());
    check_allowed(&mut problems, "allowed_data", spec.streams.as_ref(), |id| sight.stream(id).is_ok());
    Error::check(problems)?;
    match sight.mirror.keys.named((), &secret.prefix) {
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
    if ids.len() > MAX_ALLOWED {
        let message = format!("Ensure this field has no more than {MAX_ALLOWED} elements.");
        problems.push(FieldError::new(field, message));
    } else if let Some(id) = ids.iter().copied().find(|id| !exists(*id)) {
        problems.push(no_such_row(field, id));
    }
}

fn write(row: std::result::Result<entity::key::Model, DbErr>) -> Result<Arc<Key>> {
    Ok(Arc::new(row.map_err(|e| refused(e, || not_unique("prefix")))?.try_into()?))
}
