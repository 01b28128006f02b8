// SPDX-License-Identifier: Apache-2.0
//
// OpenOptions: how OpenFile() opens. Users get it with runtime/io/file.h.
#ifndef DETENT_RUNTIME_IO_INTERNAL_OPEN_OPTIONS_H_
#define DETENT_RUNTIME_IO_INTERNAL_OPEN_OPTIONS_H_

namespace detent {

// Trivially destructible (rule R10).
struct OpenOptions {
  // What the file is opened for: at least one of the two.
  bool read = true;
  bool write = false;
  // Makes the file if there is none. Needs `write`, as the next two do.
  bool create = false;
  // Fails with EEXIST if there is one. Needs `create`.
  bool exclusive = false;
  // Empties it.
  bool truncate = false;
  // The permissions of a file that is made, less the process's umask.
  int mode = 0666;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_INTERNAL_OPEN_OPTIONS_H_
