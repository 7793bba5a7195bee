//! `basalt demo`: a simulated plant behind real sockets, the real collectors against it, and the server.
//!
//! It ignores basalt.toml: a stray file must not put a simulated plant into a real data directory. Flags and the
//! environment apply.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use tokio::net::TcpListener;

use super::args;
use super::config::{Config, ConfigFile};
use super::instance::Instance;
use super::{demo_model, print, serve, user};
use crate::app::App;
use crate::app::access::KeyRequest;
use crate::app::user::UserRequest;
use crate::domain::device::{DeviceFilter, DeviceSpec, Protocol};
use crate::domain::stream::{ByteOrder, StreamFilter, StreamSpec};
use crate::domain::{DeviceId, Error, Principal, Result, StreamId};
use crate::sim::{DemoTag, Plant, Simulator, demo_tags};

const DATA_DIR: &str = "data/demo";
/// Devices, their protocols, and the part of the plant that each one's streams measure.
const DEVICES: [(&str, Protocol, &str); 4] = [
    ("Plant", Protocol::Modbus, ""),
    ("Tank PLC", Protocol::Fenet, "tank."),
    ("Furnace PLC", Protocol::Melsec, "furnace."),
    ("Motor server", Protocol::Opcua, "motor."),
];
const USER: &str = "admin";
/// Stream used in the REST example; it is stored at every poll.
const EXAMPLE_STREAM: &str = "motor.speed";

pub async fn run(args: args::Demo) -> Result<()> {
    let base = Config { data_dir: PathBuf::from(DATA_DIR), ..Config::default() };
    let config = Config::load(
        base,
        &ConfigFile::Ignored,
        serve::config_flags(args.data_dir.as_deref(), args.listeners),
    )?;
    let opened = serve::open_for_server(&config).await?;
    let faults =
        if args.plant.faults.is_empty() { vec![demo_model::demo_fault()] } else { args.plant.faults };
    let simulators = start_simulators(Plant::with_faults(faults)).await?;
    let addresses: Vec<_> = simulators.iter().map(Simulator::addr).collect();
    let secrets = provision(&opened, &addresses).await?;
    let shown = find_example_stream(&opened)?;
    let (app, owner) = (opened.app.clone(), opened.app.system(None)?);
    let served = serve::serve(&config, opened, |url| {
        let link = login_link(&app, &owner, url)?;
        print::line(&render_welcome(url, link.as_deref(), &config.data_dir, shown, &secrets))
    })
    .await;
    for simulator in simulators {
        simulator.stop().await;
    }
    served
}

/// Starts one simulator per device, all on one plant.
async fn start_simulators(plant: Plant) -> Result<Vec<Simulator>> {
    let mut simulators: Vec<Simulator> = Vec::new();
    for (_, protocol, _) in DEVICES {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(|e| Error::unavailable("the simulator has no socket").with_source(e))?;
        let simulator = match simulators.first() {
            Some(first) => first.start_sharing_plant(protocol, listener)?,
            None => Simulator::start_protocol(protocol, listener, plant.clone())?,
        };
        simulators.push(simulator);
    }
    Ok(simulators)
}

/// Credentials created at the first start; later starts do not know them.
struct DemoCredentials {
    password: String,
    key: String,
}

/// Points the devices at their simulators; the first start creates devices, streams, user and key.
async fn provision(opened: &Instance, simulators: &[SocketAddr]) -> Result<Option<DemoCredentials>> {
    let (app, owner) = (&opened.app, opened.app.system(None)?);
    for ((name, protocol, part), simulator) in DEVICES.into_iter().zip(simulators.iter().copied()) {
        let known = DeviceFilter { name: Some(name.to_owned()), ..DeviceFilter::default() };
        match app.devices(&owner, &known)?.first() {
            Some(device) => {
                let move_there = move |spec: &mut DeviceSpec| set_address(spec, simulator);
                app.update_device(&owner, device.id, move_there).await?;
            }
            None => {
                let mut spec = DeviceSpec::new(name, protocol);
                set_address(&mut spec, simulator);
                create_demo_device(app, &owner, spec, part).await?;
            }
        }
    }
    demo_model::prepare(app, &owner).await?;
    // The user is created last: if it exists, everything else does.
    if app.has_user(&owner, USER)? {
        return Ok(None);
    }
    let key = KeyRequest { name: "demo".to_owned(), ..KeyRequest::default() };
    let (_, key) = app.create_key(&owner, &key).await?;
    let password = user::generate_password();
    let admin = UserRequest {
        name: USER.to_owned(),
        password: password.clone(),
        is_staff: true,
        is_superuser: true,
        is_viewer: false,
    };
    app.create_user(&owner, admin).await?;
    Ok(Some(DemoCredentials { password, key }))
}

async fn create_demo_device(app: &App, owner: &Principal, spec: DeviceSpec, part: &str) -> Result<()> {
    let protocol = spec.protocol;
    let device = app.create_device(owner, spec).await?;
    for tag in demo_tags(protocol).into_iter().filter(|tag| tag.name.starts_with(part)) {
        app.create_stream(owner, to_stream(tag, device.id)).await?;
    }
    Ok(())
}

