//! Queue of a client: retained messages, documents, commands and values, and how much of them waits.

use super::*;
use crate::domain::DeviceId;
use crate::domain::mqtt::SessionOwner;

/// Every message that can be had without anything happening.
async fn drain(session: &mut MqttSession) -> Vec<OutboundMessage> {
    let mut found = Vec::new();
    loop {
        while let Some(Delivery::Publish { id, message, .. }) = session.next_delivery() {
            id.into_iter().for_each(|id| session.acknowledge(id).unwrap());
            found.push(message);
        }
        let is_quiet = tokio::time::timeout(Duration::from_millis(1), session.next_event()).await.is_err();
        if is_quiet && !session.is_behind() {
            return found;
        }
    }
}

async fn retain(app: &App, credential: &LiveCredential, topic: &str, payload: Bytes) {
    let publication =
        Publication { topic: topic.to_owned(), payload, qos: Qos::AtLeastOnce, is_retained: true };
    let outcome = app.mqtt.publisher.publish(credential.principal(), publication).await;
    assert!(matches!(outcome, PublishOutcome::Stored), "{outcome:?}");
}

/// Security review 3: a SUBSCRIBE copied what is retained once for each of its filters.
#[tokio::test]
async fn a_subscribe_of_the_same_filter_again_and_again_queues_what_is_retained_once() {
    let (_dir, app, _, credential) = plant().await;
    for n in 0..40 {
        retain(&app, &credential, &format!("basalt/press/t{n}"), Bytes::from(n.to_string())).await;
    }
    let mut session = app.mqtt.sessions.connect(credential, request(0, true)).await.unwrap();
    let storm = |count| {
        let filters = ["basalt/#", "+/#", "#", "basalt/press/+"].into_iter().cycle().take(count);
        filters
            .map(|filter| SubscribeRequest {
                filter: filter.to_owned(),
                qos: Qos::AtLeastOnce,
                retain: RetainHandling::Always,
            })
            .collect::<Vec<_>>()
    };
    let grants = session.subscribe(storm(1000)).await;
    assert!(grants.iter().all(|grant| *grant == Grant::Granted(Qos::AtLeastOnce)));
    assert_eq!(app.mqtt.sessions.state.metrics().queue_bytes, 0, "nothing is queued before its turn");
    let mut topics: Vec<String> = drain(&mut session).await.iter().map(|m| m.topic.to_string()).collect();
    topics.sort();
    topics.dedup();
    // Others than values, such as the state of the device, match too.
    topics.retain(|topic| topic.starts_with("basalt/press/t"));
    assert_eq!(topics.len(), 40);
    let sent = app.mqtt.sessions.state.metrics().sent[1];
    assert!((40..45).contains(&sent), "each once: {sent}");
    assert_eq!(session.subscribe(storm(1001)).await, vec![Grant::TooMany; 1001]);
    session.end(LOST).await;
}

/// Retained messages are sent after the SUBACK. One that was published in between came twice: as retained and as new.
#[tokio::test]
async fn what_comes_after_a_subscription_is_sent_once_and_as_new() {
    let (_dir, app, _, credential) = plant().await;
    retain(&app, &credential, "basalt/press/t", Bytes::from_static(b"1")).await;
    let mut session = app.mqtt.sessions.connect(credential.clone(), request(0, true)).await.unwrap();
    subscribe(&mut session, "basalt/press/+", Qos::AtLeastOnce).await;
    for topic in ["basalt/press/rpm", "basalt/press/t"] {
        retain(&app, &credential, topic, Bytes::from_static(b"2")).await;
    }
    let found = drain(&mut session).await;
    let mut sent: Vec<_> = found.iter().map(|message| (&*message.topic, message.is_retained)).collect();
    sent.sort_unstable();
    assert_eq!(sent, [("basalt/press/rpm", false), ("basalt/press/t", false)]);
    session.end(LOST).await;
}

