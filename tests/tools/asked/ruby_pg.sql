-- types with the functions that read them
-- = 16|bool|0|,|boolin
-- = 1007|_int4|23|,|array_in
SELECT t.oid, t.typname, t.typelem, t.typdelim, ti.proname AS typinput FROM pg_type as t JOIN pg_proc as ti ON ti.oid = t.typinput WHERE t.oid IN (16,
1007) ORDER BY 1

-- functions of types by name
-- = _int4
-- = bool
SELECT t.typname FROM pg_type t WHERE t.typinput = 'boolin'::regproc OR t.typinput = 'array_in(cstring,oid,integer)'::regprocedure AND t.oid = 1007
ORDER BY 1

-- types of Active Record
-- = 23|int4|0|,|int4in|NULL|b|0
-- = 1007|_int4|23|,|array_in|NULL|b|0
SELECT t.oid, t.typname, t.typelem, t.typdelim, t.typinput, r.rngsubtype, t.typtype, t.typbasetype FROM pg_type as t LEFT JOIN pg_range as r ON oid =
rngtypid WHERE t.typname IN ('int4') OR t.typelem IN (23) AND t.typinput = 'array_in(cstring,oid,integer)'::regprocedure ORDER BY t.oid
