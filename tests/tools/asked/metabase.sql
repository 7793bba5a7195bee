-- default time zone, as a prepared statement
-- = UTC
show timezone;

-- report time zone
-- rows 0
SET SESSION TIMEZONE TO 'UTC';

-- test of a connection
-- = 1
SELECT 1

-- tables
-- $ 0
-- $ ^pg_
-- $ information_schema
-- $ public
-- $ readings
-- = public|readings|TABLE|NULL|NULL
SELECT "n"."nspname" AS "schema", "c"."relname" AS "name", CASE "c"."relkind" WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'v' THEN
'VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE NULL END AS "type", "d"."description" AS "description",
"stat"."n_live_tup" AS "estimated_row_count" FROM "pg_catalog"."pg_class" AS "c" INNER JOIN "pg_catalog"."pg_namespace" AS "n" ON "c"."relnamespace" =
"n"."oid" LEFT JOIN "pg_catalog"."pg_description" AS "d" ON ("c"."oid" = "d"."objoid") AND ("d"."objsubid" = $1) AND ("d"."classoid" =
'pg_class'::regclass) LEFT JOIN "pg_stat_user_tables" AS "stat" ON ("n"."nspname" = "stat"."schemaname") AND ("c"."relname" = "stat"."relname") WHERE
(("c"."relnamespace" = "n"."oid") AND ("n"."nspname" !~ $2) AND ("n"."nspname" <> $3) AND (c.relkind in ('r', 'p', 'v', 'f', 'm'))) AND ("n"."nspname"
IN ($4)) AND ("c"."relname" IN ($5)) ORDER BY "type" ASC, "schema" ASC, "name" ASC

-- rights
-- = NULL|public|readings|f|t|f|f
with table_privileges as ( select NULL as role, t.schemaname as schema, t.objectname as table, pg_catalog.has_any_column_privilege(current_user, '"'
|| replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"', 'update') as update,
pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') ||
'"', 'select') as select, pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' ||
replace(t.objectname, '"', '""') || '"', 'insert') as insert, pg_catalog.has_table_privilege( current_user, '"' || replace(t.schemaname, '"', '""') ||
'"' || '.' || '"' || replace(t.objectname, '"', '""') || '"', 'delete') as delete from ( select schemaname, tablename as objectname from
pg_catalog.pg_tables union select schemaname, viewname as objectname from pg_catalog.pg_views union select schemaname, matviewname as objectname from
pg_catalog.pg_matviews ) t where t.schemaname !~ '^pg_' and t.schemaname <> 'information_schema' and pg_catalog.has_schema_privilege(current_user,
t.schemaname, 'usage') ) select t.* from table_privileges t where t.table = 'readings'

