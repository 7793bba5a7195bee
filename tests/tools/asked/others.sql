-- names of types and tables
-- = timestamp with time zone|integer|streams|boolin
SELECT 1184::regtype::text, 'int4'::regtype, 'streams'::regclass::text, 'boolin'::regproc

-- statements that run
-- = 0
SELECT count(*) FROM pg_stat_activity WHERE state = 'active'

-- types of columns by their names
-- = timestamptz
SELECT udt_name FROM information_schema.columns WHERE table_name = 'readings' AND column_name = 'ts'

-- rights to a table
-- = postgres|postgres|basalt|public|readings|SELECT|NO|YES
SELECT * FROM information_schema.table_privileges WHERE table_name = 'readings' AND grantee = current_user
