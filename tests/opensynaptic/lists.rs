//! Parameters, paging edges and orders of the lists, and what they show of other organizations.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{NOON, create_device, ingest, list, stranger, write};
use crate::support::{Client, DataDir, Server, rows};

/// Seven packets: a to e a second apart with two sensors each, and two more of the second of e.
async fn server() -> (Server, Vec<String>) {
    let server = Server::start(&[]).await;
    let fact = |id: &str, status: &str, seconds: i64| {
        json!({
            "id": id, "s": status, "t": NOON + seconds,
            "s1_id": "TEMP", "s1_s": "OK", "s1_u": "Cel", "s1_v": seconds,
            "s2_id": "HUM", "s2_s": "OK", "s2_u": "%", "s2_v": -seconds
        })
    };
    let mut ids = Vec::new();
    for (id, status, seconds) in rows![
        "a", "ONLINE", 0; "b", "WARN", 1; "a", "online", 2; "c", "ONLINE", 3; "b", "ONLINE", 4; "a", "WARN", 4;
        "d d", "ONLINE", 4;
    ] {
        ids.extend(ingest(&server.client(), &fact(id, status, seconds)).await);
    }
    (server, ids)
}

/// The places of the packets of a page, counted from 0 in the order of their arrival.
fn places(page: &Value, rows: &str, ids: &[String]) -> Vec<usize> {
    let place = |row: &Value| ids.iter().position(|id| row["packet_uuid"] == **id).expect("one of ours");
    page[rows].as_array().expect("rows").iter().map(place).collect()
}

#[tokio::test]
async fn every_parameter_of_packets() {
    let (server, ids) = server().await;
    let client = stranger(&server);
    let from_two = format!("since={}", NOON + 2);
    let to_two = format!("until={}", NOON + 2);
    let only_four = format!("since={0}&until={0}", NOON + 4);
    let backwards = format!("since={}&until={}", NOON + 3, NOON + 2);
    let signed = format!("since=%20%2B{}%20", NOON + 4);
    let fraction = format!("since={}.5", NOON + 4);
    let rows: [(&str, &[usize], u64); 28] = [
        ("", &[6, 5, 4, 3, 2, 1, 0], 7),
        ("device_id=a", &[5, 2, 0], 3),
        ("device_id=%20a%20", &[5, 2, 0], 3),
        ("device_id=a&device_id=b", &[5, 2, 0], 3),
        ("device_id=&device_id=b", &[4, 1], 2),
        ("device_id=%20", &[6, 5, 4, 3, 2, 1, 0], 7),
        ("device_id=d+d", &[6], 1),
        ("device_id=A", &[], 0),
        ("device_id=nobody", &[], 0),
        ("device_id=1", &[], 0),
        ("status=ONLINE", &[6, 4, 3, 0], 4),
        ("status=WARN", &[5, 1], 2),
        ("status=online", &[2], 1),
        ("status=Online", &[], 0),
        ("status=WARN&device_id=b", &[1], 1),
        (&from_two, &[6, 5, 4, 3, 2], 5),
        (&to_two, &[2, 1, 0], 3),
        (&only_four, &[6, 5, 4], 3),
        (&backwards, &[], 0),
        (&signed, &[6, 5, 4], 3),
        (&fraction, &[6, 5, 4, 3, 2, 1, 0], 7),
        ("since=abc&until=", &[6, 5, 4, 3, 2, 1, 0], 7),
        ("since=-1", &[6, 5, 4, 3, 2, 1, 0], 7),
        ("until=-1", &[], 0),
        ("since=9223372036854775807", &[], 0),
        ("until=9223372036854775807", &[6, 5, 4, 3, 2, 1, 0], 7),
        ("sensor_id=TEMP", &[6, 5, 4, 3, 2, 1, 0], 7),
        ("unknown=1", &[6, 5, 4, 3, 2, 1, 0], 7),
    ];
    for (query, expected, total) in rows {
        let page = list(&client, &format!("/api/data/packets?{query}")).await;
        assert_eq!(places(&page, "packets", &ids), expected, "{query}");
        assert_eq!(page["total"], total, "{query}");
        assert_eq!((page["limit"].clone(), page["offset"].clone()), (json!(50), json!(0)), "{query}");
    }
}

