// goroutines and threads, net/http to itself, timers, signals, files, and calls into C. Linked with cgo.
package main

/*
#include <unistd.h>
#include <sys/syscall.h>
static long twice(long n) { return syscall(SYS_getpid) > 0 ? 2 * n : -1; }
*/
import "C"

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func must(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func httpToItself() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %x", r.URL.Path, sha256.Sum256(body))
	})}
	go server.Serve(listener)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	var bytes int64
	var all sync.WaitGroup
	for worker := 0; worker < 8; worker++ {
		all.Add(1)
		go func(worker int) {
			defer all.Done()
			for i := 0; i < 2000; i++ {
				answer, err := client.Get(fmt.Sprintf("http://%s/%d/%04d", listener.Addr(), worker, i))
				must(err)
				text, err := io.ReadAll(answer.Body)
				must(err)
				answer.Body.Close()
				atomic.AddInt64(&bytes, int64(len(text)))
			}
		}(worker)
	}
	all.Wait()
	must(server.Close())
	fmt.Println("http bytes:", bytes)
}

func lockedThreads() {
	var sum int64
	var all sync.WaitGroup
	for i := 0; i < 40; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			runtime.LockOSThread() // the thread ends with the goroutine
			syscall.Nanosleep(&syscall.Timespec{Nsec: 1000000}, nil)
			atomic.AddInt64(&sum, int64(C.twice(C.long(i))))
		}(i)
	}
	all.Wait()
	fmt.Println("sum from C:", sum)
}

func signals() {
	arrived := make(chan os.Signal, 100)
	signal.Notify(arrived, syscall.SIGUSR1, syscall.SIGUSR2)
	for i := 0; i < 50; i++ {
		want := []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2}[i%2]
		must(syscall.Kill(os.Getpid(), want))
		if got := <-arrived; got != want {
			fmt.Println("signal", got, "instead of", want)
		}
	}
	fmt.Println("signals: 50")
}

func nilIsCaught() {
	defer func() { fmt.Println("recovered:", recover()) }()
	var pointer *int
	fmt.Println(*pointer)
}

// Goroutines that never yield are preempted by signals.
func preemption() {
	var stop int32
	for i := 0; i < runtime.NumCPU(); i++ {
		go func() {
			for n := 0; atomic.LoadInt32(&stop) == 0; n++ {
			}
		}()
	}
	ticks := 0
	for range time.NewTicker(2 * time.Millisecond).C {
		if ticks++; ticks == 30 {
			break
		}
		if ticks%10 == 0 {
			runtime.GC()
		}
	}
	atomic.StoreInt32(&stop, 1)
	fmt.Println("ticks:", ticks)
}

func files() {
	folder, err := os.MkdirTemp(".", "go")
	must(err)
	var all sync.WaitGroup
	for i := 0; i < 8; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			for j := 0; j < 100; j++ {
				name := filepath.Join(folder, fmt.Sprintf("%d-%d", i, j))
				must(os.WriteFile(name, []byte(name), 0o600))
				_, err := os.ReadFile(name)
				must(err)
			}
		}(i)
	}
	all.Wait()
	entries, err := os.ReadDir(folder)
	must(err)
	must(os.RemoveAll(folder))
	fmt.Println("files:", len(entries))
}

func main() {
	start := time.Now()
	httpToItself()
	must(os.WriteFile("http-seconds", []byte(fmt.Sprint(time.Since(start).Seconds(), "\n")), 0o644))
	lockedThreads()
	signals()
	nilIsCaught()
	preemption()
	files()
}
