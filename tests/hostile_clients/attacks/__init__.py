"""What hostile clients do: each a function of the site and the number of its round, which says how its requests ended."""

from . import bodies, connections, gateways, graphql, hidden, parquet, postgres, sql, state

ATTACKS = {
    # Nobody's.
    "half_open_connections": connections.half_open,
    "slow_logins": connections.slow_logins,
    "passwords_hung_up": connections.passwords,
    "readiness_of_the_disk": connections.readiness,
    "provisioning_bodies": gateways.provisioning,
    # A key that may read one device.
    "graphql_nested": graphql.nested,
    "graphql_large_answers": graphql.large_answers,
    "sql_deep": sql.deep,
    "sql_wide": sql.wide,
    "sql_literals_read_slowly": sql.literals,
    "sql_windows": sql.windows,
    "sql_replace": sql.replace,
    "sql_regexes": sql.regexes,
    "sql_common_tables": sql.common_tables,
    "sql_cube": sql.cube,
    "sql_parameters": sql.parameters,
    "sql_never_yields": sql.never_yields,
    "sql_backtracking": sql.backtracking,
    "sql_texts": sql.texts,
    "postgres_statements": postgres.statements,
    "postgres_settings": postgres.settings,
    "postgres_silent": postgres.silent,
    "flight_tickets": hidden.flight_tickets,
    # A key that may write two streams.
    "arrow_lengths": bodies.arrow_lengths,
    "parquet_nested": parquet.nested,
    "parquet_groups": parquet.groups,
    "parquet_pages": parquet.pages,
    "bodies_inflated": bodies.inflated,
    "bodies_staggered": bodies.staggered,
    "texts_long": bodies.long_texts,
    "idempotency_keys": state.idempotency_keys,
    # A key that may change its own organization.
    "metadata": state.metadata,
    "container_logs": gateways.container_logs,
    "reports_of_gateways": gateways.reports,
    "inventory_mistakes": gateways.inventory_mistakes,
    "scaler_references": hidden.scaler_references,
}
