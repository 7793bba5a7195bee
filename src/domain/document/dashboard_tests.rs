//! Tests of the rules of dashboards.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn widget(id: &str) -> Widget {
    let widget_type = WidgetType::Line;
    Widget { id: id.to_owned(), widget_type, x: 0, y: 0, w: 12, h: 6, config: Map::new() }
}

fn dashboard(layout: Vec<Widget>) -> DashboardSpec {
    DashboardSpec { layout, ..DashboardSpec::new("Plant") }
}

fn messages(dashboard: &DashboardSpec) -> Vec<String> {
    let problems = dashboard.problems().into_iter();
    problems.map(|problem| format!("{}: {}", problem.field, problem.message)).collect()
}

#[test]
fn dashboards_say_what_is_wrong() {
    let many = |count: usize| (0..count).map(|n| widget(&n.to_string())).collect::<Vec<_>>();
    let one = |change: fn(&mut Widget)| {
        let mut changed = widget("a");
        change(&mut changed);
        dashboard(vec![changed])
    };
    let rows: Vec<(DashboardSpec, Vec<&str>)> = vec![
        (dashboard(vec![]), vec![]),
        (dashboard(many(100)), vec![]),
        (dashboard(many(101)), vec!["layout: size must be between 0 and 100"]),
        (DashboardSpec { name: " ".to_owned(), ..dashboard(vec![]) }, vec!["name: must not be blank"]),
        (dashboard(vec![widget("a"), widget("a")]), vec!["layout[1].id: must be unique"]),
        (dashboard(vec![widget("")]), vec!["layout[0].id: must not be blank"]),
        (one(|widget| widget.x = 24), vec!["layout[0].x: must be between 0 and 23"]),
        (one(|widget| (widget.x, widget.w) = (0, 24)), vec![]),
        (one(|widget| (widget.x, widget.w) = (23, 1)), vec![]),
        (one(|widget| (widget.x, widget.w) = (23, 2)), vec!["layout[0].w: must be between 1 and 1"]),
        (
            one(|widget| (widget.y, widget.w, widget.h) = (-1, 0, 0)),
            vec![
                "layout[0].y: must be between 0 and 9999",
                "layout[0].w: must be between 1 and 24",
                "layout[0].h: must be between 1 and 10000",
            ],
        ),
    ];
    for (dashboard, expected) in rows {
        assert_eq!(messages(&dashboard), expected);
    }
}

#[test]
fn a_configuration_names_sensors_interval_and_aggregation() {
    let id = Uuid::nil().to_string();
    let rows = [
        (json!({}), vec![]),
        (json!({"sensorIds": [id], "interval": "PT5M", "aggregation": "avg", "title": "Any"}), vec![]),
        (json!({"sensorIds": null, "interval": null, "aggregation": null}), vec![]),
        (json!({"aggregation": "MAX"}), vec![]),
        (json!({"sensorIds": ["x"]}), vec!["layout[0].config.sensorIds: must be a list of UUIDs"]),
        (json!({"sensorIds": id}), vec!["layout[0].config.sensorIds: must be a list of UUIDs"]),
        (
            json!({"sensorIds": vec![id; 101]}),
            vec!["layout[0].config.sensorIds: size must be between 0 and 100"],
        ),
        (
            json!({"interval": "5 minutes", "aggregation": "mode"}),
            vec![
                "layout[0].config.interval: must be an ISO-8601 duration such as PT5M",
                "layout[0].config.aggregation: must be one of avg, min, max, sum, count, last",
            ],
        ),
        (
            json!({"text": "x".repeat(MAX_CONFIG_BYTES)}),
            vec!["layout[0].config: must have at most 16384 bytes of JSON"],
        ),
    ];
    for (config, expected) in rows {
        let config = config.as_object().cloned().unwrap_or_default();
        assert_eq!(messages(&dashboard(vec![Widget { config, ..widget("a") }])), expected);
    }
}

#[test]
fn durations_are_numbers_with_units_in_their_order() {
    for good in ["PT5M", "P1D", "P1DT12H", "P2W", "PT90S", "P1Y2M3DT4H5M6S", "PT0H1M"] {
        assert!(is_duration(good), "{good}");
    }
    for bad in
        ["", "P", "PT", "5M", "PT5", "PTM", "P5H", "PT5D", "PT0S", "P1DT", "PT1S1M", "pt5m", "PT5é", "-PT5M"]
    {
        assert!(!is_duration(bad), "{bad}");
    }
    assert!(!is_duration(&format!("PT{}S", "1".repeat(40))));
}

#[test]
fn a_replacement_keeps_what_is_fixed() {
    let stored = DashboardSpec {
        created_by: Some("key_1".to_owned()),
        pack: Some(Uuid::from_u128(7)),
        ..DashboardSpec::new("Old")
    };
    let new = stored.replaced_by(DashboardSpec { is_default: true, ..DashboardSpec::new("New") });
    assert_eq!((new.handle, &new.created_by, new.pack), (stored.handle, &stored.created_by, stored.pack));
    assert_eq!((new.name.as_str(), new.is_default), ("New", true));
    assert_eq!(DashboardSpec::new("Same").content(), DashboardSpec::new("Same").content());
}

proptest! {
    #[test]
    fn any_text_is_a_duration_or_not(text in "\\PC{0,40}", parts in "P[0-9YMWDTHS]{0,12}") {
        is_duration(&text);
        is_duration(&parts);
    }
}
