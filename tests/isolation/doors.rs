//! Every API with every name of what a caller may not see: the answer is that for a name which nothing has, word by word.

use std::sync::Arc;

use basalt::api::instathings::onpremise::{self, OnPremiseOptions};
use basalt::app::App;
use basalt::app::access::KeyRequest;
use basalt::app::client::ClientRequest;
use basalt::app::user::UserRequest;
use basalt::domain::Principal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::board_requests;
use super::fixture::{self, IsolationFixture, SECRET, SECRET_VALUE};
use super::identifiers::Identifiers;
use super::instathings_requests;
use super::jobs;
use super::requests::{self, Request};
use crate::in_process::{MINUTE, NOW};
use crate::support::{Answer, Client, row_vec};

/// A caller of an API.
pub struct VendorInterface {
    pub name: &'static str,
    pub client: Client,
    /// The header `Authorization`, where it is no key of DataStone.
    pub authorization: Option<String>,
    pub requests: Vec<Request>,
}

impl VendorInterface {
    /// Sends a request about something; status and body.
    pub async fn ask(&self, request: &Request, about: &Identifiers) -> Answer {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(self.authorization.as_deref().map(|value| ("authorization", value)));
        let (path, body) = (about.in_path(request.path), about.in_body(&request.body));
        self.client.send(request.method, &path, &headers, body).await
    }
}

/// The fixture with a third organization, and servers of one app over it.
pub struct DoorFixture {
    pub world: IsolationFixture,
    /// Devices of the first organization that restricted callers do not see, and those of the other one.
    pub hidden: Vec<Identifiers>,
    pub foreign: Vec<Identifiers>,
    /// The device that restricted callers see, which is Ann's.
    pub own: Identifiers,
    pub third: Principal,
    /// The device of the third organization.
    pub of_third: Identifiers,
    pub app: Arc<App>,
    /// The main server, without a credential.
    pub client: Client,
    pub onpremise: Client,
}

impl DoorFixture {
    pub async fn new() -> DoorFixture {
        let world = IsolationFixture::new().await;
        let owner = world.env.owner.clone();
        let third = world.env.catalog.orgs.create_org(&owner, "third", "third").await.unwrap();
        let third = Principal::system(third.id);
        let (_, streams) = fixture::plant(&world.env, &third, "third").await;
        fixture::write(&world.db, &third, &streams, false, NOW - 200 * MINUTE).await;
        let of_third = Identifiers::of(&world, &third, streams[0], false).await;
        let mut lists = [Vec::new(), Vec::new()];
        for (list, (streams, who)) in lists.iter_mut().zip(world.others()) {
            for pair in streams.chunks(2) {
                list.push(Identifiers::of(&world, &who, pair[0], true).await);
            }
        }
        let [hidden, foreign] = lists;
        let own = Identifiers::of(&world, &owner, world.own[0], false).await;
        let app = world.db.app();
        let ann = UserRequest {
            name: "ann".to_owned(),
            password: "correct horse".to_owned(),
            is_staff: false,
            is_superuser: false,
            is_viewer: false,
        };
        app.users.create_user(&owner, ann).await.unwrap();
        app.devices
            .update_device(&owner, own.device, |spec| spec.owner = Some("ann".to_owned()))
            .await
            .unwrap();
        let client = serve(basalt::api::router(app.clone())).await;
        let options = OnPremiseOptions {
            sessions: 16,
            ending: CancellationToken::new(),
            origins: Default::default(),
            connections: TaskTracker::new(),
        };
        let onpremise =
            serve(onpremise::router(app.vendors.onpremise.onpremise_messages().unwrap(), options)).await;
        DoorFixture { world, hidden, foreign, own, third, of_third, app, client, onpremise }
    }

