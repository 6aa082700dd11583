# needs: tar gzip xz
# tar with external compressors.
mkdir files; for i in {1..60}; do seq "$i" 400 >"files/$i"; done
for how in gzip xz; do
    tar --sort=name -cf "a.$how" -I $how files && mkdir "$how" && tar -xf "a.$how" -I $how -C "$how"
    diff -r files "$how/files" && tar -tf "a.$how" -I $how | md5sum
done
