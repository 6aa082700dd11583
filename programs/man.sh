# A manual page rendered by man, through preconv, tbl and groff; and looked up.
# needs: man groff
# modes: rewrite command
# user: root
# processes: 40
cat >page.1 <<'PAGE'
.TH PAGE 1 2024-02-29
.SH NAME
page \- a page
.SH DESCRIPTION
It has \fBbold\fR and \fIitalic\fR words, and a table:
.TS
l l.
one	1
two	2
.TE
.EX
an example
.EE
.SH SEE ALSO
.BR man (1)
PAGE
export MANWIDTH=80 MAN_KEEP_FORMATTING=1 MANPAGER=cat PAGER=cat
under man -l page.1
under man -Tps -l page.1 | grep -c '^[^%]'
under groff -man -t -Tascii page.1 | md5sum
gzip page.1
mkdir -p man/man1 && mv page.1.gz man/man1
under man -M "$PWD/man" -P 'sed s/^/paged:/' 1 page
under man -M "$PWD/man" nothing 2>&1 || echo "status $?"
MAN_DISABLE_SECCOMP=1 under man -l man/man1/page.1.gz | md5sum
