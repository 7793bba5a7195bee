//! Packs in the catalog: a pack and its rows are created in one transaction, and go in one.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use sea_orm::{ActiveModelTrait, EntityTrait};
use uuid::Uuid;

use super::DocumentCatalog;
use super::{audit_change, check_writable, into_document};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::document::version_rule::version_problems;
use crate::domain::document::{
    AnnotationClassSpec, DashboardSpec, DeviceProfileSpec, Document, DocumentKind, DocumentSpec, PackContent,
    PackSpec, ProfileComponent, ReferenceTarget, SensorProfileSpec,
};
use crate::domain::{Error, FieldError, Principal, Result};
use crate::store::catalog::annotation::check_classes_unused;
use crate::store::catalog::database::unavailable;
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::transaction::DbTransaction;
use crate::store::catalog::visibility::{VisibleCatalog, require_unrestricted};
use crate::store::catalog::{NewDocument, entity};

/// Outcome of the installation of a pack.
#[derive(Debug, Clone, PartialEq)]
pub enum PackInstall {
    /// It is installed by this call.
    Created(Arc<Document>),
    /// It was installed before, with the same content.
    Unchanged(Arc<Document>),
    /// Nothing is installed: versions of its profiles contradict the rule of versions, or its annotation classes those that
    /// are there.
    Refused(Vec<FieldError>),
}

/// Changes of a removal.
struct PackRemoval {
    /// The pack, and those of its rows that no other pack has.
    gone: Vec<Arc<Document>>,
    /// Rows that stay, with what is stored of them from then on: they belong to another pack that has them.
    moved: Vec<(Arc<Document>, DocumentSpec)>,
}

/// Rows that a removal deleted and changed.
type RemovedRows = (Vec<Arc<Document>>, Vec<Arc<Document>>);

impl DocumentCatalog {
    /// Returns the rows of a pack that the principal sees: sensor profiles, device profiles, annotation classes and
    /// dashboards, each in the order of the pack.
    pub fn pack_members(&self, who: &Principal, pack: &PackSpec) -> Vec<Arc<Document>> {
        let visible = self.core.visible_to(who);
        members_of(&visible, pack)
    }

    /// Installs a pack with its rows, all or none. A profile or annotation class that a pack installed already, with the same
    /// content, is shared.
    ///
    /// # Errors
    /// `Forbidden` for a restricted principal; `Invalid` with every problem; `Conflict` when this version of the pack is
    /// installed with other content; `LimitReached` beyond the quota.
    pub async fn install_pack(&self, who: &Principal, content: PackContent) -> Result<PackInstall> {
        require_unrestricted(who)?;
        Error::check(content.problems())?;
        let transaction = self.core.begin_transaction().await?;
        let documents = {
            let visible = transaction.visible_to(who);
            let name = content.unique_name();
            if let Some(stored) = visible.mirror.documents.by_name(who.org, DocumentKind::Pack, &name) {
                return repeated(&visible, stored, &content);
            }
            let is_installed = |component: &ProfileComponent| {
                let ProfileComponent { sensor_profile_key: key, sensor_profile_version: version, .. } =
                    component;
                let name = format!("{key}@{version}");
                visible.mirror.documents.by_name(who.org, DocumentKind::SensorProfile, &name).is_some()
            };
            Error::check(content.reference_problems(is_installed))?;
            let mut problems = problems_of_versions(&visible, &content);
            problems.extend(problems_of_classes(&visible, &content));
            if !problems.is_empty() {
                return Ok(PackInstall::Refused(problems));
            }
            let documents = new_documents(&visible, content);
            self.check_new_documents(&visible, &documents)?;
            documents
        };
        let created = self.insert_documents(transaction, who, documents).await?;
        let pack = created.into_iter().next();
        pack.map(PackInstall::Created).ok_or_else(|| Error::internal("a pack was not created"))
    }

    /// Deletes a pack with those of its rows that no other pack has.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` for a restricted principal; `Conflict` while one of these profiles or classes is in use.
    pub async fn delete_pack(&self, who: &Principal, uuid: Uuid) -> Result<()> {
        let transaction = self.core.begin_transaction().await?;
        let PackRemoval { gone, moved } = removal(&transaction.visible_to(who), uuid)?;
        check_classes_unused(&transaction.db, &gone).await?;
        let now = self.core.clock.now();
        let work = async move |db: DbTransaction| {
            for document in &gone {
                let row = entity::document::Entity::delete_by_id(document.id.0);
                row.exec(&*db).await.map_err(unavailable)?;
            }
            let mut kept = Vec::with_capacity(moved.len());
            for (stored, spec) in moved {
                let row = entity::document::for_update(&stored, &spec, now).update(&*db).await;
                kept.push(into_document(row, &spec)?);
            }
            Ok((gone, kept))
        };
        let audit = |(gone, kept): &RemovedRows| -> Vec<AuditChange> {
            let deleted = gone.iter().map(|row| audit_change(Action::Delete, row));
            deleted.chain(kept.iter().map(|row| audit_change(Action::Update, row))).collect()
        };
        let apply = |mirror: &mut Mirror, (gone, kept): &RemovedRows| {
            gone.iter().for_each(|row| mirror.documents.remove(row.id));
            kept.iter().for_each(|row| mirror.documents.put(Arc::clone(row)));
        };
        transaction.commit_changes(who, work, audit, apply).await.map(|_| ())
    }
}

