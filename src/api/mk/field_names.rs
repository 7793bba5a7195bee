//! Names of the platform for the fields of the core.

/// Fields of the core whose names differ by more than their form, and their names in the platform.
const NAMES: [(&str, &str); 22] = [
    ("artefact", "configArtefactId"),
    ("camera", "cameraId"),
    ("cameras", "cameraIds"),
    ("channels", "notificationChannelIds"),
    ("class", "classId"),
    ("component", "componentId"),
    ("device", "deviceId"),
    ("device_profile", "deviceProfileId"),
    ("devices", "deviceIds"),
    ("groups", "groupIds"),
    ("pack", "packId"),
    ("primary_component", "primaryComponentId"),
    ("profile", "profileId"),
    ("recipients", "config.to"),
    ("reference_component", "referenceComponentId"),
    ("scope", "scopeId"),
    ("secret", "config.secret"),
    ("sensor_profile", "sensorProfileId"),
    ("site", "siteId"),
    ("stream", "sensorId"),
    ("target", "targetId"),
    ("url", "config.url"),
];

/// Objects whose members have names of their own, which callers and data give them.
const FREE_OBJECTS: [&str; 4] = ["config", "content", "params", "values"];

/// Returns the platform's name of a field: of `cameras[3]` it is `cameraIds[3]`. A name of the platform stays as it is.
pub fn platform_name(field: &str) -> String {
    let (mut found, mut is_free) = (String::with_capacity(field.len()), false);
    for (depth, segment) in field.split('.').enumerate() {
        if depth > 0 {
            found.push('.');
        }
        if is_free {
            found.push_str(segment);
            continue;
        }
        let (word, index) = segment.split_at(segment.find('[').unwrap_or(segment.len()));
        match NAMES.iter().find(|(core, _)| *core == word) {
            Some((_, platform)) => found.push_str(platform),
            None => push_camel_case(&mut found, word),
        }
        found.push_str(index);
        is_free = FREE_OBJECTS.contains(&word);
    }
    found
}

/// Appends a word in camel case: `size_bytes` as `sizeBytes`.
fn push_camel_case(text: &mut String, word: &str) {
    let mut begins_part = false;
    for character in word.chars() {
        match character {
            '_' => begins_part = true,
            _ if begins_part => {
                text.push(character.to_ascii_uppercase());
                begins_part = false;
            }
            _ => text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_the_names_of_the_platform_and_members_of_free_objects_their_own() {
        let rows = [
            ("name", "name"),
            ("size_bytes", "sizeBytes"),
            ("device", "deviceId"),
            ("devices[3]", "deviceIds[3]"),
            ("match.device", "match.deviceId"),
            ("recipients[3]", "config.to[3]"),
            ("url", "config.url"),
            ("urls", "urls"),
            ("sensor_profiles[1].fields[2].array_size", "sensorProfiles[1].fields[2].arraySize"),
            (
                "device_profiles[0].components[1].sensor_profile_key",
                "deviceProfiles[0].components[1].sensorProfileKey",
            ),
            ("layout[0].config.sensorIds", "layout[0].config.sensorIds"),
            ("values.oil_level.url", "values.oil_level.url"),
            ("content.set_points[2]", "content.set_points[2]"),
        ];
        for (core, platform) in rows {
            assert_eq!(platform_name(core), platform, "{core}");
            assert_eq!(platform_name(platform), platform, "{platform} is a name of the platform");
        }
    }

    #[test]
    fn no_field_of_the_platform_is_called_as_one_of_the_core() {
        for (_, platform) in NAMES {
            assert!(NAMES.iter().all(|(core, _)| *core != platform), "{platform}");
        }
    }
}
