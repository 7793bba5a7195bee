-- tables
-- = streams
SELECT pg_catalog.quote_ident(c.relname) AS "TABLE_NAME", d.description AS "REMARKS", pg_catalog.quote_ident(t.spcname) AS "pg_tablespace_name",
pg_catalog.quote_ident(pg_catalog.pg_tablespace_location(t.oid)) AS "pg_tablespace_location" FROM pg_catalog.pg_class AS c LEFT JOIN
pg_catalog.pg_description AS d ON (c.oid = d.objoid AND c.tableoid = d.classoid AND d.objsubid = 0) LEFT JOIN pg_catalog.pg_namespace n ON (n.oid =
c.relnamespace) LEFT JOIN pg_catalog.pg_tablespace t ON (t.oid = c.reltablespace) WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT
(pg_catalog.quote_ident(n.nspname) ~ '^pg_(toast_)?temp_' AND NOT pg_catalog.has_schema_privilege(n.nspname, 'USAGE')) AND n.nspname = 'public' AND
c.relname = 'streams'

-- columns of a table
-- = public|readings|ts|0|NULL|timestamp with time zone
SELECT n.nspname, c.relname, a.attname, CASE a.attnotnull WHEN 't' THEN 0 ELSE 1 END AS "NULLABLE", pg_catalog.col_description(a.attrelid, a.attnum)
AS "REMARKS", pg_catalog.format_type(a.atttypid, a.atttypmod) AS "pg_type" FROM pg_catalog.pg_type t JOIN pg_catalog.pg_attribute a ON (t.oid =
a.atttypid) JOIN pg_catalog.pg_class c ON (a.attrelid = c.oid) LEFT JOIN pg_catalog.pg_attrdef af ON (a.attnum = af.adnum AND a.attrelid = af.adrelid)
JOIN pg_catalog.pg_namespace n ON (n.oid = c.relnamespace) WHERE a.attnum >= 0 AND c.relkind IN ('r','p','v','m','f') AND n.nspname = 'public' AND
c.relname = 'readings' AND a.attname = 'ts' ORDER BY 1, 2, a.attnum

-- the primary key of a table
-- rows 0
SELECT c.oid, pg_catalog.quote_ident(n.nspname), pg_catalog.quote_ident(c.relname), pg_catalog.quote_ident(c2.relname), i.indkey,
pg_catalog.quote_ident(t.spcname), pg_catalog.quote_ident(pg_catalog.pg_tablespace_location(t.oid)), n.nspname, c.relname, c2.relname,
pg_catalog.quote_ident(pg_catalog.current_database()) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON (i.indrelid = c.oid) JOIN
pg_catalog.pg_class c2 ON (c2.oid = i.indexrelid) LEFT JOIN pg_catalog.pg_namespace n ON (n.oid = c.relnamespace) LEFT JOIN
pg_catalog.pg_tablespace t ON (t.oid = c.reltablespace) WHERE i.indisprimary IS TRUE AND n.nspname = 'public' AND c.relname = 'readings'