-- columns
-- $ public
-- $ readings
-- $ public
-- $ readings
-- = stream_id|int4|0|public|readings|f|NULL|t|f
-- = ts|timestamptz|1|public|readings|f|NULL|t|f
-- = value|float8|2|public|readings|f|NULL|f|f
-- = text|text|3|public|readings|f|NULL|f|f
-- = quality|text|4|public|readings|f|NULL|t|f
-- = seq|int8|5|public|readings|f|NULL|t|f
SELECT "c"."column_name" AS "name", CASE WHEN "c"."udt_schema" IN ('public', 'pg_catalog') THEN FORMAT('%s', "c"."udt_name") ELSE FORMAT('"%s"."%s"',
"c"."udt_schema", "c"."udt_name") END AS "database-type", "c"."ordinal_position" - 1 AS "database-position", "c"."table_schema" AS "table-schema",
"c"."table_name" AS "table-name", "pk"."column_name" IS NOT NULL AS "pk?", COL_DESCRIPTION(CAST(CAST(FORMAT('%I.%I', CAST("c"."table_schema" AS TEXT),
CAST("c"."table_name" AS TEXT)) AS REGCLASS) AS OID), "c"."ordinal_position") AS "field-comment", (("column_default" IS NULL) OR
(LOWER("column_default") = 'null')) AND ("is_nullable" = 'NO') AND NOT ((("column_default" IS NOT NULL) AND ("column_default" LIKE '%nextval(%')) OR
("is_identity" <> 'NO')) AS "database-required", (("column_default" IS NOT NULL) AND ("column_default" LIKE '%nextval(%')) OR ("is_identity" <> 'NO')
AS "database-is-auto-increment" FROM "information_schema"."columns" AS "c" LEFT JOIN (SELECT "tc"."table_schema", "tc"."table_name",
"kc"."column_name" FROM "information_schema"."table_constraints" AS "tc" INNER JOIN "information_schema"."key_column_usage" AS "kc" ON
("tc"."constraint_name" = "kc"."constraint_name") AND ("tc"."table_schema" = "kc"."table_schema") AND ("tc"."table_name" = "kc"."table_name") WHERE
"tc"."constraint_type" = 'PRIMARY KEY') AS "pk" ON ("c"."table_schema" = "pk"."table_schema") AND ("c"."table_name" = "pk"."table_name") AND
("c"."column_name" = "pk"."column_name") WHERE (c.table_schema !~ '^information_schema|catalog_history|pg_') AND ("c"."table_schema" IN ($1)) AND
("c"."table_name" IN ($2)) UNION ALL SELECT "pa"."attname" AS "name", CASE WHEN "ptn"."nspname" IN ('public', 'pg_catalog') THEN FORMAT('%s',
"pt"."typname") ELSE FORMAT('"%s"."%s"', "ptn"."nspname", "pt"."typname") END AS "database-type", "pa"."attnum" - 1 AS "database-position",
"pn"."nspname" AS "table-schema", "pc"."relname" AS "table-name", FALSE AS "pk?", NULL AS "field-comment", FALSE AS "database-required", FALSE AS
"database-is-auto-increment" FROM "pg_catalog"."pg_class" AS "pc" INNER JOIN "pg_catalog"."pg_namespace" AS "pn" ON "pn"."oid" = "pc"."relnamespace"
INNER JOIN "pg_catalog"."pg_attribute" AS "pa" ON "pa"."attrelid" = "pc"."oid" INNER JOIN "pg_catalog"."pg_type" AS "pt" ON "pt"."oid" =
"pa"."atttypid" INNER JOIN "pg_catalog"."pg_namespace" AS "ptn" ON "ptn"."oid" = "pt"."typnamespace" WHERE ("pc"."relkind" = 'm') AND ("pa"."attnum"
>= 1) AND ("pn"."nspname" IN ($3)) AND ("pc"."relname" IN ($4)) ORDER BY "table-schema" ASC, "table-name" ASC, "database-position" ASC

-- types of enumerations
-- rows 0
SELECT nspname, typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid IN (SELECT DISTINCT enumtypid FROM pg_enum e)

-- foreign keys
-- $ public
-- rows 0
SELECT "fk_ns"."nspname" AS "fk-table-schema", "fk_table"."relname" AS "fk-table-name", "fk_column"."attname" AS "fk-column-name", "pk_ns"."nspname"
AS "pk-table-schema", "pk_table"."relname" AS "pk-table-name", "pk_column"."attname" AS "pk-column-name" FROM "pg_constraint" AS "c" INNER JOIN
"pg_class" AS "fk_table" ON "c"."conrelid" = "fk_table"."oid" INNER JOIN "pg_namespace" AS "fk_ns" ON "c"."connamespace" = "fk_ns"."oid" INNER JOIN
"pg_attribute" AS "fk_column" ON "c"."conrelid" = "fk_column"."attrelid" INNER JOIN "pg_class" AS "pk_table" ON "c"."confrelid" = "pk_table"."oid"
INNER JOIN "pg_namespace" AS "pk_ns" ON "pk_table"."relnamespace" = "pk_ns"."oid" INNER JOIN "pg_attribute" AS "pk_column" ON "c"."confrelid" =
"pk_column"."attrelid" WHERE (fk_ns.nspname !~ '^information_schema|catalog_history|pg_') AND ("c"."contype" = 'f'::char) AND ("fk_column"."attnum" =
ANY(c.conkey)) AND ("pk_column"."attnum" = ANY(c.confkey)) AND ("fk_ns"."nspname" IN ($1)) ORDER BY "fk-table-schema" ASC, "fk-table-name" ASC

-- indexes
-- $ public
-- rows 0
SELECT "tmp"."table-schema", "tmp"."table-name", TRIM(BOTH '"' FROM PG_CATALOG.PG_GET_INDEXDEF("tmp"."ci_oid", "tmp"."pos", FALSE)) AS "field-name"
FROM (SELECT "n"."nspname" AS "table-schema", "ct"."relname" AS "table-name", "ci"."oid" AS "ci_oid",
(INFORMATION_SCHEMA._PG_EXPANDARRAY("i"."indkey")).n AS "pos" FROM "pg_catalog"."pg_class" AS "ct" INNER JOIN "pg_catalog"."pg_namespace" AS "n" ON
"ct"."relnamespace" = "n"."oid" INNER JOIN "pg_catalog"."pg_index" AS "i" ON "ct"."oid" = "i"."indrelid" INNER JOIN "pg_catalog"."pg_class" AS "ci" ON
"ci"."oid" = "i"."indexrelid" WHERE (PG_CATALOG.PG_GET_EXPR("i"."indpred", "i"."indrelid") IS NULL) AND (n.nspname !~
'^information_schema|catalog_history|pg_') AND ("n"."nspname" IN ($1))) AS "tmp" WHERE "tmp"."pos" = 1

