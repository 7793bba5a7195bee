CREATE TABLE IF NOT EXISTS orgs (
    id {id},
    slug text NOT NULL,
    name text NOT NULL,
    created_at bigint NOT NULL,
    uuid {uuid} NOT NULL DEFAULT {no_uuid}
);
CREATE UNIQUE INDEX IF NOT EXISTS orgs_slug ON orgs (slug);
CREATE UNIQUE INDEX IF NOT EXISTS orgs_uuid ON orgs (uuid);

CREATE TABLE IF NOT EXISTS users (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    name text NOT NULL,
    password_hash text NOT NULL,
    is_staff boolean NOT NULL,
    is_superuser boolean NOT NULL,
    enabled boolean NOT NULL,
    created_at bigint NOT NULL,
    is_viewer boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX IF NOT EXISTS users_name ON users (name);

CREATE TABLE IF NOT EXISTS keys (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    name text NOT NULL,
    prefix text NOT NULL,
    "hash" {bytes} NOT NULL,
    scopes text NOT NULL,
    allowed_devices text,
    allowed_streams text,
    expires_at bigint,
    enabled boolean NOT NULL,
    created_at bigint NOT NULL,
    last_used_at bigint,
    allowed_dashboards text
);
CREATE UNIQUE INDEX IF NOT EXISTS keys_prefix ON keys (prefix);
CREATE INDEX IF NOT EXISTS keys_org_id ON keys (org_id);

CREATE TABLE IF NOT EXISTS "groups" (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    name text NOT NULL,
    description text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS groups_org_id_name ON "groups" (org_id, name);

CREATE TABLE IF NOT EXISTS floors (
    lake_table text NOT NULL,
    source_id integer NOT NULL,
    kept_from bigint NOT NULL,
    PRIMARY KEY (lake_table, source_id)
);

CREATE TABLE IF NOT EXISTS sessions (
    id {id},
    user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    "hash" {bytes} NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS sessions_hash ON sessions ("hash");
CREATE INDEX IF NOT EXISTS sessions_user_id ON sessions (user_id);

CREATE TABLE IF NOT EXISTS audit_log (
    id {id},
    ts bigint NOT NULL,
    until bigint NOT NULL,
    org_id integer,
    actor text,
    actor_name text,
    action text NOT NULL,
    kind text,
    row_id integer,
    fields text NOT NULL,
    request text NOT NULL,
    outcome text NOT NULL,
    address text,
    request_id text NOT NULL,
    count bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS audit_log_org_id_ts ON audit_log (org_id, ts);
CREATE INDEX IF NOT EXISTS audit_log_ts ON audit_log (ts);

CREATE TABLE IF NOT EXISTS redeemed_grants (
    id text NOT NULL PRIMARY KEY,
    expires_at bigint NOT NULL
);

CREATE TABLE IF NOT EXISTS products (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    uuid {uuid} NOT NULL,
    parent_id integer REFERENCES products (id) ON DELETE SET NULL,
    name text NOT NULL,
    is_default boolean NOT NULL,
    metadata text NOT NULL,
    templates text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS products_org_id_name ON products (org_id, name);

CREATE TABLE IF NOT EXISTS devices (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    uuid {uuid} NOT NULL,
    name text NOT NULL,
    protocol text NOT NULL,
    host text NOT NULL,
    port integer,
    unit integer NOT NULL,
    username text NOT NULL,
    password text NOT NULL,
    timeout_s double precision NOT NULL,
    poll_interval_s double precision,
    byteorder text NOT NULL,
    enabled boolean NOT NULL,
    metadata text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    "key" text NOT NULL DEFAULT '',
    external_id text NOT NULL DEFAULT '',
    last_channel integer NOT NULL DEFAULT 0,
    product_id integer REFERENCES products (id) ON DELETE SET NULL,
    parent_id integer REFERENCES devices (id) ON DELETE SET NULL,
    owner text REFERENCES users (name) ON DELETE SET NULL,
    topology text NOT NULL DEFAULT '{}'
);
CREATE UNIQUE INDEX IF NOT EXISTS devices_org_id_name ON devices (org_id, name);
CREATE UNIQUE INDEX IF NOT EXISTS devices_key ON devices ("key");
CREATE UNIQUE INDEX IF NOT EXISTS devices_org_id_external_id ON devices (org_id, external_id);
CREATE INDEX IF NOT EXISTS devices_product_id ON devices (product_id);
CREATE INDEX IF NOT EXISTS devices_parent_id ON devices (parent_id);
CREATE INDEX IF NOT EXISTS devices_owner ON devices (owner);

CREATE TABLE IF NOT EXISTS streams (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    uuid {uuid} NOT NULL,
    device_id integer NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    group_id integer REFERENCES "groups" (id) ON DELETE SET NULL,
    name text NOT NULL,
    path text NOT NULL,
    kind text NOT NULL,
    access_mode text NOT NULL,
    poll_interval_s double precision,
    unit text NOT NULL,
    scale double precision NOT NULL,
    "offset" double precision NOT NULL,
    byteorder text,
    enabled boolean NOT NULL,
    deadband double precision,
    statistics_interval_s integer,
    metadata text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    "windows" text,
    channel integer NOT NULL DEFAULT 0,
    pin integer,
    label text
);
CREATE UNIQUE INDEX IF NOT EXISTS streams_device_id_name ON streams (device_id, name);
CREATE INDEX IF NOT EXISTS streams_group_id ON streams (group_id);
CREATE UNIQUE INDEX IF NOT EXISTS streams_device_id_channel ON streams (device_id, channel);

CREATE TABLE IF NOT EXISTS policies (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    hypertable text NOT NULL,
    stream_id integer REFERENCES streams (id) ON DELETE CASCADE,
    drop_after_s bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS policies_org_id_hypertable ON policies (org_id, hypertable) WHERE stream_id IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS policies_stream_id_hypertable ON policies (stream_id, hypertable) WHERE stream_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS models (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    device_id integer NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    stream_id integer NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    enabled boolean NOT NULL,
    number integer NOT NULL,
    newest integer NOT NULL,
    progress text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS models_stream_id ON models (stream_id);
CREATE INDEX IF NOT EXISTS models_device_id ON models (device_id);

CREATE TABLE IF NOT EXISTS model_versions (
    id {id},
    model_id integer NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    number integer NOT NULL,
    settings text NOT NULL,
    model text NOT NULL,
    scaler text NOT NULL,
    created_at bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS model_versions_model_id_number ON model_versions (model_id, number);

CREATE TABLE IF NOT EXISTS model_files (
    id integer NOT NULL PRIMARY KEY REFERENCES model_versions (id) ON DELETE CASCADE,
    model {bytes} NOT NULL,
    scaler {bytes} NOT NULL
);

CREATE TABLE IF NOT EXISTS clients (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    api text NOT NULL,
    client_id text NOT NULL,
    "hash" {bytes} NOT NULL,
    name text NOT NULL,
    user_id integer REFERENCES users (id) ON DELETE CASCADE,
    role text,
    user_scoped boolean NOT NULL,
    enabled boolean NOT NULL,
    created_at bigint NOT NULL,
    revoked_at bigint
);
CREATE UNIQUE INDEX IF NOT EXISTS clients_api_client_id ON clients (api, client_id);
CREATE INDEX IF NOT EXISTS clients_user_id ON clients (user_id);

CREATE TABLE IF NOT EXISTS tokens (
    id {id},
    client_id integer NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    user_id integer REFERENCES users (id) ON DELETE CASCADE,
    "hash" {bytes} NOT NULL,
    refresh_hash {bytes},
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS tokens_hash ON tokens ("hash");
CREATE UNIQUE INDEX IF NOT EXISTS tokens_refresh_hash ON tokens (refresh_hash);
CREATE INDEX IF NOT EXISTS tokens_client_id ON tokens (client_id);
CREATE INDEX IF NOT EXISTS tokens_user_id ON tokens (user_id);

CREATE TABLE IF NOT EXISTS commands (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    device_id integer NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    uuid text NOT NULL,
    "key" text NOT NULL,
    kind text NOT NULL,
    params text NOT NULL,
    state text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    sent_at bigint,
    acked_at bigint,
    done_at bigint,
    result text NOT NULL,
    error text NOT NULL,
    created_by text NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS commands_device_id ON commands (device_id);

CREATE TABLE IF NOT EXISTS certificates (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    device_id integer NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    fingerprint text NOT NULL,
    issued_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    serial text,
    authority text,
    revoked_at bigint
);
CREATE UNIQUE INDEX IF NOT EXISTS certificates_device_id ON certificates (device_id);

CREATE TABLE IF NOT EXISTS mqtt_sessions (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    device_id integer REFERENCES devices (id) ON DELETE CASCADE,
    owner text NOT NULL,
    client_id text NOT NULL,
    subscriptions text NOT NULL,
    expiry_s bigint NOT NULL,
    ended_at bigint,
    will text,
    cursor text
);
CREATE UNIQUE INDEX IF NOT EXISTS mqtt_sessions_owner_client_id ON mqtt_sessions (owner, client_id);
CREATE INDEX IF NOT EXISTS mqtt_sessions_device_id ON mqtt_sessions (device_id);

CREATE TABLE IF NOT EXISTS mqtt_retained (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    device_id integer NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    topic text NOT NULL,
    payload {bytes} NOT NULL,
    qos integer NOT NULL,
    stored_at bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS mqtt_retained_org_id_topic ON mqtt_retained (org_id, topic);
CREATE INDEX IF NOT EXISTS mqtt_retained_device_id ON mqtt_retained (device_id);

CREATE TABLE IF NOT EXISTS documents (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    uuid {uuid} NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    device_id integer REFERENCES devices (id) ON DELETE CASCADE,
    content text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    secret text
);
CREATE UNIQUE INDEX IF NOT EXISTS documents_uuid ON documents (uuid);
CREATE UNIQUE INDEX IF NOT EXISTS documents_org_id_kind_name ON documents (org_id, kind, name);
CREATE INDEX IF NOT EXISTS documents_device_id ON documents (device_id);

CREATE TABLE IF NOT EXISTS registrations (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    device_id integer NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    uuid {uuid} NOT NULL,
    "hash" {bytes} NOT NULL,
    state text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS registrations_uuid ON registrations (uuid);
CREATE INDEX IF NOT EXISTS registrations_device_id ON registrations (device_id);

CREATE TABLE IF NOT EXISTS objects (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    uuid text NOT NULL,
    file_name text NOT NULL,
    content_type text NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 text NOT NULL,
    created_at bigint NOT NULL,
    upload_until bigint NOT NULL,
    stored_at bigint
);
CREATE UNIQUE INDEX IF NOT EXISTS objects_uuid ON objects (uuid);

CREATE TABLE IF NOT EXISTS binding_reports (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    device_id integer NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    binding text NOT NULL,
    artefact text NOT NULL,
    version integer NOT NULL,
    status text NOT NULL,
    "hash" text,
    message text,
    reported_at bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS binding_reports_binding_device_id ON binding_reports (binding, device_id);
CREATE INDEX IF NOT EXISTS binding_reports_device_id ON binding_reports (device_id);

CREATE TABLE IF NOT EXISTS quarantine (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    device_id integer REFERENCES devices (id) ON DELETE CASCADE,
    stream_id integer REFERENCES streams (id) ON DELETE SET NULL,
    uuid text NOT NULL,
    topic text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    payload text NOT NULL,
    bytes bigint NOT NULL,
    received_at bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS quarantine_uuid ON quarantine (uuid);
CREATE INDEX IF NOT EXISTS quarantine_org_id_received_at ON quarantine (org_id, received_at);
CREATE INDEX IF NOT EXISTS quarantine_org_id_bytes ON quarantine (org_id, bytes);
CREATE INDEX IF NOT EXISTS quarantine_received_at ON quarantine (received_at);
CREATE INDEX IF NOT EXISTS quarantine_device_id ON quarantine (device_id);
CREATE INDEX IF NOT EXISTS quarantine_stream_id ON quarantine (stream_id);

CREATE TABLE IF NOT EXISTS alert_checkpoint (
    id integer NOT NULL PRIMARY KEY REFERENCES orgs (id) ON DELETE CASCADE,
    next_seq bigint NOT NULL,
    stored_at bigint NOT NULL,
    states {bytes} NOT NULL
);

CREATE TABLE IF NOT EXISTS annotations (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    uuid {uuid} NOT NULL,
    class_id integer NOT NULL REFERENCES documents (id) ON DELETE RESTRICT,
    scope_type text NOT NULL,
    scope_uuid {uuid} NOT NULL,
    document_id integer REFERENCES documents (id) ON DELETE CASCADE,
    device_id integer REFERENCES devices (id) ON DELETE CASCADE,
    stream_id integer REFERENCES streams (id) ON DELETE CASCADE,
    start_time bigint NOT NULL,
    end_time bigint,
    until_time bigint NOT NULL,
    content text NOT NULL,
    source text NOT NULL,
    confidence double precision,
    note text,
    created_by text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS annotations_uuid ON annotations (uuid);
CREATE INDEX IF NOT EXISTS annotations_org_id_start_time ON annotations (org_id, start_time, until_time);
CREATE INDEX IF NOT EXISTS annotations_class_id ON annotations (class_id, start_time);
CREATE INDEX IF NOT EXISTS annotations_document_id ON annotations (document_id, start_time);
CREATE INDEX IF NOT EXISTS annotations_device_id ON annotations (device_id, start_time);
CREATE INDEX IF NOT EXISTS annotations_stream_id ON annotations (stream_id, start_time);

CREATE TABLE IF NOT EXISTS exports (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    uuid text NOT NULL,
    scope_type text NOT NULL,
    scope_id text NOT NULL,
    from_ts bigint NOT NULL,
    to_ts bigint NOT NULL,
    includes text NOT NULL,
    status text NOT NULL,
    requested_by text NOT NULL,
    access text NOT NULL,
    error text NOT NULL,
    size_bytes bigint,
    reading_count bigint,
    annotation_count bigint,
    created_at bigint NOT NULL,
    completed_at bigint
);
CREATE UNIQUE INDEX IF NOT EXISTS exports_uuid ON exports (uuid);
CREATE INDEX IF NOT EXISTS exports_org_id ON exports (org_id);
CREATE INDEX IF NOT EXISTS exports_status ON exports (status);

CREATE TABLE IF NOT EXISTS org_plans (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    plan text NOT NULL,
    chosen_at bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS org_plans_org_id ON org_plans (org_id);

CREATE TABLE IF NOT EXISTS reading_counts (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    month bigint NOT NULL,
    readings bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS reading_counts_org_id_month ON reading_counts (org_id, month);

CREATE TABLE IF NOT EXISTS media_jobs (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    device_id integer NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    camera_id integer NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    uuid {uuid} NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    content text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS media_jobs_uuid ON media_jobs (uuid);
CREATE INDEX IF NOT EXISTS media_jobs_device_id ON media_jobs (device_id);
CREATE INDEX IF NOT EXISTS media_jobs_camera_id ON media_jobs (camera_id);

CREATE TABLE IF NOT EXISTS alert_rules (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    stream_id integer REFERENCES streams (id) ON DELETE CASCADE,
    uuid {uuid} NOT NULL,
    name text NOT NULL,
    spec text NOT NULL,
    first_seq bigint NOT NULL,
    decided_seq bigint,
    decided_ts bigint,
    fired_at bigint,
    open_event_id integer {references_events},
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    budget_hour bigint NOT NULL DEFAULT 0,
    budget_raised bigint NOT NULL DEFAULT 0,
    suppressed bigint NOT NULL DEFAULT 0,
    device_id integer REFERENCES devices (id) ON DELETE CASCADE,
    version integer NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX IF NOT EXISTS alert_rules_uuid ON alert_rules (uuid);
CREATE UNIQUE INDEX IF NOT EXISTS alert_rules_org_id_name ON alert_rules (org_id, name);
CREATE INDEX IF NOT EXISTS alert_rules_stream_id ON alert_rules (stream_id);
CREATE INDEX IF NOT EXISTS alert_rules_open_event_id ON alert_rules (open_event_id);
CREATE INDEX IF NOT EXISTS alert_rules_device_id ON alert_rules (device_id);

CREATE TABLE IF NOT EXISTS events (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    device_id integer REFERENCES devices (id) ON DELETE SET NULL,
    stream_id integer REFERENCES streams (id) ON DELETE SET NULL,
    kind text NOT NULL,
    level text NOT NULL,
    ts bigint NOT NULL,
    message text NOT NULL,
    url text NOT NULL,
    payload text NOT NULL,
    acknowledged boolean NOT NULL,
    created_at bigint NOT NULL,
    uuid {uuid} NOT NULL DEFAULT {no_uuid},
    source text NOT NULL DEFAULT 'USER',
    rule_id integer REFERENCES alert_rules (id) ON DELETE SET NULL,
    alert_status text,
    alert text,
    acknowledged_at bigint,
    acknowledged_by text,
    note text
);
CREATE INDEX IF NOT EXISTS events_org_id_ts ON events (org_id, ts);
CREATE INDEX IF NOT EXISTS events_device_id ON events (device_id);
CREATE INDEX IF NOT EXISTS events_stream_id ON events (stream_id);
CREATE UNIQUE INDEX IF NOT EXISTS events_uuid ON events (uuid);
CREATE INDEX IF NOT EXISTS events_org_id_alert_status ON events (org_id, alert_status, ts);
CREATE INDEX IF NOT EXISTS events_rule_id ON events (rule_id);

CREATE TABLE IF NOT EXISTS alert_notification (
    id {uuid} NOT NULL PRIMARY KEY,
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    alert_id integer NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    channel_id {uuid} NOT NULL,
    status text NOT NULL,
    attempts integer NOT NULL,
    next_attempt_at bigint,
    error text,
    sent_at bigint,
    created_at bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS alert_notification_due ON alert_notification (status, next_attempt_at);
CREATE INDEX IF NOT EXISTS alert_notification_alert_id ON alert_notification (alert_id);

CREATE TABLE IF NOT EXISTS jobs (
    id {id},
    org_id integer NOT NULL REFERENCES orgs (id) ON DELETE RESTRICT,
    device_id integer REFERENCES devices (id) ON DELETE CASCADE,
    model_id integer,
    uuid text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    size bigint,
    unit text,
    access text,
    state text NOT NULL,
    progress double precision NOT NULL,
    result text,
    error text NOT NULL,
    requested_by text NOT NULL,
    created_at bigint NOT NULL,
    started_at bigint,
    ended_at bigint,
    reported_at bigint
);
CREATE UNIQUE INDEX IF NOT EXISTS jobs_uuid ON jobs (uuid);
CREATE INDEX IF NOT EXISTS jobs_org_id ON jobs (org_id);
CREATE INDEX IF NOT EXISTS jobs_state ON jobs (state);
CREATE INDEX IF NOT EXISTS jobs_device_id ON jobs (device_id);

CREATE TABLE IF NOT EXISTS user_preferences (
    id {id},
    user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    body text NOT NULL,
    updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS user_preferences_user_id ON user_preferences (user_id);

CREATE TABLE IF NOT EXISTS device_states (
    id {id},
    device_id integer NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    at bigint NOT NULL,
    state text,
    error text
);
CREATE INDEX IF NOT EXISTS device_states_device_id_at ON device_states (device_id, at);
CREATE INDEX IF NOT EXISTS device_states_at ON device_states (at);

CREATE TABLE IF NOT EXISTS server_heartbeat (
    id {id},
    at bigint NOT NULL
);

CREATE TABLE IF NOT EXISTS cluster_nodes (
    id text NOT NULL PRIMARY KEY,
    role text NOT NULL,
    url text,
    version text NOT NULL,
    started_at bigint NOT NULL,
    renewed_at bigint NOT NULL
);
