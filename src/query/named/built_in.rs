//! Built-in named queries: the files of queries/, compiled into the binary.

/// File names and texts. A test compares them with the folder.
pub const BUILT_IN: [(&str, &str); 18] = [
    ("bad-spans.sql", include_str!("../../../queries/bad-spans.sql")),
    ("chart.sql", include_str!("../../../queries/chart.sql")),
    ("compare.sql", include_str!("../../../queries/compare.sql")),
    ("correlation.sql", include_str!("../../../queries/correlation.sql")),
    ("coverage.sql", include_str!("../../../queries/coverage.sql")),
    ("daily-production.sql", include_str!("../../../queries/daily-production.sql")),
    ("device-states.sql", include_str!("../../../queries/device-states.sql")),
    ("gaps.sql", include_str!("../../../queries/gaps.sql")),
    ("histogram.sql", include_str!("../../../queries/histogram.sql")),
    ("hourly-mean.sql", include_str!("../../../queries/hourly-mean.sql")),
    ("latest.sql", include_str!("../../../queries/latest.sql")),
    ("missing-minutes.sql", include_str!("../../../queries/missing-minutes.sql")),
    ("readings-by-day.sql", include_str!("../../../queries/readings-by-day.sql")),
    ("recent-events.sql", include_str!("../../../queries/recent-events.sql")),
    ("silent-streams.sql", include_str!("../../../queries/silent-streams.sql")),
    ("slow-queries.sql", include_str!("../../../queries/slow-queries.sql")),
    ("time-above.sql", include_str!("../../../queries/time-above.sql")),
    ("top-streams.sql", include_str!("../../../queries/top-streams.sql")),
];
