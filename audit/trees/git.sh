# needs: git
# A repository: commits, a branch and a merge, gc, a clone, log and diff through pipes.
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
export GIT_AUTHOR_DATE='2024-02-29 12:00:00 +0000' GIT_COMMITTER_DATE='2024-02-29 12:00:00 +0000' GIT_CONFIG_NOSYSTEM=1
git init -q -b main one && cd one
for i in {1..8}; do seq "$i" $((i * 50)) >"file$i"; git add .; git commit -qm "number $i"; done
git checkout -q -b side HEAD~3; echo side >side; git add side; git commit -qm side
git checkout -q main; git merge -q -m merged side
git gc -q
cd .. && git clone -q one two && cd two
git log --oneline --graph | cat
git diff HEAD~2 --stat | cat
git fsck --no-progress
git grep -c 7 | sed -n 1,3p
