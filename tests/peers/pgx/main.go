// What pgx gets from a server: lines that it prints.
//
//	main.go HOST PORT DATABASE USER PASSWORD
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

func rows(r pgx.Rows, err error) (out []interface{}, e error) {
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for r.Next() {
		v, err := r.Values()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, r.Err()
}

func main() {
	ctx := context.Background()
	address := fmt.Sprintf("postgres://%s:%s@%s:%s/%s", os.Args[4], os.Args[5], os.Args[1], os.Args[2], os.Args[3])
	pool, err := pgxpool.Connect(ctx, address)
	if err != nil {
		fmt.Println("connect", err)
		os.Exit(1)
	}
	eleven := time.Date(2026, 4, 28, 11, 0, 0, 0, time.UTC)
	ask := func(text string, values ...interface{}) {
		found, err := rows(pool.Query(ctx, text, values...))
		if pg, ok := err.(*pgconn.PgError); ok {
			fmt.Printf("%s\t!%s\n", text, pg.Code)
		} else if err != nil {
			fmt.Printf("%s\t!%v\n", text, err)
		} else {
			fmt.Printf("%s\t%v\n", text, found)
		}
	}
	ask("SELECT 1::int2, 2::int4, 3::int8, 1.5::float4, 0.1::float8, 'x'::text, true AS b, date '2026-04-28', timestamptz '2026-04-28 11:00:00Z', interval '3 days 00:00:04'")
	ask("SELECT ARRAY[1, 2]::int4[] AS a, ARRAY['a', NULL]::text[] AS b")
	ask("SELECT $1::int4, $2::text, $3::bool, $4::float8, $5::timestamptz, $6::date, $7::interval", 5, "x", true, 1.5, eleven, eleven, time.Minute)
	ask("SELECT $1::int4[], $2::text[], $3::float8[], $4::timestamptz[]", []int32{1, 2}, []string{"a"}, []float64{1.5}, []time.Time{eleven})
	ask("SELECT $1::numeric(10, 2), $2::bytea", "1.50", []byte{0, 255})
	ask("SELECT count(*) FROM generate_series(1, 5) AS n WHERE n = ANY($1)", []int64{1, 3})
	ask("SELECT count(*) FROM (SELECT timestamptz '2026-04-28 10:00Z' + n * interval '1 minute' AS ts FROM generate_series(1, 120) AS n) AS r WHERE ts BETWEEN $1 AND $1 + interval '30 minutes'", eleven)
	ask("SELECT coalesce($1, 2.5::float8), CASE WHEN $2 THEN 'a' ELSE $3 END", nil, true, "b")
	ask("SELECT n::int4 FROM generate_series(1, 5) AS n ORDER BY n LIMIT $1 OFFSET $2", 2, 1)
	for _, wrong := range []string{"SELEC", "SELECT 1 FROM nothing", "SELECT 1 / 0", "SELECT 'x'::int4"} {
		ask(wrong)
	}
	batch := &pgx.Batch{}
	for each := 0; each < 5; each++ {
		batch.Queue("SELECT $1::int4 + 1", each)
	}
	results := pool.SendBatch(ctx, batch)
	for each := 0; each < 5; each++ {
		fmt.Println(rows(results.Query()))
	}
	results.Close()
	tx, err := pool.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	fmt.Println(err)
	fmt.Println(rows(tx.Query(ctx, "SELECT 1::int4")))
	fmt.Println(tx.Commit(ctx))
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	_, err = rows(pool.Query(short, "SELECT count(*) FROM generate_series(1, 3000000) AS a, generate_series(1, 3000) AS b"))
	fmt.Println("timed out", err != nil)
	ask("SELECT 'after'")
	conn, err := pgx.Connect(ctx, address+"?statement_cache_mode=describe")
	fmt.Println(err)
	fmt.Println(rows(conn.Query(ctx, "SELECT $1::int4, $2::timestamptz", 1, eleven)))
	fmt.Println(rows(conn.Query(ctx, "SELECT $1::int4, $2::text, $3::timestamptz", pgx.QuerySimpleProtocol(true), 1, "it's", eleven)))
	conn.Close(ctx)
}