#[tokio::test]
async fn every_parameter_of_sensors() {
    let (server, ids) = server().await;
    let client = stranger(&server);
    // Place of the packet and index of the sensor; within a second all first sensors come before the second ones.
    type Sensors<'a> = &'a [(usize, u64)];
    let all: Sensors =
        &rows![6, 1; 5, 1; 4, 1; 6, 2; 5, 2; 4, 2; 3, 1; 3, 2; 2, 1; 2, 2; 1, 1; 1, 2; 0, 1; 0, 2];
    let only_four = format!("since={0}&until={0}", NOON + 4);
    let rows: [(&str, Sensors, u64); 15] = [
        ("", all, 14),
        ("limit=4", &all[..4], 14),
        ("limit=4&offset=2", &all[2..6], 14),
        ("limit=5&offset=4", &all[4..9], 14),
        ("limit=1&offset=13", &all[13..], 14),
        ("limit=1&offset=14", &[], 14),
        ("device_id=b", &[(4, 1), (4, 2), (1, 1), (1, 2)], 4),
        ("device_id=nobody", &[], 0),
        ("sensor_id=HUM", &[(6, 2), (5, 2), (4, 2), (3, 2), (2, 2), (1, 2), (0, 2)], 7),
        ("sensor_id=HUM&limit=2&offset=1", &[(5, 2), (4, 2)], 7),
        ("sensor_id=hum", &[], 0),
        ("sensor_id=%20HUM+&device_id=a", &[(5, 2), (2, 2), (0, 2)], 3),
        ("status=WARN", all, 14),
        (&only_four, &all[..6], 6),
        ("until=0", &[], 0),
    ];
    for (query, expected, total) in rows {
        let page = list(&client, &format!("/api/data/sensors?{query}")).await;
        let indices = page["sensors"].as_array().expect("rows").iter();
        let indices = indices.map(|row| row["sensor_index"].as_u64().expect("an index"));
        let found: Vec<_> = places(&page, "sensors", &ids).into_iter().zip(indices).collect();
        assert_eq!(found, expected, "{query}");
        assert_eq!(page["total"], total, "{query}");
    }
}

#[tokio::test]
async fn paging_edges_of_every_list_and_a_time_past_64_bits() {
    let (server, _) = server().await;
    let client = stranger(&server);
    // Limit and offset as repeated; `None` is the default of the list.
    let rows: [(&str, Option<u64>, u64); 22] = [
        ("", None, 0),
        ("limit=1", Some(1), 0),
        ("limit=0", Some(1), 0),
        ("limit=-5", Some(1), 0),
        ("limit=500", Some(500), 0),
        ("limit=501", Some(500), 0),
        ("limit=99999999999999999999999", Some(500), 0),
        ("limit=-99999999999999999999999", Some(1), 0),
        ("limit=abc", None, 0),
        ("limit=1.5", None, 0),
        ("limit=", None, 0),
        ("limit=%20", None, 0),
        ("limit=%20%2B2%20", Some(2), 0),
        ("limit=2&limit=3", Some(2), 0),
        ("limit=x&limit=3", None, 0),
        ("offset=1", None, 1),
        ("offset=-1", None, 0),
        ("offset=abc", None, 0),
        ("offset=&limit=2", Some(2), 0),
        ("offset=1&offset=2", None, 1),
        ("offset=1000000", None, 1_000_000),
        ("offset=99999999999999999999&limit=7", Some(7), i64::MAX as u64),
    ];
    for (name, default, count) in [("devices", 100, 4), ("packets", 50, 7), ("sensors", 50, 14)] {
        let path = format!("/api/data/{name}");
        let whole = list(&client, &path).await;
        let all = whole[name].as_array().expect("rows");
        assert_eq!(all.len(), count, "{name}");
        for (query, limit, offset) in rows {
            let page = list(&client, &format!("{path}?{query}")).await;
            let place = format!("{path}?{query}: {page}");
            let limit = limit.unwrap_or(default);
            let shown = [&page["limit"], &page["offset"], &page["total"]];
            assert_eq!(shown, [&json!(limit), &json!(offset), &json!(count)], "{place}");
            let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
            let expected: Vec<_> = all.iter().skip(skipped).take(limit as usize).collect();
            assert_eq!(page[name].as_array().expect("rows").iter().collect::<Vec<_>>(), expected, "{place}");
        }
        let mut pages = Vec::new();
        for offset in (0..count).step_by(3) {
            let page = list(&client, &format!("{path}?limit=3&offset={offset}")).await;
            pages.extend(page[name].as_array().expect("rows").clone());
        }
        assert_eq!(&pages, all, "{name}: page by page");
    }

    let error = "Python int too large to convert to SQLite INTEGER";
    for (list, bound) in
        [("packets", "until=99999999999999999999"), ("sensors", "since=-9223372036854775809")]
    {
        let expected = json!({"ok": true, list: [], "total": 0, "limit": 7, "offset": 2, "error": error});
        client.get(&format!("/api/data/{list}?{bound}&limit=7&offset=2")).await.is(200, &expected);
    }
}