/// Security review 3: what is retained was queued at once, past every bound, and copied.
#[tokio::test]
async fn retained_messages_wait_in_the_index_until_the_client_takes_them() {
    let (_dir, app, _, credential) = plant().await;
    let long = format!("1{}", " ".repeat(50_000));
    for n in 0..50 {
        retain(&app, &credential, &format!("basalt/press/t{n}"), Bytes::from(long.clone())).await;
    }
    let mut session = app.mqtt.sessions.connect(credential, request(0, true)).await.unwrap();
    subscribe(&mut session, "basalt/#", Qos::AtLeastOnce).await;
    for _ in 0..50 {
        drop(tokio::time::timeout(Duration::from_millis(1), session.next_event()).await);
    }
    let queued = app.mqtt.sessions.state.metrics().queue_bytes;
    assert!((1..2_000_000).contains(&queued), "{queued} bytes of 2.5 MB");
    assert_eq!(drain(&mut session).await.len(), 50);
    session.end(LOST).await;
}

/// Security review 2: documents of devices asked for no scope, and keys of one stream heard those of its device.
#[tokio::test]
async fn documents_of_a_device_are_for_keys_that_may_read_the_device() {
    let (_dir, app, device, credential) = plant().await;
    let owner = app.access.system(None).unwrap();
    publish(&app, &credential, "basalt/press/t", "1").await;
    let stream = app.parts.store.catalog().streams.stream_of_device(&owner, device.id, "t").unwrap().id;
    let gateway = app.mqtt.access.platform_gateway(&owner, &device).unwrap();
    let status = format!("{gateway}/status");
    retain(&app, &credential, &status, Bytes::from_static(br#"{"status":"online"}"#)).await;
    retain(&app, &credential, "basalt/press/t", Bytes::from_static(b"1")).await;
    let with = |scopes: &[Scope], stream: Option<StreamId>| Principal {
        scopes: scopes.iter().copied().collect(),
        streams: stream.map(|id| [id].into_iter().collect()),
        ..owner.clone()
    };
    let (values, devices) = (Scope::read(Resource::Value), Scope::read(Resource::Device));
    let request = |filter: &str| {
        let (filter, qos) = (filter.to_owned(), Qos::AtLeastOnce);
        vec![RetainedRequest { filter, qos, up_to: u64::MAX, is_documents_only: false }]
    };
    for (who, hears_document, sees_value) in [
        (with(&[values, devices], None), true, true),
        (with(&[devices], None), true, false),
        (with(&[values], None), false, true),
        (with(&[Scope::read(Resource::Group)], None), false, false),
        (with(&[values, devices], Some(stream)), false, false),
    ] {
        assert_eq!(app.mqtt.access.sees_documents(&who, device.org, device.id), hears_document, "{who:?}");
        for (filter, topic, expected) in
            [("#", status.as_str(), hears_document), ("+/+/t", "basalt/press/t", sees_value)]
        {
            let mut pass = RetainedPass::new(&app.mqtt.access, &who, request(filter));
            let found: Vec<_> =
                std::iter::from_fn(|| pass.take_slice(&app.mqtt.access, &who)).flatten().collect();
            let is_found = found.iter().any(|message| &*message.topic == topic);
            assert_eq!(is_found, expected, "{filter} {:?}", who.scopes);
        }
    }
    let only_values = with(&[values], None);
    assert_eq!(app.mqtt.access.grant(&only_values, &status, Qos::AtMostOnce), Grant::NotAuthorized);
}

/// Security review 2: what devices publish was sent to every key whose filter begins with a wildcard.
#[tokio::test]
async fn what_a_device_publishes_is_sent_to_keys_that_may_read_the_device() {
    let (_dir, app, device, credential) = plant().await;
    let owner = app.access.system(None).unwrap();
    publish(&app, &credential, "basalt/press/t", "0").await;
    let stream = app.parts.store.catalog().streams.stream_of_device(&owner, device.id, "t").unwrap().id;
    let spec = CommandSpec { device: device.id, kind: "set".to_owned(), params: Default::default() };
    let command = app.commands.create_commands(&owner, vec![spec]).await.unwrap().remove(0);
    let documents = [
        ("status", json!({"status": "online"})),
        ("health", json!({"uptimeSeconds": 7})),
        ("config/reported", json!({"artefacts": []})),
        ("commands/response", json!({"id": command.uuid.to_string(), "status": "ACKNOWLEDGED"})),
    ];
    let gateway = app.mqtt.access.platform_gateway(&owner, &device).unwrap();
    let topics = documents.each_ref().map(|(name, _)| format!("{gateway}/{name}"));
    let mut sessions = Vec::new();
    for (scope, data, is_granted) in [
        ("group:read", vec![], false),
        ("value:read", vec![], true),
        ("value:read", vec![stream.0], true),
        ("device:read", vec![], true),
    ] {
        let (name, scopes) = (scope.to_owned(), vec![scope.to_owned()]);
        let spec = KeyRequest { name, scopes, data, ..KeyRequest::default() };
        let (_, secret) = app.access.create_key(&owner, &spec).await.unwrap();
        let principal = Arc::new(app.access.authenticate_key(&secret).unwrap());
        let credential = app.feeds.live_credential(principal, None);
        let mut session = app.mqtt.sessions.connect(credential, request(0, true)).await.unwrap();
        for filter in ["#", "+/+/+/+/#"] {
            let (filter, qos) = (filter.to_owned(), Qos::AtLeastOnce);
            let request = SubscribeRequest { filter, qos, retain: RetainHandling::Always };
            let expected = if is_granted { Grant::Granted(qos) } else { Grant::NotAuthorized };
            assert_eq!(session.subscribe(vec![request]).await, [expected], "{scope}");
        }
        sessions.push((scope, session));
    }
    for (topic, (_, document)) in topics.iter().zip(&documents) {
        publish(&app, &credential, topic, &document.to_string()).await;
    }
    // A value that comes after them.
    publish(&app, &credential, "basalt/press/t", "1").await;
    for (scope, mut session) in sessions {
        let mut sent: Vec<String> = Vec::new();
        while scope == "value:read" && sent.last().is_none_or(|topic| topic != "basalt/press/t") {
            let (id, _, topic, _) = next(&mut session).await;
            session.acknowledge(id.unwrap()).unwrap();
            sent.push(topic);
        }
        sent.extend(drain(&mut session).await.iter().map(|message| message.topic.to_string()));
        sent.retain(|topic| topic.starts_with("v1/"));
        assert_eq!(sent, if scope == "device:read" { &topics[..] } else { &[] }, "{scope}");
        session.end(LOST).await;
    }
}

/// Security review 5: a session whose client is away kept a copy of each command and document, for days.
#[tokio::test]
async fn a_session_whose_client_is_away_keeps_no_commands_that_can_be_found_again() {
    let (_dir, app, device, credential) = plant().await;
    let owner = app.access.system(None).unwrap();
    let spec = CommandSpec { device: device.id, kind: "set".to_owned(), params: Default::default() };
    app.commands.create_commands(&owner, vec![spec; 20]).await.unwrap();
    let few = |is_clean| ConnectRequest { window: 1, ..request(60, is_clean) };
    let mut session = app.mqtt.sessions.connect(credential.clone(), few(true)).await.unwrap();
    let filter = format!("control/default/{0}/{0}/#", device.aliases.key);
    subscribe(&mut session, &filter, Qos::AtLeastOnce).await;
    let (id, ..) = next(&mut session).await;
    assert_eq!(session.memory.outbox.waiting(), 19);
    session.end(LOST).await;
    let kept = app
        .mqtt
        .sessions
        .state
        .sessions
        .lock()
        .slots
        .values()
        .next()
        .unwrap()
        .memory
        .as_ref()
        .unwrap()
        .charge
        .bytes();
    let one = app.mqtt.sessions.state.metrics().queue_bytes as usize;
    assert!(one > 0 && kept < 2 * one + 256, "{kept} bytes, of which the one in flight has {one}");

    let mut session = app.mqtt.sessions.connect(credential, few(false)).await.unwrap();
    let (again, is_repeat, ..) = next(&mut session).await;
    assert_eq!((again, is_repeat), (id, true), "what is in flight comes again with its id");
    session.acknowledge(again.unwrap()).unwrap();
    assert_eq!(drain(&mut session).await.len(), 19, "and the others are found");
    session.end(MqttSessionEnd { ends_session: true, ..LOST }).await;
    assert_eq!(app.mqtt.sessions.state.metrics().queue_bytes, 0);
}

/// Security review 5: values that wait for a session whose client is away are in the log, not in memory.
#[tokio::test]
async fn values_that_wait_for_a_client_that_is_away_are_read_again_once() {
    let (_dir, app, _, credential) = plant().await;
    let few = |is_clean| ConnectRequest { window: 1, ..request(60, is_clean) };
    let mut session = app.mqtt.sessions.connect(credential.clone(), few(true)).await.unwrap();
    subscribe(&mut session, "basalt/press/#", Qos::AtLeastOnce).await;
    for value in 0..50 {
        publish(&app, &credential, "basalt/press/t", &value.to_string()).await;
    }
    let (id, _, _, first) = next(&mut session).await;
    for _ in 0..60 {
        drop(tokio::time::timeout(Duration::from_millis(1), session.next_event()).await);
    }
    session.end(LOST).await;
    let mut session = app.mqtt.sessions.connect(credential, few(false)).await.unwrap();
    let (again, is_repeat, _, payload) = next(&mut session).await;
    assert_eq!((again, is_repeat, &payload), (id, true, &first));
    session.acknowledge(again.unwrap()).unwrap();
    let mut values = vec![payload["value"].as_f64().unwrap()];
    while values.len() < 50 {
        let (id, _, _, payload) = next(&mut session).await;
        session.acknowledge(id.unwrap()).unwrap();
        values.push(payload["value"].as_f64().unwrap());
    }
    assert_eq!(values, (0..50).map(f64::from).collect::<Vec<_>>());
    session.end(LOST).await;
}

/// Security review 5: there was no limit of the number of sessions, nor of what they remember.
#[tokio::test]
async fn sessions_whose_clients_are_away_are_bounded_in_number_and_memory() {
    let (_dir, app, _, credential) = plant().await;
    let named = |n: usize| ConnectRequest { client_id: format!("c{n}"), ..request(0, true) };
    let own = session_owner(credential.principal()).unwrap();
    let absent_of = |owner: SessionOwner, n: usize, filter: usize| {
        let subscription = Subscription { filter: "x".repeat(filter), qos: Qos::AtMostOnce };
        let stored = StoredSession {
            org: credential.principal().org,
            owner,
            client_id: format!("absent{n}"),
            subscriptions: vec![subscription],
            expiry_s: u32::MAX,
            ended_at: Some(Micros(app.now().0 + n as i64)),
            will: None,
            cursor: None,
        };
        let charge = QueueCharge::new(&app.mqtt.sessions.state.queues, stored.org, stored.size());
        let slot = SessionSlot { stored, charge, is_persisted: false, memory: None, connection: None };
        let key = (slot.stored.owner, slot.stored.client_id.clone());
        app.mqtt.sessions.state.sessions.lock().slots.insert(key, slot);
    };
    let absent = |n: usize, filter: usize| absent_of(own, n, filter);
    // As many as a device may have, and as many as an organization may have, of which this device has fewer.
    for (of_others, of_own) in [(0, 1000), (9001, 999)] {
        app.mqtt.sessions.state.sessions.lock().slots.clear();
        (0..of_others).for_each(|n| absent_of(SessionOwner::Device(DeviceId(i32::MAX)), n, 1));
        (0..of_own).for_each(|n| absent(n, 10));
        let refused = app.mqtt.sessions.connect(credential.clone(), named(1)).await;
        assert_eq!(refused.err().expect("one too many").kind, Kind::LimitReached, "{of_others}");
    }
    let known = ConnectRequest { client_id: "absent7".to_owned(), ..request(0, false) };
    let back = app.mqtt.sessions.connect(credential.clone(), known).await.expect("its session is there");
    back.end(LOST).await;
    app.mqtt.sessions.connect(credential.clone(), named(1)).await.expect("there is room").end(LOST).await;

    // Past the organization's share the oldest end.
    app.mqtt.sessions.state.sessions.lock().slots.clear();
    (0..300).for_each(|n| absent(n, 120_000));
    assert!(app.mqtt.sessions.state.queues.is_over(credential.principal().org));
    app.mqtt.sessions.end_sessions_over_share().await;
    assert!(!app.mqtt.sessions.state.queues.is_over(credential.principal().org));
    let registry = app.mqtt.sessions.state.sessions.lock();
    let left = registry.slots.len();
    assert!((200..300).contains(&left), "{left}");
    let keeps_newest = registry.slots.keys().any(|(_, id)| id == "absent299")
        && !registry.slots.keys().any(|(_, id)| id == "absent0");
    assert!(keeps_newest);
}

/// Security review 11: each second the whole row was written, filters included.
#[tokio::test]
async fn progress_of_a_session_changes_its_cursor_alone() {
    let (_dir, app, _, credential) = plant().await;
    let mut session = app.mqtt.sessions.connect(credential.clone(), request(60, true)).await.unwrap();
    subscribe(&mut session, "basalt/press/#", Qos::AtLeastOnce).await;
    publish(&app, &credential, "basalt/press/t", "1").await;
    let (id, ..) = next(&mut session).await;
    session.acknowledge(id.unwrap()).unwrap();
    // Told apart from what the session remembers, to see which parts of the row are written.
    let row = || async { app.parts.store.catalog().mqtt.mqtt_sessions().await.unwrap().remove(0) };
    let before = row().await;
    let other = StoredSession { subscriptions: Vec::new(), ..before.clone() };
    app.parts.store.catalog().mqtt.store_mqtt(vec![MqttChange::PutSession(other)]).await.unwrap();
    app.mqtt.sessions.store_progress().await;
    let after = row().await;
    assert!(after.subscriptions.is_empty(), "the rest of the row stays");
    assert!(after.cursor.is_some() && after.cursor != before.cursor, "{:?}", after.cursor);
    session.end(LOST).await;
}

/// Security review 11: progress was written every second.
#[tokio::test]
async fn progress_of_a_session_is_stored_every_ten_seconds_at_most() {
    let (_dir, app, _, credential) = plant().await;
    let mut session = app.mqtt.sessions.connect(credential.clone(), request(60, true)).await.unwrap();
    subscribe(&mut session, "basalt/press/#", Qos::AtLeastOnce).await;
    publish(&app, &credential, "basalt/press/t", "1").await;
    let (id, ..) = next(&mut session).await;
    let stored = || {
        let registry = app.mqtt.sessions.state.sessions.lock();
        registry.slots.values().map(|slot| slot.stored.cursor.clone()).next().unwrap()
    };
    let before = stored();
    tokio::time::pause();
    let stop = tokio_util::sync::CancellationToken::new();
    let upkeep = tokio::spawn(app.mqtt.sessions.clone().run(stop.clone()));
    tokio::task::yield_now().await;
    session.acknowledge(id.unwrap()).unwrap();
    for second in 1..=12 {
        // A little more, because timers are exact to the millisecond.
        tokio::time::advance(Duration::from_millis(1002)).await;
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert!(second >= 10 || stored() == before, "after {second} s");
    }
    assert_ne!(stored(), before);
    tokio::time::resume();
    stop.cancel();
    upkeep.await.unwrap();
    session.end(LOST).await;
}
