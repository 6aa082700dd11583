# A Go program with cgo: goroutines, net/http to itself, locked threads, signals, preemption.
# coverage: 97 99.8
# needs: go
# modes: rewrite guest
under "$BUILT/go_net"
cost "$(cat http-seconds)" # the rest waits for timers and the disk
