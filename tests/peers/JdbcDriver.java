import java.io.StringWriter;
import java.sql.*;
import java.time.*;
import java.util.*;
import org.postgresql.PGConnection;

/**
 * What PostgreSQL's JDBC driver gets from a server: a line for each check, `name<TAB>value`.
 *
 * <p>java -cp JARS JdbcDriver.java HOST PORT DATABASE USER PASSWORD
 */
class JdbcDriver {
    interface Check {
        Object call() throws Exception;
    }

    static final String ROWS = "(SELECT n::int4 AS n, n::float8 / 8 AS value, timestamptz '2026-04-28 10:00:00.25Z' + n * interval '1 minute' AS ts, "
            + "CASE WHEN n % 2 = 0 THEN 'even' END AS text FROM generate_series(1, 120) AS n) AS r";
    static final String ENDLESS = "SELECT count(*) FROM generate_series(1, 3000000) AS a, generate_series(1, 3000) AS b";
    static final Timestamp ELEVEN = Timestamp.from(Instant.parse("2026-04-28T11:00:00Z"));
    static String mode;

    static void check(String name, Check check) {
        String found;
        try {
            found = String.valueOf(check.call());
        } catch (SQLException error) {
            found = "!" + error.getSQLState();
        } catch (Exception error) {
            found = "!" + error;
        }
        System.out.println(mode + " " + name + "\t" + found.replace("\n", "\\n"));
    }

    static List<Object> rows(ResultSet result, String... names) throws SQLException {
        List<Object> rows = new ArrayList<>();
        while (result.next()) {
            List<Object> row = new ArrayList<>();
            if (names.length > 0) {
                for (String name : names) row.add(result.getObject(name));
            } else {
                for (int at = 1; at <= result.getMetaData().getColumnCount(); at++) row.add(plain(result.getObject(at)));
            }
            rows.add(row);
        }
        result.close();
        return rows;
    }

    static Object plain(Object value) throws SQLException {
        if (value instanceof java.sql.Array) return Arrays.deepToString((Object[]) ((java.sql.Array) value).getArray());
        return value instanceof byte[] ? Arrays.toString((byte[]) value) : value;
    }

