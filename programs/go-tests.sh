# Go's own tests of os/signal, and of its runtime those with cgo: preemption, foreign threads, signals, masks over an exec.
# needs: go /usr/lib/go/src/runtime/testdata/testprogcgo
# user: root
# modes: rewrite
# timeout: 180
# processes: 20
# measure: no
export GOTRACEBACK=none HOME=$PWD GOFLAGS=-mod=mod GOPROXY=off
go test -c -ldflags=-linkmode=external -o signal.test os/signal
cp -r /usr/lib/go/src/runtime/testdata/testprogcgo .
cd testprogcgo || exit
printf 'module testprogcgo\ngo 1.19\n' >go.mod
go build -ldflags=-linkmode=external -o ../progcgo . 2>/dev/null
cd ..
under ./signal.test -test.short -test.v >log 2>&1 || cat log
sed -n 's/^--- \(.*\) (.*/\1/p' log | sort
for part in CgoSignalDeadlock CgoCallbackGC CgoExternalThreadSignal CgoExternalThreadPanic CgoExecSignalMask \
    CgoPanicDeadlock CgoCCodeSIGPROF NumGoroutine SigStackSwapping NeedmDeadlock EnsureDropM Segv SegvInCgo \
    TracebackContextPreemption CgoRaceSignal; do
    status=0
    TIME=/dev/null under timeout 60 ./progcgo $part 2>/dev/null || status=$?
    echo "$part $status"
done
