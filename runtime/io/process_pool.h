// SPDX-License-Identifier: Apache-2.0
//
// ProcessPool: work that only computes, on other processors: a few child processes that take one job after the other.
// asyncio's run_in_executor() with a ProcessPoolExecutor.
//
//   ProcessPool pool(Command("/proc/self/exe", "--worker"), {.workers_max = 4});   // this program again
//   std::string digest = co_await pool.Run("bytes to digest");
//
// A job is bytes, and so is its result; process_worker.h is the worker's side, and shows a main(). A worker is started
// by exec when a job finds none free, and kept for the next. It shares nothing with this program, as after a fork() it
// would: what it needs is in its command and in the job.
//
// Order.          Jobs begin in the order in which Run() was called, as workers become free.
// Suspension.     Run() until a worker is free, and until it has answered. So no more than `workers_max` jobs are with
//                 the workers; the others are still their callers'.
// Cancellation.   A cancelled Run() that has a worker kills it, since nothing else stops a computation; another is
//                 started when one is needed. One that waits for a worker leaves no trace.
// Errors.         ProcessJobError if the job threw, with the text; the worker goes on. ProcessWorkerError if the worker
//                 ended before it answered, by a signal or by itself: the job may have been done, and is not tried
//                 again; the next job gets another worker, and so does one whose worker ended before it had all of it.
//                 std::system_error if a worker cannot be started. std::invalid_argument for a `workers_max` below 1.
//                 InvalidStateError if the pool is destroyed before a worker was free.
// Ownership.      Neither copied nor moved. Workers that are free when it goes are killed and reaped; one that computes
//                 when its Run() ends. The end of the loop leaves none.
// Threads.        The loop's own thread only.
#ifndef DETENT_RUNTIME_IO_PROCESS_POOL_H_
#define DETENT_RUNTIME_IO_PROCESS_POOL_H_

#include <cstddef>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>

#include "detent/runtime/coro.h"
#include "detent/runtime/io/command.h"

namespace detent {

namespace internal {
class ProcessPoolState;
}

// The job threw an exception, whose text this is.
class ProcessJobError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The worker of the job is no more, or has not kept to the protocol.
class ProcessWorkerError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Trivially destructible (rule R10).
struct ProcessPoolOptions {
  // How many there are at most. A number, not that of the processors: a program asks nothing about where it runs.
  int workers_max = 4;
  // A result of more bytes is a ProcessWorkerError.
  size_t result_max = size_t{64} * 1024 * 1024;
};

class ProcessPool {
 public:
  explicit ProcessPool(Command worker, ProcessPoolOptions options = ProcessPoolOptions());
  ~ProcessPool();
  ProcessPool(const ProcessPool&) = delete;
  ProcessPool& operator=(const ProcessPool&) = delete;

  // What the workers' function gives for `job`.
  Coro<std::string> Run(std::string job, std::source_location where = std::source_location::current());

  // How many workers run, and how many of them have a job.
  size_t WorkerCount() const;
  size_t BusyCount() const;

 private:
  const std::shared_ptr<internal::ProcessPoolState> state_;  // Kept by each Run() too.
};

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_PROCESS_POOL_H_
