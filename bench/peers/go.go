// SPDX-License-Identifier: Apache-2.0

// Go with one thread for goroutines. `go ROW` prints nanoseconds of CPU time an operation; the row "echo" is a server for
// bench/echo.h. A function call stands for no row: W3 is left out.
package main

import (
	"fmt"
	"math/rand"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

func cpu() int64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func require(condition bool) {
	if !condition {
		panic("wrong result")
	}
}

func yields(ops int) {
	var group sync.WaitGroup
	done := 0
	for task := 0; task < 2; task++ {
		group.Add(1)
		go func() {
			for i := 0; i < ops/2; i++ {
				runtime.Gosched()
				done++
			}
			group.Done()
		}()
	}
	group.Wait()
	require(done == ops)
}

func spawns(ops int) {
	sum := 0
	result := make(chan int)
	for i := 0; i < ops; i++ {
		go func(value int) { result <- value }(i)
		sum += <-result
	}
	require(sum == ops*(ops-1)/2)
}

func queue(ops, capacity int) {
	items := make(chan int, capacity)
	go func() {
		for i := 0; i < ops; i++ {
			items <- i
		}
	}()
	sum := 0
	for i := 0; i < ops; i++ {
		sum += <-items
	}
	require(sum == ops*(ops-1)/2)
}

func timers(ops int) {
	armed := make([]*time.Timer, ops)
	for i := range armed {
		armed[i] = time.AfterFunc(time.Hour+time.Duration(rand.Int63n(int64(time.Hour))), func() {})
	}
	for _, timer := range armed {
		require(timer.Stop())
	}
}

func sleeps(ops int) {
	var group sync.WaitGroup
	for i := 0; i < ops; i++ {
		group.Add(1)
		go func(d time.Duration) {
			time.Sleep(d)
			group.Done()
		}(time.Duration(rand.Int63n(int64(time.Second / 2))))
	}
	group.Wait()
}

func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require(err == nil)
	fmt.Println("port", listener.Addr().(*net.TCPAddr).Port)
	for {
		connection, err := listener.Accept()
		require(err == nil)
		go func() {
			buffer := make([]byte, 64*1024)
			for {
				size, err := connection.Read(buffer)
				if err != nil {
					connection.Close()
					return
				}
				connection.Write(buffer[:size])
			}
		}()
	}
}

func main() {
	runtime.GOMAXPROCS(1)
	row := ""
	if len(os.Args) == 2 {
		row = os.Args[1]
	}
	ops := 1000000
	start := cpu()
	switch row {
	case "W1":
		yields(ops)
	case "W2":
		spawns(ops)
	case "W5.64":
		queue(ops, 64)
	case "W5.1":
		queue(ops, 1)
	case "W6t":
		ops = 100000
		timers(ops)
	case "W6r":
		ops = 100000
		sleeps(ops)
	case "echo":
		serve()
	default:
		fmt.Fprintln(os.Stderr, "usage: go W1|W2|W5.64|W5.1|W6t|W6r|echo")
		os.Exit(2)
	}
	fmt.Println(float64(cpu()-start) / float64(ops))
}
