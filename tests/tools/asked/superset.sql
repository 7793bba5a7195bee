-- types of a login
-- rows 0
SELECT t.oid, typarray FROM pg_type t JOIN pg_namespace ns ON typnamespace = ns.oid WHERE typname = 'hstore';

-- version
-- rows 1
select pg_catalog.version()

-- schema
-- = public
select current_schema()

-- isolation
-- = read committed
show transaction isolation level

-- strings
-- = on
show standard_conforming_strings

-- catalogs
-- = basalt
SELECT datname FROM pg_database WHERE datistemplate = false;

-- schemas
-- = information_schema
-- = public
SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg_%' ORDER BY nspname

-- tables
-- rows 22
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind in ('r', 'p')

-- views
-- rows 5
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind IN ('v', 'm')

-- text of a view
-- = NULL
SELECT pg_get_viewdef(c.oid) view_def FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relname =
'core_value' AND c.relkind IN ('v', 'm')

-- whether a table is there
-- = readings
select relname from pg_class c join pg_namespace n on n.oid=c.relnamespace where n.nspname='public' and relname='readings'

-- number of a table
-- rows 1
SELECT c.oid FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE (n.nspname = 'public') AND c.relname =
'readings' AND c.relkind in ('r', 'v', 'm', 'f', 'p')

-- columns of a table
-- $= SELECT oid FROM pg_catalog.pg_class WHERE relname = 'readings'
-- = stream_id|integer|NULL|t
-- = ts|timestamp with time zone|NULL|t
-- = value|double precision|NULL|f
-- = text|text|NULL|f
-- = quality|text|NULL|t
-- = seq|bigint|NULL|t
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), ( SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d
WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef ) AS DEFAULT, a.attnotnull, a.attrelid as table_oid, pgd.description as comment,
a.attgenerated as generated, (SELECT json_build_object( 'always', a.attidentity = 'a', 'start', s.seqstart, 'increment', s.seqincrement, 'minvalue',
s.seqmin, 'maxvalue', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle) FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c on s.seqrelid =
c."oid" WHERE c.relkind = 'S' AND a.attidentity != '' AND s.seqrelid = pg_catalog.pg_get_serial_sequence( a.attrelid::regclass::text, a.attname
)::regclass::oid ) as identity_options FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_description pgd ON ( pgd.objoid = a.attrelid AND
pgd.objsubid = a.attnum) WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum

-- domains
-- rows 5
SELECT t.typname as "name", pg_catalog.format_type(t.typbasetype, t.typtypmod) as "attype", not t.typnotnull as "nullable", t.typdefault as "default",
pg_catalog.pg_type_is_visible(t.oid) as "visible", n.nspname as "schema" FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_namespace n ON n.oid =
t.typnamespace WHERE t.typtype = 'd'

-- enumerations
-- rows 0
SELECT t.typname as "name",
 -- no enum defaults in 8.4 at least
 -- t.typdefault as "default",
pg_catalog.pg_type_is_visible(t.oid) as "visible", n.nspname as "schema", e.enumlabel as "label" FROM pg_catalog.pg_type t LEFT JOIN
pg_catalog.pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_catalog.pg_enum e ON t.oid = e.enumtypid WHERE t.typtype = 'e' AND n.nspname =
'public' ORDER BY "schema", "name", e.oid

-- columns of the primary key
-- $= SELECT oid FROM pg_catalog.pg_class WHERE relname = 'readings'
-- rows 0
SELECT a.attname FROM pg_attribute a JOIN ( SELECT unnest(ix.indkey) attnum, generate_subscripts(ix.indkey, 1) ord FROM pg_index ix WHERE ix.indrelid
= $1 AND ix.indisprimary ) k ON a.attnum=k.attnum WHERE a.attrelid = $1 ORDER BY k.ord

-- foreign keys
-- $= SELECT oid FROM pg_catalog.pg_class WHERE relname = 'readings'
-- rows 0
SELECT r.conname, pg_catalog.pg_get_constraintdef(r.oid, true) as condef, n.nspname as conschema FROM pg_catalog.pg_constraint r, pg_namespace n,
pg_class c WHERE r.conrelid = $1 AND r.contype = 'f' AND c.oid = confrelid AND n.oid = c.relnamespace ORDER BY 1

