//! `/api/session/`: who may log in, what a session may do, and when it ends.

use serde_json::{Value, json};

use super::matches;
use crate::support::{Answer, Browser, DemoProcess, PASSWORD, Server, eventually, rows, with};

fn detail(text: &str) -> Value {
    json!({ "detail": text })
}

fn missing() -> (u16, Value) {
    (401, detail("Authentication credentials were not provided."))
}

/// The cookies that an answer sets, with their attributes.
fn cookies(answer: &Answer) -> Vec<String> {
    let all = answer.headers.get_all("set-cookie").iter();
    all.map(|cookie| cookie.to_str().unwrap().to_owned()).collect()
}

fn login(username: &str, password: &str) -> Value {
    json!({ "username": username, "password": password })
}

#[tokio::test]
async fn who_may_log_in() {
    let server = Server::start_with_org("plant-2").await;
    for (name, flags) in [
        ("ann", &["--staff"][..]),
        ("sue", &["--superuser"]),
        ("both", &["--staff", "--superuser", "--org", "plant-2"]),
        ("vera", &["--viewer"]),
        ("guest", &[]),
        ("gone", &["--staff"]),
    ] {
        server.create_user(name, flags).await;
    }
    server.basalt(&["user", "disable", "gone"]).await.expect_success();
    let user = |name: &str, org: &str, is_staff: bool, is_superuser: bool| {
        let flags = json!({"is_staff": is_staff, "is_superuser": is_superuser});
        let user = with(json!({"id": "*", "username": name, "organization": org}), flags);
        json!({ "user": user })
    };
    let wrong = detail("Invalid username or password.");
    let required = json!(["This field is required."]);
    for (name, body, status, expected) in rows![
        "staff", login("ann", PASSWORD), 200, user("ann", "default", true, false);
        "blanks_around_a_name", login(" ann ", PASSWORD), 200, user("ann", "default", true, false);
        "superuser", login("sue", PASSWORD), 200, user("sue", "default", false, true);
        "viewer", login("vera", PASSWORD), 200, user("vera", "default", false, false);
        "of_another_organization", login("both", PASSWORD), 200, user("both", "plant-2", true, true);
        "neither", login("guest", PASSWORD), 401, wrong.clone();
        "disabled", login("gone", PASSWORD), 401, wrong.clone();
        "wrong_password", login("ann", "correct horsf"), 401, wrong.clone();
        "blanks_belong_to_a_password", login("ann", " correct horse"), 401, wrong.clone();
        "nobody", login("nobody", PASSWORD), 401, wrong.clone();
        "endless", login(&"x".repeat(10_000), &"x".repeat(10_000)), 401, wrong;
        "nothing", json!({}), 400, json!({"username": required, "password": required});
        "blank", login("ann", ""), 400, json!({"password": ["This field may not be blank."]});
        "of_another_type", json!({"username": [], "password": null}), 400,
            json!({"username": ["Not a valid string."], "password": ["This field may not be null."]});
        "a_list", json!([]), 400, json!({"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]});
    ] {
        let mut browser = Browser::new(&server);
        let got = browser.post("/api/session/", &body).await.about(name);
        let cookies = cookies(&got);
        let got = got.expect(status);
        assert!(matches(&got, &expected), "{name}: {got}");
        let who = browser.get("/api/session/").await.about(name);
        if status != 200 {
            assert!(cookies.is_empty(), "{name}");
            who.is(401, &missing().1);
            continue;
        }
        let rest = "; Path=/; Max-Age=1209600; SameSite=Lax";
        let [session, csrf] = &cookies[..] else { panic!("{name}: {cookies:?}") };
        let is_session = session.starts_with("sessionid=") && session.ends_with(&format!("{rest}; HttpOnly"));
        assert!(is_session && csrf.starts_with("csrftoken=") && csrf.ends_with(rest), "{name}: {cookies:?}");
        who.is(200, &got);
    }
}

#[tokio::test]
async fn a_session_may_do_everything_in_its_organization() {
    let server = Server::start_with_org("plant-2").await;
    let mut ann = server.person("ann", &["--staff"]).await;
    let mut bob = server.person("bob", &["--staff", "--org", "plant-2"]).await;
    let device = ann.post("/api/device/", &json!({"name": "d", "protocol": "virtual"})).await.created();
    let own = format!("/api/device/{}/", device["id"]);
    let stream = json!({"name": "s", "device": device["id"], "type": "fp64"});
    let stream = ann.post("/api/data/", &stream).await.created();
    let value = format!("/api/data/{}/value/", stream["id"]);
    for (method, path, body, of_ann, of_bob) in [
        ("POST", value.as_str(), json!({"value": 1}), 201, 404),
        ("GET", &value, Value::Null, 200, 404),
        ("PATCH", &own, json!({"name": "e"}), 200, 404),
        ("GET", "/api/retention/", Value::Null, 200, 200),
        ("POST", "/sql", json!({"query": "SELECT count(*) AS n FROM readings"}), 200, 200),
        ("GET", "/sql?q=SELECT%201", Value::Null, 200, 200),
        ("POST", "/local/command", json!("list_orgs"), 403, 403),
        ("DELETE", &own, Value::Null, 204, 404),
    ] {
        let got = bob.send(method, path, &body).await;
        assert_eq!(got.status, of_bob, "another organization: {method} {path}: {}", got.body);
        let got = ann.send(method, path, &body).await;
        assert_eq!(got.status, of_ann, "{method} {path}: {}", got.body);
    }
}

#[tokio::test]
async fn changes_need_the_csrf_token() {
    let server = Server::start(&[]).await;
    let ann = server.person("ann", &["--staff"]).await;
    let other = Browser::log_in(&server, "ann", PASSWORD).await;
    let (session, token) = (ann.cookie("sessionid"), ann.cookie("csrftoken"));
    let foreign = other.cookie("csrftoken");
    let client = server.client().without_key();
    let (no_token, no_cookie) = ("CSRF Failed: CSRF token missing.", "CSRF Failed: CSRF cookie not set.");
    let incorrect = "CSRF Failed: CSRF token from the 'X-Csrftoken' HTTP header incorrect.";
    let with = |csrf: &str| format!("sessionid={session}; csrftoken={csrf}");
    let alone = format!("sessionid={session}");
    // Cookies, the header, and the refusal if there is one.
    let rows: [(&str, String, Option<&str>, Option<&str>); 8] = [
        ("as_it_should_be", with(&token), Some(&token), None),
        ("no_header", with(&token), None, Some(no_token)),
        ("neither", alone.clone(), None, Some(no_token)),
        ("no_cookie", alone, Some(&token), Some(no_cookie)),
        ("another_header", with(&token), Some(&foreign), Some(incorrect)),
        ("of_another_session", with(&foreign), Some(&foreign), Some(incorrect)),
        ("made_up", with("a"), Some("a"), Some(incorrect)),
        ("empty", with(&token), Some(""), Some(incorrect)),
    ];
    for (name, cookies, header, refused) in rows {
        let mut headers = vec![("content-type", "application/json"), ("cookie", cookies.as_str())];
        headers.extend(header.map(|header| ("x-csrftoken", header)));
        for (method, path, good) in [
            ("POST", "/api/device/", 400),
            ("PUT", "/api/device/1/", 404),
            ("PATCH", "/api/device/1/", 404),
            ("DELETE", "/api/device/1/", 404),
            ("POST", "/sql", 400),
            ("POST", "/api/session/password/", 400),
        ] {
            let (status, body) = client.send(method, path, &headers, "{}").await.outcome();
            match refused {
                Some(why) => assert_eq!((status, body), (403, detail(why)), "{name}: {method} {path}"),
                None => assert_eq!(status, good, "{name}: {method} {path}: {body}"),
            }
        }
        // What changes nothing needs none.
        client.send("GET", "/api/device/", &headers, "").await.about(&name).ok();
        // A key needs none either, and goes before the session.
        let with_key = [&headers[..], &[("x-api-key", server.key.as_str())]].concat();
        client.send("POST", "/api/device/", &with_key, "{}").await.about(&name).expect(400);
        let wrong_key = [&headers[..], &[("x-api-key", "wrong")]].concat();
        client.send("GET", "/api/device/", &wrong_key, "").await.about(&name).expect(401);
    }

    let cookies = format!("sessionid={session}; csrftoken={token}");
    let (known, csrf) = (("cookie", cookies.as_str()), ("x-csrftoken", token.as_str()));
    let html = ("accept", "text/html");
    type Row<'a> = (&'a str, &'a str, &'a str, Vec<(&'a str, &'a str)>, u16);
    let rows: [Row; 14] = [
        ("html_before_all", "POST", "/api/session/password/", vec![html], 406),
        ("unknown_before_method", "GET", "/api/session/password/", vec![], 401),
        ("known_then_method", "GET", "/api/session/password/", vec![known], 405),
        ("csrf_before_method", "PUT", "/api/session/password/", vec![known], 403),
        ("csrf_then_body", "POST", "/api/session/password/", vec![known, csrf], 400),
        ("a_key_has_no_password", "POST", "/api/session/password/", vec![("x-api-key", &server.key)], 403),
        ("html_at_login", "POST", "/api/session/", vec![html], 406),
        ("method_for_everybody", "PUT", "/api/session/", vec![], 405),
        ("a_key_is_no_session", "GET", "/api/session/", vec![("x-api-key", &server.key)], 401),
        ("nor_can_it_log_out", "DELETE", "/api/session/", vec![("x-api-key", &server.key)], 401),
        ("logging_out_needs_csrf", "DELETE", "/api/session/", vec![known], 403),
        ("no_session", "DELETE", "/api/session/", vec![], 401),
        ("a_wrong_session", "GET", "/api/session/", vec![("cookie", "sessionid=abc")], 401),
        ("still_there", "GET", "/api/session/", vec![known], 200),
    ];
    for (name, method, path, headers, expected) in rows {
        let answer = client.send(method, path, &headers, "").await.about(name);
        assert!(expected != 405 || answer.headers.contains_key("allow"), "{name}");
        answer.expect(expected);
    }
}

#[tokio::test]
async fn a_session_outlives_the_server_and_ends_with_its_person() {
    let mut server = Server::start(&[]).await;
    let names = ["out", "password", "disabled", "role", "deleted", "again"];
    for name in names {
        server.create_user(name, &["--staff"]).await;
    }
    let mut browsers = Vec::new();
    for name in names {
        browsers.push((name, Browser::log_in(&server, name, PASSWORD).await));
    }
    server.restart().await;
    for (name, browser) in &browsers {
        browser.get("/api/device/").await.about(&name).ok();
    }
    for (name, browser) in &mut browsers {
        let before = browser.clone();
        match *name {
            "out" => {
                let answer = browser.send("DELETE", "/api/session/", &Value::Null).await;
                assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2);
                answer.is(204, &Value::Null);
                assert_eq!(browser.cookies(), "", "the browser forgets both");
            }
            "password" => {
                let args = ["user", "passwd", name, "--password-stdin"];
                server.data_dir.basalt_with(&args, &[], "another horse\n").await.expect_success();
            }
            "disabled" => drop(server.basalt(&["user", "disable", name]).await.expect_success()),
            "role" => drop(server.basalt(&["user", "role", name]).await.expect_success()),
            "deleted" => drop(server.basalt(&["user", "delete", name]).await.expect_success()),
            // A second login in the same browser takes the place of the first.
            _ => assert_eq!(browser.post("/api/session/", &login(name, PASSWORD)).await.status, 200),
        }
        let (status, body) = before.get("/api/device/").await.outcome();
        assert_eq!((status, body), missing(), "{name}");
    }
    server.basalt(&["user", "enable", "disabled"]).await.expect_success();
    browsers[2].1.get("/api/device/").await.about("it has ended for good").expect(401);
    Browser::log_in(&server, "disabled", PASSWORD).await;
    Browser::log_in(&server, "password", "another horse").await;
}

