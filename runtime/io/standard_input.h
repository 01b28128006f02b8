// SPDX-License-Identifier: Apache-2.0
//
// StandardInput: what the program is given to read, as a stream: a pipe, a terminal, a file, a socket.
//
//   Connection input = StandardInput();
//   for (std::string line; !(line = co_await input.ReadLine()).empty();) Obey(line);
//
// It is only to read from. Descriptor 0 is left as it is: not made non-blocking, which whoever shares it would notice
// (the shell, another program of the pipeline, this one's own printf() to a terminal), and not closed by Close(). A
// pipe or a terminal is opened a second time; where the system refuses that, and for a regular file, it is read on the
// threads of files (file.h). From a file it is read where the descriptor stands, which moves.
//
// A line of a terminal comes when it is complete; Control-D at the beginning of one is the end of the stream.
//
// In a program that was started with descriptor 0 closed it is empty: the first loop opens /dev/null there, as in the
// place of any standard stream, so that no socket becomes the standard input or takes what is printed.
//
// On a simulated loop it is empty, unless the test feeds it: sim::FeedStandardInput().
//
// Order.         Those of any Connection, as all that follows but for the errors.
// Suspension.    StandardInput() never.
// Cancellation.  A cancelled read took nothing.
// Errors.        std::system_error with EBADF if descriptor 0 is not open. std::invalid_argument if it cannot be read
//                from. InvalidStateError while another one is open, which would take some of the bytes; outside a
//                running loop.
// Ownership.     What was read ahead, up to 64 kilobytes, and nobody has taken goes with the Connection.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_IO_STANDARD_INPUT_H_
#define DETENT_RUNTIME_IO_STANDARD_INPUT_H_

#include <source_location>

#include "detent/runtime/io/connection.h"

namespace detent {

Connection StandardInput(std::source_location where = std::source_location::current());

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_STANDARD_INPUT_H_
