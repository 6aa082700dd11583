# needs: go
# timeout: 200
# go build and go test of a small module without cgo; its static program, which starts others and itself again.
export GOCACHE=$PWD/cache GOPATH=$PWD/path GOMODCACHE=$PWD/mod CGO_ENABLED=0 GOPROXY=off GOTELEMETRY=off
mkdir m && cd m
cat >go.mod <<'X'
module example.com/m
go 1.19
X
cat >main.go <<'X'
package main

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
)

func Add(a, b int) int { return a + b }

func main() {
	if len(os.Args) > 1 {
		fmt.Println("again:", os.Args[1:])
		return
	}
	out, err := exec.Command("/proc/self/exe", "self").CombinedOutput()
	fmt.Printf("%s%v\n", out, err)
	var all sync.WaitGroup
	for i := 0; i < 8; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for j := 0; j < 200; j++ {
				os.Stat("/")
			}
			exec.Command("/bin/true").Run()
		}()
	}
	all.Wait()
	fmt.Println(Add(2, 3), exec.Command("/bin/sh", "-c", "exit 7").Run())
}
X
cat >main_test.go <<'X'
package main

import "testing"

func TestAdd(t *testing.T) {
	if Add(2, 2) != 4 {
		t.Fatal("wrong")
	}
}
X
go build -o m && ./m
go test ./... | awk '{ print $1, $2 }'
