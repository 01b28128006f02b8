// SPDX-License-Identifier: Apache-2.0
//
// A corpus: programs with the traces that CPython gave, many in one file.
//
//   # A comment, at the top of the file only.
//   program crowd-1234
//   {"format": 1, ...}                       one line
//   t=0 task=T0 start                        the trace
//   ...
//   program next-one
#ifndef DETENT_TESTING_CONFORMANCE_CORPUS_H_
#define DETENT_TESTING_CONFORMANCE_CORPUS_H_

#include <string>
#include <vector>

namespace detent_testing::conformance {

struct CorpusEntry {
  std::string name;
  std::string program;
  std::string trace;
};

// Throws std::runtime_error if there is no such file, or no program in it.
std::vector<CorpusEntry> ReadCorpus(const std::string& file);

}  // namespace detent_testing::conformance

#endif  // DETENT_TESTING_CONFORMANCE_CORPUS_H_