#[tokio::test]
async fn a_session_ends_when_its_time_is_over_and_behind_tls_its_cookies_are_secure() {
    let env = [("BASALT_SESSION__LIFETIME", "2s"), ("BASALT_SESSION__SECURE_COOKIES", "true")];
    let server = Server::start(&env).await;
    let ann = server.person("ann", &["--staff"]).await;
    let ended = || async { (ann.get("/api/session/").await.status == 401).then_some(()) };
    eventually("the session ends", std::time::Duration::from_secs(60), ended).await;
    ann.get("/api/device/").await.expect(401);
    let answer = Browser::new(&server).post("/api/session/", &login("ann", PASSWORD)).await;
    assert!(cookies(&answer).iter().all(|cookie| cookie.ends_with("; Secure")));
    answer.ok();
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    let server = Server::start(&[]).await;
    let mut here = server.person("ann", &["--staff"]).await;
    let elsewhere = Browser::log_in(&server, "ann", PASSWORD).await;
    let path = "/api/session/password/";
    let change = |old: &str, new: &str| json!({"old_password": old, "new_password": new});
    let required = json!(["This field is required."]);
    let long = "x".repeat(1025);
    for (name, body, expected) in [
        ("nothing", json!({}), json!({"old_password": required, "new_password": required})),
        ("wrong", change("wrong", "new horse"), json!({"old_password": ["Invalid password."]})),
        ("blank", change(PASSWORD, " "), json!({"new_password": ["This field may not be blank."]})),
        ("endless", change(PASSWORD, &long), json!({"new_password": ["a password has at most 1024 bytes"]})),
    ] {
        here.post(path, &body).await.about(&name).is(400, &expected);
    }
    here.post(path, &change(PASSWORD, "new horse")).await.is(204, &Value::Null);
    here.get("/api/session/").await.ok();
    elsewhere.get("/api/session/").await.expect(401);
    Browser::new(&server).post("/api/session/", &login("ann", PASSWORD)).await.expect(401);
    Browser::log_in(&server, "ann", "new horse").await;
}

