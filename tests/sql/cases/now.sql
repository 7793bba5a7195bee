-- The present is one instant for the whole query, later than every reading of these, and can be computed with.
SELECT count(*) AS n, now() - now() = INTERVAL '0 seconds' AS one_instant, bool_and(now() > ts) AS past FROM readings WHERE ts < now() - INTERVAL '1 minute'
