//! Every field of a device, product, stream and group is in the schema: in its type, and in the inputs that create and change it.

use std::collections::BTreeSet;

use super::sdl;
use crate::app::fields::noun::Noun;
use crate::app::fields::shown::ShownRow;
use crate::domain::configuration::artefact::{Artefact, ArtefactContent, ArtefactSpec, ProfileType};
use crate::domain::configuration::binding::{Binding, BindingSpec, TargetType};
use crate::domain::device::DeviceSpec;
use crate::domain::document::camera::CameraAddress;
use crate::domain::document::{
    AnnotationClassSpec, CameraSpec, CaptureRuleSpec, ComponentSpec, DashboardSpec, DeviceGroupSpec,
    DeviceProfileSpec, DocumentKind, DocumentSpec, FirmwareDescription, FirmwareSpec, PackSpec,
    ProfileVersion, ReferencePairSpec, SensorProfileSpec, SiteSpec,
};
use crate::domain::group::GroupSpec;
use crate::domain::media::address::CameraKind;
use crate::domain::notification::{ChannelConfig, NotificationChannelSpec};
use crate::domain::product::ProductSpec;
use crate::domain::stream::StreamSpec;
use crate::domain::{DeviceId, Micros};

/// The names of the fields of a type or input.
fn fields_of(schema: &str, head: &str) -> BTreeSet<String> {
    let block = schema.split(&format!("\n{head} ")).nth(1).unwrap_or_else(|| panic!("no {head}"));
    let (mut names, mut is_description) = (BTreeSet::new(), false);
    for line in block.lines().skip(1).take_while(|line| !line.starts_with('}')) {
        if line.trim() == "\"\"\"" {
            is_description = !is_description;
        } else if let Some(field) = line.strip_prefix('\t').filter(|_| !is_description) {
            let name: String = field.chars().take_while(|c| c.is_alphanumeric()).collect();
            names.insert(name);
        }
    }
    names
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |camel, word| camel + &word[..1].to_uppercase() + &word[1..])
}

/// Fields of a noun that a part of the schema leaves out: part, field, reason.
const LEFT_OUT: [(&str, &str, &str); 2] = [
    ("type Device", "password", "a secret is never returned"),
    ("input UpdateStreamInput", "device", "a stream stays with its device"),
];

#[test]
fn every_field_of_a_noun_is_in_the_schema() {
    let schema = sdl();
    let nouns: [(ShownRow, [&str; 3]); 4] = [
        (DeviceSpec::blank().values(), ["type Device", "input CreateDeviceInput", "input UpdateDeviceInput"]),
        (
            ProductSpec::blank().values(),
            ["type Product", "input CreateProductInput", "input UpdateProductInput"],
        ),
        (StreamSpec::blank().values(), ["type Stream", "input CreateStreamInput", "input UpdateStreamInput"]),
        (GroupSpec::blank().values(), ["type Group", "input CreateGroupInput", "input UpdateGroupInput"]),
    ];
    for (values, heads) in nouns {
        for head in heads {
            let fields = fields_of(&schema, head);
            for name in values.names() {
                let is_left_out = LEFT_OUT.iter().any(|(part, field, _)| (*part, *field) == (head, name));
                let is_there = fields.contains(&camel_case(name));
                assert!(is_there != is_left_out, "{head}, {name}: there {is_there}, left out {is_left_out}");
            }
        }
    }
}

/// Documents without content.
fn blank_documents() -> Vec<DocumentSpec> {
    let (blank, id, version) = (String::new, uuid::Uuid::nil(), ProfileVersion::default());
    let (target_type, profile_type) = (TargetType::Device, ProfileType::DeviceProfile);
    let content = ArtefactContent::Inline(serde_json::Map::new());
    let artefact = ArtefactSpec { name: blank(), profile_type, profile: id, content };
    vec![
        DocumentSpec::Site(SiteSpec::new("")),
        DocumentSpec::Component(ComponentSpec {
            device: DeviceId(1),
            key: blank(),
            name: blank(),
            sensor_profile: None,
            metadata: serde_json::Map::new(),
        }),
        DocumentSpec::DeviceGroup(DeviceGroupSpec::default()),
        DocumentSpec::SensorProfile(SensorProfileSpec {
            key: blank(),
            name: blank(),
            version,
            fields: Vec::new(),
            pack: None,
        }),
        DocumentSpec::DeviceProfile(DeviceProfileSpec {
            key: blank(),
            name: blank(),
            version,
            components: Vec::new(),
            writable_fields: Vec::new(),
            pack: None,
        }),
        DocumentSpec::Pack(PackSpec {
            key: blank(),
            version: blank(),
            name: blank(),
            sensor_profiles: Vec::new(),
            device_profiles: Vec::new(),
            annotation_classes: Vec::new(),
            dashboards: Vec::new(),
        }),
        DocumentSpec::Artefact(Artefact {
            spec: artefact,
            version: 1,
            size_bytes: 0,
            sha256: blank(),
            created_by: blank(),
        }),
        DocumentSpec::Binding(Binding {
            spec: BindingSpec { target_type, target: id, artefact: id },
            artefact_name: blank(),
            desired_version: 1,
            device: None,
        }),
    ]
}

