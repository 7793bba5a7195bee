//! The tabs of GraphiQL: the files of queries/*.graphql, whose text is part of the binary.

/// Name of the file without its ending, and its text, in the order of the tabs. A test holds this against the folder.
pub const QUERIES: [(&str, &str); 11] = [
    ("devices", include_str!("../../../queries/devices.graphql")),
    ("stream", include_str!("../../../queries/stream.graphql")),
    ("readings", include_str!("../../../queries/readings.graphql")),
    ("side-by-side", include_str!("../../../queries/side-by-side.graphql")),
    ("events", include_str!("../../../queries/events.graphql")),
    ("server", include_str!("../../../queries/server.graphql")),
    ("sql", include_str!("../../../queries/sql.graphql")),
    ("write", include_str!("../../../queries/write.graphql")),
    ("create-device", include_str!("../../../queries/create-device.graphql")),
    ("live", include_str!("../../../queries/live.graphql")),
    ("device-states", include_str!("../../../queries/device-states.graphql")),
];
