-- login
SET extra_float_digits = 3

-- name of the program
SET application_name = 'DBeaver 24.2.3 - Main <basalt>'

-- database of the connection
-- = basalt
SELECT current_database()

-- databases
-- $ basalt
-- rows 1
SELECT db.oid,db.* FROM pg_catalog.pg_database db WHERE datname=$1

-- list of databases
-- $ basalt
-- rows 1
SELECT db.oid,db.* FROM pg_catalog.pg_database db WHERE 1 = 1 AND datallowconn AND NOT datistemplate OR db.datname =$1 ORDER BY db.datname

-- schema and user
-- = public|postgres
SELECT current_schema(),session_user

-- search path
-- = public
SHOW search_path

-- version
-- rows 1
SELECT version()

-- whether there are enumerations
-- rows 0
SELECT * FROM pg_catalog.pg_enum WHERE 1<>1 LIMIT 1

-- whether tables have types
-- rows 0
SELECT reltype FROM pg_catalog.pg_class WHERE 1<>1 LIMIT 1

-- whether types have categories
-- rows 0
SELECT typcategory FROM pg_catalog.pg_type WHERE 1<>1 LIMIT 1

-- a setting
-- $ standard_conforming_strings
-- = standard_conforming_strings|on
select * from pg_catalog.pg_settings where name=$1

-- description of the database
-- $ basalt
-- rows 0
select description from pg_shdescription join pg_database on objoid = pg_database.oid where datname = $1

-- schemas
-- rows 3
SELECT n.oid,n.*,d.description FROM pg_catalog.pg_namespace n LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=n.oid AND d.objsubid=0 AND
d.classoid='pg_namespace'::regclass ORDER BY nspname

-- types
-- = 16|16|bool|11|10|1|t|b|B
-- = 1184|1184|timestamptz|11|10|8|t|b|D
SELECT t.oid,t.*,c.relkind,format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name, d.description FROM pg_catalog.pg_type t LEFT OUTER
JOIN pg_catalog.pg_type et ON et.oid=t.typelem LEFT OUTER JOIN pg_catalog.pg_class c ON c.oid=t.typrelid LEFT OUTER JOIN pg_catalog.pg_description d
ON t.oid=d.objoid WHERE t.typname IS NOT NULL AND (c.relkind IS NULL OR c.relkind = 'c') AND (et.typcategory IS NULL OR et.typcategory <> 'C') AND
t.oid IN (16, 1184)

-- enumerations
-- rows 0
SELECT * FROM pg_catalog.pg_enum

-- roles
-- rows 1
SELECT a.oid,a.*,pd.description FROM pg_catalog.pg_roles a left join pg_catalog.pg_shdescription pd on a.oid = pd.objoid ORDER BY a.rolname

-- access methods
-- = 2|2|heap|heap_tableam_handler|t
SELECT am.oid,am.* FROM pg_catalog.pg_am am WHERE am.oid = 2 ORDER BY am.oid

-- collations
-- = 950|950|C|11|10|c|t|-1
SELECT c.oid,c.* FROM pg_catalog.pg_collation c WHERE c.oid = 950 ORDER BY c.oid

-- languages
-- = 14|14|sql|10|f|t
SELECT l.oid,l.* FROM pg_catalog.pg_language l WHERE l.oid = 14 ORDER BY l.oid

-- tablespaces
-- = 1663|1663|pg_default|10
-- = 1664|1664|pg_global|10
SELECT t.oid,t.*,pg_tablespace_location(t.oid) loc FROM pg_catalog.pg_tablespace t ORDER BY t.oid

-- extensions that could be
-- rows 0
SELECT name,default_version,installed_version,comment FROM pg_catalog.pg_available_extensions ORDER BY name

-- extensions
-- = 13633|NULL|pg_catalog|13633|plpgsql
SELECT e.oid, cfg.tbls, n.nspname as schema_name, e.* FROM pg_catalog.pg_extension e join pg_namespace n on n.oid =e.extnamespace left join ( select
ARRAY_AGG(ns.nspname || '.' || cls.relname) tbls, oid_ext from ( select unnest(e1.extconfig) oid , e1.oid oid_ext from pg_catalog.pg_extension e1 ) c
join pg_class cls on cls.oid = c.oid join pg_namespace ns on ns.oid = cls.relnamespace group by oid_ext ) cfg on cfg.oid_ext = e.oid ORDER BY e.oid

-- event triggers
-- rows 0
SELECT pet.*, d.description FROM pg_catalog.pg_event_trigger pet LEFT OUTER JOIN pg_catalog.pg_description d ON pet."oid" = d.objoid

-- size of the database
-- $= SELECT oid FROM pg_catalog.pg_database WHERE datname = 'basalt'
-- = basalt|NULL
SELECT db.datname,pg_database_size(db.oid) FROM pg_catalog.pg_database db WHERE db.oid=$1

-- tables
-- $= SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'public'
-- rows 27
SELECT c.oid,c.*,d.description,pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr, pg_catalog.pg_get_partkeydef(c.oid) as partition_key
FROM pg_catalog.pg_class c LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_class'::regclass WHERE
c.relnamespace=$1 AND c.relkind not in ('i','I','c')

