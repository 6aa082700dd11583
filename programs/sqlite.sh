# 100,000 rows inserted, indexed, updated and read; then 500 transactions of one row each.
# coverage: 99.5 99.8
# needs: sqlite3
# modes: rewrite guest
{
    echo "PRAGMA journal_mode=WAL; CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, size INTEGER);"
    echo "BEGIN;"
    seq 100000 | awk '{ printf "INSERT INTO item VALUES (%d, '\''name %d'\'', %d);\n", $1, ($1 * 7919) % 100003, ($1 * 31) % 977
                        if ($1 % 5000 == 0) print "COMMIT; BEGIN;" }'
    echo "COMMIT;"
    seq 500 | awk '{ printf "UPDATE item SET size = size + 1 WHERE id = %d;\n", $1 * 101 }'
    cat <<'SQL'
CREATE INDEX by_name ON item (name);
SELECT count(*), sum(size), min(name), max(name) FROM item;
SELECT id, name, size FROM item WHERE id % 1000 = 7 ORDER BY name;
PRAGMA integrity_check;
VACUUM;
SELECT count(*), sum(size) FROM item;
SQL
} >script.sql
under sqlite3 database <script.sql
SETTINGS="" under sqlite3 database 'SELECT sum(size) FROM item; PRAGMA integrity_check;'