#[tokio::test]
async fn too_many_failures_are_throttled() {
    // Attempts come back so slowly that none does while this runs.
    let slowly = [("BASALT_SESSION__ATTEMPTS", "3"), ("BASALT_SESSION__ATTEMPTS_WINDOW", "30d")];
    let server = Server::start(&slowly).await;
    for name in ["ann", "bob"] {
        server.create_user(name, &["--staff"]).await;
    }
    let log_in = |name: String, password: &'static str| {
        let mut browser = Browser::new(&server);
        async move { browser.post("/api/session/", &login(&name, password)).await }
    };
    let wrong = (401, detail("Invalid username or password."));
    // A right one in between clears the name.
    for password in ["wrong", "wrong", PASSWORD, PASSWORD, "wrong", "wrong", "wrong"] {
        let expected = if password == PASSWORD { 200 } else { 401 };
        log_in("ann".to_owned(), password).await.expect(expected);
    }
    for password in ["wrong", PASSWORD] {
        let answer = log_in("ann".to_owned(), password).await;
        let seconds = answer.retry_after();
        assert!((1..=864_000).contains(&seconds), "{seconds}");
        let throttled = format!("Request was throttled. Expected available in {seconds} seconds.");
        answer.is(429, &detail(&throttled));
    }
    log_in("bob".to_owned(), PASSWORD).await.about("another name").ok();
    // Fifteen failures of an address, whatever the names: five are gone.
    for n in 0..10 {
        let (status, body) = log_in(format!("guess-{n}"), "wrong").await.outcome();
        assert_eq!((status, body), wrong, "{n}");
    }
    for name in ["guess-10", "bob", "ann"] {
        log_in(name.to_owned(), PASSWORD).await.about(&name).expect(429);
    }
    // Who is logged in is not concerned.
    server.client().get("/api/device/").await.ok();
}