-- columns of a table
-- $= SELECT oid FROM pg_catalog.pg_class WHERE relname = 'readings'
-- rows 6
SELECT c.relname,a.*,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,dsc.description,dep.objid FROM pg_catalog.pg_attribute a INNER
JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid) LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum) LEFT
OUTER JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid) LEFT OUTER JOIN pg_depend dep on dep.refobjid = a.attrelid
AND dep.deptype = 'i' and dep.refobjsubid = a.attnum and dep.classid = dep.refclassid WHERE NOT a.attisdropped AND c.relkind not in ('i','I','c') AND
c.oid=$1 ORDER BY a.attnum

-- constraints of a schema
-- $= SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'public'
-- rows 0
SELECT c.oid,c.*,t.relname as tabrelname,rt.relnamespace as refnamespace,d.description, case when c.contype='c' then
"substring"(pg_get_constraintdef(c.oid), 7) else null end consrc_copy FROM pg_catalog.pg_constraint c INNER JOIN pg_catalog.pg_class t ON
t.oid=c.conrelid LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid=c.confrelid LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND
d.objsubid=0 AND d.classoid='pg_constraint'::regclass WHERE t.relnamespace=$1 ORDER BY c.oid

-- indexes of a table
-- $= SELECT oid FROM pg_catalog.pg_class WHERE relname = 'readings'
-- rows 0
SELECT i.*,i.indkey as keys,c.relname,c.relnamespace,c.relam,c.reltablespace,tc.relname as
tabrelname,dsc.description,pg_catalog.pg_get_expr(i.indpred, i.indrelid) as pred_expr,pg_catalog.pg_get_expr(i.indexprs, i.indrelid, true) as
expr,pg_catalog.pg_relation_size(i.indexrelid) as index_rel_size,pg_catalog.pg_stat_get_numscans(i.indexrelid) as index_num_scans FROM
pg_catalog.pg_index i INNER JOIN pg_catalog.pg_class c ON c.oid=i.indexrelid INNER JOIN pg_catalog.pg_class tc ON tc.oid=i.indrelid LEFT OUTER JOIN
pg_catalog.pg_description dsc ON i.indexrelid=dsc.objoid WHERE i.indrelid=$1 ORDER BY c.relname

-- sizes of tables
-- $= SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'public'
-- rows 27
select c.oid,pg_catalog.pg_total_relation_size(c.oid) as total_rel_size,pg_catalog.pg_relation_size(c.oid) as rel_size FROM pg_class c WHERE
c.relnamespace=$1

-- size of a table
-- $= SELECT oid FROM pg_catalog.pg_class WHERE relname = 'readings'
-- $= SELECT oid FROM pg_catalog.pg_class WHERE relname = 'readings'
-- = NULL|NULL
select pg_catalog.pg_total_relation_size($1) as total_rel_size,pg_catalog.pg_relation_size($2) as rel_size

-- rules of a table
-- rows 0
SELECT r.oid,r.*, pg_get_ruledef(r.oid) AS definition FROM pg_rewrite r WHERE r.ev_class=16385 AND r.rulename <> '_RETURN'::name

-- policies of a table
-- $ public
-- $ readings
-- rows 0
SELECT * FROM pg_catalog.pg_policies WHERE schemaname=$1 AND tablename=$2

-- text of a view
-- = NULL
SELECT pg_get_viewdef(16386, true)

-- aggregates of a schema
-- $= SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'public'
-- rows 0
SELECT p.oid AS proc_oid,p.proname AS proc_name,a.* FROM pg_catalog.pg_aggregate a,pg_catalog.pg_proc p WHERE p.oid=a.aggfnoid AND p.pronamespace=$1
ORDER BY p.proname

-- sessions
-- rows 0
SELECT sa.* FROM pg_catalog.pg_stat_activity sa

-- rights of a role to other objects
-- $= SELECT oid FROM pg_catalog.pg_roles
-- rows 0
SELECT * FROM ( SELECT DISTINCT relnamespace, relacl, relname, relkind, (aclexplode(relacl)).grantee as granteeI FROM pg_class WHERE relacl IS NOT
NULL AND relnamespace IN ( SELECT oid FROM pg_namespace WHERE nspname NOT LIKE 'pg_%' AND nspname != 'information_schema') UNION ALL SELECT DISTINCT
n.oid AS relnamespace, nspacl AS relacl, n.nspname AS relname, cast('C' as "char") AS relkind, (aclexplode(nspacl)).grantee as granteeI FROM
pg_namespace n WHERE n.nspacl IS NOT NULL ) AS tr WHERE tr.granteeI=$1 AND tr.relkind IN('S', 'm', 'C')

-- a type by its name, for the driver
-- $ 2950
-- = t|pg_catalog|uuid
SELECT n.nspname = ANY(current_schemas(true)), n.nspname, t.typname FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON t.typnamespace = n.oid
WHERE t.oid = $1

-- keywords, for the driver
-- rows 1
select string_agg(word, ',') from pg_catalog.pg_get_keywords() where word <> ALL ('{a,abs,absolute}'::text[])

-- rows of a table
-- rows 6
SELECT x.* FROM public.readings x WHERE value < 0.75 AND stream_id = 1 ORDER BY x.ts DESC

-- number of rows of a table
-- = 360
SELECT count(*) AS total FROM public.readings

-- groups
-- = 1|120
SELECT stream_id,COUNT(*) FROM ( select * from readings where stream_id = 1 ) dbvrcnt GROUP BY stream_id ORDER BY COUNT(*) DESC

-- row count of a statement
-- = 120
SELECT COUNT(*) FROM ( select * from readings where stream_id = 1 ) dbvrcnt