#[tokio::test]
async fn devices_are_ordered_by_their_last_second_and_then_by_id() {
    let (server, _) = server().await;
    let (_, streams) = create_device(&server.client(), "aa", &["x"]).await;
    // Half a second later than the others, but within the same second.
    write(&server.client(), streams[0], &json!("2026-04-28T12:00:04.500000Z"), 1.0).await;
    create_device(&server.client(), "silent", &["x"]).await;
    let client = stranger(&server);
    let device = |id: &str, seconds: i64, count: u64| json!({"device_id": id, "last_seen": NOON + seconds, "packet_count": count});
    let expected =
        [device("a", 4, 3), device("aa", 4, 1), device("b", 4, 2), device("d d", 4, 1), device("c", 3, 1)];
    let page = list(&client, "/api/data/devices").await;
    assert_eq!((&page["devices"], &page["total"]), (&json!(expected), &json!(5)));
    assert_eq!(list(&client, "/api/data/devices?limit=2&offset=1").await["devices"], json!(expected[1..3]));
    let since = list(&client, &format!("/api/data/packets?since={}&device_id=aa", NOON + 4)).await;
    let until = list(&client, &format!("/api/data/packets?until={}&device_id=aa", NOON + 4)).await;
    assert_eq!((&since["total"], &until["total"]), (&json!(1), &json!(1)), "compared without the fraction");
}

#[tokio::test]
async fn a_deleted_device_is_in_no_list_and_a_renamed_one_keeps_its_id() {
    let (server, ids) = server().await;
    let (api, client) = (server.client(), stranger(&server));
    let devices = api.get("/api/device/").await.body;
    let id = |name: &str| {
        let row = devices.as_array().expect("a list").iter().find(|row| row["name"] == name);
        row.expect("a device")["id"].clone()
    };
    api.delete(&format!("/api/device/{}/", id("b"))).await.expect(204);
    api.patch(&format!("/api/device/{}/", id("c")), &json!({"name": "see"})).await.ok();
    let page = list(&client, "/api/data/packets").await;
    assert_eq!(places(&page, "packets", &ids), [6, 5, 3, 2, 0]);
    assert_eq!(page["total"], 5);
    client.get(&format!("/api/data/packets/{}", ids[1])).await.expect(404);
    assert_eq!(list(&client, "/api/data/sensors").await["total"], 10);
    assert_eq!(list(&client, "/api/data/packets?device_id=c").await["total"], 1);
    assert_eq!(list(&client, "/api/data/packets?device_id=see").await["total"], 0);
}

#[tokio::test]
async fn one_organization_is_served_and_nothing_of_another() {
    let home = Arc::new(DataDir::new());
    home.basalt(&["org", "create", "elsewhere"]).await.expect_success();
    let fact = |id: &str| json!({"id": id, "s": "ONLINE", "t": NOON, "s1_id": "T", "s1_v": 1});
    for (own, slug) in [("ours", None), ("theirs", Some("elsewhere"))] {
        let settings: Vec<_> = slug.map(|slug| ("BASALT_COMPAT__DEFAULT_ORG", slug)).into_iter().collect();
        let mut server = Server::start_in(home.clone(), &settings).await;
        let other = Client::new(&server.url, &server.create_key(&["--org", "elsewhere"]).await);
        let mut ids = Vec::new();
        for (name, api) in [("ours", server.client()), ("theirs", other)] {
            let id = ingest(&api, &fact(name)).await.remove(0);
            ingest(&api, &fact("shared")).await;
            ids.push((name, id));
        }
        let client = stranger(&server);
        for name in ["devices", "packets", "sensors"] {
            let page = list(&client, &format!("/api/data/{name}")).await;
            let rows = page[name].as_array().expect("rows").iter();
            let found: BTreeSet<&str> = rows.map(|row| row["device_id"].as_str().expect("a name")).collect();
            assert_eq!(found, BTreeSet::from([own, "shared"]), "{name}");
        }
        for (name, id) in ids {
            let status = client.get(&format!("/api/data/packets/{id}")).await.status;
            assert_eq!(status, if name == own { 200 } else { 404 }, "{name}");
            let of_device = list(&client, &format!("/api/data/packets?device_id={name}")).await;
            assert_eq!(of_device["total"] != 0, name == own, "{of_device}");
        }
        server.stop().await;
    }
}