-- indexes
-- $= SELECT oid FROM pg_catalog.pg_class WHERE relname = 'readings'
-- rows 0
SELECT i.relname as relname, ix.indisunique, ix.indexprs, a.attname, a.attnum, c.conrelid, ix.indkey::varchar, ix.indoption::varchar, i.reloptions,
am.amname, pg_get_expr(ix.indpred, ix.indrelid), ix.indnkeyatts as indnkeyatts FROM pg_class t join pg_index ix on t.oid = ix.indrelid join pg_class i
on i.oid = ix.indexrelid left outer join pg_attribute a on t.oid = a.attrelid and a.attnum = ANY(ix.indkey) left outer join pg_constraint c on
(ix.indrelid = c.conrelid and ix.indexrelid = c.conindid and c.contype in ('p', 'u', 'x')) left outer join pg_am am on i.relam = am.oid WHERE
t.relkind IN ('r', 'v', 'f', 'm', 'p') and t.oid = $1 and ix.indisprimary = 'f' ORDER BY t.relname, i.relname

-- unique constraints
-- $= SELECT oid FROM pg_catalog.pg_class WHERE relname = 'readings'
-- rows 0
SELECT cons.conname as name, cons.conkey as key, a.attnum as col_num, a.attname as col_name FROM pg_catalog.pg_constraint cons join pg_attribute a on
cons.conrelid = a.attrelid AND a.attnum = ANY(cons.conkey) WHERE cons.conrelid = $1 AND cons.contype = 'u'

-- before the statement of a user
-- rows 0
set search_path = "public"

-- connection, to cancel a statement
-- rows 1
SELECT pg_backend_pid()

-- first rows of a table
-- rows 101
SELECT stream_id, ts, value, text, quality, seq FROM public.readings LIMIT 101

-- statement of a user with a limit
-- rows 5
SELECT * FROM readings WHERE stream_id = 1 LIMIT 5

-- mean by day
-- = 2026-04-28 00:00:00+00|7.4375
SELECT DATE_TRUNC('day', ts) AS ts, AVG(value) AS "AVG(value)" FROM public.readings WHERE ts >= TO_TIMESTAMP('2026-04-01 00:00:00.000000',
'YYYY-MM-DD HH24:MI:SS.US') AND ts < TO_TIMESTAMP('2026-05-01 00:00:00.000000', 'YYYY-MM-DD HH24:MI:SS.US') AND stream_id IN (1) GROUP BY
DATE_TRUNC('day', ts) ORDER BY "AVG(value)" DESC LIMIT 50000

-- grains of five seconds and minutes
-- = 2026-04-28 10:00:00+00|2026-04-28 10:00:00+00|2026-04-28 10:00:00+00|1
SELECT DATE_TRUNC('minute', ts) + INTERVAL '5 seconds' * FLOOR(EXTRACT(SECOND FROM ts) / 5) AS a, DATE_TRUNC('hour', ts) + INTERVAL '5 minutes' *
FLOOR(EXTRACT(MINUTE FROM ts) / 5) AS b, DATE_TRUNC('hour', ts) + INTERVAL '15 minutes' * FLOOR(EXTRACT(MINUTE FROM ts) / 15) AS c, count(*) AS count
FROM public.readings WHERE stream_id = 1 AND value < 0.625 GROUP BY 1, 2, 3 ORDER BY 1 LIMIT 1

-- most of some series
-- = speed|2026-04-28 00:00:00+00|7.4375
SELECT name AS name, DATE_TRUNC('day', ts) AS ts, AVG(value) AS "AVG(value)" FROM (SELECT r.ts, r.value, s.name FROM readings r JOIN streams s ON s.id
= r.stream_id ) AS virtual_table JOIN (SELECT name AS name__, AVG(value) AS mme_inner__ FROM (SELECT r.ts, r.value, s.name FROM readings r JOIN
streams s ON s.id = r.stream_id ) AS virtual_table WHERE ts >= TO_TIMESTAMP('2026-04-01 00:00:00.000000', 'YYYY-MM-DD HH24:MI:SS.US') AND value IS NOT
NULL GROUP BY name ORDER BY mme_inner__ DESC LIMIT 1) AS anon_1 ON name = name__ WHERE ts >= TO_TIMESTAMP('2026-04-01 00:00:00.000000',
'YYYY-MM-DD HH24:MI:SS.US') GROUP BY name, DATE_TRUNC('day', ts) ORDER BY "AVG(value)" DESC LIMIT 10000

-- values of a filter
-- = hidden
-- = speed
-- = state
SELECT name AS name FROM public.streams GROUP BY name ORDER BY name ASC LIMIT 1000

-- epoch as a time
-- = 2026-04-28 10:00:00
SELECT (timestamp 'epoch' + e * interval '1 second') AS t FROM (SELECT 1777370400 AS e) AS virtual_table

-- columns of a virtual dataset
-- rows 1
SELECT * FROM readings LIMIT 1
