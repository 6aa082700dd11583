# git on a repository of its own: commits, branches, merges, rebase, hooks, log, gc, clone, fetch, push, bisect, filters.
# coverage: 99.5 99.8
# needs: git
# modes: rewrite trap command guest
# processes: 150
export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_PAGER=cat GIT_EDITOR=true
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@localhost GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@localhost
export GIT_AUTHOR_DATE='2024-02-29T12:00:00Z' GIT_COMMITTER_DATE='2024-02-29T12:00:00Z'
cat >work <<'SH'
set -eu
git config --global init.defaultBranch main
git config --global gc.autoDetach false
git config --global protocol.file.allow always
git config --global advice.detachedHead false
git init -q repository && cd repository
git config core.abbrev 8
cp -R "$TREE/01" "$TREE/02" .
git add . && git commit -q -m first
for number in $(seq 12); do
    echo "$number" >>counted
    seq "$number" 400 >"file-$number"
    git add . && git commit -q -m "commit $number"
done
git log --oneline | cat
git branch side HEAD~6
git checkout -q side
echo side >side && git add side && git commit -q -m side
git merge -q -m merged main && git log --graph --oneline -n 5
git checkout -q -b conflict HEAD~1 && echo other >counted && git commit -q -a -m other
git merge main >merge 2>&1 || echo "merge $?"
grep -c CONFLICT merge
git merge --abort
git checkout -q -b rebased main~3 && echo r >r && git add r && git commit -q -m r
GIT_SEQUENCE_EDITOR='sed -i 1s/pick/reword/' git rebase -q -i main 2>/dev/null
git log --oneline -n 2
printf '#!/bin/sh\necho "hook: $(git rev-parse --abbrev-ref HEAD)"; exit 1\n' >.git/hooks/pre-commit && chmod +x .git/hooks/pre-commit
echo x >x && git add x && git commit -q -m refused 2>&1 || echo "commit $?"
git commit -q --no-verify -m accepted
git config filter.upper.clean 'tr a-z A-Z' && git config filter.upper.smudge 'tr A-Z a-z'
echo '*.up filter=upper' >.gitattributes && echo through a filter >t.up && git add . && git commit -q --no-verify -m filter
git cat-file -p HEAD:t.up; rm t.up; git checkout -q t.up; cat t.up
git config alias.sh '!echo alias of $(pwd | sed "s|.*/||") && git' && git sh rev-parse --verify -q HEAD
git stash -q -u 2>/dev/null; git tag -a -m tag v1; git describe
git bisect start main main~10 >/dev/null
git bisect run sh -c '[ "$(wc -l <counted)" -lt 7 ]' | grep -A 1 'first bad commit' | head -n 1
git bisect reset 2>/dev/null
git gc -q --aggressive --prune=now && git count-objects -v | grep -E '^(count|in-pack|packs)'
git fsck --no-progress
cd ..
git clone -q --no-local repository clone && git clone -q --bare --depth 3 "file://$PWD/repository" bare
cd clone && git checkout -q -b pushed && echo p >p && git add p && git commit -q -m p
git push -q origin pushed && git ls-remote origin | sort
git fetch -q origin && git diff --stat origin/main HEAD | tail -n 1
git archive --format=tar.gz HEAD 01 | tar -tz | wc -l
git format-patch -q -o .. HEAD~2 && git checkout -q -b mailed HEAD~2 && git am -q ../*.patch && git log --oneline -n 1
git submodule --quiet add "$PWD/../bare" sub && git status --short
git grep -c 2999 -- 02 | wc -l
git log --oneline --stat -p | git hash-object --stdin
git nothing 2>/dev/null || echo "git nothing: $?"
SH
under sh work
