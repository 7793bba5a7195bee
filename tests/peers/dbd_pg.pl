#!/usr/bin/env perl
# What DBD::Pg gets from a server: a line for each check, `name<TAB>value`.
#
#     dbd_pg.pl HOST PORT DATABASE USER PASSWORD
use strict;
use warnings;
use DBI;
use DBD::Pg qw(:pg_types :async);
use Data::Dumper;

($Data::Dumper::Indent, $Data::Dumper::Terse, $Data::Dumper::Sortkeys, $Data::Dumper::Useqq) = (0, 1, 1, 1);
my ($host, $port, $database, $user, $password) = @ARGV;
my %options = (RaiseError => 1, PrintError => 0, AutoCommit => 1, pg_enable_utf8 => 1);
my $db = DBI->connect("dbi:Pg:host=$host;port=$port;dbname=$database", $user, $password, \%options);

sub check {
    my ($name, $call) = @_;
    my $found = eval { Dumper($call->()) };
    if (!defined $found) {
        $found = '!' . ($db->state // '');
        eval { $db->rollback unless $db->{AutoCommit} };
    }
    print "$name\t$found\n";
}

my $rows = "(SELECT n::int4 AS n, n::float8 / 8 AS value, timestamptz '2026-04-28 10:00:00.25Z' + n * interval '1 minute' AS ts "
    . 'FROM generate_series(1, 120) AS n) AS r';
for my $text (
    "SELECT 1::int2, 3::int8, 0.1::float8, 1.50::numeric(10, 2), interval '1 day', '\\x00ff'::bytea, NULL, false",
    "SELECT ARRAY[1, 2]::int[], ARRAY['a', 'b']::text[]",
    "SELECT ts, value FROM $rows ORDER BY n LIMIT 2",
    'SELEC', 'SELECT 1 FROM nothing', 'SELECT 1 / 0', "SELECT 'x'::int4",
    )
{
    check($text, sub { $db->selectall_arrayref($text) });
}
my $counted = "SELECT count(*) FROM $rows WHERE";
check('values', sub { $db->selectall_arrayref("$counted n > ? AND ts >= ? AND value < ?", {}, 1, '2026-04-28 11:00+00', 10.5) });
check('a list', sub { $db->selectall_arrayref("$counted n = ANY(?)", {}, [1, 3]) });
check('a default', sub { $db->selectall_arrayref("SELECT coalesce(?, value) FROM $rows WHERE n = 1", {}, 2.5) });
check('often', sub {
    my $statement = $db->prepare('SELECT ?::int4 + 1, ?::text, ?::bool', { pg_prepare_now => 1 });
    [map { $statement->execute($_, 'x', 1); $statement->fetchall_arrayref } 1 .. 3];
});
check('bytes', sub {
    my $statement = $db->prepare('SELECT ?');
    $statement->bind_param(1, "\0\xff", { pg_type => PG_BYTEA });
    $statement->execute;
    $statement->fetchall_arrayref;
});
check('savepoints', sub {
    $db->begin_work;
    $db->pg_savepoint('a');
    eval { $db->do('SELECT 1 / 0') };
    $db->pg_rollback_to('a');
    my $found = $db->selectall_arrayref('SELECT 5::int4');
    $db->commit;
    $found;
});
check('a cursor', sub {
    $db->begin_work;
    $db->do("DECLARE c CURSOR FOR SELECT value FROM $rows ORDER BY n");
    my $found = $db->selectall_arrayref('FETCH 3 FROM c');
    $db->commit;
    $found;
});
check('a copy', sub {
    $db->do("COPY (SELECT n, value FROM $rows ORDER BY n LIMIT 3) TO STDOUT");
    my ($line, @lines);
    push @lines, $line while $db->pg_getcopydata($line) >= 0;
    \@lines;
});
check('cancelled', sub {
    my $text = 'SELECT count(*) FROM generate_series(1, 3000000) AS a, generate_series(1, 3000) AS b';
    my $statement = $db->prepare($text, { pg_async => PG_ASYNC });
    $statement->execute;
    $db->pg_cancel;
    $db->selectall_arrayref("SELECT 'goes on'");
});
check('a primary key', sub { [$db->primary_key('', 'public', 'readings')] });
check('columns', sub { [map { [@$_[3, 4, 5]] } @{ $db->column_info('', 'public', 'readings', '%')->fetchall_arrayref }] });
check('a table', sub { [map { [@$_[1, 2, 3]] } @{ $db->table_info('', 'public', 'readings', 'TABLE')->fetchall_arrayref }] });
$db->disconnect;
