// SPDX-License-Identifier: Apache-2.0
//
// The other side of a ProcessPool (process_pool.h): a program that takes jobs at its standard input and answers them at
// its standard output.
//
//   int main(int argc, char** argv) {
//     if (argc > 1 && argv[1] == std::string_view("--worker")) return RunProcessWorker(Digest);
//     ...
//   }
//
// where Digest is a function from a std::string_view to a std::string. It computes; it may take long, and may throw. In
// a simulated run:
//
//   sim::AddProgram("digest", [](sim::ProcessContext& process) -> Coro<int> {
//     co_await ServeProcessJobs(process.In(), process.Out(), Digest);
//     co_return 0;
//   });
//
// where a computation takes no time; a coroutine in the place of Digest can let it take some.
//
// A worker has no loop and no thread beside the one that computes. What it prints goes to its standard error: its
// output belongs to the pool. It ends when its input does.
//
// Order.          One job after the other.
// Suspension.     RunProcessWorker() blocks its thread. ServeProcessJobs() suspends while it reads and writes; `fn`
//                 runs within a step.
// Cancellation.   A cancelled ServeProcessJobs() has answered each job that it has read but the last.
// Errors.         What `fn` throws is told to whoever asked, as the error of that job. RunProcessWorker() returns 1 if
//                 its input is no pool's, with a sentence at standard error, else 0.
// Threads.        One.
#ifndef DETENT_RUNTIME_IO_PROCESS_WORKER_H_
#define DETENT_RUNTIME_IO_PROCESS_WORKER_H_

#include <functional>
#include <source_location>
#include <string>
#include <string_view>

#include "detent/runtime/coro.h"
#include "detent/runtime/io/connection.h"

namespace detent {

using ProcessJob = std::function<std::string(std::string_view job)>;
using SlowProcessJob = std::function<Coro<std::string>(std::string job)>;

int RunProcessWorker(const ProcessJob& fn);

// `in` and `out` must live until it has ended.
Coro<> ServeProcessJobs(Connection& in, Connection& out, SlowProcessJob fn,
                        std::source_location where = std::source_location::current());
Coro<> ServeProcessJobs(Connection& in, Connection& out, ProcessJob fn,
                        std::source_location where = std::source_location::current());

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_PROCESS_WORKER_H_