    static List<Object> ask(Connection connection, String text, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            for (int at = 0; at < values.length; at++) statement.setObject(at + 1, values[at]);
            return rows(statement.executeQuery());
        }
    }

    static void values(Connection connection) {
        for (String text : List.of(
                "SELECT 1::int2, 2::int4, 3::int8, 1.5::float4, 0.1::float8, 1.50::numeric(10, 2), 'x'::text, true AS b, NULL AS n",
                "SELECT date '2026-04-28', time '01:02:03', timestamptz '2026-04-28 11:00:00Z', interval '3 days 00:00:04.5', '\\x00ff'::bytea",
                "SELECT ARRAY[1, 2]::int[] AS a, ARRAY['a', NULL]::text[] AS b, ARRAY[true] AS c, ARRAY[3]::int8[] AS d",
                "SELECT {fn length('abc ')}, {ts '2026-04-28 11:00:00'}, {d '2026-04-28'}, {fn concat('a', 'b')}",
                "SELEC", "SELECT 1 FROM nothing", "SELECT 1 / 0", "SELECT 'x'::int4")) {
            check(text, () -> ask(connection, text));
        }
        String counted = "SELECT count(*) FROM " + ROWS + " WHERE ";
        for (int time = 0; time < 7; time++) {
            check("numbers and times", () -> ask(connection, counted + "n > ? AND ts >= ? AND value < ?", 1, ELEVEN, 10.5));
        }
        for (Object time : List.of(OffsetDateTime.parse("2026-04-28T11:00:00Z"), LocalDateTime.parse("2026-04-28T11:00"),
                LocalDate.parse("2026-04-28"), java.sql.Date.valueOf("2026-04-28"))) {
            check(time.getClass().getName(), () -> ask(connection, counted + "ts >= ?", time));
        }
        for (Object value : List.of(true, "x", 5L, 1.5f, (short) 5, LocalTime.parse("01:02:03"))) {
            check(value.getClass().getName(), () -> ask(connection, "SELECT ?", value));
        }
        check("a limit", () -> ask(connection, "SELECT value FROM " + ROWS + " ORDER BY n LIMIT ? OFFSET ?", 2, 3));
        check("a default", () -> ask(connection, "SELECT coalesce(?, value) FROM " + ROWS + " WHERE n = 1", 2.5));
        check("an interval", () -> ask(connection, counted + "ts > ?::timestamptz - ?::interval", ELEVEN, "30 minutes"));
        check("null", () -> {
            try (PreparedStatement statement = connection.prepareStatement("SELECT ?::int4, count(*) FROM " + ROWS + " WHERE text = ?")) {
                statement.setNull(1, Types.INTEGER);
                statement.setNull(2, Types.VARCHAR);
                return rows(statement.executeQuery());
            }
        });
    }

    static void statements(Connection connection) {
        check("fetched in parts", () -> {
            connection.setAutoCommit(false);
            int count = 0;
            try (PreparedStatement statement = connection.prepareStatement("SELECT value FROM " + ROWS + " WHERE n > ? ORDER BY n")) {
                statement.setInt(1, 20);
                statement.setFetchSize(7);
                for (ResultSet result = statement.executeQuery(); result.next(); ) count++;
            }
            connection.commit();
            connection.setAutoCommit(true);
            return count;
        });
        check("read only", () -> {
            connection.setReadOnly(true);
            connection.setAutoCommit(false);
            Savepoint savepoint = connection.setSavepoint();
            check("in a savepoint", () -> ask(connection, "SELECT 1 / 0"));
            connection.rollback(savepoint);
            Object found = ask(connection, "SELECT 2::int4");
            connection.commit();
            connection.setAutoCommit(true);
            connection.setReadOnly(false);
            return found;
        });
        check("a time limit", () -> {
            try (Statement statement = connection.createStatement()) {
                statement.setQueryTimeout(1);
                return rows(statement.executeQuery(ENDLESS));
            }
        });
        check("a copy", () -> {
            StringWriter sink = new StringWriter();
            String text = "COPY (SELECT n, ts FROM " + ROWS + " ORDER BY n LIMIT 2) TO STDOUT CSV";
            connection.unwrap(PGConnection.class).getCopyAPI().copyOut(text, sink);
            return sink;
        });
    }

    static void metadata(Connection connection) throws SQLException {
        DatabaseMetaData known = connection.getMetaData();
        check("getTables", () -> rows(known.getTables(null, "public", "readings", null), "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE"));
        check("getColumns", () -> rows(known.getColumns(null, "public", "readings", null), "COLUMN_NAME", "DATA_TYPE", "TYPE_NAME",
                "COLUMN_SIZE", "DECIMAL_DIGITS", "ORDINAL_POSITION", "IS_NULLABLE", "IS_AUTOINCREMENT", "COLUMN_DEF"));
        check("getPrimaryKeys", () -> rows(known.getPrimaryKeys(null, "public", "readings")));
        check("getIndexInfo", () -> rows(known.getIndexInfo(null, "public", "readings", false, false)));
        check("getImportedKeys", () -> rows(known.getImportedKeys(null, "public", "readings")));
        check("getExportedKeys", () -> rows(known.getExportedKeys(null, "public", "readings")));
        check("getCrossReference", () -> rows(known.getCrossReference(null, "public", "readings", null, "public", "readings")));
        check("getVersionColumns", () -> rows(known.getVersionColumns(null, "public", "readings")));
        check("getBestRowIdentifier", () -> rows(known.getBestRowIdentifier(null, "public", "readings", 0, true)));
        check("getSchemas", () -> rows(known.getSchemas(), "TABLE_SCHEM").contains(List.of("public")));
        check("getFunctions", () -> !rows(known.getFunctions(null, null, "length")).isEmpty());
        check("getProcedures", () -> rows(known.getProcedures(null, "public", "nothing")));
        check("getTypeInfo", () -> {
            Map<String, Integer> types = new TreeMap<>();
            for (ResultSet result = known.getTypeInfo(); result.next(); ) types.put(result.getString(1), result.getInt(2));
            types.keySet().retainAll(List.of("int2 int4 int8 float8 numeric text bool date timestamptz interval uuid _int4".split(" ")));
            return types;
        });
        check("parameters", () -> {
            String text = "SELECT count(*) FROM " + ROWS + " WHERE n = ? AND ts >= ? AND value < ? AND text = ?";
            try (PreparedStatement statement = connection.prepareStatement(text)) {
                ParameterMetaData types = statement.getParameterMetaData();
                return List.of(types.getParameterTypeName(1), types.getParameterTypeName(2), types.getParameterTypeName(3), types.getParameterTypeName(4));
            }
        });
    }

    public static void main(String[] args) throws Exception {
        for (String options : List.of("", "prepareThreshold=1&binaryTransfer=true", "preferQueryMode=simple")) {
            mode = options;
            String url = "jdbc:postgresql://" + args[0] + ":" + args[1] + "/" + args[2] + "?" + options;
            try (Connection connection = DriverManager.getConnection(url, args[3], args[4])) {
                values(connection);
                statements(connection);
                metadata(connection);
            }
        }
    }
}
