# A Go program with cgo: goroutines, net/http to itself, locked threads, signals, preemption.
# needs: go
under "$BUILT/go_net"
cost "$(cat http-seconds)" # the rest waits for timers and the disk