-- whether a table may be read
-- rows 0
SELECT TRUE AS "_" FROM "public"."readings" WHERE 1 <> 1 LIMIT 0

-- sample for fingerprints
-- rows 120
 -- Metabase
SELECT "source"."ts" AS "ts", "source"."value" AS "value", "source"."substring1" AS "substring1" FROM (SELECT "public"."readings"."ts" AS "ts",
"public"."readings"."value" AS "value", SUBSTRING("public"."readings"."text", 1, 1234) AS "substring1" FROM "public"."readings" WHERE
"public"."readings"."stream_id" = 1 LIMIT 10000) AS "source" LIMIT 10000

-- values of a field
-- = hidden
-- = speed
-- = state
SELECT "public"."streams"."name" AS "name" FROM "public"."streams" GROUP BY "public"."streams"."name" ORDER BY "public"."streams"."name" ASC LIMIT
1000

-- search for values
-- $ %sp%
-- = speed
SELECT "public"."streams"."name" AS "name" FROM "public"."streams" WHERE (LOWER("public"."streams"."name") LIKE $1) GROUP BY "public"."streams"."name"
ORDER BY "public"."streams"."name" ASC LIMIT 100

-- by hour, with times as parameters
-- $ 2026-04-28 00:00:00+00
-- $ 2026-04-29 00:00:00+00
-- = 2026-04-28 10:00:00+00|60|60|3.6875|3.6875
-- = 2026-04-28 11:00:00+00|60|60|11.1875|11.1875
SELECT DATE_TRUNC('hour', "public"."readings"."ts") AS "ts", COUNT(*) AS "count", COUNT(DISTINCT "public"."readings"."value") AS "count_2",
AVG("public"."readings"."value") AS "avg", PERCENTILE_CONT(0.5) within group (order by "public"."readings"."value") AS "median" FROM
"public"."readings" WHERE ("public"."readings"."stream_id" = 1) AND ("public"."readings"."ts" >= $1) AND ("public"."readings"."ts" < $2) GROUP BY
DATE_TRUNC('hour', "public"."readings"."ts") ORDER BY DATE_TRUNC('hour', "public"."readings"."ts") ASC

-- by day, of the previous days
-- rows 0
SELECT CAST("public"."readings"."ts" AS date) AS "ts", SUM("public"."readings"."value") AS "sum" FROM "public"."readings" WHERE
("public"."readings"."ts" >= CAST((NOW() + INTERVAL '-7 day') AS date)) AND ("public"."readings"."ts" < CAST(NOW() AS date)) AND
("public"."readings"."stream_id" = 99) GROUP BY CAST("public"."readings"."ts" AS date) ORDER BY CAST("public"."readings"."ts" AS date) ASC

-- by week from sunday
-- = 2026-04-26 00:00:00+00|120
SELECT (DATE_TRUNC('week', ("public"."readings"."ts" + INTERVAL '1 day')) + INTERVAL '-1 day') AS "ts", COUNT(*) AS "count" FROM "public"."readings"
WHERE "public"."readings"."stream_id" = 1 GROUP BY (DATE_TRUNC('week', ("public"."readings"."ts" + INTERVAL '1 day')) + INTERVAL '-1 day') ORDER BY
(DATE_TRUNC('week', ("public"."readings"."ts" + INTERVAL '1 day')) + INTERVAL '-1 day') ASC

-- by week, month, quarter and year
-- = 2026-04-27 00:00:00+00|2026-04-01 00:00:00+00|2026-04-01 00:00:00+00|2026-01-01 00:00:00+00|120
SELECT DATE_TRUNC('week', "public"."readings"."ts") AS "ts", DATE_TRUNC('month', "public"."readings"."ts") AS "ts_2", DATE_TRUNC('quarter',
"public"."readings"."ts") AS "ts_3", DATE_TRUNC('year', "public"."readings"."ts") AS "ts_4", COUNT(*) AS "count" FROM "public"."readings" WHERE
"public"."readings"."stream_id" = 1 GROUP BY DATE_TRUNC('week', "public"."readings"."ts"), DATE_TRUNC('month', "public"."readings"."ts"),
DATE_TRUNC('quarter', "public"."readings"."ts"), DATE_TRUNC('year', "public"."readings"."ts") ORDER BY DATE_TRUNC('week', "public"."readings"."ts")
ASC, DATE_TRUNC('month', "public"."readings"."ts") ASC