    /// Id and secret of a new client.
    async fn issue(&self, who: &Principal, api: &str, role: Option<&str>) -> (String, String) {
        let name = api.to_owned();
        let role = role.map(str::to_owned);
        let request = ClientRequest { api: api.to_owned(), name, user: None, role };
        let (client, secret) = self.app.clients.issue_client(who, &request).await.unwrap();
        (client.secret.client_id.clone(), secret)
    }

    /// The header of a Blynk token: of the client, or of Ann if it has a role.
    async fn blynk(&self, who: &Principal, role: Option<&str>) -> String {
        let (id, secret) = self.issue(who, "blynk", role).await;
        let basic = format!("Basic {}", BASE64.encode(format!("{id}:{secret}")));
        let grant = match role {
            Some(_) => "grant_type=password&username=ann&password=correct%20horse",
            None => "grant_type=client_credentials",
        };
        let path = format!("/oauth2/token?{grant}");
        let pair = self.client.send("POST", &path, &[("authorization", &basic)], "").await.ok();
        format!("Bearer {}", pair["access_token"].as_str().unwrap())
    }

    /// A token of the Instathings cloud.
    pub async fn instathings(&self, who: &Principal) -> String {
        let (id, secret) = self.issue(who, "instathings", None).await;
        let body = json!({"clientId": id, "clientSecret": secret});
        let answer = self.client.post("/authentication/v1/oauth/token", &body).await.ok();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// The header of an administrator's key of the MK platform.
    pub async fn mk(&self, who: &Principal) -> Option<String> {
        let (_, secret) = self.issue(who, "mk", None).await;
        Some(format!("Bearer {secret}"))
    }

    /// A client with a key of an organization that may do everything there.
    pub async fn key(&self, who: &Principal) -> Client {
        let request = KeyRequest { name: "whole".to_owned(), ..KeyRequest::default() };
        let (_, secret) = self.app.access.create_key(who, &request).await.unwrap();
        self.client.with_key(&secret)
    }

    fn door(
        &self,
        name: &'static str,
        authorization: Option<String>,
        requests: Vec<Request>,
    ) -> VendorInterface {
        VendorInterface { name, client: self.client.clone(), authorization, requests }
    }

    /// The callers of the third organization.
    async fn of_third_organization(&self) -> Vec<VendorInterface> {
        let key = self.key(&self.third).await;
        let native =
            |name, requests| VendorInterface { name, client: key.clone(), authorization: None, requests };
        let tokens = [self.instathings(&self.third).await, self.instathings(&self.third).await];
        let [reads, changes] = tokens.map(|token| Some(format!("Bearer {token}")));
        row_vec![
            self.door("blynk", Some(self.blynk(&self.third, None).await), requests::blynk());
            self.door("instathings", reads, instathings_requests::instathings());
            self.door("instathings, changes", changes, instathings_requests::instathings_changes());
            native("datastone", [requests::datastone(), requests::products(), board_requests::rules(), jobs::requests()].concat());
            native("graphql", requests::graphql());
            native("sql", requests::sql());
            native("documents", [requests::shared_documents(), board_requests::shared()].concat());
            self.door("mk", self.mk(&self.third).await, [requests::mk_reads(), requests::mk_other_reads()].concat());
            self.door(
                "mk, changes",
                self.mk(&self.third).await,
                [
                    vec![requests::mk_reads().swap_remove(0)],
                    requests::mk_other_changes(),
                    requests::mk_changes(),
                ]
                .concat(),
            );
        ]
    }

    /// The callers of the first organization who see one device.
    async fn restricted(&self) -> Vec<VendorInterface> {
        let owner = &self.world.env.owner;
        let viewer = Some(self.blynk(owner, Some("viewer")).await);
        let mut doors = vec![self.door("blynk as a viewer", viewer, requests::blynk())];
        for (name, client) in self.world.restricted().await {
            let client = self.client.with_key(client.key().unwrap());
            let datastone = [requests::datastone(), board_requests::rules(), jobs::requests()].concat();
            for requests in [datastone, requests::graphql(), requests::sql()] {
                doors.push(VendorInterface { name, client: client.clone(), authorization: None, requests });
            }
        }
        doors
    }

    /// The interfaces of the first organization without credentials.
    fn without_credentials(&self) -> Vec<VendorInterface> {
        let opensynaptic = self.door("opensynaptic", None, requests::opensynaptic());
        let (client, requests) = (self.onpremise.clone(), requests::onpremise());
        vec![opensynaptic, VendorInterface { name: "onpremise", client, authorization: None, requests }]
    }
}

/// Serves on a free port for as long as the test runs.
async fn serve(routes: axum::Router) -> Client {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Client::new(&url, "").without_key()
}

/// Compares the answers about what the caller may not see with those about nothing.
async fn check(doors: &[VendorInterface], targets: &[&Identifiers]) {
    let nothing = Identifiers::of_nothing();
    for interface in doors {
        for request in &interface.requests {
            let (status, answer) = interface.ask(request, &nothing).await.outcome();
            let expected = (status, nothing.erased(&answer));
            assert!(status < 500, "{}: {request:?}: {expected:?}", interface.name);
            for target in targets {
                let (status, answer) = interface.ask(request, target).await.outcome();
                let found = (status, target.erased(&answer));
                let place = format!("{}: {request:?} about {target:?}", interface.name);
                assert_eq!(found, expected, "{place}");
                let text = found.1.to_lowercase();
                let leaks = text.contains(SECRET) || text.contains(&SECRET_VALUE.to_string());
                assert!(!leaks, "{place}: {text}");
            }
        }
    }
}

/// Every caller is answered otherwise about a device of its own, so the comparison is not one of refusals alone.
async fn check_own(doors: &[VendorInterface], own: &Identifiers) {
    let nothing = Identifiers::of_nothing();
    for interface in doors {
        let request = &interface.requests[0];
        let answer =
            interface.ask(request, own).await.about(&format!("{}: {request:?}", interface.name)).ok();
        let expected = interface.ask(request, &nothing).await.body;
        assert_ne!(own.erased(&answer), nothing.erased(&expected), "{}: {request:?}", interface.name);
    }
}

/// Rows of the two other organizations, as their own keys see them.
async fn inventory(fixture: &DoorFixture) -> Vec<Value> {
    let mut found = Vec::new();
    for (_, who) in fixture.world.others() {
        let client = fixture.key(&who).await;
        for query in [
            "SELECT id, name, product_id, owner FROM devices ORDER BY id",
            "SELECT stream_id, count(*) AS n, max(ts) AS ts FROM readings GROUP BY stream_id ORDER BY 1",
            "SELECT uuid, state FROM commands ORDER BY uuid",
            "SELECT id, name FROM products ORDER BY id",
            "SELECT id, version, name FROM documents ORDER BY id",
            "SELECT id FROM quarantine ORDER BY id",
            "SELECT id, state, progress FROM jobs ORDER BY id",
        ] {
            found.push(Value::from(client.sql(query).await));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_others_is_as_if_it_were_not_there_in_every_api() {
    let fixture = DoorFixture::new().await;
    let before = inventory(&fixture).await;
    let of_third = fixture.of_third_organization().await;
    let restricted = fixture.restricted().await;
    let without = fixture.without_credentials();
    let (hidden, foreign) = (fixture.hidden.iter(), fixture.foreign.iter());
    let all: Vec<_> = hidden.clone().chain(foreign.clone()).chain([&fixture.own]).collect();
    check(&of_third, &all).await;
    check(&restricted, &hidden.chain(foreign.clone()).collect::<Vec<_>>()).await;
    check(&without, &foreign.collect::<Vec<_>>()).await;
    check_own(&of_third, &fixture.of_third).await;
    check_own(&restricted, &fixture.own).await;
    check_own(&without, &fixture.own).await;
    assert_eq!(inventory(&fixture).await, before, "nobody has changed anything of others");
}
