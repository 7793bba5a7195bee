//! GraphiQL tabs: the files of queries/*.graphql, embedded in the binary.

/// File name without extension, and text, in tab order. A test compares this list with the folder.
pub const QUERIES: [(&str, &str); 12] = [
    ("devices", include_str!("../../../queries/devices.graphql")),
    ("stream", include_str!("../../../queries/stream.graphql")),
    ("readings", include_str!("../../../queries/readings.graphql")),
    ("side-by-side", include_str!("../../../queries/side-by-side.graphql")),
    ("events", include_str!("../../../queries/events.graphql")),
    ("server", include_str!("../../../queries/server.graphql")),
    ("sql", include_str!("../../../queries/sql.graphql")),
    ("write", include_str!("../../../queries/write.graphql")),
    ("create-device", include_str!("../../../queries/create-device.graphql")),
    ("platform", include_str!("../../../queries/platform.graphql")),
    ("live", include_str!("../../../queries/live.graphql")),
    ("device-states", include_str!("../../../queries/device-states.graphql")),
];