fn set_address(spec: &mut DeviceSpec, simulator: SocketAddr) {
    spec.host = simulator.ip().to_string();
    spec.port = Some(simulator.port());
    // Byte order of the simulator's tags.
    spec.byteorder = ByteOrder::Little;
    spec.enabled = true;
    if spec.protocol == Protocol::Opcua {
        spec.metadata.insert("use_subscription".to_owned(), true.into());
    }
}

fn to_stream(tag: DemoTag, device: DeviceId) -> StreamSpec {
    StreamSpec {
        path: tag.path,
        kind: tag.kind,
        unit: tag.unit.to_owned(),
        scale: tag.scale,
        offset: tag.offset,
        deadband: tag.deadband,
        access_mode: tag.access_mode,
        ..StreamSpec::new(tag.name, device)
    }
}

/// Returns the example stream, or the first stream if the owner renamed it.
fn find_example_stream(opened: &Instance) -> Result<StreamId> {
    let (app, owner) = (&opened.app, opened.app.system(None)?);
    let all = app.streams(&owner, &StreamFilter::default())?;
    let shown = all.iter().find(|stream| stream.spec.name == EXAMPLE_STREAM).or(all.first());
    Ok(shown.map_or(StreamId(1), |stream| stream.id))
}

/// Returns the address that logs a browser of this machine in once; `None` when other machines reach the server, or when
/// nobody is left to log in. The token is in the fragment, which browsers send to no server.
fn login_link(app: &App, owner: &Principal, url: &str) -> Result<Option<String>> {
    if !is_loopback(url) || !app.has_user(owner, USER)? {
        return Ok(None);
    }
    let token = app.issue_login_link(owner, USER)?;
    Ok(token.map(|token| format!("{url}/ui/#login={token}")))
}

fn is_loopback(url: &str) -> bool {
    match url::Url::parse(url).ok().as_ref().and_then(|url| url.host()) {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(_)) | None => false,
    }
}

fn render_welcome(
    url: &str,
    link: Option<&str>,
    data_dir: &Path,
    shown: StreamId,
    secrets: &Option<DemoCredentials>,
) -> String {
    let dir = data_dir.display();
    let open = match link {
        Some(link) => {
            format!("  open      {link}\n            (logs a browser in, once, within 15 minutes)\n\n")
        }
        None => String::new(),
    };
    let (credentials, key) = match secrets {
        Some(DemoCredentials { password, key }) => (
            format!(
                "  user      {USER}, password {password}\n  key       {key}\n            (both are shown this once)"
            ),
            key.as_str(),
        ),
        None => (
            format!(
                "  user and key were shown at the first start; another key:\n            \
                 basalt key create --name me --data-dir {dir}"
            ),
            "$KEY",
        ),
    };
    format!(
        "
Basalt demo: a simulated plant behind Modbus, FEnet, MELSEC and OPC UA, read every second.

{open}  REST      {url}/api/device/
  SQL       {url}/sql
  pages     {url}/ui/ (the plant), {url}/ui/sql (SQL), {url}/graphiql (GraphQL)
{credentials}
  data      {dir}

Try:

  curl -s {url}/sql -H \"Authorization: ApiKey {key}\" \\
    -d 'SELECT s.name, r.ts, r.value FROM readings r JOIN streams s ON s.id = r.stream_id ORDER BY r.ts DESC LIMIT 8'

  curl -s '{url}/api/data/{shown}/value/?limit=3' -H \"Authorization: ApiKey {key}\"

  basalt sql 'SELECT stream_id, count(*) AS n, avg(value) AS mean FROM readings GROUP BY stream_id' --data-dir {dir}

30 s after the start the furnace's thermometer drifts, and a model finds it:

  curl -s '{url}/api/event-log/?kind=anomaly' -H \"Authorization: ApiKey {key}\"

Ctrl-C stops it.
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_at_the_first_start_only() {
        let secrets = Some(DemoCredentials { password: "pass-word".into(), key: "bslt_key".into() });
        let first = render_welcome(
            "http://127.0.0.1:8000",
            Some("http://x/ui/#login=t"),
            Path::new("data/demo"),
            StreamId(2),
            &secrets,
        );
        for part in [
            "pass-word",
            "ApiKey bslt_key",
            "http://127.0.0.1:8000/sql",
            "/api/data/2/value/",
            "--data-dir data/demo",
            "open      http://x/ui/#login=t",
        ] {
            assert!(first.contains(part), "`{part}` is missing in: {first}");
        }
        let later = render_welcome("http://127.0.0.1:8000", None, Path::new("data/demo"), StreamId(2), &None);
        for part in ["basalt key create", "ApiKey $KEY"] {
            assert!(later.contains(part), "`{part}` is missing in: {later}");
        }
        assert!(!later.contains("#login"), "{later}");
    }

    #[test]
    fn only_an_address_of_this_machine_gets_a_link() {
        for (url, expected) in [
            ("http://127.0.0.1:8000", true),
            ("https://[::1]:8000", true),
            ("http://10.0.0.7:8000", false),
            ("http://0.0.0.0:8000", false),
            ("http://plant.example:8000", false),
        ] {
            assert_eq!(is_loopback(url), expected, "{url}");
        }
    }
}
