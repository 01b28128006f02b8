// SPDX-License-Identifier: Apache-2.0
//
// FileInfo: what StatFile() says of a file or a directory. Users get it with runtime/io/file.h.
#ifndef DETENT_RUNTIME_IO_INTERNAL_FILE_INFO_H_
#define DETENT_RUNTIME_IO_INTERNAL_FILE_INFO_H_

#include <cstdint>

#include "absl/time/time.h"

namespace detent {

class FileInfo {
 public:
  FileInfo() {}

  int64_t size = 0;  // Bytes; of a directory whatever the system says.
  bool is_directory = false;
  int mode = 0;         // The permissions, such as 0644.
  absl::Time modified;  // When the bytes, or the names in the directory, changed last.
};

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_INTERNAL_FILE_INFO_H_