#[tokio::test]
async fn the_link_of_the_demo_logs_in_once() {
    let demo = DemoProcess::start();
    let client = demo.client().without_key();
    let (page, token) = demo.link().split_once("/ui/#login=").expect("the token is in the fragment");
    assert_eq!((page.trim_start_matches("http://"), token.len()), (client.address(), 43));
    let used_up = json!({"token": ["This link was used or has expired. Log in with a password."]});
    for (name, body, expected) in [
        ("another", json!({"token": token.chars().rev().collect::<String>()}), used_up.clone()),
        ("nothing", json!({}), json!({"token": ["This field is required."]})),
    ] {
        let answer = client.post("/api/session/link/", &body).await.about(name);
        answer.without_header("set-cookie").is(400, &expected);
    }
    let answer = client.post("/api/session/link/", &json!({ "token": token })).await;
    let cookies = cookies(&answer);
    let answer = answer.has(200, json!({"/user/username": "admin"}));
    let pairs: Vec<_> = cookies.iter().filter_map(|cookie| cookie.split(';').next()).collect();
    assert!(pairs[0].starts_with("sessionid=") && cookies[0].ends_with("; HttpOnly"), "{cookies:?}");
    client.send("GET", "/api/session/", &[("cookie", &pairs.join("; "))], "").await.is(200, &answer);
    let again = client.post("/api/session/link/", &json!({ "token": token })).await;
    again.about("a second time").is(400, &used_up);
}