/// Documents without content, of the kinds that came later.
fn other_blank_documents() -> Vec<DocumentSpec> {
    let (blank, id) = (String::new, uuid::Uuid::nil());
    vec![
        DocumentSpec::Firmware(FirmwareSpec {
            description: FirmwareDescription {
                name: blank(),
                version: blank(),
                device_profile: None,
                notes: None,
            },
            object: id,
            size_bytes: 0,
            sha256: blank(),
        }),
        DocumentSpec::AnnotationClass(AnnotationClassSpec {
            key: blank(),
            name: blank(),
            color: None,
            scopes: Vec::new(),
            fields: Vec::new(),
            pack: None,
        }),
        DocumentSpec::ReferencePair(ReferencePairSpec {
            handle: id,
            name: None,
            primary: id,
            reference: id,
            primary_device: DeviceId(1),
            reference_device: DeviceId(2),
            valid_from: Micros(0),
            valid_to: None,
            metadata: serde_json::Map::new(),
        }),
        DocumentSpec::NotificationChannel(NotificationChannelSpec {
            name: blank(),
            config: ChannelConfig::Email { to: Vec::new() },
            enabled: true,
        }),
        DocumentSpec::Camera(CameraSpec {
            device: DeviceId(1),
            name: blank(),
            kind: CameraKind::Rtsp,
            stream: CameraAddress::default(),
            dvr: None,
        }),
        DocumentSpec::CaptureRule(CaptureRuleSpec::new("")),
        DocumentSpec::Dashboard(DashboardSpec::new("")),
    ]
}

/// Fields of documents that the schema shows under another name, or within another object.
const SHOWN_AS: [(DocumentKind, &str, &str); 16] = [
    (DocumentKind::Artefact, "profile", "sensorProfile"),
    (DocumentKind::Binding, "target", "targetId"),
    (DocumentKind::Binding, "artefact", "configArtefact"),
    (DocumentKind::Binding, "artefactName", "configArtefact"),
    (DocumentKind::Firmware, "description", "notes"),
    (DocumentKind::ReferencePair, "primary", "primaryComponent"),
    (DocumentKind::ReferencePair, "reference", "referenceComponent"),
    (DocumentKind::ReferencePair, "primary_device", "primaryComponent"),
    (DocumentKind::ReferencePair, "reference_device", "referenceComponent"),
    (DocumentKind::NotificationChannel, "config", "url"),
    (DocumentKind::Camera, "stream", "streamUrl"),
    (DocumentKind::Camera, "dvr", "dvrUrl"),
    (DocumentKind::CaptureRule, "matches", "severity"),
    (DocumentKind::CaptureRule, "pre_roll_s", "preRollSeconds"),
    (DocumentKind::CaptureRule, "post_roll_s", "postRollSeconds"),
    (DocumentKind::CaptureRule, "cooldown_s", "cooldownSeconds"),
];

/// Fields of documents that the schema does not show: kind, field, reason.
const INTERNAL: [(DocumentKind, &str, &str); 3] = [
    (DocumentKind::Firmware, "object", "the bytes are fetched with a token"),
    (DocumentKind::ReferencePair, "handle", "it only makes a unique name"),
    (DocumentKind::Dashboard, "handle", "it only makes a unique name"),
];

#[test]
fn every_field_of_a_document_is_in_its_type() {
    let schema = sdl();
    let documents = [blank_documents(), other_blank_documents()].concat();
    let kinds: Vec<DocumentKind> = documents.iter().map(DocumentSpec::kind).collect();
    assert_eq!(kinds, DocumentKind::ALL);
    for document in documents {
        let kind = document.kind();
        let shown = fields_of(&schema, &format!("type {}", kind.title()));
        let stored = serde_json::to_value(&document).expect("JSON");
        for name in stored.as_object().expect("an object").keys().filter(|name| *name != "kind") {
            if INTERNAL.iter().any(|(of, field, _)| (*of, *field) == (kind, name.as_str())) {
                continue;
            }
            let other = SHOWN_AS.iter().find(|(of, field, _)| (*of, *field) == (kind, name.as_str()));
            let field = other.map_or_else(|| camel_case(name), |(.., field)| (*field).to_owned());
            assert!(shown.contains(&field), "{}.{name} is not shown as {field}", kind.title());
        }
    }
}