-- by hour of the day
-- = 10|60
-- = 11|60
SELECT CAST(extract(hour from "public"."readings"."ts") AS integer) AS "ts", COUNT(*) AS "count" FROM "public"."readings" WHERE
"public"."readings"."stream_id" = 1 GROUP BY CAST(extract(hour from "public"."readings"."ts") AS integer) ORDER BY CAST(extract(hour from
"public"."readings"."ts") AS integer) ASC

-- by day of the week
-- = 2|3|118|18|4|120
SELECT CASE WHEN ((CAST(extract(dow from "public"."readings"."ts") AS integer) + 1) + 6) % 7 = 0 THEN 7 ELSE ((CAST(extract(dow from
"public"."readings"."ts") AS integer) + 1) + 6) % 7 END AS "ts", CAST(extract(dow from "public"."readings"."ts") AS integer) + 1 AS "ts_2",
CAST(extract(doy from "public"."readings"."ts") AS integer) AS "ts_3", CAST(extract(week from "public"."readings"."ts") AS integer) AS "ts_4",
CAST(extract(month from "public"."readings"."ts") AS integer) AS "ts_5", COUNT(*) AS "count" FROM "public"."readings" WHERE
"public"."readings"."stream_id" = 1 GROUP BY 1, 2, 3, 4, 5

-- bins of values
-- = 0|40
-- = 5|40
-- = 10|40
SELECT FLOOR((("public"."readings"."value" - 0.0) / 5.0)) * 5.0 + 0.0 AS "value", COUNT(*) AS "count" FROM "public"."readings" WHERE
"public"."readings"."stream_id" = 1 GROUP BY FLOOR((("public"."readings"."value" - 0.0) / 5.0)) * 5.0 + 0.0 ORDER BY
FLOOR((("public"."readings"."value" - 0.0) / 5.0)) * 5.0 + 0.0 ASC

-- join and limit
-- = 2026-04-28 10:00:00.25+00|0|speed
SELECT "public"."readings"."ts" AS "ts", "public"."readings"."value" AS "value", "Streams"."name" AS "Streams__name" FROM "public"."readings" LEFT
JOIN "public"."streams" AS "Streams" ON "public"."readings"."stream_id" = "Streams"."id" WHERE "Streams"."name" = 'speed' ORDER BY
"public"."readings"."ts" ASC LIMIT 1

-- running totals and other aggregates
-- = 2026-04-28 10:00:00+00|221.25|2.16|0.75
-- = 2026-04-28 11:00:00+00|892.5|2.16|1
SELECT DATE_TRUNC('hour', "public"."readings"."ts") AS "ts", SUM(SUM("public"."readings"."value")) OVER (ORDER BY DATE_TRUNC('hour',
"public"."readings"."ts") ASC ROWS UNBOUNDED PRECEDING) AS "sum", ROUND(CAST(STDDEV_POP("public"."readings"."value") AS numeric), 2) AS "stddev",
CAST(SUM(CASE WHEN "public"."readings"."value" > 1.75 THEN 1 ELSE 0.0 END) / NULLIF(COUNT(*), 0) AS double precision) AS "share" FROM
"public"."readings" WHERE "public"."readings"."stream_id" = 1 GROUP BY DATE_TRUNC('hour', "public"."readings"."ts") ORDER BY DATE_TRUNC('hour',
"public"."readings"."ts") ASC

-- question over a native one
-- = 120
SELECT COUNT(*) AS "count" FROM (select * from readings where stream_id = 1) AS "source"

-- native question with its comment
-- = 1
 -- Metabase:: userID: 1 queryType: native queryHash: 0f3e
SELECT min(stream_id) FROM readings

-- another time zone
-- = 2026-04-28 19:00:00.25
SELECT TIMEZONE('Asia/Tokyo', "public"."readings"."ts") AS "Tokyo" FROM "public"."readings" WHERE "public"."readings"."stream_id" = 1 ORDER BY
"public"."readings"."ts" ASC LIMIT 1