fn members_of(visible: &VisibleCatalog, pack: &PackSpec) -> Vec<Arc<Document>> {
    let found = |target| match target {
        ReferenceTarget::Document(kind, uuid) => visible.document(kind, uuid).ok().cloned(),
        ReferenceTarget::Device(_) => None,
    };
    pack.members().into_iter().filter_map(found).collect()
}

/// The outcome for a pack whose key and version are installed.
fn repeated(visible: &VisibleCatalog, stored: &Arc<Document>, content: &PackContent) -> Result<PackInstall> {
    let pack = stored.pack().ok_or_else(|| Error::internal("a pack is of another kind"))?;
    let members = members_of(visible, pack);
    let sensors = members.iter().filter_map(|row| row.sensor_profile().cloned());
    let devices = members.iter().filter_map(|row| row.device_profile().cloned());
    let classes = members.iter().filter_map(|row| row.annotation_class().cloned());
    let dashboards = members.iter().filter_map(|row| row.dashboard());
    let installed = PackContent {
        key: pack.key.clone(),
        version: pack.version.clone(),
        name: pack.name.clone(),
        sensor_profiles: sensors.map(|profile| SensorProfileSpec { pack: None, ..profile }).collect(),
        device_profiles: devices.map(|profile| DeviceProfileSpec { pack: None, ..profile }).collect(),
        annotation_classes: classes.map(|class| AnnotationClassSpec { pack: None, ..class }).collect(),
        dashboards: dashboards.map(DashboardSpec::content).collect(),
    };
    if installed == *content {
        return Ok(PackInstall::Unchanged(Arc::clone(stored)));
    }
    Err(Error::conflict(stored.spec.unique_title()))
}

fn problems_of_versions(visible: &VisibleCatalog, content: &PackContent) -> Vec<FieldError> {
    let of_kind = |kind| visible.mirror.documents.of_kind(visible.who.org, kind);
    let sensors: Vec<_> =
        of_kind(DocumentKind::SensorProfile).filter_map(|row| row.sensor_profile()).collect();
    let devices: Vec<_> =
        of_kind(DocumentKind::DeviceProfile).filter_map(|row| row.device_profile()).collect();
    let mut found = version_problems("sensor_profiles", &content.sensor_profiles, &sensors);
    found.extend(version_problems("device_profiles", &content.device_profiles, &devices));
    found
}

/// Classes have no versions: one that is there is shared when a pack installed it with the same content.
fn problems_of_classes(visible: &VisibleCatalog, content: &PackContent) -> Vec<FieldError> {
    let problem = |(index, class): (usize, &AnnotationClassSpec)| {
        let kind = DocumentKind::AnnotationClass;
        let known =
            visible.mirror.documents.by_name(visible.who.org, kind, &class.key)?.annotation_class()?;
        let message = match known.pack {
            None => "exists, and no pack installed it",
            Some(_) if AnnotationClassSpec { pack: None, ..known.clone() } == *class => return None,
            Some(_) => "is installed with other content and never changes",
        };
        Some(FieldError::new(format!("annotation_classes[{index}].key"), message))
    };
    content.annotation_classes.iter().enumerate().filter_map(problem).collect()
}

