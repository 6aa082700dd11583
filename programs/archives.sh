# tar with compressors as programs of their own (gzip, bzip2, xz, zstd), split volumes, checkpoints; dpkg-deb.
# needs: tar gzip bzip2 xz zstd dpkg-deb
# modes: rewrite command guest
# processes: 50
cp -R "$TREE/01" "$TREE/02" .
tar --sort=name -cf plain.tar 01 02
for form in gzip bzip2 xz zstd; do
    under tar --sort=name "--$form" -cf "$form.tar" 01 02
    under tar -df "$form.tar"
    mkdir "$form"
    under tar -xf "$form.tar" -C "$form"
    diff -r 01 "$form/01"
    echo "$form $("$form" -dc <"$form.tar" | cmp - plain.tar && echo the same)"
done
under tar -I 'xz -T2 -1' -cf threads.tar 01
under tar -I 'sh -c "gzip -9 $*" --' -cf shell.tar 01 && gzip -t shell.tar
under tar -cf to-command.tar 01/in/file-aaa 01/in/file-aab
under tar -xf to-command.tar --to-command='sh -c "echo \$TAR_FILENAME; wc -l"'
under tar -cf checkpoint.tar --checkpoint=5 --checkpoint-action=exec='echo at $TAR_CHECKPOINT' 01
under xz -T2 -k plain.tar && xz -dc plain.tar.xz | cmp - plain.tar
mkdir -p package/DEBIAN package/usr/share/none
printf 'Package: none\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: nothing\n' >package/DEBIAN/control
cp -R 01 package/usr/share/none
chmod -R go-w package
under dpkg-deb --root-owner-group --build package none.deb
under dpkg-deb --field none.deb
under dpkg-deb --contents none.deb | wc -l
under dpkg-deb --extract none.deb out
diff -r 01 out/usr/share/none/01 && echo extracted
