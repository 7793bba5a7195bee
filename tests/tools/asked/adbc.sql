-- types
-- = 16|bool|boolrecv|0|0|1000
SELECT oid, typname, typreceive, typbasetype, typrelid, typarray FROM pg_catalog.pg_type WHERE (typreceive != 0 OR typsend != 0) AND typtype != 'r'
AND typreceive::TEXT != 'array_recv' AND oid IN (16, 1007)

-- columns of composite types
-- rows 1
SELECT attrelid, attname, atttypid FROM pg_catalog.pg_attribute ORDER BY attrelid, attnum LIMIT 1

-- columns of a table
-- = id|23
SELECT attname, atttypid FROM pg_catalog.pg_class AS cls INNER JOIN pg_catalog.pg_attribute AS attr ON cls.oid = attr.attrelid INNER JOIN
pg_catalog.pg_type AS typ ON attr.atttypid = typ.oid WHERE attr.attnum >= 0 AND cls.oid = 'streams'::regclass::oid ORDER BY attr.attnum LIMIT 1