/// The pack and those of its rows that are not installed yet.
fn new_documents(visible: &VisibleCatalog, content: PackContent) -> Vec<NewDocument> {
    let pack = Uuid::new_v4();
    let mut made = Vec::new();
    let mut place = |spec: DocumentSpec| {
        let known = visible.mirror.documents.by_name(visible.who.org, spec.kind(), &spec.unique_name());
        known.map(|row| row.uuid).unwrap_or_else(|| {
            let new = NewDocument::new(spec);
            let id = new.uuid;
            made.push(new);
            id
        })
    };
    let (mut sensors, mut devices) = (Vec::new(), Vec::new());
    for profile in content.sensor_profiles {
        sensors.push(place(DocumentSpec::SensorProfile(SensorProfileSpec { pack: Some(pack), ..profile })));
    }
    for profile in content.device_profiles {
        devices.push(place(DocumentSpec::DeviceProfile(DeviceProfileSpec { pack: Some(pack), ..profile })));
    }
    let classes = content.annotation_classes.into_iter();
    let classes = classes.map(|class| AnnotationClassSpec { pack: Some(pack), ..class });
    let annotation_classes = classes.map(|class| place(DocumentSpec::AnnotationClass(class))).collect();
    let installed = |dashboard: DashboardSpec| {
        let (handle, owner) = (Uuid::new_v4(), Some(pack));
        DocumentSpec::Dashboard(DashboardSpec { handle, pack: owner, ..dashboard })
    };
    let dashboards = content.dashboards.into_iter().map(|dashboard| place(installed(dashboard))).collect();
    let PackContent { key, version, name, .. } = content;
    let (sensor_profiles, device_profiles) = (sensors, devices);
    let spec =
        PackSpec { key, version, name, sensor_profiles, device_profiles, annotation_classes, dashboards };
    made.insert(0, NewDocument { uuid: pack, spec: DocumentSpec::Pack(spec) });
    made
}

/// Changes of the removal of a pack, which nothing forbids.
fn removal(visible: &VisibleCatalog, uuid: Uuid) -> Result<PackRemoval> {
    let stored = visible.document(DocumentKind::Pack, uuid)?;
    check_writable(visible, &stored.spec)?;
    let pack = stored.pack().ok_or_else(|| Error::internal("a pack is of another kind"))?;
    let all = visible.mirror.documents.of_kind(visible.who.org, DocumentKind::Pack);
    let mut heirs: HashMap<ReferenceTarget, Uuid> = HashMap::new();
    for other in all.filter(|row| row.uuid != uuid) {
        for target in other.spec.restricted_targets() {
            heirs.entry(target).or_insert(other.uuid);
        }
    }
    let mut done = PackRemoval { gone: Vec::new(), moved: Vec::new() };
    for member in members_of(visible, pack) {
        let target = ReferenceTarget::Document(member.spec.kind(), member.uuid);
        match heirs.get(&target) {
            None => done.gone.push(member),
            Some(heir) => done.moved.extend(moved(&member, uuid, *heir)),
        }
    }
    let users = users_of(visible, &done.gone);
    if !users.is_empty() {
        let kinds: Vec<_> = users.into_iter().collect();
        return Err(Error::conflict(format!("Pack {uuid} has profiles in use by: {}", kinds.join(", "))));
    }
    done.gone.push(Arc::clone(stored));
    Ok(done)
}

/// The row as one of `heir`, if it belongs to the pack that goes.
fn moved(member: &Arc<Document>, pack: Uuid, heir: Uuid) -> Option<(Arc<Document>, DocumentSpec)> {
    let mut spec = member.spec.clone();
    let owner = spec.pack_mut()?;
    if *owner != Some(pack) {
        return None;
    }
    *owner = Some(heir);
    Some((Arc::clone(member), spec))
}

/// Titles of the kinds of rows that use one of the rows that go, other than packs and other profiles that go.
fn users_of(visible: &VisibleCatalog, gone: &[Arc<Document>]) -> BTreeSet<&'static str> {
    let target = |row: &Document| ReferenceTarget::Document(row.spec.kind(), row.uuid);
    let targets: HashSet<ReferenceTarget> = gone.iter().map(|row| target(row)).collect();
    let sensors: HashSet<_> = gone
        .iter()
        .filter_map(|row| row.sensor_profile())
        .map(|row| (row.key.as_str(), row.version))
        .collect();
    let uses = |row: &Document| match &row.spec {
        DocumentSpec::Pack(_) => false,
        DocumentSpec::Binding(binding) => {
            let kind = binding.spec.target_type.document_kind();
            kind.is_some_and(|kind| targets.contains(&ReferenceTarget::Document(kind, binding.spec.target)))
        }
        DocumentSpec::DeviceProfile(profile) => {
            let mut parts = profile.components.iter();
            !targets.contains(&target(row))
                && parts.any(|part| {
                    sensors.contains(&(part.sensor_profile_key.as_str(), part.sensor_profile_version))
                })
        }
        _ => row.spec.restricted_targets().iter().any(|restricted| targets.contains(restricted)),
    };
    let is_used_by =
        |kind: &DocumentKind| visible.mirror.documents.of_kind(visible.who.org, *kind).any(|row| uses(row));
    let mut users: BTreeSet<_> =
        DocumentKind::ALL.into_iter().filter(is_used_by).map(DocumentKind::title).collect();
    let devices = visible.mirror.devices.ids_of(visible.who.org);
    let mut profiles = devices.filter_map(|id| visible.mirror.devices.get(id)?.topology.device_profile);
    if profiles.any(|id| targets.contains(&ReferenceTarget::Document(DocumentKind::DeviceProfile, id))) {
        users.insert("Device");
    }
    users
}
