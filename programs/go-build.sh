# go build, vet, generate and test of a small module (a static program that runs itself), with a cache of its own.
# coverage: 97 98
# needs: go
# user: root
# modes: rewrite command guest
# timeout: 180
# processes: 100
export HOME=$PWD GOPATH=$PWD/gopath GOCACHE=$PWD/cache GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local
mkdir -p small/words
for file in go.mod main.go words/words.go words/words_test.go; do cp "$SRC/gomod/$file.txt" "small/$file"; done
cd small
under go generate ./...
under go vet ./...
under go build -o small .
status=0
under go test ./words | sed 's/[0-9.]*s$//' || status=$?
TIME=/dev/null under go test ./words | sed 's/[0-9.]*s$//; s/(cached)//'
echo "status $status"
TIME=/dev/null under ./small
TIME=/dev/null under go run . || echo "status $?"
TIME=/dev/null under go list -f '{{.ImportPath}} {{.Imports}}' ./...
echo 'broken' >>words/words.go
TIME=/dev/null under go build ./... 2>&1 || echo "status $?"
