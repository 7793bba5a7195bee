//! The names that scripts rely on.

use clap::CommandFactory;

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("basalt").chain(line.split_whitespace()))
}

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn the_contract_is_accepted() {
    let rows = [
        "serve",
        "serve --config basalt.toml --data-dir d --listen 127.0.0.1:0",
        "serve --role query --config query.toml",
        "serve --role ingest --stop-with-input",
        "demo --data-dir d --listen 127.0.0.1:0",
        "demo --cluster --data-dir d --listen 127.0.0.1:0",
        "demo --empty --data-dir d",
        "simulate melsec --listen 127.0.0.1:5007",
        "simulate modbus --registers 1000",
        "simulate fenet --fault stuck:tank.level@1m+10s --fault disconnect@5m+20s/10m",
        "demo --fault drift:motor.temperature@60s+30s=12",
        "bench collect --devices 5 --registers 100 --interval 0.5 --seconds 2",
        "bench vendors --devices 5 --streams 2 --rows 1000 --runs 3 --followers 2 --rate 20 --seconds 1 --data-dir d",
        "simulate opcua --listen 127.0.0.1:4840",
        "org create acme --name Acme",
        "org list --data-dir d",
        "user create admin --staff --superuser --password-stdin",
        "key create --name x --scope value:read --scope device:write --device 1 --data 2 --data 3 --org acme",
        "key create --name panel --scope value:read --expires 2027-01-31",
        "key list",
        "key revoke 3",
        "cluster status --data-dir d",
        "cluster status --url http://plant:8000 --key bslt_x",
        "sql SELECT --format parquet",
        "sql SELECT --url http://plant:8000 --key bslt_x",
        "import a.csv b.parquet --stream 4 --from-row 50001",
        "import a.csv --device Oven --name temperature --create",
        "import plant.yaml tags.csv --dry-run --org acme",
        "import tags.csv --device Press --dry-run",
        "export plant.yaml",
        "export plant.csv --devices --org acme",
        "export - --devices --format yaml",
        "export --from 2026-04-28 --to 2026-04-29T00:00:00Z --stream 1 --stream 2 a.parquet",
        "export - --format ndjson --url http://plant:8000 --key bslt_x",
        "verify --format json --data-dir d",
        "doctor",
        "doctor --json --data-dir d --config c",
        "backup there --data-dir d",
        "restore there --data-dir d --catalog-url postgres://db/plant",
        "read modbus://127.0.0.1:5020/hr:100?type=fp32",
        "schema sql",
        "schema openapi",
        "schema openapi blynk",
        "completions bash",
        "man there",
    ];
    for line in rows {
        if let Err(error) = parse(line) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let rows = [
        ("nothing", "", "Usage"),
        ("levels_without_end", "browse opc.tcp://there --depth 6", "--depth"),
        ("trust_in_nobody", "opcua trust", "THUMBPRINT"),
        ("a_key_without_a_name", "key create", "--name"),
        ("faults_of_registers", "simulate modbus --registers 9 --fault disconnect@1s+1s", "--registers"),
        ("an_unknown_fault", "demo --fault leak:tank.level@60s+1s", "drift, spike, stuck, disconnect"),
        ("an_unknown_format", "sql SELECT --format xml", "xml"),
        ("an_unknown_role", "serve --role owner", "all, ingest, query"),
        ("an_import_of_nothing", "import", "FILE"),
        ("devices_of_a_stream", "export --devices --stream 1 a.csv", "--devices"),
        ("an_export_to_nowhere", "export --stream 1", "FILE"),
        ("a_backup_to_nowhere", "backup", "DEST"),
        ("an_unknown_shell", "completions csh", "bash, elvish, fish, powershell, zsh"),
        ("pages_to_nowhere", "man", "DIR"),
        ("two_destinations", "import a.csv --stream 1 --device d --name s", "--stream"),
        ("a_stream_without_a_device", "import a.csv --name s", "--device"),
        ("create_without_a_name_to_create", "import a.csv --device d --create", "--name"),
        ("rows_count_from_one", "import a.csv --from-row 0", "--from-row"),
        ("another_machine_without_a_key", "sql SELECT --url http://plant:8000", "--key"),
    ];
    for (name, line, part) in rows {
        let Err(error) = parse(line) else { panic!("{name}: accepted") };
        let message = error.to_string();
        assert!(message.contains(part), "{name}: `{part}` is missing in: {message}");
        assert_eq!(error.exit_code(), 2, "{name}");
    }
}

#[test]
fn lists_take_repetition_and_commas() {
    let cli = parse("key create --name x --scope value:read,data:read --data 1 --data 2,3").expect("valid");
    let CliCommand::Key { command: KeySubcommand::Create(key) } = cli.command else {
        panic!("another command")
    };
    assert_eq!(key.scopes, ["value:read", "data:read"]);
    assert_eq!(key.data, [1, 2, 3]);
}
